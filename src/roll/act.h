/*
 * Carries out a plan, an action at a time; each can be repeated, and a crash between any two leaves
 * the key in use vouched for. The state is written before each, so that what was seen and what is
 * about to be done is never forgotten, and before each long wait; not after it, as whatever comes
 * next writes it, or the end of the call.
 */
#ifndef ROLL_ACT_H
#define ROLL_ACT_H

#include "roll/acting.h"

/*
 * The actions of PLAN that may be done at one go: those of the first kind, in the order of enum
 * plan_kind, of which there are any. Each is looked at before the next kind begins.
 */
enum act_result act_plan(struct acting *acting, const struct plan *plan);

#endif
