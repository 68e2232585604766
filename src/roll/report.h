/*
 * What the planner has to say, in words: which host, record, server or service, what it means and
 * what to do.
 */
#ifndef ROLL_REPORT_H
#define ROLL_REPORT_H

#include "roll/acting.h"

/*
 * What must be told before the plan is carried out, as it may be over then (outages before they are
 * cured); the rest, when nothing more can be done.
 */
enum report_part { REPORT_FIRST, REPORT_REST };

/*
 * Says that part of a plan's notes and sets what they mean for the outcome. What is wrong is said
 * each time, what is only to be known once: the state remembers.
 */
void report_plan(struct acting *acting, const struct plan *plan, enum report_part part);
/* The text of one note; of ACTING only the configuration and what was seen are looked at. */
void report_note(const struct acting *acting, const struct plan_note *note, struct buf *b);

/* How a note is told by a run. */
enum report_weight {
    REPORT_DETAIL,    /* with --verbose */
    REPORT_EACH_TIME, /* the user has asked for it */
    REPORT_ONCE,      /* to be known: told once */
    REPORT_STEP,      /* the same, of what the plan is about to do */
    REPORT_PASSING,   /* a passing fault */
    REPORT_FAILED,    /* something does not match */
    REPORT_DEFERRED,  /* an outage: mail is being deferred; `notify` too */
    REPORT_WRONG      /* the configuration is wrong */
};

enum report_weight report_weight(enum plan_note_kind kind);

/* What a note means to somebody who asks how things are. */
enum report_meaning {
    REPORT_NEWS,    /* as it should be */
    REPORT_WARNING, /* works, but should be known */
    REPORT_LATER,   /* a passing fault */
    REPORT_FAILURE, /* something does not match */
    REPORT_OUTAGE,  /* clients that validate turn away */
    REPORT_USAGE    /* the configuration is wrong */
};

enum report_meaning report_meaning(enum plan_note_kind kind);
/* Its name for programs, and whether it is about the note's pair; else it is about its host. */
const char *report_name(enum plan_note_kind kind, bool *of_pair);

#endif
