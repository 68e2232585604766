/* base/arena.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void test_memory_is_zeroed_and_aligned(void **state)
{
    struct arena a = arena_make(1000000);
    (void)state;
    for (size_t size = 1; size < 300; size++) {
        static const uint8_t zeros[300];
        uint8_t *memory = arena_take(&a, 1, size);
        assert_non_null(memory);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        assert_memory_equal(memory, zeros, size);
        memset(memory, 0xff, size);
    }
    arena_release(&a);
}

static void test_pieces_do_not_overlap(void **state)
{
    enum { PIECES = 2000 };
    static unsigned *pieces[PIECES];
    struct arena a = arena_make(1000000);
    (void)state;
    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i] = arena_take(&a, 5, sizeof *pieces[i]);
        assert_non_null(pieces[i]);
        for (unsigned k = 0; k < 5; k++)
            pieces[i][k] = i;
    }
    for (unsigned i = 0; i < PIECES; i++) {
        for (unsigned k = 0; k < 5; k++)
            assert_int_equal(pieces[i][k], i);
    }
    arena_release(&a);
}

static void test_limit(void **state)
{
    struct arena a = arena_make(1024);
    (void)state;
    assert_null(arena_take(&a, 1, 1025));
    assert_int_equal(a.taken, 0);
    assert_non_null(arena_take(&a, 1, 512));
    assert_non_null(arena_take(&a, 512, 1));
    assert_int_equal(a.taken, 1024);
    assert_null(arena_take(&a, 1, 1));
    assert_non_null(arena_take(&a, 0, 8));
    assert_int_equal(a.taken, 1024);
    arena_release(&a);
    assert_int_equal(a.taken, 0);
    assert_int_equal(a.most, 1024);
    /* Released, it can be used anew. */
    assert_non_null(arena_take(&a, 1, 1024));
    arena_release(&a);
}

static void test_overflow(void **state)
{
    struct arena a = arena_make(SIZE_MAX);
    (void)state;
    assert_null(arena_take(&a, SIZE_MAX, SIZE_MAX));
    assert_null(arena_take(&a, SIZE_MAX / 4 + 1, 4));
    assert_null(arena_take(&a, 2, SIZE_MAX / 2 + 1));
    assert_int_equal(a.taken, 0);
    arena_release(&a);
}

static void test_larger_than_a_block(void **state)
{
    struct arena a = arena_make(1000000);
    (void)state;
    char *small = arena_take(&a, 1, 10);
    char *large = arena_take(&a, 1, 500000);
    assert_non_null(small);
    assert_non_null(large);
    memset(large, 1, 500000);
    assert_int_equal(small[0], 0);
    assert_true(a.most >= 500010);
    arena_release(&a);
}

static void test_text(void **state)
{
    struct arena a = arena_make(100);
    (void)state;
    assert_string_equal(arena_text(&a, "hello world", 5), "hello");
    assert_string_equal(arena_text(&a, NULL, 0), "");
    static const char long_text[200];
    assert_null(arena_text(&a, long_text, sizeof long_text));
    arena_release(&a);
    arena_release(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_is_zeroed_and_aligned),
        cmocka_unit_test(test_pieces_do_not_overlap),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_larger_than_a_block),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
