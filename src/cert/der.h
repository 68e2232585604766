/*
 * A strict reader of DER (X.690 section 10) over base/cursor.h: one-octet tags, definite lengths in
 * their shortest form, at most four length octets. Whatever breaks a rule, or is not the tag that
 * the caller wants, marks the cursor failed; a chain of reads needs one check, der_done, at its
 * end.
 */
#ifndef CERT_DER_H
#define CERT_DER_H

#include "base/cursor.h"
#include "cert/spki.h"

enum {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OCTET_STRING = 0x04,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30
};

/* Context-specific tags: [n] with elements inside (explicit), and [n] with octets (implicit). */
#define DER_EXPLICIT(n) (0xa0 | (n))
#define DER_IMPLICIT(n) (0x80 | (n))

/* The next tag, or 0 at the end (0 is no tag that can stand in DER). */
uint8_t der_tag(const struct cursor *c);
/* The content of the next element, which must have this tag; C moves behind the element. */
struct cursor der_enter(struct cursor *c, uint8_t tag);
/* The whole of the next element, its tag and length included. */
struct cert_part der_whole(struct cursor *c, uint8_t tag);
/* Passes over the next element if it has this tag, else does nothing. */
void der_skip_optional(struct cursor *c, uint8_t tag);
/* Whether all of it was read, and rightly. */
bool der_done(const struct cursor *c);
/* The content of a BIT STRING of whole octets (no unused bits, at least one octet). */
struct cert_part der_bits(struct cursor *c, uint8_t tag);
/* Whether these octets begin with one SEQUENCE that ends where they end. */
bool der_is_sequence(const uint8_t *bytes, size_t length);

#endif
