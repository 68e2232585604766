#include "cmd/cmd.h"
#include "cmd/page.h"
#include "cmd/status.h"

#include <string.h>

const char status_zones[][STATUS_WORD_SIZE] = {
    [WORLD_ZONE_UNKNOWN] = "unknown", [WORLD_ZONE_UNSIGNED] = "unsigned",
    [WORLD_ZONE_NO_DS] = "no-ds",     [WORLD_ZONE_SIGNED] = "signed",
    [WORLD_ZONE_BOGUS] = "bogus",
};

const char status_answers[][STATUS_WORD_SIZE] = {
    [WORLD_RRSET] = "records",
    [WORLD_DENIAL] = "denial",
    [WORLD_SILENT] = "silent",
    [WORLD_LAME] = "lame",
};

const char status_results[][STATUS_WORD_SIZE] = {
    [PROBE_SERVED] = "served",           [PROBE_OTHER_ALGORITHM] = "no-such-key",
    [PROBE_NO_STARTTLS] = "no-starttls", [PROBE_NO_TLS] = "no-tls",
    [PROBE_OLD_TLS] = "old-tls",         [PROBE_UNSEEN] = "unseen",
};

const char status_whose[][STATUS_WORD_SIZE] = {
    [SURVEY_CURRENT] = "current", [SURVEY_NEXT] = "next",       [SURVEY_FORMER] = "former",
    [SURVEY_ANOTHER] = "another", [SURVEY_NOBODYS] = "unknown",
};

const char status_ownerships[][STATUS_WORD_SIZE] = {
    [SURVEY_OURS] = "ours",
    [SURVEY_ADOPTED] = "adopted",
    [SURVEY_FOREIGN] = "foreign",
};

const char status_meanings[][STATUS_WORD_SIZE] = {
    [REPORT_NEWS] = "news",       [REPORT_WARNING] = "warning", [REPORT_LATER] = "later",
    [REPORT_FAILURE] = "failure", [REPORT_OUTAGE] = "outage",   [REPORT_USAGE] = "usage",
};

static const char algorithms[][6] = {
    [CERT_RSA] = "rsa", [CERT_ECDSA] = "ecdsa", [CERT_OTHER_ALGORITHM] = "other"};

struct telling {
    struct page page;
    const struct survey *s;
    /* The service that is being told of. */
    size_t h, v;
    const struct observed_host *host;
    const struct provider_rrset *set;
    const struct world_view *view;
    const struct world_service *service;
};

static void put_whose(struct telling *t, enum survey_whose whose, size_t pair)
{
    page_text(&t->page, "whose", status_whose[whose]);
    page_text(&t->page, "pair", pair == SIZE_MAX ? NULL : t->s->conf->pairs[pair].label);
}

/* --- services -------------------------------------------------------------------------------- */

static void put_served(struct telling *t, size_t i)
{
    struct page *p = &t->page;
    const struct world_shown *shown = &t->service->shown[i];
    const struct fit_chain chain = {&shown->leaf, shown->issuers_count, shown->issuers};
    const bool served = shown->code == PROBE_SERVED;
    size_t pair;
    /* That there is no certificate of this kind beside another: for programs. */
    if (!p->json && verify_shown(&t->s->k, t->h, t->v, i) == VERDICT_NONE)
        return;
    page_item(p, 4, "served");
    page_text(p, "address", shown->address);
    page_text(p, "algorithm", algorithms[shown->algorithm == PROBE_RSA ? CERT_RSA : CERT_ECDSA]);
    if (p->json || !served)
        page_text(p, "result", status_results[shown->code]);
    if (served) {
        page_digest(p, "key", shown->leaf.spki256);
        if (p->json)
            page_digest(p, "certificate", shown->leaf.certificate256);
        enum survey_whose whose = survey_whose(t->s, t->h, &shown->leaf, &pair);
        put_whose(t, whose, pair);
        page_flag(p, "fits", t->host->listed, need_fits(t->set, &chain), "does not fit");
    }
    page_text(p, "message", shown->words);
    page_item_end(p);
}

static void put_record(struct telling *t, const struct tlsa *tlsa)
{
    struct page *p = &t->page;
    struct survey_record record;
    survey_record(t->s, t->h, t->v, tlsa, &record);
    page_item(p, 4, "record");
    page_record(p, "record", tlsa);
    put_whose(t, record.whose, record.pair);
    page_text(p, "ownership", status_ownerships[record.ownership]);
    page_number(p, "ttl", record.ttl);
    page_flag(p, "everywhere", t->host->listed || t->view->asked, record.everywhere,
              "not everywhere");
    if (p->json)
        page_time(p, "visible-since", record.since);
    page_seconds(p, "visible-seconds", record.age);
    page_item_end(p);
}

static void put_server(struct telling *t, const struct world_server *server)
{
    struct page *p = &t->page;
    const bool shows = server->answer == WORLD_RRSET;
    page_item(p, 4, "server");
    page_text(p, "name", server->name);
    page_text(p, "address", server->address);
    if (p->json || !shows)
        page_text(p, "answer", status_answers[server->answer]);
    else
        page_number(p, "records", (int64_t)server->count);
    page_number(p, "ttl", shows ? (int64_t)server->lifetime : -1);
    page_flag(p, "fits", shows, survey_misfit(t->s, t->h, t->v, server) == NULL, "does not fit");
    page_text(p, "message", server->words);
    if (p->json) {
        page_list(p, "records");
        for (size_t i = 0; i < server->count; i++) {
            page_item(p, 0, "");
            page_record(p, "record", &server->records[i]);
            page_item_end(p);
        }
        page_list_end(p);
    }
    page_item_end(p);
}

static void put_rows(struct telling *t)
{
    struct page *p = &t->page;
    struct tlsa records[PROVIDER_RECORDS_MOST];
    size_t count = survey_records(t->s, t->h, t->v, records);
    page_list(p, "served");
    for (size_t i = 0; i < t->service->count; i++)
        put_served(t, i);
    page_list_end(p);
    page_list(p, "records");
    for (size_t i = 0; i < count; i++)
        put_record(t, &records[i]);
    page_list_end(p);
    page_list(p, "servers");
    for (size_t i = 0; i < t->view->servers_count; i++)
        put_server(t, &t->view->servers[i]);
    page_list_end(p);
}

static void put_service(struct telling *t, const struct conf_service *conf)
{
    struct page *p = &t->page;
    const struct world_view *view = t->view = &t->host->views[t->v];
    t->set = &t->host->sets[t->v];
    t->service = &t->host->services[t->v];
    page_item(p, 2, "service");
    page_text(p, "name", conf->name);
    page_text(p, "owner", t->set->owner);
    page_flag(p, "alias", view->asked, view->alias, NULL);
    page_flag(p, "wildcard", view->asked, view->wildcard, NULL);
    page_text(p, "zone", view->asked ? status_zones[view->zone] : NULL);
    if (p->json) {
        page_number(p, "port", conf->port);
        page_time(p, "signature-end", view->asked ? view->signature_end : -1);
    }
    page_text(p, "message", t->service->words);
    page_row_end(p);
    put_rows(t);
    page_item_end(p);
}

/* 2·TTL + margin, and what other waits make of it. */
static void put_cost(struct page *p, const struct stage_cost *cost)
{
    if (p->json)
        json_put_name(&p->w, "key-change");
    page_item(p, 2, "a change of key takes");
    page_seconds(p, "seconds", cost->seconds);
    page_number(p, "ttl", cost->lifetime);
    page_number(p, "margin", cost->margin);
    page_row_end(p);
    page_item_end(p);
}

static void put_host(struct telling *t, size_t h)
{
    struct page *p = &t->page;
    const struct conf_host *host = &t->s->conf->hosts[h];
    const struct stage_cost cost = stage_cost(t->s, h);
    t->h = h;
    t->host = &t->s->seen.hosts[h];
    page_item(p, 0, "host");
    page_text(p, "name", host->name);
    page_text(p, "state", stage_names[stage_of_host(t->s, h)]);
    if (p->json) {
        page_text(p, "label", host->label);
        page_text(p, "provider", t->s->conf->providers[host->provider].label);
        page_flag(p, "listed", true, t->host->listed, NULL);
        page_list(p, "pairs");
        for (size_t i = 0; i < host->pairs_count; i++)
            json_put_string(&p->w, t->s->conf->pairs[host->pairs[i]].label);
        page_list_end(p);
    }
    page_row_end(p);
    put_cost(p, &cost);
    page_list(p, "services");
    for (t->v = 0; t->v < host->services_count; t->v++)
        put_service(t, &host->services[t->v]);
    page_list_end(p);
    page_item_end(p);
}

/* --- pairs ----------------------------------------------------------------------------------- */

static void put_file(struct telling *t, size_t pair, const char *what,
                     const struct pair_found *found)
{
    struct page *p = &t->page;
    const bool good = found->code == PAIR_READ;
    /* Of a next key only the key is known. */
    const bool bare = found == &t->s->seen.pairs[pair].next_key;
    int64_t left = found->not_after - t->s->seen.now.wall;
    if (found->code == PAIR_ABSENT)
        return;
    page_item(p, 4, what);
    if (p->json)
        page_text(p, "file", what);
    if (p->json || !good)
        page_flag(p, "good", true, good, "not good");
    if (good) {
        page_digest(p, "key", found->leaf.spki256);
        page_text(p, "algorithm", algorithms[found->algorithm]);
    }
    if (good && bare) {
        int64_t in = stage_ripe_in(t->s, pair, &found->leaf);
        page_flag(p, "ripe", true, in == 0, "not ripe");
        page_seconds(p, "ripe-seconds", in);
    } else if (good) {
        if (p->json) {
            page_digest(p, "certificate", found->leaf.certificate256);
            page_time(p, "not-before", found->not_before);
        }
        page_time(p, "not-after", found->not_after);
        page_number(p, "days-left", left < 0 ? 0 : left / 86400);
    }
    /* In text the words are among the problems. */
    page_text(p, "message", good ? found->warning : p->json ? found->words : NULL);
    page_item_end(p);
}

static void put_pair(struct telling *t, size_t pair)
{
    struct page *p = &t->page;
    const struct observed_pair *seen = &t->s->seen.pairs[pair];
    const struct stage_of of = stage_of_pair(t->s, pair);
    page_item(p, 0, "pair");
    page_text(p, "label", t->s->conf->pairs[pair].label);
    page_text(p, "state", stage_names[of.stage]);
    if (!p->json && of.step != STAGE_STEP_NONE)
        buf_text(&p->text, "next: ");
    page_text(p, "next-step", of.step == STAGE_STEP_NONE ? NULL : stage_step_names[of.step]);
    page_seconds(p, "next-seconds", of.in);
    page_time(p, "next-time", of.in < 0 ? -1 : t->s->seen.now.wall + of.in);
    page_row_end(p);
    page_list(p, "files");
    put_file(t, pair, "source", &seen->source);
    put_file(t, pair, "installed", &seen->current);
    put_file(t, pair, "former", &seen->previous);
    put_file(t, pair, "next-key", &seen->next_key);
    page_list_end(p);
    page_item_end(p);
}

/* --- what is wrong --------------------------------------------------------------------------- */

static void put_problem(void *context, const struct survey_problem *problem)
{
    struct telling *t = context;
    struct page *p = &t->page;
    page_item(p, 0, status_meanings[problem->meaning]);
    if (p->json) {
        page_text(p, "severity", status_meanings[problem->meaning]);
        page_text(p, "kind", problem->name);
        page_text(p, "host", problem->host);
        page_text(p, "pair", problem->label);
    }
    page_text(p, "text", problem->text);
    page_item_end(p);
}

static void put_top(struct telling *t, int code)
{
    struct page *p = &t->page;
    page_text(p, "daneroll", DANEROLL_VERSION);
    page_time(p, "time", t->s->seen.now.wall);
    page_flag(p, "time-proven", true, t->s->seen.now.proven, NULL);
    page_flag(p, "offline", true, t->s->offline, NULL);
    page_number(p, "exit", code);
    page_text(p, "state", stage_names[stage_of_all(t->s)]);
}

int status_tell(const struct survey *s, bool json, int code)
{
    static struct telling t;
    struct page *p = &t.page;
    t.s = s;
    page_begin(p, json);
    if (json)
        put_top(&t, code);
    page_list(p, "hosts");
    for (size_t h = 0; h < s->conf->hosts_count; h++) {
        if (s->host_wanted[h])
            put_host(&t, h);
    }
    page_list_end(p);
    page_list(p, "pairs");
    for (size_t i = 0; i < s->conf->pairs_count; i++) {
        if (s->pair_wanted[i])
            put_pair(&t, i);
    }
    page_list_end(p);
    page_list(p, "problems");
    survey_problems(s, put_problem, &t);
    page_list_end(p);
    return page_end(p);
}

int status_tell_error(int code, const char *texts)
{
    static struct page p;
    page_begin(&p, true);
    json_put_name(&p.w, "error");
    page_item(&p, 0, "");
    page_number(&p, "exit", code);
    page_list(&p, "texts");
    while (*texts != '\0') {
        char text[LOG_MESSAGE_SIZE];
        struct buf b = BUF_OVER(text);
        size_t length = strcspn(texts, "\n");
        buf_put(&b, texts, length);
        json_put_string(&p.w, text);
        texts += length + (texts[length] == '\n' ? 1 : 0);
    }
    page_list_end(&p);
    page_item_end(&p);
    return page_end(&p);
}
