/*
 * The simulated world's two tables for the engine, and what runs it: sim_run, sim_settle_down.
 */
#ifndef TESTS_UNIT_ROLL_SIM_WORLD_H
#define TESTS_UNIT_ROLL_SIM_WORLD_H

#include "roll_sim.h"

/* --- the network half ------------------------------------------------------------------------ */

static inline struct provider_result sim_result(enum provider_code code)
{
    struct provider_result result;
    memset(&result, 0, sizeof result);
    result.code = code;
    (void)snprintf(result.words, sizeof result.words, "injected");
    return result;
}

static inline struct sim_owner *sim_owner(struct sim *s, const char *name)
{
    for (size_t i = 0; i < s->owners_count; i++) {
        if (strcmp(s->owners[i].owner, name) == 0)
            return &s->owners[i];
    }
    sim_breach(s, "%s is no owner name of the configuration", name);
    return &s->owners[0];
}

static inline struct provider_result sim_list(void *context, size_t provider, const char *host,
                                              struct provider_rrset *sets, size_t count,
                                              struct arena *arena)
{
    struct sim *s = context;
    (void)provider;
    (void)host;
    s->look = arena;
    sim_point(s, true);
    if (sim_takes(s, SIM_FAULT_LATER) || sim_takes(s, SIM_FAULT_LOST_BEFORE))
        return sim_result(PROVIDER_LATER);
    if (sim_takes(s, SIM_FAULT_REFUSED))
        return sim_result(PROVIDER_REFUSED);
    for (size_t i = 0; i < count; i++) {
        const struct sim_set *visible = &sim_owner(s, sets[i].owner)->visible;
        sets[i].count = visible->count;
        sets[i].records = arena_take(arena, visible->count + 1, sizeof *sets[i].records);
        for (size_t k = 0; k < visible->count; k++) {
            struct provider_record *r = &sets[i].records[k];
            r->tlsa = visible->records[k].tlsa;
            r->ttl = visible->records[k].ttl;
            r->automatic = visible->records[k].automatic;
            r->marked = visible->records[k].by_us;
            (void)snprintf(r->id, sizeof r->id, "%u", visible->records[k].id);
        }
    }
    return sim_result(PROVIDER_DONE);
}

/* A fault for a write; DONE: none. *EFFECT: whether it is carried out all the same. */
static inline enum provider_code sim_write_fault(struct sim *s, bool *effect)
{
    *effect = false;
    if (sim_takes(s, SIM_FAULT_LATER))
        return PROVIDER_LATER;
    if (sim_takes(s, SIM_FAULT_REFUSED))
        return PROVIDER_REFUSED;
    if (sim_takes(s, SIM_FAULT_CONFLICT))
        return PROVIDER_CONFLICT;
    if (sim_takes(s, SIM_FAULT_LOST_BEFORE))
        return s->believes ? PROVIDER_DONE : PROVIDER_UNKNOWN;
    *effect = true;
    if (sim_takes(s, SIM_FAULT_LOST_AFTER))
        return PROVIDER_UNKNOWN;
    return PROVIDER_DONE;
}

/*
 * What our write leaves unfit unavoidably: the first record of a combination for one of several
 * keys that are served; the others' follow.
 */
static inline uint32_t sim_unavoidable(const struct sim *s, const struct sim_owner *owner,
                                       const struct tlsa *record)
{
    uint32_t served = sim_served(s, owner->host);
    for (size_t i = 0; i < owner->accepted.count; i++) {
        const struct tlsa *t = &owner->accepted.records[i].tlsa;
        if (tlsa_usable(t) && tlsa_same_combination(t->combination, record->combination))
            return 0;
    }
    for (unsigned leaf = 0; leaf < SIM_LEAFS; leaf++) {
        if ((served & sim_bit(leaf)) != 0 && tlsa_matches(record, sim_leaf(leaf)))
            return served;
    }
    return 0;
}

static inline struct provider_result sim_add(void *context, size_t provider, const char *host,
                                             const struct provider_rrset *seen,
                                             const struct tlsa *record, uint32_t ttl)
{
    struct sim *s = context;
    struct sim_owner *owner = sim_owner(s, seen->owner);
    bool effect;
    (void)provider;
    (void)host;
    sim_point(s, true);
    enum provider_code code = sim_write_fault(s, &effect);
    if (!effect)
        return sim_result(code);
    if (sim_find(&owner->accepted, record) < owner->accepted.count)
        return sim_result(code == PROVIDER_DONE ? PROVIDER_ALREADY : code);
    if (record->combination.usage != 3 || tlsa_of_nothing(record) || !tlsa_usable(record))
        sim_breach(s, "%s: a record that nobody asked for", owner->owner);
    uint32_t excused = owner->accepted.excused | sim_unavoidable(s, owner, record);
    s->writes++;
    sim_put(s, owner, record, ttl, true);
    sim_accept(s, owner, excused);
    sim_point(s, true);
    return sim_result(code);
}

/* What a run has seen on disk since services loaded last may be served by then: it stays fitted. */
static inline void sim_check_removal(struct sim *s, const struct sim_owner *owner,
                                     const struct sim_record *record)
{
    struct sim_set left = owner->accepted;
    uint32_t before = sim_all_fits(&left);
    if (!record->by_us && !s->trial.hosts[owner->host].adopt)
        sim_breach(s, "%s: a foreign record is deleted", owner->owner);
    sim_drop(&left, sim_find(&left, &record->tlsa));
    uint32_t lost = before & ~sim_all_fits(&left);
    for (unsigned leaf = 0; left.count == 0 && leaf < SIM_LEAFS; leaf++)
        lost |= tlsa_matches(&record->tlsa, sim_leaf(leaf)) ? sim_bit(leaf) : 0;
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        for (size_t k = 0; sim_host_has(s, owner->host, p) && k < s->trial.pairs[p].reload.count;
             k++) {
            if (((s->seen[p][k] | sim_bit(s->served[p][k])) & lost) != 0)
                sim_breach(s, "%s: a record is deleted that may be needed", owner->owner);
        }
    }
}

static inline struct provider_result sim_remove(void *context, size_t provider, const char *host,
                                                const struct provider_rrset *seen,
                                                const struct provider_record *record)
{
    struct sim *s = context;
    struct sim_owner *owner = sim_owner(s, seen->owner);
    bool effect;
    size_t i = 0;
    (void)provider;
    (void)host;
    sim_point(s, true);
    enum provider_code code = sim_write_fault(s, &effect);
    if (!effect)
        return sim_result(code);
    while (i < owner->accepted.count && owner->accepted.records[i].id != (unsigned)atoi(record->id))
        i++;
    if (i == owner->accepted.count)
        return sim_result(code == PROVIDER_DONE ? PROVIDER_ALREADY : code);
    if (!tlsa_equal(&owner->accepted.records[i].tlsa, &record->tlsa))
        sim_breach(s, "%s: another record than the one meant is deleted", owner->owner);
    sim_check_removal(s, owner, &owner->accepted.records[i]);
    s->writes++;
    sim_drop(&owner->accepted, i);
    sim_accept(s, owner, owner->accepted.excused);
    sim_point(s, true);
    return sim_result(code);
}

static inline bool sim_proves(void *context, const struct moment *now)
{
    struct sim *s = context;
    (void)now;
    return s->dated && s->wall_error == 0;
}

static inline void sim_rest(void *context)
{
    sim_point(context, true);
}

/* --- the local half -------------------------------------------------------------------------- */

static inline void sim_read_pair(void *context, const struct conf_pair *pair,
                                 struct world_pair *found)
{
    struct sim *s = context;
    size_t p = (size_t)(pair - s->trial.pairs);
    memset(found, 0, sizeof *found);
    sim_point(s, false);
    found->code = s->torn[p]     ? WORLD_PAIR_LATER
                  : s->hidden[p] ? WORLD_PAIR_FAILED
                                 : WORLD_PAIR_READ;
    if (found->code != WORLD_PAIR_READ)
        return;
    found->leaf = *sim_leaf(s->disk[p]);
    s->read[p] = sim_bit(s->disk[p]);
}

static inline int sim_load_state(void *context, char *text, size_t size,
                                 char words[WORLD_WORDS_SIZE])
{
    struct sim *s = context;
    (void)words;
    sim_point(s, true);
    if (s->state_length < 0)
        return WORLD_STATE_ABSENT;
    assert_true((size_t)s->state_length <= size);
    memcpy(text, s->state, (size_t)s->state_length);
    return s->state_length;
}

static inline int sim_save_state(void *context, const char *text, size_t length,
                                 char words[WORLD_WORDS_SIZE])
{
    struct sim *s = context;
    sim_point(s, true);
    bool fails_after = sim_takes(s, SIM_SAVE_FAILS_AFTER);
    (void)snprintf(words, WORLD_WORDS_SIZE, "injected");
    if (sim_takes(s, SIM_SAVE_FAILS))
        return WORLD_STATE_FAILED;
    assert_true(length < sizeof s->state);
    s->saves++;
    memcpy(s->state, text, length);
    s->state_length = (int)length;
    s->noted = true;
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        s->noted = s->noted && (s->read[p] | s->seen[p][0]) != 0;
        for (size_t k = 0; k < SIM_COMMANDS; k++)
            s->seen[p][k] |= s->read[p];
    }
    sim_point(s, true);
    return fails_after ? WORLD_STATE_FAILED : 0;
}

static inline void sim_set_state_aside(void *context)
{
    struct sim *s = context;
    sim_breach(s, "the engine cannot read its own state");
    s->state_length = -1;
}

static inline void sim_run_hook(void *context, const struct world_hook *hook,
                                struct world_hook_result *result)
{
    struct sim *s = context;
    sim_point(s, false);
    s->hooks++;
    result->succeeded = !sim_takes(s, SIM_HOOK_FAILS);
    bool fails_after = sim_takes(s, SIM_HOOK_FAILS_AFTER);
    if (strcmp(hook->event, "renew") == 0) {
        if (result->succeeded)
            sim_renew(s, sim_chance(s, (uint32_t)s->trial.conf.pairs_count), SIM_RENEW_KEY);
    } else if (result->succeeded) {
        sim_load(s, hook->command, !fails_after);
    }
    result->succeeded = result->succeeded && !fails_after;
    sim_point(s, true);
}

static inline void sim_now(void *context, struct moment *now)
{
    struct sim *s = context;
    char boot[TIME_BOOT_SIZE];
    (void)snprintf(boot, sizeof boot, "boot-%u", s->boot);
    *now = trial_moment(boot, s->now - s->boot_start, TIME_RELEASE + s->now + s->wall_error,
                        s->proven);
}

static inline bool sim_wait(void *context, int64_t seconds, const char *what)
{
    struct sim *s = context;
    (void)what;
    sim_point(s, true);
    s->now += seconds + 1;
    sim_settle(s);
    sim_point(s, true);
    return s->stopped;
}

static inline bool sim_stopped(void *context)
{
    struct sim *s = context;
    (void)sim_takes(s, SIM_STOP);
    return s->stopped;
}

static inline void sim_say(void *context, enum log_level level, const char *text)
{
    static int loud = -1;
    const struct sim *s = context;
    if (loud < 0)
        loud = getenv("ROLL_SIM_LOUD") != NULL;
    if (loud)
        (void)fprintf(stderr, "%8lld %d %s\n", (long long)s->now, (int)level, text);
}

static const struct world_network sim_network = {sim_list, sim_add, sim_remove, sim_proves,
                                                 sim_rest};
static const struct world_local sim_local = {
    sim_read_pair, sim_load_state, sim_save_state, sim_set_state_aside, sim_run_hook, sim_now,
    sim_wait,      sim_stopped,    sim_say};

/* --- making and running ---------------------------------------------------------------------- */

/* An empty world; then its pairs and hosts are added, then sim_begin. */
static inline void sim_init(struct sim *s, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    trial_init(&s->trial);
    s->random = seed * UINT64_C(2654435769) + 88172645463325252U;
    s->now = 1000000;
    s->proven = s->dated = true;
    s->state_length = -1;
    s->world = (struct world){&sim_network, s, &sim_local, s};
}

/* Owner names from the configuration, empty; each pair's first leaf on disk and served. */
static inline void sim_begin(struct sim *s)
{
    for (size_t h = 0; h < s->trial.conf.hosts_count; h++) {
        for (size_t i = 0; i < s->trial.hosts[h].services_count; i++) {
            struct sim_owner *o = &s->owners[s->owners_count++];
            o->host = h;
            assert_int_equal(
                tlsa_owner(o->owner, s->trial.hosts[h].services[i].port, s->trial.hosts[h].name),
                0);
        }
    }
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        s->disk[p] = s->former[p] = (unsigned)p * SIM_KEYS * 2;
        for (size_t k = 0; k < SIM_COMMANDS; k++)
            s->served[p][k] = s->disk[p];
    }
    for (size_t o = 0; o < s->owners_count; o++) {
        struct sim_set empty = {.count = 0};
        sim_show(s, &s->owners[o], &empty, s->now);
    }
}

/* After a run without a fault: what it saw on disk is vouched for. */
static inline void sim_check_published(struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_owner *owner = &s->owners[o];
        for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
            for (unsigned leaf = 0; sim_host_has(s, owner->host, p) && leaf < SIM_LEAFS; leaf++) {
                if ((s->seen[p][0] & sim_bit(leaf)) != 0 &&
                    !(owner->visible.count > 0 && sim_fits_fully(&owner->visible, leaf)))
                    sim_breach(s, "%s: leaf %u was seen and is not published", owner->owner, leaf);
            }
        }
    }
}

/* One call of the engine. */
static inline void sim_run(struct sim *s, bool wait, bool renew)
{
    struct roll_options options = {.wait = wait, .renew = renew};
    s->memory = arena_make(TRIAL_MEMORY);
    s->look = NULL;
    s->crashed = s->stopped = false;
    memset(&s->outcome, 0, sizeof s->outcome);
    memset(s->read, 0, sizeof s->read);
    if (setjmp(s->crash) == 0) {
        s->outcome = roll_run(&s->trial.conf, &s->world, &options, &s->memory);
        if (!s->outcome.failed && !s->outcome.later && !s->outcome.usage)
            sim_check_published(s);
    }
    arena_release(&s->memory);
}

static inline void sim_pass(struct sim *s, int64_t seconds)
{
    s->now += seconds;
    sim_settle(s);
}

static inline void sim_check_end(struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_owner *owner = &s->owners[o];
        const struct conf_host *host = &s->trial.hosts[owner->host];
        for (size_t i = 0; i < owner->accepted.count; i++) {
            const struct sim_record *r = &owner->accepted.records[i];
            bool needed = false;
            for (size_t k = 0; k < host->pairs_count; k++)
                needed = needed || tlsa_matches(&r->tlsa, sim_leaf(s->disk[host->pairs[k]]));
            bool issuers = tlsa_usable(&r->tlsa) && r->tlsa.combination.usage % 2 == 0;
            if (!needed && !issuers && (host->adopt || (r->by_us && !s->amnesia)))
                sim_breach(s, "%s: a stale record is left at the end", owner->owner);
        }
    }
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        for (size_t k = 0; k < s->trial.pairs[p].reload.count; k++) {
            if (s->served[p][k] != s->disk[p])
                sim_breach(s, "pair %zu: the new leaf is never loaded", p);
        }
    }
}

/*
 * All is calm: everything comes to its end, and from there on nothing is written, neither records
 * nor state, and no command is run.
 */
static inline void sim_settle_down(struct sim *s)
{
    unsigned saves = 0, writes = 0, hooks = 0;
    s->hostile = s->lag = s->inject_at = 0;
    s->armed = false;
    s->proven = s->dated = true;
    s->wall_error = 0;
    memset(s->torn, 0, sizeof s->torn);
    memset(s->hidden, 0, sizeof s->hidden);
    for (unsigned i = 0; i < 14 && s->fault[0] == '\0'; i++) {
        if (i == 9) {
            saves = s->saves;
            writes = s->writes;
            hooks = s->hooks;
        }
        sim_pass(s, i < 7 ? 90000 : 3600);
        sim_run(s, false, false);
    }
    if (s->outcome.failed || s->outcome.later || s->outcome.usage || s->outcome.changed)
        sim_breach(s, "not at rest at the end");
    if (s->saves != saves || s->writes != writes || s->hooks != hooks)
        sim_breach(s, "idle runs write: %u states, %u records, %u commands", s->saves - saves,
                   s->writes - writes, s->hooks - hooks);
    sim_check_published(s);
    sim_check_end(s);
}

#endif
