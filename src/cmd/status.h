/*
 * The two forms of what `daneroll status` tells. Both write to standard output and return 0, or -1
 * when that cannot be written.
 */
#ifndef CMD_STATUS_H
#define CMD_STATUS_H

#include "roll/stage.h"

int status_text(const struct survey *s);
/* One object; CODE is the exit code. Its members are documented in daneroll(8), and stay. */
int status_json(const struct survey *s, int code);
/* The same where nothing could be looked at: {"version":1,"error":{...}}. TEXTS: a line each. */
int status_json_error(int code, const char *texts);

/* What both call things. */
extern const char *const status_zones[];   /* by enum world_zone */
extern const char *const status_answers[]; /* by enum world_answer */
extern const char *const status_results[]; /* by enum probe_code */
const char *status_algorithm(enum cert_algorithm algorithm);
/* Whether a record may be deleted by daneroll. */
enum status_ownership {
    STATUS_OURS,    /* daneroll wrote it */
    STATUS_ADOPTED, /* `adopt` makes it ours */
    STATUS_FOREIGN
};

extern const char *const status_ownerships[];

/* What of service V of host H is to be told of one record. */
struct status_record {
    struct tlsa tlsa;
    enum survey_whose whose;
    size_t pair; /* as of survey_whose_record */
    enum status_ownership ownership;
    const struct provider_record *listed; /* as the provider has it; NULL: it has not */
    bool everywhere;                      /* the provider has it, and every server that answers */
    int64_t since, age;                   /* visible everywhere: wall time, seconds; -1: unknown */
};

void status_record(const struct survey *s, size_t h, size_t v, const struct tlsa *tlsa,
                   struct status_record *record);

#endif
