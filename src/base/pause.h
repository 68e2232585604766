/*
 * Pauses that a signal can end.
 */
#ifndef BASE_PAUSE_H
#define BASE_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

/* Called by a signal handler: the pause under way, and every later one, ends at once. */
void pause_stop(void);
bool pause_stopped(void);
/* Sleeps MS milliseconds, or until pause_stop. Whether it was stopped. */
bool pause_ms(int64_t ms);

#endif
