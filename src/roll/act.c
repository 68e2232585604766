#include "roll/act.h"

#include <string.h>

/* Rounds of writes at one host before what was accepted must have become visible. */
#define WRITE_ROUNDS_MOST 4

/* A record in messages: "_25._tcp.mail.example.org 3 1 1 0123456789ab..." */
#define RECORD_TEXT_SIZE (TLSA_OWNER_SIZE + TLSA_TEXT_SIZE)

static const char *record_text(char text[RECORD_TEXT_SIZE], const char *owner,
                               const struct tlsa *record)
{
    struct buf b = buf_over(text, RECORD_TEXT_SIZE);
    buf_printf(&b, "%s ", owner);
    tlsa_brief(&b, record);
    return text;
}

int act_save(struct acting *acting)
{
    /* Not on the stack of a router, and not re-entered: one engine a process. */
    static char text[STATE_TEXT_SIZE];
    struct buf b = BUF_OVER(text);
    char words[WORLD_WORDS_SIZE] = "it is longer than it may be";
    state_print(acting->state, &b);
    if (b.used == acting->saved->used && memcmp(text, acting->saved->data, b.used) == 0)
        return 0;
    if (!buf_full(&b) &&
        acting->world->local->save_state(acting->world->local_context, text, b.used, words) == 0) {
        buf_reset(acting->saved);
        buf_put(acting->saved, text, b.used);
        acting->cannot_save = false;
        return 0;
    }
    if (!acting->cannot_save)
        world_say(acting->world, LOG_LEVEL_ERROR, "cannot write the state: %s", words);
    acting->cannot_save = true;
    acting->outcome->failed = true;
    return -1;
}

void act_report(struct acting *acting, size_t host, const char *doing,
                const struct provider_result *result)
{
    world_say(acting->world, LOG_LEVEL_ERROR, "%s: %s: %s", acting->conf->hosts[host].name, doing,
              result->words);
    switch (result->code) {
    case PROVIDER_REFUSED:
        acting->luck[host] = HOST_OUT;
        if (result->usage)
            acting->outcome->usage = true;
        else
            acting->outcome->failed = true;
        break;
    default:
        acting->luck[host] = HOST_LATER;
        acting->outcome->later = true;
        if (result->later > acting->later)
            acting->later = result->later;
        break;
    }
}

/* --- publish and retire ---------------------------------------------------------------------- */

static const struct provider_rrset *set_of(const struct acting *acting,
                                           const struct plan_action *action)
{
    return &acting->seen->hosts[action->host].sets[action->service];
}

/*
 * Notes what is about to be written, before it is: a crash in between leaves a note without a
 * record, which harms nothing, never a record of ours that nobody remembers.
 */
static struct state_record *note_write(struct acting *acting, const struct plan_action *action,
                                       bool *made)
{
    const char *owner = set_of(acting, action)->owner;
    *made = state_record(acting->state, owner, &action->record) == NULL;
    struct state_record *record = state_record_make(acting->state, owner, &action->record);
    if (record == NULL)
        return NULL;
    if (*made)
        record->ours = true;
    record->first = action->first;
    record->lifetime = action->lifetime;
    if (!record->seen)
        world_now(acting->world, &record->since);
    return record;
}

static bool may_write(struct acting *acting, size_t host)
{
    return acting->luck[host] == HOST_GOOD && acting->writes[host] < WRITE_ROUNDS_MOST;
}

/*
 * Whether the host's next write may follow: not after one whose effect is unknown. The plan's order
 * (what is served first, then what comes next) holds only if each one before was carried out.
 */
static bool add_record(struct acting *acting, const struct plan_action *action)
{
    const struct conf_host *host = &acting->conf->hosts[action->host];
    const struct provider_rrset *set = set_of(acting, action);
    char text[RECORD_TEXT_SIZE];
    bool made;
    struct state_record *noted = note_write(acting, action, &made);
    (void)act_save(acting);
    struct provider_result result =
        acting->world->network->add(acting->world->network_context, host->provider, host->name, set,
                                    &action->record, action->ttl);
    (void)record_text(text, set->owner, &action->record);
    switch (result.code) {
    case PROVIDER_DONE:
        acting->outcome->changed = true;
        if (noted != NULL)
            noted->ours = true;
        world_say(acting->world, LOG_LEVEL_NOTICE, "%s: published %s%s", host->name, text,
                  set->count > 0 ? " beside what was there" : "");
        return true;
    case PROVIDER_ALREADY:
        /* Somebody else's, unless an earlier try of ours was answered into the void. */
        if (made && noted != NULL)
            noted->ours = false;
        world_say(acting->world, LOG_LEVEL_DETAIL, "%s: %s was there already", host->name, text);
        return true;
    case PROVIDER_UNKNOWN:
    case PROVIDER_CONFLICT:
        /* A conflict wrote nothing: what is there then is somebody else's. */
        if (result.code == PROVIDER_CONFLICT && made && noted != NULL)
            state_record_drop(acting->state, noted);
        world_say(acting->world, LOG_LEVEL_DETAIL, "%s: %s: %s; looking whether it is there",
                  host->name, text, result.words);
        return false;
    case PROVIDER_LATER:
    case PROVIDER_REFUSED:
        break;
    }
    if (made && noted != NULL)
        state_record_drop(acting->state, noted);
    act_report(acting, action->host, "cannot publish its TLSA record", &result);
    return false;
}

static bool remove_record(struct acting *acting, const struct plan_action *action)
{
    const struct conf_host *host = &acting->conf->hosts[action->host];
    const struct provider_rrset *set = set_of(acting, action);
    char text[RECORD_TEXT_SIZE];
    /* From now on it may be gone, however long it is still shown: its wait would begin anew. */
    struct state_record *noted = state_record(acting->state, set->owner, &action->target.tlsa);
    if (noted != NULL) {
        noted->seen = false;
        noted->first = false;
        memset(&noted->since, 0, sizeof noted->since);
    }
    if (act_save(acting) != 0)
        return false;
    struct provider_result result = acting->world->network->remove(
        acting->world->network_context, host->provider, host->name, set, &action->target);
    (void)record_text(text, set->owner, &action->target.tlsa);
    switch (result.code) {
    case PROVIDER_DONE:
        acting->outcome->changed = true;
        world_say(acting->world, LOG_LEVEL_NOTICE, "%s: retired %s", host->name, text);
        return true;
    case PROVIDER_ALREADY:
        world_say(acting->world, LOG_LEVEL_DETAIL, "%s: %s was gone already", host->name, text);
        return true;
    case PROVIDER_UNKNOWN:
    case PROVIDER_CONFLICT:
        world_say(acting->world, LOG_LEVEL_DETAIL, "%s: %s: %s; looking whether it is gone",
                  host->name, text, result.words);
        return false;
    case PROVIDER_LATER:
    case PROVIDER_REFUSED:
        break;
    }
    act_report(acting, action->host, "cannot retire its TLSA record", &result);
    return false;
}

/* All writes of one kind; each host's rounds are counted, so that no write is repeated for ever. */
static enum act_result write_records(struct acting *acting, const struct plan *plan,
                                     enum plan_kind kind)
{
    enum act_result rc = ACT_NOTHING;
    size_t host = SIZE_MAX; /* whose actions follow one another in the plan */
    bool go_on = false;
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        if (action->kind != kind)
            continue;
        if (acting->world->local->stopped(acting->world->local_context))
            return ACT_END;
        if (host != action->host) {
            host = action->host;
            go_on = may_write(acting, host);
            acting->writes[host] += go_on ? 1 : 0;
        }
        if (!go_on)
            continue;
        go_on = kind == PLAN_ADD ? add_record(acting, action) : remove_record(acting, action);
        rc = ACT_LOOK;
    }
    return rc;
}

/* What was accepted, or may have been, and still does not show after several looks. */
static void report_invisible(struct acting *acting, const struct plan *plan)
{
    struct provider_result invisible = {.code = PROVIDER_LATER};
    struct buf words = BUF_OVER(invisible.words);
    buf_text(&words, "the list does not show what was written; the next run looks again");
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        if (action->kind != PLAN_RELOAD && acting->luck[action->host] == HOST_GOOD &&
            acting->writes[action->host] >= WRITE_ROUNDS_MOST)
            act_report(acting, action->host, "TLSA records", &invisible);
    }
}

/* --- hooks ----------------------------------------------------------------------------------- */

#define HOSTS_TEXT_SIZE 2048

/* The names of a pair's hosts, parted by blanks. */
static void hosts_of(const struct acting *acting, size_t pair, struct buf *b)
{
    for (size_t h = 0; h < acting->conf->hosts_count; h++) {
        const struct conf_host *host = &acting->conf->hosts[h];
        for (size_t i = 0; i < host->pairs_count; i++) {
            if (host->pairs[i] != pair)
                continue;
            if (b->used > 0)
                buf_char(b, ' ');
            buf_text(b, host->name);
        }
    }
}

static bool run_command(struct acting *acting, size_t pair, const char *command, const char *event)
{
    const struct conf_pair *conf = &acting->conf->pairs[pair];
    char hosts[HOSTS_TEXT_SIZE], key[65];
    struct buf names = BUF_OVER(hosts), hex = BUF_OVER(key);
    struct world_hook_result result = {false, ""};
    struct world_hook hook = {.command = command,
                              .event = event,
                              .pair = conf->label,
                              .hosts = hosts,
                              .key = key,
                              .certificate = conf->certificate,
                              .private_key = conf->private_key,
                              .timeout = conf->hook_timeout};
    hosts_of(acting, pair, &names);
    if (acting->seen->pairs[pair].code == WORLD_PAIR_READ)
        buf_hex(&hex, acting->seen->pairs[pair].leaf.spki256, 32);
    else
        hook.key = NULL;
    acting->world->local->run_hook(acting->world->local_context, &hook, &result);
    if (result.succeeded)
        return true;
    world_say(acting->world, LOG_LEVEL_ERROR, "%s: %s '%s' failed: %s", conf->label, event, command,
              result.words);
    acting->outcome->failed = true;
    return false;
}

/* A command wanted by several pairs runs once: what has run, and how it went. */
struct ran {
    size_t count;
    struct {
        const char *command;
        bool succeeded;
    } commands[CONF_LIST_MOST];
};

static bool run_once(struct acting *acting, struct ran *ran, size_t pair, const char *command,
                     const char *event)
{
    for (size_t i = 0; i < ran->count; i++) {
        if (strcmp(ran->commands[i].command, command) == 0)
            return ran->commands[i].succeeded;
    }
    bool succeeded = run_command(acting, pair, command, event);
    if (ran->count < CONF_LIST_MOST) {
        ran->commands[ran->count].command = command;
        ran->commands[ran->count++].succeeded = succeeded;
    }
    return succeeded;
}

void act_renew(struct acting *acting, const bool *pair_wanted)
{
    struct ran ran = {0};
    for (size_t i = 0; i < acting->conf->pairs_count; i++) {
        const struct conf_list *renew = &acting->conf->pairs[i].renew;
        for (size_t k = 0; pair_wanted[i] && k < renew->count; k++) {
            if (acting->world->local->stopped(acting->world->local_context))
                return;
            (void)run_once(acting, &ran, i, renew->items[k], "renew");
        }
    }
}

/*
 * Services have loaded LEAF, which stood there right before and right after the commands ran; only
 * it, and what has come since, can be served from now on.
 */
static void note_reload(struct acting *acting, size_t pair, const struct cert_digests *leaf)
{
    struct state_pair *state = state_pair(acting->state, acting->conf->pairs[pair].label);
    if (state == NULL)
        return;
    state->leafs = NULL;
    if (state_note_leaf(acting->state, state, leaf) != 0)
        acting->outcome->failed = true;
    state->reloaded = true;
    world_now(acting->world, &state->reload);
    acting->outcome->changed = true;
}

static bool leaf_stands(struct acting *acting, size_t pair)
{
    struct world_pair found;
    acting->world->local->read_pair(acting->world->local_context, &acting->conf->pairs[pair],
                                    &found);
    return found.code == WORLD_PAIR_READ &&
           state_same_leaf(&found.leaf, &acting->seen->pairs[pair].leaf);
}

/* The same for every pair that the commands of this one make services load. */
static bool leafs_stand(struct acting *acting, size_t pair)
{
    const struct conf *conf = acting->conf;
    for (size_t i = 0; i < conf->pairs_count; i++) {
        if ((i == pair || plan_share_command(&conf->pairs[pair], &conf->pairs[i])) &&
            !leaf_stands(acting, i))
            return false;
    }
    return true;
}

static void reload_pair(struct acting *acting, struct ran *ran, size_t pair)
{
    const struct conf_pair *conf = &acting->conf->pairs[pair];
    const struct cert_digests *leaf = &acting->seen->pairs[pair].leaf;
    bool succeeded = true;
    char key[17];
    struct buf hex = BUF_OVER(key);
    for (size_t i = 0; i < conf->reload.count; i++) {
        /* Each command loads what stands there now: a renewal meanwhile ends it, to be looked at.
         */
        if (!leafs_stand(acting, pair))
            return;
        if (!run_once(acting, ran, pair, conf->reload.items[i], "reload"))
            succeeded = false;
    }
    if (!succeeded) {
        acting->reload_failed[pair] = true;
        return;
    }
    /* Renewed while the commands ran: services may have loaded either; all of them stay noted. */
    if (!leaf_stands(acting, pair))
        return;
    note_reload(acting, pair, leaf);
    buf_hex(&hex, leaf->spki256, 8);
    world_say(acting->world, LOG_LEVEL_NOTICE, "%s: reloaded; key in use is now %s...", conf->label,
              key);
}

static enum act_result reload_pairs(struct acting *acting, const struct plan *plan)
{
    struct ran ran = {0};
    enum act_result rc = ACT_NOTHING;
    for (size_t i = 0; i < plan->actions_count; i++) {
        size_t pair = plan->actions[i].pair;
        if (plan->actions[i].kind != PLAN_RELOAD || acting->reload_failed[pair] ||
            acting->cannot_save)
            continue;
        if (acting->world->local->stopped(acting->world->local_context))
            return ACT_END;
        rc = ACT_LOOK;
        reload_pair(acting, &ran, pair);
        (void)act_save(acting);
    }
    return rc;
}

enum act_result act_plan(struct acting *acting, const struct plan *plan)
{
    enum act_result rc = write_records(acting, plan, PLAN_ADD);
    if (rc == ACT_NOTHING)
        rc = reload_pairs(acting, plan);
    if (rc == ACT_NOTHING && !acting->cannot_save)
        rc = write_records(acting, plan, PLAN_REMOVE);
    if (rc == ACT_NOTHING)
        report_invisible(acting, plan);
    return rc;
}
