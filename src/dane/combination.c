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

const char *combination_check(const struct conf_record *records, size_t count, size_t index,
                              bool *not_yet)
{
    const struct conf_record *r = &records[index];
    *not_yet = false;
    if (r->usage == TLSA_USAGE_PKIX_TA || r->usage == TLSA_USAGE_PKIX_EE)
        return "SMTP clients treat usages 0 and 1 as unusable (RFC 7672 section 3.1.3): use 3 1 1";
    if (r->usage > TLSA_USAGE_DANE_EE)
        return "the usage must be 3 (DANE-EE)";
    if (r->selector > TLSA_SELECTOR_SPKI)
        return "the selector must be 0 (certificate) or 1 (public key)";
    if (r->matching == TLSA_MATCHING_FULL)
        return "matching type 0 puts the whole certificate or key into DNS (RFC 7671 section "
               "10.1.2 "
               "advises against it): use 1";
    if (r->matching > TLSA_MATCHING_SHA512)
        return "the matching type must be 1 (SHA-256) or 2 (SHA-512)";
    for (size_t i = 0; i < index; i++) {
        if (same(&records[i], r))
            return "given twice";
    }
    if (r->usage == TLSA_USAGE_DANE_TA) {
        *not_yet = true;
        return "records of an issuer (usage 2) come with a later release: use 3 1 1";
    }
    if (r->matching == TLSA_MATCHING_SHA512 && !has_sha256(records, count, r))
        return "clients need not know SHA-512 (RFC 7671 section 2): give the same usage and "
               "selector "
               "with matching type 1 beside it";
    return NULL;
}
