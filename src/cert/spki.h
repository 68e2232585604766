/*
 * Certificates, requests and keys as DNS sees them: the exact octets that RFC 6698 section 2.1.2
 * hashes, cut out of DER by a strict reader (definite, minimal lengths; bounds; depth).
 */
#ifndef CERT_SPKI_H
#define CERT_SPKI_H

#include "base/buf.h"
#include "base/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CERT_MALFORMED = -1,   /* not DER, truncated, or not of any kind known here */
    CERT_ENCRYPTED = -2,   /* an encrypted private key */
    CERT_NOTHING = -3,     /* text, but no PEM object of a kind known here; or empty */
    CERT_TOO_BIG = -4,     /* longer than CERT_DER_SIZE */
    CERT_NO_PUBLIC = -5,   /* an EdDSA private key without its public key */
    CERT_UNSUPPORTED = -6, /* a private key of an algorithm or curve not known here */
    CERT_FAILED = -7       /* no memory or no entropy to compute a public key with */
};

/* What a certificate is signed for in a handshake (RFC 5246: RSA, ECDSA); OTHER: EdDSA, ... */
enum cert_algorithm { CERT_RSA, CERT_ECDSA, CERT_OTHER_ALGORITHM };

/* The longest object: a certificate of an RSA-8192 key with a hundred names is about 6 KB. */
#define CERT_DER_SIZE 16384
/* The longest file read: a chain of ten such. */
#define CERT_FILE_SIZE 131072

/* An SPKI computed from a private key; that of RSA-8192 has 1062 octets. */
#define CERT_SPKI_MADE_SIZE 1200

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
    int64_t not_before, not_after; /* certificates only: seconds since 1970, else 0 */
    uint8_t der[CERT_DER_SIZE];
    uint8_t spki_made[CERT_SPKI_MADE_SIZE];
};

/* A word for messages: "certificate", "certificate request", "public key", "private key". */
const char *cert_kind_name(enum cert_kind kind);
/* What an error means, for a message. */
const char *cert_error(int error);

/*
 * Finds the first object in PEM or DER, found out by itself. In PEM the first CERTIFICATE counts
 * where there is one before or after keys (a combined file); else the first request or key. A
 * damaged first certificate is an error, never passed over: the next one is its issuer. OpenSSL's
 * TRUSTED CERTIFICATE counts as its certificate, without what OpenSSL puts behind it. PEM labels
 * not known here (EC PARAMETERS, X509 CRL, ...) are passed over.
 *
 * OBJECT points into itself: it cannot be copied. Of a private key only the computed SPKI is left
 * in it (length 0), and after an error nothing; no other copy of private octets stays behind. BYTES
 * are the caller's, to wipe as well.
 */
int cert_read(const uint8_t *bytes, size_t length, struct cert_object *object);
/*
 * SHA-256 of the SPKI of the first private key of a file, PEM or DER, which may also hold
 * certificates: equal to spki256 of the certificate that the key belongs to. CERT_NOTHING where
 * there is no private key.
 */
int cert_read_key_spki(const uint8_t *bytes, size_t length, uint8_t spki256[32]);
/*
 * The next CERTIFICATE of PEM text, in the order of the file; objects of other labels are passed
 * over. TEXT moves behind its BEGIN line. CERT_NOTHING where there is none any more; else as
 * cert_read.
 */
int cert_next(struct cursor *text, struct cert_object *object);
/*
 * Appends the certificate to PEM, laid out anew as RFC 7468 likes it best. CERT_TOO_BIG where there
 * is no room for it.
 */
int cert_write(const struct cert_object *object, struct buf *pem);
/*
 * The same of the first private key of a PEM file, whatever else the file holds. It keeps its label
 * (PKCS#1, SEC1 or PKCS#8). CERT_NOTHING where there is none, for one in DER too; else as
 * cert_read_key_spki. PEM is the caller's to wipe.
 */
int cert_write_key(const uint8_t *bytes, size_t length, struct buf *pem);
/*
 * The SPKI within one certificate in DER, for cert_read and handshake probes. A date before 1970
 * counts as 1970; one that cannot be read makes a certificate that is never valid (not_before
 * INT64_MAX, not_after INT64_MIN) but no error: clients that match by DANE-EE look at no dates.
 */
int cert_spki_of_certificate(const uint8_t *der, size_t length, struct cert_part *spki,
                             int64_t *not_before, int64_t *not_after);
/* The SPKI that a bare SubjectPublicKeyInfo is: itself, once it was found to be one. */
int cert_spki_of_public_key(const uint8_t *der, size_t length, struct cert_part *spki);
/* By the algorithm of the key; SPKI as one of the functions above gives it. */
enum cert_algorithm cert_algorithm(struct cert_part spki);
/* All four digests. */
void cert_digest(const struct cert_object *object, struct cert_digests *digests);
/* SHA-256 or SHA-512 of any octets. */
void cert_sha256(const uint8_t *bytes, size_t length, uint8_t out[32]);
/* DIGEST becomes that of itself and of the digest of these octets: of several things, in order. */
void cert_mix(uint8_t digest[32], const void *bytes, size_t length);
void cert_sha512(const uint8_t *bytes, size_t length, uint8_t out[64]);

#endif
