#include "net/trust.h"

#include "base/buf.h"
#include "cert/der.h"
#include "net/bundle.h"
#include "net/net.h"

#include <mbedtls/bignum.h>
#include <mbedtls/error.h>
#include <mbedtls/platform.h>
#include <mbedtls/sha1.h>
#include <mbedtls/x509_crt.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A subject twice, an RSA-4096 key, and some 60 octets around them. */
#define WRAPPED_SIZE 1280

static const char *const usual_paths[] = {
    "/etc/ssl/certs/ca-certificates.crt",     /* Debian, Alpine, OpenWrt */
    "/etc/ssl/cert.pem",                      /* Alpine, OpenWrt, FreeBSD, OpenBSD */
    "/etc/pki/tls/certs/ca-bundle.crt",       /* RHEL */
    "/usr/local/share/certs/ca-root-nss.crt", /* FreeBSD */
    "/opt/etc/ssl/certs/ca-certificates.crt", /* Entware */
};

static int first_one(void *context, const uint8_t *der, size_t length, const uint8_t *subject,
                     size_t subject_length)
{
    (void)context;
    (void)der;
    (void)length;
    (void)subject;
    (void)subject_length;
    return 1;
}

static bool usable(const char *path)
{
    return bundle_read(path, first_one, NULL) == 1;
}

int trust_open(struct trust *t, const char *named)
{
    t->path = named != NULL ? named : getenv("SSL_CERT_FILE");
    if (t->path != NULL && (t->path == named || t->path[0] != '\0'))
        return usable(t->path) ? 0 : NET_NO_TRUST;
    for (size_t i = 0; i < sizeof usual_paths / sizeof usual_paths[0]; i++) {
        t->path = usual_paths[i];
        if (usable(t->path))
            return 0;
    }
    t->path = NULL;
    return 0;
}

struct search {
    const uint8_t *issuer;
    size_t issuer_length;
    struct mbedtls_x509_crt *found; /* on Mbed TLS's heap */
    unsigned count;
};

static bool is_wanted(const struct search *s, const uint8_t *subject, size_t length)
{
    return length == s->issuer_length && memcmp(subject, s->issuer, length) == 0;
}

/* What Mbed TLS cannot read (an unknown curve) is passed over: it could not verify with it either.
 */
static int add_candidate(struct search *s, const struct buf *der)
{
    if (s->count >= TRUST_CANDIDATES_MOST)
        return 1;
    struct mbedtls_x509_crt *one = mbedtls_calloc(1, sizeof *one);
    if (one == NULL)
        return NET_FAILED;
    mbedtls_x509_crt_init(one);
    int rc = mbedtls_x509_crt_parse_der(one, (const unsigned char *)der->data, der->used);
    if (rc != 0) {
        mbedtls_x509_crt_free(one);
        mbedtls_free(one);
        return rc == MBEDTLS_ERR_X509_ALLOC_FAILED || rc == MBEDTLS_ERR_MPI_ALLOC_FAILED
                   ? NET_FAILED
                   : 0;
    }
    one->next = s->found;
    s->found = one;
    s->count++;
    return 0;
}

/*
 * Candidates are given to Mbed TLS with an empty signature of a kind that it knows: nobody verifies
 * what a trusted root has signed itself with, but a root signed in a way that this build does not
 * know (MD5, Ed25519) could not be read.
 */
static const uint8_t algorithm[] = {DER_SEQUENCE, 10, /* ecdsa-with-SHA256 */
                                    DER_OID,      8,    0x2a, 0x86, 0x48,
                                    0xce,         0x3d, 0x04, 0x03, 0x02};
static const uint8_t signature[] = {DER_BIT_STRING, 1, 0};

/* A tag and a length below 65536; not the shortest form, which Mbed TLS does not ask for. */
#define HEADER_SIZE 4
static void put_header(struct buf *b, uint8_t tag, size_t length)
{
    const uint8_t header[HEADER_SIZE] = {tag, 0x82, (uint8_t)(length >> 8), (uint8_t)length};
    buf_put(b, header, sizeof header);
}

/* A certificate up to its inner signature algorithm; HEAD is version and serial number. */
static void begin_certificate(struct buf *b, const uint8_t *head, size_t head_length,
                              size_t rest_length)
{
    size_t inner = head_length + sizeof algorithm + rest_length;
    put_header(b, DER_SEQUENCE, HEADER_SIZE + inner + sizeof algorithm + sizeof signature);
    put_header(b, DER_SEQUENCE, inner);
    buf_put(b, head, head_length);
    buf_put(b, algorithm, sizeof algorithm);
}

static void end_certificate(struct buf *b)
{
    buf_put(b, algorithm, sizeof algorithm);
    buf_put(b, signature, sizeof signature);
}

static int compare(void *context, const uint8_t *der, size_t length, const uint8_t *subject,
                   size_t subject_length)
{
    struct search *s = context;
    char sealed[BUNDLE_CERTIFICATE_SIZE];
    struct buf b = BUF_OVER(sealed);
    if (!is_wanted(s, subject, subject_length))
        return 0;
    struct cursor whole = cursor_over(der, length);
    struct cursor certificate = der_enter(&whole, DER_SEQUENCE);
    struct cursor c = der_enter(&certificate, DER_SEQUENCE);
    const uint8_t *head = c.at;
    der_skip_optional(&c, DER_EXPLICIT(0)); /* version */
    (void)der_enter(&c, DER_INTEGER);       /* serialNumber */
    size_t head_length = (size_t)(c.at - head);
    (void)der_enter(&c, DER_SEQUENCE); /* signature */
    begin_certificate(&b, head, head_length, cursor_left(&c));
    buf_put(&b, c.at, cursor_left(&c));
    end_certificate(&b);
    return c.failed || buf_full(&b) ? 0 : add_candidate(s, &b);
}

/*
 * An anchor as a certificate (RFC 5280 section 4.1) of version 1, which needs no CA bit when it is
 * trusted, with dates wide open.
 */
static int add_anchor(struct search *s, const struct trust_anchor *a)
{
    static const uint8_t serial[] = {DER_INTEGER, 1, 1};
    static const char validity[] = "\x30\x20"
                                   "\x17\x0d"
                                   "700101000000Z"
                                   "\x18\x0f"
                                   "99991231235959Z";
    char wrapped[WRAPPED_SIZE];
    struct buf b = BUF_OVER(wrapped);
    begin_certificate(&b, serial, sizeof serial,
                      2 * (size_t)a->subject_length + sizeof validity - 1 + a->spki_length);
    buf_put(&b, a->subject, a->subject_length); /* issuer */
    buf_put(&b, validity, sizeof validity - 1);
    buf_put(&b, a->subject, a->subject_length);
    buf_put(&b, a->spki, a->spki_length);
    end_certificate(&b);
    return buf_full(&b) ? NET_FAILED : add_candidate(s, &b);
}

static int visit_anchors(struct search *s)
{
    int rc = 0;
    for (size_t i = 0; i < trust_anchors_count && rc == 0; i++) {
        const struct trust_anchor *a = &trust_anchors[i];
        if (is_wanted(s, a->subject, a->subject_length))
            rc = add_anchor(s, a);
    }
    return rc;
}

int trust_find(void *trust, const struct mbedtls_x509_crt *child,
               struct mbedtls_x509_crt **candidates)
{
    const struct trust *t = trust;
    struct search s = {.issuer = child->issuer_raw.p, .issuer_length = child->issuer_raw.len};
    int rc = t->path == NULL ? visit_anchors(&s) : bundle_read(t->path, compare, &s);
    if (rc < 0) {
        mbedtls_x509_crt_free(s.found);
        mbedtls_free(s.found);
        s.found = NULL;
    }
    *candidates = s.found;
    return rc < 0 ? rc : 0;
}

/*
 * SHA-1 is known to Mbed TLS by name only, so that a certificate signed with it can be read (old
 * roots are, and servers send them along). No such signature is accepted, so nothing is ever hashed
 * with it: the function that would is this one, and 4.5 KB smaller.
 */
int mbedtls_internal_sha1_process(mbedtls_sha1_context *ctx, const unsigned char data[64])
{
    (void)ctx;
    (void)data;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}
