/*
 * Worlds for the simulation: small ones in which something is thrown in at every point, and random
 * ones. Each story ends in calm, in which everything has to come to its end.
 */
#ifndef TESTS_UNIT_ROLL_SIM_SUITE_H
#define TESTS_UNIT_ROLL_SIM_SUITE_H

#include "roll_sim_run.h"

/* --- the end of a story ---------------------------------------------------------------------- */

static inline bool sim_is_plain(const struct sim_owner *owner)
{
    return owner->addresses[0].manner == SIM_PLAIN;
}

/* All of its addresses are somebody else's. */
static inline bool sim_is_front(const struct sim_owner *owner)
{
    for (size_t a = 0; a < owner->addresses_count; a++) {
        if (owner->addresses[a].manner != SIM_STRANGER)
            return false;
    }
    return true;
}

/* Whether a record is for something that is served, or for a key that is to come. */
static inline bool sim_is_wanted(const struct sim *s, const struct sim_owner *owner,
                                 const struct tlsa *tlsa)
{
    uint32_t wanted = sim_served(owner);
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        if (sim_host_has(s, owner->host, p))
            wanted |= sim_bit(s->disk[p]) | sim_bit(s->next_key[p]);
    }
    for (unsigned leaf = 0; leaf < SIM_LEAFS; leaf++) {
        if ((wanted & sim_bit(leaf)) != 0 && sim_matches(tlsa, leaf))
            return true;
    }
    return false;
}

/* Whether the state holds this leaf as one that a pair had. */
static inline bool sim_is_known_leaf(const struct sim *s, const struct cert_digests *leaf)
{
    char text[STATE_TEXT_SIZE + 1], hex[65];
    struct buf b = BUF_OVER(hex);
    if (s->state_length < 0)
        return false;
    memcpy(text, s->state, (size_t)s->state_length);
    text[s->state_length] = '\0';
    buf_hex(&b, leaf->certificate256, sizeof leaf->certificate256);
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "leaf ", 5) == 0 && strstr(line, hex) != NULL)
            return true;
    }
    return false;
}

/*
 * After a lost state a key that a second server shows counts as ours (DESIGN.md, first run (2)).
 * That it will not go is told, and the former records stay, until the user gives it a pair of its
 * own.
 */
static inline bool sim_is_confused(const struct sim *s)
{
    for (size_t o = 0; s->lost && o < s->owners_count; o++) {
        for (size_t a = 0; a < s->owners[o].addresses_count; a++) {
            const struct sim_address *address = &s->owners[o].addresses[a];
            if (address->manner == SIM_STRANGER &&
                sim_is_known_leaf(s, sim_leaf(address->slots[SIM_PAIRS].served)))
                return true;
        }
    }
    return false;
}

static inline void sim_check_records(struct sim *s, struct sim_owner *owner)
{
    const struct conf_host *host = &s->trial.hosts[owner->host];
    const struct sim_set *set = sim_accepted(owner);
    for (size_t i = 0; i < set->count; i++) {
        const struct sim_record *r = &set->records[i];
        if (r->by_us && (sim_is_plain(owner) || sim_is_front(owner) || host->leave))
            sim_breach(s, "%s: a record is published that should not be", owner->owner);
        if ((host->adopt || (r->by_us && !r->orphan)) && !sim_is_confused(s) &&
            !sim_is_wanted(s, owner, &r->tlsa))
            sim_breach(s, "%s: a stale record (%02x%02x) is left at the end", owner->owner,
                       r->tlsa.data[0], r->tlsa.data[1]);
    }
    for (size_t p = 0; p < host->pairs_count && !host->leave; p++) {
        unsigned leaf = s->disk[host->pairs[p]];
        for (size_t i = 0; !sim_is_plain(owner) && !sim_is_front(owner) && i < host->records_count;
             i++) {
            struct tlsa own = sim_record(
                leaf, (struct tlsa_combination){host->records[i].usage, host->records[i].selector,
                                                host->records[i].matching});
            if (sim_find(set, &own) == set->count || !sim_fits_fully(set, leaf))
                sim_breach(s, "%s: leaf %u is not vouched for at the end", owner->owner, leaf);
        }
    }
}

/* A foreign record of an issuer that the pair's chain has not: nothing is installed beside it. */
static inline bool sim_is_blocked(struct sim *s, size_t pair)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_set *set = sim_accepted(&s->owners[o]);
        for (size_t i = 0; sim_host_has(s, s->owners[o].host, pair) && i < set->count; i++) {
            const struct tlsa *t = &set->records[i].tlsa;
            bool matched = !tlsa_usable(t) || t->combination.usage != 2;
            for (size_t k = 0; !matched && k < set->count; k++)
                matched = tlsa_same_combination(set->records[k].tlsa.combination, t->combination) &&
                          sim_matches(&set->records[k].tlsa, s->disk[pair]);
            if (!matched)
                return true;
        }
    }
    return false;
}

/* Whether the state has a leaf; what it has not may be another server's. */
static inline bool sim_is_known(const struct sim *s, unsigned leaf)
{
    char hex[65];
    struct buf b = BUF_OVER(hex);
    buf_hex(&b, sim_leaf(leaf)->certificate512, 32);
    return s->state_length > 0 && strstr(s->state, hex) != NULL;
}

static inline void sim_check_end(struct sim *s)
{
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        if (sim_is_blocked(s, p))
            return;
    }
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        if (sim_is_staged(s, p) && s->current[p] != s->disk[p])
            sim_breach(s, "pair %zu: leaf %u is never installed", p, s->disk[p]);
    }
    for (size_t o = 0; o < s->owners_count; o++) {
        struct sim_owner *owner = &s->owners[o];
        sim_check_records(s, owner);
        for (size_t a = 0; !sim_is_plain(owner) && a < owner->addresses_count; a++) {
            for (size_t p = 0; p < SIM_PAIRS; p++) {
                const struct sim_slot *slot = &owner->addresses[a].slots[p];
                if (slot->there &&
                    (slot->broken || (slot->served != s->disk[p] && sim_is_known(s, slot->served))))
                    sim_breach(s, "pair %zu: leaf %u is never loaded", p, s->disk[p]);
            }
        }
    }
}

/* --- calm ------------------------------------------------------------------------------------ */

static inline void sim_calm(struct sim *s)
{
    s->hostile = s->inject_at = 0;
    s->armed = false;
    s->proven = s->dated = true;
    s->wall_error = 0;
    s->unfit = 0;
    memset(s->torn, 0, sizeof s->torn);
    memset(s->hidden, 0, sizeof s->hidden);
    for (size_t o = 0; o < s->owners_count; o++) {
        struct sim_owner *owner = &s->owners[o];
        for (size_t i = 0; i <= SIM_SERVERS; i++) {
            owner->servers[i].lag = 0;
            owner->servers[i].shown = owner->newest;
            sim_recover(s, owner, i);
        }
        for (size_t a = 0; a < owner->addresses_count; a++) {
            owner->addresses[a].unseen = false;
            owner->addresses[a].fails = 0;
        }
    }
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        if ((s->bad & sim_bit(s->disk[p])) != 0)
            sim_renew(s, p, SIM_RENEW_KEY);
        sim_live(s, p, SIM_BY_RENEWAL);
    }
}

/* Whether the user has nothing to mend: exit code 0 is expected. */
static inline bool sim_is_flawless(struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        if (sim_is_plain(&s->owners[o]))
            return false;
    }
    if (sim_is_confused(s))
        return false;
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        if (sim_is_blocked(s, p))
            return false;
    }
    return true;
}

/* From here on nothing is written or asked but for a look from time to time. */
static inline void sim_check_idle(struct sim *s)
{
    unsigned saves = s->saves, writes = s->writes, hooks = s->hooks, looks = s->looks;
    unsigned calls = s->calls, installs = s->installs;
    sim_pass(s, 60);
    sim_run(s, false);
    if (s->calls != calls && sim_is_flawless(s))
        sim_breach(s, "an idle call makes %u network calls", s->calls - calls);
    if (s->looks != looks && sim_is_flawless(s))
        sim_breach(s, "an idle call writes its look");
    sim_pass(s, 30000);
    calls = s->calls;
    sim_run(s, false);
    if (s->calls == calls)
        sim_breach(s, "no look after the interval");
    if (s->saves != saves || s->writes != writes || s->hooks != hooks || s->installs != installs)
        sim_breach(s, "idle runs write: %u states, %u records, %u commands, %u installations",
                   s->saves - saves, s->writes - writes, s->hooks - hooks, s->installs - installs);
}

/* The user looks after services that have no TLS. */
static inline void sim_mend(struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        for (size_t a = 0; a < s->owners[o].addresses_count; a++) {
            if (sim_is_broken(&s->owners[o].addresses[a])) {
                sim_tell(s, "the user restarts the services");
                sim_restart_all(s);
                return;
            }
        }
    }
}

/* All is calm: everything comes to its end. */
static inline void sim_settle_down(struct sim *s)
{
    static const int64_t passes[] = {10, 4000, 4000, 4000, 20000, 4000, 90000, 22000, 4000, 90000};
    size_t count = sizeof passes / sizeof passes[0];
    unsigned rests = 0;
    const struct roll_options retry = {.no_renew = true, .retry = true};
    sim_calm(s);
    sim_tell(s, "--- calm");
    for (size_t i = 0; i < 3 * count && rests < 2; i++) {
        unsigned done = s->saves + s->writes + s->hooks + s->installs, calls = s->calls;
        sim_pass(s, passes[i % count]);
        if (i % count == 7)
            sim_mend(s);
        if (i == 0)
            sim_run_with(s, &retry);
        else
            sim_run(s, false);
        for (size_t k = 0; k < s->owners_count * SIM_SERVERS; k++)
            sim_recover(s, &s->owners[k / SIM_SERVERS], k % SIM_SERVERS);
        /* A day later at least: what a dead server held up takes that long. */
        if (i > 5 && s->calls != calls)
            rests = done == s->saves + s->writes + s->hooks + s->installs ? rests + 1 : 0;
    }
    if (s->outcome.later || s->outcome.usage || s->outcome.changed ||
        (s->outcome.failed && sim_is_flawless(s)))
        sim_breach(s, "not at rest at the end: failed %d, later %d, usage %d, changed %d",
                   (int)s->outcome.failed, (int)s->outcome.later, (int)s->outcome.usage,
                   (int)s->outcome.changed);
    sim_check_idle(s);
    sim_check_end(s);
}

/* --- small worlds ---------------------------------------------------------------------------- */

enum sim_small {
    SIM_WORLD_SIMPLE,         /* one staged pair, one host, one service */
    SIM_WORLD_CLASSIC,        /* the same without `install` */
    SIM_WORLD_EMPTY_FOLDER,   /* the first run of a staged pair */
    SIM_WORLD_COMBINATIONS,   /* 3 1 1, 3 1 2, 2 1 1; two services with a command each */
    SIM_WORLD_ADOPTED,        /* records of a former life, a forgotten 3 1 2, an issuer's; adopt */
    SIM_WORLD_FOREIGN,        /* the same, but for the issuer's, without adopt */
    SIM_WORLD_TWO_ALGORITHMS, /* two pairs that share their reload command */
    SIM_WORLD_SHARED_PAIR,    /* one pair of two hosts, publish-wait */
    SIM_WORLD_ADDRESSES, /* three addresses: one that obeys, one that is late, another server's */
    SIM_WORLD_STUBBORN,  /* a service that needs a restart */
    SIM_WORLD_NEXT_KEY,  /* keys that are known before they are used */
    SIM_WORLD_BLIND,     /* propagation = time */
    SIM_WORLDS
};

static inline void sim_former_life(struct sim *s, size_t o, bool issuer)
{
    struct cert_digests other = trial_leaf(90, 1), root = trial_leaf(91, 1);
    const struct cert_digests *own = sim_leaf(s->disk[0]);
    sim_foreign_add(s, o, trial_record(3, 1, 1, own), 1800);
    sim_foreign_add(s, o, trial_record(3, 1, 1, &other), 1800);
    sim_foreign_add(s, o, trial_record(3, 1, 2, own), 1800);
    sim_foreign_add(s, o, trial_record(3, 0, 1, &other), 1800);
    if (issuer)
        sim_foreign_add(s, o, trial_record(2, 1, 1, &root), 1800);
    for (size_t i = 0; i < SIM_SETS; i++)
        s->owners[o].sets[i].foreign = false;
}

static inline void sim_configure_small(struct sim *s, enum sim_small which)
{
    struct trial *t = &s->trial;
    trial_pair(t, "a", "reload x");
    if (which != SIM_WORLD_CLASSIC)
        trial_install(t, 0);
    trial_host(t, "mail.example.org", 0);
    if (which == SIM_WORLD_COMBINATIONS) {
        trial_reload(t, 0, "reload y");
        trial_host_record(t, 0, 3, 1, 2);
        trial_host_record(t, 0, 2, 1, 1);
        trial_host_service(t, 0, "imaps", 993);
    }
    t->hosts[0].adopt = which == SIM_WORLD_ADOPTED;
    if (which == SIM_WORLD_TWO_ALGORITHMS) {
        trial_pair(t, "b", "reload x");
        trial_install(t, 1);
        trial_host_pair(t, 0, 1);
    }
    if (which == SIM_WORLD_SHARED_PAIR) {
        trial_host(t, "mx.example.net", 0);
        t->hosts[1].waits.publish = 20000;
        t->hosts[1].ttl = 60;
    }
    if (which == SIM_WORLD_STUBBORN)
        trial_restart(t, 0, "restart x");
    if (which == SIM_WORLD_NEXT_KEY)
        t->pairs[0].next_key = "/next-key";
    if (which == SIM_WORLD_BLIND)
        t->hosts[0].propagation = CONF_PROPAGATION_TIME;
}

static inline void sim_make_small(struct sim *s, enum sim_small which, bool wait)
{
    sim_init(s, 1);
    sim_configure_small(s, which);
    sim_begin(s, which != SIM_WORLD_EMPTY_FOLDER);
    for (size_t o = 0; o < s->owners_count; o++) {
        sim_add_address(s, o, which == SIM_WORLD_STUBBORN ? SIM_RESTARTS_ONLY : SIM_OBEYS);
        if (which == SIM_WORLD_ADDRESSES) {
            sim_add_address(s, o, SIM_LATE);
            sim_add_address(s, o, SIM_STRANGER);
        }
        s->owners[o].servers[1].lag = 30;
        s->owners[o].servers[2].lag = wait ? 40 : 4000;
    }
    if (which == SIM_WORLD_ADDRESSES)
        sim_foreign_add(s, 0, trial_record(3, 1, 1, sim_leaf(SIM_OURS)), 1800);
    if (which == SIM_WORLD_NEXT_KEY)
        sim_prepare_key(s, 0);
    if (which == SIM_WORLD_ADOPTED || which == SIM_WORLD_FOREIGN)
        sim_former_life(s, 0, which == SIM_WORLD_ADOPTED);
}

/*
 * First publication, a rotation, one that is overtaken by another, a renewal with the same key; a
 * cron job, or one run that waits after each event. At point AT of it all, WHAT happens.
 */
static inline void sim_story(struct sim *s, bool wait, unsigned at, enum sim_inject what)
{
    static const int events[] = {
        -1, SIM_RENEW_KEY,         -1, -1, -1, -1, SIM_RENEW_KEY, SIM_RENEW_KEY, -1, -1,
        -1, SIM_RENEW_CERTIFICATE, -1, -1};
    s->inject_at = at;
    s->inject = what;
    for (size_t i = 0; i < sizeof events / sizeof events[0] && s->fault[0] == '\0'; i++) {
        if (events[i] >= 0)
            sim_renew(s, i % s->trial.conf.pairs_count, (enum sim_inject)events[i]);
        sim_run(s, wait);
        sim_pass(s, 4500);
    }
    unsigned reached = s->points;
    sim_settle_down(s);
    s->points = reached;
}

/*
 * The point at which WHAT is worth trying next after AT: for what waits for a place that it fits,
 * one after that; for a crash, one at which the world has changed. SKIP: so many of these are left
 * out; STEP is for what may happen at any point.
 */
static inline unsigned sim_next_point(const struct sim *s, const uint64_t *moments, unsigned at,
                                      enum sim_inject what, unsigned step, unsigned skip)
{
    bool crash = what <= SIM_CRASH_LOSS;
    if (s->happened == 0)
        return SIM_POINTS;
    if (s->happened > at)
        return s->happened + 1 + 8 * skip;
    if (!crash)
        return at + step;
    for (unsigned i = 0; i <= skip; i++) {
        at++;
        while (at < SIM_POINTS && moments[at] == moments[at - 1])
            at++;
    }
    return at;
}

/*
 * Every thing at every point of a small world; those that may happen at any point, at every STEP-th
 * one, and SKIP as above. Returns how many stories broke.
 */
static inline unsigned sim_exhaust(struct sim *s, enum sim_small which, bool wait, unsigned step,
                                   unsigned skip, char *first, size_t size)
{
    static uint64_t moments[SIM_POINTS];
    unsigned broken = 0;
    memset(moments, 0, sizeof moments);
    sim_make_small(s, which, wait);
    s->moments = moments;
    sim_story(s, wait, 0, SIM_CRASH);
    for (int what = 0; what < SIM_INJECTS; what++) {
        unsigned at = 1 + (skip == 0 ? 0 : (unsigned)what * 5 + which * 3);
        while (at > 0 && at < SIM_POINTS) {
            sim_make_small(s, which, wait);
            sim_story(s, wait, at, (enum sim_inject)what);
            if (s->fault[0] != '\0' && broken++ == 0)
                (void)snprintf(first, size, "world %d, wait %d, inject %d at point %u: %s", which,
                               wait, what, at, s->fault);
            at = sim_next_point(s, moments, at, (enum sim_inject)what, step, skip);
            if (at > s->points)
                break;
        }
    }
    return broken;
}

#endif
