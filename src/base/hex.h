/*
 * Hexadecimal text to bytes.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

enum { HEX_MALFORMED = -1, HEX_TOO_LONG = -2 };

/*
 * Decodes LENGTH characters of hex, either case, into at most SIZE bytes. White space between
 * digits is passed over (RFC 6698 section 2.2 allows it in a record's text). Returns the number of
 * bytes, or HEX_MALFORMED (another character, an odd number of digits) or HEX_TOO_LONG.
 */
int hex_decode(const char *text, size_t length, uint8_t *bytes, size_t size);

/* The value of one hex digit, or -1. */
int hex_digit(char c);

#endif
