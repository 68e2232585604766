/*
 * The part of acting that concerns pairs, as act_write.h does records; for act.c alone.
 */
#ifndef ROLL_ACT_PAIR_H
#define ROLL_ACT_PAIR_H

#include "roll/act_command.h"

/* These carry out one action; *RAN is the plan's. */
void act_put_back(struct acting *acting, const struct plan_action *action, struct ran *ran);
void act_install(struct acting *acting, const struct plan_action *action, struct ran *ran);
void act_reload(struct acting *acting, const struct plan_action *action, struct ran *ran);
void act_verified(struct acting *acting, const struct plan_action *action, struct ran *ran);
void act_drop_previous(struct acting *acting, const struct plan_action *action, struct ran *ran);

#endif
