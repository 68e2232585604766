/* What is done with a pair: installed, loaded, put back, noted as verified. */
#include "roll/act_pair.h"

#include "roll/install.h"

#include <string.h>

static const struct conf_pair *conf_of(const struct acting *acting, size_t pair)
{
    return &acting->conf->pairs[pair];
}

static void fail(struct acting *acting, size_t pair, const char *what, const char *words)
{
    char text[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(text);
    buf_printf(&b, "%s: %s: %s", conf_of(acting, pair)->label, what, words);
    world_say(acting->world, LOG_LEVEL_ERROR, "%s", text);
    acting->failed[pair] = true;
    acting->outcome->failed = true;
    if (!state_said(acting->state, text))
        act_notify(acting, "failure", NULL, pair, text);
}

/* Services are to serve LEAF from now on, and have not loaded it. NULL without memory. */
static struct state_pair *begin(struct acting *acting, size_t pair, const struct cert_digests *leaf,
                                bool reload)
{
    struct state_pair *state = state_pair_make(acting->state, conf_of(acting, pair)->label);
    if (state == NULL || state_note_leaf(acting->state, state, leaf) != 0) {
        fail(acting, pair, "cannot be noted", "out of memory");
        return NULL;
    }
    state->reload = reload;
    state->loading = reload;
    state->verified = false;
    state->tries = 0;
    state->began = true;
    world_now(acting->world, &state->begin);
    acting->shown[pair] = false;
    /* Asked when the command has run that follows. */
    acting->ask_services = acting->ask_services || !reload;
    return state;
}

static void say_key(struct acting *acting, size_t pair, const char *what,
                    const struct cert_digests *leaf)
{
    char key[17];
    struct buf hex = BUF_OVER(key);
    buf_hex(&hex, leaf->spki256, 8);
    world_say(acting->world, LOG_LEVEL_NOTICE, "%s: %s; key %s...", conf_of(acting, pair)->label,
              what, key);
}

void act_install(struct acting *acting, const struct plan_action *action, struct ran *ran)
{
    char words[WORLD_WORDS_SIZE] = "";
    size_t pair = action->pair;
    (void)ran;
    /* Noted before it is done: what was installed is never taken for somebody else's. */
    struct state_pair *state = begin(acting, pair, action->leaf, action->kind == PLAN_INSTALL);
    if (state == NULL)
        return;
    /* An outage before the installation is no reason to put the former pair back afterwards. */
    state->loading = state->loading && !action->outage;
    if (act_save(acting) != 0)
        return;
    int rc = acting->world->local->install(acting->world->local_context, pair, action->leaf, words);
    if (rc == INSTALL_CHANGED || rc == INSTALL_SAME) {
        acting->outcome->changed = true;
        state->put_back = false;
        say_key(acting, pair, "installed", action->leaf);
        return;
    }
    state->reload = state->loading = false;
    if (rc == INSTALL_LATER) {
        world_say(acting->world, LOG_LEVEL_DETAIL, "%s: %s", conf_of(acting, pair)->label, words);
        acting->outcome->later = true;
        acting->failed[pair] = true;
        return;
    }
    fail(acting, pair, "cannot be installed", words);
}

void act_put_back(struct acting *acting, const struct plan_action *action, struct ran *ran)
{
    char words[WORLD_WORDS_SIZE] = "", text[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(text);
    size_t pair = action->pair;
    const struct pair_found *current = &acting->seen->pairs[pair].current;
    (void)ran;
    struct state_pair *state = begin(acting, pair, action->leaf, true);
    if (state == NULL)
        return;
    /* What comes back is known to work: a service that shows anything else then is no news. */
    state->loading = false;
    if (!action->outage) {
        state->put_back = true;
        memcpy(state->refused, current->leaf.certificate256, sizeof state->refused);
        plan_pair_conf(acting->conf, pair, state->refused_conf);
    }
    if (act_save(acting) != 0)
        return;
    int rc =
        acting->world->local->put_back(acting->world->local_context, pair, action->leaf, words);
    if (rc != INSTALL_CHANGED && rc != INSTALL_SAME) {
        fail(acting, pair, "the former pair cannot be put back", words);
        return;
    }
    acting->outcome->changed = true;
    acting->outcome->failed = true;
    buf_printf(&b, "%s: %s: the former pair is put back", conf_of(acting, pair)->label,
               action->outage
                   ? "DNS no longer vouches for the pair in use, but does for the former"
                   : "after the installation a service shows what DNS does not vouch for");
    world_say(acting->world, LOG_LEVEL_ERROR, "%s", text);
    act_notify(acting, "failure", NULL, pair, text);
}

/* --- load ------------------------------------------------------------------------------------ */

/* Without `install`: what stands in the source now is what the commands load. */
static bool leaf_stands(struct acting *acting, size_t pair)
{
    struct pair_found found;
    const struct pair_found *source = &acting->seen->pairs[pair].source;
    if (conf_of(acting, pair)->install != NULL)
        return true;
    acting->world->local->read_pair(acting->world->local_context, pair, WORLD_SOURCE, &found);
    return found.code == PAIR_READ && source->code == PAIR_READ &&
           state_same_leaf(&found.leaf, &source->leaf);
}

static bool has_command(const struct conf_list *list, const char *command)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i], command) == 0)
            return true;
    }
    return false;
}

/* The same of all pairs that a command loads: a renewal may come between a look and it. */
static bool all_stand(struct acting *acting, const char *command)
{
    for (size_t i = 0; i < acting->conf->pairs_count; i++) {
        const struct conf_pair *conf = conf_of(acting, i);
        if ((has_command(&conf->reload, command) || has_command(&conf->restart, command)) &&
            !leaf_stands(acting, i))
            return false;
    }
    return true;
}

static bool run_list(struct acting *acting, struct ran *ran, size_t pair,
                     const struct conf_list *list, const char *event)
{
    bool succeeded = true;
    for (size_t i = 0; i < list->count; i++) {
        if (!all_stand(acting, list->items[i]))
            return false;
        if (!act_run_once(acting, ran, pair, list->items[i], event))
            succeeded = false;
    }
    return succeeded;
}

/* What is about to be loaded; false where it cannot be noted. */
static struct state_pair *note_loading(struct acting *acting, const struct plan_action *action)
{
    size_t pair = action->pair;
    const struct conf_pair *conf = conf_of(acting, pair);
    const struct pair_found *source = &acting->seen->pairs[pair].source;
    struct state_pair *state = state_pair(acting->state, conf->label);
    const struct cert_digests *last = state == NULL ? NULL : state_last_leaf(state);
    /* Services that read the source load what stands there. */
    if (conf->install == NULL && source->code == PAIR_READ &&
        (last == NULL || !state_same_leaf(last, &source->leaf)))
        state = begin(acting, pair, &source->leaf, true);
    if (state == NULL)
        return NULL;
    if (action->again)
        state->tries++;
    state->reload = true;
    state->verified = false;
    return act_save(acting) == 0 ? state : NULL;
}

void act_reload(struct acting *acting, const struct plan_action *action, struct ran *ran)
{
    size_t pair = action->pair;
    const struct conf_pair *conf = conf_of(acting, pair);
    bool restart = conf->restart.count > 0 && (action->restart || conf->reload.count == 0);
    struct state_pair *state = note_loading(acting, action);
    if (state == NULL)
        return;
    acting->shown[pair] = false;
    acting->ask_services = true;
    acting->loaded[pair] = true;
    if (!run_list(acting, ran, pair, restart ? &conf->restart : &conf->reload,
                  restart ? "restart" : "reload") ||
        !leaf_stands(acting, pair)) {
        /* Never forgotten: the state says that it is still to be done. */
        acting->failed[pair] = true;
        return;
    }
    state->reload = false;
    acting->outcome->changed = true;
    if (restart || conf->reload.count > 0)
        say_key(acting, pair, restart ? "services restarted" : "services reloaded",
                state_last_leaf(state));
}

void act_verified(struct acting *acting, const struct plan_action *action, struct ran *ran)
{
    struct state_pair *state = state_pair(acting->state, conf_of(acting, action->pair)->label);
    char text[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(text);
    (void)ran;
    if (state == NULL)
        return;
    bool loading = state->loading;
    state->verified = true;
    state->loading = false;
    state->tries = 0;
    world_now(acting->world, &state->verification);
    acting->shown[action->pair] = false;
    if (!loading)
        return;
    acting->outcome->changed = true;
    say_key(acting, action->pair, "every service shows it", state_last_leaf(state));
    buf_printf(&b, "%s: every service shows the new pair", conf_of(acting, action->pair)->label);
    act_notify(acting, "completion", NULL, action->pair, text);
}

void act_drop_previous(struct acting *acting, const struct plan_action *action, struct ran *ran)
{
    char words[WORLD_WORDS_SIZE] = "";
    size_t pair = action->pair;
    struct state_pair *state = state_pair(acting->state, conf_of(acting, pair)->label);
    const struct cert_digests *last = state == NULL ? NULL : state_last_leaf(state);
    (void)ran;
    if (last == NULL)
        return;
    if (conf_of(acting, pair)->install != NULL &&
        acting->world->local->drop_previous(acting->world->local_context, pair, words) ==
            INSTALL_FAILED) {
        fail(acting, pair, "the former pair cannot be taken away", words);
        return;
    }
    while (state->leafs->next != NULL)
        state->leafs = state->leafs->next;
    acting->outcome->changed = true;
    world_say(acting->world, LOG_LEVEL_DETAIL, "%s: the former pair is forgotten",
              conf_of(acting, pair)->label);
}
