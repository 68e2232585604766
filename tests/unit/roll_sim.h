/*
 * A world in memory behind struct world, for the engine as it is: providers that lose answers,
 * caches that hold every RRset that ever was, services, an ACME client, crashes.
 *
 * After every change the invariant is checked (facts 2.2): each RRset that a cache may still hold,
 * and the one of now, fits each chain served, for a client that knows SHA-256 only and for one that
 * prefers SHA-512. Caches hold a version for twice its TTL: a second layer may begin anew.
 */
#ifndef TESTS_UNIT_ROLL_SIM_H
#define TESTS_UNIT_ROLL_SIM_H

#include "roll/roll.h"
#include "roll_trial.h"

#define SIM_KEYS     4 /* of a pair; each in two certificates */
#define SIM_LEAFS    (TRIAL_PAIRS * SIM_KEYS * 2)
#define SIM_RECORDS  PROVIDER_RECORDS_MOST
#define SIM_VERSIONS 96
#define SIM_PENDING  24
#define SIM_OWNERS   (TRIAL_HOSTS * TRIAL_SERVICES)
#define SIM_COMMANDS 2 /* of a pair */
#define SIM_FOREVER  INT64_MAX

/* What is thrown in at a point of a run; FAULT: at the next call to the provider, and so on. */
enum sim_inject {
    SIM_CRASH,
    SIM_CRASH_REBOOT, /* with a clock that is wrong and not proven */
    SIM_CRASH_LOSS,   /* the state is lost, where losing it may cost nothing but time */
    SIM_RENEW_KEY,
    SIM_RENEW_CERTIFICATE,
    SIM_RENEW_BACK,
    SIM_FAULT_LOST_BEFORE, /* UNKNOWN, without effect */
    SIM_FAULT_LOST_AFTER,  /* UNKNOWN, with it */
    SIM_FAULT_LATER,
    SIM_FAULT_REFUSED,
    SIM_FAULT_CONFLICT,
    SIM_HOOK_FAILS,
    SIM_HOOK_FAILS_AFTER, /* services were reloaded all the same */
    SIM_SAVE_FAILS,
    SIM_SAVE_FAILS_AFTER,
    SIM_STOP,
    SIM_INJECTS
};

struct sim_record {
    struct tlsa tlsa;
    uint32_t ttl;
    bool automatic, by_us;
    unsigned id;
};

struct sim_set {
    size_t count;
    struct sim_record records[SIM_RECORDS];
    uint32_t excused; /* leafs that it does not fit by somebody else's doing, or unavoidably */
};

/* An RRset as resolvers saw it. */
struct sim_version {
    int64_t until; /* SIM_FOREVER: it stands */
    uint32_t ttl;
    uint32_t fits, excused; /* by leaf */
};

struct sim_owner {
    size_t host;
    char owner[TLSA_OWNER_SIZE];
    struct sim_set accepted, visible;
    size_t pending_count;
    struct {
        int64_t due;
        struct sim_set set;
    } pending[SIM_PENDING];
    size_t versions_count;
    struct sim_version versions[SIM_VERSIONS];
};

struct sim {
    struct trial trial;
    struct world world;
    size_t owners_count;
    struct sim_owner owners[SIM_OWNERS];

    /* pairs: what stands on disk, what services serve, what a run has seen since they loaded it */
    unsigned disk[TRIAL_PAIRS], former[TRIAL_PAIRS];
    uint32_t read[TRIAL_PAIRS]; /* by the run under way, last */
    bool torn[TRIAL_PAIRS], hidden[TRIAL_PAIRS];
    unsigned served[TRIAL_PAIRS][SIM_COMMANDS];
    uint32_t seen[TRIAL_PAIRS][SIM_COMMANDS]; /* and the state was written after that */

    /* time, and what the machine knows of it */
    int64_t now, boot_start, wall_error;
    unsigned boot;
    bool proven, dated;

    char state[STATE_TEXT_SIZE];
    int state_length; /* -1: none */

    /* what goes wrong */
    uint64_t random;
    unsigned hostile; /* of 1000 calls, so many go wrong; 0: only what is injected */
    uint32_t lag;     /* until what was accepted is visible */
    unsigned points, inject_at;
    enum sim_inject inject;
    bool armed;    /* INJECT is to happen at the next place that it fits */
    bool believes; /* for a broken engine: a lost answer counts as done */

    jmp_buf crash;
    struct arena memory, *look;
    bool crashed, stopped, amnesia, noted;
    struct outcome outcome;
    unsigned saves, writes, hooks, ids;
    char fault[512]; /* the first breach; "" while all is well */
};

/* --- chance and words ------------------------------------------------------------------------ */

static inline uint32_t sim_chance(struct sim *s, uint32_t below)
{
    s->random ^= s->random >> 12;
    s->random ^= s->random << 25;
    s->random ^= s->random >> 27;
    return (uint32_t)((s->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

static inline void sim_breach(struct sim *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void sim_breach(struct sim *s, const char *format, ...)
{
    va_list arguments;
    if (s->fault[0] != '\0')
        return;
    int n = snprintf(s->fault, sizeof s->fault, "at %lld: ", (long long)s->now);
    va_start(arguments, format);
    (void)vsnprintf(s->fault + n, sizeof s->fault - (size_t)n, format, arguments);
    va_end(arguments);
}

/* --- leafs and what fits them ---------------------------------------------------------------- */

/* Leaf I of all: pair, key and certificate in its number. */
static inline const struct cert_digests *sim_leaf(unsigned i)
{
    static struct cert_digests leafs[SIM_LEAFS];
    static bool made;
    for (unsigned k = 0; !made && k < SIM_LEAFS; k++)
        leafs[k] = trial_leaf(1 + k / 2, 1 + k % 2);
    made = true;
    return &leafs[i];
}

static inline uint32_t sim_bit(unsigned leaf)
{
    return UINT32_C(1) << leaf;
}

static inline bool sim_dane_usable(const struct tlsa *t, bool knows_512)
{
    return tlsa_usable(t) && t->combination.usage >= 2 &&
           (knows_512 || t->combination.matching != TLSA_MATCHING_SHA512);
}

/* RFC 7671 section 9: beside a stronger digest of its usage and selector it is not looked at. */
static inline bool sim_overruled(const struct sim_set *set, const struct tlsa *t)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct tlsa *o = &set->records[i].tlsa;
        if (tlsa_usable(o) && o->combination.usage == t->combination.usage &&
            o->combination.selector == t->combination.selector &&
            o->combination.matching == TLSA_MATCHING_SHA512 &&
            t->combination.matching == TLSA_MATCHING_SHA256)
            return true;
    }
    return false;
}

static inline bool sim_client_accepts(const struct sim_set *set, const struct cert_digests *leaf,
                                      bool knows_512)
{
    bool any = false;
    for (size_t i = 0; i < set->count; i++) {
        const struct tlsa *t = &set->records[i].tlsa;
        if (!sim_dane_usable(t, knows_512) || (knows_512 && sim_overruled(set, t)))
            continue;
        any = true;
        if (tlsa_matches(t, leaf))
            return true;
    }
    return !any;
}

static inline bool sim_fits(const struct sim_set *set, unsigned leaf)
{
    return sim_client_accepts(set, sim_leaf(leaf), false) &&
           sim_client_accepts(set, sim_leaf(leaf), true);
}

static inline uint32_t sim_all_fits(const struct sim_set *set)
{
    uint32_t fits = 0;
    for (unsigned i = 0; i < SIM_LEAFS; i++) {
        if (sim_fits(set, i))
            fits |= sim_bit(i);
    }
    return fits;
}

/* RFC 7671 section 8: each combination of usage 3 with a digest matches. */
static inline bool sim_fits_fully(const struct sim_set *set, unsigned leaf)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct tlsa *t = &set->records[i].tlsa;
        struct tlsa own;
        bool there = false;
        if (!tlsa_usable(t) || t->combination.usage != 3 ||
            tlsa_make(&own, t->combination, sim_leaf(leaf)) != 0)
            continue;
        for (size_t k = 0; k < set->count; k++)
            there = there || tlsa_equal(&set->records[k].tlsa, &own);
        if (!there)
            return false;
    }
    return true;
}

static inline bool sim_host_has(const struct sim *s, size_t host, size_t pair)
{
    for (size_t i = 0; i < s->trial.hosts[host].pairs_count; i++) {
        if (s->trial.hosts[host].pairs[i] == pair)
            return true;
    }
    return false;
}

/* The leafs that services of a host serve. */
static inline uint32_t sim_served(const struct sim *s, size_t host)
{
    uint32_t served = 0;
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        for (size_t k = 0; sim_host_has(s, host, p) && k < s->trial.pairs[p].reload.count; k++)
            served |= sim_bit(s->served[p][k]);
    }
    return served;
}

/* --- the invariant --------------------------------------------------------------------------- */

static inline bool sim_is_cached(const struct sim *s, const struct sim_version *v)
{
    return v->until == SIM_FOREVER || v->until + 2 * (int64_t)v->ttl > s->now;
}

static inline void sim_check(struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_owner *owner = &s->owners[o];
        uint32_t served = sim_served(s, owner->host);
        for (size_t i = 0; i < owner->versions_count; i++) {
            const struct sim_version *v = &owner->versions[i];
            if (sim_is_cached(s, v) && (served & ~(v->fits | v->excused)) != 0)
                sim_breach(s, "%s: %s does not fit a served key (leafs %x)", owner->owner,
                           v->until == SIM_FOREVER ? "the RRset" : "a cached RRset",
                           (unsigned)(served & ~(v->fits | v->excused)));
        }
    }
}

/* A leaf is loaded that was not served: the waiting rule must be over at every owner name. */
static inline void sim_check_load(struct sim *s, size_t pair, unsigned leaf)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_owner *owner = &s->owners[o];
        const struct conf_waits *w = &s->trial.hosts[owner->host].waits;
        if (!sim_host_has(s, owner->host, pair))
            continue;
        if (!sim_fits_fully(&owner->visible, leaf) || owner->visible.count == 0)
            sim_breach(s, "%s: leaf %u loaded, but its records are not complete", owner->owner,
                       leaf);
        for (size_t i = 0; i < owner->versions_count; i++) {
            const struct sim_version *v = &owner->versions[i];
            int64_t wait = 2 * (int64_t)v->ttl + w->margin;
            wait = wait < w->floor ? w->floor : wait;
            wait = wait < w->publish ? w->publish : wait;
            if ((v->fits & sim_bit(leaf)) != 0)
                continue;
            if (v->until == SIM_FOREVER || s->now < v->until + wait)
                sim_breach(s, "%s: leaf %u loaded before the waiting rule was over", owner->owner,
                           leaf);
        }
    }
}

/* --- the zone -------------------------------------------------------------------------------- */

static inline void sim_show(struct sim *s, struct sim_owner *owner, const struct sim_set *set,
                            int64_t at)
{
    struct sim_version *v;
    if (owner->versions_count > 0) {
        owner->versions[owner->versions_count - 1].until = at;
        /* What no cache and no waiting rule can ask for any more. */
        for (size_t i = 0; i < owner->versions_count;) {
            v = &owner->versions[i];
            if (v->until != SIM_FOREVER && v->until + 2 * (int64_t)v->ttl + 200000 < s->now)
                memmove(v, v + 1, (--owner->versions_count - i) * sizeof *v);
            else
                i++;
        }
    }
    if (owner->versions_count == SIM_VERSIONS)
        sim_breach(s, "the simulation's versions are too few");
    else
        owner->versions_count++;
    v = &owner->versions[owner->versions_count - 1];
    memset(v, 0, sizeof *v);
    v->until = SIM_FOREVER;
    v->fits = sim_all_fits(set);
    v->excused = set->excused;
    for (size_t i = 0; i < set->count; i++)
        v->ttl = set->records[i].ttl > v->ttl ? set->records[i].ttl : v->ttl;
    owner->visible = *set;
    sim_check(s);
}

/* What is due becomes visible. */
static inline void sim_settle(struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        struct sim_owner *owner = &s->owners[o];
        while (owner->pending_count > 0 && owner->pending[0].due <= s->now) {
            sim_show(s, owner, &owner->pending[0].set, owner->pending[0].due);
            memmove(&owner->pending[0], &owner->pending[1],
                    --owner->pending_count * sizeof owner->pending[0]);
        }
    }
}

static inline void sim_accept(struct sim *s, struct sim_owner *owner, uint32_t excused)
{
    owner->accepted.excused = excused & ~sim_all_fits(&owner->accepted);
    if (owner->pending_count == SIM_PENDING) {
        sim_breach(s, "the simulation's pending changes are too few");
        return;
    }
    owner->pending[owner->pending_count].due = s->now + s->lag;
    owner->pending[owner->pending_count++].set = owner->accepted;
    sim_settle(s);
}

static inline size_t sim_find(const struct sim_set *set, const struct tlsa *tlsa)
{
    size_t i = 0;
    while (i < set->count && !tlsa_equal(&set->records[i].tlsa, tlsa))
        i++;
    return i;
}

static inline void sim_put(struct sim *s, struct sim_owner *owner, const struct tlsa *tlsa,
                           uint32_t ttl, bool by_us)
{
    struct sim_set *set = &owner->accepted;
    if (sim_find(set, tlsa) < set->count)
        return;
    if (set->count == SIM_RECORDS) {
        sim_breach(s, "the simulation's records are too few");
        return;
    }
    set->records[set->count++] = (struct sim_record){.tlsa = *tlsa,
                                                     .ttl = ttl == 1 ? 300 : ttl,
                                                     .automatic = ttl == 1,
                                                     .by_us = by_us,
                                                     .id = ++s->ids};
}

static inline void sim_drop(struct sim_set *set, size_t index)
{
    memmove(&set->records[index], &set->records[index + 1],
            (--set->count - index) * sizeof set->records[0]);
}

/* Somebody else's doing; what it breaks is not ours. */
static inline void sim_foreign_add(struct sim *s, size_t owner, struct tlsa tlsa, uint32_t ttl)
{
    struct sim_owner *o = &s->owners[owner];
    sim_put(s, o, &tlsa, ttl, false);
    sim_accept(s, o, UINT32_MAX);
}

static inline void sim_foreign_remove(struct sim *s, size_t owner, size_t index)
{
    struct sim_owner *o = &s->owners[owner];
    sim_drop(&o->accepted, index);
    sim_accept(s, o, UINT32_MAX);
}

/* --- pairs and services ---------------------------------------------------------------------- */

static inline void sim_write_pair(struct sim *s, size_t pair, unsigned leaf)
{
    if (s->disk[pair] == leaf)
        return;
    s->former[pair] = s->disk[pair];
    s->disk[pair] = leaf;
}

/* A reload command: services read what stands there, unless it does not fit. */
static inline void sim_load(struct sim *s, const char *command, bool succeeds)
{
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        const struct conf_list *reload = &s->trial.pairs[p].reload;
        for (size_t k = 0; k < reload->count; k++) {
            unsigned leaf = s->disk[p];
            if (strcmp(reload->items[k], command) != 0 || s->torn[p])
                continue;
            if (leaf != s->served[p][k])
                sim_check_load(s, p, leaf);
            s->served[p][k] = leaf;
            s->seen[p][k] = (succeeds ? 0 : s->seen[p][k]) | sim_bit(leaf);
        }
    }
    sim_check(s);
}

/* --- points at which something happens ------------------------------------------------------- */

static inline void sim_reboot(struct sim *s, bool proven)
{
    s->boot++;
    s->boot_start = s->now;
    s->proven = proven;
    s->dated = false;
    s->wall_error = proven ? 0 : (int64_t)sim_chance(s, 4000000) - 1000000;
}

/* Whether the state may be lost now without more than time: what is served is vouched for. */
static inline bool sim_may_lose(const struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_owner *owner = &s->owners[o];
        uint32_t served = sim_served(s, owner->host);
        const struct conf_host *host = &s->trial.hosts[owner->host];
        for (unsigned leaf = 0; leaf < SIM_LEAFS; leaf++) {
            if ((served & sim_bit(leaf)) == 0)
                continue;
            if (owner->pending_count > 0 || !sim_fits_fully(&owner->visible, leaf))
                return false;
            for (size_t i = 0; i < host->records_count; i++) {
                struct tlsa own = trial_record(3, host->records[i].selector,
                                               host->records[i].matching, sim_leaf(leaf));
                if (sim_find(&owner->visible, &own) == owner->visible.count)
                    return false;
            }
        }
    }
    return true;
}

/*
 * A renewal comes when the key in use is known to the engine, by its state or by DNS: else no
 * engine that does not ask the services could tell it (DESIGN.md section 3, first run).
 */
static inline void sim_renew(struct sim *s, size_t pair, enum sim_inject how)
{
    unsigned base = (unsigned)pair * SIM_KEYS * 2, leaf = s->disk[pair] - base;
    if (!s->noted && !sim_may_lose(s))
        return;
    if (how == SIM_RENEW_BACK)
        sim_write_pair(s, pair, s->former[pair]);
    else if (how == SIM_RENEW_CERTIFICATE)
        sim_write_pair(s, pair, base + (leaf ^ 1));
    else
        sim_write_pair(s, pair, base + (leaf + 2) % (SIM_KEYS * 2));
}

static inline void sim_lose_state(struct sim *s)
{
    if (!sim_may_lose(s))
        return;
    s->state_length = -1;
    s->noted = false;
    s->amnesia = true;
    memset(s->seen, 0, sizeof s->seen);
}

static inline _Noreturn void sim_crash(struct sim *s)
{
    if (s->look != NULL)
        arena_release(s->look);
    s->look = NULL;
    s->crashed = true;
    longjmp(s->crash, 1);
}

static inline void sim_happen(struct sim *s, bool renewable)
{
    switch (s->inject) {
    case SIM_CRASH_REBOOT:
        sim_reboot(s, false);
        break;
    case SIM_CRASH_LOSS:
        sim_lose_state(s);
        break;
    case SIM_CRASH:
        break;
    case SIM_STOP:
        s->stopped = true;
        s->armed = false;
        return;
    case SIM_RENEW_KEY:
    case SIM_RENEW_CERTIFICATE:
    case SIM_RENEW_BACK:
        if (!renewable)
            return;
        s->armed = false;
        sim_renew(s, sim_chance(s, (uint32_t)s->trial.conf.pairs_count), s->inject);
        return;
    default:
        return;
    }
    s->armed = false;
    sim_crash(s);
}

/* Every call to the world passes here, those that change something twice. */
static inline void sim_point(struct sim *s, bool renewable)
{
    s->points++;
    if (s->hostile > 0) {
        s->now += sim_chance(s, 4) == 0 ? sim_chance(s, 3) : 0;
        if (!s->armed && sim_chance(s, 1000) < s->hostile) {
            s->inject = (enum sim_inject)sim_chance(s, SIM_INJECTS);
            s->armed = true;
        }
    } else if (s->points == s->inject_at) {
        s->armed = true;
    }
    sim_settle(s);
    if (s->armed)
        sim_happen(s, renewable);
}

/* Whether the injected KIND is to happen here and now. */
static inline bool sim_takes(struct sim *s, enum sim_inject kind)
{
    if (!s->armed || s->inject != kind)
        return false;
    s->armed = false;
    return true;
}

#endif
