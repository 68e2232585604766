/*
 * The planner: what is safe now, and when the next step is (facts of RFC 7671 section 8, RFC 7672
 * section 4). A pure function: no input or output, no clock, nothing global.
 *
 * Key in use: until services are asked by handshake, every leaf that stood in `certificate` since
 * the last good reload may be served, and each of them stays vouched for at every owner name.
 */
#ifndef ROLL_PLAN_H
#define ROLL_PLAN_H

#include "roll/observe.h"
#include "roll/state.h"

enum plan_kind {
    PLAN_ADD,    /* publish RECORD at the owner name of SERVICE */
    PLAN_RELOAD, /* let the services of PAIR load it */
    PLAN_REMOVE  /* retire TARGET */
};

struct plan_action {
    enum plan_kind kind;
    size_t host, service;          /* ADD, REMOVE: indices */
    size_t pair;                   /* RELOAD: index */
    struct tlsa record;            /* ADD */
    uint32_t ttl;                  /* ADD: 1 is the provider's automatic one */
    uint32_t lifetime;             /* ADD: what state_record keeps */
    bool first;                    /* ADD: likewise */
    struct provider_record target; /* REMOVE */
};

/* Why nothing further is done at a place now; the user is told. */
enum plan_note_kind {
    PLAN_NOTE_STALE,    /* a foreign record that fits no key of ours stays: no adopt */
    PLAN_NOTE_UNJUDGED, /* a record of usage 0 or 2: neither rolled nor retired */
    PLAN_NOTE_HELD,     /* the reload waits for another pair that shares a command */
    PLAN_NOTE_NO_RELOAD /* nothing tells the services: the former key's records stay */
};

struct plan_note {
    enum plan_note_kind kind;
    size_t host, service;
    size_t pair, other;
    struct tlsa record;
};

enum plan_step { PLAN_STEP_NONE, PLAN_STEP_RELOAD, PLAN_STEP_RETIRE };

#define PLAN_ACTIONS_MOST 128
#define PLAN_NOTES_MOST   64

struct plan {
    size_t actions_count, notes_count;
    struct plan_action *actions; /* in the order in which they are safe */
    struct plan_note *notes;
    /* The earliest step that waits for its time: what, where, and in how many seconds. */
    enum plan_step next;
    size_t next_index; /* pair for RELOAD, host for RETIRE */
    int64_t next_in;
    bool cut; /* more actions than fit: plan again after these */
};

/* 0, or -1 without memory. */
int plan_make(struct plan *plan, const struct conf *conf, const struct state *state,
              const struct observation *seen, struct arena *arena);
/* Whether two pairs have a `reload` command in common: it makes services load both. */
bool plan_share_command(const struct conf_pair *a, const struct conf_pair *b);

#endif
