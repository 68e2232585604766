#include "roll/world_dry.h"

#include "base/name.h"
#include "roll/install.h"

#include <string.h>

static void say(const struct world_dry *dry, const char *what, const char *subject,
                const char *detail)
{
    world_say(&dry->real, LOG_LEVEL_NOTICE, "would %s %s %s", what, subject, detail);
}

/* --- network --------------------------------------------------------------------------------- */

static struct provider_result remember(struct world_dry *dry, bool added, const char *owner,
                                       const struct provider_record *record)
{
    struct provider_result result = {.code = PROVIDER_DONE};
    if (dry->count == WORLD_DRY_CHANGES_MOST) {
        result.code = PROVIDER_REFUSED;
        memcpy(result.words, "the rehearsal ends here", sizeof "the rehearsal ends here");
        return result;
    }
    struct world_dry_change *change = &dry->changes[dry->count++];
    change->added = added;
    memcpy(change->owner, owner, sizeof change->owner);
    change->record = *record;
    return result;
}

static bool is_removed(const struct world_dry *dry, const char *owner, const struct tlsa *record)
{
    bool removed = false;
    for (size_t i = 0; i < dry->count; i++) {
        if (name_equal(dry->changes[i].owner, owner) &&
            tlsa_equal(&dry->changes[i].record.tlsa, record))
            removed = !dry->changes[i].added;
    }
    return removed;
}

static size_t count_added(const struct world_dry *dry, const char *owner)
{
    size_t count = 0;
    for (size_t i = 0; i < dry->count; i++) {
        if (dry->changes[i].added && name_equal(dry->changes[i].owner, owner))
            count++;
    }
    return count;
}

/* The real RRset with what the rehearsal did to it. */
static int overlay(const struct world_dry *dry, struct provider_rrset *set, struct arena *arena)
{
    struct provider_record *records =
        arena_take(arena, set->count + count_added(dry, set->owner), sizeof *records);
    size_t count = 0;
    if (records == NULL)
        return -1;
    for (size_t i = 0; i < set->count; i++) {
        if (!is_removed(dry, set->owner, &set->records[i].tlsa))
            records[count++] = set->records[i];
    }
    for (size_t i = 0; i < dry->count; i++) {
        const struct world_dry_change *change = &dry->changes[i];
        if (change->added && name_equal(change->owner, set->owner) &&
            !is_removed(dry, set->owner, &change->record.tlsa))
            records[count++] = change->record;
    }
    set->records = records;
    set->count = count;
    return 0;
}

static struct provider_result dry_list(void *context, size_t provider, const char *host,
                                       struct provider_rrset *sets, size_t count,
                                       struct arena *arena)
{
    struct world_dry *dry = context;
    struct provider_result result =
        dry->real.network->list(dry->real.network_context, provider, host, sets, count, arena);
    for (size_t i = 0; result.code == PROVIDER_DONE && i < count; i++) {
        if (overlay(dry, &sets[i], arena) != 0)
            result.code = PROVIDER_REFUSED;
    }
    return result;
}

static struct provider_result dry_add(void *context, size_t provider, const char *host,
                                      const struct provider_rrset *seen, const struct tlsa *record,
                                      uint32_t ttl)
{
    struct world_dry *dry = context;
    /* An automatic TTL is what its neighbours show. */
    uint32_t shown = ttl == 1 && seen->count > 0 ? seen->records[0].ttl : ttl;
    struct provider_record added = {.tlsa = *record, .ttl = shown, .automatic = ttl == 1};
    char text[TLSA_TEXT_SIZE + 32];
    struct buf b = BUF_OVER(text);
    (void)provider;
    (void)host;
    tlsa_print(&b, record);
    buf_printf(&b, " (TTL %u)", (unsigned)shown);
    say(dry, "add", seen->owner, text);
    return remember(dry, true, seen->owner, &added);
}

static struct provider_result dry_remove(void *context, size_t provider, const char *host,
                                         const struct provider_rrset *seen,
                                         const struct provider_record *record)
{
    struct world_dry *dry = context;
    char text[TLSA_TEXT_SIZE];
    struct buf b = BUF_OVER(text);
    (void)provider;
    (void)host;
    tlsa_print(&b, &record->tlsa);
    say(dry, "remove", seen->owner, text);
    return remember(dry, false, seen->owner, record);
}

static bool dry_proves(void *context, const struct moment *now)
{
    struct world_dry *dry = context;
    struct moment real = *now;
    real.wall -= dry->slept;
    return dry->real.network->proves(dry->real.network_context, &real);
}

static void dry_rest(void *context)
{
    struct world_dry *dry = context;
    dry->real.network->rest(dry->real.network_context);
}

/* What would be published is shown by every server, as if it had been. */
static int show_changes(const struct world_dry *dry, struct world_server *server, const char *owner,
                        struct arena *arena)
{
    struct tlsa *records =
        arena_take(arena, server->count + count_added(dry, owner) + 1, sizeof *records);
    size_t count = 0;
    if (records == NULL)
        return -1;
    for (size_t i = 0; i < server->count; i++) {
        if (!is_removed(dry, owner, &server->records[i]))
            records[count++] = server->records[i];
    }
    for (size_t i = 0; i < dry->count; i++) {
        const struct world_dry_change *change = &dry->changes[i];
        if (!change->added || !name_equal(change->owner, owner) ||
            is_removed(dry, owner, &change->record.tlsa))
            continue;
        records[count++] = change->record.tlsa;
        if (change->record.ttl > server->lifetime)
            server->lifetime = change->record.ttl;
    }
    server->records = records;
    server->count = count;
    server->answer = count > 0 ? WORLD_RRSET : WORLD_DENIAL;
    return 0;
}

static int dry_look_up(void *context, const struct conf_host *host, const char *owner,
                       struct world_view *view, struct arena *arena)
{
    struct world_dry *dry = context;
    if (dry->real.network->look_up(dry->real.network_context, host, owner, view, arena) != 0)
        return -1;
    for (size_t i = 0; dry->count > 0 && i < view->servers_count; i++) {
        struct world_server *server = &view->servers[i];
        if ((server->answer == WORLD_RRSET || server->answer == WORLD_DENIAL) &&
            show_changes(dry, server, view->alias ? view->owner : owner, arena) != 0)
            return -1;
    }
    return 0;
}

static const char *dry_other_mx(void *context, const struct conf_host *host, const char **alias_of,
                                struct arena *arena)
{
    struct world_dry *dry = context;
    return dry->real.network->other_mx(dry->real.network_context, host, alias_of, arena);
}

static bool is_installed(const struct world_dry *dry, size_t pair)
{
    return dry->installed[pair].code == PAIR_READ;
}

/* After a rehearsed installation services show what would be installed. */
static int dry_probe(void *context, const struct conf_host *host, size_t service, unsigned expected,
                     struct world_service *found, struct arena *arena)
{
    struct world_dry *dry = context;
    int rc =
        dry->real.network->probe(dry->real.network_context, host, service, expected, found, arena);
    for (size_t i = 0; rc == 0 && i < found->count; i++) {
        struct world_shown *shown = &found->shown[i];
        for (size_t k = 0; shown->code == PROBE_SERVED && k < host->pairs_count; k++) {
            struct pair_found *pair = &dry->installed[host->pairs[k]];
            if (!is_installed(dry, host->pairs[k]) ||
                (pair->algorithm == CERT_RSA) != (shown->algorithm == PROBE_RSA))
                continue;
            shown->leaf = pair->leaf;
            shown->issuers_count = pair->issuers_count;
            shown->issuers = pair->issuers;
        }
    }
    return rc;
}

static const struct world_network dry_network = {
    .list = dry_list,
    .add = dry_add,
    .remove = dry_remove,
    .look_up = dry_look_up,
    .other_mx = dry_other_mx,
    .probe = dry_probe,
    .proves = dry_proves,
    .rest = dry_rest,
};

/* --- local ----------------------------------------------------------------------------------- */

static void dry_read_pair(void *context, size_t pair, enum world_place place,
                          struct pair_found *found)
{
    struct world_dry *dry = context;
    if (place == WORLD_CURRENT && is_installed(dry, pair))
        *found = dry->installed[pair];
    else
        dry->real.local->read_pair(dry->real.local_context, pair, place, found);
}

static void dry_check_pair(void *context, size_t pair, struct pair_found *found)
{
    struct world_dry *dry = context;
    dry->real.local->check_pair(dry->real.local_context, pair, found);
}

static int dry_install(void *context, size_t pair, const struct cert_digests *leaf,
                       char words[WORLD_WORDS_SIZE])
{
    struct world_dry *dry = context;
    words[0] = '\0';
    dry->real.local->read_pair(dry->real.local_context, pair, WORLD_SOURCE, &dry->installed[pair]);
    if (dry->installed[pair].code != PAIR_READ ||
        memcmp(&dry->installed[pair].leaf, leaf, sizeof *leaf) != 0)
        return INSTALL_LATER;
    say(dry, "install", dry->conf->pairs[pair].certificate, dry->conf->pairs[pair].install);
    return INSTALL_CHANGED;
}

static int dry_put_back(void *context, size_t pair, const struct cert_digests *leaf,
                        char words[WORLD_WORDS_SIZE])
{
    struct world_dry *dry = context;
    (void)leaf;
    words[0] = '\0';
    dry->real.local->read_pair(dry->real.local_context, pair, WORLD_PREVIOUS,
                               &dry->installed[pair]);
    say(dry, "put back the former pair in", dry->conf->pairs[pair].install, "");
    return INSTALL_CHANGED;
}

static int dry_drop_previous(void *context, size_t pair, char words[WORLD_WORDS_SIZE])
{
    (void)context;
    (void)pair;
    words[0] = '\0';
    return INSTALL_SAME;
}

static int dry_load_look(void *context, char *text, size_t size)
{
    (void)context;
    if (size > 0)
        text[0] = '\0';
    return -1;
}

static void dry_save_look(void *context, const char *text, size_t length)
{
    (void)context;
    (void)text;
    (void)length;
}

static int dry_load_state(void *context, char *text, size_t size, char words[WORLD_WORDS_SIZE])
{
    struct world_dry *dry = context;
    return dry->real.local->load_state(dry->real.local_context, text, size, words);
}

static int dry_save_state(void *context, const char *text, size_t length,
                          char words[WORLD_WORDS_SIZE])
{
    (void)context;
    (void)text;
    (void)length;
    words[0] = '\0';
    return 0;
}

static void dry_set_state_aside(void *context)
{
    (void)context;
}

static bool has_command(const struct conf_list *list, const char *command)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], command) == 0)
            return true;
    }
    return false;
}

/* Services that read the source show what stands there, once a command has loaded it. */
static void dry_run_hook(void *context, const struct world_hook *hook,
                         struct world_hook_result *result)
{
    struct world_dry *dry = context;
    say(dry, "run", hook->event, hook->command);
    for (size_t i = 0; i < dry->conf->pairs_count; i++) {
        const struct conf_pair *pair = &dry->conf->pairs[i];
        if (pair->install == NULL && (has_command(&pair->reload, hook->command) ||
                                      has_command(&pair->restart, hook->command)))
            dry->real.local->read_pair(dry->real.local_context, i, WORLD_SOURCE,
                                       &dry->installed[i]);
    }
    result->succeeded = true;
}

static void dry_now(void *context, struct moment *now)
{
    struct world_dry *dry = context;
    dry->real.local->now(dry->real.local_context, now);
    now->boottime += dry->slept;
    now->wall += dry->slept;
}

static bool dry_wait(void *context, int64_t seconds, const char *what)
{
    struct world_dry *dry = context;
    char text[64];
    struct buf b = BUF_OVER(text);
    buf_duration(&b, seconds);
    say(dry, "wait", text, what);
    dry->slept += seconds + 1;
    return false;
}

static bool dry_stopped(void *context)
{
    struct world_dry *dry = context;
    return dry->real.local->stopped(dry->real.local_context);
}

/* What was "done" was announced already, with "would". */
static void dry_say(void *context, enum log_level level, const char *text)
{
    struct world_dry *dry = context;
    if (level != LOG_LEVEL_NOTICE)
        dry->real.local->say(dry->real.local_context, level, text);
}

static const struct world_local dry_local = {
    .read_pair = dry_read_pair,
    .check_pair = dry_check_pair,
    .install = dry_install,
    .put_back = dry_put_back,
    .drop_previous = dry_drop_previous,
    .load_look = dry_load_look,
    .save_look = dry_save_look,
    .load_state = dry_load_state,
    .save_state = dry_save_state,
    .set_state_aside = dry_set_state_aside,
    .run_hook = dry_run_hook,
    .now = dry_now,
    .wait = dry_wait,
    .stopped = dry_stopped,
    .say = dry_say,
};

int world_dry_init(struct world_dry *dry, const struct conf *conf, const struct world *real,
                   struct arena *arena, struct world *rehearsal)
{
    memset(dry, 0, sizeof *dry);
    dry->conf = conf;
    dry->installed = arena_take(arena, conf->pairs_count, sizeof *dry->installed);
    for (size_t i = 0; dry->installed != NULL && i < conf->pairs_count; i++)
        dry->installed[i].code = PAIR_ABSENT;
    dry->real = *real;
    dry->changes = arena_take(arena, WORLD_DRY_CHANGES_MOST, sizeof *dry->changes);
    rehearsal->network = &dry_network;
    rehearsal->network_context = dry;
    rehearsal->local = &dry_local;
    rehearsal->local_context = dry;
    return dry->changes == NULL || dry->installed == NULL ? -1 : 0;
}
