/*
 * Clocks: the only place that asks the machine what time it is. tests/clock/time.c stands in for
 * this object in tests that need another clock; nothing else is replaced there.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel's boot id, 36 characters and NUL; empty when it cannot be read (another boot then). */
#define TIME_BOOT_SIZE 37

struct moment {
    char boot[TIME_BOOT_SIZE];
    int64_t boottime; /* CLOCK_BOOTTIME, whole seconds, rounded down */
    int64_t wall;     /* seconds since 1970, UTC, rounded down */
    bool proven;      /* the kernel's clock is disciplined */
};

/* The release date: a clock before it cannot be right. Midnight UTC of 2026-11-01. */
#define TIME_RELEASE INT64_C(1793491200)

void time_moment(struct moment *now);
/* Whether the wall clock stands at or after the release date. */
bool time_is_set(void);
/* Seconds since 1970, UTC. */
int64_t time_wall(void);
/* Milliseconds that only go forward (CLOCK_BOOTTIME), for deadlines. */
int64_t time_ticks(void);

/* 2026-11-24T06:00:00Z and NUL. */
#define TIME_TEXT_SIZE 24
/* RFC 3339 in UTC; any year from 1970 to 9999. */
void time_text(int64_t wall, char text[TIME_TEXT_SIZE]);
/* Seconds since 1970 of a civil date and time in UTC; -1 when it is none. */
int64_t time_from_civil(int year, int month, int day, int hour, int minute, int second);

#endif
