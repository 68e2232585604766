#include "roll/state.h"

#include "base/name.h"

#include <string.h>

void state_init(struct state *state, struct arena *arena)
{
    memset(state, 0, sizeof *state);
    state->arena = arena;
}

bool state_same_key(const struct cert_digests *a, const struct cert_digests *b)
{
    return memcmp(a->spki512, b->spki512, sizeof a->spki512) == 0;
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

bool state_has_key(const struct state_pair *pair, const struct cert_digests *leaf)
{
    for (const struct state_leaf *l = pair->leafs; l != NULL; l = l->next) {
        if (state_same_key(&l->digests, leaf))
            return true;
    }
    return false;
}

const struct cert_digests *state_last_leaf(const struct state_pair *pair)
{
    const struct state_leaf *l = pair->leafs;
    while (l != NULL && l->next != NULL)
        l = l->next;
    return l == NULL ? NULL : &l->digests;
}

int state_note_leaf(struct state *state, struct state_pair *pair, const struct cert_digests *leaf)
{
    struct cert_digests kept = *leaf; /* LEAF may be in the list */
    struct state_leaf *made = NULL;
    struct state_leaf **at = &pair->leafs;
    size_t count = 0;
    while (*at != NULL) {
        if (state_same_leaf(&(*at)->digests, &kept)) {
            made = *at;
            *at = made->next;
            continue;
        }
        count++;
        at = &(*at)->next;
    }
    if (made == NULL)
        made = arena_take(state->arena, 1, sizeof *made);
    if (made == NULL)
        return STATE_NO_MEMORY;
    made->digests = kept;
    made->next = NULL;
    *at = made;
    if (count >= STATE_LEAFS_MOST)
        pair->leafs = pair->leafs->next;
    return 0;
}

/* --- owner names and waits ------------------------------------------------------------------- */

struct state_owner *state_owner(const struct state *state, const char *name)
{
    for (struct state_owner *o = state->owners; o != NULL; o = o->next) {
        if (name_equal(o->name, name))
            return o;
    }
    return NULL;
}

struct state_owner *state_owner_make(struct state *state, const char *name)
{
    struct state_owner *owner = state_owner(state, name);
    struct state_owner **end = &state->owners;
    if (owner != NULL)
        return owner;
    owner = arena_take(state->arena, 1, sizeof *owner);
    if (owner == NULL || name_canonical(name, owner->name, sizeof owner->name) != 0)
        return NULL;
    while (*end != NULL)
        end = &(*end)->next;
    *end = owner;
    return owner;
}

struct state_wait *state_wait(const struct state *state, const char *owner,
                              const struct cert_digests *leaf)
{
    for (struct state_wait *w = state->waits; w != NULL; w = w->next) {
        if (memcmp(w->key, leaf->spki256, sizeof w->key) == 0 &&
            memcmp(w->certificate, leaf->certificate256, sizeof w->certificate) == 0 &&
            name_equal(w->owner, owner))
            return w;
    }
    return NULL;
}

struct state_wait *state_wait_make(struct state *state, const char *owner,
                                   const struct cert_digests *leaf)
{
    struct state_wait *wait = state_wait(state, owner, leaf);
    struct state_wait **end = &state->waits;
    if (wait != NULL)
        return wait;
    wait = arena_take(state->arena, 1, sizeof *wait);
    if (wait == NULL || name_canonical(owner, wait->owner, sizeof wait->owner) != 0)
        return NULL;
    memcpy(wait->key, leaf->spki256, sizeof wait->key);
    memcpy(wait->certificate, leaf->certificate256, sizeof wait->certificate);
    while (*end != NULL)
        end = &(*end)->next;
    *end = wait;
    return wait;
}

void state_wait_drop(struct state *state, const struct state_wait *wait)
{
    for (struct state_wait **at = &state->waits; *at != NULL; at = &(*at)->next) {
        if (*at == wait) {
            *at = wait->next;
            return;
        }
    }
}

/* --- records --------------------------------------------------------------------------------- */

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

void state_record_drop(struct state *state, const struct state_record *record)
{
    for (struct state_record **at = &state->records; *at != NULL; at = &(*at)->next) {
        if (*at == record) {
            *at = record->next;
            return;
        }
    }
}

/* --- what was said --------------------------------------------------------------------------- */

/* Where TEXT stands in the list, or the list's end. */
static struct state_said **find_said(struct state *state, const char *text, uint8_t digest[32])
{
    struct state_said **at = &state->said;
    cert_sha256((const uint8_t *)text, strlen(text), digest);
    while (*at != NULL && memcmp((*at)->digest, digest, sizeof(*at)->digest) != 0)
        at = &(*at)->next;
    return at;
}

bool state_said_keep(struct state *state, const char *text)
{
    uint8_t digest[sizeof state->said->digest];
    struct state_said *said = *find_said(state, text, digest);
    if (said != NULL)
        said->now = true;
    return said != NULL;
}

bool state_said(struct state *state, const char *text)
{
    uint8_t digest[sizeof state->said->digest];
    if (state_said_keep(state, text))
        return true;
    struct state_said **end = find_said(state, text, digest);
    struct state_said *said = arena_take(state->arena, 1, sizeof *said);
    if (said == NULL)
        return false;
    memcpy(said->digest, digest, sizeof digest);
    said->now = true;
    *end = said;
    return false;
}

bool state_said_now(struct state *state, const char *text)
{
    uint8_t digest[sizeof state->said->digest];
    const struct state_said *said = *find_said(state, text, digest);
    return said != NULL && said->now;
}

void state_said_forget(struct state *state, const char *text)
{
    uint8_t digest[sizeof state->said->digest];
    struct state_said **at = find_said(state, text, digest);
    if (*at != NULL)
        *at = (*at)->next;
}

void state_said_sweep(struct state *state)
{
    struct state_said **at = &state->said;
    while (*at != NULL) {
        if ((*at)->now) {
            (*at)->now = false;
            at = &(*at)->next;
        } else {
            *at = (*at)->next;
        }
    }
}

/* --------------------------------------------------------------------------------------------- */

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
