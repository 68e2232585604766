/*
 * Worlds for the simulation: small ones in which something is thrown in at every point, and random
 * ones. Each returns whether the invariant held; the world says what broke.
 */
#ifndef TESTS_UNIT_ROLL_SIM_SUITE_H
#define TESTS_UNIT_ROLL_SIM_SUITE_H

#include "roll_sim_world.h"

/* --- small worlds ---------------------------------------------------------------------------- */

enum sim_small {
    SIM_SIMPLE,         /* one pair, one host, one service */
    SIM_COMBINATIONS,   /* 3 1 1 and 3 1 2, two services, two reload commands */
    SIM_ADOPTED,        /* records of a former life, a forgotten 3 1 2, an issuer's; adopt */
    SIM_FOREIGN,        /* the same, without adopt */
    SIM_TWO_ALGORITHMS, /* two pairs that share their reload command */
    SIM_SHARED_PAIR,    /* one pair of two hosts, publish-wait */
    SIM_SMALL_WORLDS
};

static inline void sim_former_life(struct sim *s, size_t owner)
{
    struct cert_digests other = trial_leaf(90, 1), issuer = trial_leaf(91, 1);
    sim_foreign_add(s, owner, trial_record(3, 1, 1, sim_leaf(0)), 1800);
    sim_foreign_add(s, owner, trial_record(3, 1, 1, &other), 1800);
    sim_foreign_add(s, owner, trial_record(3, 1, 2, sim_leaf(0)), 1800);
    sim_foreign_add(s, owner, trial_record(3, 0, 1, &other), 1800);
    sim_foreign_add(s, owner, trial_record(2, 1, 1, &issuer), 1800);
}

static inline void sim_make_small(struct sim *s, enum sim_small which)
{
    sim_init(s, 1);
    trial_pair(&s->trial, "a", "reload x");
    trial_host(&s->trial, "mail.example.org", 0);
    if (which == SIM_COMBINATIONS) {
        trial_reload(&s->trial, 0, "reload y");
        trial_host_record(&s->trial, 0, 3, 1, 2);
        trial_host_service(&s->trial, 0, "imaps", 993);
    }
    if (which == SIM_ADOPTED)
        s->trial.hosts[0].adopt = true;
    if (which == SIM_TWO_ALGORITHMS) {
        trial_pair(&s->trial, "b", "reload x");
        trial_host_pair(&s->trial, 0, 1);
    }
    if (which == SIM_SHARED_PAIR) {
        trial_host(&s->trial, "mx.example.net", 0);
        s->trial.hosts[1].waits.publish = 20000;
        s->trial.hosts[1].ttl = 60;
    }
    sim_begin(s);
    if (which == SIM_ADOPTED || which == SIM_FOREIGN)
        sim_former_life(s, 0);
}

/*
 * First publication, a rotation, one that is overtaken by another, a renewal with the same key; a
 * cron job every half an hour, or one run that waits after each event. At point AT of it all, WHAT
 * happens.
 */
static inline void sim_story(struct sim *s, bool wait, unsigned at, enum sim_inject what)
{
    static const int events[] = {
        -1, SIM_RENEW_KEY,         -1, -1, -1, -1, -1, SIM_RENEW_KEY, SIM_RENEW_KEY, -1, -1,
        -1, SIM_RENEW_CERTIFICATE, -1, -1};
    s->inject_at = at;
    s->inject = what;
    for (size_t i = 0; i < sizeof events / sizeof events[0] && s->fault[0] == '\0'; i++) {
        if (events[i] >= 0)
            sim_renew(s, i % s->trial.conf.pairs_count, (enum sim_inject)events[i]);
        sim_run(s, wait, false);
        sim_pass(s, 1800);
    }
    unsigned reached = s->points;
    sim_settle_down(s);
    s->points = reached;
}

/* Every thing at every point of every small world. Returns how many stories broke. */
static inline unsigned sim_exhaust(struct sim *s, enum sim_small which, bool wait, unsigned step,
                                   char *first, size_t size)
{
    unsigned broken = 0;
    for (int what = 0; what < SIM_INJECTS; what++) {
        for (unsigned at = 0, last = 1; at <= last; at += step) {
            sim_make_small(s, which);
            sim_story(s, wait, at, (enum sim_inject)what);
            last = s->points;
            if (s->fault[0] == '\0')
                continue;
            if (broken++ == 0)
                (void)snprintf(first, size, "world %d, wait %d, inject %d at point %u: %s", which,
                               wait, what, at, s->fault);
        }
    }
    return broken;
}

/* --- random worlds --------------------------------------------------------------------------- */

static inline void sim_random_records(struct sim *s, size_t owner)
{
    static const uint8_t numbers[6][3] = {{3, 1, 1}, {3, 1, 2}, {3, 0, 1},
                                          {2, 1, 1}, {1, 1, 1}, {3, 9, 1}};
    static const uint32_t ttls[] = {60, 1, 1800, 7200};
    uint32_t ttl = ttls[sim_chance(s, 4)];
    struct tlsa tlsa;
    if (sim_chance(s, 3) == 0)
        return;
    for (uint32_t i = sim_chance(s, 5); i > 0; i--) {
        struct cert_digests other = trial_leaf(90 + sim_chance(s, 3), 1);
        const uint8_t *n = numbers[sim_chance(s, 6)];
        sim_foreign_add(
            s, owner,
            trial_record(n[0], n[1], n[2], sim_chance(s, 2) == 0 ? &other : sim_leaf(s->disk[0])),
            ttl);
    }
    if (sim_chance(s, 4) == 0) {
        static const uint8_t data[] = {1, 2, 3};
        tlsa_set(&tlsa, (struct tlsa_combination){3, 1, 1}, data, sizeof data);
        sim_foreign_add(s, owner, tlsa, ttl);
    }
}

static inline void sim_make_random(struct sim *s, uint64_t seed)
{
    static const char *const labels[] = {"a", "b", "c"};
    static const char *const commands[] = {"reload x", "reload y", "reload z"};
    static const char *const hosts[] = {"mail.example.org", "mx.example.net"};
    static const uint32_t ttls[] = {60, 300, 1800, 7200};
    sim_init(s, seed);
    uint32_t pairs = 1 + sim_chance(s, 2), hosts_count = 1 + sim_chance(s, 2);
    for (uint32_t p = 0; p < pairs; p++) {
        trial_pair(&s->trial, labels[p], commands[sim_chance(s, 3)]);
        if (sim_chance(s, 3) == 0)
            trial_reload(&s->trial, p, commands[sim_chance(s, 3)]);
        if (sim_chance(s, 2) == 0)
            s->trial.renew[p][s->trial.pairs[p].renew.count++] = "renew";
    }
    for (uint32_t h = 0; h < hosts_count; h++) {
        trial_host(&s->trial, hosts[h], sim_chance(s, pairs));
        struct conf_host *host = &s->trial.hosts[h];
        if (pairs > 1 && sim_chance(s, 2) == 0)
            trial_host_pair(&s->trial, h, 1 - host->pairs[0]);
        if (sim_chance(s, 3) == 0)
            trial_host_record(&s->trial, h, 3, 1, 2);
        if (sim_chance(s, 3) == 0)
            trial_host_service(&s->trial, h, "imaps", 993);
        /* A pair that no host refers to is an error of the configuration. */
        for (uint32_t p = 0; h + 1 == hosts_count && p < pairs; p++) {
            bool used = false;
            for (uint32_t i = 0; i < hosts_count; i++)
                used = used || sim_host_has(s, i, p);
            if (!used)
                trial_host_pair(&s->trial, h, p);
        }
        host->ttl = ttls[sim_chance(s, 4)];
        host->adopt = sim_chance(s, 2) == 0;
        host->waits.publish = sim_chance(s, 4) == 0 ? 40000 : 0;
        host->waits.retire = sim_chance(s, 3) == 0 ? 0 : 3600;
    }
    sim_begin(s);
    for (size_t o = 0; o < s->owners_count; o++)
        sim_random_records(s, o);
}

/* What happens between two runs. CHANGES: somebody else works on the zone; LOSSES: state is lost.
 */
static inline void sim_between(struct sim *s, bool changes, bool losses)
{
    static const uint32_t passes[] = {5, 200, 1000, 2000, 5000, 40000};
    sim_pass(s, passes[sim_chance(s, 6)]);
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        if (sim_chance(s, 4) == 0)
            sim_renew(s, p, (enum sim_inject)(SIM_RENEW_KEY + (int)sim_chance(s, 3)));
        s->torn[p] = sim_chance(s, 12) == 0;
        s->hidden[p] = sim_chance(s, 12) == 0;
    }
    if (sim_chance(s, 6) == 0)
        sim_reboot(s, sim_chance(s, 2) == 0);
    else if (sim_chance(s, 4) == 0) {
        s->wall_error = 0;
        s->proven = true;
    }
    if (losses && sim_chance(s, 6) == 0)
        sim_lose_state(s);
    if (changes && sim_chance(s, 6) == 0) {
        size_t o = sim_chance(s, (uint32_t)s->owners_count);
        const struct sim_set *set = &s->owners[o].accepted;
        if (s->owners[o].pending_count == 0 && set->count > 0 && sim_chance(s, 2) == 0)
            sim_foreign_remove(s, o, sim_chance(s, (uint32_t)set->count));
        else if (set->count > 0 && set->count < 8)
            sim_random_records(s, o);
        /* What others do does not show in the middle of the next run: that is told apart. */
        sim_pass(s, s->lag);
    }
}

static inline void sim_random_story(struct sim *s, uint64_t seed)
{
    sim_make_random(s, seed);
    bool losses = sim_chance(s, 2) == 0, changes = !losses && sim_chance(s, 2) == 0;
    s->lag = sim_chance(s, 4) == 0 ? sim_chance(s, 30) : 0;
    for (unsigned i = 0; i < 24 && s->fault[0] == '\0'; i++) {
        s->hostile = sim_chance(s, 2) == 0 ? 0 : sim_chance(s, 60);
        s->armed = false;
        sim_run(s, sim_chance(s, 4) == 0, sim_chance(s, 4) == 0);
        sim_between(s, changes, losses);
    }
    sim_settle_down(s);
}

#endif
