#include "roll/act.h"

#include "roll/act_pair.h"
#include "roll/act_write.h"

#include <string.h>

/* Between the two rounds of a verification (facts 2.4): pre-forked servers answer old and new. */
#define ROUND_PAUSE 10
/* Between a reload and the first look at what it has done. */
#define LOAD_PAUSE 2

/* Both rounds of a verification in one call (facts 2.4); a lab's waits are shorter than ten
 * seconds.
 */
static enum act_result ask_again(struct acting *acting, const struct plan *plan)
{
    int64_t pause = ROUND_PAUSE;
    enum act_result rc = ACT_NOTHING;
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        if (action->kind != PLAN_ROUND)
            continue;
        rc = ACT_LOOK;
        for (size_t h = 0; h < acting->conf->hosts_count; h++) {
            int64_t retire = acting->conf->hosts[h].waits.retire;
            if (need_has_pair(&acting->conf->hosts[h], action->pair) && retire < pause)
                pause = retire > 0 ? retire : 1;
        }
    }
    /* The next call verifies what this one has no time for. */
    if (rc == ACT_NOTHING || pause > acting->patience)
        return ACT_NOTHING;
    for (size_t i = 0; i < plan->actions_count; i++) {
        if (plan->actions[i].kind == PLAN_ROUND)
            acting->shown[plan->actions[i].pair] = true;
    }
    acting->patience -= pause;
    acting->ask_services = acting->ask_records = true;
    if (acting->world->local->wait(acting->world->local_context, pause,
                                   "asking the services once more"))
        return ACT_END;
    return rc;
}

/*
 * Servers load anew while they answer from what they had: asked at once, a good reload looks like
 * one that was not heard (facts 2.4).
 */
static enum act_result let_load(struct acting *acting)
{
    bool any = false;
    for (size_t i = 0; i < acting->conf->pairs_count; i++) {
        const struct conf_pair *pair = &acting->conf->pairs[i];
        any = any || (acting->loaded[i] && !acting->failed[i] &&
                      pair->reload.count + pair->restart.count > 0);
    }
    if (!any || acting->patience < LOAD_PAUSE)
        return ACT_LOOK;
    acting->patience -= LOAD_PAUSE;
    return acting->world->local->wait(acting->world->local_context, LOAD_PAUSE,
                                      "the services are given time to load")
               ? ACT_END
               : ACT_LOOK;
}

typedef void act_on_pair(struct acting *acting, const struct plan_action *action, struct ran *ran);

static enum act_result act_pairs(struct acting *acting, const struct plan *plan,
                                 enum plan_kind kind, act_on_pair *act)
{
    struct ran ran = {0};
    enum act_result rc = ACT_NOTHING;
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        if (action->kind != kind || acting->failed[action->pair] || acting->cannot_save)
            continue;
        if (acting->world->local->stopped(acting->world->local_context))
            return ACT_END;
        rc = ACT_LOOK;
        act(acting, action, &ran);
    }
    return rc;
}

enum act_result act_plan(struct acting *acting, const struct plan *plan)
{
    static const struct {
        enum plan_kind kind;
        act_on_pair *act; /* NULL: records */
    } steps[] = {
        /* What cures an outage at once goes first: after the served key's record, it would be none.
         */
        {PLAN_FILL, act_install},
        {PLAN_PUT_BACK, act_put_back},
        {PLAN_ADD, NULL},
        {PLAN_INSTALL, act_install},
        {PLAN_RELOAD, act_reload},
        {PLAN_VERIFIED, act_verified},
        {PLAN_ROUND, NULL},
        {PLAN_REMOVE, NULL},
        {PLAN_DROP_PREVIOUS, act_drop_previous},
    };
    enum act_result rc = ACT_NOTHING;
    /* There may be room by now. */
    if (acting->cannot_save)
        (void)act_save(acting);
    for (size_t i = 0; rc == ACT_NOTHING && i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].act != NULL)
            rc = act_pairs(acting, plan, steps[i].kind, steps[i].act);
        else if (steps[i].kind == PLAN_ROUND)
            rc = ask_again(acting, plan);
        else
            rc = act_write(acting, plan, steps[i].kind);
        if (rc == ACT_LOOK && steps[i].kind == PLAN_RELOAD)
            rc = let_load(acting);
    }
    if (rc == ACT_NOTHING)
        act_report_invisible(acting, plan);
    return rc;
}
