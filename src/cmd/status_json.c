#include "cmd/status.h"

#include "base/log.h"
#include "cmd/cmd.h"
#include "http/json.h"

#include <string.h>

/* The longest text is a message, each of whose octets may become six. */
#define ROOM (8 * LOG_MESSAGE_SIZE)

/* What is written so far goes out by pieces. */
struct page {
    char room[ROOM];
    struct buf text;
    struct json_writer w;
    int rc;
};

static void flush(struct page *p)
{
    if (buf_full(&p->text) || log_out(p->room) != 0)
        p->rc = -1;
    buf_reset(&p->text);
}

/* Before each text that may be long, and after each object. */
static void drain(struct page *p)
{
    if (p->text.used > LOG_MESSAGE_SIZE)
        flush(p);
}

static void begin(struct page *p)
{
    memset(p, 0, sizeof *p);
    p->text = BUF_OVER(p->room);
    p->w = json_writer_over(&p->text);
    json_put_begin_object(&p->w);
    json_put_name(&p->w, "version");
    json_put_whole(&p->w, 1);
}

static int end(struct page *p)
{
    json_put_end_object(&p->w);
    buf_char(&p->text, '\n');
    flush(p);
    return p->rc;
}

/* --- members --------------------------------------------------------------------------------- */

/* TEXT may be NULL. */
static void put(struct page *p, const char *name, const char *text)
{
    drain(p);
    json_put_name(&p->w, name);
    if (text == NULL)
        json_put_null(&p->w);
    else
        json_put_string(&p->w, text);
}

static void put_bool(struct page *p, const char *name, bool value)
{
    json_put_name(&p->w, name);
    json_put_bool(&p->w, value);
}

/* Null where that is not known. */
static void put_known(struct page *p, const char *name, bool known, bool value)
{
    if (known)
        put_bool(p, name, value);
    else
        put(p, name, NULL);
}

/* A negative number is one that is not known. */
static void put_number(struct page *p, const char *name, int64_t number)
{
    json_put_name(&p->w, name);
    if (number < 0)
        json_put_null(&p->w);
    else
        json_put_whole(&p->w, number);
}

static void put_time(struct page *p, const char *name, int64_t wall)
{
    char text[TIME_TEXT_SIZE];
    if (wall >= 0)
        time_text(wall, text);
    put(p, name, wall < 0 ? NULL : text);
}

static void put_digest(struct page *p, const char *name, const uint8_t digest[32])
{
    char text[65];
    struct buf b = BUF_OVER(text);
    buf_hex(&b, digest, 32);
    put(p, name, text);
}

static void put_record(struct page *p, const char *name, const struct tlsa *tlsa)
{
    char text[TLSA_TEXT_SIZE];
    struct buf b = BUF_OVER(text);
    tlsa_print(&b, tlsa);
    put(p, name, text);
}

static void begin_list(struct page *p, const char *name)
{
    json_put_name(&p->w, name);
    json_put_begin_array(&p->w);
}

static void end_list(struct page *p)
{
    json_put_end_array(&p->w);
    drain(p);
}

static void end_object(struct page *p)
{
    json_put_end_object(&p->w);
    drain(p);
}

static void put_whose(struct page *p, const struct survey *s, enum survey_whose whose, size_t pair)
{
    put(p, "whose", survey_whose_names[whose]);
    put(p, "pair", whose <= SURVEY_FORMER ? s->conf->pairs[pair].label : NULL);
}

/* --- services -------------------------------------------------------------------------------- */

static void put_shown(struct page *p, const struct survey *s, size_t h, size_t v,
                      const struct world_shown *shown)
{
    const struct observed_host *host = &s->seen.hosts[h];
    const struct fit_chain chain = {&shown->leaf, shown->issuers_count, shown->issuers};
    size_t pair = 0;
    json_put_begin_object(&p->w);
    put(p, "address", shown->address);
    put(p, "algorithm", shown->algorithm == PROBE_RSA ? "rsa" : "ecdsa");
    put(p, "result", status_results[shown->code]);
    if (shown->code == PROBE_SERVED) {
        put_digest(p, "key", shown->leaf.spki256);
        put_digest(p, "certificate", shown->leaf.certificate256);
        enum survey_whose whose = survey_whose_leaf(s, h, &shown->leaf, &pair);
        put_whose(p, s, whose, pair);
        put_known(p, "fits", host->listed, need_fits(&host->sets[v], &chain));
    }
    put(p, "message", shown->words);
    end_object(p);
}

static void put_known_record(struct page *p, const struct survey *s, size_t h, size_t v,
                             const struct tlsa *tlsa)
{
    struct status_record record;
    status_record(s, h, v, tlsa, &record);
    json_put_begin_object(&p->w);
    put_record(p, "record", tlsa);
    put_whose(p, s, record.whose, record.pair);
    put(p, "ownership", status_ownerships[record.ownership]);
    put_number(p, "ttl", record.listed == NULL ? -1 : (int64_t)record.listed->ttl);
    put_known(p, "everywhere", s->seen.hosts[h].listed || s->seen.hosts[h].views[v].asked,
              record.everywhere);
    put_time(p, "visible-since", record.since);
    put_number(p, "visible-seconds", record.age);
    end_object(p);
}

static void put_server(struct page *p, const struct survey *s, size_t h, size_t v,
                       const struct world_server *server)
{
    json_put_begin_object(&p->w);
    put(p, "name", server->name);
    put(p, "address", server->address);
    put(p, "answer", status_answers[server->answer]);
    put_number(p, "ttl", server->answer == WORLD_RRSET ? (int64_t)server->lifetime : -1);
    put_known(p, "fits", server->answer == WORLD_RRSET || server->answer == WORLD_DENIAL,
              !survey_misfits(s, h, v, server));
    begin_list(p, "records");
    for (size_t i = 0; i < server->count; i++) {
        char text[TLSA_TEXT_SIZE];
        struct buf b = BUF_OVER(text);
        tlsa_print(&b, &server->records[i]);
        drain(p);
        json_put_string(&p->w, text);
    }
    end_list(p);
    put(p, "message", server->words);
    end_object(p);
}

static void put_service(struct page *p, const struct survey *s, size_t h, size_t v)
{
    const struct observed_host *host = &s->seen.hosts[h];
    const struct world_view *view = &host->views[v];
    const struct world_service *service = &host->services[v];
    struct tlsa records[PROVIDER_RECORDS_MOST];
    json_put_begin_object(&p->w);
    put(p, "name", s->conf->hosts[h].services[v].name);
    put_number(p, "port", s->conf->hosts[h].services[v].port);
    put(p, "owner", host->sets[v].owner);
    put_bool(p, "asked", view->asked);
    put_bool(p, "alias", view->alias);
    put_bool(p, "wildcard", view->wildcard);
    put(p, "zone", status_zones[view->zone]);
    put_time(p, "signature-end", view->asked ? view->signature_end : -1);
    begin_list(p, "served");
    for (size_t i = 0; i < service->count; i++)
        put_shown(p, s, h, v, &service->shown[i]);
    end_list(p);
    begin_list(p, "records");
    size_t count = survey_records(s, h, v, records);
    for (size_t i = 0; i < count; i++)
        put_known_record(p, s, h, v, &records[i]);
    end_list(p);
    begin_list(p, "servers");
    for (size_t i = 0; i < view->servers_count; i++)
        put_server(p, s, h, v, &view->servers[i]);
    end_list(p);
    put(p, "message", service->words != NULL ? service->words : view->words);
    end_object(p);
}

static void put_host(struct page *p, const struct survey *s, size_t h)
{
    const struct conf_host *host = &s->conf->hosts[h];
    const struct stage_cost cost = stage_cost(s, h);
    json_put_begin_object(&p->w);
    put(p, "name", host->name);
    put(p, "label", host->label);
    put(p, "state", stage_names[stage_of_host(s, h)]);
    put(p, "provider", s->conf->providers[host->provider].label);
    put_bool(p, "listed", s->seen.hosts[h].listed);
    put_bool(p, "leave", host->leave);
    begin_list(p, "pairs");
    for (size_t i = 0; i < host->pairs_count; i++)
        json_put_string(&p->w, s->conf->pairs[host->pairs[i]].label);
    end_list(p);
    json_put_name(&p->w, "key-change");
    json_put_begin_object(&p->w);
    put_number(p, "ttl", cost.lifetime);
    put_number(p, "margin", cost.margin);
    put_number(p, "seconds", cost.seconds);
    end_object(p);
    begin_list(p, "services");
    for (size_t v = 0; v < host->services_count; v++)
        put_service(p, s, h, v);
    end_list(p);
    end_object(p);
}

/* --- pairs ----------------------------------------------------------------------------------- */

/* PAIR: SIZE_MAX, or whose next key it is, of which the key alone is known. */
static void put_found(struct page *p, const struct survey *s, const char *name,
                      const struct pair_found *found, size_t pair)
{
    static const char *const codes[] = {[PAIR_READ] = "good",
                                        [PAIR_LATER] = "being-written",
                                        [PAIR_FAILED] = "failed",
                                        [PAIR_UNFIT] = "unfit"};
    int64_t left = found->not_after - s->seen.now.wall;
    json_put_name(&p->w, name);
    if (found->code == PAIR_ABSENT) {
        json_put_null(&p->w);
        return;
    }
    json_put_begin_object(&p->w);
    put(p, "status", codes[found->code]);
    if (found->code == PAIR_READ) {
        put_digest(p, "key", found->leaf.spki256);
        put(p, "algorithm", status_algorithm(found->algorithm));
    }
    if (found->code == PAIR_READ && pair != SIZE_MAX)
        put_number(p, "ripe-seconds", stage_ripe_in(s, pair, &found->leaf));
    if (found->code == PAIR_READ && pair == SIZE_MAX) {
        put_digest(p, "certificate", found->leaf.certificate256);
        put_time(p, "not-before", found->not_before);
        put_time(p, "not-after", found->not_after);
        put_number(p, "days-left", left < 0 ? 0 : left / 86400);
    }
    put(p, "message", found->code != PAIR_READ ? found->words : found->warning);
    end_object(p);
}

static void put_step(struct page *p, const struct survey *s, struct stage_step next)
{
    json_put_name(&p->w, "next");
    if (next.step == STAGE_STEP_NONE) {
        json_put_null(&p->w);
        return;
    }
    json_put_begin_object(&p->w);
    put(p, "step", stage_step_names[next.step]);
    put_number(p, "seconds", next.in);
    put_time(p, "time", next.in < 0 ? -1 : s->seen.now.wall + next.in);
    end_object(p);
}

static void put_pair(struct page *p, const struct survey *s, size_t pair)
{
    const struct observed_pair *seen = &s->seen.pairs[pair];
    json_put_begin_object(&p->w);
    put(p, "label", s->conf->pairs[pair].label);
    put(p, "state", stage_names[stage_of_pair(s, pair)]);
    put_found(p, s, "source", &seen->source, SIZE_MAX);
    put_found(p, s, "installed", &seen->current, SIZE_MAX);
    put_found(p, s, "former", &seen->previous, SIZE_MAX);
    put_found(p, s, "next-key", &seen->next_key, pair);
    put_step(p, s, stage_next(s, pair));
    end_object(p);
}

/* --- what is due, what is wrong -------------------------------------------------------------- */

static void put_action(struct page *p, const struct survey *s, const struct plan_action *action)
{
    bool of_record = action->kind == PLAN_ADD || action->kind == PLAN_REMOVE;
    json_put_begin_object(&p->w);
    put(p, "step", stage_step_names[action->kind]);
    if (of_record) {
        put(p, "host", s->conf->hosts[action->host].name);
        put(p, "owner", s->seen.hosts[action->host].sets[action->service].owner);
        put_record(p, "record", action->kind == PLAN_ADD ? &action->record : &action->target->tlsa);
    } else {
        put(p, "pair", s->conf->pairs[action->pair].label);
    }
    end_object(p);
}

static void put_problem(void *context, const struct survey_problem *problem)
{
    static const char *const meanings[] = {
        [REPORT_NEWS] = "news",       [REPORT_WARNING] = "warning", [REPORT_LATER] = "later",
        [REPORT_FAILURE] = "failure", [REPORT_OUTAGE] = "outage",   [REPORT_USAGE] = "usage"};
    struct page *p = context;
    json_put_begin_object(&p->w);
    put(p, "kind", problem->name);
    put(p, "severity", meanings[problem->meaning]);
    put(p, "host", problem->host);
    put(p, "pair", problem->label);
    put(p, "text", problem->text);
    end_object(p);
}

int status_json(const struct survey *s, int code)
{
    static const char *const states[] = {[START_STATE_READ] = "read",
                                         [START_STATE_ABSENT] = "absent",
                                         [START_STATE_DAMAGED] = "damaged",
                                         [START_STATE_LATER] = "later",
                                         [START_STATE_UNREADABLE] = "unreadable"};
    static struct page p;
    begin(&p);
    put(&p, "daneroll", DANEROLL_VERSION);
    put_time(&p, "time", s->seen.now.wall);
    put_bool(&p, "time-proven", s->seen.now.proven);
    put_bool(&p, "offline", s->offline);
    put_number(&p, "exit", code);
    put(&p, "state", stage_names[stage_of_all(s)]);
    put(&p, "state-file", states[s->state_found]);
    begin_list(&p, "hosts");
    for (size_t h = 0; h < s->conf->hosts_count; h++) {
        if (s->host_wanted[h])
            put_host(&p, s, h);
    }
    end_list(&p);
    begin_list(&p, "pairs");
    for (size_t i = 0; i < s->conf->pairs_count; i++) {
        if (s->pair_wanted[i])
            put_pair(&p, s, i);
    }
    end_list(&p);
    begin_list(&p, "due");
    for (size_t i = 0; i < s->plan.actions_count; i++)
        put_action(&p, s, &s->plan.actions[i]);
    end_list(&p);
    begin_list(&p, "problems");
    survey_problems(s, put_problem, &p);
    end_list(&p);
    return end(&p);
}

int status_json_error(int code, const char *texts)
{
    static struct page p;
    begin(&p);
    json_put_name(&p.w, "error");
    json_put_begin_object(&p.w);
    put_number(&p, "exit", code);
    begin_list(&p, "texts");
    while (*texts != '\0') {
        char text[LOG_MESSAGE_SIZE];
        struct buf b = BUF_OVER(text);
        size_t length = strcspn(texts, "\n");
        buf_put(&b, texts, length);
        drain(&p);
        json_put_string(&p.w, text);
        texts += length + (texts[length] == '\n' ? 1 : 0);
    }
    end_list(&p);
    json_put_end_object(&p.w);
    return end(&p);
}
