#include "roll/planning.h"

#include <string.h>

struct plan_action *plan_action(struct plan *plan, enum plan_kind kind)
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

struct plan_note *plan_note(struct plan *plan, enum plan_note_kind kind, size_t h, size_t s)
{
    if (plan->notes_count == PLAN_NOTES_MOST)
        return NULL;
    struct plan_note *note = &plan->notes[plan->notes_count++];
    memset(note, 0, sizeof *note);
    note->kind = kind;
    note->host = h;
    note->service = s;
    return note;
}

struct plan_note *plan_pair_note(struct plan *plan, enum plan_note_kind kind, size_t pair)
{
    struct plan_note *note = plan_note(plan, kind, 0, 0);
    if (note != NULL)
        note->pair = pair;
    return note;
}

void plan_other_note(struct plan *plan, enum plan_note_kind kind, size_t pair, size_t other)
{
    struct plan_note *note = plan_pair_note(plan, kind, pair);
    if (note != NULL)
        note->other = other;
}

void plan_next(struct plan *plan, enum plan_step step, size_t index, int64_t in)
{
    if (step == PLAN_STEP_RETIRE && (plan->retire_in[index] < 0 || in < plan->retire_in[index]))
        plan->retire_in[index] = in;
    if (plan->next != PLAN_STEP_NONE && plan->next_in <= in)
        return;
    plan->next = step;
    plan->next_index = index;
    plan->next_in = in;
}

bool plan_adds(const struct plan *plan, size_t h, size_t s, const struct tlsa *record)
{
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *a = &plan->actions[i];
        if (a->kind == PLAN_ADD && a->host == h && a->service == s &&
            (record == NULL || tlsa_equal(&a->record, record)))
            return true;
    }
    return false;
}

bool plan_may_write(const struct planning *p, size_t h, size_t s)
{
    const struct observed_host *host = &p->k->seen->hosts[h];
    return host->listed && host->other_mx == NULL && host->views[s].zone != WORLD_ZONE_BOGUS;
}

uint32_t plan_retire_wait(const struct planning *p, size_t h)
{
    return p->options->now ? 0 : p->k->conf->hosts[h].waits.retire;
}
