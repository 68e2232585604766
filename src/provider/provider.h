/*
 * What changes the zone: one table of functions on plain data, one file a provider.
 *
 * Adding a provider is adding one file and one line in provider.c's table. A function's words say
 * what happened and what to do, with the server's own words cleaned; never a secret.
 */
#ifndef PROVIDER_PROVIDER_H
#define PROVIDER_PROVIDER_H

#include "base/arena.h"
#include "conf/conf.h"
#include "dane/tlsa.h"
#include "dns/resolv.h"
#include "net/trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum provider_code {
    PROVIDER_DONE,
    PROVIDER_ALREADY,  /* it was so before: the record existed, or was gone */
    PROVIDER_CONFLICT, /* the RRset is not what the planner saw: look again */
    PROVIDER_LATER,    /* a passing fault; `later` seconds */
    PROVIDER_REFUSED,  /* will fail again until somebody acts; the words say what to do */
    PROVIDER_UNKNOWN   /* the answer was lost: look whether it took effect */
};

#define PROVIDER_WORDS_SIZE 512

struct provider_result {
    enum provider_code code;
    int64_t later; /* seconds, for PROVIDER_LATER; 0: not said */
    bool usage; /* REFUSED for a fault of the configuration (token, zone id, permission): exit 2 */
    char words[PROVIDER_WORDS_SIZE];
};

#define PROVIDER_ID_SIZE 40
/* Records of one owner name taken into account; senders themselves fail above about 12. */
#define PROVIDER_RECORDS_MOST 64

struct provider_record {
    struct tlsa tlsa;
    uint32_t ttl;              /* as resolvers see it (Cloudflare's 1 is given as 300) */
    bool automatic;            /* the TTL is the provider's automatic one */
    bool marked;               /* bears our mark (a comment); informational only */
    char id[PROVIDER_ID_SIZE]; /* opaque; "" where the provider has none */
};

/* The TLSA RRset of one owner name as the provider lists it. */
struct provider_rrset {
    char owner[TLSA_OWNER_SIZE];
    size_t count;
    struct provider_record *records; /* in the arena given */
};

/* One provider section at work: opened at its first use in a call, one connection, then closed. */
struct provider {
    const struct provider_type *type;
    const struct conf_provider *conf; /* not owned */
    const struct trust *trust;        /* not owned */
    struct dns_resolvers *resolvers;  /* not owned */
    int64_t patience_ms;              /* what pauses (back-off) may still take in this call */
    int64_t date; /* the last answer's Date, -1: none; with date_ticks its time_ticks() */
    int64_t date_ticks;
    unsigned requests; /* sent so far */
    void *own;         /* the type's own memory, in the arena of the call */
};

struct provider_type {
    const char *name;
    const struct conf_key *keys; /* rows of its section, besides `type` */
    size_t keys_count;
    uint32_t ttl_least,
        ttl_most; /* what it accepts; the configured default is raised to the least */

    /*
     * Prepares OWN in ARENA; no network yet. A missing key (token, ...) is REFUSED.
     */
    struct provider_result (*open)(struct provider *p, struct arena *arena);
    /*
     * The TLSA RRsets of COUNT owner names of HOST (all in one zone), in the caller's order: the
     * caller sets `owner` of each, `records` come from ARENA. Either all of them or a failure.
     */
    struct provider_result (*list)(struct provider *p, const char *host,
                                   struct provider_rrset *sets, size_t count, struct arena *arena);
    /*
     * Adds one record. SEEN is the RRset that the planner saw, with what was written since (for
     * providers that replace sets, or compare).
     */
    struct provider_result (*add)(struct provider *p, const char *host,
                                  const struct provider_rrset *seen, const struct tlsa *record,
                                  uint32_t ttl);
    struct provider_result (*remove)(struct provider *p, const char *host,
                                     const struct provider_rrset *seen,
                                     const struct provider_record *record);
    /* Makes the changes of a host effective where that is a step of its own; may be NULL. */
    struct provider_result (*commit)(struct provider *p, const char *host);
    void (*close)(struct provider *p); /* wipes secrets, closes connections; NULL own is fine */
};

/* All types, for the configuration and the help. */
extern const struct provider_type *const provider_types[];
extern const size_t provider_types_count;
/* The type of that name, NULL if there is none. */
const struct provider_type *provider_type_named(const char *name);

#endif
