#include "dane/fit.h"

static const struct tlsa *at(const void *records, size_t stride, size_t index)
{
    return (const struct tlsa *)(const void *)((const char *)records + stride * index);
}

static bool names_issuer(struct tlsa_combination c)
{
    return c.usage == TLSA_USAGE_PKIX_TA || c.usage == TLSA_USAGE_DANE_TA;
}

/* The record as one of a leaf: what it says about a certificate does not depend on the usage. */
static struct tlsa as_leafs(const struct tlsa *record)
{
    struct tlsa same = *record;
    same.combination.usage = TLSA_USAGE_DANE_EE;
    return same;
}

bool fit_matches(const struct tlsa *record, const struct fit_chain *chain)
{
    if (!names_issuer(record->combination))
        return tlsa_matches(record, chain->leaf);
    struct tlsa same = as_leafs(record);
    for (size_t i = 0; i < chain->issuers_count; i++) {
        if (tlsa_matches(&same, &chain->issuers[i]))
            return true;
    }
    return false;
}

/* Whether a client can use it that takes usages 2 and 3 only, and KNOWS_512 or not. */
static bool is_usable(const struct tlsa *record, bool knows_512)
{
    return tlsa_usable(record) && record->combination.usage >= TLSA_USAGE_DANE_TA &&
           (knows_512 || record->combination.matching != TLSA_MATCHING_SHA512);
}

/* Digest agility (RFC 7671 section 9): a stronger digest of its usage and selector stands there. */
static bool is_overruled(const void *records, size_t count, size_t stride,
                         const struct tlsa *record)
{
    struct tlsa_combination stronger = record->combination;
    if (stronger.matching != TLSA_MATCHING_SHA256)
        return false;
    stronger.matching = TLSA_MATCHING_SHA512;
    for (size_t i = 0; i < count; i++) {
        const struct tlsa *other = at(records, stride, i);
        if (tlsa_usable(other) && tlsa_same_combination(other->combination, stronger))
            return true;
    }
    return false;
}

static bool accepts(const void *records, size_t count, size_t stride, const struct fit_chain *chain,
                    bool knows_512)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const struct tlsa *record = at(records, stride, i);
        if (!is_usable(record, knows_512) ||
            (knows_512 && is_overruled(records, count, stride, record)))
            continue;
        any = true;
        if (fit_matches(record, chain))
            return true;
    }
    return !any;
}

bool fit_accepts(const void *records, size_t count, size_t stride, const struct fit_chain *chain)
{
    return accepts(records, count, stride, chain, false) &&
           accepts(records, count, stride, chain, true);
}

bool fit_lacks(const void *records, size_t count, size_t stride, size_t index,
               const struct fit_chain *chain)
{
    const struct tlsa *record = at(records, stride, index);
    bool matched = !is_usable(record, true);
    for (size_t k = 0; !matched && k < count; k++) {
        const struct tlsa *other = at(records, stride, k);
        matched = tlsa_same_combination(other->combination, record->combination) &&
                  fit_matches(other, chain);
    }
    return !matched;
}

const struct tlsa *fit_lack(const void *records, size_t count, size_t stride,
                            const struct fit_chain *chain)
{
    for (size_t i = 0; i < count; i++) {
        if (fit_lacks(records, count, stride, i, chain))
            return at(records, stride, i);
    }
    return NULL;
}

int fit_make(struct tlsa *record, struct tlsa_combination c, const struct fit_chain *chain)
{
    struct tlsa_combination leafs = {TLSA_USAGE_DANE_EE, c.selector, c.matching};
    if (!names_issuer(c))
        return tlsa_make(record, c, chain->leaf);
    if (c.usage != TLSA_USAGE_DANE_TA || chain->issuers_count == 0 ||
        tlsa_make(record, leafs, &chain->issuers[0]) != 0)
        return -1;
    record->combination.usage = c.usage;
    return 0;
}
