#include "roll/plan.h"

#include "base/name.h"
#include "roll/ripe.h"

#include <string.h>

/* What is known of one pair, worked out once. */
struct pair_view {
    const struct state_pair *state; /* NULL: never read */
    bool readable;                  /* its files were read in this call */
    bool due;                       /* services are to load what stands in `certificate` */
    bool ripe;                      /* and may */
    int64_t ripe_in;                /* seconds; -1: not known yet */
};

struct planning {
    struct plan *plan;
    const struct conf *conf;
    const struct state *state;
    const struct observation *seen;
    struct pair_view *pairs;
};

static bool host_has_pair(const struct conf_host *host, size_t pair)
{
    for (size_t i = 0; i < host->pairs_count; i++) {
        if (host->pairs[i] == pair)
            return true;
    }
    return false;
}

/* A usable record that names an issuer: it says nothing about a leaf. */
static bool names_issuer(const struct tlsa *record)
{
    return tlsa_usable(record) && (record->combination.usage == TLSA_USAGE_PKIX_TA ||
                                   record->combination.usage == TLSA_USAGE_DANE_TA);
}

/* Fits no leaf that may be served, and is not the kind that cannot tell. */
static bool is_stale(const struct planning *p, const struct conf_host *host,
                     const struct tlsa *record)
{
    return !names_issuer(record) && !state_fits(p->state, p->conf, host, record);
}

static bool is_ours(const struct planning *p, const struct provider_rrset *set,
                    const struct tlsa *record)
{
    const struct state_record *known = state_record(p->state, set->owner, record);
    return known != NULL && known->ours;
}

static struct plan_action *add_action(struct plan *plan, enum plan_kind kind)
{
    if (plan->actions_count == PLAN_ACTIONS_MOST) {
        plan->cut = true;
        return NULL;
    }
    struct plan_action *action = &plan->actions[plan->actions_count++];
    memset(action, 0, sizeof *action);
    action->kind = kind;
    return action;
}

static struct plan_note *add_note(struct plan *plan, enum plan_note_kind kind)
{
    if (plan->notes_count == PLAN_NOTES_MOST)
        return NULL;
    struct plan_note *note = &plan->notes[plan->notes_count++];
    memset(note, 0, sizeof *note);
    note->kind = kind;
    return note;
}

static void next_step(struct plan *plan, enum plan_step step, size_t index, int64_t in)
{
    if (plan->next != PLAN_STEP_NONE && plan->next_in <= in)
        return;
    plan->next = step;
    plan->next_index = index;
    plan->next_in = in;
}

/* --- publish --------------------------------------------------------------------------------- */

static bool is_planned(const struct plan *plan, size_t host, size_t service,
                       const struct tlsa *record)
{
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *a = &plan->actions[i];
        if (a->kind == PLAN_ADD && a->host == host && a->service == service &&
            (record == NULL || tlsa_equal(&a->record, record)))
            return true;
    }
    return false;
}

/* A new record takes the TTL of its RRset (RFC 2181 section 5.2). */
static uint32_t ttl_of(const struct conf_host *host, const struct provider_rrset *set,
                       uint32_t *lifetime)
{
    uint32_t ttl = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->records[i].ttl > *lifetime)
            *lifetime = set->records[i].ttl;
        if (ttl == 1)
            continue;
        if (set->records[i].automatic)
            ttl = 1;
        else if (set->records[i].ttl > ttl)
            ttl = set->records[i].ttl;
    }
    return set->count == 0 ? host->ttl : ttl;
}

static void plan_add(struct planning *p, size_t h, size_t s, const struct tlsa *record)
{
    const struct conf_host *host = &p->conf->hosts[h];
    const struct provider_rrset *set = &p->seen->hosts[h].sets[s];
    /* Caches cannot lack it where nothing was, and nothing of ours has just been put there. */
    bool first = set->count == 0 && !is_planned(p->plan, h, s, NULL);
    uint32_t lifetime = 0;
    if (ripe_holds(set, record) || is_planned(p->plan, h, s, record))
        return;
    uint32_t ttl = ttl_of(host, set, &lifetime);
    if (ttl > lifetime)
        lifetime = ttl;
    for (const struct state_record *r = p->state->records; r != NULL; r = r->next) {
        if (!name_equal(r->owner, set->owner))
            continue;
        if (r->seen || !r->first)
            first = false;
        if (r->lifetime > lifetime)
            lifetime = r->lifetime;
    }
    struct plan_action *action = add_action(p->plan, PLAN_ADD);
    if (action == NULL)
        return;
    action->host = h;
    action->service = s;
    action->record = *record;
    action->ttl = ttl;
    action->lifetime = lifetime;
    action->first = first;
}

/*
 * The records of one leaf at one owner name. A leaf's records are complete before the next leaf's
 * begin, so that the RRset in between fits what is served.
 */
static void publish_leaf(struct planning *p, size_t h, size_t s, const struct cert_digests *leaf)
{
    const struct conf_host *host = &p->conf->hosts[h];
    struct tlsa records[RIPE_RECORDS_MOST];
    size_t count = ripe_records(host, &p->seen->hosts[h].sets[s], leaf, records);
    for (size_t i = 0; i < count; i++)
        plan_add(p, h, s, &records[i]);
}

/* When a leaf of the list is published: the one loaded last, then others, then what comes next. */
static int turn_of(const struct pair_view *view, const struct state_leaf *leaf,
                   const struct cert_digests *disk)
{
    if (leaf == view->state->leafs)
        return 0;
    return view->readable && state_same_leaf(&leaf->digests, disk) ? 2 : 1;
}

/*
 * Rollover, first step (RFC 7671 section 8.1): the keys in use first, then what comes next. The
 * leaf that services loaded last is in use, also where it stands on disk again after another one.
 */
static void publish(struct planning *p, size_t h, size_t s)
{
    const struct conf_host *host = &p->conf->hosts[h];
    for (int turn = 0; turn <= 2; turn++) {
        for (size_t i = 0; i < host->pairs_count; i++) {
            const struct pair_view *view = &p->pairs[host->pairs[i]];
            const struct cert_digests *disk = &p->seen->pairs[host->pairs[i]].leaf;
            if (view->state == NULL)
                continue;
            for (const struct state_leaf *l = view->state->leafs; l != NULL; l = l->next) {
                if (turn_of(view, l, disk) == turn)
                    publish_leaf(p, h, s, &l->digests);
            }
        }
    }
}

/* --- reload ---------------------------------------------------------------------------------- */

/*
 * Whether the RRsets say that the pair may have changed since services last loaded it, though the
 * state does not know: records of another key stand there, and they are to go, or we had to add
 * ours beside them (a lost state, or the first run after a classic script's renewal); or a record
 * bears our mark that this state did not write (a lost state: a renewal with the same key leaves no
 * other trace, and one reload too many harms nobody).
 */
static bool records_show_change(const struct planning *p, size_t h)
{
    const struct conf_host *host = &p->conf->hosts[h];
    for (size_t s = 0; p->seen->hosts[h].listed && s < host->services_count; s++) {
        const struct provider_rrset *set = &p->seen->hosts[h].sets[s];
        bool stale = false, removable = host->adopt, added = false;
        for (size_t i = 0; i < set->count; i++) {
            const struct tlsa *tlsa = &set->records[i].tlsa;
            if (!is_stale(p, host, tlsa)) {
                if (set->records[i].marked && !is_ours(p, set, tlsa))
                    return true;
                added = added || is_ours(p, set, tlsa);
                continue;
            }
            stale = true;
            removable = removable || set->records[i].marked || is_ours(p, set, tlsa);
        }
        if (stale && (removable || added))
            return true;
    }
    return false;
}

static bool is_due(const struct planning *p, size_t pair)
{
    const struct pair_view *view = &p->pairs[pair];
    if (!view->readable || view->state == NULL)
        return false;
    for (const struct state_leaf *l = view->state->leafs; l != NULL; l = l->next) {
        if (!state_same_leaf(&l->digests, &p->seen->pairs[pair].leaf))
            return true;
    }
    for (size_t h = 0; !view->state->reloaded && h < p->conf->hosts_count; h++) {
        if (host_has_pair(&p->conf->hosts[h], pair) && records_show_change(p, h))
            return true;
    }
    return false;
}

/* The same over every service of every host of the pair: the slowest one counts. */
static int64_t ripe_in(const struct planning *p, size_t pair)
{
    int64_t longest = 0;
    for (size_t h = 0; h < p->conf->hosts_count; h++) {
        if (!host_has_pair(&p->conf->hosts[h], pair))
            continue;
        if (!p->seen->hosts[h].listed)
            return -1;
        for (size_t s = 0; s < p->conf->hosts[h].services_count; s++) {
            int64_t left = ripe_in_rrset(&p->conf->hosts[h], &p->seen->hosts[h].sets[s], p->state,
                                         &p->seen->pairs[pair].leaf, &p->seen->now);
            if (left < 0)
                return -1;
            if (left > longest)
                longest = left;
        }
    }
    return longest;
}

bool plan_share_command(const struct conf_pair *a, const struct conf_pair *b)
{
    for (size_t i = 0; i < a->reload.count; i++) {
        for (size_t k = 0; k < b->reload.count; k++) {
            if (strcmp(a->reload.items[i], b->reload.items[k]) == 0)
                return true;
        }
    }
    return false;
}

/*
 * A command that two pairs share loads both: it waits until both are ripe, and while it cannot be
 * seen what stands in the other's files. Returns the pair that is waited for, or PAIR itself.
 */
static size_t held_by(const struct planning *p, size_t pair)
{
    for (size_t other = 0; other < p->conf->pairs_count; other++) {
        const struct pair_view *view = &p->pairs[other];
        bool unready = !view->readable || (view->due && !view->ripe);
        if (other != pair && unready &&
            plan_share_command(&p->conf->pairs[pair], &p->conf->pairs[other]))
            return other;
    }
    return pair;
}

static void plan_reloads(struct planning *p)
{
    for (size_t i = 0; i < p->conf->pairs_count; i++) {
        const struct pair_view *view = &p->pairs[i];
        if (!view->due)
            continue;
        if (p->conf->pairs[i].reload.count == 0) {
            struct plan_note *note = add_note(p->plan, PLAN_NOTE_NO_RELOAD);
            if (note != NULL)
                note->pair = i;
            continue;
        }
        if (!view->ripe) {
            if (view->ripe_in >= 0)
                next_step(p->plan, PLAN_STEP_RELOAD, i, view->ripe_in);
            continue;
        }
        size_t holder = held_by(p, i);
        if (holder == i) {
            struct plan_action *action = add_action(p->plan, PLAN_RELOAD);
            if (action != NULL)
                action->pair = i;
            continue;
        }
        struct plan_note *note = add_note(p->plan, PLAN_NOTE_HELD);
        if (note != NULL) {
            note->pair = i;
            note->other = holder;
        }
    }
}

/* --- retire ---------------------------------------------------------------------------------- */

/*
 * Seconds until stale records of the host may go: all its pairs are loaded, and that long ago; -1
 * while that is not so. Caches are no reason to wait: whoever holds old and new, or new alone,
 * accepts the new key.
 */
static int64_t retire_in(const struct planning *p, size_t h)
{
    const struct conf_host *host = &p->conf->hosts[h];
    int64_t longest = 0;
    for (size_t i = 0; i < host->pairs_count; i++) {
        const struct pair_view *view = &p->pairs[host->pairs[i]];
        if (!view->readable || view->state == NULL || !view->state->reloaded || view->due)
            return -1;
        int64_t elapsed = state_elapsed(&view->state->reload, &p->seen->now);
        int64_t left = host->waits.retire - (elapsed < 0 ? 0 : elapsed);
        if (left > longest)
            longest = left;
    }
    return longest;
}

static void note_record(struct planning *p, enum plan_note_kind kind, size_t h, size_t s,
                        const struct tlsa *record)
{
    struct plan_note *note = add_note(p->plan, kind);
    if (note == NULL)
        return;
    note->host = h;
    note->service = s;
    note->record = *record;
}

static void retire(struct planning *p, size_t h, size_t s)
{
    const struct conf_host *host = &p->conf->hosts[h];
    const struct provider_rrset *set = &p->seen->hosts[h].sets[s];
    /* Never while something is still to be published here: what replaces it is read back first. */
    bool complete = !is_planned(p->plan, h, s, NULL) && !p->plan->cut;
    int64_t in = retire_in(p, h);
    for (size_t i = 0; i < set->count; i++) {
        const struct provider_record *record = &set->records[i];
        if (names_issuer(&record->tlsa)) {
            note_record(p, PLAN_NOTE_UNJUDGED, h, s, &record->tlsa);
            continue;
        }
        if (!is_stale(p, host, &record->tlsa))
            continue;
        if (!host->adopt && !is_ours(p, set, &record->tlsa)) {
            note_record(p, PLAN_NOTE_STALE, h, s, &record->tlsa);
            continue;
        }
        if (!complete || in < 0)
            continue;
        if (in > 0) {
            next_step(p->plan, PLAN_STEP_RETIRE, h, in);
            continue;
        }
        struct plan_action *action = add_action(p->plan, PLAN_REMOVE);
        if (action == NULL)
            return;
        action->host = h;
        action->service = s;
        action->target = *record;
    }
}

/* --------------------------------------------------------------------------------------------- */

static void view_pairs(struct planning *p, const struct conf *conf)
{
    for (size_t i = 0; i < conf->pairs_count; i++) {
        p->pairs[i].readable = p->seen->pairs[i].code == WORLD_PAIR_READ;
        p->pairs[i].state = state_pair(p->state, conf->pairs[i].label);
    }
    for (size_t i = 0; i < conf->pairs_count; i++)
        p->pairs[i].due = is_due(p, i);
    for (size_t i = 0; i < conf->pairs_count; i++) {
        p->pairs[i].ripe_in = p->pairs[i].due ? ripe_in(p, i) : -1;
        p->pairs[i].ripe = p->pairs[i].ripe_in == 0;
    }
}

int plan_make(struct plan *plan, const struct conf *conf, const struct state *state,
              const struct observation *seen, struct arena *arena)
{
    struct planning p = {plan, conf, state, seen, NULL};
    memset(plan, 0, sizeof *plan);
    plan->actions = arena_take(arena, PLAN_ACTIONS_MOST, sizeof *plan->actions);
    plan->notes = arena_take(arena, PLAN_NOTES_MOST, sizeof *plan->notes);
    p.pairs = arena_take(arena, conf->pairs_count, sizeof *p.pairs);
    if (plan->actions == NULL || plan->notes == NULL || p.pairs == NULL)
        return -1;
    view_pairs(&p, conf);
    for (size_t h = 0; h < conf->hosts_count; h++) {
        for (size_t s = 0; seen->hosts[h].listed && s < conf->hosts[h].services_count; s++)
            publish(&p, h, s);
    }
    plan_reloads(&p);
    for (size_t h = 0; h < conf->hosts_count; h++) {
        for (size_t s = 0; seen->hosts[h].listed && s < conf->hosts[h].services_count; s++)
            retire(&p, h, s);
    }
    return 0;
}
