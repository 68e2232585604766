/*
 * The state: what cannot be looked up again. How long caches may keep an owner name's RRset, since
 * when each next key's records have been visible everywhere, which records are ours, what was
 * installed, tried, failed, put back or said once.
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
/* Leafs of one pair that are remembered; the oldest go first. */
#define STATE_LEAFS_MOST 8

/* A leaf that services may serve: it was installed, or stood where they read. */
struct state_leaf {
    struct state_leaf *next;
    struct cert_digests digests;
};

struct state_pair {
    struct state_pair *next;
    char label[CONF_LABEL_MOST + 1];
    struct state_leaf *leafs; /* the oldest first; the last is what services are meant to serve */
    bool reload;    /* that one has not been loaded yet: a command has to run, or failed */
    bool loading;   /* we made services load it, and that is not verified yet */
    uint32_t tries; /* reloads after which a service still showed a former leaf */
    bool began;     /* it was installed (or first seen where services read), at: */
    struct moment begin;
    bool verified; /* two rounds have shown it everywhere, the second at: */
    struct moment verification;
    bool put_back;            /* this leaf was put back: not again, until something changes */
    uint8_t refused[32];      /* SHA-256 of its certificate */
    uint8_t refused_conf[32]; /* and of the configuration then */
    bool renewed;             /* `renew` was tried last at: */
    struct moment renewal;
};

/* An owner name, as its zone has it (after CNAMEs). */
struct state_owner {
    struct state_owner *next;
    char name[TLSA_OWNER_SIZE];
    bool had;          /* an RRset was seen, or written: caches may hold one */
    uint32_t lifetime; /* L: how long a cache may keep what was seen, seconds */
    bool lowered;      /* what is seen now has a shorter one, since: */
    struct moment since;
    bool denied; /* `leave`: every server has denied the RRset, since: */
    struct moment denial;
};

/* A next leaf at an owner name, and its waiting rule. */
struct state_wait {
    struct state_wait *next;
    char owner[TLSA_OWNER_SIZE];
    uint8_t certificate[32]; /* SHA-256 of the leaf; zero for a bare next key */
    uint8_t key[32];         /* and of its SPKI */
    bool misfit;             /* caches may hold an RRset that does not fit it */
    bool reached;            /* every server that answers shows its records, since (T1): */
    bool complete;           /* and none was missing in that round */
    struct moment since;
};

/* A record of ours: that we wrote, or are about to write (noted before the write). */
struct state_record {
    struct state_record *next;
    char owner[TLSA_OWNER_SIZE];
    struct tlsa tlsa;
    bool seen; /* the provider has shown it */
    /*
     * Seen: no key known here has needed it since; zero while one does. Not seen: written then;
     * zero for one that was retired or has vanished.
     */
    struct moment since;
};

/* Something that is told once: a text by its SHA-256. */
struct state_said {
    struct state_said *next;
    uint8_t digest[32];
    bool now; /* it still holds: found in this look */
};

struct state {
    struct arena *arena; /* not owned; lives as long as the state */
    struct state_pair *pairs;
    struct state_owner *owners;
    struct state_wait *waits;
    struct state_record *records;
    struct state_said *said;
};

void state_init(struct state *state, struct arena *arena);
/* 0 or an error above; then the state is empty. */
int state_parse(struct state *state, const char *text, size_t length);
void state_print(const struct state *state, struct buf *b);

struct state_pair *state_pair(const struct state *state, const char *label);
/* These make the entry if it is not there; NULL without memory. */
struct state_pair *state_pair_make(struct state *state, const char *label);
struct state_owner *state_owner(const struct state *state, const char *name);
struct state_owner *state_owner_make(struct state *state, const char *name);
struct state_wait *state_wait(const struct state *state, const char *owner,
                              const struct cert_digests *leaf);
struct state_wait *state_wait_make(struct state *state, const char *owner,
                                   const struct cert_digests *leaf);
void state_wait_drop(struct state *state, const struct state_wait *wait);
struct state_record *state_record(const struct state *state, const char *owner,
                                  const struct tlsa *tlsa);
struct state_record *state_record_make(struct state *state, const char *owner,
                                       const struct tlsa *tlsa);
void state_record_drop(struct state *state, const struct state_record *record);

/*
 * Notes LEAF as what services are meant to serve from now on: the last of the pair's leafs. 0 or
 * STATE_NO_MEMORY.
 */
int state_note_leaf(struct state *state, struct state_pair *pair, const struct cert_digests *leaf);
bool state_has_leaf(const struct state_pair *pair, const struct cert_digests *leaf);
/* Whether one of the pair's leafs has this key. */
bool state_has_key(const struct state_pair *pair, const struct cert_digests *leaf);
/* What services are meant to serve; NULL where that is not known. */
const struct cert_digests *state_last_leaf(const struct state_pair *pair);
bool state_same_leaf(const struct cert_digests *a, const struct cert_digests *b);
bool state_same_key(const struct cert_digests *a, const struct cert_digests *b);

/*
 * Whether TEXT was said before; it counts as said from now on. What is not said again in a look is
 * forgotten by state_said_sweep, so that it is told again when it comes back.
 */
bool state_said(struct state *state, const char *text);
/* Whether that was in this very look. */
bool state_said_now(struct state *state, const char *text);
/* It still holds, if it was said; whether it was. */
bool state_said_keep(struct state *state, const char *text);
void state_said_forget(struct state *state, const char *text);
void state_said_sweep(struct state *state);

/*
 * Seconds between two moments as far as they are certain, the fraction of a second in doubt taken
 * off; -1 when they are not (another boot, and a wall clock not proven at both ends, or one that
 * went backwards): the wait then starts anew.
 */
int64_t state_elapsed(const struct moment *then, const struct moment *now);

#endif
