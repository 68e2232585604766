/* roll/plan.h and roll/ripe.h: each rule, with its section. */
#include "roll/ripe.h"
#include "roll_trial.h"

#define OWNER "_25._tcp.mail.example.org"

/* A world for the planner, in one piece. */
struct scene {
    struct trial trial;
    struct arena arena;
    struct state state;
    struct observation seen;
    struct plan plan;
    struct provider_record room[TRIAL_HOSTS][TRIAL_SERVICES][PROVIDER_RECORDS_MOST];
};

static struct scene s;

static int set_up(void **state)
{
    (void)state;
    memset(&s, 0, sizeof s);
    s.arena = arena_make(TRIAL_MEMORY);
    trial_init(&s.trial);
    state_init(&s.state, &s.arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&s.arena);
    return 0;
}

/* One pair of one host with one service. */
static void make_simple(void)
{
    trial_pair(&s.trial, "a", "reload a");
    trial_host(&s.trial, "mail.example.org", 0);
}

/* Everything listed, every pair read, each RRset empty. */
static void make_seen(int64_t seconds)
{
    assert_int_equal(observe_make(&s.seen, &s.trial.conf, &s.arena), 0);
    s.seen.now = trial_at(seconds);
    for (size_t h = 0; h < s.trial.conf.hosts_count; h++) {
        const struct conf_host *host = &s.trial.hosts[h];
        s.seen.hosts[h].listed = true;
        s.seen.hosts[h].sets =
            arena_take(&s.arena, host->services_count, sizeof *s.seen.hosts->sets);
        for (size_t i = 0; i < host->services_count; i++) {
            struct provider_rrset *set = &s.seen.hosts[h].sets[i];
            set->records = s.room[h][i];
            assert_int_equal(tlsa_owner(set->owner, host->services[i].port, host->name), 0);
        }
    }
    for (size_t p = 0; p < s.trial.conf.pairs_count; p++)
        s.seen.pairs[p].code = WORLD_PAIR_FAILED;
}

static void on_disk(size_t pair, unsigned key, unsigned certificate)
{
    s.seen.pairs[pair].code = WORLD_PAIR_READ;
    s.seen.pairs[pair].leaf = trial_leaf(key, certificate);
}

static void may_serve(size_t pair, unsigned key, unsigned certificate)
{
    struct cert_digests leaf = trial_leaf(key, certificate);
    struct state_pair *p = state_pair_make(&s.state, s.trial.pairs[pair].label);
    assert_int_equal(state_note_leaf(&s.state, p, &leaf), 0);
}

static void reloaded_at(size_t pair, int64_t seconds)
{
    struct state_pair *p = state_pair_make(&s.state, s.trial.pairs[pair].label);
    p->reloaded = true;
    p->reload = trial_at(seconds);
}

static struct provider_record *in_dns(size_t host, size_t service, struct tlsa tlsa, uint32_t ttl)
{
    struct provider_rrset *set = &s.seen.hosts[host].sets[service];
    struct provider_record *r = &set->records[set->count++];
    memset(r, 0, sizeof *r);
    r->tlsa = tlsa;
    r->ttl = ttl;
    (void)snprintf(r->id, sizeof r->id, "id%zu", set->count);
    return r;
}

/* What the state remembers of a record: seen since then, beside others, ours. */
static struct state_record *known(const char *owner, struct tlsa tlsa, int64_t since,
                                  uint32_t lifetime)
{
    struct state_record *r = state_record_make(&s.state, owner, &tlsa);
    r->ours = r->seen = true;
    r->since = trial_at(since);
    r->lifetime = lifetime;
    return r;
}

static void make_plan(void)
{
    assert_int_equal(plan_make(&s.plan, &s.trial.conf, &s.state, &s.seen, &s.arena), 0);
}

static void assert_actions(size_t count)
{
    assert_int_equal(s.plan.actions_count, count);
}

static void assert_add(size_t index, size_t host, size_t service, struct tlsa tlsa)
{
    assert_true(index < s.plan.actions_count);
    const struct plan_action *a = &s.plan.actions[index];
    assert_int_equal(a->kind, PLAN_ADD);
    assert_int_equal(a->host, host);
    assert_int_equal(a->service, service);
    assert_true(tlsa_equal(&a->record, &tlsa));
}

static void assert_remove(size_t index, size_t host, struct tlsa tlsa)
{
    assert_true(index < s.plan.actions_count);
    const struct plan_action *a = &s.plan.actions[index];
    assert_int_equal(a->kind, PLAN_REMOVE);
    assert_int_equal(a->host, host);
    assert_true(tlsa_equal(&a->target.tlsa, &tlsa));
    assert_true(a->target.id[0] != '\0');
}

static void assert_reload(size_t index, size_t pair)
{
    assert_true(index < s.plan.actions_count);
    assert_int_equal(s.plan.actions[index].kind, PLAN_RELOAD);
    assert_int_equal(s.plan.actions[index].pair, pair);
}

static void assert_next(enum plan_step step, size_t index, int64_t in)
{
    assert_int_equal(s.plan.next, step);
    assert_int_equal(s.plan.next_index, index);
    assert_int_equal(s.plan.next_in, in);
}

static bool noted(enum plan_note_kind kind, const struct tlsa *tlsa)
{
    for (size_t i = 0; i < s.plan.notes_count; i++) {
        if (s.plan.notes[i].kind == kind &&
            (tlsa == NULL || tlsa_equal(&s.plan.notes[i].record, tlsa)))
            return true;
    }
    return false;
}

/* K1 served and known since long, K2 on disk and not yet published. */
static void make_renewed(void)
{
    make_simple();
    make_seen(100000);
    may_serve(0, 1, 1);
    may_serve(0, 2, 1);
    on_disk(0, 2, 1);
    in_dns(0, 0, trial_311(1), 1800);
    known(OWNER, trial_311(1), 0, 1800);
}

/* K2 published beside K1 at SECONDS. */
static void make_waiting(int64_t since, uint32_t lifetime)
{
    make_renewed();
    in_dns(0, 0, trial_311(2), 1800);
    known(OWNER, trial_311(2), since, lifetime);
}

/* --- publish: RFC 7671 sections 8 and 8.1, RFC 7672 section 4 --------------------------------- */

static void test_nothing_to_do(void **unused)
{
    (void)unused;
    make_simple();
    make_seen(0);
    may_serve(0, 1, 1);
    on_disk(0, 1, 1);
    in_dns(0, 0, trial_311(1), 1800);
    known(OWNER, trial_311(1), 0, 1800);
    make_plan();
    assert_actions(0);
    assert_int_equal(s.plan.notes_count, 0);
    assert_int_equal(s.plan.next, PLAN_STEP_NONE);
}

/* Facts 3.1 and 2.2: nothing was there, so no cache can lack it. */
static void test_first_publication(void **unused)
{
    (void)unused;
    make_simple();
    make_seen(0);
    may_serve(0, 1, 1);
    on_disk(0, 1, 1);
    make_plan();
    assert_actions(1);
    assert_add(0, 0, 0, trial_311(1));
    assert_true(s.plan.actions[0].first);
    assert_int_equal(s.plan.actions[0].ttl, 1800);
}

/* The second record of a first publication stands beside the first: caches may hold the first. */
static void test_second_record_is_not_first(void **unused)
{
    struct cert_digests leaf = trial_leaf(1, 1);
    (void)unused;
    make_simple();
    trial_host_record(&s.trial, 0, 3, 1, 2);
    make_seen(0);
    may_serve(0, 1, 1);
    on_disk(0, 1, 1);
    make_plan();
    assert_actions(2);
    assert_add(0, 0, 0, trial_311(1));
    assert_add(1, 0, 0, trial_record(3, 1, 2, &leaf));
    assert_true(s.plan.actions[0].first);
    assert_false(s.plan.actions[1].first);
    assert_int_equal(s.plan.actions[1].lifetime, 1800);
}

/* Facts 2.2: a denial of today fits, but what was there before is still in caches. */
static void test_not_first_after_a_former_rrset(void **unused)
{
    (void)unused;
    make_simple();
    make_seen(100);
    may_serve(0, 1, 1);
    on_disk(0, 1, 1);
    known(OWNER, trial_311(1), 0, 86400)->seen = false;
    make_plan();
    assert_actions(1);
    assert_false(s.plan.actions[0].first);
    assert_int_equal(s.plan.actions[0].lifetime, 86400);
}

/* The new key beside the old one; nothing is taken away and nothing reloaded (8.1). */
static void test_next_key_is_published_beside(void **unused)
{
    (void)unused;
    make_renewed();
    make_plan();
    assert_actions(1);
    assert_add(0, 0, 0, trial_311(2));
    assert_false(s.plan.actions[0].first);
    assert_int_equal(s.plan.actions[0].lifetime, 1800);
}

/* RFC 2181 section 5.2: it takes its RRset's TTL, not the configured one; automatic stays so. */
static void test_ttl_is_the_rrsets(void **unused)
{
    (void)unused;
    make_renewed();
    s.seen.hosts[0].sets[0].records[0].ttl = 86400;
    make_plan();
    assert_int_equal(s.plan.actions[0].ttl, 86400);
    assert_int_equal(s.plan.actions[0].lifetime, 86400);
    s.seen.hosts[0].sets[0].records[0].ttl = 300;
    s.seen.hosts[0].sets[0].records[0].automatic = true;
    make_plan();
    assert_int_equal(s.plan.actions[0].ttl, 1);
    assert_true(s.plan.actions[0].lifetime >= 300);
}

/* Where an API lets TTLs of one RRset differ, the longest counts for caches. */
static void test_longest_ttl_counts(void **unused)
{
    (void)unused;
    make_renewed();
    in_dns(0, 0, trial_311(9), 7200);
    make_plan();
    assert_add(0, 0, 0, trial_311(2));
    assert_int_equal(s.plan.actions[0].lifetime, 7200);
}

/* What may be served comes first, whatever order the leafs were noted in. */
static void test_served_keys_before_next_ones(void **unused)
{
    (void)unused;
    make_simple();
    make_seen(0);
    may_serve(0, 1, 1);
    may_serve(0, 2, 1);
    may_serve(0, 3, 1);
    on_disk(0, 2, 1);
    make_plan();
    assert_actions(3);
    assert_add(0, 0, 0, trial_311(1));
    assert_add(1, 0, 0, trial_311(3));
    assert_add(2, 0, 0, trial_311(2));
}

/* Renewed and rolled back before any reload: what stands on disk again is what was loaded last. */
static void test_loaded_key_first_where_it_is_back(void **unused)
{
    (void)unused;
    make_simple();
    make_seen(0);
    may_serve(0, 2, 1);
    may_serve(0, 1, 1);
    on_disk(0, 2, 1);
    make_plan();
    assert_actions(2);
    assert_add(0, 0, 0, trial_311(2));
    assert_add(1, 0, 0, trial_311(1));
}

/* RFC 7671 section 8: every combination; a leaf's are complete before the next one's begin. */
static void test_every_combination(void **unused)
{
    struct cert_digests k1 = trial_leaf(1, 1), k2 = trial_leaf(2, 1);
    (void)unused;
    make_simple();
    trial_host_record(&s.trial, 0, 3, 1, 2);
    make_seen(0);
    may_serve(0, 1, 1);
    may_serve(0, 2, 1);
    on_disk(0, 2, 1);
    make_plan();
    assert_actions(4);
    assert_add(0, 0, 0, trial_record(3, 1, 1, &k1));
    assert_add(1, 0, 0, trial_record(3, 1, 2, &k1));
    assert_add(2, 0, 0, trial_record(3, 1, 1, &k2));
    assert_add(3, 0, 0, trial_record(3, 1, 2, &k2));
}

/* Facts 3.3: a combination set by hand is rolled along, with or without adopt. */
static void test_foreign_combinations_are_rolled_along(void **unused)
{
    struct cert_digests k1 = trial_leaf(1, 1), k2 = trial_leaf(2, 1);
    static const uint8_t combinations[3][2] = {{1, 2}, {0, 1}, {0, 2}};
    (void)unused;
    for (size_t i = 0; i < 3; i++) {
        set_up(NULL);
        make_waiting(0, 1800);
        in_dns(0, 0, trial_record(3, combinations[i][0], combinations[i][1], &k1), 1800);
        make_plan();
        assert_actions(1);
        assert_add(0, 0, 0, trial_record(3, combinations[i][0], combinations[i][1], &k2));
        tear_down(NULL);
    }
}

/* A stale 3 1 2 of an unknown key makes even the served key need one (RFC 7671 section 9). */
static void test_stale_stronger_digest(void **unused)
{
    struct cert_digests k1 = trial_leaf(1, 1), k9 = trial_leaf(9, 1);
    (void)unused;
    make_simple();
    make_seen(0);
    may_serve(0, 1, 1);
    on_disk(0, 1, 1);
    in_dns(0, 0, trial_311(1), 1800);
    in_dns(0, 0, trial_record(3, 1, 2, &k9), 1800);
    make_plan();
    assert_actions(1);
    assert_add(0, 0, 0, trial_record(3, 1, 2, &k1));
}

/* Unusable ones (RFC 6698 section 4.1) are no combination to be rolled. */
static void test_unusable_records_are_not_rolled(void **unused)
{
    struct tlsa bad;
    static const uint8_t data[31] = {1};
    (void)unused;
    make_waiting(0, 1800);
    tlsa_set(&bad, (struct tlsa_combination){3, 1, 2}, data, sizeof data);
    in_dns(0, 0, bad, 1800);
    tlsa_set(&bad, (struct tlsa_combination){3, 0, 1}, data, sizeof data);
    in_dns(0, 0, bad, 1800);
    tlsa_set(&bad, (struct tlsa_combination){3, 7, 1}, data, sizeof data);
    in_dns(0, 0, bad, 1800);
    make_plan();
    assert_actions(1);
    assert_reload(0, 0);
}

/* Two certificates (facts 3.5): a record of each, at every service of every host of the pair. */
static void test_every_pair_and_service(void **unused)
{
    (void)unused;
    trial_pair(&s.trial, "ecdsa", "reload");
    trial_pair(&s.trial, "rsa", "reload");
    trial_host(&s.trial, "mail.example.org", 0);
    trial_host_pair(&s.trial, 0, 1);
    trial_host_service(&s.trial, 0, "imaps", 993);
    trial_host(&s.trial, "mx.example.net", 1);
    make_seen(0);
    may_serve(0, 1, 1);
    may_serve(1, 2, 1);
    on_disk(0, 1, 1);
    on_disk(1, 2, 1);
    make_plan();
    assert_actions(5);
    assert_add(0, 0, 0, trial_311(1));
    assert_add(1, 0, 0, trial_311(2));
    assert_add(2, 0, 1, trial_311(1));
    assert_add(3, 0, 1, trial_311(2));
    assert_add(4, 1, 0, trial_311(2));
    assert_true(s.plan.actions[2].first);
    assert_true(s.plan.actions[4].first);
}

/* A pair that cannot be read: what it may serve stays vouched for. */
static void test_unreadable_pair_stays_vouched_for(void **unused)
{
    (void)unused;
    make_simple();
    make_seen(0);
    may_serve(0, 1, 1);
    make_plan();
    assert_actions(1);
    assert_add(0, 0, 0, trial_311(1));
}

/* What is not listed is not touched. */
static void test_unlisted_host(void **unused)
{
    (void)unused;
    make_renewed();
    s.seen.hosts[0].listed = false;
    make_plan();
    assert_actions(0);
    assert_int_equal(s.plan.next, PLAN_STEP_NONE);
}

static void test_more_actions_than_fit(void **unused)
{
    (void)unused;
    make_simple();
    make_seen(0);
    for (unsigned key = 1; key <= PLAN_ACTIONS_MOST + 3; key++)
        may_serve(0, key, 1);
    on_disk(0, 1, 1);
    make_plan();
    assert_actions(PLAN_ACTIONS_MOST);
    assert_true(s.plan.cut);
    for (size_t i = 0; i < PLAN_ACTIONS_MOST; i++)
        assert_int_equal(s.plan.actions[i].kind, PLAN_ADD);
}

/* --- the waiting rule: RFC 7671 section 8.1, facts 2.3 -----------------------------------------
 */

/* max(publish-wait, 2 L + margin, floor), and a second in doubt. */
static void test_waiting_rule(void **unused)
{
    static const struct {
        uint32_t publish, margin, floor, lifetime;
        bool first;
        int64_t wait;
    } rows[] = {
        {0, 300, 900, 1800, false, 3900},
        {0, 300, 900, 300, false, 900},
        {0, 300, 900, 60, false, 900},
        {0, 300, 900, 301, false, 902},
        {86400, 300, 900, 1800, false, 86400},
        {3900, 300, 900, 1800, false, 3900},
        {0, 0, 0, 2, false, 4},
        {0, 300, 900, 86400, false, 173100},
        {0, 300, 900, UINT32_MAX, false, 2 * (int64_t)UINT32_MAX + 300},
        {0, 300, 900, 1800, true, 0},
        {600, 300, 900, 1800, true, 600},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (int64_t early = 2; early >= -1; early--) {
            set_up(NULL);
            make_waiting(100, rows[i].lifetime);
            s.trial.hosts[0].waits =
                (struct conf_waits){rows[i].publish, 3600, rows[i].margin, rows[i].floor};
            struct tlsa next = trial_311(2);
            state_record(&s.state, OWNER, &next)->first = rows[i].first;
            /* A wait of W is certainly over when W + 1 whole seconds were counted. */
            int64_t counted = rows[i].wait + 1 - early;
            if (rows[i].wait == 0)
                counted = 0;
            s.seen.now = trial_at(100 + counted);
            make_plan();
            if (early <= 0 || rows[i].wait == 0) {
                assert_actions(1);
                assert_reload(0, 0);
            } else {
                assert_actions(0);
                assert_next(PLAN_STEP_RELOAD, 0, early);
            }
            tear_down(NULL);
        }
    }
}

/* Each combination waits for itself: 3 1 1 is old enough, 3 1 2 is not. */
static void test_slowest_combination_counts(void **unused)
{
    struct cert_digests k1 = trial_leaf(1, 1), k2 = trial_leaf(2, 1);
    (void)unused;
    make_waiting(0, 1800);
    in_dns(0, 0, trial_record(3, 1, 2, &k1), 1800);
    in_dns(0, 0, trial_record(3, 1, 2, &k2), 1800);
    known(OWNER, trial_record(3, 1, 2, &k1), 0, 1800);
    known(OWNER, trial_record(3, 1, 2, &k2), 99000, 1800);
    make_plan();
    assert_actions(0);
    assert_next(PLAN_STEP_RELOAD, 0, 3900 - 999);
}

/* Facts 3.7: one certificate, several services and hosts: the slowest one counts. */
static void test_slowest_owner_counts(void **unused)
{
    (void)unused;
    make_simple();
    trial_host_service(&s.trial, 0, "imaps", 993);
    trial_host(&s.trial, "mx.example.net", 0);
    make_seen(100000);
    may_serve(0, 1, 1);
    may_serve(0, 2, 1);
    on_disk(0, 2, 1);
    static const char *const owners[] = {OWNER, "_993._tcp.mail.example.org",
                                         "_25._tcp.mx.example.net"};
    static const int64_t since[] = {0, 99500, 99000};
    for (size_t i = 0; i < 3; i++) {
        size_t host = i / 2, service = i % 2;
        in_dns(host, service, trial_311(1), 300);
        in_dns(host, service, trial_311(2), 300);
        known(owners[i], trial_311(1), 0, 300);
        known(owners[i], trial_311(2), since[i], 300);
    }
    make_plan();
    assert_actions(0);
    assert_next(PLAN_STEP_RELOAD, 0, 900 - 499);
    /* One owner name without it, or one host that could not be asked: no reload at all. */
    s.seen.hosts[1].sets[0].count = 1;
    make_plan();
    assert_actions(1);
    assert_add(0, 1, 0, trial_311(2));
    s.seen.hosts[1].sets[0].count = 2;
    s.seen.now = trial_at(200000);
    s.seen.hosts[1].listed = false;
    make_plan();
    assert_actions(0);
    s.seen.hosts[1].listed = true;
    make_plan();
    assert_actions(1);
    assert_reload(0, 0);
}

/* In the list, but the state has not seen it: its time has not begun. */
static void test_not_ripe_without_a_beginning(void **unused)
{
    struct tlsa next = trial_311(2);
    (void)unused;
    make_waiting(0, 1800);
    state_record(&s.state, OWNER, &next)->seen = false;
    make_plan();
    assert_actions(0);
    state_record_drop(&s.state, state_record(&s.state, OWNER, &next));
    make_plan();
    assert_actions(0);
}

/* Facts 2.3: another boot with an unproven clock: the wait is not over, whatever the wall says. */
static void test_unproven_clock(void **unused)
{
    (void)unused;
    make_waiting(0, 1800);
    s.seen.now = trial_moment("other", 5, TIME_RELEASE + 1000000, false);
    make_plan();
    assert_actions(0);
    assert_next(PLAN_STEP_RELOAD, 0, 3900);
    s.seen.now.proven = true;
    make_plan();
    assert_actions(1);
    assert_reload(0, 0);
}

/* --- reload ---------------------------------------------------------------------------------- */

/* Facts 3.2: the same key in a new certificate changes no 3 1 x record, and reloads at once. */
static void test_same_key_new_certificate(void **unused)
{
    (void)unused;
    make_simple();
    make_seen(100000);
    may_serve(0, 1, 1);
    may_serve(0, 1, 2);
    on_disk(0, 1, 2);
    in_dns(0, 0, trial_311(1), 1800);
    known(OWNER, trial_311(1), 0, 1800);
    make_plan();
    assert_actions(1);
    assert_reload(0, 0);
}

/* ... and is a roll where the RRset pins the certificate. */
static void test_same_key_with_selector_0(void **unused)
{
    struct cert_digests one = trial_leaf(1, 1), two = trial_leaf(1, 2);
    (void)unused;
    make_simple();
    make_seen(100000);
    may_serve(0, 1, 1);
    may_serve(0, 1, 2);
    on_disk(0, 1, 2);
    in_dns(0, 0, trial_311(1), 1800);
    in_dns(0, 0, trial_record(3, 0, 1, &one), 1800);
    known(OWNER, trial_311(1), 0, 1800);
    known(OWNER, trial_record(3, 0, 1, &one), 0, 1800);
    make_plan();
    assert_actions(1);
    assert_add(0, 0, 0, trial_record(3, 0, 1, &two));
}

/* A roll back before the reload: what was never taken out is safe at once (facts 2.4). */
static void test_roll_back(void **unused)
{
    (void)unused;
    make_waiting(99999, 1800);
    on_disk(0, 1, 1);
    make_plan();
    assert_actions(1);
    assert_reload(0, 0);
}

/* Renewed again in mid-rotation (facts 2.4): the newest is published, only it is waited for. */
static void test_renewed_twice(void **unused)
{
    (void)unused;
    make_waiting(0, 1800);
    may_serve(0, 3, 1);
    on_disk(0, 3, 1);
    make_plan();
    assert_actions(1);
    assert_add(0, 0, 0, trial_311(3));
}

static void test_unreadable_pair_is_not_reloaded(void **unused)
{
    (void)unused;
    make_waiting(0, 1800);
    s.seen.pairs[0].code = WORLD_PAIR_LATER;
    make_plan();
    assert_actions(0);
    assert_int_equal(s.plan.next, PLAN_STEP_NONE);
}

/* Lost state, or the first run after a script's renewal: the RRset tells that the key changed. */
static void test_records_show_a_change(void **unused)
{
    for (int row = 0; row < 4; row++) {
        (void)unused;
        set_up(NULL);
        make_simple();
        make_seen(100000);
        may_serve(0, 2, 1);
        on_disk(0, 2, 1);
        in_dns(0, 0, trial_311(1), 1800);
        in_dns(0, 0, trial_311(2), 1800);
        known(OWNER, trial_311(2), 0, 1800)->ours = false;
        bool reload = true;
        switch (row) {
        case 0: /* somebody else's records, both: no reason to touch the services */
            reload = false;
            break;
        case 1:
            s.trial.hosts[0].adopt = true;
            break;
        case 2:
            s.seen.hosts[0].sets[0].records[0].marked = true;
            break;
        default: /* ours had to be added beside a key that we do not know */
            known(OWNER, trial_311(2), 0, 1800);
            break;
        }
        make_plan();
        assert_actions(reload ? 1 : 0);
        if (reload)
            assert_reload(0, 0);
        /* Once reloaded, it is done. */
        reloaded_at(0, 99999);
        make_plan();
        assert_actions(0);
        tear_down(NULL);
    }
}

/* --- a shared command ------------------------------------------------------------------------ */

static void make_two_pairs(const char *second_command)
{
    trial_pair(&s.trial, "ecdsa", "postfix reload");
    trial_pair(&s.trial, "rsa", second_command);
    trial_host(&s.trial, "mail.example.org", 0);
    trial_host_pair(&s.trial, 0, 1);
    make_seen(100000);
    may_serve(0, 1, 1);
    may_serve(0, 2, 1);
    may_serve(1, 3, 1);
    on_disk(0, 2, 1);
    on_disk(1, 3, 1);
    for (unsigned key = 1; key <= 3; key++) {
        in_dns(0, 0, trial_311(key), 1800);
        known(OWNER, trial_311(key), 0, 1800);
    }
}

static void test_shared_command_alone(void **unused)
{
    (void)unused;
    make_two_pairs("postfix reload");
    make_plan();
    assert_actions(1);
    assert_reload(0, 0);
}

/* The command loads both pairs: it waits for the slower one. */
static void test_shared_command_waits(void **unused)
{
    (void)unused;
    make_two_pairs("postfix reload");
    may_serve(1, 4, 1);
    on_disk(1, 4, 1);
    in_dns(0, 0, trial_311(4), 1800);
    known(OWNER, trial_311(4), 99999, 1800);
    make_plan();
    assert_actions(0);
    assert_true(noted(PLAN_NOTE_HELD, NULL));
    assert_next(PLAN_STEP_RELOAD, 1, 3900);
    s.seen.now = trial_at(99999 + 3901);
    make_plan();
    assert_actions(2);
    assert_reload(0, 0);
    assert_reload(1, 1);
}

/* What stands in the other pair's files now is not known: the command could load it. */
static void test_shared_command_and_unreadable_pair(void **unused)
{
    (void)unused;
    make_two_pairs("postfix reload");
    s.seen.pairs[1].code = WORLD_PAIR_LATER;
    make_plan();
    assert_actions(0);
    assert_true(noted(PLAN_NOTE_HELD, NULL));
    s.seen.pairs[1].code = WORLD_PAIR_FAILED;
    make_plan();
    assert_actions(0);
}

static void test_other_commands_do_not_wait(void **unused)
{
    (void)unused;
    make_two_pairs("nginx -s reload");
    s.seen.pairs[1].code = WORLD_PAIR_LATER;
    make_plan();
    assert_actions(1);
    assert_reload(0, 0);
}

/* --- retire: RFC 7671 section 8.1, facts 2.4 ----------------------------------------------------
 */

/* K2 loaded at SECONDS; K1's record still there. */
static void make_retiring(int64_t seconds, bool ours)
{
    make_simple();
    make_seen(100000);
    may_serve(0, 2, 1);
    reloaded_at(0, seconds);
    on_disk(0, 2, 1);
    in_dns(0, 0, trial_311(1), 1800);
    in_dns(0, 0, trial_311(2), 1800);
    known(OWNER, trial_311(1), 0, 1800)->ours = ours;
    known(OWNER, trial_311(2), 0, 1800);
}

static void test_retire_wait(void **unused)
{
    (void)unused;
    make_retiring(100000 - 3600, true);
    make_plan();
    assert_actions(0);
    assert_next(PLAN_STEP_RETIRE, 0, 1);
    s.seen.now = trial_at(100001);
    make_plan();
    assert_actions(1);
    assert_remove(0, 0, trial_311(1));
    assert_int_equal(s.plan.next, PLAN_STEP_NONE);
}

/* Never a foreign record without adopt. */
static void test_foreign_record_stays(void **unused)
{
    struct tlsa stale = trial_311(1);
    (void)unused;
    make_retiring(0, false);
    make_plan();
    assert_actions(0);
    assert_true(noted(PLAN_NOTE_STALE, &stale));
    /* Nor where only the provider's comment says that it is ours. */
    s.seen.hosts[0].sets[0].records[0].marked = true;
    make_plan();
    assert_actions(0);
    s.trial.hosts[0].adopt = true;
    make_plan();
    assert_actions(1);
    assert_remove(0, 0, stale);
    assert_false(noted(PLAN_NOTE_STALE, &stale));
}

/* Never what fits a leaf that may be served, adopt or not. */
static void test_served_records_stay(void **unused)
{
    (void)unused;
    make_retiring(0, true);
    s.trial.hosts[0].adopt = true;
    may_serve(0, 1, 1);
    make_plan();
    assert_actions(1);
    assert_reload(0, 0);
}

/* Not before every pair of the host is loaded. */
static void test_not_while_another_pair_rolls(void **unused)
{
    (void)unused;
    make_two_pairs("nginx -s reload");
    struct state_pair *ecdsa = state_pair(&s.state, "ecdsa");
    ecdsa->leafs = ecdsa->leafs->next;
    reloaded_at(0, 0);
    /* The second pair was never loaded by us: its old key may be the stale record's. */
    make_plan();
    assert_actions(1);
    assert_reload(0, 1);
    reloaded_at(1, 0);
    make_plan();
    assert_actions(1);
    assert_remove(0, 0, trial_311(1));
    /* Due, but not ripe. */
    may_serve(1, 4, 1);
    on_disk(1, 4, 1);
    in_dns(0, 0, trial_311(4), 1800);
    known(OWNER, trial_311(4), 99999, 1800);
    make_plan();
    assert_actions(0);
    /* Not to be read. */
    s.seen.pairs[1].code = WORLD_PAIR_FAILED;
    make_plan();
    assert_actions(0);
}

/* Never while something is to be published at that name. */
static void test_not_while_incomplete(void **unused)
{
    struct cert_digests k2 = trial_leaf(2, 1);
    (void)unused;
    make_retiring(0, true);
    trial_host_record(&s.trial, 0, 3, 1, 2);
    make_plan();
    assert_actions(1);
    assert_add(0, 0, 0, trial_record(3, 1, 2, &k2));
}

static void test_not_without_a_reload(void **unused)
{
    (void)unused;
    make_retiring(0, true);
    state_pair(&s.state, "a")->reloaded = false;
    make_plan();
    assert_actions(1);
    assert_reload(0, 0);
}

/* Another boot, clock not proven: retire-wait is not over. */
static void test_retire_with_an_unproven_clock(void **unused)
{
    (void)unused;
    make_retiring(0, true);
    s.seen.now = trial_moment("other", 1000000, TIME_RELEASE + 1000000, false);
    make_plan();
    assert_actions(0);
    assert_next(PLAN_STEP_RETIRE, 0, 3600);
}

/* Facts 3.4: what names an issuer says nothing about a leaf; told, not touched. */
static void test_issuers_records_stay(void **unused)
{
    struct cert_digests issuer = trial_leaf(50, 1);
    struct tlsa ta = trial_record(2, 1, 1, &issuer), pkix = trial_record(0, 0, 1, &issuer);
    (void)unused;
    make_retiring(0, true);
    s.trial.hosts[0].adopt = true;
    in_dns(0, 0, ta, 1800);
    in_dns(0, 0, pkix, 1800);
    make_plan();
    assert_actions(1);
    assert_remove(0, 0, trial_311(1));
    assert_true(noted(PLAN_NOTE_UNJUDGED, &ta));
    assert_true(noted(PLAN_NOTE_UNJUDGED, &pkix));
}

/* Usage 1 is a leaf's; unusable records fit nobody: stale, each in its turn. */
static void test_other_stale_kinds(void **unused)
{
    struct cert_digests k1 = trial_leaf(1, 1), k2 = trial_leaf(2, 1);
    struct tlsa bad;
    static const uint8_t data[31] = {1};
    (void)unused;
    make_retiring(0, true);
    tlsa_set(&bad, (struct tlsa_combination){3, 1, 1}, data, sizeof data);
    in_dns(0, 0, bad, 1800);
    in_dns(0, 0, trial_record(1, 1, 1, &k1), 1800);
    in_dns(0, 0, trial_record(1, 1, 1, &k2), 1800);
    make_plan();
    assert_actions(1);
    assert_true(noted(PLAN_NOTE_STALE, &bad));
    s.trial.hosts[0].adopt = true;
    make_plan();
    assert_actions(3);
    assert_remove(0, 0, trial_311(1));
    assert_remove(1, 0, bad);
    assert_remove(2, 0, trial_record(1, 1, 1, &k1));
}

/* The step under way that comes first, over all hosts. */
static void test_earliest_step_is_told(void **unused)
{
    (void)unused;
    make_retiring(100000 - 100, true);
    trial_pair(&s.trial, "b", "reload b");
    trial_host(&s.trial, "mx.example.net", 1);
    struct provider_rrset kept = s.seen.hosts[0].sets[0];
    make_seen(100000);
    s.seen.hosts[0].sets[0] = kept;
    on_disk(0, 2, 1);
    may_serve(1, 5, 1);
    may_serve(1, 6, 1);
    on_disk(1, 6, 1);
    in_dns(1, 0, trial_311(5), 300);
    in_dns(1, 0, trial_311(6), 300);
    known("_25._tcp.mx.example.net", trial_311(5), 0, 300);
    known("_25._tcp.mx.example.net", trial_311(6), 99990, 300);
    make_plan();
    assert_actions(0);
    assert_next(PLAN_STEP_RELOAD, 1, 900 - 9);
}

int main(void)
{
#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_nothing_to_do),
        ROW(test_first_publication),
        ROW(test_second_record_is_not_first),
        ROW(test_not_first_after_a_former_rrset),
        ROW(test_next_key_is_published_beside),
        ROW(test_ttl_is_the_rrsets),
        ROW(test_longest_ttl_counts),
        ROW(test_served_keys_before_next_ones),
        ROW(test_loaded_key_first_where_it_is_back),
        ROW(test_every_combination),
        ROW(test_foreign_combinations_are_rolled_along),
        ROW(test_stale_stronger_digest),
        ROW(test_unusable_records_are_not_rolled),
        ROW(test_every_pair_and_service),
        ROW(test_unreadable_pair_stays_vouched_for),
        ROW(test_unlisted_host),
        ROW(test_more_actions_than_fit),
        ROW(test_waiting_rule),
        ROW(test_slowest_combination_counts),
        ROW(test_slowest_owner_counts),
        ROW(test_not_ripe_without_a_beginning),
        ROW(test_unproven_clock),
        ROW(test_same_key_new_certificate),
        ROW(test_same_key_with_selector_0),
        ROW(test_roll_back),
        ROW(test_renewed_twice),
        ROW(test_unreadable_pair_is_not_reloaded),
        ROW(test_records_show_a_change),
        ROW(test_shared_command_alone),
        ROW(test_shared_command_waits),
        ROW(test_shared_command_and_unreadable_pair),
        ROW(test_other_commands_do_not_wait),
        ROW(test_retire_wait),
        ROW(test_foreign_record_stays),
        ROW(test_served_records_stay),
        ROW(test_not_while_another_pair_rolls),
        ROW(test_not_while_incomplete),
        ROW(test_not_without_a_reload),
        ROW(test_retire_with_an_unproven_clock),
        ROW(test_issuers_records_stay),
        ROW(test_other_stale_kinds),
        ROW(test_earliest_step_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
