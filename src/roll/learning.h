/*
 * What learning's parts share.
 */
#ifndef ROLL_LEARNING_H
#define ROLL_LEARNING_H

#include "roll/learn.h"

struct learning {
    struct state *state;
    struct knowledge k;
};

/* Notes which leafs services of a pair may serve. 0 or STATE_NO_MEMORY. */
int learn_pair(struct learning *l, size_t p);

#endif
