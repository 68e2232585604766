#include "roll/world_dns.h"

#include "base/name.h"
#include "base/time.h"

#include <string.h>

/* One owner name, its zone and servers found and asked; one question to the resolvers. */
#define LOOK_UP_MS  20000
#define RESOLVER_MS 10000
/* A question that took so long was not answered, and for so long no other one is asked. */
#define SILENCE_MS 5000
#define SILENT_MS  30000
/*
 * How long what was found of zones and their servers serves: one look, and where the answers, which
 * each look adds to it, have not come to so much, those of a call from cron.
 */
#define FOUND_MS        5000
#define FOUND_LONG_MS   60000
#define FOUND_LONG_MOST ((size_t)128 * 1024) /* 64 of them are one message */
/* A zone with 64 servers, their records, and one message. */
#define FOUND_MEMORY ((size_t)2 * 1024 * 1024)

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

static const char *keep_text(struct arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_text(arena, text, strlen(text));
}

/*
 * Many owner names are asked about: where the resolvers say nothing, one of them waits for it, not
 * each.
 */
static bool is_silent(const struct world_dns *dns)
{
    return time_ticks() < dns->silent;
}

static void note_silence(struct world_dns *dns, int64_t began)
{
    int64_t now = time_ticks();
    if (now - began >= SILENCE_MS)
        dns->silent = now + SILENT_MS;
}

static const char *say_silent(const struct world_dns *dns, struct arena *arena)
{
    char text[WORLD_WORDS_SIZE];
    struct buf b = BUF_OVER(text);
    buf_text(&b, "no answer of the resolver");
    for (size_t i = 0; i < dns->resolvers.count; i++) {
        buf_text(&b, i == 0 ? " " : ", ");
        dns_server_print(&b, &dns->resolvers.list[i]);
    }
    return keep_text(arena, text);
}

static struct dns_finder *finder(struct world_dns *dns)
{
    int64_t now = time_ticks(),
            most = dns->arena.taken < FOUND_LONG_MOST ? FOUND_LONG_MS : FOUND_MS;
    if (dns->found > 0 && now - dns->found < most)
        return &dns->finder;
    world_dns_close(dns);
    if (dns_finder_init(&dns->finder, &dns->resolvers, &dns->arena) != 0)
        return NULL;
    dns->found = now;
    return &dns->finder;
}

static enum world_answer answer_of(const struct lookup_server *from)
{
    switch (from->code) {
    case LOOKUP_RRSET:
    case LOOKUP_ALIAS: /* other data than the others': shown, and not what is waited for */
        return WORLD_RRSET;
    case LOOKUP_DENIAL:
        return WORLD_DENIAL;
    case LOOKUP_SILENT:
        return WORLD_SILENT;
    case LOOKUP_LAME:
    case LOOKUP_MALFORMED:
        break;
    }
    return WORLD_LAME;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* 0, or -1 without memory. */
static int keep_server(const struct lookup_server *from, uint32_t alias_ttl,
                       struct world_server *server, struct arena *arena)
{
    struct buf name = BUF_OVER(server->name), address = BUF_OVER(server->address);
    buf_text(&name, from->name);
    buf_text(&address, from->address);
    server->answer = answer_of(from);
    server->words = keep_text(arena, from->words);
    server->lifetime = larger(larger(from->ttl, from->original_ttl), alias_ttl);
    server->count = from->code == LOOKUP_RRSET ? from->count : 0;
    if (server->count == 0)
        return 0;
    server->records = arena_take(arena, server->count, sizeof *server->records);
    if (server->records == NULL)
        return -1;
    memcpy(server->records, from->records, server->count * sizeof *server->records);
    return 0;
}

static enum world_zone zone_of(enum lookup_zone zone)
{
    switch (zone) {
    case LOOKUP_ZONE_SIGNED:
        return WORLD_ZONE_SIGNED;
    case LOOKUP_ZONE_NO_DS:
        return WORLD_ZONE_NO_DS;
    case LOOKUP_ZONE_UNSIGNED:
        return WORLD_ZONE_UNSIGNED;
    case LOOKUP_ZONE_BOGUS:
        return WORLD_ZONE_BOGUS;
    case LOOKUP_ZONE_UNKNOWN:
        break;
    }
    return WORLD_ZONE_UNKNOWN;
}

/* Plain data, with memory of its own: what was found serves one look. */
static int keep(const struct lookup *found, struct world_view *view, struct arena *arena)
{
    if (name_canonical(found->owner, view->owner, sizeof view->owner) != 0) {
        view->words = "its CNAME leads to a name that is too long";
        return 0;
    }
    view->asked = true;
    view->alias = found->alias;
    view->zone = zone_of(found->zone);
    view->signature_end = found->signature_end;
    view->words = keep_text(arena, found->words);
    view->servers = arena_take(arena, found->count + 1, sizeof *view->servers);
    if (view->servers == NULL)
        return -1;
    view->servers_count = found->count;
    for (size_t i = 0; i < found->count; i++) {
        view->wildcard = view->wildcard || found->servers[i].wildcard;
        view->negative = larger(view->negative, found->servers[i].negative_ttl);
        if (keep_server(&found->servers[i], found->alias_ttl, &view->servers[i], arena) != 0)
            return -1;
    }
    return 0;
}

int world_dns_look_up(struct world_dns *dns, const struct conf_host *host, const char *owner,
                      bool fast, const struct lookup_clock *clock, struct world_view *view,
                      struct arena *arena)
{
    static struct lookup found;
    bool resolver = host->propagation == CONF_PROPAGATION_RESOLVER;
    struct dns_finder *f = finder(dns);
    const struct dns_zone *zone;
    view->signature_end = -1;
    if (f == NULL)
        return -1;
    if (is_silent(dns)) {
        view->words = say_silent(dns, arena);
        return 0;
    }
    int64_t began = time_ticks(), deadline = began + LOOK_UP_MS;
    int rc = resolver ? lookup_by_resolvers(f, owner, clock, deadline, &found)
                      : lookup_by_servers(f, owner, clock, deadline, &found);
    if (rc == LOOKUP_MEMORY)
        return -1;
    if (rc != 0) {
        note_silence(dns, began);
        view->words = keep_text(arena, found.words);
        return 0;
    }
    rc = keep(&found, view, arena);
    /* A resolver's answer proves one server; the others may lag behind for a REFRESH. */
    if (rc == 0 && resolver && !fast && dns_zone_find(f, view->owner, deadline, &zone) == 0)
        view->settle = zone->refresh;
    return rc;
}

uint32_t world_dns_refresh(struct world_dns *dns, const char *owner)
{
    const struct dns_zone *zone;
    struct dns_finder *f = finder(dns);
    if (f == NULL || dns_zone_find(f, owner, time_ticks() + RESOLVER_MS, &zone) != 0)
        return 0;
    return zone->refresh > UINT32_MAX - zone->retry ? UINT32_MAX : zone->refresh + zone->retry;
}

const char *world_dns_other_mx(struct world_dns *dns, const char *host, const char **alias_of,
                               struct arena *arena)
{
    struct dns_mx_set found;
    char text[WORLD_WORDS_SIZE];
    struct buf b = BUF_OVER(text);
    struct dns_finder *f = finder(dns);
    int64_t began = time_ticks();
    if (f == NULL || is_silent(dns))
        return NULL;
    int rc = lookup_mx(f, host, began + RESOLVER_MS, &found);
    *alias_of = keep_text(arena, found.target);
    if (rc != 0) {
        note_silence(dns, began);
        return NULL;
    }
    for (size_t i = 0; i < found.count; i++)
        buf_printf(&b, "%s%s", b.used > 0 ? " " : "", found.list[i].host);
    return keep_text(arena, text);
}

/* Whether VIEW has records from that server; NULL: from any. */
static bool shows(const struct world_view *view, const struct lookup_server *server)
{
    for (size_t i = 0; i < view->servers_count; i++) {
        const struct world_server *s = &view->servers[i];
        if (s->answer == WORLD_RRSET &&
            (server == NULL || strcmp(s->address, server->address) == 0))
            return true;
    }
    return false;
}

bool world_dns_admits_below(struct world_dns *dns, const char *host,
                            const struct lookup_clock *clock, struct world_view *view,
                            struct arena *arena)
{
    static struct lookup found;
    const struct lookup_server *wrong;
    char text[WORLD_WORDS_SIZE];
    struct buf b = BUF_OVER(text);
    struct dns_finder *f = finder(dns);
    if (f == NULL || !shows(view, NULL))
        return false;
    int rc = lookup_non_terminal(f, host, clock, time_ticks() + LOOK_UP_MS, &found, &wrong);
    for (size_t i = 0; rc == 0 && i < found.count; i++) {
        if (!found.servers[i].nxdomain || !shows(view, &found.servers[i]))
            continue;
        buf_printf(&b, "%s (%s)", found.servers[i].name, found.servers[i].address);
        view->denies = keep_text(arena, text);
        break;
    }
    return rc > 0;
}
