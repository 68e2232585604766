/*
 * The state: what cannot be looked up again. When a record was first seen and what it replaced,
 * which records are ours, which keys services may still serve, when they were reloaded.
 *
 * Losing it costs waiting, never safety. Text, a line an entry, versioned; parsing and printing are
 * here, reading and writing the file is the world's.
 */
#ifndef ROLL_STATE_H
#define ROLL_STATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/time.h"
#include "cert/spki.h"
#include "conf/conf.h"
#include "dane/tlsa.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATE_MALFORMED = -1, STATE_VERSION = -2, STATE_NO_MEMORY = -3 };

/* Room for the text: some 400 octets a record and 500 a key; more than 100 hosts' worth. */
#define STATE_TEXT_SIZE 131072

/* A leaf that services may serve: that stood in `certificate` since the last good reload. */
struct state_leaf {
    struct state_leaf *next;
    struct cert_digests digests;
};

struct state_pair {
    struct state_pair *next;
    char label[CONF_LABEL_MOST + 1];
    struct state_leaf *leafs; /* the oldest first; never empty once the pair was read */
    bool reloaded;            /* a reload by daneroll has succeeded, at: */
    struct moment reload;
};

/* A record that we wrote, are about to write, or wait for. */
struct state_record {
    struct state_record *next;
    char owner[TLSA_OWNER_SIZE];
    struct tlsa tlsa;
    bool ours;  /* written by us, or about to be (noted before the write) */
    bool first; /* there was no RRset before it: no cache can hold one that lacks it */
    bool seen;  /* the provider shows it, first at `since` */
    bool said;  /* the user was told of this stale foreign record */
    /* Not seen: written at that time; zero for one that was retired or has vanished. */
    struct moment since;
    uint32_t lifetime; /* L: how long a cache may keep the RRset without it, seconds */
};

struct state {
    struct arena *arena; /* not owned; lives as long as the state */
    struct state_pair *pairs;
    struct state_record *records;
};

void state_init(struct state *state, struct arena *arena);
/* 0 or an error above; then the state is empty. */
int state_parse(struct state *state, const char *text, size_t length);
void state_print(const struct state *state, struct buf *b);

struct state_pair *state_pair(const struct state *state, const char *label);
/* The pair's entry, made if it is not there; NULL without memory. */
struct state_pair *state_pair_make(struct state *state, const char *label);
/* Notes a leaf as perhaps served. 0 or STATE_NO_MEMORY. */
int state_note_leaf(struct state *state, struct state_pair *pair, const struct cert_digests *leaf);
bool state_has_leaf(const struct state_pair *pair, const struct cert_digests *leaf);
bool state_same_leaf(const struct cert_digests *a, const struct cert_digests *b);

/* Whether RECORD fits a leaf that services of HOST may serve. */
bool state_fits(const struct state *state, const struct conf *conf, const struct conf_host *host,
                const struct tlsa *record);

struct state_record *state_record(const struct state *state, const char *owner,
                                  const struct tlsa *tlsa);
struct state_record *state_record_make(struct state *state, const char *owner,
                                       const struct tlsa *tlsa);
void state_record_drop(struct state *state, struct state_record *record);

/*
 * Seconds between two moments as far as they are certain, the fraction of a second in doubt taken
 * off; -1 when they are not (another boot, and a wall clock not proven at both ends, or one that
 * went backwards): the wait then starts anew.
 */
int64_t state_elapsed(const struct moment *then, const struct moment *now);

#endif
