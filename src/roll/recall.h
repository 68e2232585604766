/*
 * What was read of a pair's files, for as long as they stay as they are: one call looks several
 * times, and reading means decoding, hashing, and fitting a key to a certificate.
 */
#ifndef ROLL_RECALL_H
#define ROLL_RECALL_H

#include "roll/pair.h"
#include "roll/world.h"

#include <sys/stat.h>

/* Pairs that are remembered; the others are read each time. */
#define RECALL_PAIRS_MOST 4

/* Source, current, previous. */
#define RECALL_PLACES 3
/* The certificate's file, the key's, and the directory of an installed pair. */
#define RECALL_FILES 3

struct recall {
    struct {
        int64_t since; /* time_ticks(); 0: nothing is remembered */
        struct stat files[RECALL_FILES];
        struct pair_found found;
    } entries[RECALL_PAIRS_MOST][RECALL_PLACES];
};

/* As world.h's read_pair; INDEX is CONF's in the configuration. */
void recall_read_pair(struct recall *recall, const struct conf_pair *conf, size_t index,
                      enum world_place place, struct pair_found *found);

#endif
