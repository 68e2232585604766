/*
 * What the handshakes say of each pair (facts 2.4). Pure.
 */
#ifndef ROLL_VERIFY_H
#define ROLL_VERIFY_H

#include "roll/need.h"

enum verdict {
    VERDICT_NEW,     /* the leaf that services are meant to serve */
    VERDICT_OLD,     /* one of ours that was served before, and the RRset fits it */
    VERDICT_ANOTHER, /* a key that no pair of ours had, and the RRset fits: another server's */
    VERDICT_OTHER,   /* the RRset does not fit it, or no TLS: an outage */
    VERDICT_UNSEEN,  /* nothing could be learnt */
    VERDICT_NONE,    /* no certificate for this kind of key */
    VERDICT_EARLY    /* the source's leaf or key, before it was installed: it reads the source */
};

/* Of handshake I at service S of host H. */
enum verdict verify_shown(const struct knowledge *k, size_t h, size_t s, size_t i);

/* Of all handshakes for one pair's kind of key, with all services of all its hosts. */
struct verify_sum {
    unsigned news, olds, others, unseen, early;
    /* The first place of the worst of them. */
    size_t host, service, shown;
};

/* LOOKED: false where some host of the pair was not looked at: nothing is certain then. */
void verify_pair(const struct knowledge *k, size_t pair, struct verify_sum *sum, bool *looked);
/*
 * Whether all addresses of service S of host H were seen, so that what none of them showed is
 * served by none; else *UNSEEN is the first handshake that was not.
 */
bool verify_all_seen(const struct knowledge *k, size_t h, size_t s, size_t *unseen);

#endif
