/* base/base64.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"

/* RFC 4648 section 10, and what stands at the borders of the alphabet. */
static void test_good(void **state)
{
    static const struct {
        const char *text, *bytes;
        int length;
    } rows[] = {
        {"", "", 0},
        {"Zg==", "f", 1},
        {"Zm8=", "fo", 2},
        {"Zm9v", "foo", 3},
        {"Zm9vYg==", "foob", 4},
        {"Zm9vYmE=", "fooba", 5},
        {"Zm9vYmFy", "foobar", 6},
        {"AZaz09+/", "\x01\x96\xb3\xd3\xdf\xbf", 6},
        {"////", "\xff\xff\xff", 3},
        {"AAAA", "\0\0\0", 3},
        {" Zm\t9v\r\nYm Fy \v\f", "foobar", 6},
        {"Zg = =", "f", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[8];
        assert_int_equal(base64_decode(rows[i].text, strlen(rows[i].text), bytes, sizeof bytes),
                         rows[i].length);
        assert_memory_equal(bytes, rows[i].bytes, (size_t)rows[i].length);
    }
}

static void test_bad(void **state)
{
    static const char *const rows[] = {"Z",     "Zg",    "Zg=",       "Zm8",
                                       "Zg===", "Zm8==", "=",         "==",
                                       "====",  "Z===",  "Zg==Zg==",  "Zg=A",
                                       "Zh==",  "Zm9=",  "Zm9v-",     "Zm9_",
                                       "Zm9.",  "Zm9v=", "Zm9v=====", "\x80\x80\x80\x80"};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[16];
        assert_int_equal(base64_decode(rows[i], strlen(rows[i]), bytes, sizeof bytes),
                         BASE64_MALFORMED);
    }
}

/* Each octet alone: a digit's value, white space or nothing that belongs there. */
static void test_octets(void **state)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (void)state;
    for (int c = 0; c < 256; c++) {
        char text[4] = {(char)c, 'A', '=', '='};
        uint8_t byte = 0;
        const char *at = c == 0 ? NULL : strchr(digits, c);
        int rc = base64_decode(text, sizeof text, &byte, 1);
        if (at != NULL) {
            assert_int_equal(rc, 1);
            assert_int_equal(byte, (at - digits) << 2);
        } else {
            assert_int_equal(rc, BASE64_MALFORMED);
        }
    }
}

static void test_room(void **state)
{
    uint8_t bytes[5] = {0, 0, 0, 0, 7};
    (void)state;
    assert_int_equal(base64_decode("Zm9vYg==", 8, bytes, 4), 4);
    assert_int_equal(base64_decode("Zm9vYmE=", 8, bytes, 4), BASE64_TOO_LONG);
    assert_int_equal(bytes[4], 7);
    assert_int_equal(base64_decode("Zg==", 4, bytes, 0), BASE64_TOO_LONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_octets),
        cmocka_unit_test(test_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
