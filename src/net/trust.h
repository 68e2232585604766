/*
 * Trusted CA certificates, searched on demand: a bundle of 150 roots costs no memory.
 *
 * In this order: the file named by --ca-file, SSL_CERT_FILE, the usual bundle paths of Debian,
 * Alpine, OpenWrt, FreeBSD, Entware and RHEL; where none of those exists, the built-in trust
 * anchors (net/anchors.c). A file that is named but cannot be used is an error, never passed over.
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

struct trust {
    const char *path; /* of the bundle; NULL means the built-in anchors; not owned */
};

/* NAMED is --ca-file or NULL. 0, or NET_NO_TRUST (path then names the file). */
int trust_open(struct trust *t, const char *named);

#endif
