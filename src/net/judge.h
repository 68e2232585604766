/*
 * What is wrong with a chain of certificates, in words: shared by the TLS client that verifies
 * (net/tls.c) and the check of chains in files (net/chain.c). Nobody else includes this.
 */
#ifndef NET_JUDGE_H
#define NET_JUDGE_H

#include "base/buf.h"
#include "net/address.h"
#include "net/trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One verification: zeroed, with its trust, host and words set, top = -1. */
struct judge {
    const struct trust *trust;
    int trust_error; /* NET_... of the last search */
    int top;         /* depth of the topmost certificate; -1 before it was seen */
    bool dateless;   /* dates do not count: the clock is not set */
    const char *host;
    uint8_t address[ADDRESS_V6];
    size_t address_length; /* 0: host is a name */
    struct buf words;      /* all that is wrong, parted by "; "; none: nothing */
};

/* Lets Mbed TLS see base/time's clock. */
void judge_start_clock(void);
/* Mbed TLS's callbacks (CONTEXT is a struct judge): of the search for issuers, ... */
int judge_find(void *context, const struct mbedtls_x509_crt *child,
               struct mbedtls_x509_crt **candidates);
/* ... and of each certificate of the chain, from the topmost, trusted one down to the leaf. */
int judge_certificate(void *context, struct mbedtls_x509_crt *certificate, int depth,
                      uint32_t *flags);
/* Says that the leaf does not bear the host's name. */
void judge_misnamed(struct judge *j, const struct mbedtls_x509_crt *leaf);
/* Starts the next thing that is wrong. */
void judge_part(struct judge *j);
/* The subject's name. */
void judge_put_subject(struct buf *b, const struct mbedtls_x509_crt *certificate);
/* " (our clock says ...)" */
void judge_put_clock(struct buf *b);
/* Where trusted certificates are looked for. */
void judge_put_trust(struct buf *b, const struct trust *trust);
/* Words for Mbed TLS's CODE where it says why a certificate cannot be read; else NULL. */
const char *judge_unreadable(int code);

#endif
