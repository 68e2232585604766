#include "roll/planning.h"

#include "base/name.h"

#include <string.h>

/* Microsoft's senders fail above it (facts 3.12). */
#define RECORDS_GOOD 12
/* A signature that ends sooner than the next step takes is to be told of. */
#define SIGNATURE_SOON 86400

/* --- what DNS itself is like ----------------------------------------------------------------- */

/* Whether a server that answers shows another RRset than the provider holds. */
static bool is_behind(const struct observed_host *host, size_t s, const struct world_server *server)
{
    const struct provider_rrset *set = &host->sets[s];
    if (!host->listed || host->views[s].wildcard)
        return false;
    for (size_t i = 0; i < server->count; i++) {
        if (!need_holds(set, &server->records[i]))
            return true;
    }
    for (size_t i = 0; i < set->count; i++) {
        bool shown = false;
        for (size_t k = 0; !shown && k < server->count; k++)
            shown = tlsa_equal(&server->records[k], &set->records[i].tlsa);
        if (!shown)
            return true;
    }
    return false;
}

static void note_servers(struct planning *p, size_t h, size_t s)
{
    const struct observed_host *host = &p->k->seen->hosts[h];
    const struct world_view *view = &host->views[s];
    for (size_t i = 0; i < view->servers_count; i++) {
        const struct world_server *server = &view->servers[i];
        bool answers = server->answer == WORLD_RRSET || server->answer == WORLD_DENIAL;
        if (answers && !is_behind(host, s, server))
            continue;
        struct plan_note *note =
            plan_note(p->plan, answers ? PLAN_NOTE_LAGS : PLAN_NOTE_SERVER, h, s);
        if (note != NULL)
            note->server = i;
    }
}

static void note_zone(struct planning *p, size_t h, size_t s)
{
    const struct observed_host *host = &p->k->seen->hosts[h];
    const struct world_view *view = &host->views[s];
    const struct moment *now = &p->k->seen->now;
    if (!view->asked) {
        (void)plan_note(p->plan, PLAN_NOTE_BLIND, h, s);
        return;
    }
    /* 3.16 */
    if (view->zone == WORLD_ZONE_BOGUS)
        (void)plan_note(p->plan, PLAN_NOTE_BOGUS, h, s);
    else if (view->zone == WORLD_ZONE_UNSIGNED || view->zone == WORLD_ZONE_NO_DS)
        (void)plan_note(p->plan, PLAN_NOTE_NOT_IN_FORCE, h, s);
    if (view->denies != NULL)
        (void)plan_note(p->plan, PLAN_NOTE_DENIES, h, s);
    if (view->alias)
        (void)plan_note(p->plan, PLAN_NOTE_ALIAS, h, s);
    if (host->listed && host->sets[s].count > RECORDS_GOOD)
        (void)plan_note(p->plan, PLAN_NOTE_MANY, h, s);
    int64_t soon = p->plan->next == PLAN_STEP_NONE ? 0 : p->plan->next_in;
    if (view->signature_end >= 0 && now->proven && view->zone != WORLD_ZONE_BOGUS &&
        view->signature_end < now->wall + (soon > SIGNATURE_SOON ? soon : SIGNATURE_SOON)) {
        struct plan_note *note = plan_note(p->plan, PLAN_NOTE_SIGNATURE, h, s);
        if (note != NULL)
            note->in = view->signature_end - now->wall;
    }
    note_servers(p, h, s);
}

/* --------------------------------------------------------------------------------------------- */

static void for_services(struct planning *p, void (*part)(struct planning *p, size_t h, size_t s))
{
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        const struct observed_host *host = &p->k->seen->hosts[h];
        if (!host->wanted || host->other_mx != NULL)
            continue;
        for (size_t s = 0; s < p->k->conf->hosts[h].services_count; s++)
            part(p, h, s);
    }
}

/* 3.11: clients go by the records of what the host's name is a CNAME of, if it has any. */
static void note_host(struct planning *p, size_t h)
{
    const struct observed_host *host = &p->k->seen->hosts[h];
    if (host->other_mx != NULL) {
        (void)plan_note(p->plan, PLAN_NOTE_OTHER_MX, h, 0);
        return;
    }
    for (size_t i = 0; host->alias_of != NULL && i < p->k->conf->hosts_count; i++) {
        if (name_equal(p->k->conf->hosts[i].name, host->alias_of))
            return;
    }
    if (host->alias_of != NULL)
        (void)plan_note(p->plan, PLAN_NOTE_HOST_ALIAS, h, 0);
}

int plan_make(struct plan *plan, const struct knowledge *k, const struct plan_options *options,
              struct arena *arena)
{
    struct planning p = {plan, k, options,
                         arena_take(arena, k->conf->pairs_count, sizeof *p.views)};
    memset(plan, 0, sizeof *plan);
    plan->actions = arena_take(arena, PLAN_ACTIONS_MOST, sizeof *plan->actions);
    plan->notes = arena_take(arena, PLAN_NOTES_MOST, sizeof *plan->notes);
    plan->pairs = arena_take(arena, k->conf->pairs_count, sizeof *plan->pairs);
    plan->retire_in = arena_take(arena, k->conf->hosts_count, sizeof *plan->retire_in);
    if (plan->actions == NULL || plan->notes == NULL || p.views == NULL || plan->pairs == NULL ||
        plan->retire_in == NULL)
        return -1;
    for (size_t h = 0; h < k->conf->hosts_count; h++) {
        plan->retire_in[h] = -1;
        if (k->seen->hosts[h].wanted)
            note_host(&p, h);
    }
    for_services(&p, plan_publish);
    plan_installs(&p);
    for_services(&p, plan_retire);
    for_services(&p, plan_leave);
    plan_forget(&p);
    for_services(&p, note_zone);
    return 0;
}
