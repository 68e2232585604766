/*
 * Where messages go: standard error, or syslog (RFC 3164 datagrams to /dev/log; libc's syslog drags
 * floating point in). Results of a verb go to standard output by `log_out`.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
    LOG_LEVEL_ERROR,   /* something failed or does not match */
    LOG_LEVEL_WARNING, /* works, but the user should know */
    LOG_LEVEL_NOTICE,  /* something was changed */
    LOG_LEVEL_DETAIL   /* only with --verbose */
};

/* The longest message; what is longer is cut with "..." at its end. */
#define LOG_MESSAGE_SIZE 1024

/* Messages above MOST are dropped; with SYSLOG they go to /dev/log and not to standard error. */
void log_setup(enum log_level most, bool to_syslog);
bool log_shows(enum log_level level);
/*
 * The errors said so far, a line each, as far as there is room for them: for results that have to
 * tell of them as well.
 */
const char *log_errors(void);
void log_say(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Text that is a result, to standard output, as it is. Returns 0, or -1 when it could not be
 * written. */
int log_out(const char *text);

#endif
