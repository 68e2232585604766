#include "roll/act_command.h"

#include <string.h>

#define HOSTS_TEXT_SIZE 2048
/* A renewal that fails is tried again sooner, even by a daily cron call. */
#define RENEWED_LATELY 90000
/* What `notify` may take. */
#define NOTIFY_SECONDS 60

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

static void fill_hook(const struct acting *acting, size_t pair, struct world_hook *hook)
{
    const struct conf_pair *conf = &acting->conf->pairs[pair];
    hook->pair = conf->label;
    hook->certificate = conf->certificate;
    hook->private_key = conf->private_key;
    hook->timeout = conf->hook_timeout;
}

/* The key that services are meant to serve; NULL where that is not known. */
static const struct cert_digests *key_of(const struct acting *acting, size_t pair)
{
    const struct state_pair *known = state_pair(acting->state, acting->conf->pairs[pair].label);
    return known == NULL ? NULL : state_last_leaf(known);
}

/*
 * A command that fails is told of once, whichever pairs want it and in whatever words it fails.
 */
static void name_failure(struct buf *b, const char *command, const char *event)
{
    buf_printf(b, "%s '%s' failed", event, command);
}

static bool run_command(struct acting *acting, size_t pair, const char *command, const char *event)
{
    char hosts[HOSTS_TEXT_SIZE], key[65], name[LOG_MESSAGE_SIZE], text[LOG_MESSAGE_SIZE];
    struct buf names = BUF_OVER(hosts), hex = BUF_OVER(key), b = BUF_OVER(name);
    struct world_hook_result result = {false, ""};
    struct world_hook hook = {.command = command, .event = event, .hosts = hosts};
    const struct cert_digests *leaf = key_of(acting, pair);
    fill_hook(acting, pair, &hook);
    hosts_of(acting, pair, &names);
    if (leaf != NULL) {
        buf_hex(&hex, leaf->spki256, sizeof leaf->spki256);
        hook.key = key;
    }
    acting->world->local->run_hook(acting->world->local_context, &hook, &result);
    name_failure(&b, command, event);
    if (result.succeeded) {
        state_said_forget(acting->state, name);
        return true;
    }
    b = BUF_OVER(text);
    buf_printf(&b, "%s: %s: %s", acting->conf->pairs[pair].label, name, result.words);
    world_say(acting->world, LOG_LEVEL_ERROR, "%s", text);
    acting->outcome->failed = true;
    if (!state_said(acting->state, name))
        act_notify(acting, "failure", NULL, pair, text);
    return false;
}

void act_notify(struct acting *acting, const char *event, const char *host, size_t pair,
                const char *message)
{
    struct world_hook_result result = {false, ""};
    struct world_hook hook = {.command = acting->conf->notify,
                              .event = event,
                              .hosts = host,
                              .message = message,
                              .timeout = NOTIFY_SECONDS};
    char hosts[HOSTS_TEXT_SIZE], key[65];
    struct buf names = BUF_OVER(hosts), hex = BUF_OVER(key);
    if (acting->conf->notify == NULL)
        return;
    if (pair != SIZE_MAX) {
        const struct cert_digests *leaf = key_of(acting, pair);
        fill_hook(acting, pair, &hook);
        hosts_of(acting, pair, &names);
        hook.hosts = hosts;
        if (leaf != NULL) {
            buf_hex(&hex, leaf->spki256, sizeof leaf->spki256);
            hook.key = key;
        }
    }
    acting->world->local->run_hook(acting->world->local_context, &hook, &result);
    if (!result.succeeded)
        world_say(acting->world, LOG_LEVEL_ERROR, "notify '%s' failed: %s", acting->conf->notify,
                  result.words);
}

bool act_run_once(struct acting *acting, struct ran *ran, size_t pair, const char *command,
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
            (void)act_run_once(acting, &ran, i, renew->items[k], "renew");
        }
    }
}

static void keep_failures(struct acting *acting, const struct conf_list *list, const char *event)
{
    char name[LOG_MESSAGE_SIZE];
    for (size_t i = 0; i < list->count; i++) {
        struct buf b = BUF_OVER(name);
        name_failure(&b, list->items[i], event);
        (void)state_said_keep(acting->state, name);
    }
}

void act_keep_failures(struct acting *acting)
{
    for (size_t i = 0; i < acting->conf->pairs_count; i++) {
        const struct conf_pair *conf = &acting->conf->pairs[i];
        const struct state_pair *known = state_pair(acting->state, conf->label);
        if (known == NULL)
            continue;
        if (known->renewed && state_elapsed(&known->renewal, &acting->seen->now) < RENEWED_LATELY)
            keep_failures(acting, &conf->renew, "renew");
        if (known->verified)
            continue;
        keep_failures(acting, &conf->reload, "reload");
        keep_failures(acting, &conf->restart, "restart");
    }
}
