/* The calendar of base/time.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/time.h"

static void test_known(void **state)
{
    static const struct {
        int64_t wall;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:01Z"},
        {86399, "1970-01-01T23:59:59Z"},
        {86400, "1970-01-02T00:00:00Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {951868800, "2000-03-01T00:00:00Z"},
        {INT64_C(1709164800), "2024-02-29T00:00:00Z"},
        {INT64_C(2147483647), "2038-01-19T03:14:07Z"},
        {INT64_C(2147483648), "2038-01-19T03:14:08Z"},
        {INT64_C(4107542400), "2100-03-01T00:00:00Z"},
        {INT64_C(253402300799), "9999-12-31T23:59:59Z"},
        {TIME_RELEASE, "2026-11-01T00:00:00Z"},
        {-1, "1970-01-01T00:00:00Z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[TIME_TEXT_SIZE];
        time_text(rows[i].wall, text);
        assert_string_equal(text, rows[i].text);
    }
}

/* Every day of the range there and back, counted independently of any formula. */
static void test_every_day(void **state)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t days = 0;
    (void)state;
    for (int year = 1970; year <= 9999; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            int last = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= last; day++) {
                if (time_from_civil(year, month, day, 0, 0, 0) != days * 86400)
                    fail_msg("%04d-%02d-%02d", year, month, day);
                days++;
            }
            assert_int_equal(time_from_civil(year, month, last + 1, 0, 0, 0), -1);
            char text[TIME_TEXT_SIZE], expected[TIME_TEXT_SIZE + 16];
            time_text(days * 86400 - 1, text);
            (void)snprintf(expected, sizeof expected, "%04d-%02d-%02dT23:59:59Z", year, month,
                           last);
            assert_string_equal(text, expected);
        }
    }
}

static void test_none(void **state)
{
    static const int rows[][6] = {
        {1969, 12, 31, 0, 0, 0}, {10000, 1, 1, 0, 0, 0}, {2026, 0, 1, 0, 0, 0},
        {2026, 13, 1, 0, 0, 0},  {2026, 1, 0, 0, 0, 0},  {2026, 1, 32, 0, 0, 0},
        {2026, 2, 29, 0, 0, 0},  {2100, 2, 29, 0, 0, 0}, {2026, 4, 31, 0, 0, 0},
        {2026, 1, 1, 24, 0, 0},  {2026, 1, 1, -1, 0, 0}, {2026, 1, 1, 0, 60, 0},
        {2026, 1, 1, 0, -1, 0},  {2026, 1, 1, 0, 0, 61}, {2026, 1, 1, 0, 0, -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(
            time_from_civil(rows[i][0], rows[i][1], rows[i][2], rows[i][3], rows[i][4], rows[i][5]),
            -1);
}

static void test_parts_of_a_day(void **state)
{
    int64_t midnight = time_from_civil(2026, 11, 24, 0, 0, 0);
    (void)state;
    assert_true(time_from_civil(2026, 11, 24, 6, 7, 8) == midnight + 6 * 3600 + 7 * 60 + 8);
    /* A leap second is the first second of the next minute. */
    assert_true(time_from_civil(2026, 11, 24, 23, 59, 60) == midnight + 86400);
    assert_true(time_from_civil(2000, 2, 29, 0, 0, 0) == 951782400);
}

static void test_clock_is_set(void **state)
{
    (void)state;
    assert_int_equal(time_is_set(), time_wall() >= TIME_RELEASE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),        cmocka_unit_test(test_every_day),
        cmocka_unit_test(test_none),         cmocka_unit_test(test_parts_of_a_day),
        cmocka_unit_test(test_clock_is_set),
    };
    return cmocka_run_group_tests_name("civil", tests, NULL, NULL);
}
