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
extern const char *const status_zones[];      /* by enum world_zone */
extern const char *const status_answers[];    /* by enum world_answer */
extern const char *const status_results[];    /* by enum probe_code */
extern const char *const status_whose[];      /* by enum survey_whose */
extern const char *const status_ownerships[]; /* by enum survey_ownership */
extern const char *const status_meanings[];   /* by enum report_meaning */

#endif
