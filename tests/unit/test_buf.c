/* base/buf.h and base/wipe.h */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/wipe.h"

static char memory[256];
static struct buf b;

static int setup(void **state)
{
    (void)state;
    memset(memory, 'x', sizeof memory);
    b = BUF_OVER(memory);
    return 0;
}

static void test_starts_empty(void **state)
{
    (void)state;
    assert_string_equal(memory, "");
    assert_int_equal(b.used, 0);
    assert_int_equal(b.size, sizeof memory);
    assert_false(buf_full(&b));
}

static void test_appends(void **state)
{
    (void)state;
    buf_text(&b, "a");
    buf_char(&b, 'b');
    buf_put(&b, "cdef", 2);
    buf_put(&b, NULL, 0);
    buf_text(&b, "");
    assert_string_equal(memory, "abcd");
    assert_int_equal(b.used, 4);
    buf_reset(&b);
    assert_string_equal(memory, "");
}

static void test_never_past_its_end(void **state)
{
    (void)state;
    for (size_t size = 1; size < 12; size++) {
        memset(memory, 'x', sizeof memory);
        b = buf_over(memory, size);
        buf_text(&b, "01234");
        buf_text(&b, "56789");
        assert_int_equal(buf_full(&b), size < 11);
        assert_int_equal(b.used, size < 11 ? size - 1 : 10);
        assert_int_equal(strlen(memory), b.used);
        assert_memory_equal(memory, "0123456789", b.used);
        for (size_t i = size; i < sizeof memory; i++)
            assert_int_equal(memory[i], 'x');
    }
}

static void test_full_stays_until_reset(void **state)
{
    (void)state;
    b = buf_over(memory, 3);
    buf_text(&b, "abc");
    assert_true(buf_full(&b));
    buf_text(&b, "");
    assert_true(buf_full(&b));
    assert_string_equal(memory, "ab");
    buf_reset(&b);
    assert_false(buf_full(&b));
    buf_text(&b, "ab");
    assert_false(buf_full(&b));
}

static void test_numbers(void **state)
{
    (void)state;
    buf_u64(&b, 0);
    buf_char(&b, ' ');
    buf_u64(&b, UINT64_MAX);
    buf_char(&b, ' ');
    buf_i64(&b, INT64_MIN);
    buf_char(&b, ' ');
    buf_i64(&b, -1);
    buf_char(&b, ' ');
    buf_i64(&b, INT64_MAX);
    assert_string_equal(memory, "0 18446744073709551615 -9223372036854775808 -1 "
                                "9223372036854775807");
}

static void test_hex(void **state)
{
    static const uint8_t bytes[] = {0x00, 0x0f, 0xf0, 0xff};
    (void)state;
    buf_hex(&b, bytes, sizeof bytes);
    assert_string_equal(memory, "000ff0ff");
}

static void test_clean(void **state)
{
    static const char foreign[] = "a\x1b[31m\n\t~ \x7f\x80\xff\0z";
    (void)state;
    buf_clean(&b, foreign, sizeof foreign - 1);
    assert_string_equal(memory, "a?[31m??~ ????z");
}

static void test_duration(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "0s"},        {-5, "0s"},        {1, "1s"},
        {59, "59s"},      {60, "1m"},        {61, "1m 1s"},
        {3600, "1h"},     {3660, "1h 1m"},   {3601, "1h 1s"},
        {86400, "1d"},    {183600, "2d 3h"}, {86401, "1d 1s"},
        {90061, "1d 1h"}, {1800, "30m"},     {INT64_C(8640000), "100d"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_reset(&b);
        buf_duration(&b, rows[i].seconds);
        assert_string_equal(memory, rows[i].text);
    }
}

/* Our formatter against libc's, for all that ours knows. */
#define SAME(format, ...)                                                                          \
    do {                                                                                           \
        char expected[256];                                                                        \
        (void)snprintf(expected, sizeof expected, format, __VA_ARGS__);                            \
        buf_reset(&b);                                                                             \
        buf_printf(&b, format, __VA_ARGS__);                                                       \
        assert_string_equal(memory, expected);                                                     \
    } while (0)

static void test_printf_as_libc(void **state)
{
    (void)state;
    SAME("%s", "text");
    SAME("<%s|%s>", "", "b");
    SAME("%c%c", 'a', '%');
    SAME("100%% of %s", "x");
    SAME("%d %d %d", 0, INT_MIN, INT_MAX);
    SAME("%u %u", 0U, UINT_MAX);
    SAME("%x %x", 0U, 0xdeadbeefU);
    SAME("%ld %lu %lx", LONG_MIN, ULONG_MAX, ULONG_MAX);
    SAME("%lld %llu %llx", LLONG_MIN, ULLONG_MAX, ULLONG_MAX);
    SAME("%zu", (size_t)SIZE_MAX);
    SAME("%02x%02x", 0U, 255U);
    SAME("%04d-%02d", 2026, 1);
    SAME("%5u|%1u", 42U, 42U);
    SAME("%020llu", ULLONG_MAX);
    SAME("%.*s|", 3, "abcdef");
    SAME("%.*s|", 10, "abc");
    SAME("%.*s|", 0, "abc");
}

static void test_printf_bounds(void **state)
{
    /* %.*s never reads past its precision: no NUL here. */
    static const char raw[3] = {'a', 'b', 'c'};
    (void)state;
    buf_printf(&b, "%.*s", 3, raw);
    assert_string_equal(memory, "abc");
    b = buf_over(memory, 5);
    buf_printf(&b, "%s %u", "abc", 123U);
    assert_true(buf_full(&b));
    assert_string_equal(memory, "abc ");
}

static void test_printf_oddities(void **state)
{
    const char *volatile nothing = NULL;
    (void)state;
    buf_printf(&b, "%s", nothing);
    assert_string_equal(memory, "(none)");
}

static void test_wipe(void **state)
{
    static const char zeros[sizeof memory];
    (void)state;
    wipe(memory, 0);
    assert_int_equal(memory[1], 'x');
    wipe(memory, sizeof memory);
    assert_memory_equal(memory, zeros, sizeof memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_starts_empty, setup),
        cmocka_unit_test_setup(test_appends, setup),
        cmocka_unit_test_setup(test_never_past_its_end, setup),
        cmocka_unit_test_setup(test_full_stays_until_reset, setup),
        cmocka_unit_test_setup(test_numbers, setup),
        cmocka_unit_test_setup(test_hex, setup),
        cmocka_unit_test_setup(test_clean, setup),
        cmocka_unit_test_setup(test_duration, setup),
        cmocka_unit_test_setup(test_printf_as_libc, setup),
        cmocka_unit_test_setup(test_printf_bounds, setup),
        cmocka_unit_test_setup(test_printf_oddities, setup),
        cmocka_unit_test_setup(test_wipe, setup),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
