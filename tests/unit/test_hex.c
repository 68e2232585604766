/* base/hex.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/hex.h"

static int decode(const char *text, uint8_t *bytes, size_t size)
{
    return hex_decode(text, strlen(text), bytes, size);
}

static void test_digits(void **state)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    (void)state;
    for (int c = -128; c < 256; c++) {
        const char *in_lower = c == 0 ? NULL : strchr(lower, (char)c);
        const char *in_upper = c == 0 ? NULL : strchr(upper, (char)c);
        int expected = in_lower != NULL   ? (int)(in_lower - lower)
                       : in_upper != NULL ? (int)(in_upper - upper)
                                          : -1;
        assert_int_equal(hex_digit((char)c), expected);
    }
}

static void test_good(void **state)
{
    static const struct {
        const char *text;
        int length;
        const char *bytes;
    } rows[] = {
        {"", 0, ""},
        {" \t\r\n", 0, ""},
        {"00", 1, "\0"},
        {"fF", 1, "\xff"},
        {"0123456789abcdef", 8, "\x01\x23\x45\x67\x89\xab\xcd\xef"},
        {"01 23\t45\r\n67 ", 4, "\x01\x23\x45\x67"},
        {"0 1 2 3", 2, "\x01\x23"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[16];
        assert_int_equal(decode(rows[i].text, bytes, sizeof bytes), rows[i].length);
        assert_memory_equal(bytes, rows[i].bytes, (size_t)rows[i].length);
    }
}

static void test_bad(void **state)
{
    static const char *const rows[] = {"0",  "012", "0g",    "0x12",   "12:34",
                                       "-1", "1 ",  "1 2 3", "12\v34", "\xc3\xa9"};
    uint8_t bytes[16];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(decode(rows[i], bytes, sizeof bytes), HEX_MALFORMED);
    assert_int_equal(hex_decode("12\0", 3, bytes, sizeof bytes), HEX_MALFORMED);
}

static void test_bounds(void **state)
{
    uint8_t bytes[4] = {0, 0, 0, 0x5a};
    (void)state;
    assert_int_equal(decode("010203", bytes, 3), 3);
    assert_int_equal(decode("01020304", bytes, 3), HEX_TOO_LONG);
    assert_int_equal(bytes[3], 0x5a);
    assert_int_equal(decode("01", bytes, 0), HEX_TOO_LONG);
    assert_int_equal(decode("", bytes, 0), 0);
    /* Only LENGTH characters are read. */
    assert_int_equal(hex_decode("0102zz", 4, bytes, 3), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits),
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_bounds),
    };
    return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
