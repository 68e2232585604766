/* The planner's last part: which records may go, and what is forgotten with them. */
#include "roll/planning.h"

#include "base/name.h"

#include <string.h>

static bool is_ours(const struct planning *p, const struct provider_rrset *set,
                    const struct tlsa *record)
{
    return state_record(p->k->state, set->owner, record) != NULL;
}

/* Ours to delete. 3.9: other names may lead to the end of a CNAME, unknown to us. */
static bool is_deletable(const struct planning *p, size_t h, size_t s, const struct tlsa *record)
{
    const struct conf_host *host = &p->k->conf->hosts[h];
    const struct observed_host *seen = &p->k->seen->hosts[h];
    if (is_ours(p, &seen->sets[s], record))
        return true;
    return host->adopt && !(seen->views[s].alias && host->shared);
}

/* Whether the configuration asks for records of this combination. */
static bool is_managed(const struct conf_host *host, struct tlsa_combination c)
{
    for (size_t i = 0; i < host->records_count; i++) {
        const struct conf_record *r = &host->records[i];
        if (tlsa_same_combination(c, (struct tlsa_combination){r->usage, r->selector, r->matching}))
            return true;
    }
    return false;
}

bool plan_unblocks(const struct planning *p, size_t h, size_t s, const struct tlsa *record)
{
    const struct conf_host *host = &p->k->conf->hosts[h];
    const struct provider_rrset *set = &p->k->seen->hosts[h].sets[s];
    const struct tlsa_combination c = record->combination;
    if (is_managed(host, c) || !is_deletable(p, h, s, record) || !tlsa_usable(record) ||
        c.usage < TLSA_USAGE_DANE_TA)
        return false;
    for (size_t i = 0; i < host->pairs_count; i++) {
        const struct pair_found *source = &p->k->seen->pairs[host->pairs[i]].source;
        const struct fit_chain chain = {&source->leaf, source->issuers_count, source->issuers};
        struct tlsa made;
        bool matched = source->code != PAIR_READ ||
                       (c.usage == TLSA_USAGE_DANE_EE && fit_make(&made, c, &chain) == 0);
        for (size_t k = 0; !matched && k < set->count; k++)
            matched = tlsa_same_combination(set->records[k].tlsa.combination, c) &&
                      fit_matches(&set->records[k].tlsa, &chain);
        if (!matched)
            return true;
    }
    return false;
}

int64_t plan_retire_in(const struct planning *p, size_t h)
{
    const struct conf_host *host = &p->k->conf->hosts[h];
    int64_t longest = 0;
    for (size_t i = 0; i < host->pairs_count; i++) {
        const struct state_pair *pair =
            state_pair(p->k->state, p->k->conf->pairs[host->pairs[i]].label);
        if (pair == NULL || pair->reload || !pair->verified)
            return -1;
        int64_t elapsed = state_elapsed(&pair->verification, &p->k->seen->now);
        int64_t left = plan_retire_wait(p, h) - (elapsed < 0 ? 0 : elapsed);
        if (left > longest)
            longest = left;
    }
    return longest;
}

/* Why a record stays: NEED_FORMER is the only reason that ends by itself; false: there is none. */
static bool is_needed(const struct need *needs, size_t count, const struct tlsa *record,
                      enum need_why *why)
{
    for (size_t i = 0; i < count; i++) {
        *why = needs[i].why;
        if (fit_matches(record, &needs[i].chain))
            return true;
    }
    return false;
}

/* Facts 2.4 (c): what remains fits every chain that is served or meant to be. */
static bool remainder_fits(const struct planning *p, const struct provider_rrset *set,
                           const bool *gone, const struct need *needs, size_t count)
{
    struct tlsa left[PROVIDER_RECORDS_MOST];
    size_t left_count = 0;
    (void)p;
    for (size_t i = 0; i < set->count && i < PROVIDER_RECORDS_MOST; i++) {
        if (!gone[i])
            left[left_count++] = set->records[i].tlsa;
    }
    for (size_t i = 0; i < count; i++) {
        if (needs[i].why != NEED_SERVED && needs[i].why != NEED_CURRENT)
            continue;
        if (left_count == 0 || !fit_accepts(left, left_count, sizeof left[0], &needs[i].chain))
            return false;
    }
    return true;
}

/*
 * Whether it is not known what comes next in some pair of the host: a source that is being written,
 * or must not be used, says nothing of the records that it had published. They would have to wait
 * anew, and services may read it in place.
 */
static bool is_unread(const struct planning *p, size_t h)
{
    const struct conf_host *host = &p->k->conf->hosts[h];
    for (size_t i = 0; i < host->pairs_count; i++) {
        enum pair_code code = p->k->seen->pairs[host->pairs[i]].source.code;
        bool staged = p->k->conf->pairs[host->pairs[i]].install != NULL;
        if (code != PAIR_READ && (code != PAIR_ABSENT || !staged))
            return true;
    }
    return false;
}

struct retiring {
    struct planning *p;
    size_t h, s;
    const struct need *needs;
    size_t needs_count;
    bool gone[PROVIDER_RECORDS_MOST];
};

/*
 * Seconds until one record may go. One of ours that no pair of ours needs goes by its own time: it
 * is of another server's key that is served no longer, or of one that was never served.
 */
static int64_t retire_record_in(const struct planning *p, size_t h,
                                const struct provider_rrset *set, const struct tlsa *record,
                                bool needed)
{
    const struct state_record *ours = state_record(p->k->state, set->owner, record);
    if (needed || ours == NULL)
        return plan_retire_in(p, h);
    int64_t elapsed = ours->since.wall == 0 ? 0 : state_elapsed(&ours->since, &p->k->seen->now);
    int64_t left = plan_retire_wait(p, h) - (elapsed < 0 ? 0 : elapsed);
    return left < 0 ? 0 : left;
}

static void retire_record(struct retiring *r, size_t index)
{
    struct planning *p = r->p;
    const struct provider_rrset *set = &p->k->seen->hosts[r->h].sets[r->s];
    const struct provider_record *record = &set->records[index];
    enum need_why why = NEED_FORMER;
    bool needed = is_needed(r->needs, r->needs_count, &record->tlsa, &why);
    bool in_the_way = plan_unblocks(p, r->h, r->s, &record->tlsa);
    if (needed && why != NEED_FORMER && !in_the_way)
        return;
    if (!is_deletable(p, r->h, r->s, &record->tlsa)) {
        struct plan_note *note = needed ? NULL : plan_note(p->plan, PLAN_NOTE_STALE, r->h, r->s);
        if (note != NULL)
            note->record = record->tlsa;
        return;
    }
    int64_t in = retire_record_in(p, r->h, set, &record->tlsa, needed);
    /* While a pair that services read in place waits nothing is verified, and it waits for this. */
    if (in_the_way && in < 0)
        in = 0;
    if (plan_adds(p->plan, r->h, r->s, NULL) || p->plan->cut || in < 0 || is_unread(p, r->h))
        return;
    if (in > 0) {
        plan_next(p->plan, PLAN_STEP_RETIRE, r->h, in);
        return;
    }
    size_t unseen;
    if (!verify_all_seen(p->k, r->h, r->s, &unseen)) {
        bool told = unseen < p->k->seen->hosts[r->h].services[r->s].count &&
                    verify_shown(p->k, r->h, r->s, unseen) == VERDICT_OTHER;
        struct plan_note *note = told ? NULL : plan_note(p->plan, PLAN_NOTE_UNSEEN, r->h, r->s);
        if (note != NULL)
            note->shown = unseen;
        return;
    }
    r->gone[index] = true;
    if (!remainder_fits(p, set, r->gone, r->needs, r->needs_count)) {
        r->gone[index] = false;
        return;
    }
    struct plan_action *action = plan_action(p->plan, PLAN_REMOVE);
    if (action == NULL)
        return;
    action->host = r->h;
    action->service = r->s;
    action->target = record;
}

void plan_retire(struct planning *p, size_t h, size_t s)
{
    const struct provider_rrset *set = &p->k->seen->hosts[h].sets[s];
    struct need needs[NEED_MOST];
    struct retiring r = {.p = p, .h = h, .s = s, .needs = needs};
    if (!plan_may_write(p, h, s) || p->k->conf->hosts[h].leave)
        return;
    r.needs_count = need_of(p->k, h, s, needs);
    for (size_t i = 0; i < set->count && i < PROVIDER_RECORDS_MOST; i++)
        retire_record(&r, i);
}

/* --- leaving DANE (3.15) --------------------------------------------------------------------- */

/* What matches nothing that is served goes first: what remains fits as long as it can. */
static void leave_records(struct planning *p, size_t h, size_t s, bool needed)
{
    const struct provider_rrset *set = &p->k->seen->hosts[h].sets[s];
    struct need needs[NEED_MOST];
    size_t count = need_of(p->k, h, s, needs);
    for (size_t i = 0; i < set->count; i++) {
        enum need_why why = NEED_FORMER;
        const struct tlsa *tlsa = &set->records[i].tlsa;
        bool matches =
            is_needed(needs, count, tlsa, &why) && (why == NEED_SERVED || why == NEED_CURRENT);
        if (matches != needed)
            continue;
        if (!is_deletable(p, h, s, tlsa)) {
            struct plan_note *note = plan_note(p->plan, PLAN_NOTE_STAYS, h, s);
            if (note != NULL)
                note->record = *tlsa;
            continue;
        }
        struct plan_action *action = plan_action(p->plan, PLAN_REMOVE);
        if (action == NULL)
            return;
        action->host = h;
        action->service = s;
        action->target = &set->records[i];
    }
}

int64_t plan_left_in(const struct planning *p, size_t h, size_t s)
{
    const struct state_owner *owner = state_owner(p->k->state, p->k->seen->hosts[h].sets[s].owner);
    if (owner == NULL || !owner->denied)
        return -1;
    int64_t elapsed = state_elapsed(&owner->denial, &p->k->seen->now);
    int64_t left =
        owner->lifetime + (int64_t)p->k->conf->hosts[h].waits.margin - (elapsed < 0 ? 0 : elapsed);
    return left < 0 ? 0 : left;
}

void plan_leave(struct planning *p, size_t h, size_t s)
{
    if (!p->k->conf->hosts[h].leave || !plan_may_write(p, h, s))
        return;
    leave_records(p, h, s, false);
    leave_records(p, h, s, true);
    int64_t left = plan_left_in(p, h, s);
    struct plan_note *note =
        plan_note(p->plan, left == 0 ? PLAN_NOTE_LEFT : PLAN_NOTE_LEAVING, h, s);
    if (note != NULL)
        note->in = left;
}

/* --- what is no longer needed ---------------------------------------------------------------- */

/*
 * Whether a record that is to go stands anywhere for a key that the pair had, and not for what it
 * has now. What is not ours to delete would keep the former pair for ever.
 */
static bool has_records(const struct planning *p, size_t pair, const struct cert_digests *leaf,
                        const struct cert_digests *now)
{
    const struct fit_chain former = {leaf, 0, NULL}, current = {now, 0, NULL};
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        const struct observed_host *host = &p->k->seen->hosts[h];
        if (!need_has_pair(&p->k->conf->hosts[h], pair))
            continue;
        if (!host->listed || plan_retire_in(p, h) != 0)
            return true;
        for (size_t s = 0; s < p->k->conf->hosts[h].services_count; s++) {
            for (size_t i = 0; i < host->sets[s].count; i++) {
                const struct tlsa *tlsa = &host->sets[s].records[i].tlsa;
                if (fit_matches(tlsa, &former) && !fit_matches(tlsa, &current) &&
                    is_deletable(p, h, s, tlsa))
                    return true;
            }
        }
    }
    return false;
}

/* Without `install` what stands in the source is known before services are to load it. */
static bool is_to_come(const struct planning *p, size_t pair, const struct cert_digests *leaf)
{
    const struct pair_found *source = &p->k->seen->pairs[pair].source;
    return p->k->conf->pairs[pair].install == NULL && source->code == PAIR_READ &&
           state_same_leaf(&source->leaf, leaf);
}

/* Facts 2.4: the former pair is kept for as long as its records are. */
void plan_forget(struct planning *p)
{
    for (size_t i = 0; i < p->k->conf->pairs_count; i++) {
        const struct state_pair *pair = state_pair(p->k->state, p->k->conf->pairs[i].label);
        const struct cert_digests *last = pair == NULL ? NULL : state_last_leaf(pair);
        bool previous = p->k->seen->pairs[i].previous.code != PAIR_ABSENT;
        if (last == NULL || !pair->verified || pair->reload)
            continue;
        bool former = previous, kept = false;
        if (p->k->seen->pairs[i].previous.code == PAIR_READ)
            kept = has_records(p, i, &p->k->seen->pairs[i].previous.leaf, last);
        for (const struct state_leaf *l = pair->leafs; l != NULL; l = l->next) {
            if (state_same_leaf(&l->digests, last) || is_to_come(p, i, &l->digests))
                continue;
            former = true;
            kept = kept || has_records(p, i, &l->digests, last);
        }
        struct plan_action *action =
            former && !kept ? plan_action(p->plan, PLAN_DROP_PREVIOUS) : NULL;
        if (action != NULL)
            action->pair = i;
    }
}
