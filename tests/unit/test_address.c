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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_given),
        cmocka_unit_test(reads_back),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
