/*
 * When a request may be tried again, and after how long (RFC 9110 section 10.2.3).
 *
 * Retry-After counts where the server sent it and it is not 0; else the pause doubles from one
 * second, with jitter: between half and the whole of it. Pauses together stay within the budget
 * given: what does not fit is the next call's business, and the seconds to wait are told to the
 * caller.
 */
#ifndef HTTP_RETRY_H
#define HTTP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* Attempts of one call, the first included. */
#define RETRY_ATTEMPTS_MOST 5
/* A server may ask for at most this; more is cut to it (a day). */
#define RETRY_AFTER_MOST 86400

struct retry {
    unsigned attempts; /* made so far */
    int64_t budget_ms; /* what pauses may still take */
};

struct retry retry_make(int64_t budget_ms);
/* Whether this status is a passing fault: 408, 425, 429, 500, 502, 503, 504, 520 to 530. */
bool retry_status(int status);
/*
 * After a failed attempt: milliseconds to pause before the next one, or -1 when there is to be no
 * next one in this call; then *LATER is the seconds after which a later call may try (else 0).
 * RETRY_AFTER as in http_answer (-1: none). RANDOM is any random number.
 */
int64_t retry_pause(struct retry *r, int64_t retry_after, uint32_t random, int64_t *later);

#endif
