/*
 * Trusted CA certificates, searched on demand: a bundle of 150 roots costs no memory.
 *
 * In this order: the file named by --ca-file, SSL_CERT_FILE, the usual bundle paths of Debian,
 * Alpine, OpenWrt, FreeBSD, Entware and RHEL; where none of those can be used, the built-in trust
 * anchors (net/anchors.def). A file that is named but cannot be used is an error, never passed
 * over. A bundle is a plain file of PEM certificates; whatever else it holds is passed over.
 */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include <stddef.h>
#include <stdint.h>

/* One built-in anchor, as net/anchors.def gives it. */
struct trust_anchor {
    const uint8_t *subject; /* DER of the Name */
    uint16_t subject_length;
    const uint8_t *spki; /* DER of the SubjectPublicKeyInfo */
    uint16_t spki_length;
};

extern const struct trust_anchor trust_anchors[];
extern const size_t trust_anchors_count;

struct verdicts;

struct trust {
    const char *path;          /* of the bundle; NULL means the built-in anchors; not owned */
    struct verdicts *verdicts; /* net/verdicts.h: servers' chains; NULL: none is kept; not owned */
};

/* Roots of one subject; two or three occur when a CA changes its key. */
#define TRUST_CANDIDATES_MOST 8

/* Sets `path`. NAMED is --ca-file or NULL. 0, or NET_NO_TRUST (path then names the file). */
int trust_open(struct trust *t, const char *named);

struct mbedtls_x509_crt;
/*
 * The search, as Mbed TLS calls it: all trusted certificates whose subject is the issuer of CHILD,
 * as a list on Mbed TLS's heap, which the caller frees; NULL where there is none. Built-in anchors
 * become certificates without a signature and with dates wide open. TRUST is a struct trust.
 * 0, NET_NO_TRUST (the bundle cannot be read any more) or NET_FAILED (no memory).
 */
int trust_find(void *trust, const struct mbedtls_x509_crt *child,
               struct mbedtls_x509_crt **candidates);

#endif
