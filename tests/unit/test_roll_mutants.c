/*
 * Whether the simulation bites: engines that are broken on purpose, each of which it must catch.
 *
 * A mutant is the shipped source with one function of it replaced: the sources below are compiled
 * into this test, their functions under other names, and what stands in for these calls them or
 * does what a simpler mind would. What is not replaced is the library's. TIMEOUT: 400. QEMU: not
 */
#include "roll_sim_random.h"

#include "dane/fit.h"

/* Stories until a mutant must be caught; most are in the first twenty. */
#define STORIES_MOST 3000

enum mutant {
    MUTANT_NONE,
    MUTANT_PUBLISHES_LATE,  /* installs, then publishes what is served */
    MUTANT_WAITS_ONCE,      /* L, not twice L */
    MUTANT_NO_MARGIN,       /* leaves out M */
    MUTANT_NO_FLOOR,        /* and F */
    MUTANT_FROM_T0,         /* waits from when the provider accepted it: asks no server */
    MUTANT_DELETES_FIRST,   /* the former record goes before the next one comes */
    MUTANT_LIST_ORDER,      /* the last record of a list is what is served */
    MUTANT_ONE_COMBINATION, /* one record that matches is enough */
    MUTANT_WALL_CLOCK,      /* trusts the time of day */
    MUTANT_ONE_ADDRESS,     /* asks the first address of each service */
    MUTANT_ONE_ALGORITHM    /* and for ECDSA keys alone */
};

static enum mutant mutant;

/* --- the sources, with other names for what is replaced -------------------------------------- */

#define fit_accepts true_fit_accepts
#define fit_lacks   true_fit_lacks
#include "dane/fit.c"
#undef fit_accepts
#undef fit_lacks

#define state_elapsed true_state_elapsed
#include "roll/state.c"
#undef state_elapsed

#define need_of      true_need_of
#define need_records true_need_records
#include "roll/need.c"
#undef need_of
#undef need_records

#define learn      true_learn
#define learn_left true_learn_left
#include "roll/learn.c"
#undef learn
#undef learn_left

#define plan_make true_plan_make
#include "roll/plan.c"
#undef plan_make

/* --- one record that matches is enough ------------------------------------------------------- */

bool fit_accepts(const void *records, size_t count, size_t stride, const struct fit_chain *chain)
{
    if (mutant != MUTANT_ONE_COMBINATION)
        return true_fit_accepts(records, count, stride, chain);
    for (size_t i = 0; i < count; i++) {
        if (fit_matches(at(records, stride, i), chain))
            return true;
    }
    return count == 0;
}

bool fit_lacks(const void *records, size_t count, size_t stride, size_t index,
               const struct fit_chain *chain)
{
    return mutant != MUTANT_ONE_COMBINATION && mutant != MUTANT_PUBLISHES_LATE &&
           true_fit_lacks(records, count, stride, index, chain);
}

size_t need_records(const struct knowledge *k, size_t h, size_t s, const struct fit_chain *chain,
                    struct tlsa records[NEED_RECORDS_MOST])
{
    size_t count = true_need_records(k, h, s, chain, records);
    size_t configured = k->conf->hosts[h].records_count;
    /* What is configured comes first. */
    return mutant == MUTANT_ONE_COMBINATION && count > configured ? configured : count;
}

/* --- time ------------------------------------------------------------------------------------ */

int64_t state_elapsed(const struct moment *then, const struct moment *now)
{
    if (mutant == MUTANT_WALL_CLOCK)
        return now->wall - then->wall;
    return true_state_elapsed(then, now);
}

int64_t learn_left(const struct knowledge *k, size_t h, size_t s, const struct cert_digests *leaf,
                   bool without, bool *cut_short)
{
    static struct conf_host hosts[TRIAL_HOSTS];
    struct conf conf = *k->conf;
    const struct knowledge changed = {&conf, k->state, k->seen};
    struct state_owner *owner = state_owner(k->state, k->seen->hosts[h].sets[s].owner);
    uint32_t lifetime = owner == NULL ? 0 : owner->lifetime;
    if (mutant == MUTANT_PUBLISHES_LATE)
        return 0;
    memcpy(hosts, k->conf->hosts, k->conf->hosts_count * sizeof hosts[0]);
    conf.hosts = hosts;
    if (mutant == MUTANT_NO_MARGIN)
        hosts[h].waits.margin = 0;
    if (mutant == MUTANT_NO_FLOOR)
        hosts[h].waits.floor = 0;
    if (mutant == MUTANT_WAITS_ONCE && owner != NULL)
        owner->lifetime /= 2;
    int64_t left = true_learn_left(&changed, h, s, leaf, without, cut_short);
    if (owner != NULL)
        owner->lifetime = lifetime;
    return left;
}

/* --- what is seen ---------------------------------------------------------------------------- */

/* A blinkered copy of what was seen; it shares the lists with what it is made from. */
struct blinkers {
    struct observation seen;
    struct observed_host hosts[TRIAL_HOSTS];
    struct world_view views[TRIAL_HOSTS][TRIAL_SERVICES];
    struct world_service services[TRIAL_HOSTS][TRIAL_SERVICES];
    struct world_shown shown[TRIAL_HOSTS][TRIAL_SERVICES][2 * SIM_ADDRESSES];
};

static void narrow(struct world_service *service, struct world_shown *room)
{
    size_t count = 0;
    for (size_t i = 0; i < service->count; i++) {
        if ((mutant == MUTANT_ONE_ADDRESS && i >= 2) ||
            (mutant == MUTANT_ONE_ALGORITHM && service->shown[i].algorithm != PROBE_ECDSA))
            continue;
        room[count++] = service->shown[i];
    }
    service->count = count;
    service->shown = room;
}

static const struct observation *blinker(const struct conf *conf, const struct observation *seen)
{
    static struct blinkers b;
    b.seen = *seen;
    b.seen.hosts = b.hosts;
    for (size_t h = 0; h < conf->hosts_count; h++) {
        b.hosts[h] = seen->hosts[h];
        b.hosts[h].views = b.views[h];
        b.hosts[h].services = b.services[h];
        for (size_t s = 0; s < conf->hosts[h].services_count; s++) {
            b.views[h][s] = seen->hosts[h].views[s];
            if (mutant == MUTANT_FROM_T0)
                b.views[h][s].servers_count = 0;
            b.services[h][s] = seen->hosts[h].services[s];
            narrow(&b.services[h][s], b.shown[h][s]);
        }
    }
    return &b.seen;
}

int learn(struct state *state, const struct conf *conf, const struct observation *seen)
{
    return true_learn(state, conf, blinker(conf, seen));
}

size_t need_of(const struct knowledge *k, size_t h, size_t s, struct need needs[NEED_MOST])
{
    size_t count = true_need_of(k, h, s, needs), kept = 0;
    for (size_t i = 0; i < count; i++) {
        bool next = needs[i].why == NEED_SOURCE || needs[i].why == NEED_NEXT_KEY;
        if (mutant != MUTANT_PUBLISHES_LATE || !next)
            needs[kept++] = needs[i];
    }
    return kept;
}

/* --- what is planned ------------------------------------------------------------------------- */

static void remove_first(struct plan_action *action, const struct knowledge *k, size_t h, size_t s)
{
    action->kind = PLAN_REMOVE;
    action->host = h;
    action->service = s;
    action->target = &k->seen->hosts[h].sets[s].records[0];
}

/* What stood there is taken for the former one, and makes room. */
static void delete_first(struct plan *plan, const struct knowledge *k)
{
    for (size_t i = 0; i < plan->actions_count; i++) {
        struct plan_action *a = &plan->actions[i];
        if (a->kind == PLAN_ADD && k->seen->hosts[a->host].sets[a->service].count == 1)
            remove_first(a, k, a->host, a->service);
    }
}

/* Once all is quiet, whatever stands before the last record is taken for a former one. */
static void trust_order(struct plan *plan, const struct knowledge *k)
{
    if (plan->actions_count > 0 || plan->next != PLAN_STEP_NONE)
        return;
    for (size_t h = 0; h < k->conf->hosts_count; h++) {
        for (size_t s = 0; k->seen->hosts[h].listed && s < k->conf->hosts[h].services_count; s++) {
            if (k->seen->hosts[h].sets[s].count > 1)
                remove_first(&plan->actions[plan->actions_count++], k, h, s);
        }
    }
}

int plan_make(struct plan *plan, const struct knowledge *k, const struct plan_options *options,
              struct arena *arena)
{
    const struct knowledge blinkered = {k->conf, k->state, blinker(k->conf, k->seen)};
    int rc = true_plan_make(plan, &blinkered, options, arena);
    if (rc == 0 && mutant == MUTANT_DELETES_FIRST)
        delete_first(plan, k);
    if (rc == 0 && mutant == MUTANT_LIST_ORDER)
        trust_order(plan, k);
    return rc;
}

/* --------------------------------------------------------------------------------------------- */

static struct sim world;

/* A breach of the invariant, not of what is expected at the end. */
static bool is_caught(void)
{
    return strstr(world.fault, "does not fit what is served") != NULL ||
           strstr(world.fault, "may be needed") != NULL;
}

/* FIRST: the seed to begin with; near one that catches it, so that this is quick. */
static void assert_caught(enum mutant which, uint64_t first)
{
    mutant = which;
    for (uint64_t seed = first; seed < first + STORIES_MOST; seed++) {
        sim_random_story(&world, seed);
        if (is_caught()) {
            print_message("ROLL_SIM_SEED=%llu: %s\n", (unsigned long long)seed, world.fault);
            return;
        }
    }
    fail_msg("not caught in %d stories", STORIES_MOST);
}

#define MUTANT(name, which, first)                                                                 \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        assert_caught(which, first);                                                               \
    }
MUTANT(publishes_late, MUTANT_PUBLISHES_LATE, 1)
MUTANT(waits_once, MUTANT_WAITS_ONCE, 20)
MUTANT(no_margin, MUTANT_NO_MARGIN, 320)
MUTANT(no_floor, MUTANT_NO_FLOOR, 36)
MUTANT(from_t0, MUTANT_FROM_T0, 1)
MUTANT(deletes_first, MUTANT_DELETES_FIRST, 1)
MUTANT(list_order, MUTANT_LIST_ORDER, 1)
MUTANT(one_combination, MUTANT_ONE_COMBINATION, 1)
MUTANT(wall_clock, MUTANT_WALL_CLOCK, 141)
MUTANT(one_address, MUTANT_ONE_ADDRESS, 1)
MUTANT(one_algorithm, MUTANT_ONE_ALGORITHM, 28)

/* What stands in for the functions is theirs while nothing is broken. */
static void test_none(void **state)
{
    (void)state;
    mutant = MUTANT_NONE;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        sim_random_story(&world, seed);
        assert_string_equal(world.fault, "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_publishes_late),
        cmocka_unit_test(test_waits_once),
        cmocka_unit_test(test_no_margin),
        cmocka_unit_test(test_no_floor),
        cmocka_unit_test(test_from_t0),
        cmocka_unit_test(test_deletes_first),
        cmocka_unit_test(test_list_order),
        cmocka_unit_test(test_one_combination),
        cmocka_unit_test(test_wall_clock),
        cmocka_unit_test(test_one_address),
        cmocka_unit_test(test_one_algorithm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
