/* The user's commands: `renew`, `reload`, `restart`, `notify`. */
#ifndef ROLL_ACT_COMMAND_H
#define ROLL_ACT_COMMAND_H

#include "roll/acting.h"

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
/* Runs the `renew` commands of the pairs wanted, each once. */
void act_renew(struct acting *acting, const bool *pair_wanted);
/* Commands that failed, and whose next try may be another call's business, are told of once. */
void act_keep_failures(struct acting *acting);
/* Runs `notify`: EVENT is "failure", "completion" or "outage"; PAIR may be SIZE_MAX. */
void act_notify(struct acting *acting, const char *event, const char *host, size_t pair,
                const char *message);

#endif
