/*
 * UTF-8 (RFC 3629): what may follow a lead octet, and encoding.
 */
#ifndef HTTP_UTF8_H
#define HTTP_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_MOST 4 /* octets of one character */

/*
 * How many octets must follow LEAD (0 to 3), or -1 when no character begins with it. The first of
 * them must lie within *LOW to *HIGH, the others within 0x80 to 0xbf: so neither overlong forms
 * nor surrogates nor anything above U+10FFFF pass.
 */
int utf8_follow(uint8_t lead, uint8_t *low, uint8_t *high);
/* Octets of the character at the beginning of LENGTH octets, or 0 when there is none. */
size_t utf8_length(const char *text, size_t length);
/* Writes the character CODE (at most 0x10ffff); returns its octets. */
size_t utf8_encode(uint32_t code, char octets[UTF8_MOST]);

#endif
