#include "dane/combination.h"

#include "dane/tlsa.h"

static bool same(const struct conf_record *a, const struct conf_record *b)
{
    return a->usage == b->usage && a->selector == b->selector && a->matching == b->matching;
}

static bool has_sha256(const struct conf_record *records, size_t count, const struct conf_record *r)
{
    const struct conf_record wanted = {r->usage, r->selector, TLSA_MATCHING_SHA256};
    for (size_t i = 0; i < count; i++) {
        if (same(&records[i], &wanted))
            return true;
    }
    return false;
}

/* Whether a record of the leaf with SHA-256 is among them. */
static bool has_leafs(const struct conf_record *records, size_t count)
{
    const struct conf_record wanted = {TLSA_USAGE_DANE_EE, TLSA_SELECTOR_SPKI,
                                       TLSA_MATCHING_SHA256};
    return has_sha256(records, count, &wanted);
}

const char *combination_check(const struct conf_record *records, size_t count, size_t index)
{
    const struct conf_record *r = &records[index];
    if (r->usage == TLSA_USAGE_PKIX_TA || r->usage == TLSA_USAGE_PKIX_EE)
        return "SMTP clients treat usages 0 and 1 as unusable (RFC 7672 section 3.1.3): use 3 1 1";
    if (r->usage > TLSA_USAGE_DANE_EE)
        return "the usage must be 3 (DANE-EE) or 2 (DANE-TA)";
    if (r->selector > TLSA_SELECTOR_SPKI)
        return "the selector must be 0 (certificate) or 1 (public key)";
    if (r->matching == TLSA_MATCHING_FULL)
        return "matching type 0 puts the whole certificate or key into DNS (RFC 7671 section "
               "10.1.2 advises against it): use 1";
    if (r->matching > TLSA_MATCHING_SHA512)
        return "the matching type must be 1 (SHA-256) or 2 (SHA-512)";
    for (size_t i = 0; i < index; i++) {
        if (same(&records[i], r))
            return "given twice";
    }
    if (r->usage == TLSA_USAGE_DANE_TA && r->selector == TLSA_SELECTOR_CERT)
        return "2 0 x breaks when the CA re-issues its certificate with the same key (RFC 6698 "
               "appendix A.1.2): use 2 1 1";
    if (r->usage == TLSA_USAGE_DANE_TA && !has_leafs(records, count))
        return "CAs change the issuer without warning, so usage 2 alone breaks at a renewal: give "
               "3 1 1 beside it";
    if (r->matching == TLSA_MATCHING_SHA512 && !has_sha256(records, count, r))
        return "clients need not know SHA-512 (RFC 7671 section 2): give the same usage and "
               "selector "
               "with matching type 1 beside it";
    return NULL;
}
