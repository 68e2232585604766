/*
 * A run under way: what roll.c and its parts share.
 */
#ifndef ROLL_ROLLING_H
#define ROLL_ROLLING_H

#include "roll/roll.h"

struct rolling {
    struct acting acting;
    const struct roll_options *options;
    struct state state;
    struct observation seen;
    struct outcome pass; /* of the pass under way */
    bool lasting_failed; /* a hook failed, or the state: no later pass mends it */
    bool complete;       /* the last look saw every host */
    bool settling;       /* it was said that name servers are waited for */
    bool *host_wanted, *pair_wanted;
    struct arena look, records, services; /* a plan; what DNS and providers, and services, showed */
    struct moment services_asked;
    bool carried;          /* what services showed is from before a wait */
    uint8_t asked_for[32]; /* of the state, files and configuration when the run began */
};

/* --- due.c: whether there is anything to do at all ------------------------------------------- */

/*
 * Whether the last call's look still holds: nothing has changed since, and no step is due. Reads
 * files, writes nothing, sends nothing.
 */
bool due_nothing(struct rolling *r);
/* Leaves word for the next call: look again in SECONDS. */
void due_note(struct rolling *r, int64_t seconds);

/* --- renew.c --------------------------------------------------------------------------------- */

/* Runs `renew` where it is time: at once, or as a cron call does. */
void renew_pairs(struct rolling *r);

#endif
