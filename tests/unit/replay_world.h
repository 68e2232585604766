/* A replay file's world behind the engine's seam. */
#ifndef TESTS_UNIT_REPLAY_WORLD_H
#define TESTS_UNIT_REPLAY_WORLD_H

#include "replay.h"

/* --- the network half ------------------------------------------------------------------------ */

static inline struct provider_result replay_result(enum provider_code code, const char *words)
{
    struct provider_result result = {.code = code};
    REPLAY_COPY(result.words, words);
    return result;
}

/* *DONE: whether the call takes effect. */
static inline struct provider_result replay_mishap(struct replay *r, enum replay_mishap *mishap,
                                                   bool *done)
{
    enum replay_mishap kind = *mishap;
    struct provider_result result;
    *mishap = MISHAP_NONE;
    *done = kind == MISHAP_NONE || kind == MISHAP_LOST;
    switch (kind) {
    case MISHAP_NONE:
        break;
    case MISHAP_LOST:
    case MISHAP_VANISHED:
        return replay_result(PROVIDER_UNKNOWN, "the answer was lost");
    case MISHAP_LATER:
        result = replay_result(PROVIDER_LATER, "the provider is busy");
        result.later = r->later;
        return result;
    case MISHAP_REFUSED:
        return replay_result(PROVIDER_REFUSED, "the provider refuses");
    case MISHAP_WRONG:
        result = replay_result(PROVIDER_REFUSED, "the token is wrong");
        result.usage = true;
        return result;
    case MISHAP_CONFLICT:
        return replay_result(PROVIDER_CONFLICT, "the RRset is another by now");
    }
    return replay_result(PROVIDER_DONE, "");
}

static inline struct provider_result replay_list(void *context, size_t provider, const char *host,
                                                 struct provider_rrset *sets, size_t count,
                                                 struct arena *arena)
{
    struct replay *r = context;
    bool done;
    (void)provider;
    (void)host;
    r->network_calls++;
    bool before = r->list != MISHAP_NONE && r->list_after > 0;
    enum replay_mishap none = MISHAP_NONE;
    r->list_after -= before ? 1 : 0;
    struct provider_result result = replay_mishap(r, before ? &none : &r->list, &done);
    if (!done)
        return result;
    for (size_t i = 0; i < count; i++) {
        const struct replay_rrset *set = replay_set(&r->provider, sets[i].owner);
        sets[i].count = set->count;
        sets[i].records = arena_take(arena, set->count + 1, sizeof set->records[0]);
        assert_non_null(sets[i].records);
        memcpy(sets[i].records, set->records, set->count * sizeof set->records[0]);
    }
    return result;
}

/* Whether SEEN is what the provider holds: one that compares (rfc2136) carries out nothing else. */
static inline bool replay_is_seen(struct replay *r, const struct provider_rrset *seen)
{
    const struct replay_rrset *set = replay_set(&r->provider, seen->owner);
    bool same = set->count == seen->count;
    for (size_t i = 0; same && i < set->count; i++) {
        same = false;
        for (size_t k = 0; !same && k < seen->count; k++)
            same = tlsa_equal(&set->records[i].tlsa, &seen->records[k].tlsa);
    }
    return same;
}

static inline struct provider_result replay_add(void *context, size_t provider, const char *host,
                                                const struct provider_rrset *seen,
                                                const struct tlsa *record, uint32_t ttl)
{
    struct replay *r = context;
    char text[TLSA_TEXT_SIZE];
    bool done;
    (void)provider;
    (void)host;
    r->network_calls++;
    replay_print_record(r, record, text, sizeof text);
    replay_log(r, "ADD %s %s", seen->owner, text)->ttl = ttl;
    if (!replay_is_seen(r, seen))
        return replay_result(PROVIDER_CONFLICT, "it is not what was seen");
    struct provider_result result = replay_mishap(r, &r->add, &done);
    if (done && !replay_set_add(replay_set(&r->provider, seen->owner), record, ttl, ttl == 1))
        return replay_result(PROVIDER_ALREADY, "");
    return result;
}

static inline struct provider_result replay_remove(void *context, size_t provider, const char *host,
                                                   const struct provider_rrset *seen,
                                                   const struct provider_record *record)
{
    struct replay *r = context;
    char text[TLSA_TEXT_SIZE];
    bool done;
    (void)provider;
    (void)host;
    r->network_calls++;
    replay_print_record(r, &record->tlsa, text, sizeof text);
    (void)replay_log(r, "REMOVE %s %s", seen->owner, text);
    if (!replay_is_seen(r, seen))
        return replay_result(PROVIDER_CONFLICT, "it is not what was seen");
    struct provider_result result = replay_mishap(r, &r->remove, &done);
    if (done && !replay_set_remove(replay_set(&r->provider, seen->owner), &record->tlsa))
        return replay_result(PROVIDER_ALREADY, "");
    return result;
}

static inline void replay_answer(struct replay *r, struct replay_server *server, const char *owner,
                                 struct world_server *found, struct arena *arena)
{
    struct replay_zone *zone = server->frozen ? &server->zone : &r->provider;
    const struct replay_rrset *set = replay_set(zone, owner);
    if (set->count == 0 && strcmp(r->wildcard.owner, owner) == 0)
        set = &r->wildcard;
    REPLAY_COPY(found->name, server->name);
    REPLAY_COPY(found->address, server->address);
    found->answer = server->answer;
    if (found->answer == WORLD_SILENT)
        found->words = "no answer within 5 s";
    if (found->answer == WORLD_LAME)
        found->words = "REFUSED";
    if (found->answer != WORLD_RRSET)
        return;
    found->answer = set->count > 0 ? WORLD_RRSET : WORLD_DENIAL;
    found->count = set->count;
    found->records = arena_take(arena, set->count + 1, sizeof *found->records);
    assert_non_null(found->records);
    found->lifetime = set->count > 0 ? r->signed_ttl : 0;
    for (size_t i = 0; i < set->count; i++) {
        found->records[i] = set->records[i].tlsa;
        if (set->records[i].ttl > found->lifetime)
            found->lifetime = set->records[i].ttl;
    }
}

static inline void replay_follow_alias(const struct replay *r, const char *owner,
                                       struct world_view *view)
{
    REPLAY_COPY(view->owner, owner);
    for (size_t i = 0; i < r->aliases.count; i++) {
        const char *to = strchr(r->aliases.sets[i].owner, ' ');
        size_t length = (size_t)(to - r->aliases.sets[i].owner);
        if (strlen(owner) == length && memcmp(owner, r->aliases.sets[i].owner, length) == 0) {
            REPLAY_COPY(view->owner, to + 1);
            view->alias = true;
        }
    }
}

static inline int replay_look_up(void *context, const struct conf_host *host, const char *owner,
                                 struct world_view *view, struct arena *arena)
{
    struct replay *r = context;
    r->network_calls++;
    replay_follow_alias(r, owner, view);
    view->signature_end = -1;
    if (r->blind[0] != '\0') {
        view->words = r->blind;
        return 0;
    }
    view->asked = true;
    view->zone = r->zone;
    view->words = r->zone_words[0] == '\0' ? NULL : r->zone_words;
    view->negative = 1800;
    if (host->propagation != CONF_PROPAGATION_ALL)
        view->settle = r->settle;
    if (host->propagation == CONF_PROPAGATION_TIME)
        return 0;
    view->wildcard = strcmp(r->wildcard.owner, view->owner) == 0 &&
                     replay_set(&r->provider, view->owner)->count == 0;
    if (r->signature_life >= 0)
        view->signature_end = r->now.wall + r->signature_life;
    view->servers_count = host->propagation == CONF_PROPAGATION_ALL ? r->servers_count : 1;
    view->servers = arena_take(arena, view->servers_count, sizeof *view->servers);
    assert_non_null(view->servers);
    for (size_t i = 0; i < view->servers_count; i++)
        replay_answer(r, &r->servers[i], view->owner, &view->servers[i], arena);
    return 0;
}

static inline const char *replay_other_mx(void *context, const struct conf_host *host,
                                          const char **alias_of, struct arena *arena)
{
    struct replay *r = context;
    struct world_view view = {.alias = false};
    r->network_calls++;
    replay_follow_alias(r, host->name, &view);
    if (view.alias)
        *alias_of = arena_text(arena, view.owner, strlen(view.owner));
    return strcmp(r->mx_host, host->name) == 0 ? r->mx : NULL;
}

static inline void replay_shake(struct replay *r, struct replay_place *place,
                                enum probe_algorithm algorithm, struct world_shown *shown)
{
    static const struct {
        enum probe_code code;
        const char *words;
    } faults[] = {
        [FAULT_UNSEEN] = {PROBE_UNSEEN, "no connection: timed out"},
        [FAULT_NO_STARTTLS] = {PROBE_NO_STARTTLS, "it does not offer STARTTLS"},
        [FAULT_NO_TLS] = {PROBE_NO_TLS, "STARTTLS is refused: 454"},
        [FAULT_OLD_TLS] = {PROBE_OLD_TLS, "it knows no TLS 1.2"},
    };
    memset(shown, 0, sizeof *shown);
    REPLAY_COPY(shown->address, place->address);
    shown->algorithm = algorithm;
    if (place->fault != FAULT_NONE) {
        shown->code = faults[place->fault].code;
        shown->words = faults[place->fault].words;
        return;
    }
    if (place->mode == MODE_LIVE || place->mode == MODE_SOURCE)
        replay_load(r, place, NULL, place->mode == MODE_SOURCE);
    const struct pair_found *loaded = &place->loaded[algorithm];
    shown->code = loaded->code == PAIR_READ ? PROBE_SERVED : PROBE_OTHER_ALGORITHM;
    if (shown->code != PROBE_SERVED)
        return;
    shown->leaf = loaded->leaf;
    shown->issuers_count = loaded->issuers_count;
}

static inline int replay_probe(void *context, const struct conf_host *host, size_t service,
                               unsigned expected, struct world_service *found, struct arena *arena)
{
    struct replay *r = context;
    (void)expected;
    r->network_calls++;
    found->shown = arena_take(arena, 2 * REPLAY_PLACES, sizeof *found->shown);
    assert_non_null(found->shown);
    for (size_t i = 0; i < r->places_count; i++) {
        struct replay_place *place = &r->places[i];
        if (strcmp(place->host, host->name) != 0 ||
            strcmp(place->service, host->services[service].name) != 0)
            continue;
        if (place->fault == FAULT_NOWHERE) {
            found->words = "no address";
            continue;
        }
        for (int a = 0; a < 2; a++) {
            struct world_shown *shown = &found->shown[found->count++];
            replay_shake(r, place, a == 0 ? PROBE_ECDSA : PROBE_RSA, shown);
            /* In memory of the answer's own: the place may load something else meanwhile. */
            shown->issuers = arena_take(arena, 1, sizeof *shown->issuers);
            assert_non_null(shown->issuers);
            if (shown->issuers_count > 0)
                shown->issuers[0] = place->loaded[shown->algorithm].issuers[0];
        }
    }
    return 0;
}

static inline bool replay_proves(void *context, const struct moment *now)
{
    const struct replay *r = context;
    (void)now;
    return r->clock_by_network && r->network_calls > 0;
}

static inline void replay_rest(void *context)
{
    (void)context;
}

/* --- the local half -------------------------------------------------------------------------- */

static inline void replay_read_pair(void *context, size_t pair, enum world_place place,
                                    struct pair_found *found)
{
    struct replay *r = context;
    const struct replay_pair *p = replay_pair(r, r->conf->pairs[pair].label);
    const struct replay_file *const files[] = {
        [WORLD_SOURCE] = &p->source,
        [WORLD_CURRENT] = &p->current,
        [WORLD_PREVIOUS] = &p->previous,
        [WORLD_NEXT_KEY] = &p->next_key,
    };
    *found = files[place]->found;
    if (place != WORLD_NEXT_KEY)
        return;
    /* Of a next key only the key is known. */
    memset(found->leaf.certificate256, 0, sizeof found->leaf.certificate256);
    memset(found->leaf.certificate512, 0, sizeof found->leaf.certificate512);
}

static inline void replay_check_pair(void *context, size_t pair, struct pair_found *found)
{
    struct replay *r = context;
    const struct replay_file *source = &replay_pair(r, r->conf->pairs[pair].label)->source;
    if (source->unfit[0] == '\0')
        return;
    found->code = PAIR_UNFIT;
    REPLAY_COPY(found->words, source->unfit);
}

static inline int replay_install(void *context, size_t pair, const struct cert_digests *leaf,
                                 char words[WORLD_WORDS_SIZE])
{
    struct replay *r = context;
    struct replay_pair *p = replay_pair(r, r->conf->pairs[pair].label);
    enum replay_mishap mishap = r->install;
    (void)replay_log(r, "INSTALL %s %s", p->label, replay_leaf_name(r, leaf));
    r->install = MISHAP_NONE;
    if (mishap != MISHAP_NONE) {
        (void)snprintf(words, WORLD_WORDS_SIZE, "no space left on device");
        return INSTALL_FAILED;
    }
    if (p->source.found.code != PAIR_READ || !state_same_leaf(&p->source.found.leaf, leaf))
        return INSTALL_LATER;
    if (p->current.found.code == PAIR_READ && !state_same_leaf(&p->current.found.leaf, leaf))
        p->previous = p->current;
    p->current = p->source;
    return INSTALL_CHANGED;
}

static inline int replay_put_back(void *context, size_t pair, const struct cert_digests *leaf,
                                  char words[WORLD_WORDS_SIZE])
{
    struct replay *r = context;
    struct replay_pair *p = replay_pair(r, r->conf->pairs[pair].label);
    struct replay_file former = p->current;
    (void)words;
    (void)replay_log(r, "PUT BACK %s %s", p->label, replay_leaf_name(r, leaf));
    if (p->current.found.code == PAIR_READ && state_same_leaf(&p->current.found.leaf, leaf))
        return INSTALL_SAME;
    if (p->previous.found.code != PAIR_READ || !state_same_leaf(&p->previous.found.leaf, leaf))
        return INSTALL_ABSENT;
    p->current = p->previous;
    p->previous = former;
    return INSTALL_CHANGED;
}

static inline int replay_drop_previous(void *context, size_t pair, char words[WORLD_WORDS_SIZE])
{
    struct replay *r = context;
    struct replay_pair *p = replay_pair(r, r->conf->pairs[pair].label);
    (void)words;
    if (p->previous.found.code == PAIR_ABSENT)
        return INSTALL_SAME;
    (void)replay_log(r, "DROP PREVIOUS %s", p->label);
    p->previous.found.code = PAIR_ABSENT;
    return INSTALL_CHANGED;
}

static inline int replay_load_state(void *context, char *text, size_t size,
                                    char words[WORLD_WORDS_SIZE])
{
    const struct replay *r = context;
    (void)words;
    assert_true(r->state_length < (int)size);
    if (r->state_length > 0)
        memcpy(text, r->state, (size_t)r->state_length);
    return r->state_length;
}

static inline int replay_save_state(void *context, const char *text, size_t length,
                                    char words[WORLD_WORDS_SIZE])
{
    struct replay *r = context;
    if (r->cannot_save) {
        (void)snprintf(words, WORLD_WORDS_SIZE, "no space left on device");
        return WORLD_STATE_FAILED;
    }
    /* Written only when it changes: flash wears out. */
    assert_false((int)length == r->state_length && memcmp(text, r->state, length) == 0);
    memcpy(r->state, text, length);
    r->state_length = (int)length;
    r->saves++;
    return 0;
}

static inline void replay_set_aside(void *context)
{
    struct replay *r = context;
    r->state_aside = true;
    r->state_length = WORLD_STATE_ABSENT;
}

static inline int replay_load_look(void *context, char *text, size_t size)
{
    const struct replay *r = context;
    if (r->look_length < 0 || (size_t)r->look_length > size)
        return -1;
    memcpy(text, r->look, (size_t)r->look_length);
    return r->look_length;
}

static inline void replay_save_look(void *context, const char *text, size_t length)
{
    struct replay *r = context;
    assert_true(length < sizeof r->look);
    memcpy(r->look, text, length);
    r->look_length = (int)length;
    r->looks++;
}

static inline void replay_run_hook(void *context, const struct world_hook *hook,
                                   struct world_hook_result *result)
{
    struct replay *r = context;
    const struct replay_command *command = replay_command(r, hook->command, false);
    result->succeeded = command == NULL || !command->fails;
    if (!result->succeeded)
        (void)snprintf(result->words, sizeof result->words, "exit 1");
    if (hook->message != NULL) {
        struct replay_action *action = replay_log(r, "NOTIFY %s", hook->event);
        REPLAY_COPY(action->words, hook->message);
        return;
    }
    char event[16];
    for (size_t i = 0; i <= strlen(hook->event); i++)
        event[i] = hook->event[i] == '\0' ? '\0' : (char)(hook->event[i] - 'a' + 'A');
    (void)replay_log(r, "%s %s: %s", event, hook->pair, hook->command);
    if (!result->succeeded)
        return;
    if (strcmp(event, "RENEW") != 0)
        replay_reload(r, hook->command, strcmp(event, "RESTART") == 0);
    else if (command != NULL && command->label[0] != '\0') {
        struct replay_pair *pair = replay_pair(r, command->label);
        pair->source = command->source;
        if (command->next_key.found.code == PAIR_READ)
            pair->next_key = command->next_key;
    }
}

static inline void replay_now(void *context, struct moment *now)
{
    const struct replay *r = context;
    *now = r->now;
}

static inline bool replay_wait(void *context, int64_t seconds, const char *what)
{
    struct replay *r = context;
    (void)what;
    assert_true(seconds >= 0);
    /* No run of these may go on for ever. */
    assert_true(++r->sleeps < 20000);
    replay_pass_time(r, seconds);
    if (r->pending[0] != '\0' && r->now.boottime >= r->pending_at) {
        r->happen(r, r->pending);
        r->pending[0] = '\0';
    }
    return false;
}

static inline bool replay_stopped(void *context)
{
    (void)context;
    return false;
}

static inline void replay_say(void *context, enum log_level level, const char *text)
{
    struct replay *r = context;
    if (r->messages_count == REPLAY_LOG)
        return;
    struct replay_message *message = &r->messages[r->messages_count++];
    message->level = level;
    message->expected = false;
    REPLAY_COPY(message->text, text);
}

static const struct world_network replay_network = {
    replay_list,     replay_add,   replay_remove, replay_look_up,
    replay_other_mx, replay_probe, replay_proves, replay_rest,
};

static const struct world_local replay_local = {
    .read_pair = replay_read_pair,
    .check_pair = replay_check_pair,
    .install = replay_install,
    .put_back = replay_put_back,
    .drop_previous = replay_drop_previous,
    .load_state = replay_load_state,
    .save_state = replay_save_state,
    .set_state_aside = replay_set_aside,
    .load_look = replay_load_look,
    .save_look = replay_save_look,
    .run_hook = replay_run_hook,
    .now = replay_now,
    .wait = replay_wait,
    .stopped = replay_stopped,
    .say = replay_say,
};

#endif
