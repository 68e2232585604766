/*
 * The check of a certificate chain that a server is to send, before it does: what a client that
 * verifies by PKIX (RFC 5280) would find wrong. Clients that match by DANE-EE look at none of this
 * (RFC 7671 section 5.1), but others share the server with them.
 */
#ifndef NET_CHAIN_H
#define NET_CHAIN_H

#include "net/net.h"
#include "net/trust.h"

#include <stddef.h>
#include <stdint.h>

/* The leaf and nine issuers: Mbed TLS follows no more, and public CAs send one to three. */
#define CHAIN_MOST 10

struct mbedtls_x509_crt;

/* Zeroed at first. */
struct chain {
    size_t count;
    struct mbedtls_x509_crt *certificates[CHAIN_MOST]; /* owned, on Mbed TLS's heap */
};

/*
 * Appends a certificate in DER, the leaf first; the octets are copied. 0, NET_UNTRUSTED (it cannot
 * be read, or is one too many) or NET_FAILED (no memory), with WHY.
 */
int chain_add(struct chain *chain, const uint8_t *der, size_t length, struct net_words *why);
/*
 * Whether it is a good chain, of one certificate at least: each one after the leaf has issued the
 * one before; it leads to a certificate of TRUST (the trusted one itself need not be in it); SHA-2
 * signatures, RSA keys from 2048 bits; the dates of all of them are good, if the clock is set; the
 * leaf may be used for servers and bears each of the NAMES (RFC 6125 section 6.4: DNS-IDs, where
 * "*" stands for the whole first label; the CN only where there is no DNS-ID). NAMES are without
 * final dot. 0, or with WHY: NET_UNTRUSTED, NET_NO_TRUST (TRUST's file cannot be read) or
 * NET_FAILED (no memory).
 */
int chain_check(const struct chain *chain, const struct trust *trust, const char *const *names,
                size_t names_count, struct net_words *why);
/* Gives everything back; CHAIN is empty then. */
void chain_free(struct chain *chain);

#endif
