/*
 * The simulated world's two tables for the engine, and one call of it: sim_run.
 */
#ifndef TESTS_UNIT_ROLL_SIM_WORLD_H
#define TESTS_UNIT_ROLL_SIM_WORLD_H

#include "roll/install.h"
#include "roll_sim_services.h"

/* What no server of a world lags longer behind, where `propagation` cannot ask them all. */
#define SIM_SETTLE 7200
/* With --wait: who watches it long enough stops it. */
#define SIM_WAITS_MOST 60

/* --- the network half: the provider ---------------------------------------------------------- */

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

/* In any order: an answer's order says nothing. */
static inline void sim_fill_list(struct sim *s, struct provider_rrset *rrset, struct arena *arena)
{
    struct sim_owner *owner = sim_owner(s, rrset->owner);
    const struct sim_set *set = sim_set_at(owner, owner->servers[SIM_LIST].shown);
    size_t first = set->count == 0 ? 0 : sim_chance(s, (uint32_t)set->count);
    rrset->count = set->count;
    rrset->records = arena_take(arena, set->count + 1, sizeof *rrset->records);
    for (size_t k = 0; k < set->count; k++) {
        const struct sim_record *record = &set->records[(first + k) % set->count];
        struct provider_record *r = &rrset->records[k];
        r->tlsa = record->tlsa;
        r->ttl = record->ttl;
        r->marked = record->by_us;
        (void)snprintf(r->id, sizeof r->id, "%u", record->id);
    }
}

static inline struct provider_result sim_list(void *context, size_t provider, const char *host,
                                              struct provider_rrset *sets, size_t count,
                                              struct arena *arena)
{
    struct sim *s = context;
    (void)provider;
    (void)host;
    s->calls++;
    sim_point(s, true);
    if (sim_takes(s, SIM_FAULT_LATER))
        return sim_result(PROVIDER_LATER);
    if (sim_takes(s, SIM_FAULT_REFUSED))
        return sim_result(PROVIDER_REFUSED);
    for (size_t i = 0; i < count; i++)
        sim_fill_list(s, &sets[i], arena);
    return sim_result(PROVIDER_DONE);
}

static inline bool sim_as_seen(struct sim_owner *owner, const struct provider_rrset *seen)
{
    const struct sim_set *set = sim_accepted(owner);
    for (size_t i = 0; i < seen->count; i++) {
        if (sim_find(set, &seen->records[i].tlsa) == set->count)
            return false;
    }
    return set->count == seen->count;
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
        return PROVIDER_UNKNOWN;
    *effect = true;
    if (sim_takes(s, SIM_FAULT_LOST_AFTER))
        return PROVIDER_UNKNOWN;
    return PROVIDER_DONE;
}

/* The sources that have changed since a look at them: nobody can know. FORMER: what they were. */
static inline uint32_t sim_unforeseen(const struct sim *s, bool former)
{
    uint32_t leafs = 0;
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        if (s->read[p] != s->disk[p] && s->disk[p] != s->current[p])
            leafs |= sim_bit(former ? s->read[p] : s->disk[p]);
    }
    return leafs;
}

/*
 * What our write leaves unfit unavoidably: the first record of a combination for one of several
 * keys that are served, or that come next where nothing is served; the others' follow.
 */
static inline uint32_t sim_unavoidable(struct sim *s, struct sim_owner *owner,
                                       const struct tlsa *record)
{
    const struct sim_set *set = sim_accepted(owner);
    uint32_t may = sim_may_be_served(s, owner);
    for (size_t i = 0; i < set->count; i++) {
        const struct tlsa *t = &set->records[i].tlsa;
        if (tlsa_usable(t) && tlsa_same_combination(t->combination, record->combination))
            return 0;
    }
    for (unsigned leaf = 0; leaf < SIM_LEAFS; leaf++) {
        if (((may | owner->probed | sim_unforeseen(s, true)) & sim_bit(leaf)) != 0 &&
            sim_matches(record, leaf))
            return may;
    }
    /* Nobody can tell what is served there. */
    for (size_t a = 0; a < owner->addresses_count; a++) {
        if (owner->addresses[a].unseen)
            return may;
    }
    return 0;
}

static inline void sim_check_addition(struct sim *s, const struct sim_owner *owner,
                                      const struct tlsa *record)
{
    bool known = record->combination.usage == 3;
    for (unsigned leaf = 0; leaf < SIM_OURS; leaf++)
        known = known || sim_matches(record, leaf);
    if (!known || tlsa_of_nothing(record) || !tlsa_usable(record))
        sim_breach(s, "%s: a record that nobody asked for", owner->owner);
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
    s->calls++;
    sim_point(s, true);
    enum provider_code code = sim_write_fault(s, &effect);
    if (!effect)
        return sim_result(code);
    if (sim_find(sim_accepted(owner), record) < sim_accepted(owner)->count)
        return sim_result(code == PROVIDER_DONE ? PROVIDER_ALREADY : code);
    if (s->strict && !sim_as_seen(owner, seen))
        return sim_result(PROVIDER_CONFLICT);
    sim_check_addition(s, owner, record);
    uint32_t excused = sim_unavoidable(s, owner, record);
    struct sim_set *set = sim_draft(s, owner);
    set->excused |= excused | sim_unforeseen(s, false);
    s->writes++;
    sim_put(s, set, record, ttl, true);
    set->records[set->count - 1].orphan = s->unsaved;
    sim_tell(s, "  add %d: %s %u %u %u %02x%02x", (int)code, owner->owner,
             record->combination.usage, record->combination.selector, record->combination.matching,
             record->data[0], record->data[1]);
    sim_accept(s, owner, set);
    sim_point(s, true);
    return sim_result(code);
}

/* What may be served stays fitted, and vouched for while there is any record at all. */
static inline void sim_check_removal(struct sim *s, struct sim_owner *owner, size_t index)
{
    const struct sim_set *before = sim_accepted(owner);
    const struct sim_record *record = &before->records[index];
    const struct conf_host *host = &s->trial.hosts[owner->host];
    static struct sim_set left;
    left = *before;
    sim_drop(&left, index);
    uint32_t may = sim_may_be_served(s, owner) & ~sim_unforeseen(s, false),
             lost = before->fits & ~sim_all_fits(&left);
    for (unsigned leaf = 0; leaf < SIM_LEAFS; leaf++) {
        bool matched = sim_matches(&record->tlsa, leaf);
        for (size_t i = 0; matched && i < left.count; i++)
            matched = !sim_matches(&left.records[i].tlsa, leaf);
        lost |= matched ? sim_bit(leaf) : 0;
    }
    if (!record->by_us && !host->adopt)
        sim_breach(s, "%s: a foreign record is deleted", owner->owner);
    if ((lost & may) != 0 && !host->leave)
        sim_breach(s, "%s: a record is deleted that may be needed (leafs %x)", owner->owner,
                   (unsigned)(lost & may));
}

static inline struct provider_result sim_remove(void *context, size_t provider, const char *host,
                                                const struct provider_rrset *seen,
                                                const struct provider_record *record)
{
    struct sim *s = context;
    struct sim_owner *owner = sim_owner(s, seen->owner);
    size_t i = 0;
    bool effect;
    (void)provider;
    (void)host;
    s->calls++;
    sim_point(s, true);
    enum provider_code code = sim_write_fault(s, &effect);
    if (!effect)
        return sim_result(code);
    while (i < sim_accepted(owner)->count &&
           sim_accepted(owner)->records[i].id != (unsigned)atoi(record->id))
        i++;
    if (i == sim_accepted(owner)->count)
        return sim_result(code == PROVIDER_DONE ? PROVIDER_ALREADY : code);
    if (s->strict && !sim_as_seen(owner, seen))
        return sim_result(PROVIDER_CONFLICT);
    if (!tlsa_equal(&sim_accepted(owner)->records[i].tlsa, &record->tlsa))
        sim_breach(s, "%s: another record than the one meant is deleted", owner->owner);
    sim_check_removal(s, owner, i);
    s->writes++;
    struct sim_set *set = sim_draft(s, owner);
    sim_drop(set, i);
    sim_tell(s, "  remove %d: %s %02x%02x", (int)code, owner->owner, record->tlsa.data[0],
             record->tlsa.data[1]);
    set->excused |= sim_unforeseen(s, false);
    sim_accept(s, owner, set);
    sim_point(s, true);
    return sim_result(code);
}

/* --- the network half: DNS and services ------------------------------------------------------ */

static inline void sim_answer(struct sim *s, struct sim_owner *owner, size_t index,
                              struct world_server *answer, struct arena *arena)
{
    static const enum world_answer silent[] = {
        [SIM_DEAD] = WORLD_SILENT, [SIM_LAME] = WORLD_LAME, [SIM_HIDDEN] = WORLD_SILENT};
    struct sim_server *sv = &owner->servers[index];
    const struct sim_set *set = sim_shown(owner, index);
    (void)snprintf(answer->name, sizeof answer->name, "ns%zu.example.net", index);
    (void)snprintf(answer->address, sizeof answer->address, "192.0.2.%zu", index);
    (void)s;
    sv->looked = true;
    if (sv->health != SIM_WELL && sv->health != SIM_RELAPSED) {
        answer->answer = silent[sv->health];
        answer->words = "simulated";
        return;
    }
    answer->answer = set->count == 0 ? WORLD_DENIAL : WORLD_RRSET;
    answer->count = set->count;
    answer->lifetime = set->ttl;
    answer->records = arena_take(arena, set->count + 1, sizeof *answer->records);
    for (size_t i = 0; i < set->count; i++)
        answer->records[i] = set->records[i].tlsa;
}

static inline int sim_look_up(void *context, const struct conf_host *host, const char *name,
                              struct world_view *view, struct arena *arena)
{
    struct sim *s = context;
    struct sim_owner *owner = sim_owner(s, name);
    s->calls++;
    sim_point(s, true);
    memset(view, 0, sizeof *view);
    view->signature_end = -1;
    (void)snprintf(view->owner, sizeof view->owner, "%s", name);
    if (sim_takes(s, SIM_FAULT_LOST_BEFORE)) {
        view->words = "injected";
        return 0;
    }
    view->asked = true;
    view->zone = WORLD_ZONE_SIGNED;
    view->negative = 300;
    if (host->propagation != CONF_PROPAGATION_ALL)
        view->settle = SIM_SETTLE;
    if (host->propagation == CONF_PROPAGATION_TIME)
        return 0;
    bool all = host->propagation == CONF_PROPAGATION_ALL;
    size_t first = all ? 0 : sim_chance(s, SIM_SERVERS);
    view->servers_count = all ? SIM_SERVERS : 1;
    view->servers = arena_take(arena, view->servers_count, sizeof *view->servers);
    for (size_t i = 0; i < view->servers_count; i++)
        sim_answer(s, owner, first + i, &view->servers[i], arena);
    for (size_t i = 0; i < SIM_SERVERS; i++)
        owner->servers[i].looked = true;
    return 0;
}

static inline const char *sim_other_mx(void *context, const struct conf_host *host,
                                       const char **alias_of, struct arena *arena)
{
    struct sim *s = context;
    (void)alias_of;
    (void)host;
    (void)arena;
    s->calls++;
    return NULL;
}

static inline void sim_show_leaf(struct world_shown *shown, unsigned leaf, struct arena *arena)
{
    shown->code = PROBE_SERVED;
    shown->leaf = *sim_leaf(leaf);
    shown->issuers_count = 1;
    shown->issuers = arena_take(arena, 1, sizeof *shown->issuers);
    shown->issuers[0] = *sim_issuer(leaf);
}

/* What one handshake brings: pair 0 and strangers have ECDSA keys, pair 1 has an RSA key. */
static inline void sim_show(struct sim *s, const struct sim_address *address,
                            struct world_shown *shown, struct arena *arena)
{
    bool rsa = shown->algorithm == PROBE_RSA;
    bool stranger = address->manner == SIM_STRANGER;
    const struct sim_slot *slot = &address->slots[stranger ? SIM_PAIRS : rsa ? 1 : 0];
    if (address->unseen)
        shown->code = PROBE_UNSEEN;
    else if (address->manner == SIM_PLAIN)
        shown->code = PROBE_NO_STARTTLS;
    else if (sim_is_broken(address))
        shown->code = PROBE_NO_TLS;
    else if (!slot->there || (stranger && rsa))
        shown->code = PROBE_OTHER_ALGORITHM;
    else if (slot->changing && slot->mixed && sim_chance(s, 2) == 0)
        sim_show_leaf(shown, slot->next, arena);
    else
        sim_show_leaf(shown, slot->served, arena);
}

static inline int sim_probe(void *context, const struct conf_host *host, size_t service,
                            unsigned expected, struct world_service *found, struct arena *arena)
{
    struct sim *s = context;
    (void)expected;
    s->calls++;
    sim_point(s, true);
    for (size_t o = 0; o < s->owners_count; o++) {
        struct sim_owner *owner = &s->owners[o];
        if (&s->trial.hosts[owner->host] != host || owner->service != service)
            continue;
        owner->probed = sim_served(owner);
        found->count = owner->addresses_count * 2;
        found->shown = arena_take(arena, found->count, sizeof *found->shown);
        for (size_t i = 0; i < found->count; i++) {
            struct world_shown *shown = &found->shown[i];
            (void)snprintf(shown->address, sizeof shown->address, "198.51.100.%zu", i / 2);
            shown->algorithm = i % 2 == 0 ? PROBE_ECDSA : PROBE_RSA;
            sim_show(s, &owner->addresses[i / 2], shown, arena);
            sim_tell(s, "  %s address %zu shows %d: %u", owner->owner, i / 2, (int)shown->code,
                     owner->addresses[i / 2].slots[i % 2].served);
        }
    }
    return 0;
}

static inline bool sim_proves(void *context, const struct moment *now)
{
    const struct sim *s = context;
    (void)now;
    return s->dated && s->wall_error == 0;
}

static inline void sim_rest(void *context)
{
    sim_point(context, true);
}

#endif
