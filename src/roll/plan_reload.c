/* When services load what is there for them, and what of other pairs a command would load too. */
#include "roll/planning.h"

#include <string.h>

static bool have_common(const struct conf_list *a, const struct conf_list *b)
{
    for (size_t i = 0; i < a->count; i++) {
        for (size_t k = 0; k < b->count; k++) {
            if (strcmp(a->items[i], b->items[k]) == 0)
                return true;
        }
    }
    return false;
}

bool plan_share_command(const struct conf_pair *a, const struct conf_pair *b)
{
    return have_common(&a->reload, &b->reload) || have_common(&a->restart, &b->restart) ||
           have_common(&a->reload, &b->restart) || have_common(&a->restart, &b->reload);
}

bool plan_is_pending(const struct pair_view *view)
{
    return view->conf->install == NULL && view->due;
}

bool plan_is_early(const struct pair_view *view)
{
    return plan_is_pending(view) && view->ripe_in != 0;
}

/* Whether services that read the source would load what they must not yet. */
static bool is_unready(const struct planning *p, size_t pair)
{
    const struct pair_view *view = &p->views[pair];
    const struct cert_digests *last = view->state == NULL ? NULL : state_last_leaf(view->state);
    if (view->conf->install != NULL)
        return false;
    if (view->seen->source.code != PAIR_READ || (view->due && view->ripe_in != 0))
        return true;
    /* Not looked at in this call. */
    return !view->wanted && (last == NULL || !state_same_leaf(last, &view->seen->source.leaf));
}

/*
 * A command that this pair shares with one whose services read the source would load that one too,
 * before its time. Returns the pair that is waited for, or PAIR itself.
 */
static size_t held_by(const struct planning *p, size_t pair)
{
    for (size_t other = 0; other < p->k->conf->pairs_count; other++) {
        if (other != pair && is_unready(p, other) &&
            plan_share_command(p->views[pair].conf, p->views[other].conf))
            return other;
    }
    return pair;
}

void plan_reload(struct planning *p, size_t pair, bool again)
{
    size_t holder = held_by(p, pair);
    if (holder != pair) {
        plan_other_note(p->plan, PLAN_NOTE_HELD, pair, holder);
        return;
    }
    if (p->views[pair].conf->reload.count + p->views[pair].conf->restart.count == 0)
        (void)plan_pair_note(p->plan, PLAN_NOTE_NO_RELOAD, pair);
    struct plan_action *action = plan_action(p->plan, PLAN_RELOAD);
    if (action == NULL)
        return;
    action->pair = pair;
    action->again = again;
    action->restart = again && p->views[pair].state != NULL && p->views[pair].state->tries > 0;
}
