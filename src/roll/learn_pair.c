/* What the state learns of a pair: which leafs services may serve. */
#include "roll/learning.h"

static bool is_algorithm(const struct world_shown *shown, enum cert_algorithm algorithm)
{
    return (shown->algorithm == PROBE_RSA) == (algorithm == CERT_RSA);
}

/* What services of a pair's hosts show of its kind of key. */
struct showing {
    const struct cert_digests *first; /* NULL: nothing */
    const struct cert_digests *own;   /* the first with the key that stands on disk; NULL: none */
    bool matched;                     /* one of them shows what stands on disk */
    bool unseen;                      /* one of them could not be seen */
};

static struct showing what_shows(const struct learning *l, size_t p,
                                 const struct pair_found *stands)
{
    const struct conf *conf = l->k.conf;
    struct showing showing = {NULL, NULL, false, false};
    for (size_t h = 0; h < conf->hosts_count; h++) {
        for (size_t s = 0; need_has_pair(&conf->hosts[h], p) && s < conf->hosts[h].services_count;
             s++) {
            const struct world_service *service = &l->k.seen->hosts[h].services[s];
            for (size_t i = 0; i < service->count; i++) {
                const struct world_shown *shown = &service->shown[i];
                showing.unseen = showing.unseen || shown->code == PROBE_UNSEEN;
                if (shown->code != PROBE_SERVED || !is_algorithm(shown, stands->algorithm))
                    continue;
                if (showing.first == NULL)
                    showing.first = &shown->leaf;
                if (showing.own == NULL && state_same_key(&shown->leaf, &stands->leaf))
                    showing.own = &shown->leaf;
                showing.matched = showing.matched || state_same_leaf(&shown->leaf, &stands->leaf);
            }
        }
    }
    return showing;
}

/*
 * The first look at a pair: what stands where services read, or else what they show. One leaf: what
 * else is shown may be another server's, and is vouched for as long as it is.
 */
static int begin_pair(struct learning *l, size_t p, struct state_pair *pair)
{
    const struct observed_pair *seen = &l->k.seen->pairs[p];
    bool staged = l->k.conf->pairs[p].install != NULL;
    const struct pair_found *stands = staged ? &seen->current : &seen->source;
    struct showing showing = what_shows(l, p, stands);
    bool loaded = showing.first == NULL || showing.matched;
    pair->began = true;
    pair->begin = l->k.seen->now;
    pair->verified = false;
    if (!staged)
        return state_note_leaf(l->state, pair, loaded ? &stands->leaf : showing.first);
    if (seen->previous.code == PAIR_READ &&
        state_note_leaf(l->state, pair, &seen->previous.leaf) != 0)
        return STATE_NO_MEMORY;
    /* A lost state may have known of a command that has still to run. */
    pair->reload = pair->reload || !loaded;
    return state_note_leaf(l->state, pair, &stands->leaf);
}

/*
 * Nothing is installed yet: what services show is what the installation is to replace. Where one of
 * several servers shows the source's key, the others are not ours.
 */
static int begin_empty(struct learning *l, size_t p)
{
    struct showing showing = what_shows(l, p, &l->k.seen->pairs[p].source);
    if (showing.first == NULL || showing.unseen || l->k.seen->pairs[p].source.code != PAIR_READ)
        return 0;
    struct state_pair *pair = state_pair_make(l->state, l->k.conf->pairs[p].label);
    return pair == NULL
               ? STATE_NO_MEMORY
               : state_note_leaf(l->state, pair, showing.own != NULL ? showing.own : showing.first);
}

int learn_pair(struct learning *l, size_t p)
{
    const struct observed_pair *seen = &l->k.seen->pairs[p];
    const struct conf_pair *conf = &l->k.conf->pairs[p];
    const struct pair_found *stands = conf->install != NULL ? &seen->current : &seen->source;
    struct state_pair *pair = state_pair(l->state, conf->label);
    const struct cert_digests *last = pair == NULL ? NULL : state_last_leaf(pair);
    if (last == NULL && conf->install != NULL && stands->code == PAIR_ABSENT)
        return begin_empty(l, p);
    if (stands->code != PAIR_READ)
        return 0;
    if (last == NULL || (conf->install != NULL && !state_has_leaf(pair, &stands->leaf))) {
        pair = state_pair_make(l->state, conf->label);
        return pair == NULL ? STATE_NO_MEMORY : begin_pair(l, p, pair);
    }
    bool there = state_same_leaf(last, &stands->leaf);
    /* Killed after it was noted, before it was installed: what stands there counts. */
    if (conf->install != NULL && !there)
        return state_note_leaf(l->state, pair, &stands->leaf);
    if (conf->install != NULL || there)
        return 0;
    /* Services that read the source may load it at any time: known, and not yet meant to be. */
    pair->verified = false;
    if (!state_has_leaf(pair, &stands->leaf)) {
        struct cert_digests meant = *last;
        if (state_note_leaf(l->state, pair, &stands->leaf) != 0)
            return STATE_NO_MEMORY;
        return state_note_leaf(l->state, pair, &meant);
    }
    return 0;
}
