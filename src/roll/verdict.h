/*
 * Good verdicts on pairs (pair_check), kept so that a chain's signatures are not verified at every
 * look: they were most of what a look that changes nothing took of the processor.
 *
 * A verdict stands for one day, one set of certificates, one set of names, one `chain` and one
 * state of the file of trusted certificates (device, inode, size, times). It is told by the SHA-256
 * of all that, and kept in RAM (/run/daneroll), where only root can write. Bad verdicts are never
 * kept.
 */
#ifndef ROLL_VERDICT_H
#define ROLL_VERDICT_H

#include "roll/pair.h"

#include <limits.h>
#include <stdbool.h>

/* More pairs than that are looked at each time. */
#define VERDICTS_MOST 16

struct verdicts {
    char path[PATH_MAX]; /* "": nothing is kept beyond this call */
    bool loaded;
    size_t count;
    uint8_t digests[VERDICTS_MOST][32];
};

/* As pair_check; FOUND was read. Its leaf's own dates are looked at in any case. */
void verdict_check(struct verdicts *verdicts, const struct conf_pair *pair,
                   const char *const *names, size_t names_count, const char *ca_file,
                   struct pair_found *found);

#endif
