/*
 * The state of a rollover in one word, and its next step. Pure.
 */
#ifndef ROLL_STAGE_H
#define ROLL_STAGE_H

#include "roll/survey.h"

/* The first that holds counts; of several pairs the first in this order. */
enum stage {
    STAGE_OUTAGE,     /* a key is served that DNS does not vouch for, or no usable TLS */
    STAGE_PUT_BACK,   /* the former pair was put back; the source is not tried again by itself */
    STAGE_BLOCKED,    /* the source, or a record, or the MX records, must be seen to first */
    STAGE_UNKNOWN,    /* nothing is known yet, or could be asked */
    STAGE_PUBLISHING, /* records are to be published, or not every server shows them yet */
    STAGE_WAITING,    /* some cache may hold records without the next key */
    STAGE_READY,      /* it may be installed */
    STAGE_LOADING,    /* the services are to be told */
    STAGE_VERIFYING,  /* not every service has shown it, in two rounds */
    STAGE_RETIRING,   /* the former key's records stand yet */
    STAGE_LEAVING,    /* `leave`: records, or caches, are not empty yet */
    STAGE_LEFT,       /* `leave`: keys may be changed freely */
    STAGE_STEADY      /* nothing is to be done */
};

/* The longest of the words below, and NUL; arrays are smaller than pointers to texts. */
#define STAGE_WORD_SIZE 12

extern const char stage_names[][STAGE_WORD_SIZE];

/* Steps that are no actions of the plan; their numbers follow those. */
enum { STAGE_STEP_NONE = PLAN_KINDS, STAGE_STEP_SEE, STAGE_STEP_SHOW };

/* By enum plan_kind, then the steps above; "" for none. */
extern const char stage_step_names[][STAGE_WORD_SIZE];

struct stage_of {
    enum stage stage;
    unsigned step; /* the next one: an enum plan_kind, or one of the above */
    int64_t in;    /* until then, seconds; 0: a run takes it now; -1: no matter of time */
};

/* Of one pair that was looked at. */
struct stage_of stage_of_pair(const struct survey *s, size_t pair);
/* Of all pairs of a host, with what is the host's own. */
enum stage stage_of_host(const struct survey *s, size_t h);
/* Of all that was looked at. */
enum stage stage_of_all(const struct survey *s);
/* Seconds until a leaf or bare next key of the pair is ripe at all its owner names; -1: not known.
 */
int64_t stage_ripe_in(const struct survey *s, size_t pair, const struct cert_digests *leaf);

/* What a change of key takes at a host, by its slowest owner name. */
struct stage_cost {
    uint32_t lifetime; /* what a cache may keep: 2·LIFETIME + MARGIN, seconds */
    uint32_t margin;
    int64_t seconds; /* with `wait-floor`, `publish-wait` and what `propagation` adds */
};

struct stage_cost stage_cost(const struct survey *s, size_t h);

#endif
