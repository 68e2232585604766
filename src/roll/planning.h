/*
 * What the planner's parts share: publish, install, reload, verify, retire.
 */
#ifndef ROLL_PLANNING_H
#define ROLL_PLANNING_H

#include "roll/plan.h"

/* What is known of one pair, worked out once. */
struct pair_view {
    const struct conf_pair *conf;
    const struct observed_pair *seen;
    const struct state_pair *state; /* NULL: nothing is known of it */
    bool wanted;                    /* some host of it is looked at */
    bool due;                       /* the source is to become what services serve */
    int64_t ripe_in;                /* and may in so many seconds; -1: not known yet */
};

struct planning {
    struct plan *plan;
    const struct knowledge *k;
    const struct plan_options *options;
    struct pair_view *views; /* by pair */
};

/* NULL when the plan is full. */
struct plan_action *plan_action(struct plan *plan, enum plan_kind kind);
/* A note about service S of host H; NULL when there are too many. */
struct plan_note *plan_note(struct plan *plan, enum plan_note_kind kind, size_t h, size_t s);
struct plan_note *plan_pair_note(struct plan *plan, enum plan_note_kind kind, size_t pair);
/* About a pair and what keeps it: another one. */
void plan_other_note(struct plan *plan, enum plan_note_kind kind, size_t pair, size_t other);
void plan_next(struct plan *plan, enum plan_step step, size_t index, int64_t in);
/* Whether an ADD is planned for service S of host H: RECORD, or any (NULL). */
bool plan_adds(const struct plan *plan, size_t h, size_t s, const struct tlsa *record);
/* Whether records of host H may be changed at all now. */
bool plan_may_write(const struct planning *p, size_t h, size_t s);
/* Whether nothing of ours is published for service S of host H, because it does not show our keys,
 * or has no TLS. */
bool plan_skips(const struct planning *p, size_t h, size_t s);
uint32_t plan_retire_wait(const struct planning *p, size_t h);

void plan_publish(struct planning *p, size_t h, size_t s);
void plan_installs(struct planning *p);
/* Whether services that read the source may come to serve what is not loaded yet. */
bool plan_is_pending(const struct pair_view *view);
/* What services read in place is loaded when it is ripe, not before: whether it is not. */
bool plan_is_early(const struct pair_view *view);
/* Whether no cache holds an RRset that does not fit what services are meant to serve. */
bool plan_is_vouched_for(const struct planning *p, size_t pair);
/* Whether a command of one loads the other's services too. */
bool plan_share_command(const struct conf_pair *a, const struct conf_pair *b);
/* AGAIN: after one that left a service with a former leaf. */
void plan_reload(struct planning *p, size_t pair, bool again);
/* What the handshakes ask for, once a pair was loaded. */
void plan_verify(struct planning *p, size_t pair);
/*
 * 3.3, 3.4: whether a record may be deleted and is of a combination that is not configured, and
 * that the source of some pair neither matches nor can be made to: it is removed entirely.
 */
bool plan_unblocks(const struct planning *p, size_t h, size_t s, const struct tlsa *record);
/* Seconds until the records of former keys of host H may go; -1: not known yet. */
int64_t plan_retire_in(const struct planning *p, size_t h);
void plan_retire(struct planning *p, size_t h, size_t s);
/* Seconds until every server denies, and every cache has forgotten (3.15); -1: not known yet. */
int64_t plan_left_in(const struct planning *p, size_t h, size_t s);
void plan_leave(struct planning *p, size_t h, size_t s);
void plan_forget(struct planning *p);

#endif
