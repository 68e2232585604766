#include "roll/survey.h"

#include "base/name.h"

#include <string.h>

/* --- the look -------------------------------------------------------------------------------- */

/* Owner names as they are without DNS: where the state keeps those that are no CNAMEs. */
static void name_owners(struct survey *s)
{
    for (size_t h = 0; h < s->conf->hosts_count; h++) {
        const struct conf_host *host = &s->conf->hosts[h];
        for (size_t v = 0; v < host->services_count; v++)
            (void)tlsa_owner(s->seen.hosts[h].sets[v].owner, host->services[v].port, host->name);
        s->seen.hosts[h].wanted = s->host_wanted[h];
    }
}

static int look(struct survey *s, const struct world *world, struct arena *arena)
{
    observe_pairs(&s->seen, s->conf, world, true);
    if (s->offline) {
        /* From files alone nothing is learnt: what services serve is not guessed. */
        world_now(world, &s->seen.now);
        return 0;
    }
    if (observe_services(&s->seen, s->conf, world, arena) != 0 ||
        observe_records(&s->seen, s->conf, world, arena) != 0)
        return -1;
    return learn(&s->state, s->conf, &s->seen);
}

int survey_make(struct survey *s, const struct conf *conf, const struct world *world,
                const struct survey_options *options, struct arena *arena)
{
    bool *none = arena_take(arena, conf->pairs_count, sizeof *none);
    const struct plan_options now = {.now = false, .loaded = none, .shown = none};
    memset(s, 0, sizeof *s);
    s->conf = conf;
    s->k = (struct knowledge){conf, &s->state, &s->seen};
    s->offline = options->offline;
    s->host_wanted = arena_take(arena, conf->hosts_count, sizeof *s->host_wanted);
    s->pair_wanted = arena_take(arena, conf->pairs_count, sizeof *s->pair_wanted);
    struct buf text = {arena_take(arena, STATE_TEXT_SIZE, 1), STATE_TEXT_SIZE, 0, false};
    if (s->host_wanted == NULL || s->pair_wanted == NULL || none == NULL || text.data == NULL ||
        observe_make(&s->seen, conf, arena) != 0)
        return -1;
    start_mark(conf, options->hosts, options->hosts_count, s->host_wanted, s->pair_wanted);
    name_owners(s);
    state_init(&s->state, arena);
    s->state_found = start_state(world, &s->state, &text, s->state_words);
    return look(s, world, arena) != 0 ? -1 : plan_make(&s->plan, &s->k, &now, arena);
}

bool survey_noted(const struct survey *s, enum plan_note_kind kind, size_t h, size_t v)
{
    for (size_t i = 0; i < s->plan.notes_count; i++) {
        const struct plan_note *note = &s->plan.notes[i];
        if (note->kind == kind && note->host == h && note->service == v)
            return true;
    }
    return false;
}

/* --- records --------------------------------------------------------------------------------- */

static void note_record(struct tlsa records[PROVIDER_RECORDS_MOST], size_t *count,
                        const struct tlsa *record)
{
    for (size_t i = 0; i < *count; i++) {
        if (tlsa_equal(&records[i], record))
            return;
    }
    if (*count < PROVIDER_RECORDS_MOST)
        records[(*count)++] = *record;
}

size_t survey_records(const struct survey *s, size_t h, size_t v,
                      struct tlsa records[PROVIDER_RECORDS_MOST])
{
    const struct observed_host *host = &s->seen.hosts[h];
    const struct world_view *view = &host->views[v];
    size_t count = 0;
    for (size_t i = 0; host->listed && i < host->sets[v].count; i++)
        note_record(records, &count, &host->sets[v].records[i].tlsa);
    for (size_t i = 0; i < view->servers_count; i++) {
        for (size_t r = 0; r < view->servers[i].count; r++)
            note_record(records, &count, &view->servers[i].records[r]);
    }
    if (host->listed || view->asked)
        return count;
    for (const struct state_record *r = s->state.records; r != NULL; r = r->next) {
        if (r->seen && name_equal(r->owner, host->sets[v].owner))
            note_record(records, &count, &r->tlsa);
    }
    return count;
}

const struct world_shown *survey_misfit(const struct survey *s, size_t h, size_t v,
                                        const struct world_server *server)
{
    const struct world_service *service = &s->seen.hosts[h].services[v];
    for (size_t i = 0; server->count > 0 && i < service->count; i++) {
        const struct world_shown *shown = &service->shown[i];
        const struct fit_chain chain = {&shown->leaf, shown->issuers_count, shown->issuers};
        if (shown->code == PROBE_SERVED &&
            !fit_accepts(server->records, server->count, sizeof *server->records, &chain))
            return shown;
    }
    return NULL;
}

/* --- whose ----------------------------------------------------------------------------------- */

static enum survey_whose of_need(const struct need *need, size_t *pair)
{
    *pair = need->pair;
    return need->why == NEED_CURRENT  ? SURVEY_CURRENT
           : need->why == NEED_FORMER ? SURVEY_FORMER
                                      : SURVEY_NEXT;
}

enum survey_whose survey_whose(const struct survey *s, size_t h, const struct cert_digests *leaf,
                               size_t *pair)
{
    struct need needs[NEED_MOST];
    size_t count = need_own(&s->k, h, needs), found = count;
    /* The certificate tells, and where it is not known, the key. */
    for (size_t i = count; i-- > 0;) {
        if (state_same_key(needs[i].chain.leaf, leaf) &&
            (found == count || !state_same_leaf(needs[found].chain.leaf, leaf) ||
             state_same_leaf(needs[i].chain.leaf, leaf)))
            found = i;
    }
    *pair = SIZE_MAX;
    return found == count ? SURVEY_ANOTHER : of_need(&needs[found], pair);
}

/* Whose a record is, and since when it is visible with what it belongs to. */
static void find_needs(const struct survey *s, size_t h, size_t v, const struct tlsa *tlsa,
                       struct survey_record *record)
{
    const struct provider_rrset *set = &s->seen.hosts[h].sets[v];
    struct need needs[NEED_MOST];
    for (size_t i = need_own(&s->k, h, needs); i-- > 0;) {
        if (!fit_matches(tlsa, &needs[i].chain))
            continue;
        record->whose = of_need(&needs[i], &record->pair);
        const struct state_wait *wait = state_wait(&s->state, set->owner, needs[i].chain.leaf);
        int64_t age = wait == NULL || !wait->reached || !record->everywhere
                          ? 0
                          : state_elapsed(&wait->since, &s->seen.now);
        /* What began in this very look is not known to anybody else. */
        if (age <= 0 || age <= record->age)
            continue;
        record->age = age;
        record->since = wait->since.wall;
    }
}

/* Whether a server that answers does not show it. */
static bool is_missing(const struct world_server *server, const struct tlsa *tlsa)
{
    for (size_t i = 0; i < server->count; i++) {
        if (tlsa_equal(&server->records[i], tlsa))
            return false;
    }
    return server->answer == WORLD_RRSET || server->answer == WORLD_DENIAL;
}

static bool is_served(const struct world_service *service, const struct tlsa *tlsa)
{
    for (size_t i = 0; i < service->count; i++) {
        const struct world_shown *shown = &service->shown[i];
        const struct fit_chain chain = {&shown->leaf, shown->issuers_count, shown->issuers};
        if (shown->code == PROBE_SERVED && fit_matches(tlsa, &chain))
            return true;
    }
    return false;
}

void survey_record(const struct survey *s, size_t h, size_t v, const struct tlsa *tlsa,
                   struct survey_record *record)
{
    const struct conf_host *conf = &s->conf->hosts[h];
    const struct observed_host *host = &s->seen.hosts[h];
    const struct provider_rrset *set = &host->sets[v];
    const struct world_view *view = &host->views[v];
    record->ttl = record->since = record->age = -1;
    for (size_t i = 0; host->listed && i < set->count; i++) {
        if (tlsa_equal(&set->records[i].tlsa, tlsa))
            record->ttl = set->records[i].ttl;
    }
    record->everywhere = record->ttl >= 0 || !host->listed;
    for (size_t i = 0; i < view->servers_count; i++)
        record->everywhere = record->everywhere && !is_missing(&view->servers[i], tlsa);
    record->whose = is_served(&host->services[v], tlsa) ? SURVEY_ANOTHER : SURVEY_NOBODYS;
    record->pair = SIZE_MAX;
    find_needs(s, h, v, tlsa, record);
    /* Facts 3.9: other names may lead to the end of a CNAME. */
    record->ownership = state_record(&s->state, set->owner, tlsa) != NULL ? SURVEY_OURS
                        : conf->adopt && !(view->alias && conf->shared)   ? SURVEY_ADOPTED
                                                                          : SURVEY_FOREIGN;
}

/* --- what is to be known --------------------------------------------------------------------- */

struct telling {
    const struct survey *s;
    survey_visit *visit;
    void *context;
    struct survey_problem problem;
    char text[LOG_MESSAGE_SIZE], last[LOG_MESSAGE_SIZE];
    struct buf b;
};

static void begin(struct telling *t, enum report_meaning meaning, const char *name)
{
    t->problem = (struct survey_problem){.meaning = meaning, .name = name, .text = t->text};
    t->b = BUF_OVER(t->text);
}

/* The same is found for each pair or kind of key that it concerns. */
static void tell(struct telling *t)
{
    if (strcmp(t->last, t->text) == 0)
        return;
    memcpy(t->last, t->text, sizeof t->last);
    t->visit(t->context, &t->problem);
}

static void tell_listing(struct telling *t, size_t h)
{
    const struct observed_host *host = &t->s->seen.hosts[h];
    const struct provider_result *result = &host->result;
    if (t->s->offline || !host->wanted || host->listed || host->other_mx != NULL)
        return;
    begin(t,
          result->code != PROVIDER_REFUSED ? REPORT_LATER
          : result->usage                  ? REPORT_USAGE
                                           : REPORT_FAILURE,
          "provider");
    t->problem.host = t->s->conf->hosts[h].name;
    buf_printf(&t->b, "%s: cannot list its TLSA records: %s", t->problem.host, result->words);
    tell(t);
}

static void tell_notes(struct telling *t)
{
    /* Nothing of it is changed. */
    const struct acting acting = {.conf = t->s->conf, .seen = (struct observation *)&t->s->seen};
    for (size_t i = 0; i < t->s->plan.notes_count; i++) {
        const struct plan_note *note = &t->s->plan.notes[i];
        bool of_pair;
        /* Nobody was to be asked. */
        if (t->s->offline && note->kind == PLAN_NOTE_BLIND)
            continue;
        begin(t, report_meaning(note->kind), report_name(note->kind, &of_pair));
        if (of_pair)
            t->problem.label = t->s->conf->pairs[note->pair].label;
        else
            t->problem.host = t->s->conf->hosts[note->host].name;
        report_note(&acting, note, &t->b);
        tell(t);
    }
}

/* A server that shows what does not fit, though the provider's list does: senders turn away. */
static void tell_misfits(struct telling *t, size_t h, size_t v)
{
    const struct conf_host *host = &t->s->conf->hosts[h];
    const struct world_view *view = &t->s->seen.hosts[h].views[v];
    for (size_t i = 0; i < view->servers_count; i++) {
        const struct world_server *server = &view->servers[i];
        const struct world_shown *shown = survey_misfit(t->s, h, v, server);
        if (shown == NULL || survey_noted(t->s, PLAN_NOTE_OUTAGE, h, v))
            continue;
        begin(t, REPORT_OUTAGE, "server-misfit");
        t->problem.host = host->name;
        buf_printf(&t->b,
                   "%s: name server %s (%s) shows records for %s that do not fit what %s serves at "
                   "%s",
                   host->name, server->name, server->address, t->s->seen.hosts[h].sets[v].owner,
                   host->services[v].name, shown->address);
        tell(t);
    }
}

void survey_problems(const struct survey *s, survey_visit *visit, void *context)
{
    struct telling t = {.s = s, .visit = visit, .context = context};
    begin(&t, REPORT_FAILURE, "state-file");
    buf_text(&t.b, s->state_words);
    tell(&t);
    tell_notes(&t);
    for (size_t h = 0; h < s->conf->hosts_count; h++) {
        tell_listing(&t, h);
        for (size_t v = 0; v < s->conf->hosts[h].services_count; v++)
            tell_misfits(&t, h, v);
    }
}

static void count_problem(void *context, const struct survey_problem *problem)
{
    struct outcome *outcome = context;
    enum report_meaning m = problem->meaning;
    outcome->failed = outcome->failed || m == REPORT_FAILURE || m == REPORT_OUTAGE;
    outcome->usage = outcome->usage || m == REPORT_USAGE;
    outcome->later = outcome->later || m == REPORT_LATER;
}

struct outcome survey_outcome(const struct survey *s)
{
    struct outcome outcome = {false, false, false, false};
    survey_problems(s, count_problem, &outcome);
    return outcome;
}
