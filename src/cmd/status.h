/*
 * The two forms of what `daneroll status` tells, to standard output; its JSON is documented in
 * daneroll(8), member by member, and stays. 0, or -1 when that cannot be written.
 */
#ifndef CMD_STATUS_H
#define CMD_STATUS_H

#include "roll/stage.h"

/* CODE is the exit code. */
int status_tell(const struct survey *s, bool json, int code);
/* JSON where nothing could be looked at: {"version":1,"error":{...}}. TEXTS: a line each. */
int status_tell_error(int code, const char *texts);

/* What things are called. */
#define STATUS_WORD_SIZE STAGE_WORD_SIZE

extern const char status_zones[][STATUS_WORD_SIZE];      /* by enum world_zone */
extern const char status_answers[][STATUS_WORD_SIZE];    /* by enum world_answer */
extern const char status_results[][STATUS_WORD_SIZE];    /* by enum probe_code */
extern const char status_whose[][STATUS_WORD_SIZE];      /* by enum survey_whose */
extern const char status_ownerships[][STATUS_WORD_SIZE]; /* by enum survey_ownership */
extern const char status_meanings[][STATUS_WORD_SIZE];   /* by enum report_meaning */

#endif
