/* IP addresses as text, against RFC 5952 and inet_ntop. */
#include "net/address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static void same_as_given(void **state)
{
    /* RFC 5952 sections 2 to 5, each already in its recommended form. */
    static const char *const texts[] = {
        "0.0.0.0",
        "192.0.2.1",
        "255.255.255.255",
        "::",
        "::1",
        "1::",
        "2001:db8::1",
        "2001:db8:0:1:1:1:1:1",
        "2001:0:0:1::1",
        "2001:db8::1:0:0:1",
        "2001:db8:1:2:3:4:5:6",
        "fe80::abcd:0:ff",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        uint8_t octets[ADDRESS_V6];
        char text[64];
        struct buf b = BUF_OVER(text);
        size_t length = address_read(texts[i], octets);
        assert_int_equal(length, strchr(texts[i], ':') == NULL ? ADDRESS_V4 : ADDRESS_V6);
        address_print(&b, octets, length);
        assert_string_equal(text, texts[i]);
    }
}

static void reads_back(void **state)
{
    (void)state;
    srand(1);
    for (int i = 0; i < 20000; i++) {
        uint8_t octets[ADDRESS_V6], again[ADDRESS_V6];
        char text[64];
        struct buf b = BUF_OVER(text);
        for (size_t k = 0; k < sizeof octets; k++)
            octets[k] = rand() % 3 == 0 ? (uint8_t)rand() : 0;
        address_print(&b, octets, sizeof octets);
        assert_false(buf_full(&b));
        assert_int_equal(inet_pton(AF_INET6, text, again), 1);
        assert_memory_equal(octets, again, sizeof octets);
        if (i % 4 != 0 || strchr(text, '.') != NULL)
            continue;
        char theirs[INET6_ADDRSTRLEN];
        assert_non_null(inet_ntop(AF_INET6, octets, theirs, sizeof theirs));
        /* glibc writes ::1.2.3.4 for the old IPv4-compatible addresses. */
        if (strchr(theirs, '.') == NULL)
            assert_string_equal(text, theirs);
    }
}

static void refuses(void **state)
{
    static const char *const texts[] = {"",         "localhost", "1.2.3",  "1.2.3.4.5", "1.2.3.256",
                                        "[::1]",    ":::",       "1:2:3",  "::g",       "::1%lo",
                                        "1.2.3.4 ", "0x7f.1",    "12345::"};
    uint8_t octets[ADDRESS_V6];
    char text[64] = "";
    struct buf b = BUF_OVER(text);
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(address_read(texts[i], octets), 0);
    memset(octets, 1, sizeof octets);
    for (size_t length = 0; length < ADDRESS_V6; length++) {
        if (length != ADDRESS_V4)
            address_print(&b, octets, length);
    }
    assert_string_equal(text, "");
}

static void has_an_interface(void **state)
{
    static const struct {
        const char *text;
        size_t length;
        uint32_t scope;
    } cases[] = {
        {"fe80::1%7", ADDRESS_V6, 7},
        {"fe80::1%65535", ADDRESS_V6, 65535},
        {"fe80::1", ADDRESS_V6, 0},
        {"192.0.2.1", ADDRESS_V4, 0},
        {"192.0.2.1%7", 0, 0},
        {"fe80::1%", 0, 0},
        {"fe80::1%0", 0, 0},
        {"fe80::1%7x", 0, 0},
        {"fe80::1%no-interface", 0, 0},
        {"fe80::1%-1", 0, 0},
        {"fe80::1%18446744073", 0, 0},
        {"%7", 0, 0},
        {"host.example%7", 0, 0},
        {"", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t octets[ADDRESS_V6];
        uint32_t scope = 99;
        assert_int_equal(address_read_scoped(cases[i].text, octets, &scope), cases[i].length);
        assert_int_equal(scope, cases[i].scope);
    }
    char longer[200] = "fe80::";
    memset(longer + 6, '1', sizeof longer - 7);
    uint8_t octets[ADDRESS_V6];
    uint32_t scope;
    assert_int_equal(address_read_scoped(longer, octets, &scope), 0);
}

/* What asks nobody; the rest is tests/e2e/test_names.py's. */

static void looks_up(void **state)
{
    static const char *const no_names[] = {"", "a b.example", "x@y", "1.2.3.4%5", "::g"};
    struct address_list found;
    struct net_words why;
    (void)state;
    for (size_t i = 0; i < sizeof no_names / sizeof no_names[0]; i++) {
        assert_int_equal(address_look_up(no_names[i], &found, &why), NET_NO_ADDRESS);
        assert_non_null(strstr(why.text, " has no address"));
    }
    assert_int_equal(address_look_up("LocalHost.", &found, &why), 0);
    assert_int_equal(found.count, 2);
    assert_int_equal(address_look_up("fe80::1%3", &found, &why), 0);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.list[0].scope, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_given),    cmocka_unit_test(reads_back), cmocka_unit_test(refuses),
        cmocka_unit_test(has_an_interface), cmocka_unit_test(looks_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
