/*
 * The TLSA record (RFC 6698 section 2, RFC 7671).
 */
#ifndef DANE_TLSA_H
#define DANE_TLSA_H

#include "base/buf.h"
#include "cert/spki.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TLSA_USAGE_PKIX_TA, TLSA_USAGE_PKIX_EE, TLSA_USAGE_DANE_TA, TLSA_USAGE_DANE_EE };
enum { TLSA_SELECTOR_CERT, TLSA_SELECTOR_SPKI };
enum { TLSA_MATCHING_FULL, TLSA_MATCHING_SHA256, TLSA_MATCHING_SHA512 };

#define TLSA_DATA_MOST  64
#define TLSA_OWNER_SIZE 272 /* _65535._tcp. and a host name, NUL */
#define TLSA_TEXT_SIZE  160 /* "255 255 255 " and 64 octets of hex */

enum { TLSA_MALFORMED = -1, TLSA_TOO_LONG = -2 };

/* A parameter combination (RFC 7671 section 8). */
struct tlsa_combination {
    uint8_t usage, selector, matching;
};

/*
 * One record. Certificate association data longer than TLSA_DATA_MOST (matching type 0, or
 * malformed) is kept as its SHA-256 with `hashed` set: enough to compare and to match, not enough
 * to write the record again.
 */
struct tlsa {
    struct tlsa_combination combination;
    bool hashed;
    uint16_t length; /* of the data as it stands in DNS */
    uint8_t data[TLSA_DATA_MOST];
    bool malformed; /* matching type 0, and the data is not the DER that the selector names */
};

/* Data bytes into a record, hashing what is too long. */
void tlsa_set(struct tlsa *record, struct tlsa_combination c, const uint8_t *data, size_t length);
/*
 * "3 1 1 HEX", numbers and hex parted by any white space, also inside the hex. TLSA_TOO_LONG: data
 * longer than any certificate (CERT_DER_SIZE).
 */
int tlsa_parse(const char *text, size_t length, struct tlsa *record);
/* The same text back, lower case; "3 0 0 (sha256 HEX)" where the data was too long to keep. */
void tlsa_print(struct buf *b, const struct tlsa *record);
/* A short form for messages: "3 1 1 0123456789ab..." */
void tlsa_brief(struct buf *b, const struct tlsa *record);
bool tlsa_equal(const struct tlsa *a, const struct tlsa *b);
bool tlsa_same_combination(struct tlsa_combination a, struct tlsa_combination b);
/*
 * Whether clients can use it at all (RFC 6698 section 4.1): known numbers, right digest length,
 * full data in DER.
 */
bool tlsa_usable(const struct tlsa *record);
/* Whether the data is the digest of no data (facts: e3b0c442..., cf83e135...). */
bool tlsa_of_nothing(const struct tlsa *record);
/*
 * The record of a leaf for a combination with matching type 1 or 2. -1 where that combination
 * cannot be made from digests: matching type 0, unknown numbers, usage 0 or 2 (an issuer's),
 * selector 0 where the leaf is no certificate.
 */
int tlsa_make(struct tlsa *record, struct tlsa_combination c, const struct cert_digests *leaf);
/* Whether a usage 1 or 3 record matches this leaf; unusable records match nothing. */
bool tlsa_matches(const struct tlsa *record, const struct cert_digests *leaf);
/* Octets of the wire form: three numbers, then data; 0 where the data was too long to keep. */
size_t tlsa_wire(const struct tlsa *record, uint8_t out[3 + TLSA_DATA_MOST]);
/* _PORT._tcp.HOST in canonical form. -1 when that is longer than a DNS name can be. */
int tlsa_owner(char owner[TLSA_OWNER_SIZE], uint16_t port, const char *host);

#endif
