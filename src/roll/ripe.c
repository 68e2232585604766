#include "roll/ripe.h"

/*
 * The combinations that can be rolled from a leaf alone. Usage 3 only: usage 1 is not for SMTP
 * (RFC 7672 section 3.1.3), usage 2 names an issuer.
 */
static const struct tlsa_combination rollable[RIPE_RECORDS_MOST] = {
    {TLSA_USAGE_DANE_EE, TLSA_SELECTOR_SPKI, TLSA_MATCHING_SHA256},
    {TLSA_USAGE_DANE_EE, TLSA_SELECTOR_SPKI, TLSA_MATCHING_SHA512},
    {TLSA_USAGE_DANE_EE, TLSA_SELECTOR_CERT, TLSA_MATCHING_SHA256},
    {TLSA_USAGE_DANE_EE, TLSA_SELECTOR_CERT, TLSA_MATCHING_SHA512},
};

static bool is_wanted(const struct conf_host *host, const struct provider_rrset *set,
                      struct tlsa_combination c)
{
    for (size_t i = 0; i < host->records_count; i++) {
        struct tlsa_combination own = {host->records[i].usage, host->records[i].selector,
                                       host->records[i].matching};
        if (tlsa_same_combination(own, c))
            return true;
    }
    for (size_t i = 0; i < set->count; i++) {
        const struct tlsa *tlsa = &set->records[i].tlsa;
        if (tlsa_usable(tlsa) && tlsa_same_combination(tlsa->combination, c))
            return true;
    }
    return false;
}

size_t ripe_records(const struct conf_host *host, const struct provider_rrset *set,
                    const struct cert_digests *leaf, struct tlsa records[RIPE_RECORDS_MOST])
{
    size_t count = 0;
    for (size_t c = 0; c < RIPE_RECORDS_MOST; c++) {
        if (is_wanted(host, set, rollable[c]) && tlsa_make(&records[count], rollable[c], leaf) == 0)
            count++;
    }
    return count;
}

bool ripe_holds(const struct provider_rrset *set, const struct tlsa *record)
{
    for (size_t i = 0; i < set->count; i++) {
        if (tlsa_equal(&set->records[i].tlsa, record))
            return true;
    }
    return false;
}

static int64_t waiting_time(const struct conf_waits *waits, const struct state_record *record)
{
    int64_t wait = waits->publish;
    int64_t caches = 2 * (int64_t)record->lifetime + waits->margin;
    if (record->first)
        return wait;
    if (caches > wait)
        wait = caches;
    return waits->floor > wait ? waits->floor : wait;
}

int64_t ripe_in_rrset(const struct conf_host *host, const struct provider_rrset *set,
                      const struct state *state, const struct cert_digests *leaf,
                      const struct moment *now)
{
    struct tlsa records[RIPE_RECORDS_MOST];
    size_t count = ripe_records(host, set, leaf, records);
    int64_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        const struct state_record *known = state_record(state, set->owner, &records[i]);
        if (!ripe_holds(set, &records[i]) || known == NULL || !known->seen)
            return -1;
        int64_t elapsed = state_elapsed(&known->since, now);
        int64_t left = waiting_time(&host->waits, known) - (elapsed < 0 ? 0 : elapsed);
        if (left > longest)
            longest = left;
    }
    return longest;
}
