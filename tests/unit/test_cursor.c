/* base/cursor.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cursor.h"

static const uint8_t bytes[] = {0x01, 0x82, 0x03, 0xff, 0x05, 0x06, 0x07, 0x08, 0x09};

static void test_numbers(void **state)
{
    struct cursor c = cursor_over(bytes, sizeof bytes);
    (void)state;
    assert_int_equal(cursor_left(&c), sizeof bytes);
    assert_int_equal(cursor_u8(&c), 0x01);
    assert_int_equal(cursor_u16(&c), 0x8203);
    assert_true(cursor_u32(&c) == 0xff050607U);
    assert_int_equal(cursor_left(&c), 2);
    assert_false(c.failed);
}

static void test_unaligned(void **state)
{
    (void)state;
    for (size_t start = 0; start <= sizeof bytes - 4; start++) {
        struct cursor c = cursor_over(bytes + start, 4);
        uint32_t expected = (uint32_t)bytes[start] << 24 | (uint32_t)bytes[start + 1] << 16 |
                            (uint32_t)bytes[start + 2] << 8 | bytes[start + 3];
        assert_true(cursor_u32(&c) == expected);
        assert_int_equal(cursor_left(&c), 0);
    }
}

static void test_what_does_not_fit_fails_for_good(void **state)
{
    (void)state;
    for (size_t length = 0; length < 4; length++) {
        struct cursor c = cursor_over(bytes, length);
        assert_int_equal(cursor_u32(&c), 0);
        assert_true(c.failed);
        assert_int_equal(cursor_left(&c), 0);
        assert_int_equal(cursor_u8(&c), 0);
        assert_null(cursor_take(&c, 0));
        struct cursor part = cursor_part(&c, 0);
        assert_true(part.failed);
    }
    struct cursor one = cursor_over(bytes, 1);
    assert_int_equal(cursor_u16(&one), 0);
    assert_true(one.failed);
    struct cursor none = cursor_over(bytes, 0);
    assert_int_equal(cursor_u8(&none), 0);
    assert_true(none.failed);
}

static void test_take(void **state)
{
    struct cursor c = cursor_over(bytes, sizeof bytes);
    (void)state;
    assert_ptr_equal(cursor_take(&c, 0), bytes);
    assert_ptr_equal(cursor_take(&c, 3), bytes);
    assert_ptr_equal(cursor_take(&c, sizeof bytes - 3), bytes + 3);
    assert_ptr_equal(cursor_take(&c, 0), bytes + sizeof bytes);
    assert_false(c.failed);
    assert_null(cursor_take(&c, 1));
    assert_true(c.failed);
    c = cursor_over(bytes, sizeof bytes);
    assert_null(cursor_take(&c, SIZE_MAX));
    assert_true(c.failed);
}

static void test_part(void **state)
{
    struct cursor c = cursor_over(bytes, sizeof bytes);
    (void)state;
    struct cursor part = cursor_part(&c, 2);
    assert_int_equal(cursor_left(&part), 2);
    assert_int_equal(cursor_left(&c), sizeof bytes - 2);
    assert_int_equal(cursor_u16(&part), 0x0182);
    assert_int_equal(cursor_u8(&part), 0);
    assert_true(part.failed);
    assert_false(c.failed);
    struct cursor empty = cursor_part(&c, 0);
    assert_false(empty.failed);
    part = cursor_part(&c, sizeof bytes);
    assert_true(part.failed);
    assert_true(c.failed);
}

static void test_over_nothing(void **state)
{
    struct cursor c = cursor_over(NULL, 0);
    (void)state;
    assert_true(c.failed);
    assert_int_equal(cursor_left(&c), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_what_does_not_fit_fails_for_good),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_part),
        cmocka_unit_test(test_over_nothing),
    };
    return cmocka_run_group_tests_name("cursor", tests, NULL, NULL);
}
