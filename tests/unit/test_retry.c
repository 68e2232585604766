/* http/retry.h over its whole range. */
#include "http/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const uint32_t randoms[] = {0,          1,          2,          499,       500,
                                   501,        999,        1000,       16000,     65535,
                                   0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};
#define RANDOMS (sizeof randoms / sizeof randoms[0])

static void test_status(void **state)
{
    static const int passing[] = {408, 425, 429, 500, 502, 503, 504};
    (void)state;
    for (int status = -1; status < 1100; status++) {
        bool wanted = status >= 520 && status <= 530;
        for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
            wanted |= status == passing[i];
        assert_int_equal(retry_status(status), wanted);
    }
}

static void test_doubles_with_jitter(void **state)
{
    (void)state;
    for (size_t i = 0; i < RANDOMS; i++) {
        struct retry r = retry_make(INT64_MAX);
        int64_t later = -5, whole = 1000;
        for (unsigned attempt = 1; attempt < RETRY_ATTEMPTS_MOST; attempt++, whole *= 2) {
            int64_t pause = retry_pause(&r, -1, randoms[i], &later);
            assert_in_range(pause, whole / 2, whole);
            assert_int_equal(later, 0);
            assert_int_equal(r.attempts, attempt);
        }
        assert_int_equal(retry_pause(&r, -1, randoms[i], &later), -1);
        assert_in_range(later, whole / 2 / 1000, whole / 1000);
    }
}

static void test_jitter_reaches_both_ends(void **state)
{
    int64_t later;
    struct retry r = retry_make(INT64_MAX);
    (void)state;
    assert_int_equal(retry_pause(&r, -1, 0, &later), 1000);
    assert_int_equal(retry_pause(&r, -1, 1000, &later), 1000 * 2 - 1000);
    assert_int_equal(retry_pause(&r, -1, 2001, &later), 4000);
    assert_int_equal(retry_pause(&r, -1, 2000, &later), 8000 - 2000);
}

static void test_every_random_number(void **state)
{
    (void)state;
    for (uint32_t random = 0; random < 200000; random++) {
        struct retry r = {.attempts = random % 4, .budget_ms = 1000000};
        int64_t later, whole = (int64_t)1000 << (random % 4);
        int64_t pause = retry_pause(&r, -1, random, &later);
        assert_true(pause >= whole / 2 && pause <= whole);
    }
}

static void test_stays_beyond_the_last_attempt(void **state)
{
    struct retry r = retry_make(INT64_MAX);
    int64_t later = 0;
    (void)state;
    for (int i = 0; i < 100; i++) {
        int64_t pause = retry_pause(&r, i % 2 ? -1 : 7, 3, &later);
        assert_true(pause >= 0 ? i < RETRY_ATTEMPTS_MOST - 1 : i >= RETRY_ATTEMPTS_MOST - 1);
        assert_true(r.attempts <= RETRY_ATTEMPTS_MOST);
    }
    assert_int_equal(retry_pause(&r, 7, 3, &later), -1);
    assert_int_equal(later, 7);
}

static void test_retry_after_counts(void **state)
{
    (void)state;
    for (int64_t seconds = 1; seconds <= RETRY_AFTER_MOST; seconds += seconds < 400 ? 1 : 977) {
        struct retry r = retry_make(INT64_C(1000) * RETRY_AFTER_MOST);
        int64_t later = -5;
        assert_int_equal(retry_pause(&r, seconds, 12345, &later), seconds * 1000);
        assert_int_equal(later, 0);
        assert_int_equal(r.budget_ms, INT64_C(1000) * (RETRY_AFTER_MOST - seconds));
    }
}

static void test_retry_after_is_cut_to_a_day(void **state)
{
    static const int64_t asked[] = {RETRY_AFTER_MOST + 1, 1000000000, INT64_MAX};
    (void)state;
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        struct retry r = retry_make(INT64_MAX);
        int64_t later;
        assert_int_equal(retry_pause(&r, asked[i], 0, &later), INT64_C(1000) * RETRY_AFTER_MOST);
        r = retry_make(0);
        assert_int_equal(retry_pause(&r, asked[i], 0, &later), -1);
        assert_int_equal(later, RETRY_AFTER_MOST);
    }
}

static void test_retry_after_zero_still_pauses(void **state)
{
    struct retry r = retry_make(INT64_MAX);
    int64_t later;
    (void)state;
    assert_in_range(retry_pause(&r, 0, 77, &later), 500, 1000);
    assert_in_range(retry_pause(&r, INT64_MIN, 77, &later), 1000, 2000);
}

static void test_budget(void **state)
{
    struct retry r = retry_make(10000);
    int64_t later = -5;
    (void)state;
    assert_int_equal(retry_pause(&r, 7, 0, &later), 7000);
    assert_int_equal(r.budget_ms, 3000);
    assert_int_equal(retry_pause(&r, 4, 0, &later), -1);
    assert_int_equal(later, 4);
    assert_int_equal(r.budget_ms, 3000);
    assert_int_equal(retry_pause(&r, 3, 0, &later), 3000);
    assert_int_equal(r.budget_ms, 0);
    assert_int_equal(later, 0);
    assert_int_equal(retry_pause(&r, -1, 0, &later), -1);
    assert_int_equal(later, 8);
}

static void test_no_budget(void **state)
{
    (void)state;
    for (int64_t budget = -3; budget <= 499; budget++) {
        struct retry r = retry_make(budget);
        int64_t later = 0;
        assert_int_equal(retry_pause(&r, -1, 500, &later), -1);
        assert_int_equal(later, 1);
    }
    struct retry r = retry_make(INT64_MIN);
    assert_int_equal(r.budget_ms, 0);
}

/* However the pauses come about, together they never exceed what was given. */
static void test_sum_within_budget(void **state)
{
    uint32_t random = 1;
    (void)state;
    for (int64_t budget = 0; budget < 40000; budget += 113) {
        struct retry r = retry_make(budget);
        int64_t sum = 0, later = 0;
        for (int i = 0; i < 20; i++) {
            random = random * 1664525U + 1013904223U;
            int64_t pause = retry_pause(&r, (int64_t)(random >> 8) % 9 - 4, random, &later);
            assert_true(pause == -1 || pause >= 500);
            assert_true((pause == -1) == (later > 0));
            sum += pause > 0 ? pause : 0;
        }
        assert_true(sum <= budget);
        assert_int_equal(sum + r.budget_ms, budget);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_doubles_with_jitter),
        cmocka_unit_test(test_jitter_reaches_both_ends),
        cmocka_unit_test(test_every_random_number),
        cmocka_unit_test(test_stays_beyond_the_last_attempt),
        cmocka_unit_test(test_retry_after_counts),
        cmocka_unit_test(test_retry_after_is_cut_to_a_day),
        cmocka_unit_test(test_retry_after_zero_still_pauses),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_no_budget),
        cmocka_unit_test(test_sum_within_budget),
    };
    return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
