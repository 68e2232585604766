/*
 * Random worlds for the simulation: configuration, servers, services and records by chance, and
 * what happens to them between and during the runs.
 */
#ifndef TESTS_UNIT_ROLL_SIM_RANDOM_H
#define TESTS_UNIT_ROLL_SIM_RANDOM_H

#include "roll_sim_suite.h"

static inline bool sim_one_in(struct sim *s, uint32_t of)
{
    return sim_chance(s, of) == 0;
}

/* --- making one ------------------------------------------------------------------------------ */

static inline void sim_random_pairs(struct sim *s)
{
    static const char *const labels[] = {"a", "b"};
    static const char *const commands[] = {"reload x", "reload y", "reload z"};
    uint32_t count = 1 + sim_chance(s, SIM_PAIRS);
    for (uint32_t p = 0; p < count; p++) {
        struct trial *t = &s->trial;
        trial_pair(t, labels[p], commands[sim_chance(s, 3)]);
        if (!sim_one_in(s, 3))
            trial_install(t, p);
        if (sim_one_in(s, 3))
            trial_reload(t, p, commands[sim_chance(s, 3)]);
        trial_restart(t, p, "restart");
        if (sim_one_in(s, 3))
            t->renew[p][t->pairs[p].renew.count++] = "renew";
        if (sim_one_in(s, 3))
            t->pairs[p].next_key = "/next-key";
    }
}

static inline void sim_random_host(struct sim *s, size_t h)
{
    static const uint32_t ttls[] = {60, 300, 1800, 7200};
    struct trial *t = &s->trial;
    struct conf_host *host = &t->hosts[h];
    if (sim_one_in(s, 3))
        trial_host_record(t, h, 3, 1, 2);
    if (sim_one_in(s, 4))
        trial_host_record(t, h, 2, 1, 1);
    if (sim_one_in(s, 3))
        trial_host_service(t, h, "imaps", 993);
    host->ttl = ttls[sim_chance(s, 4)];
    host->adopt = sim_one_in(s, 2);
    host->waits.publish = sim_one_in(s, 4) ? 40000 : 0;
    host->waits.retire = sim_one_in(s, 3) ? 0 : 3600;
    if (sim_one_in(s, 4))
        host->propagation = sim_one_in(s, 2) ? CONF_PROPAGATION_TIME : CONF_PROPAGATION_RESOLVER;
}

static inline void sim_random_hosts(struct sim *s)
{
    static const char *const names[] = {"mail.example.org", "mx.example.net"};
    uint32_t pairs = (uint32_t)s->trial.conf.pairs_count, hosts = 1 + sim_chance(s, 2);
    for (uint32_t h = 0; h < hosts; h++) {
        trial_host(&s->trial, names[h], sim_chance(s, pairs));
        if (pairs > 1 && sim_one_in(s, 2))
            trial_host_pair(&s->trial, h, 1 - s->trial.hosts[h].pairs[0]);
        /* A pair that no host refers to is an error of the configuration. */
        for (uint32_t p = 0; h + 1 == hosts && p < pairs; p++) {
            bool used = false;
            for (uint32_t i = 0; i < hosts; i++)
                used = used || sim_host_has(s, i, p);
            if (!used)
                trial_host_pair(&s->trial, h, p);
        }
        sim_random_host(s, h);
    }
}

static inline enum sim_manner sim_random_manner(struct sim *s, size_t o)
{
    switch (sim_chance(s, 12)) {
    case 0:
        return SIM_LATE;
    case 1:
        return s->trial.hosts[s->owners[o].host].waits.retire > s->late ? SIM_MIXES : SIM_LATE;
    case 2:
        return SIM_RESTARTS_ONLY;
    case 3:
        return SIM_LIVE;
    case 4:
        return sim_one_in(s, 3) ? SIM_WRONG : SIM_OBEYS;
    default:
        return SIM_OBEYS;
    }
}

static inline void sim_random_records(struct sim *s, size_t o)
{
    static const uint8_t numbers[6][3] = {{3, 1, 1}, {3, 1, 2}, {3, 0, 1},
                                          {2, 1, 1}, {1, 1, 1}, {3, 9, 1}};
    static const uint32_t ttls[] = {60, 300, 1800, 7200};
    uint32_t ttl = ttls[sim_chance(s, 4)];
    size_t pair = s->trial.hosts[s->owners[o].host].pairs[0];
    struct tlsa tlsa;
    for (uint32_t i = sim_chance(s, 5); i > 0; i--) {
        struct cert_digests other = trial_leaf(90 + sim_chance(s, 3), 1);
        const uint8_t *n = numbers[sim_chance(s, 6)];
        sim_foreign_add(
            s, o,
            trial_record(n[0], n[1], n[2], sim_one_in(s, 2) ? &other : sim_leaf(s->disk[pair])),
            ttl);
    }
    if (sim_one_in(s, 4)) {
        static const uint8_t data[] = {1, 2, 3};
        tlsa_set(&tlsa, (struct tlsa_combination){3, 1, 1}, data, sizeof data);
        sim_foreign_add(s, o, tlsa, ttl);
    }
}

/* Its own service, and perhaps another server's. */
static inline void sim_random_service(struct sim *s, size_t o)
{
    struct sim_owner *owner = &s->owners[o];
    sim_add_address(s, o,
                    sim_one_in(s, 20) && owner->service > 0 ? SIM_PLAIN : sim_random_manner(s, o));
    if (sim_is_plain(owner))
        return;
    while (owner->addresses_count < SIM_ADDRESSES && sim_one_in(s, 3))
        sim_add_address(s, o, sim_random_manner(s, o));
    if (owner->addresses_count < SIM_ADDRESSES && sim_one_in(s, 6)) {
        sim_add_address(s, o, SIM_STRANGER);
        if (sim_one_in(s, 2))
            sim_foreign_add(s, o,
                            trial_record(3, 1, 1, sim_leaf(SIM_OURS + (unsigned)o % SIM_STRANGERS)),
                            s->trial.hosts[owner->host].ttl);
    }
    if (sim_one_in(s, 2))
        sim_random_records(s, o);
}

/* What lags no longer than the propagation allows for. */
static inline void sim_random_lags(struct sim *s, struct sim_owner *owner)
{
    static const uint32_t lags[] = {0, 3, 30, 600, 4000, 20000};
    bool all = s->trial.hosts[owner->host].propagation == CONF_PROPAGATION_ALL;
    for (size_t i = 1; i < SIM_SERVERS; i++)
        owner->servers[i].lag = lags[sim_chance(s, all ? 6 : 5)];
    owner->servers[SIM_LIST].lag = sim_one_in(s, 4) ? sim_chance(s, 30) : 0;
}

static inline void sim_describe(const struct sim *s)
{
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        const struct conf_pair *pair = &s->trial.pairs[p];
        sim_tell(s, "pair %s: %s, %s, %s", pair->label, sim_is_staged(s, p) ? "staged" : "classic",
                 pair->reload.items[0], pair->reload.count > 1 ? pair->reload.items[1] : "-");
    }
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_owner *owner = &s->owners[o];
        const struct conf_host *host = &s->trial.hosts[owner->host];
        sim_tell(s, "%s: %zu pairs (%zu), %zu combinations, adopt %d, propagation %d, ttl %u",
                 owner->owner, host->pairs_count, host->pairs[0], host->records_count,
                 (int)host->adopt, (int)host->propagation, (unsigned)host->ttl);
        sim_tell(s, "  %zu records, lags %u %u, manners %d %d %d", owner->sets[owner->newest].count,
                 (unsigned)owner->servers[1].lag, (unsigned)owner->servers[2].lag,
                 (int)owner->addresses[0].manner,
                 owner->addresses_count > 1 ? (int)owner->addresses[1].manner : -1,
                 owner->addresses_count > 2 ? (int)owner->addresses[2].manner : -1);
    }
}

static inline void sim_make_random(struct sim *s, uint64_t seed)
{
    sim_init(s, seed);
    sim_random_pairs(s);
    sim_random_hosts(s);
    s->strict = sim_one_in(s, 3);
    sim_begin(s, !sim_one_in(s, 3));
    for (size_t o = 0; o < s->owners_count; o++) {
        sim_random_service(s, o);
        sim_random_lags(s, &s->owners[o]);
    }
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++)
        sim_prepare_key(s, p);
    sim_describe(s);
}

/* --- what happens between two runs ----------------------------------------------------------- */

static inline void sim_random_server(struct sim *s, struct sim_owner *owner)
{
    static const enum sim_health ills[] = {SIM_DEAD, SIM_LAME, SIM_HIDDEN, SIM_RELAPSED};
    size_t i = sim_chance(s, SIM_SERVERS);
    bool all = s->trial.hosts[owner->host].propagation == CONF_PROPAGATION_ALL;
    if (owner->servers[i].health != SIM_WELL) {
        sim_recover(s, owner, i);
        return;
    }
    enum sim_health ill = ills[sim_chance(s, 4)];
    if (ill == SIM_RELAPSED && all)
        sim_relapse(s, owner, i);
    else if (ill != SIM_RELAPSED)
        owner->servers[i].health = ill;
    sim_settle(s);
}

static inline void sim_random_pair(struct sim *s, size_t p)
{
    static const enum sim_inject renewals[] = {SIM_RENEW_KEY, SIM_RENEW_KEY, SIM_RENEW_CERTIFICATE,
                                               SIM_RENEW_BACK, SIM_RENEW_BAD};
    if (sim_one_in(s, 4))
        sim_renew(s, p, renewals[sim_chance(s, 5)]);
    s->torn[p] = sim_one_in(s, 12);
    s->hidden[p] = sim_one_in(s, 12);
    if (sim_one_in(s, 12))
        s->unfit ^= sim_bit(s->disk[p]);
}

static inline void sim_random_clock(struct sim *s)
{
    if (sim_one_in(s, 6)) {
        sim_reboot(s, sim_one_in(s, 2));
        sim_restart_all(s);
    } else if (sim_one_in(s, 4)) {
        s->wall_error = 0;
        s->proven = true;
    }
}

/* Somebody else works on the zone. */
static inline void sim_random_change(struct sim *s)
{
    size_t o = sim_chance(s, (uint32_t)s->owners_count);
    const struct sim_set *set = sim_accepted(&s->owners[o]);
    if (sim_is_plain(&s->owners[o]))
        return;
    if (set->count > 0 && sim_one_in(s, 2))
        sim_foreign_remove(s, o, sim_chance(s, (uint32_t)set->count));
    else if (set->count > 0 && set->count < 10)
        sim_random_records(s, o);
}

/* CHANGES: somebody else works on the zone; LOSSES: the state is lost. */
static inline void sim_between(struct sim *s, bool changes, bool losses)
{
    static const uint32_t passes[] = {5, 200, 1000, 2000, 5000, 40000};
    sim_pass(s, passes[sim_chance(s, 6)]);
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++)
        sim_random_pair(s, p);
    for (size_t o = 0; o < s->owners_count; o++) {
        struct sim_owner *owner = &s->owners[o];
        if (sim_one_in(s, 8))
            sim_random_server(s, owner);
        for (size_t a = 0; a < owner->addresses_count; a++) {
            struct sim_address *address = &owner->addresses[a];
            /* Nobody could tell a stranger from what our server, unseen, had at the first look. */
            address->unseen = !sim_is_plain(owner) && s->state_length >= 0 &&
                              sim_one_in(s, address->unseen ? 2 : 16);
            if (sim_one_in(s, 16))
                address->fails = sim_chance(s, 3);
        }
    }
    sim_random_clock(s);
    if (sim_one_in(s, 10))
        sim_restart_all(s);
    if (losses && sim_one_in(s, 6))
        sim_lose_state(s);
    if (changes && sim_one_in(s, 6))
        sim_random_change(s);
}

static inline bool sim_has(const struct sim *s, enum sim_manner manner)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        for (size_t a = 0; a < s->owners[o].addresses_count; a++) {
            if (s->owners[o].addresses[a].manner == manner)
                return true;
        }
    }
    return false;
}

static inline void sim_random_run(struct sim *s)
{
    struct roll_options options = {.wait = sim_one_in(s, 6), .no_renew = !sim_one_in(s, 3)};
    /* Without a wait before retiring, a server that answers old and new in turn deceives. */
    options.now = !sim_has(s, SIM_MIXES) && sim_one_in(s, 20);
    options.retry = sim_one_in(s, 20);
    s->hostile = sim_one_in(s, 2) ? 0 : sim_chance(s, 60);
    s->armed = false;
    sim_run_with(s, &options);
}

static inline void sim_random_story(struct sim *s, uint64_t seed)
{
    sim_make_random(s, seed);
    bool losses = sim_one_in(s, 2), changes = !losses && sim_one_in(s, 2);
    for (unsigned i = 0; i < 24 && s->fault[0] == '\0'; i++) {
        sim_random_run(s);
        sim_between(s, changes, losses);
    }
    sim_settle_down(s);
}

#endif
