#include "roll/verify.h"

#include <string.h>

/* Whether another handshake with the same address came to a chain. */
static bool serves_otherwise(const struct world_service *service, const struct world_shown *shown)
{
    for (size_t i = 0; i < service->count; i++) {
        if (service->shown[i].code == PROBE_SERVED &&
            strcmp(service->shown[i].address, shown->address) == 0)
            return true;
    }
    return false;
}

static bool is_ours_now(const struct knowledge *k, size_t h, const struct cert_digests *leaf)
{
    const struct conf_host *host = &k->conf->hosts[h];
    struct fit_chain chain;
    for (size_t i = 0; i < host->pairs_count; i++) {
        if (need_current(k, host->pairs[i], &chain) && state_same_leaf(chain.leaf, leaf))
            return true;
    }
    return false;
}

static bool was_ours(const struct knowledge *k, size_t h, const struct cert_digests *leaf)
{
    const struct conf_host *host = &k->conf->hosts[h];
    for (size_t i = 0; i < host->pairs_count; i++) {
        const struct observed_pair *seen = &k->seen->pairs[host->pairs[i]];
        const struct state_pair *pair = state_pair(k->state, k->conf->pairs[host->pairs[i]].label);
        if ((pair != NULL && state_has_key(pair, leaf)) ||
            (seen->previous.code == PAIR_READ && state_same_key(&seen->previous.leaf, leaf)))
            return true;
    }
    return false;
}

/* What services that read the source will be made to load: some of them were faster. */
static bool is_to_come(const struct knowledge *k, size_t h, const struct cert_digests *leaf)
{
    const struct conf_host *host = &k->conf->hosts[h];
    for (size_t i = 0; i < host->pairs_count; i++) {
        const struct pair_found *source = &k->seen->pairs[host->pairs[i]].source;
        if (k->conf->pairs[host->pairs[i]].install == NULL && source->code == PAIR_READ &&
            state_same_leaf(&source->leaf, leaf))
            return true;
    }
    return false;
}

/* What is served for a kind of key is what this pair is for (facts 2.4: each on its own). */
static bool is_kind(const struct knowledge *k, size_t pair, enum probe_algorithm algorithm)
{
    const struct observed_pair *seen = &k->seen->pairs[pair];
    const struct pair_found *stands =
        seen->current.code == PAIR_READ ? &seen->current : &seen->source;
    return stands->code != PAIR_READ || (stands->algorithm == CERT_RSA) == (algorithm == PROBE_RSA);
}

static bool has_kind(const struct knowledge *k, size_t h, enum probe_algorithm algorithm)
{
    const struct conf_host *host = &k->conf->hosts[h];
    for (size_t i = 0; i < host->pairs_count; i++) {
        if (is_kind(k, host->pairs[i], algorithm))
            return true;
    }
    return false;
}

static enum verdict of_chain(const struct knowledge *k, size_t h, size_t s,
                             const struct world_shown *shown)
{
    const struct provider_rrset *set = &k->seen->hosts[h].sets[s];
    struct fit_chain chain = {&shown->leaf, shown->issuers_count, shown->issuers};
    if (is_ours_now(k, h, &shown->leaf))
        return VERDICT_NEW;
    if (is_to_come(k, h, &shown->leaf))
        return VERDICT_EARLY;
    bool ours = was_ours(k, h, &shown->leaf);
    if (!ours && need_owner(k, h, &shown->leaf) != NEED_STRANGER)
        return VERDICT_EARLY;
    if (!need_fits(set, &chain))
        return VERDICT_OTHER;
    return ours ? VERDICT_OLD : VERDICT_ANOTHER;
}

enum verdict verify_shown(const struct knowledge *k, size_t h, size_t s, size_t i)
{
    const struct world_service *service = &k->seen->hosts[h].services[s];
    const struct world_shown *shown = &service->shown[i];
    switch (shown->code) {
    case PROBE_SERVED:
        return of_chain(k, h, s, shown);
    case PROBE_UNSEEN:
    case PROBE_OLD_TLS:
        return VERDICT_UNSEEN;
    case PROBE_NO_STARTTLS:
        /* Without a record nobody misses it, and none is published. */
        return k->seen->hosts[h].sets[s].count == 0 ? VERDICT_NONE : VERDICT_OTHER;
    case PROBE_OTHER_ALGORITHM:
    case PROBE_NO_TLS:
        /* Some servers end the connection where others say that they have no such certificate. */
        if (serves_otherwise(service, shown) || !has_kind(k, h, shown->algorithm))
            return VERDICT_NONE;
        return VERDICT_OTHER;
    }
    return VERDICT_UNSEEN;
}

static void tally(struct verify_sum *sum, enum verdict verdict, size_t h, size_t s, size_t i)
{
    unsigned *const counts[] = {&sum->news,   &sum->olds, NULL,       &sum->others,
                                &sum->unseen, NULL,       &sum->early};
    bool worse =
        verdict == VERDICT_OTHER ? sum->others == 0
        : verdict == VERDICT_OLD || verdict == VERDICT_EARLY
            ? sum->others + sum->olds + sum->early == 0
            : verdict == VERDICT_UNSEEN && sum->others + sum->olds + sum->early + sum->unseen == 0;
    if (counts[verdict] != NULL)
        (*counts[verdict])++;
    if (!worse)
        return;
    sum->host = h;
    sum->service = s;
    sum->shown = i;
}

void verify_pair(const struct knowledge *k, size_t pair, struct verify_sum *sum, bool *looked)
{
    memset(sum, 0, sizeof *sum);
    *looked = true;
    for (size_t h = 0; h < k->conf->hosts_count; h++) {
        const struct conf_host *host = &k->conf->hosts[h];
        if (!need_has_pair(host, pair))
            continue;
        *looked = *looked && k->seen->hosts[h].listed;
        for (size_t s = 0; s < host->services_count; s++) {
            const struct world_service *service = &k->seen->hosts[h].services[s];
            /* No address at all: no service could be seen. */
            if (service->count == 0 && k->seen->hosts[h].listed)
                tally(sum, VERDICT_UNSEEN, h, s, 0);
            for (size_t i = 0; i < service->count; i++) {
                if (is_kind(k, pair, service->shown[i].algorithm))
                    tally(sum, verify_shown(k, h, s, i), h, s, i);
            }
        }
    }
}

bool verify_all_seen(const struct knowledge *k, size_t h, size_t s, size_t *unseen)
{
    const struct world_service *service = &k->seen->hosts[h].services[s];
    for (*unseen = 0; *unseen < service->count; (*unseen)++) {
        enum verdict verdict = verify_shown(k, h, s, *unseen);
        /* Without TLS it may come back with whatever it had. */
        if (verdict == VERDICT_UNSEEN ||
            (verdict == VERDICT_OTHER && service->shown[*unseen].code != PROBE_SERVED))
            return false;
    }
    return service->count > 0;
}
