/*
 * Carrying out: what act.c and its parts share, and the state's file.
 */
#ifndef ROLL_ACTING_H
#define ROLL_ACTING_H

#include "roll/plan.h"

/* What went wrong in a call, for its exit code. */
struct outcome {
    bool failed;  /* something failed or does not match */
    bool usage;   /* the configuration is wrong */
    bool later;   /* a passing fault */
    bool changed; /* something was done */
};

/* How a host fares in this call. */
enum host_luck {
    HOST_GOOD,
    HOST_LATER, /* a passing fault: not before the next look after a wait */
    HOST_OUT    /* refused: not again in this call */
};

/* What acting needs; owned by roll.c. */
struct acting {
    const struct conf *conf;
    const struct world *world;
    struct state *state;
    struct observation *seen;
    struct outcome *outcome;
    enum host_luck *luck; /* by host */
    unsigned *writes;     /* by host: rounds of writes since the last wait */
    struct moment *wrote; /* by host: the last of this call; no boot: none */
    bool *failed;      /* by pair: a command, or its installation, failed; not again in this call */
    bool *loaded;      /* by pair: loaded in this call */
    bool *shown;       /* by pair: a first round has shown it everywhere */
    int64_t patience;  /* what pauses of this call may still take, seconds */
    int64_t later;     /* the longest pause that a provider asked for, seconds */
    struct buf *saved; /* the state's text as it stands on disk */
    bool cannot_save;  /* the state could not be written */
    bool ask_services; /* what services show may have changed */
    bool ask_records; /* what providers and DNS show may have: it was written, or time has passed */
};

/* What carrying out a plan came to. */
enum act_result {
    ACT_NOTHING, /* nothing in it could be done now */
    ACT_LOOK,    /* something was done: look again */
    ACT_END      /* told to stop */
};

/* Writes the state if it changed. 0 or -1 (said, and noted in the outcome). */
int act_save(struct acting *acting);
/*
 * Whether servers may still lag behind what was written at a host in this call: no news within
 * `unreachable-after`.
 */
bool act_settles(const struct acting *acting, size_t host);

#endif
