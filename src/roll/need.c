#include "roll/need.h"

#include <string.h>

bool need_has_pair(const struct conf_host *host, size_t pair)
{
    for (size_t i = 0; i < host->pairs_count; i++) {
        if (host->pairs[i] == pair)
            return true;
    }
    return false;
}

static struct fit_chain chain_of(const struct pair_found *found)
{
    return (struct fit_chain){&found->leaf, found->issuers_count, found->issuers};
}

static bool same_key(const struct pair_found *found, const struct cert_digests *leaf)
{
    return found->code == PAIR_READ && state_same_key(&found->leaf, leaf);
}

size_t need_owner(const struct knowledge *k, size_t h, const struct cert_digests *leaf)
{
    const struct conf_host *host = &k->conf->hosts[h];
    for (size_t i = 0; i < host->pairs_count; i++) {
        size_t p = host->pairs[i];
        const struct observed_pair *pair = &k->seen->pairs[p];
        const struct state_pair *known = state_pair(k->state, k->conf->pairs[p].label);
        if (same_key(&pair->source, leaf) || same_key(&pair->current, leaf) ||
            same_key(&pair->previous, leaf) || same_key(&pair->next_key, leaf) ||
            (known != NULL && state_has_key(known, leaf)))
            return p;
    }
    return NEED_STRANGER;
}

bool need_current(const struct knowledge *k, size_t pair, struct fit_chain *chain)
{
    const struct observed_pair *seen = &k->seen->pairs[pair];
    const struct state_pair *known = state_pair(k->state, k->conf->pairs[pair].label);
    const struct cert_digests *last = known == NULL ? NULL : state_last_leaf(known);
    if (k->conf->pairs[pair].install != NULL) {
        *chain = chain_of(&seen->current);
        return seen->current.code == PAIR_READ;
    }
    if (last == NULL)
        return false;
    /* Its issuers are known while it stands there. */
    if (seen->source.code == PAIR_READ && state_same_leaf(&seen->source.leaf, last))
        *chain = chain_of(&seen->source);
    else
        *chain = (struct fit_chain){last, 0, NULL};
    return true;
}

struct needing {
    const struct knowledge *k;
    struct need *needs;
    size_t count;
};

static void note(struct needing *n, enum need_why why, size_t pair, struct fit_chain chain)
{
    for (size_t i = 0; i < n->count; i++) {
        if (state_same_leaf(n->needs[i].chain.leaf, chain.leaf))
            return;
    }
    if (n->count < NEED_MOST)
        n->needs[n->count++] = (struct need){why, pair, chain};
}

static void note_pair(struct needing *n, enum need_why why, size_t p)
{
    const struct observed_pair *pair = &n->k->seen->pairs[p];
    const struct state_pair *known = state_pair(n->k->state, n->k->conf->pairs[p].label);
    struct fit_chain chain;
    switch (why) {
    case NEED_CURRENT:
        if (need_current(n->k, p, &chain))
            note(n, why, p, chain);
        break;
    case NEED_SOURCE:
        if (pair->source.code == PAIR_READ)
            note(n, why, p, chain_of(&pair->source));
        break;
    case NEED_NEXT_KEY:
        if (pair->next_key.code == PAIR_READ)
            note(n, why, p, chain_of(&pair->next_key));
        break;
    case NEED_SERVED:
    case NEED_FORMER:
        if (pair->previous.code == PAIR_READ)
            note(n, why, p, chain_of(&pair->previous));
        for (const struct state_leaf *l = known == NULL ? NULL : known->leafs; l != NULL;
             l = l->next)
            note(n, why, p, (struct fit_chain){&l->digests, 0, NULL});
        break;
    }
}

static void note_pairs(struct needing *n, size_t h)
{
    static const enum need_why order[] = {NEED_CURRENT, NEED_SOURCE, NEED_NEXT_KEY, NEED_FORMER};
    const struct conf_host *host = &n->k->conf->hosts[h];
    for (size_t w = 0; w < sizeof order / sizeof order[0]; w++) {
        for (size_t i = 0; i < host->pairs_count; i++)
            note_pair(n, order[w], host->pairs[i]);
    }
}

size_t need_own(const struct knowledge *k, size_t h, struct need needs[NEED_MOST])
{
    struct needing n = {k, needs, 0};
    note_pairs(&n, h);
    return n.count;
}

size_t need_of(const struct knowledge *k, size_t h, size_t s, struct need needs[NEED_MOST])
{
    struct needing n = {k, needs, 0};
    const struct world_service *service = &k->seen->hosts[h].services[s];
    for (size_t i = 0; i < service->count; i++) {
        const struct world_shown *shown = &service->shown[i];
        if (shown->code == PROBE_SERVED)
            note(&n, NEED_SERVED, need_owner(k, h, &shown->leaf),
                 (struct fit_chain){&shown->leaf, shown->issuers_count, shown->issuers});
    }
    note_pairs(&n, h);
    return n.count;
}

/* --- records --------------------------------------------------------------------------------- */

/*
 * The combinations that are rolled along where they stand (usage 3 from digests); others that stand
 * there are not ours to make.
 */
static bool is_rolled(const struct tlsa *record)
{
    return tlsa_usable(record) && record->combination.usage == TLSA_USAGE_DANE_EE &&
           record->combination.matching != TLSA_MATCHING_FULL;
}

struct combining {
    struct tlsa_combination list[NEED_RECORDS_MOST];
    size_t count;
};

static void combine(struct combining *c, struct tlsa_combination combination)
{
    for (size_t i = 0; i < c->count; i++) {
        if (tlsa_same_combination(c->list[i], combination))
            return;
    }
    if (c->count < NEED_RECORDS_MOST)
        c->list[c->count++] = combination;
}

size_t need_records(const struct knowledge *k, size_t h, size_t s, const struct fit_chain *chain,
                    struct tlsa records[NEED_RECORDS_MOST])
{
    const struct conf_host *host = &k->conf->hosts[h];
    const struct provider_rrset *set = &k->seen->hosts[h].sets[s];
    const struct world_view *view = &k->seen->hosts[h].views[s];
    struct combining c = {.count = 0};
    size_t count = 0;
    for (size_t i = 0; i < host->records_count; i++)
        combine(&c, (struct tlsa_combination){host->records[i].usage, host->records[i].selector,
                                              host->records[i].matching});
    for (size_t i = 0; i < set->count; i++) {
        if (is_rolled(&set->records[i].tlsa))
            combine(&c, set->records[i].tlsa.combination);
    }
    /* A wildcard's RRset stands in no list of this owner name, and ours will hide it. */
    for (size_t i = 0; view->wildcard && i < view->servers_count; i++) {
        for (size_t r = 0; r < view->servers[i].count; r++) {
            if (is_rolled(&view->servers[i].records[r]))
                combine(&c, view->servers[i].records[r].combination);
        }
    }
    for (size_t i = 0; i < c.count; i++) {
        if (fit_make(&records[count], c.list[i], chain) == 0)
            count++;
    }
    return count;
}

bool need_holds(const struct provider_rrset *set, const struct tlsa *record)
{
    for (size_t i = 0; i < set->count; i++) {
        if (tlsa_equal(&set->records[i].tlsa, record))
            return true;
    }
    return false;
}

bool need_fits(const struct provider_rrset *set, const struct fit_chain *chain)
{
    return set->count == 0 ||
           fit_accepts(&set->records[0].tlsa, set->count, sizeof set->records[0], chain);
}
