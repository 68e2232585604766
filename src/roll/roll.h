/*
 * The engine of `daneroll run`: look, plan, act, until nothing is due; with waiting, until all is
 * done.
 */
#ifndef ROLL_ROLL_H
#define ROLL_ROLL_H

#include "roll/acting.h"

struct roll_options {
    bool wait;                /* stay until all is done; `renew` is run first */
    bool no_renew;            /* `renew` is not run */
    bool now;                 /* `renew` at once, and publish-wait and retire-wait are 0 */
    bool retry;               /* what was put back may be installed again */
    bool rehearsal;           /* commands are told, not run: what they bring is not looked for */
    size_t hosts_count;       /* 0: all */
    const char *const *hosts; /* names or labels; every one is known to the configuration */
};

/* What is wrong with a name in OPTIONS, NULL if nothing. */
const char *roll_unknown_host(const struct roll_options *options, const struct conf *conf);
struct outcome roll_run(const struct conf *conf, const struct world *world,
                        const struct roll_options *options, struct arena *arena);

#endif
