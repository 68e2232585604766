#include "roll/state.h"

#include "base/name.h"

#include <string.h>

void state_init(struct state *state, struct arena *arena)
{
    state->arena = arena;
    state->pairs = NULL;
    state->records = NULL;
}

bool state_same_leaf(const struct cert_digests *a, const struct cert_digests *b)
{
    return memcmp(a->certificate512, b->certificate512, sizeof a->certificate512) == 0 &&
           memcmp(a->spki512, b->spki512, sizeof a->spki512) == 0;
}

struct state_pair *state_pair(const struct state *state, const char *label)
{
    for (struct state_pair *p = state->pairs; p != NULL; p = p->next) {
        if (strcmp(p->label, label) == 0)
            return p;
    }
    return NULL;
}

struct state_pair *state_pair_make(struct state *state, const char *label)
{
    struct state_pair *pair = state_pair(state, label);
    struct state_pair **end = &state->pairs;
    if (pair != NULL)
        return pair;
    if (strlen(label) > CONF_LABEL_MOST)
        return NULL;
    pair = arena_take(state->arena, 1, sizeof *pair);
    if (pair == NULL)
        return NULL;
    memcpy(pair->label, label, strlen(label) + 1);
    while (*end != NULL)
        end = &(*end)->next;
    *end = pair;
    return pair;
}

bool state_has_leaf(const struct state_pair *pair, const struct cert_digests *leaf)
{
    for (const struct state_leaf *l = pair->leafs; l != NULL; l = l->next) {
        if (state_same_leaf(&l->digests, leaf))
            return true;
    }
    return false;
}

int state_note_leaf(struct state *state, struct state_pair *pair, const struct cert_digests *leaf)
{
    struct state_leaf **end = &pair->leafs;
    if (state_has_leaf(pair, leaf))
        return 0;
    struct state_leaf *made = arena_take(state->arena, 1, sizeof *made);
    if (made == NULL)
        return STATE_NO_MEMORY;
    made->digests = *leaf;
    while (*end != NULL)
        end = &(*end)->next;
    *end = made;
    return 0;
}

bool state_fits(const struct state *state, const struct conf *conf, const struct conf_host *host,
                const struct tlsa *record)
{
    for (size_t i = 0; i < host->pairs_count; i++) {
        const struct state_pair *pair = state_pair(state, conf->pairs[host->pairs[i]].label);
        if (pair == NULL)
            continue;
        for (const struct state_leaf *l = pair->leafs; l != NULL; l = l->next) {
            if (tlsa_matches(record, &l->digests))
                return true;
        }
    }
    return false;
}

struct state_record *state_record(const struct state *state, const char *owner,
                                  const struct tlsa *tlsa)
{
    for (struct state_record *r = state->records; r != NULL; r = r->next) {
        if (name_equal(r->owner, owner) && tlsa_equal(&r->tlsa, tlsa))
            return r;
    }
    return NULL;
}

struct state_record *state_record_make(struct state *state, const char *owner,
                                       const struct tlsa *tlsa)
{
    struct state_record *record = state_record(state, owner, tlsa);
    struct state_record **end = &state->records;
    if (record != NULL)
        return record;
    record = arena_take(state->arena, 1, sizeof *record);
    if (record == NULL || name_canonical(owner, record->owner, sizeof record->owner) != 0)
        return NULL;
    record->tlsa = *tlsa;
    while (*end != NULL)
        end = &(*end)->next;
    *end = record;
    return record;
}

void state_record_drop(struct state *state, struct state_record *record)
{
    for (struct state_record **at = &state->records; *at != NULL; at = &(*at)->next) {
        if (*at == record) {
            *at = record->next;
            return;
        }
    }
}

int64_t state_elapsed(const struct moment *then, const struct moment *now)
{
    int64_t elapsed;
    if (then->boot[0] != '\0' && strcmp(then->boot, now->boot) == 0)
        elapsed = now->boottime - then->boottime;
    else if (then->proven && now->proven)
        elapsed = now->wall - then->wall;
    else
        return -1;
    if (elapsed < 0)
        return -1;
    /* Both ends were rounded down: up to a second of the difference may not have passed. */
    return elapsed > 0 ? elapsed - 1 : 0;
}
