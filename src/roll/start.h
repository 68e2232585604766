/*
 * What `run` and `status` begin with: which hosts, and the state.
 */
#ifndef ROLL_START_H
#define ROLL_START_H

#include "roll/state.h"
#include "roll/world.h"

/* The first of COUNT names that is neither a host's name nor its label; NULL: all are known. */
const char *start_unknown_host(const struct conf *conf, const char *const *names, size_t count);
/*
 * Marks the hosts named (0: all), and those that share a pair with one: a pair is rolled for all of
 * its hosts or for none. HOSTS and PAIRS are by the configuration's order, all false before.
 */
void start_mark(const struct conf *conf, const char *const *names, size_t count, bool *hosts,
                bool *pairs);

enum start_state {
    START_STATE_READ,
    START_STATE_ABSENT,    /* a first run, or it was lost */
    START_STATE_DAMAGED,   /* it cannot be parsed: as good as lost */
    START_STATE_LATER,     /* a later daneroll's */
    START_STATE_UNREADABLE /* of unknown content: WORDS say why */
};

/*
 * Reads the state into STATE, which is empty but for START_STATE_READ, and its text into TEXT,
 * likewise. WORDS is what to tell the user, "" where there is nothing wrong.
 */
enum start_state start_state(const struct world *world, struct state *state, struct buf *text,
                             char words[WORLD_WORDS_SIZE]);

#endif
