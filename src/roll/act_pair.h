/*
 * What act.c shares with act_pair.c: records there, pairs here.
 */
#ifndef ROLL_ACT_PAIR_H
#define ROLL_ACT_PAIR_H

#include "roll/act.h"

/* A command wanted by several pairs runs once: what has run in a plan, and how it went. */
struct ran {
    size_t count;
    struct {
        const char *command;
        bool succeeded;
    } commands[CONF_LIST_MOST];
};

bool act_run_once(struct acting *acting, struct ran *ran, size_t pair, const char *command,
                  const char *event);
/* These carry out one action; *RAN is the plan's. */
void act_put_back(struct acting *acting, const struct plan_action *action, struct ran *ran);
void act_install(struct acting *acting, const struct plan_action *action, struct ran *ran);
void act_reload(struct acting *acting, const struct plan_action *action, struct ran *ran);
void act_verified(struct acting *acting, const struct plan_action *action, struct ran *ran);
void act_drop_previous(struct acting *acting, const struct plan_action *action, struct ran *ran);

#endif
