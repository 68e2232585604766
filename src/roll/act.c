#include "roll/act_pair.h"

#include <string.h>

/* Rounds of writes at one host before what was accepted must have become visible. */
#define WRITE_ROUNDS_MOST 4
/* What a provider's automatic TTL comes to (Cloudflare's). */
#define AUTOMATIC_TTL 300
/* Between the two rounds of a verification (facts 2.4): pre-forked servers answer old and new. */
#define ROUND_PAUSE 10
/* Between a reload and the first look at what it has done. */
#define LOAD_PAUSE 2

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
    const char *name = acting->conf->hosts[host].name;
    char text[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(text);
    /* Without advice and the server's own words: they differ from answer to answer. */
    buf_printf(&b, "%s: %s: %.*s", name, doing, (int)strcspn(result->words, ":("), result->words);
    bool said = result->code == PROVIDER_REFUSED && state_said(acting->state, text);
    b = BUF_OVER(text);
    buf_printf(&b, "%s: %s: %s", name, doing, result->words);
    world_say(acting->world, LOG_LEVEL_ERROR, "%s", text);
    switch (result->code) {
    case PROVIDER_REFUSED:
        if (!said)
            act_notify(acting, "failure", name, SIZE_MAX, text);
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
 * record, which harms nothing, never a record of ours that nobody remembers. *MADE: it was no
 * record of ours before.
 */
static struct state_record *note_write(struct acting *acting, const struct plan_action *action,
                                       bool *made)
{
    const char *owner = set_of(acting, action)->owner;
    *made = state_record(acting->state, owner, &action->record) == NULL;
    struct state_record *record = state_record_make(acting->state, owner, &action->record);
    if (record != NULL && !record->seen)
        world_now(acting->world, &record->since);
    learn_write(acting->state, acting->conf, acting->seen, action->host, action->service,
                &action->record, action->ttl == 1 ? AUTOMATIC_TTL : action->ttl);
    return record;
}

/* Whose zone is looked for: the end of a CNAME may lie in another than the host's. */
static const char *zone_name(const struct acting *acting, const struct plan_action *action)
{
    const struct observed_host *host = &acting->seen->hosts[action->host];
    return host->views[action->service].alias ? host->sets[action->service].owner
                                              : acting->conf->hosts[action->host].name;
}

static bool may_write(struct acting *acting, size_t host)
{
    return acting->luck[host] == HOST_GOOD && acting->writes[host] < WRITE_ROUNDS_MOST;
}

/*
 * Whether the host's next write may follow: not after one whose effect is unknown. The plan's order
 * (what is served first, then what comes next) holds only if each one before was carried out.
 */
static bool add_record(struct acting *acting, const struct plan_action *action,
                       const struct provider_rrset *now)
{
    const struct conf_host *host = &acting->conf->hosts[action->host];
    const struct provider_rrset *set = set_of(acting, action);
    char text[RECORD_TEXT_SIZE];
    bool made;
    struct state_record *noted = note_write(acting, action, &made);
    /* Nobody would remember that it is ours: only what vouches for a served key is worth that. */
    if (act_save(acting) != 0 && !action->outage) {
        if (made && noted != NULL)
            state_record_drop(acting->state, noted);
        return false;
    }
    struct provider_result result =
        acting->world->network->add(acting->world->network_context, host->provider,
                                    zone_name(acting, action), now, &action->record, action->ttl);
    (void)record_text(text, set->owner, &action->record);
    switch (result.code) {
    case PROVIDER_DONE:
        acting->outcome->changed = true;
        world_say(acting->world, LOG_LEVEL_NOTICE, "%s: published %s%s", host->name, text,
                  set->count > 0 ? " beside what was there" : "");
        return true;
    case PROVIDER_ALREADY:
        /* Somebody else's, unless an earlier try of ours was answered into the void. */
        if (made && noted != NULL)
            state_record_drop(acting->state, noted);
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

static bool remove_record(struct acting *acting, const struct plan_action *action,
                          const struct provider_rrset *now)
{
    const struct conf_host *host = &acting->conf->hosts[action->host];
    const struct provider_rrset *set = set_of(acting, action);
    char text[RECORD_TEXT_SIZE];
    /* From now on it may be gone, however long it is still shown: its wait would begin anew. */
    struct state_record *noted = state_record(acting->state, set->owner, &action->target->tlsa);
    if (noted != NULL) {
        noted->seen = false;
        memset(&noted->since, 0, sizeof noted->since);
    }
    learn_remove(acting->state, acting->conf, acting->seen, action->host, action->service,
                 &action->target->tlsa);
    if (act_save(acting) != 0)
        return false;
    struct provider_result result =
        acting->world->network->remove(acting->world->network_context, host->provider,
                                       zone_name(acting, action), now, action->target);
    (void)record_text(text, set->owner, &action->target->tlsa);
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

/*
 * The RRset that is written to, with the writes that were carried out since it was listed: a
 * provider that compares would take our own last one for somebody else's.
 */
struct written {
    struct provider_rrset now;
    struct provider_record records[PROVIDER_RECORDS_MOST];
};

static const struct provider_rrset *begin_write(struct written *w, const struct provider_rrset *set)
{
    if (name_equal(w->now.owner, set->owner))
        return &w->now;
    memcpy(w->now.owner, set->owner, sizeof w->now.owner);
    w->now.records = w->records;
    w->now.count = set->count < PROVIDER_RECORDS_MOST ? set->count : PROVIDER_RECORDS_MOST;
    if (w->now.count > 0)
        memcpy(w->records, set->records, w->now.count * sizeof w->records[0]);
    return &w->now;
}

static void end_write(struct written *w, const struct plan_action *action)
{
    const struct tlsa *tlsa = action->kind == PLAN_ADD ? &action->record : &action->target->tlsa;
    size_t at = 0;
    while (at < w->now.count && !tlsa_equal(&w->records[at].tlsa, tlsa))
        at++;
    if (action->kind == PLAN_REMOVE && at < w->now.count)
        w->records[at] = w->records[--w->now.count];
    else if (action->kind == PLAN_ADD && at == w->now.count && at < PROVIDER_RECORDS_MOST)
        w->records[w->now.count++] = (struct provider_record){.tlsa = *tlsa, .ttl = action->ttl};
}

/*
 * While nothing can be noted only what ends an outage is written, out of the plan's order; so not
 * the first record of a combination, which everything else that is served would have to match too.
 */
static bool may_skip_order(const struct plan_action *action, const struct provider_rrset *now)
{
    bool any = false, stands = false;
    for (size_t i = 0; i < now->count; i++) {
        const struct tlsa *tlsa = &now->records[i].tlsa;
        any = any || tlsa_usable(tlsa);
        stands = stands || (tlsa_usable(tlsa) &&
                            tlsa_same_combination(tlsa->combination, action->record.combination));
    }
    return action->outage && (stands || !any);
}

/* All writes of one kind; each host's rounds are counted, so that no write is repeated for ever. */
static enum act_result write_records(struct acting *acting, const struct plan *plan,
                                     enum plan_kind kind)
{
    /* Not on the stack of a router, and not re-entered: one engine a process. */
    static struct written written;
    enum act_result rc = ACT_NOTHING;
    size_t host = SIZE_MAX; /* whose actions follow one another in the plan */
    bool go_on = false, begun = false, skipped = false;
    written.now.owner[0] = '\0';
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        if (action->kind != kind)
            continue;
        const struct provider_rrset *now = begin_write(&written, set_of(acting, action));
        if (host != action->host) {
            host = action->host;
            begun = skipped = false;
        }
        /* Once something was left out, the next look makes a new plan; a save may succeed
         * meanwhile. */
        if ((acting->cannot_save || skipped) && !may_skip_order(action, now)) {
            skipped = true;
            continue;
        }
        if (acting->world->local->stopped(acting->world->local_context))
            return ACT_END;
        if (!begun) {
            begun = true;
            go_on = may_write(acting, host);
            acting->writes[host] += go_on ? 1 : 0;
        }
        if (!go_on)
            continue;
        world_now(acting->world, &acting->wrote[host]);
        acting->ask_records = true;
        go_on =
            kind == PLAN_ADD ? add_record(acting, action, now) : remove_record(acting, action, now);
        if (go_on)
            end_write(&written, action);
        rc = ACT_LOOK;
    }
    return rc;
}

bool act_settles(const struct acting *acting, size_t host)
{
    int64_t elapsed = state_elapsed(&acting->wrote[host], &acting->seen->now);
    return elapsed >= 0 && elapsed < (int64_t)acting->conf->hosts[host].waits.unreachable;
}

/* What was accepted, or may have been, and still does not show after several looks. */
static void report_invisible(struct acting *acting, const struct plan *plan)
{
    struct provider_result invisible = {.code = PROVIDER_LATER};
    struct buf words = BUF_OVER(invisible.words);
    buf_text(&words, "the list does not show what was written; the next run looks again");
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        if ((action->kind == PLAN_ADD || action->kind == PLAN_REMOVE) &&
            acting->luck[action->host] == HOST_GOOD &&
            acting->writes[action->host] >= WRITE_ROUNDS_MOST)
            act_report(acting, action->host, "TLSA records", &invisible);
    }
}

/* --- one plan -------------------------------------------------------------------------------- */

/* Both rounds of a verification in one call (facts 2.4); a lab's waits are shorter than ten
 * seconds.
 */
static enum act_result ask_again(struct acting *acting, const struct plan *plan)
{
    int64_t pause = ROUND_PAUSE;
    enum act_result rc = ACT_NOTHING;
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        if (action->kind != PLAN_ROUND)
            continue;
        rc = ACT_LOOK;
        for (size_t h = 0; h < acting->conf->hosts_count; h++) {
            int64_t retire = acting->conf->hosts[h].waits.retire;
            if (need_has_pair(&acting->conf->hosts[h], action->pair) && retire < pause)
                pause = retire > 0 ? retire : 1;
        }
    }
    /* The next call verifies what this one has no time for. */
    if (rc == ACT_NOTHING || pause > acting->patience)
        return ACT_NOTHING;
    for (size_t i = 0; i < plan->actions_count; i++) {
        if (plan->actions[i].kind == PLAN_ROUND)
            acting->shown[plan->actions[i].pair] = true;
    }
    acting->patience -= pause;
    acting->ask_services = acting->ask_records = true;
    if (acting->world->local->wait(acting->world->local_context, pause,
                                   "asking the services once more"))
        return ACT_END;
    return rc;
}

/*
 * Servers load anew while they answer from what they had: asked at once, a good reload looks like
 * one that was not heard (facts 2.4).
 */
static enum act_result let_load(struct acting *acting)
{
    bool any = false;
    for (size_t i = 0; i < acting->conf->pairs_count; i++) {
        const struct conf_pair *pair = &acting->conf->pairs[i];
        any = any || (acting->loaded[i] && !acting->failed[i] &&
                      pair->reload.count + pair->restart.count > 0);
    }
    if (!any || acting->patience < LOAD_PAUSE)
        return ACT_LOOK;
    acting->patience -= LOAD_PAUSE;
    return acting->world->local->wait(acting->world->local_context, LOAD_PAUSE,
                                      "the services are given time to load")
               ? ACT_END
               : ACT_LOOK;
}

typedef void act_on_pair(struct acting *acting, const struct plan_action *action, struct ran *ran);

static enum act_result act_pairs(struct acting *acting, const struct plan *plan,
                                 enum plan_kind kind, act_on_pair *act)
{
    struct ran ran = {0};
    enum act_result rc = ACT_NOTHING;
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        if (action->kind != kind || acting->failed[action->pair] || acting->cannot_save)
            continue;
        if (acting->world->local->stopped(acting->world->local_context))
            return ACT_END;
        rc = ACT_LOOK;
        act(acting, action, &ran);
        (void)act_save(acting);
    }
    return rc;
}

enum act_result act_plan(struct acting *acting, const struct plan *plan)
{
    static const struct {
        enum plan_kind kind;
        act_on_pair *act; /* NULL: records */
    } steps[] = {
        /* What cures an outage at once goes first: after the served key's record, it would be none.
         */
        {PLAN_FILL, act_install},
        {PLAN_PUT_BACK, act_put_back},
        {PLAN_ADD, NULL},
        {PLAN_INSTALL, act_install},
        {PLAN_RELOAD, act_reload},
        {PLAN_VERIFIED, act_verified},
        {PLAN_ROUND, NULL},
        {PLAN_REMOVE, NULL},
        {PLAN_DROP_PREVIOUS, act_drop_previous},
    };
    enum act_result rc = ACT_NOTHING;
    for (size_t i = 0; rc == ACT_NOTHING && i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i].act != NULL)
            rc = act_pairs(acting, plan, steps[i].kind, steps[i].act);
        else if (steps[i].kind == PLAN_ROUND)
            rc = ask_again(acting, plan);
        else
            rc = write_records(acting, plan, steps[i].kind);
        if (rc == ACT_LOOK && steps[i].kind == PLAN_RELOAD)
            rc = let_load(acting);
    }
    if (rc == ACT_NOTHING)
        report_invisible(acting, plan);
    return rc;
}
