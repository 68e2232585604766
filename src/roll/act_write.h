/* The part of acting that writes records; for act.c alone. */
#ifndef ROLL_ACT_WRITE_H
#define ROLL_ACT_WRITE_H

#include "roll/acting.h"

/*
 * The additions, or removals (KIND), of PLAN in its order, a host's only as far as each was carried
 * out. All are noted in the state before the first is.
 */
enum act_result act_write(struct acting *acting, const struct plan *plan, enum plan_kind kind);
/* Says what was accepted, or may have been, and still does not show after several looks. */
void act_report_invisible(struct acting *acting, const struct plan *plan);

#endif
