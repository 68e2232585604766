/*
 * roll/roll.h: the engine as a whole in a simulated world, the invariant checked at every instant.
 *
 * With LONG set (make check does) something is thrown in at nearly every point of the small worlds,
 * and more random worlds are run. For what breaks: ROLL_SIM_SEED=N runs that one random world
 * (ROLL_SIM_WORLDS=M: so many from there on), ROLL_SIM_STORY="WORLD WAIT INJECT POINT" that one
 * small world; ROLL_SIM_LOUD=1 prints what happens in it. TIMEOUT: 900
 */
#include "roll_sim_random.h"

/* How much of it is told: with LONG in the environment, by itself, and with SHORT (under an
 * emulator). */
struct extent {
    unsigned worlds, step, skip;
};
#define SEED_FIRST 1

static struct sim world;

static struct extent extent(void)
{
    if (getenv("LONG") != NULL)
        return (struct extent){1000, 23, 0};
    if (getenv("SHORT") != NULL)
        return (struct extent){10, 20000, 200};
    return (struct extent){120, 307, 19};
}

static bool is_chosen(void)
{
    return getenv("ROLL_SIM_SEED") != NULL || getenv("ROLL_SIM_WORLDS") != NULL ||
           getenv("ROLL_SIM_STORY") != NULL;
}

static void exhaust(enum sim_small which, bool wait)
{
    char first[700];
    if (is_chosen())
        return;
    struct extent all = extent();
    unsigned broken = sim_exhaust(&world, which, wait, all.step, all.skip, first, sizeof first);
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
SMALL(simple, SIM_WORLD_SIMPLE)
SMALL(classic, SIM_WORLD_CLASSIC)
SMALL(empty_folder, SIM_WORLD_EMPTY_FOLDER)
SMALL(combinations, SIM_WORLD_COMBINATIONS)
SMALL(adopted, SIM_WORLD_ADOPTED)
SMALL(foreign, SIM_WORLD_FOREIGN)
SMALL(two_algorithms, SIM_WORLD_TWO_ALGORITHMS)
SMALL(shared_pair, SIM_WORLD_SHARED_PAIR)
SMALL(addresses, SIM_WORLD_ADDRESSES)
SMALL(stubborn, SIM_WORLD_STUBBORN)
SMALL(next_key, SIM_WORLD_NEXT_KEY)
SMALL(blind, SIM_WORLD_BLIND)

/* One story of a small world, as a breach names it. */
static void test_chosen_story(void **state)
{
    const char *given = getenv("ROLL_SIM_STORY");
    unsigned which, wait, what, at;
    (void)state;
    if (given == NULL || sscanf(given, "%u %u %u %u", &which, &wait, &what, &at) != 4)
        return;
    sim_make_small(&world, (enum sim_small)which, wait != 0);
    sim_story(&world, wait != 0, at, (enum sim_inject)what);
    assert_string_equal(world.fault, "");
}

/* Nothing renewed: no command, no write but the first; between looks, nothing at all. */
static void test_nothing_renewed(void **state)
{
    (void)state;
    if (is_chosen())
        return;
    sim_make_small(&world, SIM_WORLD_SIMPLE, false);
    for (unsigned i = 0; i < 1000; i++) {
        sim_run(&world, false);
        sim_pass(&world, 900);
    }
    assert_string_equal(world.fault, "");
    assert_int_equal(world.hooks, 0);
    assert_int_equal(world.writes, 1);
    assert_int_equal(world.installs, 0);
    /* The first look, the note before the write, what was then seen, and the verification. */
    assert_true(world.saves <= 6);
    /* A look takes a few calls; there is one every six hours. */
    assert_true(world.calls < 1000 * 900 / 21600 * 6);
}

static void test_random_worlds(void **state)
{
    const char *given = getenv("ROLL_SIM_SEED"), *many = getenv("ROLL_SIM_WORLDS");
    uint64_t first = given == NULL ? SEED_FIRST : strtoull(given, NULL, 10);
    uint64_t count = extent().worlds;
    unsigned broken = 0;
    (void)state;
    if (getenv("ROLL_SIM_STORY") != NULL)
        return;
    if (is_chosen())
        count = many == NULL ? 1 : strtoull(many, NULL, 10);
    for (uint64_t seed = first; seed < first + count; seed++) {
        sim_random_story(&world, seed);
        if (world.fault[0] != '\0' && ++broken <= 20)
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
        BOTH(classic),
        BOTH(empty_folder),
        BOTH(combinations),
        BOTH(adopted),
        BOTH(foreign),
        BOTH(two_algorithms),
        BOTH(shared_pair),
        BOTH(addresses),
        BOTH(stubborn),
        BOTH(next_key),
        BOTH(blind),
        cmocka_unit_test(test_chosen_story),
        cmocka_unit_test(test_nothing_renewed),
        cmocka_unit_test(test_random_worlds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
