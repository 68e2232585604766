/*
 * The seam: all that the engine knows of the world, and all that it can do to it.
 *
 * Two halves that share nothing. The network half parses what the network says and never sees a
 * file or a key; the local half reads pairs, keeps the state, runs hooks and never parses what came
 * from the network. Plain data goes in and comes out, so that either half can live in a process of
 * its own. The real world (world_net.c, world_local.c), the rehearsal of --dry-run (world_dry.c)
 * and the simulations of the tests all stand behind these two tables.
 */
#ifndef ROLL_WORLD_H
#define ROLL_WORLD_H

#include "base/arena.h"
#include "base/log.h"
#include "base/name.h"
#include "base/time.h"
#include "conf/conf.h"
#include "dane/probe.h"
#include "dane/tlsa.h"
#include "provider/provider.h"
#include "roll/pair.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_WORDS_SIZE 512
/* 2001:db8:ffff:ffff:ffff:ffff:255.255.255.255 and NUL. */
#define WORLD_ADDRESS_SIZE 48

/* --- what DNS shows -------------------------------------------------------------------------- */

/* What one authoritative server answers to a question for a TLSA RRset. */
enum world_answer {
    WORLD_RRSET,
    WORLD_DENIAL, /* no such name, or no such type */
    WORLD_SILENT, /* no answer in time, or no way there */
    WORLD_LAME    /* an answer that no resolver could use: REFUSED, SERVFAIL, not authoritative */
};

struct world_server {
    char name[NAME_SIZE];
    char address[WORLD_ADDRESS_SIZE];
    enum world_answer answer;
    size_t count; /* of an RRset */
    struct tlsa *records;
    uint32_t lifetime; /* the largest of TTL and the signature's Original TTL, seconds */
    const char *words; /* what is wrong with it; NULL: nothing to say */
};

/* The zone's own DNSSEC, as far as it can be seen without a validator. */
enum world_zone {
    WORLD_ZONE_UNKNOWN,
    WORLD_ZONE_UNSIGNED, /* no signatures: records are not in force */
    WORLD_ZONE_NO_DS,    /* signed, and the parent does not say so: not in force */
    WORLD_ZONE_SIGNED,
    WORLD_ZONE_BOGUS /* every sender defers, whatever is published */
};

struct world_view {
    bool asked;                  /* false: nothing is known; `words` say why */
    char owner[TLSA_OWNER_SIZE]; /* where the RRset is: the owner name after its CNAMEs */
    bool alias;                  /* the owner name is a CNAME */
    bool wildcard;               /* the RRset comes from a wildcard */
    enum world_zone zone;
    int64_t signature_end; /* the earliest end of a signature over the RRset, wall; -1: none seen */
    uint32_t negative;     /* how long a denial may be kept, seconds */
    /*
     * Added to the waiting rule where not every server could be asked (`propagation`): what a
     * secondary may lag behind.
     */
    uint32_t settle;
    size_t servers_count;
    struct world_server *servers;
    const char *denies; /* a server that denies all names below _tcp.HOST; NULL: none does */
    const char *words;  /* NULL: nothing to say */
};

/* --- what services show ---------------------------------------------------------------------- */

/* A set of kinds of keys has this bit for each enum probe_algorithm in it. */
#define WORLD_KIND(algorithm) (1U << (algorithm))

/* One handshake, for one kind of key, with one address. */
struct world_shown {
    char address[WORLD_ADDRESS_SIZE];
    enum probe_algorithm algorithm;
    enum probe_code code;
    struct cert_digests leaf; /* of PROBE_SERVED */
    size_t issuers_count;
    struct cert_digests *issuers;
    const char *words; /* NULL: nothing to say */
};

struct world_service {
    size_t count;
    struct world_shown *shown; /* none: no address could be found; `words` say why */
    const char *words;
};

/* --- the halves ------------------------------------------------------------------------------ */

struct world_network {
    /* As provider.h's functions; PROVIDER is the index in the configuration. */
    struct provider_result (*list)(void *context, size_t provider, const char *host,
                                   struct provider_rrset *sets, size_t count, struct arena *arena);
    struct provider_result (*add)(void *context, size_t provider, const char *host,
                                  const struct provider_rrset *seen, const struct tlsa *record,
                                  uint32_t ttl);
    struct provider_result (*remove)(void *context, size_t provider, const char *host,
                                     const struct provider_rrset *seen,
                                     const struct provider_record *record);
    /*
     * What DNS shows at OWNER of HOST, as its `propagation` says. With `propagation = time` there
     * is nobody to ask: no servers, and `settle`. 0, or -1 without memory.
     */
    int (*look_up)(void *context, const struct conf_host *host, const char *owner,
                   struct world_view *view, struct arena *arena);
    /*
     * The MX hosts of HOST's own name, where it has any and is not among them: a text of names
     * parted by blanks in ARENA, else NULL. *ALIAS_OF: what the name is a CNAME of, likewise.
     */
    const char *(*other_mx)(void *context, const struct conf_host *host, const char **alias_of,
                            struct arena *arena);
    /*
     * What service number SERVICE of HOST shows on every address, for each kind of key. EXPECTED:
     * WORLD_KIND of those that it is thought to have; all are asked for. 0 or -1.
     */
    int (*probe)(void *context, const struct conf_host *host, size_t service, unsigned expected,
                 struct world_service *found, struct arena *arena);
    /* Whether an answer of this call bore a Date that proves this wall clock (within 60 s). */
    bool (*proves)(void *context, const struct moment *now);
    /* Nothing will be asked for a while: connections are closed. */
    void (*rest)(void *context);
};

/* A command of the user, with what it is told in its environment (DANE_...). NULL: not told. */
struct world_hook {
    const char *command; /* for sh -c */
    const char *event;   /* "renew", "reload", "restart"; of notify "failure", "completion", ... */
    const char *pair;
    const char *hosts; /* names, parted by blanks */
    const char *key;   /* 64 hex digits */
    const char *certificate;
    const char *private_key;
    const char *message;
    uint32_t timeout; /* seconds */
};

struct world_hook_result {
    bool succeeded;
    char words[WORLD_WORDS_SIZE]; /* why it did not */
};

enum { WORLD_STATE_ABSENT = -1, WORLD_STATE_FAILED = -2 };

/* Which of a pair's files. */
enum world_place {
    WORLD_SOURCE,  /* what the ACME client writes */
    WORLD_CURRENT, /* what services read of `install`; with _PREVIOUS only where there is one */
    WORLD_PREVIOUS,
    WORLD_NEXT_KEY /* leaf.spki256, leaf.spki512 and algorithm alone */
};

struct world_local {
    void (*read_pair)(void *context, size_t pair, enum world_place place, struct pair_found *found);
    /* Looks at a source that was read, as pair_check does, for the names of all its hosts. */
    void (*check_pair)(void *context, size_t pair, struct pair_found *found);
    /* As install.h's functions, with its results. */
    int (*install)(void *context, size_t pair, const struct cert_digests *leaf,
                   char words[WORLD_WORDS_SIZE]);
    int (*put_back)(void *context, size_t pair, const struct cert_digests *leaf,
                    char words[WORLD_WORDS_SIZE]);
    int (*drop_previous)(void *context, size_t pair, char words[WORLD_WORDS_SIZE]);
    /* The state file's text: its length, or an error above with WORDS. */
    int (*load_state)(void *context, char *text, size_t size, char words[WORLD_WORDS_SIZE]);
    /* Replaces it atomically. 0 or WORLD_STATE_FAILED. */
    int (*save_state)(void *context, const char *text, size_t length, char words[WORLD_WORDS_SIZE]);
    /* Puts a state file that cannot be read aside, so that it can be looked at. */
    void (*set_state_aside)(void *context);
    /*
     * What the last call left in RAM about its look (a line of text): its length, -1: nothing; and
     * writing it, which may fail without a word: the next call then looks again.
     */
    int (*load_look)(void *context, char *text, size_t size);
    void (*save_look)(void *context, const char *text, size_t length);
    void (*run_hook)(void *context, const struct world_hook *hook,
                     struct world_hook_result *result);
    void (*now)(void *context, struct moment *now);
    /* Sleeps, and shows a person what for. Whether it was told to stop. */
    bool (*wait)(void *context, int64_t seconds, const char *what);
    /* Whether SIGINT or SIGTERM came. */
    bool (*stopped)(void *context);
    void (*say)(void *context, enum log_level level, const char *text);
};

struct world {
    const struct world_network *network;
    void *network_context;
    const struct world_local *local;
    void *local_context;
};

/* One message, made from parts. */
void world_say(const struct world *world, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The clock, proven by the network half where the kernel does not vouch for it. */
void world_now(const struct world *world, struct moment *now);

#endif
