/*
 * The simulated world's other parts: services that load what stands on disk, an ACME client,
 * somebody else who works on the zone, clocks, and the points at which something happens.
 */
#ifndef TESTS_UNIT_ROLL_SIM_SERVICES_H
#define TESTS_UNIT_ROLL_SIM_SERVICES_H

#include "roll_sim.h"

static inline bool sim_is_staged(const struct sim *s, size_t pair)
{
    return s->trial.pairs[pair].install != NULL;
}

/* What services of a pair load when they do. */
static inline unsigned sim_loadable(const struct sim *s, size_t pair)
{
    if (sim_is_staged(s, pair))
        return s->current[pair];
    return s->torn[pair] || s->hidden[pair] ? SIM_NO_LEAF : s->disk[pair];
}

/* Leafs that may be served at this owner name without any doing of ours. */
static inline uint32_t sim_may_be_served(const struct sim *s, const struct sim_owner *owner)
{
    uint32_t leafs = sim_served(owner);
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        if (sim_host_has(s, owner->host, p))
            leafs |= sim_bit(sim_loadable(s, p));
    }
    for (size_t a = 0; a < owner->addresses_count; a++) {
        for (size_t p = 0; p < SIM_PAIRS; p++) {
            const struct sim_slot *slot = &owner->addresses[a].slots[p];
            leafs |= slot->there ? sim_bit(slot->served) : 0;
            leafs |= slot->changing ? sim_bit(slot->next) : 0;
        }
    }
    return leafs;
}

/* These leafs come to be served by somebody else's doing: what there is need not fit them. */
static inline void sim_excuse(struct sim *s, size_t pair, uint32_t leafs, bool foreign_only)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        struct sim_owner *owner = &s->owners[o];
        if (!sim_host_has(s, owner->host, pair))
            continue;
        for (size_t i = 0; i < owner->versions_count; i++) {
            if (owner->versions[i].foreign || !foreign_only)
                owner->versions[i].excused |= leafs & ~owner->versions[i].fits;
        }
        for (size_t i = 0; i < SIM_SETS; i++) {
            if (owner->sets[i].foreign || !foreign_only)
                owner->sets[i].excused |= leafs & ~owner->sets[i].fits;
        }
    }
}

/* --- services -------------------------------------------------------------------------------- */

static inline void sim_load_slot(struct sim *s, struct sim_address *address, size_t pair,
                                 unsigned leaf, bool gently)
{
    struct sim_slot *slot = &address->slots[pair];
    if (address->fails > 0) {
        address->fails--;
        return;
    }
    bool slow = gently && (address->manner == SIM_LATE || address->manner == SIM_MIXES);
    bool former = slot->there && !slot->broken;
    slot->broken = (s->bad & sim_bit(leaf)) != 0;
    slot->changing = false;
    if (slot->broken)
        return;
    if (slow && former && slot->served != leaf) {
        slot->changing = true;
        slot->mixed = address->manner == SIM_MIXES;
        slot->next = leaf;
        slot->due = s->now + s->late;
        return;
    }
    slot->served = leaf;
}

enum sim_cause { SIM_BY_US, SIM_BY_ITSELF, SIM_BY_RENEWAL };

/* Whether an address loads now, for this cause; RESTART: the stronger command. */
static inline bool sim_obeys(const struct sim_address *address, enum sim_cause cause, bool restart)
{
    switch (address->manner) {
    case SIM_RESTARTS_ONLY:
        return restart || cause == SIM_BY_ITSELF;
    case SIM_STRANGER:
        return false;
    case SIM_LIVE:
    case SIM_WRONG:
        return true;
    case SIM_OBEYS:
    case SIM_LATE:
    case SIM_MIXES:
    case SIM_PLAIN:
        return cause != SIM_BY_RENEWAL;
    }
    return false;
}

/* Services of a pair load; of COUNT commands number INDEX is for every COUNT-th service. */
static inline void sim_load(struct sim *s, size_t pair, enum sim_cause cause, bool restart,
                            size_t index, size_t count)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        struct sim_owner *owner = &s->owners[o];
        if (!sim_host_has(s, owner->host, pair) || owner->service % count != index)
            continue;
        for (size_t a = 0; a < owner->addresses_count; a++) {
            struct sim_address *address = &owner->addresses[a];
            bool wrong = address->manner == SIM_WRONG;
            unsigned leaf = wrong && !s->torn[pair] ? s->disk[pair] : sim_loadable(s, pair);
            if (leaf == SIM_NO_LEAF || !sim_obeys(address, cause, restart))
                continue;
            if (cause != SIM_BY_US && (!sim_is_staged(s, pair) || wrong))
                sim_excuse(s, pair, sim_bit(leaf), false);
            sim_load_slot(s, address, pair, leaf, cause == SIM_BY_US);
        }
    }
    sim_settle(s);
}

static inline void sim_live(struct sim *s, size_t pair, enum sim_cause cause)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        struct sim_owner *owner = &s->owners[o];
        for (size_t a = 0; sim_host_has(s, owner->host, pair) && a < owner->addresses_count; a++) {
            struct sim_address *address = &owner->addresses[a];
            bool wrong = address->manner == SIM_WRONG;
            unsigned leaf = wrong ? s->disk[pair] : sim_loadable(s, pair);
            if (leaf == SIM_NO_LEAF || (address->manner != SIM_LIVE && !wrong) ||
                (address->slots[pair].served == leaf && !address->slots[pair].broken))
                continue;
            if (wrong || (cause == SIM_BY_RENEWAL && !sim_is_staged(s, pair)))
                sim_excuse(s, pair, sim_bit(leaf), false);
            sim_load_slot(s, address, pair, leaf, false);
        }
    }
    sim_settle(s);
}

/* A command of the user's: "reload ..." or "restart ...". */
static inline void sim_command(struct sim *s, const char *command)
{
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        const struct conf_list *lists[] = {&s->trial.pairs[p].reload, &s->trial.pairs[p].restart};
        for (size_t l = 0; l < 2; l++) {
            for (size_t k = 0; k < lists[l]->count; k++) {
                if (strcmp(lists[l]->items[k], command) == 0)
                    sim_load(s, p, SIM_BY_US, l == 1, k, lists[l]->count);
            }
        }
    }
}

static inline void sim_restart_all(struct sim *s)
{
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++)
        sim_load(s, p, SIM_BY_ITSELF, true, 0, 1);
}

/* --- the ACME client ------------------------------------------------------------------------- */

static inline void sim_write_pair(struct sim *s, size_t pair, unsigned leaf)
{
    if (s->disk[pair] == leaf)
        return;
    sim_tell(s, "ACME: pair %zu has leaf %u", pair, leaf);
    s->former[pair] = s->disk[pair];
    s->disk[pair] = leaf;
    s->issued[leaf] = s->now;
    sim_live(s, pair, SIM_BY_RENEWAL);
}

/* The certificate of key number KEY of a pair, whose parity is that of the one before. */
static inline unsigned sim_number(const struct sim *s, size_t pair, unsigned key)
{
    return (unsigned)pair * SIM_KEYS * 2 + key % SIM_KEYS * 2 + s->disk[pair] % 2;
}

static inline unsigned sim_key(unsigned leaf)
{
    return leaf / 2 % SIM_KEYS;
}

/* Prepares the key after the one on disk, as the clients do in the minute of a renewal. */
static inline void sim_prepare_key(struct sim *s, size_t pair)
{
    if (s->trial.pairs[pair].next_key != NULL)
        s->next_key[pair] = sim_number(s, pair, sim_key(s->disk[pair]) + 1);
}

static inline void sim_renew(struct sim *s, size_t pair, enum sim_inject how)
{
    unsigned leaf = s->disk[pair];
    if (how == SIM_RENEW_BACK)
        leaf = s->former[pair];
    else if (how == SIM_RENEW_CERTIFICATE)
        leaf ^= 1;
    else
        leaf = sim_number(s, pair, sim_key(leaf) + 1);
    for (unsigned i = 0; how == SIM_RENEW_KEY && (s->bad & sim_bit(leaf)) != 0 && i < SIM_KEYS; i++)
        leaf = sim_number(s, pair, sim_key(leaf) + 1);
    /* Every key of the pair has been a bad one: this is another by its number alone. */
    if (how == SIM_RENEW_KEY)
        s->bad &= ~sim_bit(leaf);
    if (how == SIM_RENEW_BAD && sim_is_staged(s, pair) && leaf != s->current[pair] &&
        leaf != s->previous[pair])
        s->bad |= sim_bit(leaf);
    sim_write_pair(s, pair, leaf);
    if (how == SIM_RENEW_KEY || how == SIM_RENEW_BAD)
        sim_prepare_key(s, pair);
}

/* --- somebody else at the zone --------------------------------------------------------------- */

/* What this breaks for what is served now is not ours; what comes later has to wait for it. */
static inline void sim_accept_foreign(struct sim *s, struct sim_owner *owner, struct sim_set *set)
{
    uint32_t may = sim_may_be_served(s, owner);
    set->foreign = true;
    /* Neither is another certificate of the same key, which it fits as little. */
    set->excused |= may | (may & UINT32_C(0x55555555)) << 1 | (may & UINT32_C(0xaaaaaaaa)) >> 1;
    sim_accept(s, owner, set);
    owner->servers[SIM_LIST].shown = owner->newest;
}

/* A record of ours that somebody takes away and puts there again is ours, for all we can know. */
static inline bool sim_was_ours(const struct sim_owner *owner, const struct tlsa *tlsa)
{
    for (size_t i = 0; i < SIM_SETS; i++) {
        const struct sim_set *set = &owner->sets[i];
        size_t k = sim_find(set, tlsa);
        if (k < set->count && set->records[k].by_us)
            return true;
    }
    return false;
}

static inline void sim_foreign_add(struct sim *s, size_t o, struct tlsa tlsa, uint32_t ttl)
{
    struct sim_owner *owner = &s->owners[o];
    bool ours = sim_was_ours(owner, &tlsa);
    struct sim_set *set = sim_draft(s, owner);
    size_t count = set->count;
    sim_put(s, set, &tlsa, ttl, ours);
    if (set->count > count)
        set->records[count].orphan = true;
    sim_accept_foreign(s, owner, set);
}

static inline void sim_foreign_remove(struct sim *s, size_t o, size_t index)
{
    struct sim_owner *owner = &s->owners[o];
    struct sim_set *set = sim_draft(s, owner);
    sim_drop(set, index);
    sim_accept_foreign(s, owner, set);
}

/* A server shows old data again. */
static inline void sim_relapse(struct sim *s, struct sim_owner *owner, size_t server)
{
    struct sim_server *sv = &owner->servers[server];
    if (sv->shown == 0 || sv->health != SIM_WELL)
        return;
    sv->relapse = sv->shown - 1;
    if (owner->newest - sv->relapse >= SIM_SETS - 2)
        return;
    sv->health = SIM_RELAPSED;
    sv->looked = false;
    struct sim_set *set = sim_set_at(owner, sv->relapse);
    set->foreign = true;
    set->excused |= sim_may_be_served(s, owner) & ~set->fits;
    sim_settle(s);
}

static inline void sim_recover(struct sim *s, struct sim_owner *owner, size_t server)
{
    struct sim_server *sv = &owner->servers[server];
    if (sv->health == SIM_RELAPSED && !sv->looked)
        return;
    if (!sim_is_up(sv))
        sv->shown = owner->newest;
    sv->health = SIM_WELL;
    sim_settle(s);
}

/* --- clocks and the state -------------------------------------------------------------------- */

static inline void sim_reboot(struct sim *s, bool proven)
{
    s->boot++;
    s->boot_start = s->now;
    s->look_length = -1;
    s->proven = proven;
    s->dated = false;
    s->wall_error = proven ? 0 : (int64_t)sim_chance(s, 4000000) - 1000000;
    sim_tell(s, "reboot, wall clock wrong by %lld", (long long)s->wall_error);
}

/* Whether what stands at an owner name tells all that a lost state knew of it (facts 2.3). */
static inline bool sim_is_plain_to_see(const struct sim *s, struct sim_owner *owner)
{
    const struct sim_set *set = sim_accepted(owner);
    uint32_t lifetime = set->ttl > 3600 ? set->ttl : 3600;
    for (size_t i = 0; i <= SIM_SERVERS; i++) {
        const struct sim_server *sv = &owner->servers[i];
        if (sv->health != SIM_WELL || sv->shown != owner->newest)
            return false;
    }
    for (size_t i = 0; i < owner->versions_count; i++) {
        const struct sim_version *v = &owner->versions[i];
        if (sim_is_held(s, owner, v) && (v->ttl > lifetime || set->count == 0))
            return false;
    }
    for (size_t a = 0; a < owner->addresses_count; a++) {
        if (owner->addresses[a].unseen || sim_is_broken(&owner->addresses[a]))
            return false;
        for (size_t p = 0; p < SIM_PAIRS; p++) {
            if (owner->addresses[a].slots[p].changing)
                return false;
        }
    }
    return true;
}

static inline void sim_lose_state(struct sim *s)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        if (!sim_is_plain_to_see(s, &s->owners[o]))
            return;
    }
    sim_tell(s, "the state is lost");
    s->lost = true;
    s->state_length = -1;
    for (size_t o = 0; o < s->owners_count; o++) {
        for (size_t i = 0; i < SIM_SETS; i++) {
            for (size_t r = 0; r < s->owners[o].sets[i].count; r++)
                s->owners[o].sets[i].records[r].by_us = false;
        }
    }
}

/* --- points at which something happens ------------------------------------------------------- */

static inline _Noreturn void sim_crash(struct sim *s)
{
    sim_tell(s, "crash");
    s->crashed = true;
    longjmp(s->crash, 1);
}

static inline void sim_disarm(struct sim *s)
{
    s->armed = false;
    s->happened = s->points;
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
        sim_disarm(s);
        return;
    case SIM_RESTARTS:
        sim_disarm(s);
        sim_restart_all(s);
        return;
    case SIM_RENEW_KEY:
    case SIM_RENEW_CERTIFICATE:
    case SIM_RENEW_BACK:
    case SIM_RENEW_BAD:
        if (!renewable)
            return;
        sim_disarm(s);
        sim_renew(s, sim_chance(s, (uint32_t)s->trial.conf.pairs_count), s->inject);
        return;
    default:
        return;
    }
    sim_disarm(s);
    sim_crash(s);
}

/* The same at two points: a crash at the one is a crash at the other. */
static inline uint64_t sim_moment(const struct sim *s)
{
    return (uint64_t)s->now * 1024 + s->saves + s->looks + s->writes + s->hooks + s->installs;
}

/* Every call to the world passes here, those that change something twice. */
static inline void sim_point(struct sim *s, bool renewable)
{
    s->points++;
    if (s->moments != NULL && s->points < SIM_POINTS)
        s->moments[s->points] = sim_moment(s);
    if (s->hostile > 0) {
        sim_pass(s, sim_chance(s, 4) == 0 ? sim_chance(s, 3) : 0);
        if (!s->armed && sim_chance(s, 1000) < s->hostile) {
            s->inject = (enum sim_inject)sim_chance(s, SIM_INJECTS);
            s->armed = true;
        }
    } else if (s->points == s->inject_at) {
        s->armed = true;
    }
    if (s->armed)
        sim_happen(s, renewable);
}

/* Whether the injected KIND is to happen here and now. */
static inline bool sim_takes(struct sim *s, enum sim_inject kind)
{
    if (!s->armed || s->inject != kind)
        return false;
    sim_disarm(s);
    sim_tell(s, "injected %d", (int)kind);
    return true;
}

#endif
