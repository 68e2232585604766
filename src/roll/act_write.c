/* Records: noted, published, retired. */
#include "roll/act_write.h"

#include "roll/act_report.h"

#include <string.h>

/* Rounds of writes at one host before what was accepted must have become visible. */
#define WRITE_ROUNDS_MOST 4
/* What a provider's automatic TTL comes to (Cloudflare's). */
#define AUTOMATIC_TTL 300
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

static const struct provider_rrset *set_of(const struct acting *acting,
                                           const struct plan_action *action)
{
    return &acting->seen->hosts[action->host].sets[action->service];
}

/*
 * Notes what is about to be written, before it is: a crash in between leaves a note without a
 * record, which harms nothing, never a record of ours that nobody remembers. Whether it was no
 * record of ours before.
 */
static bool note_addition(struct acting *acting, const struct plan_action *action)
{
    const char *owner = set_of(acting, action)->owner;
    bool made = state_record(acting->state, owner, &action->record) == NULL;
    struct state_record *record = state_record_make(acting->state, owner, &action->record);
    if (record != NULL && !record->seen)
        world_now(acting->world, &record->since);
    learn_write(acting->state, acting->conf, acting->seen, action->host, action->service,
                &action->record, action->ttl == 1 ? AUTOMATIC_TTL : action->ttl);
    return made && record != NULL;
}

/* From now on it may be gone, however long it is still shown: its wait would begin anew. */
static void note_removal(struct acting *acting, const struct plan_action *action)
{
    const struct tlsa *tlsa = &action->target->tlsa;
    struct state_record *noted = state_record(acting->state, set_of(acting, action)->owner, tlsa);
    if (noted != NULL) {
        noted->seen = false;
        memset(&noted->since, 0, sizeof noted->since);
    }
    learn_remove(acting->state, acting->conf, acting->seen, action->host, action->service, tlsa);
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
 * *MADE, the note that nobody had before, stays true where it is no record of ours after all.
 */
static bool add_record(struct acting *acting, const struct plan_action *action,
                       const struct provider_rrset *now, bool *made)
{
    const struct conf_host *host = &acting->conf->hosts[action->host];
    const struct provider_rrset *set = set_of(acting, action);
    char text[RECORD_TEXT_SIZE];
    struct provider_result result =
        acting->world->network->add(acting->world->network_context, host->provider,
                                    zone_name(acting, action), now, &action->record, action->ttl);
    (void)record_text(text, set->owner, &action->record);
    switch (result.code) {
    case PROVIDER_DONE:
        *made = false;
        acting->outcome->changed = true;
        world_say(acting->world, LOG_LEVEL_NOTICE, "%s: published %s%s", host->name, text,
                  set->count > 0 ? " beside what was there" : "");
        return true;
    case PROVIDER_ALREADY:
        /* Somebody else's, unless an earlier try of ours was answered into the void. */
        world_say(acting->world, LOG_LEVEL_DETAIL, "%s: %s was there already", host->name, text);
        return true;
    case PROVIDER_UNKNOWN:
    case PROVIDER_CONFLICT:
        /* A conflict wrote nothing: what is there then is somebody else's. */
        *made = *made && result.code == PROVIDER_CONFLICT;
        world_say(acting->world, LOG_LEVEL_DETAIL, "%s: %s: %s; looking whether it is there",
                  host->name, text, result.words);
        return false;
    case PROVIDER_LATER:
    case PROVIDER_REFUSED:
        break;
    }
    act_report(acting, action->host, "cannot publish its TLSA record", &result);
    return false;
}

static bool remove_record(struct acting *acting, const struct plan_action *action,
                          const struct provider_rrset *now)
{
    const struct conf_host *host = &acting->conf->hosts[action->host];
    const struct provider_rrset *set = set_of(acting, action);
    char text[RECORD_TEXT_SIZE];
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

/*
 * Notes all writes of one kind, so that the state is written once for them. MADE: by action, those
 * that were no records of ours. Whether they are noted on disk.
 */
static bool note_writes(struct acting *acting, const struct plan *plan, enum plan_kind kind,
                        bool made[PLAN_ACTIONS_MOST])
{
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        made[i] = false;
        if (action->kind != kind || !may_write(acting, action->host))
            continue;
        if (kind == PLAN_ADD)
            made[i] = note_addition(acting, action);
        else
            note_removal(acting, action);
    }
    return act_save(acting) == 0;
}

/* Those that did not become records of ours; a crash must not make them ours either. */
static void forget_notes(struct acting *acting, const struct plan *plan,
                         const bool made[PLAN_ACTIONS_MOST])
{
    bool any = false;
    for (size_t i = 0; i < plan->actions_count; i++) {
        const struct plan_action *action = &plan->actions[i];
        if (!made[i])
            continue;
        state_record_drop(acting->state, state_record(acting->state, set_of(acting, action)->owner,
                                                      &action->record));
        any = true;
    }
    if (any)
        (void)act_save(acting);
}

/* The writes of one kind that are under way. */
struct writing {
    const struct plan *plan;
    enum plan_kind kind;
    bool blind; /* the state could not be written */
    bool noted; /* these are in it */
    struct written written;
    bool made[PLAN_ACTIONS_MOST];
};

/* Whether the next one of the host may follow. */
static bool write_record(struct acting *acting, struct writing *w, size_t i,
                         const struct provider_rrset *now)
{
    const struct plan_action *action = &w->plan->actions[i];
    /* Nobody would remember that it is ours: only what vouches for a served key is worth that. */
    bool may = w->noted || (w->kind == PLAN_ADD && action->outage);
    world_now(acting->world, &acting->wrote[action->host]);
    acting->ask_records = true;
    w->blind = w->blind || !w->noted;
    return may && (w->kind == PLAN_ADD ? add_record(acting, action, now, &w->made[i])
                                       : remove_record(acting, action, now));
}

/* All of them; each host's rounds are counted, so that no write is repeated for ever. */
static enum act_result write_all(struct acting *acting, struct writing *w)
{
    enum act_result rc = ACT_NOTHING;
    size_t host = SIZE_MAX; /* whose actions follow one another in the plan */
    bool go_on = false, begun = false, skipped = false;
    for (size_t i = 0; i < w->plan->actions_count; i++) {
        const struct plan_action *action = &w->plan->actions[i];
        if (action->kind != w->kind)
            continue;
        const struct provider_rrset *now = begin_write(&w->written, set_of(acting, action));
        if (host != action->host) {
            host = action->host;
            begun = skipped = false;
        }
        /* Once something was left out, the next look makes a new plan; a save may succeed
         * meanwhile. */
        if ((w->blind || skipped) && !may_skip_order(action, now)) {
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
        go_on = write_record(acting, w, i, now);
        if (go_on)
            end_write(&w->written, action);
        rc = ACT_LOOK;
    }
    return rc;
}

static bool has_any(const struct plan *plan, enum plan_kind kind)
{
    for (size_t i = 0; i < plan->actions_count; i++) {
        if (plan->actions[i].kind == kind)
            return true;
    }
    return false;
}

enum act_result act_write(struct acting *acting, const struct plan *plan, enum plan_kind kind)
{
    /* Not on the stack of a router, and not re-entered: one engine a process. */
    static struct writing w;
    w.plan = plan;
    w.kind = kind;
    w.blind = acting->cannot_save;
    w.written.now.owner[0] = '\0';
    if (!has_any(plan, kind))
        return ACT_NOTHING;
    w.noted = note_writes(acting, plan, kind, w.made);
    enum act_result rc = write_all(acting, &w);
    forget_notes(acting, plan, w.made);
    return rc;
}

void act_report_invisible(struct acting *acting, const struct plan *plan)
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
