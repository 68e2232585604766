/*
 * Base64 text to bytes (RFC 4648 section 4).
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

enum { BASE64_MALFORMED = -1, BASE64_TOO_LONG = -2 };

/*
 * Decodes LENGTH characters into at most SIZE bytes. White space between digits is passed over, as
 * BIND does in a key's secret; padding must be there and the bits that it hides must be 0. Returns
 * the number of bytes or an error, after which BYTES may hold a part. No branch and no address
 * depends on a digit's value: the text may be a secret.
 */
int base64_decode(const char *text, size_t length, uint8_t *bytes, size_t size);

#endif
