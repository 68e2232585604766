/*
 * Verbs: rows of one table in main.c; one file a verb.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include "base/arena.h"
#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>

/* Exit codes, the same for every verb. */
enum {
    EXIT_GOOD = 0,        /* all is as it should be; also: a step waits for its time */
    EXIT_FAILED = 1,      /* something failed or does not match */
    EXIT_USAGE_FAULT = 2, /* the call or the configuration is wrong */
    EXIT_LATER = 75       /* a passing fault: network, rate limit, clock not set, lock held */
};

struct call {
    const struct verb *verb;
    const struct conf_tables *tables; /* for call_load */
    struct conf_given given; /* options as they stood; the verb's own are checked by their rows */
    size_t arguments_count;
    const char *const *arguments; /* what is no option, in its order */
};

struct verb {
    const char *name;
    const char *summary;   /* one line for the list of verbs */
    const char *arguments; /* "FILE..." or "" */
    size_t arguments_least, arguments_most;
    const struct conf_key *options; /* the verb's own options */
    size_t options_count;
    bool configured;   /* takes every configuration key as an option, and --config */
    const char *about; /* paragraph for --help */
    int (*run)(const struct call *call); /* returns an exit code */
    /* Instead of it, where the call itself is wrong, which was said; NULL: nothing is left to do.
     */
    void (*refuse)(const struct call *call);
};

/* The last value given for an option, "yes" where it stood alone, NULL where it was not given. */
const char *call_option(const struct call *call, const char *name);
/* Whether a yes-or-no option was given as yes. */
bool call_flag(const struct call *call, const char *name);
/*
 * Loads the configuration from the call, environ and the file. Complaints are logged, each with its
 * place, and their number at the end. Returns EXIT_GOOD or EXIT_USAGE_FAULT; conf_wipe CONF after
 * use, whatever it returned.
 */
int call_load(const struct call *call, struct conf *conf, struct arena *arena);

/* `daneroll VERB --help`, to standard output. Returns an exit code. */
int help_verb(const struct verb *verb, const struct conf_tables *tables);
/* `daneroll --help`. VERBS ends with NULL. */
int help_all(const struct verb *const verbs[]);

/* Three numbers: what it can do that it could not, and what it does better. */
#define DANEROLL_VERSION "0.1.0"

extern const struct verb verb_run, verb_status, verb_digest, verb_version;

#endif
