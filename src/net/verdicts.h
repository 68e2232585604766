/*
 * Good verdicts on certificate chains, kept so that the signatures of what has not changed are not
 * verified at every call: they were most of what a call that changes nothing took of the processor.
 *
 * A verdict is told by a digest of all that it depends on: the day, the trusted certificates (their
 * file's device, inode, size and times), and what the asker mixes in. They are kept in RAM
 * (/run/daneroll), where only root can write. Bad verdicts are never kept.
 */
#ifndef NET_VERDICTS_H
#define NET_VERDICTS_H

#include "net/trust.h"

#include <limits.h>
#include <stdbool.h>

/* More chains than that are looked at each time. */
#define VERDICTS_MOST 16

/* Zeroed at first. */
struct verdicts {
    char path[PATH_MAX]; /* "": nothing is kept beyond this call */
    bool loaded;
    size_t count;
    uint8_t digests[VERDICTS_MOST][32];
};

/* Begins DIGEST; the rest is mixed in by cert_mix. */
void verdicts_begin(uint8_t digest[32], const struct trust *trust);
bool verdicts_know(struct verdicts *v, const uint8_t digest[32]);
/* After verdicts_know only. A file that cannot be written is no fault. */
void verdicts_keep(struct verdicts *v, const uint8_t digest[32]);

#endif
