/*
 * A world in memory, for the engine as it is: what DNS shows. Servers that lag, are dead or lie
 * with old data, and caches that hold every RRset that any of them ever showed.
 *
 * At every instant the invariant is checked (facts 2.2): each RRset that a client may still go by
 * fits each chain that an address serves, for a client that knows SHA-256 only and for one that
 * prefers SHA-512. An RRset is held for twice its TTL after it was last shown (a second layer of
 * caches begins anew), and the time between a client's look-up and its handshake; not shorter than
 * the least wait.
 *
 * roll_sim_services.h has pairs, services and clocks; roll_sim_world.h the tables that the engine
 * sees; roll_sim_suite.h the stories.
 */
#ifndef TESTS_UNIT_ROLL_SIM_H
#define TESTS_UNIT_ROLL_SIM_H

#include "roll/roll.h"
#include "roll_trial.h"

#define SIM_PAIRS     2
#define SIM_KEYS      6 /* of a pair; each in two certificates, of two issuers */
#define SIM_OURS      (SIM_PAIRS * SIM_KEYS * 2)
#define SIM_STRANGERS 2
#define SIM_LEAFS     (SIM_OURS + SIM_STRANGERS)
#define SIM_NO_LEAF   UINT32_MAX
#define SIM_RECORDS   56
#define SIM_SETS      48 /* changes of one RRset that no server has outlived */
#define SIM_VERSIONS  64
#define SIM_SERVERS   3           /* a primary and two secondaries */
#define SIM_LIST      SIM_SERVERS /* the provider's list lags too */
#define SIM_ADDRESSES 3
#define SIM_OWNERS    (2 * TRIAL_SERVICES)
#define SIM_FOREVER   INT64_MAX
#define SIM_REFRESH   30 /* who lags so long refreshes: it comes to what is newest at one go */
#define SIM_POINTS    8192

/* What is thrown in at a point of a run. */
enum sim_inject {
    SIM_CRASH,
    SIM_CRASH_REBOOT, /* with a clock that is wrong and not proven */
    SIM_CRASH_LOSS,   /* the state is lost, where losing it may cost nothing but time */
    SIM_RENEW_KEY,
    SIM_RENEW_CERTIFICATE,
    SIM_RENEW_BACK,
    SIM_RENEW_BAD,         /* what comes breaks every service that loads it */
    SIM_FAULT_LOST_BEFORE, /* UNKNOWN, without effect; DNS cannot be asked */
    SIM_FAULT_LOST_AFTER,  /* UNKNOWN, with it */
    SIM_FAULT_LATER,
    SIM_FAULT_REFUSED,
    SIM_FAULT_CONFLICT,
    SIM_HOOK_FAILS,
    SIM_HOOK_FAILS_AFTER, /* services were reloaded all the same */
    SIM_INSTALL_FAILS,
    SIM_SAVE_FAILS,
    SIM_SAVE_FAILS_AFTER,
    SIM_RESTARTS, /* every service, by itself: it loads what stands there */
    SIM_STOP,
    SIM_INJECTS
};

struct sim_record {
    struct tlsa tlsa;
    uint32_t ttl;
    bool by_us, orphan; /* orphan: written while the state could not be: it may be forgotten */
    unsigned id;
};

/* What the provider accepted, and when each server and the list show it. */
struct sim_set {
    size_t count;
    struct sim_record records[SIM_RECORDS];
    uint32_t ttl;
    uint32_t fits;
    uint32_t excused; /* leafs that it does not fit by somebody else's doing, or unavoidably */
    bool foreign;     /* somebody else has worked on it */
    int64_t due[SIM_SERVERS + 1];
};

/* An RRset as resolvers saw it. */
struct sim_version {
    int64_t until; /* SIM_FOREVER: a server shows it */
    uint32_t ttl, fits, excused;
    bool foreign, stands;
};

enum sim_health {
    SIM_WELL,
    SIM_DEAD,    /* silent to everybody; it comes back with what is new */
    SIM_LAME,    /* likewise */
    SIM_HIDDEN,  /* silent to us only */
    SIM_RELAPSED /* it shows old data again, until that was looked at */
};

struct sim_server {
    enum sim_health health;
    unsigned shown; /* serial of the set that it shows when it is well */
    unsigned relapse;
    bool looked;
    uint32_t lag; /* seconds after the provider accepted a change */
};

/* One kind of key at one address of a service. */
struct sim_slot {
    bool there, broken; /* broken: it shows no TLS */
    unsigned served;
    bool changing, mixed; /* until `due` it shows the former one, or both */
    unsigned next;
    int64_t due;
};

enum sim_manner {
    SIM_OBEYS,
    SIM_LATE,  /* what it loads shows later */
    SIM_MIXES, /* former and new answer in turn for a while */
    SIM_RESTARTS_ONLY,
    SIM_LIVE,     /* it reads its files at any time */
    SIM_WRONG,    /* it reads the source, live, whatever is installed */
    SIM_STRANGER, /* another server, with its own key */
    SIM_PLAIN     /* it offers no STARTTLS */
};

struct sim_address {
    enum sim_manner manner;
    bool unseen;                          /* we cannot reach it; its clients can */
    unsigned fails;                       /* so many loads come to nothing */
    struct sim_slot slots[SIM_PAIRS + 1]; /* by pair; the last is a stranger's */
};

/* An owner name, its zone and its service. */
struct sim_owner {
    size_t host, service;
    char owner[TLSA_OWNER_SIZE];
    struct sim_set sets[SIM_SETS]; /* by serial */
    unsigned newest;
    struct sim_server servers[SIM_SERVERS + 1];
    size_t versions_count;
    struct sim_version versions[SIM_VERSIONS];
    size_t addresses_count;
    struct sim_address addresses[SIM_ADDRESSES];
    uint32_t probed; /* leafs that it showed when it was asked last */
};

struct sim {
    bool lost; /* the state, at some time */
    struct trial trial;
    struct world world;
    size_t owners_count;
    struct sim_owner owners[SIM_OWNERS];

    /* what stands on disk, by pair: numbers of leafs */
    unsigned disk[SIM_PAIRS], former[SIM_PAIRS], current[SIM_PAIRS], previous[SIM_PAIRS];
    unsigned next_key[SIM_PAIRS];
    unsigned read[SIM_PAIRS]; /* what the run under way read of the source last */
    bool torn[SIM_PAIRS], hidden[SIM_PAIRS];
    int64_t issued[SIM_LEAFS];
    uint32_t bad;   /* leafs that break services */
    uint32_t unfit; /* leafs that the check refuses */

    /* time, and what the machine knows of it */
    int64_t now, boot_start, wall_error;
    unsigned boot;
    bool proven, dated;

    char state[STATE_TEXT_SIZE], look[512];
    int state_length, look_length; /* -1: none */

    /* what goes wrong */
    uint64_t random;
    unsigned hostile; /* of 1000 calls, so many go wrong; 0: only what is injected */
    bool strict;      /* the provider refuses a change to what the planner did not see */
    uint32_t late;    /* what a late service takes, seconds */
    unsigned points, inject_at;
    enum sim_inject inject;
    bool armed;        /* INJECT is to happen at the next place that it fits */
    unsigned happened; /* the point at which it did; 0: not yet */
    uint64_t *moments; /* by point: what the world was like; NULL: not wanted */

    jmp_buf crash;
    struct arena memory;
    bool crashed, stopped, unsaved;
    struct outcome outcome;
    unsigned saves, looks, writes, hooks, installs, calls, ids, waits;
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

static inline bool sim_loud(void)
{
    static int loud = -1;
    if (loud < 0)
        loud = getenv("ROLL_SIM_LOUD") != NULL;
    return loud != 0;
}

static inline void sim_tell(const struct sim *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline void sim_tell(const struct sim *s, const char *format, ...)
{
    va_list arguments;
    if (!sim_loud())
        return;
    (void)fprintf(stderr, "%9lld ", (long long)s->now);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
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
    sim_tell(s, "BREACH %s", s->fault);
}

/* --- leafs and what fits them ---------------------------------------------------------------- */

/* Leaf I of all: pair, key and certificate in its number; the strangers' come last. */
static inline const struct cert_digests *sim_leaf(unsigned i)
{
    static struct cert_digests leafs[SIM_LEAFS];
    static bool made;
    for (unsigned k = 0; !made && k < SIM_LEAFS; k++)
        leafs[k] = trial_leaf(1 + k / 2, 1 + k % 2);
    made = true;
    return &leafs[i];
}

static inline const struct cert_digests *sim_issuer(unsigned leaf)
{
    static struct cert_digests issuers[2];
    static bool made;
    for (unsigned k = 0; !made && k < 2; k++)
        issuers[k] = trial_leaf(80 + k, 1);
    made = true;
    return &issuers[leaf % 2];
}

static inline uint32_t sim_bit(unsigned leaf)
{
    return leaf == SIM_NO_LEAF ? 0 : UINT32_C(1) << leaf;
}

static inline struct tlsa sim_record(unsigned leaf, struct tlsa_combination c)
{
    return trial_record(c.usage, c.selector, c.matching,
                        c.usage % 2 == 0 ? sim_issuer(leaf) : sim_leaf(leaf));
}

static inline bool sim_matches(const struct tlsa *t, unsigned leaf)
{
    if (!tlsa_usable(t) || t->hashed || t->combination.matching == TLSA_MATCHING_FULL)
        return false;
    struct tlsa own = sim_record(leaf, t->combination);
    return tlsa_equal(t, &own);
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

static inline bool sim_accepts(const struct sim_set *set, unsigned leaf, bool knows_512)
{
    bool any = false;
    for (size_t i = 0; i < set->count; i++) {
        const struct tlsa *t = &set->records[i].tlsa;
        if (!sim_dane_usable(t, knows_512) || (knows_512 && sim_overruled(set, t)))
            continue;
        any = true;
        if (sim_matches(t, leaf))
            return true;
    }
    return !any;
}

static inline uint32_t sim_all_fits(const struct sim_set *set)
{
    uint32_t fits = 0;
    for (unsigned i = 0; i < SIM_LEAFS; i++) {
        if (sim_accepts(set, i, false) && sim_accepts(set, i, true))
            fits |= sim_bit(i);
    }
    return fits;
}

static inline size_t sim_find(const struct sim_set *set, const struct tlsa *tlsa)
{
    size_t i = 0;
    while (i < set->count && !tlsa_equal(&set->records[i].tlsa, tlsa))
        i++;
    return i;
}

/* RFC 7671 section 8: each combination of usage 3 with a digest that stands there matches. */
static inline bool sim_fits_fully(const struct sim_set *set, unsigned leaf)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct tlsa *t = &set->records[i].tlsa;
        if (!tlsa_usable(t) || t->combination.usage != 3 || t->combination.matching == 0)
            continue;
        struct tlsa own = sim_record(leaf, t->combination);
        if (sim_find(set, &own) == set->count)
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

/* A server that cannot use one of its pairs has no TLS at all. */
static inline bool sim_is_broken(const struct sim_address *address)
{
    for (size_t p = 0; p <= SIM_PAIRS; p++) {
        if (address->slots[p].there && address->slots[p].broken)
            return true;
    }
    return false;
}

/* The leafs that a client may meet at an owner name's service. */
static inline uint32_t sim_served(const struct sim_owner *owner)
{
    uint32_t served = 0;
    for (size_t a = 0; a < owner->addresses_count; a++) {
        for (size_t p = 0; p <= SIM_PAIRS; p++) {
            const struct sim_slot *slot = &owner->addresses[a].slots[p];
            if (slot->there && !sim_is_broken(&owner->addresses[a]))
                served |= sim_bit(slot->served);
            if (slot->there && slot->changing && slot->mixed)
                served |= sim_bit(slot->next);
        }
    }
    return owner->addresses[0].manner == SIM_PLAIN ? 0 : served;
}

/* --- versions and the invariant -------------------------------------------------------------- */

static inline struct sim_set *sim_set_at(struct sim_owner *owner, unsigned serial)
{
    return &owner->sets[serial % SIM_SETS];
}

/* What the provider holds. */
static inline struct sim_set *sim_accepted(struct sim_owner *owner)
{
    return sim_set_at(owner, owner->newest);
}

static inline bool sim_is_held(const struct sim *s, const struct sim_owner *owner,
                               const struct sim_version *v)
{
    const struct conf_waits *w = &s->trial.hosts[owner->host].waits;
    int64_t hold = 2 * (int64_t)v->ttl + w->margin;
    hold = hold < w->floor ? w->floor : hold;
    return v->until == SIM_FOREVER || s->now < v->until + hold;
}

static inline void sim_check(struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_owner *owner = &s->owners[o];
        uint32_t served = sim_served(owner);
        for (size_t i = 0; i < owner->versions_count; i++) {
            const struct sim_version *v = &owner->versions[i];
            uint32_t broken = served & ~(v->fits | v->excused);
            if (broken != 0 && sim_is_held(s, owner, v))
                sim_breach(s, "%s: %s does not fit what is served (leafs %x; gone since %lld)",
                           owner->owner, v->until == SIM_FOREVER ? "an RRset" : "a cached RRset",
                           (unsigned)broken,
                           v->until == SIM_FOREVER ? 0LL : (long long)(s->now - v->until));
        }
    }
}

static inline bool sim_is_up(const struct sim_server *server)
{
    return server->health != SIM_DEAD && server->health != SIM_LAME;
}

/* What a server shows to resolvers. */
static inline struct sim_set *sim_shown(struct sim_owner *owner, size_t server)
{
    const struct sim_server *sv = &owner->servers[server];
    return sim_set_at(owner, sv->health == SIM_RELAPSED ? sv->relapse : sv->shown);
}

static inline void sim_stand(struct sim *s, struct sim_owner *owner, const struct sim_set *set)
{
    for (size_t i = 0; i < owner->versions_count; i++) {
        struct sim_version *v = &owner->versions[i];
        if (v->ttl == set->ttl && v->fits == set->fits && v->excused == set->excused &&
            v->foreign == set->foreign) {
            v->stands = true;
            return;
        }
    }
    if (owner->versions_count == SIM_VERSIONS) {
        sim_breach(s, "the simulation's versions are too few");
        return;
    }
    owner->versions[owner->versions_count++] =
        (struct sim_version){SIM_FOREVER, set->ttl, set->fits, set->excused, set->foreign, true};
}

/* Which RRsets resolvers may fetch now, and which they hold still. A denial fits everything. */
static inline void sim_restand(struct sim *s, struct sim_owner *owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < owner->versions_count; i++) {
        if (sim_is_held(s, owner, &owner->versions[i]))
            owner->versions[kept++] = owner->versions[i];
    }
    owner->versions_count = kept;
    for (size_t i = 0; i < kept; i++)
        owner->versions[i].stands = false;
    for (size_t i = 0; i < SIM_SERVERS; i++) {
        const struct sim_set *set = sim_shown(owner, i);
        if (sim_is_up(&owner->servers[i]) && set->count > 0)
            sim_stand(s, owner, set);
    }
    for (size_t i = 0; i < owner->versions_count; i++) {
        struct sim_version *v = &owner->versions[i];
        if (v->stands)
            v->until = SIM_FOREVER;
        else if (v->until == SIM_FOREVER)
            v->until = s->now;
    }
}

/* What is due now shows. */
static inline void sim_settle_owner(struct sim *s, struct sim_owner *owner)
{
    for (size_t i = 0; i <= SIM_SERVERS; i++) {
        unsigned *shown = &owner->servers[i].shown;
        while (*shown < owner->newest && sim_set_at(owner, *shown + 1)->due[i] <= s->now)
            *shown = owner->servers[i].lag < SIM_REFRESH ? *shown + 1 : owner->newest;
    }
    for (size_t a = 0; a < owner->addresses_count; a++) {
        for (size_t p = 0; p < SIM_PAIRS; p++) {
            struct sim_slot *slot = &owner->addresses[a].slots[p];
            if (!slot->changing || slot->due > s->now)
                continue;
            slot->changing = false;
            slot->served = slot->next;
        }
    }
    sim_restand(s, owner);
}

static inline void sim_settle(struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++)
        sim_settle_owner(s, &s->owners[o]);
    sim_check(s);
}

static inline int64_t sim_sooner(int64_t due, int64_t now, int64_t than)
{
    return due > now && due < than ? due : than;
}

static inline int64_t sim_next_event(const struct sim *s, int64_t end)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_owner *owner = &s->owners[o];
        for (size_t i = 0; i <= SIM_SERVERS; i++) {
            if (owner->servers[i].shown < owner->newest)
                end = sim_sooner(owner->sets[(owner->servers[i].shown + 1) % SIM_SETS].due[i],
                                 s->now, end);
        }
        for (size_t a = 0; a < owner->addresses_count; a++) {
            for (size_t p = 0; p < SIM_PAIRS; p++) {
                const struct sim_slot *slot = &owner->addresses[a].slots[p];
                if (slot->changing)
                    end = sim_sooner(slot->due, s->now, end);
            }
        }
    }
    return end;
}

/* Time passes, one event after the other. */
static inline void sim_pass(struct sim *s, int64_t seconds)
{
    int64_t end = s->now + seconds;
    while (s->now < end) {
        s->now = sim_next_event(s, end);
        sim_settle(s);
    }
}

/* --- the zone -------------------------------------------------------------------------------- */

/* A copy of what the provider holds, to be changed and then accepted. */
static inline struct sim_set *sim_draft(struct sim *s, struct sim_owner *owner)
{
    struct sim_set *set = sim_set_at(owner, owner->newest + 1);
    for (size_t i = 0; i <= SIM_SERVERS; i++) {
        struct sim_server *sv = &owner->servers[i];
        /* So far behind that it skips some. */
        if (owner->newest + 2 - sv->shown >= SIM_SETS)
            sv->shown = owner->newest + 3 - SIM_SETS;
        if (sv->health == SIM_RELAPSED && owner->newest + 2 - sv->relapse >= SIM_SETS)
            sv->health = SIM_WELL;
    }
    sim_restand(s, owner);
    *set = *sim_accepted(owner);
    return set;
}

static inline void sim_accept(struct sim *s, struct sim_owner *owner, struct sim_set *set)
{
    const struct sim_set *former = sim_accepted(owner);
    set->ttl = 0;
    for (size_t i = 0; i < set->count; i++)
        set->ttl = set->records[i].ttl > set->ttl ? set->records[i].ttl : set->ttl;
    set->fits = sim_all_fits(set);
    set->excused &= ~set->fits;
    for (size_t i = 0; i <= SIM_SERVERS; i++) {
        int64_t due = s->now + owner->servers[i].lag;
        set->due[i] = due < former->due[i] ? former->due[i] : due;
    }
    owner->newest++;
    sim_settle(s);
}

static inline void sim_put(struct sim *s, struct sim_set *set, const struct tlsa *tlsa,
                           uint32_t ttl, bool by_us)
{
    if (sim_find(set, tlsa) < set->count)
        return;
    if (set->count == SIM_RECORDS) {
        sim_breach(s, "the simulation's records are too few");
        return;
    }
    set->records[set->count++] = (struct sim_record){*tlsa, ttl, by_us, false, ++s->ids};
}

static inline void sim_drop(struct sim_set *set, size_t index)
{
    memmove(&set->records[index], &set->records[index + 1],
            (--set->count - index) * sizeof set->records[0]);
}

#endif
