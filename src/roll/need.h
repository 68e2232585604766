/*
 * The chains that an owner name's records are for: what is served, what services are meant to
 * serve, and what comes next. Pure.
 */
#ifndef ROLL_NEED_H
#define ROLL_NEED_H

#include "dane/fit.h"
#include "roll/observe.h"
#include "roll/state.h"

/* In the order in which they are published. */
enum need_why {
    NEED_SERVED,   /* some address shows it */
    NEED_CURRENT,  /* services are meant to serve it */
    NEED_SOURCE,   /* it is to be installed */
    NEED_NEXT_KEY, /* a certificate with it is to come */
    NEED_FORMER    /* was installed before: kept for a while, not published anew */
};

struct need {
    enum need_why why;
    size_t pair; /* whose key it is; NEED_STRANGER: none's */
    struct fit_chain chain;
};

#define NEED_STRANGER SIZE_MAX
/* Of one owner name: 8 addresses with two keys each, and the pairs' own. */
#define NEED_MOST 64

/* All that the engine goes by; nothing of it is changed by pure functions. */
struct knowledge {
    const struct conf *conf;
    const struct state *state;
    const struct observation *seen;
};

/*
 * The chains for service S of host H, each once (the first reason counts), at most NEED_MOST. They
 * point into K.
 */
size_t need_of(const struct knowledge *k, size_t h, size_t s, struct need needs[NEED_MOST]);
/* The same without what is served: what the pairs of host H have, will have and had. */
size_t need_own(const struct knowledge *k, size_t h, struct need needs[NEED_MOST]);
/* The pair of host H that has, had or will have this key; NEED_STRANGER if there is none. */
size_t need_owner(const struct knowledge *k, size_t h, const struct cert_digests *leaf);
/*
 * What the pair's services are meant to serve: what is installed, or what was loaded last; false
 * where that is not known.
 */
bool need_current(const struct knowledge *k, size_t pair, struct fit_chain *chain);

/* The most records of one chain at one owner name. */
#define NEED_RECORDS_MOST 12
/*
 * The records that a chain needs at service S of host H: one of each combination that is configured
 * or stands there, as far as it can be made. Their number.
 */
size_t need_records(const struct knowledge *k, size_t h, size_t s, const struct fit_chain *chain,
                    struct tlsa records[NEED_RECORDS_MOST]);
/* Whether the provider's RRset has this record. */
bool need_holds(const struct provider_rrset *set, const struct tlsa *record);
/* Whether the provider's RRset fits the chain. */
bool need_fits(const struct provider_rrset *set, const struct fit_chain *chain);
bool need_has_pair(const struct conf_host *host, size_t pair);

#endif
