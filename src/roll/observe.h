/*
 * What the world shows now, and what the state learns from it.
 */
#ifndef ROLL_OBSERVE_H
#define ROLL_OBSERVE_H

#include "roll/state.h"
#include "roll/world.h"

struct observed_host {
    bool wanted; /* to be looked at in this call */
    bool listed; /* sets are what the provider shows */
    struct provider_result result;
    struct provider_rrset *sets; /* one a service, in the configuration's order */
};

struct observation {
    struct moment now;
    struct world_pair *pairs;    /* by the configuration's order */
    struct observed_host *hosts; /* likewise */
};

/* Room for all of it; 0 or -1 without memory. All hosts are wanted. */
int observe_make(struct observation *seen, const struct conf *conf, struct arena *arena);
/* Reads every pair. */
void observe_pairs(struct observation *seen, const struct conf *conf, const struct world *world);
/* Asks the providers for the records of every wanted host; ARENA holds them. */
void observe_records(struct observation *seen, const struct conf *conf, const struct world *world,
                     struct arena *arena);
/* Notes in the state what the pairs show: a new leaf is one that services may serve from now on. */
int observe_learn_pairs(struct state *state, const struct conf *conf,
                        const struct observation *seen);
/*
 * Notes what the records show: which have become visible, which vanished, which stand there
 * already; and starts anew the waits whose beginning is no longer certain.
 */
int observe_learn_records(struct state *state, const struct conf *conf,
                          const struct observation *seen);

#endif
