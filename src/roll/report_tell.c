/* How what the planner has to say is told: each time, once, with its consequences. */
#include "roll/report.h"

#include "roll/act_command.h"

/* Told in full the first time it is seen, then only to those who ask for details. */
static void tell_once(struct acting *acting, const char *text)
{
    world_say(acting->world, state_said(acting->state, text) ? LOG_LEVEL_DETAIL : LOG_LEVEL_WARNING,
              "%s", text);
}

static void tell(struct acting *acting, const struct plan_note *note)
{
    char text[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(text);
    report_note(acting, note, &b);
    enum report_weight weight = report_weight(note->kind);
    if (note->kind == PLAN_NOTE_LAGS && act_settles(acting, note->host))
        weight = REPORT_DETAIL;
    switch (weight) {
    case REPORT_DETAIL:
        world_say(acting->world, LOG_LEVEL_DETAIL, "%s", text);
        return;
    case REPORT_EACH_TIME:
        world_say(acting->world, LOG_LEVEL_WARNING, "%s", text);
        return;
    case REPORT_ONCE:
    case REPORT_STEP:
        tell_once(acting, text);
        return;
    case REPORT_PASSING:
        acting->outcome->later = true;
        break;
    case REPORT_WRONG:
        acting->outcome->usage = true;
        break;
    case REPORT_FAILED:
    case REPORT_DEFERRED:
        acting->outcome->failed = true;
        break;
    }
    /* An outage is found again in each round of a look. */
    if (weight == REPORT_DEFERRED && state_said_now(acting->state, text))
        return;
    /* Once for each that is told of it by a command, at each look for whoever reads the log. */
    if (!state_said(acting->state, text) && weight != REPORT_PASSING)
        act_notify(acting, weight == REPORT_DEFERRED ? "outage" : "failure",
                   acting->conf->hosts[note->host].name, SIZE_MAX, text);
    world_say(acting->world, LOG_LEVEL_ERROR, "%s", text);
}

void report_plan(struct acting *acting, const struct plan *plan, enum report_part part)
{
    for (size_t i = 0; i < plan->notes_count; i++) {
        enum report_weight weight = report_weight(plan->notes[i].kind);
        bool first = weight == REPORT_DEFERRED || weight == REPORT_STEP;
        if (first == (part == REPORT_FIRST))
            tell(acting, &plan->notes[i]);
    }
}
