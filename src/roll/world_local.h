/*
 * The local half of the real world: pairs, the state file, hooks, clocks, messages.
 */
#ifndef ROLL_WORLD_LOCAL_H
#define ROLL_WORLD_LOCAL_H

#include "roll/recall.h"
#include "roll/verdict.h"
#include "roll/world.h"

#include <limits.h>

struct world_directory {
    const struct conf *conf;  /* not owned */
    char state[PATH_MAX];     /* the state file */
    char look[PATH_MAX];      /* what one call leaves for the next; "" in a rehearsal */
    struct verdicts verdicts; /* on pairs */
    struct verdicts servers;  /* on servers' chains: for the network half's struct trust */
    struct recall recall;     /* of pairs */
    int lock;                 /* its lock's descriptor, -1: not held */
};

enum {
    WORLD_LOCK_FAILED = -1, /* the state directory cannot be made or written */
    WORLD_LOCK_HELD = -2    /* by another daneroll */
};

extern const struct world_local world_local_functions;

/* Makes the state directory of CONF, takes the lock. 0, or an error above with WORDS. */
int world_local_open(struct world_directory *local, const struct conf *conf,
                     char words[WORLD_WORDS_SIZE]);
/* The same for a rehearsal: makes nothing, locks nothing. */
int world_local_open_to_read(struct world_directory *local, const struct conf *conf);
void world_local_close(struct world_directory *local);
/* SIGINT and SIGTERM end waits, and the engine stops between two steps. */
void world_local_catch_signals(void);

#endif
