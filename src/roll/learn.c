#include "roll/learning.h"

#include "base/name.h"

#include <string.h>

/* What is taken for L where no state tells what stood there before (facts 2.3). */
#define UNKNOWN_LIFETIME 3600
/* No list lags longer behind what was written. */
#define LIST_LAG_MOST 86400
/* A certificate is to be replaced so long before its end, or a tenth of its life (facts 3.18). */
#define LIFE_LEFT 86400

/* --- owner names ----------------------------------------------------------------------------- */

/* The longest that caches may keep what is shown now; *ANY: there is an RRset. */
static uint32_t shown_lifetime(const struct observed_host *host, size_t s, bool *any)
{
    const struct world_view *view = &host->views[s];
    uint32_t most = 0;
    *any = false;
    for (size_t i = 0; i < view->servers_count; i++) {
        if (view->servers[i].answer != WORLD_RRSET)
            continue;
        *any = true;
        if (view->servers[i].lifetime > most)
            most = view->servers[i].lifetime;
    }
    for (size_t i = 0; i < host->sets[s].count; i++) {
        *any = true;
        if (host->sets[s].records[i].ttl > most)
            most = host->sets[s].records[i].ttl;
    }
    return most;
}

/* Whether it is certain that there is no RRset anywhere: every server says so, and the list. */
static bool is_denied(const struct observed_host *host, size_t s)
{
    const struct world_view *view = &host->views[s];
    for (size_t i = 0; i < view->servers_count; i++) {
        if (view->servers[i].answer != WORLD_DENIAL)
            return false;
    }
    return view->asked && host->sets[s].count == 0;
}

static void learn_lifetime(struct state_owner *owner, uint32_t lifetime, uint32_t margin,
                           const struct moment *now)
{
    if (lifetime >= owner->lifetime) {
        owner->lifetime = lifetime;
        owner->lowered = false;
    } else if (!owner->lowered) {
        owner->lowered = true;
        owner->since = *now;
    } else if (state_elapsed(&owner->since, now) >= 2 * (int64_t)owner->lifetime + margin) {
        /* The longer one has run out in every cache (facts 2.3). */
        owner->lifetime = lifetime;
        owner->lowered = false;
    }
}

/* *FRESH: nothing was known of it before. */
static struct state_owner *learn_owner(struct learning *l, size_t h, size_t s, bool *fresh)
{
    const struct observed_host *host = &l->k.seen->hosts[h];
    const struct moment *now = &l->k.seen->now;
    bool any;
    uint32_t lifetime = shown_lifetime(host, s, &any);
    struct state_owner *owner = state_owner(l->state, host->sets[s].owner);
    *fresh = owner == NULL;
    if (owner == NULL) {
        owner = state_owner_make(l->state, host->sets[s].owner);
        if (owner == NULL)
            return NULL;
        owner->had = !is_denied(host, s);
        owner->lifetime = owner->had ? UNKNOWN_LIFETIME : 0;
    }
    owner->had = owner->had || any;
    if (any || owner->had)
        learn_lifetime(owner, any ? lifetime : 0, l->k.conf->hosts[h].waits.margin, now);
    bool denied = is_denied(host, s);
    if (denied && !owner->denied)
        owner->denial = *now;
    owner->denied = denied;
    return owner;
}

/* --- waits ----------------------------------------------------------------------------------- */

static bool has_all(const struct tlsa *records, size_t count, const struct tlsa *there,
                    size_t there_count)
{
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t k = 0; !found && k < there_count; k++)
            found = tlsa_equal(&records[i], &there[k]);
        if (!found)
            return false;
    }
    return true;
}

/* Another address of the same server answered: it stands for the one that did not. */
static bool is_covered(const struct world_view *view, const struct world_server *silent)
{
    for (size_t i = 0; i < view->servers_count; i++) {
        const struct world_server *other = &view->servers[i];
        if (other != silent && name_equal(other->name, silent->name) &&
            (other->answer == WORLD_RRSET || other->answer == WORLD_DENIAL))
            return true;
    }
    return false;
}

/* What a round of questions says of one leaf. */
struct round {
    bool misfit;   /* a server shows an RRset that does not fit it */
    bool shown;    /* every server that answered shows its records, and one did */
    bool complete; /* and none was missing */
};

static struct round ask_round(const struct learning *l, size_t h, size_t s,
                              const struct fit_chain *chain)
{
    const struct provider_rrset *set = &l->k.seen->hosts[h].sets[s];
    const struct world_view *view = &l->k.seen->hosts[h].views[s];
    struct tlsa records[NEED_RECORDS_MOST];
    size_t count = need_records(&l->k, h, s, chain, records), answered = 0;
    struct round round = {.shown = count > 0, .complete = true};
    for (size_t i = 0; i < view->servers_count; i++) {
        const struct world_server *server = &view->servers[i];
        if (server->answer == WORLD_SILENT || server->answer == WORLD_LAME) {
            round.complete = round.complete && is_covered(view, server);
            continue;
        }
        answered++;
        bool fits = server->count == 0 ||
                    fit_accepts(server->records, server->count, sizeof *server->records, chain);
        round.misfit = round.misfit || !fits;
        round.shown =
            round.shown && fits && has_all(records, count, server->records, server->count);
    }
    /* What counts was read back from the provider as well. */
    for (size_t i = 0; i < count; i++)
        round.shown = round.shown && need_holds(set, &records[i]);
    round.misfit = round.misfit || !need_fits(set, chain);
    if (view->servers_count > 0 && answered == 0)
        round.shown = round.complete = false;
    return round;
}

/* A leaf with the same key whose records are known to be visible: where only keys count, it is that
 * one's wait. */
static const struct state_wait *sibling(const struct learning *l, const char *owner,
                                        const struct cert_digests *leaf)
{
    for (const struct state_wait *w = l->state->waits; w != NULL; w = w->next) {
        if (w->reached && name_equal(w->owner, owner) &&
            memcmp(w->key, leaf->spki256, sizeof w->key) == 0)
            return w;
    }
    return NULL;
}

static void begin_wait(struct learning *l, struct state_wait *wait, const struct state_owner *owner,
                       const struct need *need, const struct round *round)
{
    const struct state_wait *other =
        round->shown ? sibling(l, owner->name, need->chain.leaf) : NULL;
    wait->misfit = owner->had;
    if (other == NULL)
        return;
    wait->misfit = other->misfit;
    wait->reached = true;
    wait->complete = other->complete;
    wait->since = other->since;
}

static void learn_wait(struct learning *l, struct state_wait *wait, const struct round *round,
                       bool answered)
{
    if (round->misfit) {
        wait->misfit = true;
        wait->reached = false;
        return;
    }
    if (!answered)
        return;
    if (!round->shown) {
        wait->reached = false;
        return;
    }
    if (!wait->reached || (round->complete && !wait->complete)) {
        wait->reached = true;
        wait->complete = round->complete;
        wait->since = l->k.seen->now;
    }
}

static bool anybody_answered(const struct world_view *view)
{
    for (size_t i = 0; i < view->servers_count; i++) {
        if (view->servers[i].answer == WORLD_RRSET || view->servers[i].answer == WORLD_DENIAL)
            return true;
    }
    return view->asked && view->servers_count == 0;
}

static int learn_waits(struct learning *l, size_t h, size_t s)
{
    struct need needs[NEED_MOST];
    bool fresh, answered = anybody_answered(&l->k.seen->hosts[h].views[s]);
    struct state_owner *owner = learn_owner(l, h, s, &fresh);
    size_t count = need_of(&l->k, h, s, needs);
    if (owner == NULL)
        return STATE_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        if (needs[i].pair == NEED_STRANGER)
            continue;
        struct round round = ask_round(l, h, s, &needs[i].chain);
        struct state_wait *wait = state_wait(l->state, owner->name, needs[i].chain.leaf);
        if (wait == NULL) {
            /* Former leafs are followed while they are known, never taken up anew. */
            if (needs[i].why == NEED_FORMER && !fresh)
                continue;
            wait = state_wait_make(l->state, owner->name, needs[i].chain.leaf);
            if (wait == NULL)
                return STATE_NO_MEMORY;
            begin_wait(l, wait, owner, &needs[i], &round);
        }
        learn_wait(l, wait, &round, answered);
    }
    return 0;
}

/* Waits of leafs that nobody needs at an owner name that was looked at. */
static void drop_waits(struct learning *l, size_t h, size_t s)
{
    struct need needs[NEED_MOST];
    size_t count = need_of(&l->k, h, s, needs);
    const char *owner = l->k.seen->hosts[h].sets[s].owner;
    const struct state_wait *next;
    for (const struct state_wait *w = l->state->waits; w != NULL; w = next) {
        bool needed = false;
        next = w->next;
        if (!name_equal(w->owner, owner))
            continue;
        for (size_t i = 0; !needed && i < count; i++)
            needed =
                memcmp(w->key, needs[i].chain.leaf->spki256, sizeof w->key) == 0 &&
                memcmp(w->certificate, needs[i].chain.leaf->certificate256, sizeof w->key) == 0;
        if (!needed)
            state_wait_drop(l->state, w);
    }
}

/* --- records --------------------------------------------------------------------------------- */

static bool is_needed(const struct learning *l, size_t h, size_t s, const struct tlsa *record)
{
    struct need needs[NEED_MOST];
    size_t count = need_of(&l->k, h, s, needs);
    for (size_t i = 0; i < count; i++) {
        if (fit_matches(record, &needs[i].chain))
            return true;
    }
    return false;
}

/*
 * Whether a record that is not shown may be forgotten. Not one that we wrote and that never showed:
 * it is ours, however late it comes.
 */
static bool is_over(const struct state_record *r, const struct moment *now)
{
    return r->seen || r->since.wall == 0 || state_elapsed(&r->since, now) > LIST_LAG_MOST;
}

static void learn_records(struct learning *l, size_t h, size_t s)
{
    const struct provider_rrset *set = &l->k.seen->hosts[h].sets[s];
    struct state_record *next;
    for (struct state_record *r = l->state->records; r != NULL; r = next) {
        next = r->next;
        if (!name_equal(r->owner, set->owner))
            continue;
        if (need_holds(set, &r->tlsa)) {
            bool needed = is_needed(l, h, s, &r->tlsa);
            if (!r->seen || needed)
                memset(&r->since, 0, sizeof r->since);
            if (!needed && r->since.wall == 0)
                r->since = l->k.seen->now;
            r->seen = true;
            continue;
        }
        if (is_over(r, &l->k.seen->now) && !is_needed(l, h, s, &r->tlsa)) {
            state_record_drop(l->state, r);
            continue;
        }
        /* Somebody took it away. */
        if (r->seen) {
            r->seen = false;
            memset(&r->since, 0, sizeof r->since);
        }
    }
}

/* --------------------------------------------------------------------------------------------- */

static void restart(struct moment *since, bool counts, const struct moment *now)
{
    if (counts && state_elapsed(since, now) < 0)
        *since = *now;
}

/* A wait whose beginning cannot be told any more begins now. */
static void restart_waits(struct state *state, const struct moment *now)
{
    for (struct state_wait *w = state->waits; w != NULL; w = w->next)
        restart(&w->since, w->reached, now);
    for (struct state_owner *o = state->owners; o != NULL; o = o->next) {
        restart(&o->since, o->lowered, now);
        restart(&o->denial, o->denied, now);
    }
    for (struct state_record *r = state->records; r != NULL; r = r->next)
        restart(&r->since, r->since.wall != 0, now);
    for (struct state_pair *p = state->pairs; p != NULL; p = p->next) {
        restart(&p->begin, p->began, now);
        restart(&p->verification, p->verified, now);
        restart(&p->renewal, p->renewed, now);
    }
}

int learn(struct state *state, const struct conf *conf, const struct observation *seen)
{
    struct learning l = {state, {conf, state, seen}};
    restart_waits(state, &seen->now);
    for (size_t h = 0; h < conf->hosts_count; h++) {
        for (size_t i = 0; seen->hosts[h].wanted && i < conf->hosts[h].pairs_count; i++) {
            if (learn_pair(&l, conf->hosts[h].pairs[i]) != 0)
                return STATE_NO_MEMORY;
        }
    }
    for (size_t h = 0; h < conf->hosts_count; h++) {
        for (size_t s = 0; seen->hosts[h].listed && s < conf->hosts[h].services_count; s++) {
            if (learn_waits(&l, h, s) != 0)
                return STATE_NO_MEMORY;
            drop_waits(&l, h, s);
            learn_records(&l, h, s);
        }
    }
    return 0;
}

void learn_write(struct state *state, const struct conf *conf, const struct observation *seen,
                 size_t h, size_t s, const struct tlsa *record, uint32_t ttl)
{
    struct knowledge k = {conf, state, seen};
    const struct provider_rrset *set = &seen->hosts[h].sets[s];
    struct state_owner *owner = state_owner(state, set->owner);
    struct need needs[NEED_MOST];
    size_t count = need_of(&k, h, s, needs);
    if (owner != NULL) {
        owner->had = true;
        if (ttl > owner->lifetime)
            owner->lifetime = ttl;
    }
    for (size_t i = 0; i < count; i++) {
        struct state_wait *wait = state_wait(state, set->owner, needs[i].chain.leaf);
        if (wait != NULL && !fit_matches(record, &needs[i].chain) &&
            (set->count == 0 || !need_fits(set, &needs[i].chain)))
            wait->misfit = true;
    }
}

void learn_remove(struct state *state, const struct conf *conf, const struct observation *seen,
                  size_t h, size_t s, const struct tlsa *record)
{
    struct knowledge k = {conf, state, seen};
    bool names_issuer = record->combination.usage == TLSA_USAGE_PKIX_TA ||
                        record->combination.usage == TLSA_USAGE_DANE_TA;
    struct need needs[NEED_MOST];
    size_t count = need_of(&k, h, s, needs);
    for (size_t i = 0; i < count; i++) {
        const struct fit_chain *chain = &needs[i].chain;
        struct state_wait *wait = state_wait(state, seen->hosts[h].sets[s].owner, chain->leaf);
        bool unknown = names_issuer && chain->issuers_count == 0;
        if (wait != NULL && (unknown || fit_matches(record, chain))) {
            wait->misfit = true;
            wait->reached = false;
        }
    }
}

/* --- the waiting rule ------------------------------------------------------------------------ */

static int64_t longer(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The wall time by which the host's certificates should have been replaced; INT64_MAX: unknown. */
static int64_t last_call(const struct knowledge *k, size_t h)
{
    int64_t earliest = INT64_MAX;
    for (size_t i = 0; i < k->conf->hosts[h].pairs_count; i++) {
        const struct pair_found *current = &k->seen->pairs[k->conf->hosts[h].pairs[i]].current;
        if (current->code != PAIR_READ)
            continue;
        int64_t tenth = (current->not_after - current->not_before) / 10;
        int64_t call = current->not_after - (tenth < LIFE_LEFT ? tenth : LIFE_LEFT);
        earliest = call < earliest ? call : earliest;
    }
    return earliest;
}

int64_t learn_left(const struct knowledge *k, size_t h, size_t s, const struct cert_digests *leaf,
                   bool without, bool *cut_short)
{
    const struct conf_waits *waits = &k->conf->hosts[h].waits;
    const struct world_view *view = &k->seen->hosts[h].views[s];
    const struct moment *now = &k->seen->now;
    const char *name = k->seen->hosts[h].sets[s].owner;
    const struct state_wait *wait = state_wait(k->state, name, leaf);
    const struct state_owner *owner = state_owner(k->state, name);
    if (wait == NULL || owner == NULL || !wait->reached)
        return -1;
    int64_t rule =
        wait->misfit ? longer(2 * (int64_t)owner->lifetime + waits->margin, waits->floor) : 0;
    rule += view->settle;
    if (!wait->complete)
        rule = longer(rule, waits->unreachable);
    int64_t elapsed = longer(state_elapsed(&wait->since, now), 0);
    int64_t whole = without ? rule : longer(rule, waits->publish);
    if (whole > rule && now->proven && now->wall + whole - elapsed > last_call(k, h)) {
        *cut_short = true;
        whole = rule;
    }
    return longer(whole - elapsed, 0);
}
