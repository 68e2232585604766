#include "roll/verdict.h"

#include "cert/spki.h"

#include <string.h>

static void tell(uint8_t digest[32], const struct conf_pair *pair, const char *const *names,
                 size_t names_count, const struct trust *trust, const struct pair_found *found)
{
    verdicts_begin(digest, trust);
    cert_mix(digest, &found->leaf, sizeof found->leaf);
    cert_mix(digest, found->issuers, found->issuers_count * sizeof found->issuers[0]);
    cert_mix(digest, pair->certificate, strlen(pair->certificate) + 1);
    for (size_t i = 0; i < names_count; i++)
        cert_mix(digest, names[i], strlen(names[i]) + 1);
}

void verdict_check(struct verdicts *verdicts, const struct conf_pair *pair,
                   const char *const *names, size_t names_count, const char *ca_file,
                   struct pair_found *found)
{
    uint8_t digest[32];
    struct trust trust = {NULL, NULL};
    if (found->code != PAIR_READ)
        return;
    if (pair_trust(pair, ca_file, &trust) != 0) {
        pair_check(pair, names, names_count, ca_file, found);
        return;
    }
    tell(digest, pair, names, names_count, &trust, found);
    if (verdicts_know(verdicts, digest)) {
        pair_check_dates(pair, found);
        return;
    }
    pair_check(pair, names, names_count, ca_file, found);
    if (found->code == PAIR_READ)
        verdicts_keep(verdicts, digest);
}
