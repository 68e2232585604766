/*
 * What the planner has to say, in words: which host, record, server or service, what it means and
 * what to do.
 */
#ifndef ROLL_REPORT_H
#define ROLL_REPORT_H

#include "roll/act.h"

/*
 * What must be told before the plan is carried out, as it may be over then (outages before they are
 * cured); the rest, when nothing more can be done.
 */
enum report_part { REPORT_FIRST, REPORT_REST };

/*
 * Says that part of a plan's notes and sets what they mean for the outcome. What is wrong is said
 * each time, what is only to be known once: the state remembers.
 */
void report_plan(struct acting *acting, const struct plan *plan, enum report_part part);
/* The text of one note. */
void report_note(const struct acting *acting, const struct plan_note *note, struct buf *b);

#endif
