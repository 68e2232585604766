/*
 * A reading position in bytes: every parser of the program reads through these, so that every
 * bound is checked in one place. A read that does not fit marks the cursor failed and returns 0 or
 * NULL; a failed cursor stays failed, so that a chain of reads needs one check at its end.
 * Multi-octet numbers are in network order.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *at;  /* not owned */
    const uint8_t *end; /* one past the last octet */
    bool failed;
};

struct cursor cursor_over(const void *bytes, size_t length);
size_t cursor_left(const struct cursor *c);
uint8_t cursor_u8(struct cursor *c);
uint16_t cursor_u16(struct cursor *c);
uint32_t cursor_u32(struct cursor *c);
/* LENGTH octets, or NULL; the cursor moves behind them. */
const uint8_t *cursor_take(struct cursor *c, size_t length);
/* The same octets as a cursor of their own; failed, and C with it, when they are not there. */
struct cursor cursor_part(struct cursor *c, size_t length);

#endif
