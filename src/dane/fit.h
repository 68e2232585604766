/*
 * Whether an RRset fits a chain that a server sends (RFC 6698 section 4.1, RFC 7671 sections 4, 8
 * and 9).
 *
 * It fits when both kinds of client accept the chain: one that knows SHA-256 only, and one that
 * prefers SHA-512; each with usages 2 and 3, as RFC 7671 section 4 recommends and RFC 7672 demands.
 * An RRset without a usable record fits every chain: it authenticates nobody.
 */
#ifndef DANE_FIT_H
#define DANE_FIT_H

#include "dane/tlsa.h"

#include <stdbool.h>
#include <stddef.h>

/* What a server sends: its leaf, then its issuers. Points to the caller's. */
struct fit_chain {
    const struct cert_digests *leaf;
    size_t issuers_count;
    const struct cert_digests *issuers;
};

/* Whether a usable record matches the leaf (usages 1 and 3) or an issuer (0 and 2). */
bool fit_matches(const struct tlsa *record, const struct fit_chain *chain);
/* Whether COUNT records, each at STRIDE octets from the one before, fit the chain. */
bool fit_accepts(const void *records, size_t count, size_t stride, const struct fit_chain *chain);
/*
 * Whether record INDEX is usable, of usage 2 or 3, and no record of its combination matches the
 * chain (RFC 7671 section 8).
 */
bool fit_lacks(const void *records, size_t count, size_t stride, size_t index,
               const struct fit_chain *chain);
/* The first such record; NULL where the RRset fits fully. */
const struct tlsa *fit_lack(const void *records, size_t count, size_t stride,
                            const struct fit_chain *chain);
/*
 * The record of a combination for this chain: of its leaf, or for usage 2 of the leaf's issuer. -1
 * where it cannot be made from digests, or the chain has no issuer.
 */
int fit_make(struct tlsa *record, struct tlsa_combination c, const struct fit_chain *chain);

#endif
