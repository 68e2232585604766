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
#include "base/time.h"
#include "cert/spki.h"
#include "conf/conf.h"
#include "dane/tlsa.h"
#include "provider/provider.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_WORDS_SIZE 512

/* What reading a pair's files gave. */
enum world_pair_code {
    WORLD_PAIR_READ,
    WORLD_PAIR_LATER, /* key and certificate do not fit: it is being written */
    WORLD_PAIR_FAILED /* the words say why */
};

struct world_pair {
    enum world_pair_code code;
    struct cert_digests leaf;
    int64_t not_after; /* seconds since 1970 */
    char words[WORLD_WORDS_SIZE];
};

/* A command of the user, with what it is told in its environment (DANE_...). NULL: not told. */
struct world_hook {
    const char *command; /* for sh -c */
    const char *event;   /* "renew" or "reload" */
    const char *pair;
    const char *hosts; /* names, parted by blanks */
    const char *key;   /* 64 hex digits */
    const char *certificate;
    const char *private_key;
    uint32_t timeout; /* seconds */
};

struct world_hook_result {
    bool succeeded;
    char words[WORLD_WORDS_SIZE]; /* why it did not */
};

enum { WORLD_STATE_ABSENT = -1, WORLD_STATE_FAILED = -2 };

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
    /* Whether an answer of this call bore a Date that proves this wall clock (within 60 s). */
    bool (*proves)(void *context, const struct moment *now);
    /* Nothing will be asked for a while: connections are closed. */
    void (*rest)(void *context);
};

struct world_local {
    void (*read_pair)(void *context, const struct conf_pair *pair, struct world_pair *found);
    /* The state file's text: its length, or an error above with WORDS. */
    int (*load_state)(void *context, char *text, size_t size, char words[WORLD_WORDS_SIZE]);
    /* Replaces it atomically. 0 or WORLD_STATE_FAILED. */
    int (*save_state)(void *context, const char *text, size_t length, char words[WORLD_WORDS_SIZE]);
    /* Puts a state file that cannot be read aside, so that it can be looked at. */
    void (*set_state_aside)(void *context);
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
