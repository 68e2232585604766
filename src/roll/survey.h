/*
 * One look without acting: what `status` tells. Nothing is locked, written or run; a network that
 * fails leaves out what could not be asked.
 */
#ifndef ROLL_SURVEY_H
#define ROLL_SURVEY_H

#include "roll/plan.h"
#include "roll/report.h"
#include "roll/start.h"

struct survey_options {
    bool offline;             /* files and state only */
    size_t hosts_count;       /* 0: all */
    const char *const *hosts; /* names or labels; every one is known to the configuration */
};

struct survey {
    struct knowledge
        k; /* points to what is below; STATE has what was seen, and is not to be saved */
    const struct conf *conf; /* not owned */
    bool offline;
    bool *host_wanted, *pair_wanted; /* by the configuration's order: what was looked at */
    enum start_state state_found;
    char state_words[WORLD_WORDS_SIZE]; /* what is wrong with the state file; "": nothing */
    struct state state;
    struct observation seen;
    struct plan plan; /* what a `run` would do now */
};

/* Looks. ARENA must live as long as the survey, which stays where it is. 0, or -1 without memory.
 */
int survey_make(struct survey *s, const struct conf *conf, const struct world *world,
                const struct survey_options *options, struct arena *arena);
/* Whether the plan has a note of this kind on service V of host H. */
bool survey_noted(const struct survey *s, enum plan_note_kind kind, size_t h, size_t v);

/* --- what is to be known --------------------------------------------------------------------- */

struct survey_problem {
    enum report_meaning meaning;
    const char *name;  /* for programs: report.h's, or "provider", "state-file", "server-misfit" */
    const char *host;  /* its name; NULL: not about one */
    const char *label; /* of a pair, likewise */
    const char *text;
};

typedef void survey_visit(void *context, const struct survey_problem *problem);
/* Each thing that is wrong, or should be known, of what was looked at. */
void survey_problems(const struct survey *s, survey_visit *visit, void *context);
/* What they mean together; `changed` is never set. */
struct outcome survey_outcome(const struct survey *s);

/* --- records, and whose they are ------------------------------------------------------------- */

enum survey_whose {
    SURVEY_CURRENT, /* what services are meant to serve */
    SURVEY_NEXT,    /* what they will serve: the source, or the next key */
    SURVEY_FORMER,  /* what they were meant to serve */
    SURVEY_ANOTHER, /* no pair's of this host; of a record: some address serves it */
    SURVEY_NOBODYS  /* of a record: it matches nothing known here */
};

/* Whether daneroll may delete a record. */
enum survey_ownership {
    SURVEY_OURS,    /* it wrote it */
    SURVEY_ADOPTED, /* `adopt` makes it ours */
    SURVEY_FOREIGN
};

struct survey_record {
    enum survey_whose whose;
    size_t pair; /* of the first three; else SIZE_MAX */
    enum survey_ownership ownership;
    int64_t ttl;        /* as the provider has it; -1: it has no such record */
    bool everywhere;    /* the provider has it, and every server that answers, as far as known */
    int64_t since, age; /* visible everywhere: wall time, and seconds; -1: not known */
};

/*
 * The records at the owner name of service V of host H, each once: those that the provider lists,
 * that a server shows, and, where neither could be asked, those that the state knows. Their number.
 */
size_t survey_records(const struct survey *s, size_t h, size_t v,
                      struct tlsa records[PROVIDER_RECORDS_MOST]);
/* What is known of one of them. */
void survey_record(const struct survey *s, size_t h, size_t v, const struct tlsa *tlsa,
                   struct survey_record *record);
/* Whose a served leaf is; *PAIR as above. */
enum survey_whose survey_whose(const struct survey *s, size_t h, const struct cert_digests *leaf,
                               size_t *pair);
/*
 * The first handshake with service V of host H that the server's RRset does not fit; NULL: it fits
 * all.
 */
const struct world_shown *survey_misfit(const struct survey *s, size_t h, size_t v,
                                        const struct world_server *server);

#endif
