/* The planner's part after a reload: what services show, and what is to be done about it. */
#include "roll/planning.h"

/* Reloads after which a former leaf is only reported. */
#define TRIES_MOST 3

/* Whether the former pair may come back: every RRset still vouches for it. */
static bool can_put_back(const struct planning *p, size_t pair)
{
    const struct pair_found *previous = &p->k->seen->pairs[pair].previous;
    const struct fit_chain chain = {&previous->leaf, previous->issuers_count, previous->issuers};
    if (previous->code != PAIR_READ)
        return false;
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        for (size_t s = 0;
             need_has_pair(&p->k->conf->hosts[h], pair) && s < p->k->conf->hosts[h].services_count;
             s++) {
            if (!p->k->seen->hosts[h].listed || !need_fits(&p->k->seen->hosts[h].sets[s], &chain))
                return false;
        }
    }
    return true;
}

static void note_sum(struct planning *p, enum plan_note_kind kind, size_t pair,
                     const struct verify_sum *sum)
{
    struct plan_note *note = plan_note(p->plan, kind, sum->host, sum->service);
    if (note == NULL)
        return;
    note->pair = pair;
    note->shown = sum->shown;
}

/* Seconds until what services are meant to serve is vouched for in every cache; -1: not known. */
static int64_t vouched_in(const struct planning *p, size_t pair)
{
    struct fit_chain chain;
    int64_t longest = 0;
    bool cut_short;
    if (!need_current(p->k, pair, &chain))
        return -1;
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        if (!need_has_pair(&p->k->conf->hosts[h], pair) || p->k->conf->hosts[h].leave)
            continue;
        for (size_t s = 0; s < p->k->conf->hosts[h].services_count; s++) {
            if (plan_skips(p, h, s))
                continue;
            int64_t left = p->k->seen->hosts[h].listed
                               ? learn_left(p->k, h, s, chain.leaf, true, &cut_short)
                               : -1;
            if (left < 0)
                return -1;
            longest = left > longest ? left : longest;
        }
    }
    return longest;
}

/*
 * Somebody may have taken its records away since it was installed: caches have to forget that
 * first.
 */
bool plan_is_vouched_for(const struct planning *p, size_t pair)
{
    int64_t in = vouched_in(p, pair);
    if (in != 0)
        plan_next(p->plan, in < 0 ? PLAN_STEP_VISIBLE : PLAN_STEP_INSTALL, pair, in < 0 ? 0 : in);
    return in == 0;
}

static void reload_again(struct planning *p, size_t pair)
{
    const struct state_pair *state = p->views[pair].state;
    /* Right after a reload nothing is certain (facts 2.4): the next call looks again. */
    if (!plan_is_early(&p->views[pair]) && state->tries < TRIES_MOST && !p->options->loaded[pair] &&
        plan_is_vouched_for(p, pair))
        plan_reload(p, pair, true);
}

static void verify_old(struct planning *p, size_t pair, const struct verify_sum *sum)
{
    if (p->views[pair].state->tries >= TRIES_MOST && !p->options->loaded[pair]) {
        note_sum(p, PLAN_NOTE_STUBBORN, pair, sum);
        return;
    }
    note_sum(p, PLAN_NOTE_OLD, pair, sum);
    reload_again(p, pair);
}

/* Whether some RRset does not vouch for what services are meant to serve, though it once did. */
static bool is_abandoned(const struct planning *p, size_t pair)
{
    struct fit_chain chain;
    if (!need_current(p->k, pair, &chain))
        return false;
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        for (size_t s = 0;
             need_has_pair(&p->k->conf->hosts[h], pair) && s < p->k->conf->hosts[h].services_count;
             s++) {
            if (p->k->seen->hosts[h].listed && !plan_skips(p, h, s) &&
                !need_fits(&p->k->seen->hosts[h].sets[s], &chain))
                return true;
        }
    }
    return false;
}

static void put_back(struct planning *p, size_t pair, const struct verify_sum *sum, bool outage)
{
    struct plan_action *action = plan_action(p->plan, PLAN_PUT_BACK);
    if (action == NULL)
        return;
    action->pair = pair;
    action->leaf = &p->views[pair].seen->previous.leaf;
    action->host = sum->host;
    action->service = sum->service;
    action->outage = outage;
}

void plan_verify(struct planning *p, size_t pair)
{
    const struct pair_view *view = &p->views[pair];
    struct verify_sum sum;
    bool looked;
    verify_pair(p->k, pair, &sum, &looked);
    if (!looked)
        return;
    if (view->conf->install != NULL && is_abandoned(p, pair) && can_put_back(p, pair)) {
        put_back(p, pair, &sum, true);
    } else if (sum.others > 0 && view->state->loading && view->conf->install != NULL &&
               can_put_back(p, pair)) {
        put_back(p, pair, &sum, false);
    } else if (sum.others > 0) {
        /* Told where the records are. What was put back may need more than a reload, too. */
        bool former = view->state->leafs->next != NULL;
        if (former && !view->state->loading && !view->state->verified)
            reload_again(p, pair);
    } else if (sum.early > 0) {
        /* Without `install` the source may be live from the moment it is seen. */
        if (view->conf->install != NULL)
            note_sum(p, PLAN_NOTE_EARLY, pair, &sum);
    } else if (sum.olds > 0) {
        verify_old(p, pair, &sum);
    } else if (sum.unseen > 0) {
        note_sum(p, PLAN_NOTE_UNSEEN, pair, &sum);
    } else if (sum.news == 0) {
        /* Or it is not known any more that they were to load it. */
        (void)plan_pair_note(p->plan, PLAN_NOTE_NOWHERE, pair);
        reload_again(p, pair);
    } else if (!view->state->verified && !plan_is_pending(view)) {
        struct plan_action *action =
            plan_action(p->plan, p->options->shown[pair] ? PLAN_VERIFIED : PLAN_ROUND);
        if (action != NULL)
            action->pair = pair;
    }
}
