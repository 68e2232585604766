/*
 * Certificates, requests and keys as DNS sees them: the exact octets that RFC 6698 section 2.1.2
 * hashes, cut out of DER by a strict reader (definite, minimal lengths; bounds; depth).
 */
#ifndef CERT_SPKI_H
#define CERT_SPKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CERT_MALFORMED = -1,  /* not DER, truncated, or not of any kind known here */
    CERT_ENCRYPTED = -2,  /* an encrypted private key */
    CERT_NOTHING = -3,    /* text, but no PEM object of a kind known here; or empty */
    CERT_TOO_BIG = -4,    /* longer than CERT_DER_SIZE */
    CERT_NO_PUBLIC = -5,  /* an EdDSA private key without its public key */
    CERT_UNSUPPORTED = -6 /* a private key of an algorithm or curve not known here */
};

/* The longest object: a certificate of an RSA-8192 key with a hundred names is about 6 KB. */
#define CERT_DER_SIZE 16384
/* The longest file read: a chain of ten such. */
#define CERT_FILE_SIZE 131072

enum cert_kind { CERT_CERTIFICATE, CERT_REQUEST, CERT_PUBLIC_KEY, CERT_PRIVATE_KEY };

struct cert_part {
    const uint8_t *bytes;
    size_t length;
};

/* SHA-256 and SHA-512 of the whole object and of its SPKI: all data a `x 0|1 1|2` record needs. */
struct cert_digests {
    uint8_t certificate256[32]; /* zero when the object is no certificate */
    uint8_t certificate512[64];
    uint8_t spki256[32];
    uint8_t spki512[64];
};

struct cert_object {
    enum cert_kind kind;
    size_t length;                 /* of der */
    struct cert_part spki;         /* within der or spki_made */
    int64_t not_before, not_after; /* certificates only: seconds since 1970 */
    uint8_t der[CERT_DER_SIZE];
    uint8_t spki_made[1200]; /* the SPKI computed from a private key (RSA-8192: 1062 octets) */
};

/* A word for messages: "certificate", "certificate request", "public key", "private key". */
const char *cert_kind_name(enum cert_kind kind);
/* What an error means, for a message. */
const char *cert_error(int error);

/*
 * Finds the first object in PEM or DER, found out by itself. In PEM the first CERTIFICATE counts
 * where there is one before or after keys (a combined file); else the first request or key. Private
 * octets in OBJECT and in between are wiped before return, unless the object is a public one.
 */
int cert_read(const uint8_t *bytes, size_t length, struct cert_object *object);
/* The SPKI of one DER object of a known kind; used by cert_read and by handshake probes. */
int cert_spki_of_certificate(const uint8_t *der, size_t length, struct cert_part *spki,
                             int64_t *not_before, int64_t *not_after);
/* All four digests. */
void cert_digest(const struct cert_object *object, struct cert_digests *digests);
/* SHA-256 or SHA-512 of any octets. */
void cert_sha256(const uint8_t *bytes, size_t length, uint8_t out[32]);
void cert_sha512(const uint8_t *bytes, size_t length, uint8_t out[64]);

#endif
