#include "cmd/status.h"

#include "base/log.h"

#include <string.h>

/* Rows are laid out together up to here; one row is far shorter. */
#define TABLE_SIZE   16384
#define TABLE_FLUSH  (TABLE_SIZE - 2 * LOG_MESSAGE_SIZE)
#define COLUMNS_MOST 8
/* What stands before each row, and between its cells. */
#define INDENT 4
#define GAP    2
/* Digits of a key that people compare: those of the messages. */
#define KEY_OCTETS 6

/* Rows of cells: each ends in a tab but the last, which ends in a newline. */
struct table {
    char room[TABLE_SIZE];
    struct buf text;
    int rc;
};

static void out(struct table *t, const char *text)
{
    if (log_out(text) != 0)
        t->rc = -1;
}

static void spaces(struct buf *b, size_t count)
{
    while (count-- > 0)
        buf_char(b, ' ');
}

static void print_row(struct table *t, const char *row, const size_t widths[COLUMNS_MOST])
{
    char line[2 * LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(line);
    size_t owed = INDENT;
    for (size_t column = 0; *row != '\n'; column++) {
        size_t length = strcspn(row, "\t\n");
        if (length > 0)
            spaces(&b, owed);
        owed = length > 0 ? 0 : owed;
        buf_put(&b, row, length);
        owed +=
            column < COLUMNS_MOST && widths[column] >= length ? widths[column] - length + GAP : GAP;
        row += length + (row[length] == '\t' ? 1 : 0);
    }
    buf_char(&b, '\n');
    out(t, line);
}

/* Prints the rows, each column as wide as its widest cell. */
static void end_table(struct table *t)
{
    size_t widths[COLUMNS_MOST] = {0};
    for (const char *at = t->room; *at != '\0'; at++) {
        for (size_t column = 0; *at != '\n'; column++) {
            size_t length = strcspn(at, "\t\n");
            if (column < COLUMNS_MOST && at[length] == '\t' && length > widths[column])
                widths[column] = length;
            at += length + (at[length] == '\t' ? 1 : 0);
        }
    }
    for (const char *at = t->room; *at != '\0'; at = strchr(at, '\n') + 1)
        print_row(t, at, widths);
    buf_reset(&t->text);
}

static void end_row(struct table *t)
{
    buf_char(&t->text, '\n');
    if (t->text.used > TABLE_FLUSH)
        end_table(t);
}

static void put_key(struct buf *b, const uint8_t digest[32])
{
    buf_hex(b, digest, KEY_OCTETS);
    buf_text(b, "...");
}

/* "current key of mail-rsa" */
static void put_whose(struct buf *b, const struct survey *s, enum survey_whose whose, size_t pair)
{
    static const char *const words[] = {[SURVEY_CURRENT] = "current key of ",
                                        [SURVEY_NEXT] = "next key of ",
                                        [SURVEY_FORMER] = "former key of ",
                                        [SURVEY_ANOTHER] = "another server's key",
                                        [SURVEY_NOBODYS] = "no key known here"};
    buf_printf(b, "%s%s", words[whose], whose <= SURVEY_FORMER ? s->conf->pairs[pair].label : "");
}

static void put_in(struct buf *b, const struct survey *s, int64_t seconds)
{
    char time[TIME_TEXT_SIZE];
    if (seconds == 0) {
        buf_text(b, " at the next run");
        return;
    }
    time_text(s->seen.now.wall + seconds, time);
    buf_text(b, " in ");
    buf_duration(b, seconds);
    buf_printf(b, ", at %s", time);
}

/* --- services -------------------------------------------------------------------------------- */

static void row_shown(struct table *t, const struct survey *s, size_t h, size_t v,
                      const struct world_shown *shown)
{
    const struct observed_host *host = &s->seen.hosts[h];
    const struct fit_chain chain = {&shown->leaf, shown->issuers_count, shown->issuers};
    size_t pair = 0;
    buf_printf(&t->text, "served\t%s\t%s\t", shown->address,
               shown->algorithm == PROBE_RSA ? "RSA" : "ECDSA");
    if (shown->code == PROBE_SERVED) {
        put_key(&t->text, shown->leaf.spki256);
        buf_char(&t->text, '\t');
        enum survey_whose whose = survey_whose_leaf(s, h, &shown->leaf, &pair);
        put_whose(&t->text, s, whose, pair);
        if (host->listed && host->sets[v].count > 0 && !need_fits(&host->sets[v], &chain))
            buf_text(&t->text, "\tnot vouched for");
    } else {
        buf_printf(&t->text, "%s%s%s", status_results[shown->code],
                   shown->words == NULL ? "" : ": ", shown->words == NULL ? "" : shown->words);
    }
    end_row(t);
}

static void row_record(struct table *t, const struct survey *s, size_t h, size_t v,
                       const struct tlsa *tlsa)
{
    struct status_record record;
    status_record(s, h, v, tlsa, &record);
    buf_text(&t->text, "record\t");
    tlsa_brief(&t->text, tlsa);
    buf_char(&t->text, '\t');
    put_whose(&t->text, s, record.whose, record.pair);
    buf_printf(&t->text, "\t%s\t", status_ownerships[record.ownership]);
    if (record.listed != NULL)
        buf_printf(&t->text, "TTL %u", (unsigned)record.listed->ttl);
    if (!record.everywhere)
        buf_text(&t->text, record.listed == NULL ? "\tnot at the provider" : "\tnot everywhere");
    else if (record.age >= 0) {
        buf_text(&t->text, "\tvisible for ");
        buf_duration(&t->text, record.age);
    }
    end_row(t);
}

static void row_server(struct table *t, const struct survey *s, size_t h, size_t v,
                       const struct world_server *server, const struct tlsa *records, size_t count)
{
    const struct observed_host *host = &s->seen.hosts[h];
    bool answers = server->answer == WORLD_RRSET || server->answer == WORLD_DENIAL;
    buf_printf(&t->text, "server\t%s\t%s\t", server->name, server->address);
    if (server->answer == WORLD_RRSET)
        buf_printf(&t->text, "%zu record%s\tTTL %u", server->count, server->count == 1 ? "" : "s",
                   (unsigned)server->lifetime);
    else
        buf_text(&t->text, status_answers[server->answer]);
    if (survey_misfits(s, h, v, server))
        buf_text(&t->text, "\tdoes not fit");
    for (size_t i = 0; answers && i < count; i++) {
        if (survey_shows(server, &records[i]) ||
            (host->listed && !need_holds(&host->sets[v], &records[i])))
            continue;
        buf_text(&t->text, "\tlacks ");
        tlsa_brief(&t->text, &records[i]);
        break;
    }
    if (server->words != NULL)
        buf_printf(&t->text, "\t%s", server->words);
    end_row(t);
}

static void print_service(struct table *t, const struct survey *s, size_t h, size_t v)
{
    const struct observed_host *host = &s->seen.hosts[h];
    const struct world_view *view = &host->views[v];
    const struct world_service *service = &host->services[v];
    const struct knowledge k = survey_knowledge(s);
    struct tlsa records[PROVIDER_RECORDS_MOST];
    size_t count = survey_records(s, h, v, records);
    char line[2 * LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(line);
    buf_printf(&b, "  %s, %s%s%s", s->conf->hosts[h].services[v].name, host->sets[v].owner,
               view->alias ? " (by CNAME)" : "", view->wildcard ? " (a wildcard)" : "");
    if (view->asked && view->zone != WORLD_ZONE_SIGNED)
        buf_printf(&b, ", DNSSEC %s", status_zones[view->zone]);
    buf_printf(&b, "%s\n", count == 0 && view->asked ? ", no records" : "");
    out(t, line);
    for (size_t i = 0; i < service->count; i++) {
        /* That there is no certificate of this kind beside another is nothing to tell. */
        if (verify_shown(&k, h, v, i) != VERDICT_NONE)
            row_shown(t, s, h, v, &service->shown[i]);
    }
    if (service->count == 0 && service->words != NULL) {
        buf_printf(&t->text, "served\t%s", service->words);
        end_row(t);
    }
    end_table(t);
    for (size_t i = 0; i < count; i++)
        row_record(t, s, h, v, &records[i]);
    end_table(t);
    for (size_t i = 0; i < view->servers_count; i++)
        row_server(t, s, h, v, &view->servers[i], records, count);
    end_table(t);
}

static void print_host(struct table *t, const struct survey *s, size_t h)
{
    const struct conf_host *host = &s->conf->hosts[h];
    const struct stage_cost cost = stage_cost(s, h);
    char line[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(line);
    buf_printf(&b, "host %s: %s\n  a change of key takes ", host->name,
               stage_names[stage_of_host(s, h)]);
    buf_duration(&b, cost.seconds);
    if (cost.seconds == 2 * (int64_t)cost.lifetime + cost.margin)
        buf_printf(&b, ": twice the TTL of %u s and %u s\n", (unsigned)cost.lifetime,
                   (unsigned)cost.margin);
    else
        buf_printf(&b, "; its TTL of %u s alone would ask for %u s\n", (unsigned)cost.lifetime,
                   2 * cost.lifetime + cost.margin);
    out(t, line);
    for (size_t v = 0; v < host->services_count; v++)
        print_service(t, s, h, v);
}

/* --- pairs ----------------------------------------------------------------------------------- */

static void row_found(struct table *t, const struct survey *s, const char *what,
                      const struct pair_found *found)
{
    char end[TIME_TEXT_SIZE];
    int64_t left = found->not_after - s->seen.now.wall;
    if (found->code == PAIR_ABSENT)
        return;
    buf_printf(&t->text, "%s\t", what);
    if (found->code != PAIR_READ) {
        buf_text(&t->text, found->words);
    } else {
        put_key(&t->text, found->leaf.spki256);
        time_text(found->not_after, end);
        buf_printf(&t->text, "\t%s\tends %s\t",
                   found->algorithm == CERT_RSA     ? "RSA"
                   : found->algorithm == CERT_ECDSA ? "ECDSA"
                                                    : "other",
                   end);
        if (left > 0)
            buf_printf(&t->text, "%lldd left", (long long)left / 86400);
        else
            buf_text(&t->text, "expired");
    }
    end_row(t);
}

static void row_next_key(struct table *t, const struct survey *s, size_t pair)
{
    const struct pair_found *found = &s->seen.pairs[pair].next_key;
    if (found->code == PAIR_ABSENT)
        return;
    buf_text(&t->text, "next key\t");
    if (found->code != PAIR_READ) {
        buf_text(&t->text, found->words);
    } else {
        int64_t in = stage_ripe_in(s, pair, &found->leaf);
        put_key(&t->text, found->leaf.spki256);
        buf_printf(&t->text, "\t%s\t%s", found->algorithm == CERT_RSA ? "RSA" : "ECDSA",
                   in == 0 ? "ripe" : "not ripe");
        if (in > 0)
            put_in(&t->text, s, in);
    }
    end_row(t);
}

static void put_next(struct buf *b, const struct survey *s, size_t pair)
{
    struct stage_step next = stage_next(s, pair);
    switch (next.step) {
    case STAGE_STEP_NONE:
        return;
    case STAGE_STEP_SEE:
        buf_text(b, "; waits until every name server shows its records");
        return;
    case STAGE_STEP_SHOW:
        buf_text(b, "; waits until every service shows it");
        return;
    default:
        buf_printf(b, "; next: %s", stage_step_names[next.step]);
        if (next.in < 0)
            buf_text(b, ", after another pair");
        else
            put_in(b, s, next.in);
    }
}

static void print_pair(struct table *t, const struct survey *s, size_t pair)
{
    const struct observed_pair *seen = &s->seen.pairs[pair];
    char line[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(line);
    buf_printf(&b, "pair %s: %s", s->conf->pairs[pair].label, stage_names[stage_of_pair(s, pair)]);
    put_next(&b, s, pair);
    buf_char(&b, '\n');
    out(t, line);
    row_found(t, s, "installed", &seen->current);
    row_found(t, s, "source", &seen->source);
    row_found(t, s, "former", &seen->previous);
    row_next_key(t, s, pair);
    end_table(t);
}

/* --------------------------------------------------------------------------------------------- */

static void print_action(struct table *t, const struct survey *s, const struct plan_action *action)
{
    char line[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(line);
    buf_printf(&b, "due: %s ", stage_step_names[action->kind]);
    if (action->kind == PLAN_ADD || action->kind == PLAN_REMOVE) {
        buf_printf(&b, "%s ", s->seen.hosts[action->host].sets[action->service].owner);
        tlsa_brief(&b, action->kind == PLAN_ADD ? &action->record : &action->target->tlsa);
    } else {
        buf_text(&b, s->conf->pairs[action->pair].label);
    }
    buf_char(&b, '\n');
    out(t, line);
}

static void print_problem(void *context, const struct survey_problem *problem)
{
    static const char *const marks[] = {
        [REPORT_NEWS] = "note",     [REPORT_WARNING] = "warning", [REPORT_LATER] = "later",
        [REPORT_FAILURE] = "error", [REPORT_OUTAGE] = "OUTAGE",   [REPORT_USAGE] = "error"};
    char line[LOG_MESSAGE_SIZE + 16];
    struct buf b = BUF_OVER(line);
    buf_printf(&b, "%s: %s\n", marks[problem->meaning], problem->text);
    out(context, line);
}

int status_text(const struct survey *s)
{
    static struct table t;
    memset(&t, 0, sizeof t);
    t.text = BUF_OVER(t.room);
    if (s->offline)
        out(&t, "nothing was asked: what files and the state say\n");
    for (size_t h = 0; h < s->conf->hosts_count; h++) {
        if (s->host_wanted[h])
            print_host(&t, s, h);
    }
    for (size_t i = 0; i < s->conf->pairs_count; i++) {
        if (s->pair_wanted[i])
            print_pair(&t, s, i);
    }
    for (size_t i = 0; i < s->plan.actions_count; i++)
        print_action(&t, s, &s->plan.actions[i]);
    survey_problems(s, print_problem, &t);
    return t.rc;
}
