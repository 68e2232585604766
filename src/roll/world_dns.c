#include "roll/world_dns.h"

#include "base/name.h"
#include "base/time.h"

#include <string.h>

/* For a zone with its servers; for their answers; for one answer of a resolver. */
#define ZONE_MS     15000
#define SERVERS_MS  6000
#define RESOLVER_MS 10000
/* How long what was found of zones serves: one look. */
#define FOUND_MS 5000
/* A zone with 64 servers, their names, and one message. */
#define FOUND_MEMORY ((size_t)512 * 1024)
/* Records of one server that are taken into account; senders themselves fail above about 12. */
#define RECORDS_MOST PROVIDER_RECORDS_MOST

int world_dns_init(struct world_dns *dns, const struct conf *conf, const char **word)
{
    memset(dns, 0, sizeof *dns);
    dns->arena = arena_make(FOUND_MEMORY);
    if (conf->resolvers.count == 0) {
        dns_resolvers_file(&dns->resolvers, DNS_RESOLV_CONF);
        return 0;
    }
    size_t bad = dns_resolvers_given(&dns->resolvers, conf->resolvers.items, conf->resolvers.count);
    if (bad > 0)
        *word = conf->resolvers.items[bad - 1];
    return bad == 0 ? 0 : -1;
}

void world_dns_close(struct world_dns *dns)
{
    arena_release(&dns->arena);
    dns->found = 0;
}

static struct dns_finder *finder(struct world_dns *dns)
{
    int64_t now = time_ticks();
    if (dns->found > 0 && now - dns->found < FOUND_MS)
        return &dns->finder;
    world_dns_close(dns);
    if (dns_finder_init(&dns->finder, &dns->resolvers, &dns->arena) != 0)
        return NULL;
    dns->found = now;
    return &dns->finder;
}

static const char *keep_text(struct arena *arena, const char *text)
{
    return arena_text(arena, text, strlen(text));
}

/* --- one answer ------------------------------------------------------------------------------ */

/* What an answer's signatures say. */
struct signing {
    bool any, over, wildcard;
    uint32_t original_ttl;
    int64_t end; /* the earliest; -1 */
};

static void read_signature(const struct dns_message *m, const struct dns_rr *rr, const char *owner,
                           int64_t now, struct signing *s)
{
    struct dns_rrsig sig;
    if (dns_rrsig(m, rr, &sig) != 0)
        return;
    int64_t end = dns_time(sig.expiration, now);
    s->any = true;
    s->over = s->over || end < now;
    if (s->end < 0 || end < s->end)
        s->end = end;
    if (sig.covered != DNS_TYPE_TLSA)
        return;
    s->wildcard = s->wildcard || sig.labels < dns_labels(owner);
    if (sig.original_ttl > s->original_ttl)
        s->original_ttl = sig.original_ttl;
}

/* The records at OWNER, and how it is signed; a denial has signatures beside its SOA record. */
static int read_records(struct dns_message *m, const char *owner, int64_t now,
                        struct world_server *server, struct signing *s, struct arena *arena)
{
    struct dns_rr rr;
    struct tlsa *records = arena_take(arena, RECORDS_MOST, sizeof *records);
    if (records == NULL)
        return -1;
    memset(s, 0, sizeof *s);
    s->end = -1;
    server->records = records;
    dns_rewind(m);
    while (dns_next(m, &rr) > 0) {
        if (rr.klass != DNS_CLASS_IN || rr.section == DNS_ADDITIONAL)
            continue;
        bool here = rr.section == DNS_ANSWER && name_equal(rr.name, owner);
        if (rr.type == DNS_TYPE_RRSIG && (here || rr.section == DNS_AUTHORITY))
            read_signature(m, &rr, owner, now, s);
        if (!here || rr.type != DNS_TYPE_TLSA || rr.length < 3 || server->count == RECORDS_MOST)
            continue;
        struct tlsa_combination c = {rr.rdata[0], rr.rdata[1], rr.rdata[2]};
        tlsa_set(&records[server->count++], c, rr.rdata + 3, rr.length - 3U);
        if (rr.ttl > server->lifetime)
            server->lifetime = rr.ttl;
    }
    if (s->original_ttl > server->lifetime)
        server->lifetime = s->original_ttl;
    server->answer = server->count > 0 ? WORLD_RRSET : WORLD_DENIAL;
    return 0;
}

/* --- every authoritative server -------------------------------------------------------------- */

struct asking {
    struct world_view *view;
    struct arena *arena;
    const size_t *indices; /* of those asked, in the view */
    int64_t now;
    bool signed_by_any, unsigned_by_any, over;
    bool failed; /* out of memory */
};

static void judge_answer(struct asking *a, struct world_server *server, struct dns_answer *answer)
{
    struct dns_message *m = &answer->message;
    struct signing s;
    char words[64];
    struct buf b = BUF_OVER(words);
    bool usable = m->rcode == DNS_NOERROR || m->rcode == DNS_NXDOMAIN;
    if (!usable || (m->flags & DNS_FLAG_AA) == 0) {
        server->answer = WORLD_LAME;
        if (usable)
            buf_text(&b, "it is not authoritative");
        else if (dns_rcode_words(m->rcode) != NULL)
            buf_text(&b, dns_rcode_words(m->rcode));
        else
            buf_printf(&b, "rcode %u", (unsigned)m->rcode);
        server->words = keep_text(a->arena, words);
        return;
    }
    if (read_records(m, a->view->owner, a->now, server, &s, a->arena) != 0) {
        a->failed = true;
        return;
    }
    a->signed_by_any = a->signed_by_any || s.any;
    a->unsigned_by_any = a->unsigned_by_any || !s.any;
    a->over = a->over || s.over;
    a->view->wildcard = a->view->wildcard || s.wildcard;
    if (s.end >= 0 && (a->view->signature_end < 0 || s.end < a->view->signature_end))
        a->view->signature_end = s.end;
}

static void hear(void *context, size_t index, enum dns_outcome outcome, struct dns_answer *answer)
{
    struct asking *a = context;
    struct world_server *server = &a->view->servers[a->indices[index]];
    if (outcome == DNS_ANSWERED) {
        judge_answer(a, server, answer);
        return;
    }
    server->answer = outcome == DNS_UNREADABLE ? WORLD_LAME : WORLD_SILENT;
    server->words = keep_text(a->arena, dns_outcome_words(outcome, answer));
}

/* Places for all servers, and the list of those that have an address to be asked at. */
static int list_servers(struct asking *a, const struct dns_zone *zone, struct dns_server *asked,
                        size_t *indices, size_t *count)
{
    struct world_view *view = a->view;
    view->servers = arena_take(a->arena, zone->count, sizeof *view->servers);
    if (view->servers == NULL && zone->count > 0)
        return -1;
    view->servers_count = zone->count;
    for (size_t i = 0; i < zone->count; i++) {
        const struct dns_nameserver *from = &zone->servers[i];
        struct world_server *server = &view->servers[i];
        struct buf name = BUF_OVER(server->name), address = BUF_OVER(server->address);
        buf_text(&name, from->name);
        server->answer = WORLD_SILENT;
        if (from->server.length == 0) {
            server->words = keep_text(a->arena, from->words == NULL ? "" : from->words);
            continue;
        }
        dns_server_print(&address, &from->server);
        indices[*count] = i;
        asked[(*count)++] = from->server;
    }
    return 0;
}

static void judge_zone(struct asking *a, const struct dns_zone *zone, bool servfail)
{
    struct world_view *view = a->view;
    switch (zone->chain) {
    case DNS_CHAIN_UNKNOWN:
        view->zone = WORLD_ZONE_UNKNOWN;
        return;
    case DNS_CHAIN_BROKEN:
        view->zone = a->signed_by_any ? WORLD_ZONE_NO_DS : WORLD_ZONE_UNSIGNED;
        return;
    case DNS_CHAIN_WHOLE:
        break;
    }
    view->zone = WORLD_ZONE_SIGNED;
    if (servfail)
        view->words = "the resolver's validation fails";
    else if (a->unsigned_by_any)
        view->words = "a name server gives no signatures, though the parent has DS records";
    else if (a->over)
        view->words = "a name server's signatures have expired";
    if (view->words != NULL)
        view->zone = WORLD_ZONE_BOGUS;
}

static int ask_servers(struct world_dns *dns, const struct dns_zone *zone, bool servfail,
                       int64_t now, struct world_view *view, struct arena *arena)
{
    struct dns_server asked[DNS_SERVERS_MOST];
    size_t indices[DNS_SERVERS_MOST], count = 0;
    struct asking a = {.view = view, .arena = arena, .indices = indices, .now = now};
    struct dns_ask ask = {view->owner, DNS_TYPE_TLSA, DNS_ASK_DO};
    if (list_servers(&a, zone, asked, indices, &count) != 0)
        return -1;
    dns_ask_all(asked, count, &ask, time_ticks() + SERVERS_MS, &dns->finder.answer, hear, &a);
    if (a.failed)
        return -1;
    view->asked = true;
    judge_zone(&a, zone, servfail);
    return 0;
}

/* --- a resolver ------------------------------------------------------------------------------ */

/* The one answer of a resolver, as if it were the only server. */
static int show_resolver(struct world_dns *dns, int64_t now, struct world_view *view,
                         struct arena *arena)
{
    struct signing s;
    struct world_server *server = arena_take(arena, 1, sizeof *server);
    if (server == NULL)
        return -1;
    struct buf name = BUF_OVER(server->name), address = BUF_OVER(server->address);
    buf_text(&name, "resolver");
    dns_server_print(&address, &dns->resolvers.list[dns->resolvers.first]);
    view->servers = server;
    view->servers_count = 1;
    if (read_records(&dns->finder.answer.message, view->owner, now, server, &s, arena) != 0)
        return -1;
    view->asked = true;
    view->wildcard = s.wildcard;
    view->signature_end = s.end;
    view->zone = (dns->finder.answer.message.flags & DNS_FLAG_AD) != 0 ? WORLD_ZONE_SIGNED
                                                                       : WORLD_ZONE_UNKNOWN;
    return 0;
}

/* --------------------------------------------------------------------------------------------- */

static bool is_answer(enum dns_outcome outcome, const struct dns_message *m)
{
    return outcome == DNS_ANSWERED && (m->rcode == DNS_NOERROR || m->rcode == DNS_NXDOMAIN);
}

/*
 * Where the owner name leads (its CNAMEs followed), by a resolver's answer, which stays in the
 * finder's memory. *SERVFAIL: it only answers unchecked. 0, or -1 with the view's words.
 */
static int follow(struct world_dns *dns, const char *owner, bool *servfail, struct world_view *view,
                  struct arena *arena)
{
    struct dns_answer *answer = &dns->finder.answer;
    struct dns_ask ask = {owner, DNS_TYPE_TLSA, DNS_ASK_DO};
    char name[DNS_NAME_SIZE], words[WORLD_WORDS_SIZE];
    struct buf b = BUF_OVER(name), why = BUF_OVER(words);
    enum dns_outcome outcome =
        dns_resolve(&dns->resolvers, &ask, time_ticks() + RESOLVER_MS, answer);
    *servfail = false;
    if (outcome == DNS_ANSWERED && answer->message.rcode == DNS_SERVFAIL) {
        ask.flags |= DNS_ASK_CD;
        outcome = dns_resolve(&dns->resolvers, &ask, time_ticks() + RESOLVER_MS, answer);
        *servfail = is_answer(outcome, &answer->message);
    }
    if (!is_answer(outcome, &answer->message)) {
        const char *rcode = dns_rcode_words(answer->message.rcode);
        buf_text(&why, "the resolver ");
        dns_server_print(&why, &dns->resolvers.list[dns->resolvers.first]);
        buf_printf(&why, ": %s",
                   outcome != DNS_ANSWERED ? dns_outcome_words(outcome, answer)
                   : rcode != NULL         ? rcode
                                           : "an unknown answer");
        view->words = keep_text(arena, words);
        return -1;
    }
    buf_text(&b, owner);
    int aliases = dns_follow(&answer->message, name, NULL);
    if (aliases < 0 || name_canonical(name, view->owner, sizeof view->owner) != 0) {
        view->words = "its CNAMEs lead nowhere";
        return -1;
    }
    view->alias = aliases > 0;
    return 0;
}

int world_dns_look_up(struct world_dns *dns, const struct conf_host *host, const char *owner,
                      bool fast, int64_t now, struct world_view *view, struct arena *arena)
{
    const struct dns_zone *zone = NULL;
    bool servfail;
    struct dns_finder *f = finder(dns);
    view->signature_end = -1;
    if (f == NULL)
        return -1;
    if (follow(dns, owner, &servfail, view, arena) != 0)
        return 0;
    if (host->propagation == CONF_PROPAGATION_RESOLVER) {
        if (show_resolver(dns, now, view, arena) != 0)
            return -1;
        if (servfail) {
            view->zone = WORLD_ZONE_BOGUS;
            view->words = "the resolver's validation fails";
        }
        /* Its answer proves one server; the others may lag behind for a REFRESH. */
        if (!fast && dns_zone_find(f, view->owner, time_ticks() + ZONE_MS, &zone) == 0)
            view->settle = zone->refresh;
        return 0;
    }
    int rc = dns_zone_find(f, view->owner, time_ticks() + ZONE_MS, &zone);
    if (rc == DNS_ZONE_MEMORY)
        return -1;
    if (rc != 0) {
        view->words = keep_text(arena, f->words);
        return 0;
    }
    return ask_servers(dns, zone, servfail, now, view, arena);
}

uint32_t world_dns_refresh(struct world_dns *dns, const char *owner)
{
    const struct dns_zone *zone;
    struct dns_finder *f = finder(dns);
    if (f == NULL || dns_zone_find(f, owner, time_ticks() + RESOLVER_MS, &zone) != 0)
        return 0;
    return zone->refresh > UINT32_MAX - zone->retry ? UINT32_MAX : zone->refresh + zone->retry;
}

const char *world_dns_other_mx(struct world_dns *dns, const char *host, struct arena *arena)
{
    struct dns_mx_set found;
    char text[WORLD_WORDS_SIZE];
    struct buf b = BUF_OVER(text);
    struct dns_finder *f = finder(dns);
    if (f == NULL || dns_mx_find(f, host, time_ticks() + RESOLVER_MS, &found) != 0)
        return NULL;
    for (size_t i = 0; i < found.count; i++) {
        /* RFC 7505: it takes no mail, which is its owner's word. */
        if (name_equal(found.list[i].host, host) || strcmp(found.list[i].host, ".") == 0)
            return NULL;
        buf_printf(&b, "%s%s", b.used > 0 ? " " : "", found.list[i].host);
    }
    return found.count == 0 ? NULL : keep_text(arena, text);
}
