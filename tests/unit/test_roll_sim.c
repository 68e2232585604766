/*
 * roll/roll.h: the engine as a whole in a simulated world, the invariant checked at every instant.
 *
 * With LONG set (make check does) something is thrown in at every point of the small worlds, else
 * at every seventh, and more random worlds are run. ROLL_SIM_SEED=N runs that one random world
 * (ROLL_SIM_LOUD=1 prints what the engine says), ROLL_SIM_WORLDS=N so many of them. TIMEOUT: 400
 */
#include "roll_sim_suite.h"

#define WORLDS_SHORT 200
#define WORLDS_LONG  1500
#define STEP_SHORT   7
#define SEED_FIRST   1

static struct sim world;

static bool is_long(void)
{
    return getenv("LONG") != NULL;
}

static void exhaust(enum sim_small which, bool wait)
{
    char first[700];
    unsigned broken =
        sim_exhaust(&world, which, wait, is_long() ? 1 : STEP_SHORT, first, sizeof first);
    if (broken > 0)
        fail_msg("%u stories broke; the first: %s", broken, first);
}

#define SMALL(name, which)                                                                         \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        exhaust(which, false);                                                                     \
    }                                                                                              \
    static void test_##name##_waiting(void **state)                                                \
    {                                                                                              \
        (void)state;                                                                               \
        exhaust(which, true);                                                                      \
    }
SMALL(simple, SIM_SIMPLE)
SMALL(combinations, SIM_COMBINATIONS)
SMALL(adopted, SIM_ADOPTED)
SMALL(foreign, SIM_FOREIGN)
SMALL(two_algorithms, SIM_TWO_ALGORITHMS)
SMALL(shared_pair, SIM_SHARED_PAIR)

/* Nothing renewed reloads nothing. */
static void test_nothing_renewed(void **state)
{
    (void)state;
    sim_make_small(&world, SIM_SIMPLE);
    for (unsigned i = 0; i < 1000; i++) {
        sim_run(&world, false, false);
        sim_pass(&world, 3600);
    }
    assert_string_equal(world.fault, "");
    assert_int_equal(world.hooks, 0);
    assert_int_equal(world.writes, 1);
    /* The first look, the note before the write, and what was then seen: no more in 1,000 runs. */
    assert_true(world.saves <= 3);
}

/* The same story twice, with and without waiting, comes to the same end. */
static void test_waiting_comes_to_the_same_end(void **state)
{
    static struct sim cron;
    (void)state;
    for (int which = 0; which < SIM_SMALL_WORLDS; which++) {
        sim_make_small(&cron, (enum sim_small)which);
        sim_story(&cron, false, 0, SIM_CRASH);
        sim_make_small(&world, (enum sim_small)which);
        sim_story(&world, true, 0, SIM_CRASH);
        assert_string_equal(world.fault, "");
        assert_string_equal(cron.fault, "");
        for (size_t o = 0; o < world.owners_count; o++) {
            const struct sim_set *a = &world.owners[o].accepted, *b = &cron.owners[o].accepted;
            assert_int_equal(a->count, b->count);
            for (size_t i = 0; i < a->count; i++)
                assert_true(sim_find(b, &a->records[i].tlsa) < b->count);
        }
    }
}

static void test_random_worlds(void **state)
{
    const char *given = getenv("ROLL_SIM_SEED"), *many = getenv("ROLL_SIM_WORLDS");
    uint64_t first = given == NULL ? SEED_FIRST : strtoull(given, NULL, 10);
    uint64_t count = is_long() ? WORLDS_LONG : WORLDS_SHORT;
    if (given != NULL || many != NULL)
        count = given != NULL ? 1 : strtoull(many, NULL, 10);
    unsigned broken = 0;
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) {
        sim_random_story(&world, seed);
        if (world.fault[0] != '\0' && ++broken <= 10)
            print_message("ROLL_SIM_SEED=%llu: %s\n", (unsigned long long)seed, world.fault);
    }
    if (broken > 0)
        fail_msg("%u of %llu random worlds broke", broken, (unsigned long long)count);
}

int main(void)
{
#define BOTH(name) cmocka_unit_test(test_##name), cmocka_unit_test(test_##name##_waiting)
    const struct CMUnitTest tests[] = {
        BOTH(simple),
        BOTH(combinations),
        BOTH(adopted),
        BOTH(foreign),
        BOTH(two_algorithms),
        BOTH(shared_pair),
        cmocka_unit_test(test_nothing_renewed),
        cmocka_unit_test(test_waiting_comes_to_the_same_end),
        cmocka_unit_test(test_random_worlds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
