#include "dane/lookup.h"

#include "base/buf.h"
#include "base/name.h"
#include "base/time.h"
#include "dane/lookup_answer.h"

#include <string.h>

/* One round over all servers: three datagrams to each, and time for those that need TCP. */
#define ROUND_MS 6000
/* Room for a host with 13 name servers' words in it. */
#define WORDS_SIZE 512

/* A round of questions under way. */
struct round {
    struct lookup_server *servers;
    const size_t *index; /* of the question's list in servers */
    struct lookup_reading reading;
    int rc;
};

static void hear(void *context, size_t index, enum dns_outcome outcome, struct dns_answer *answer)
{
    struct round *r = context;
    int rc = lookup_read(&r->servers[r->index[index]], &r->reading, outcome, answer);
    if (rc != 0)
        r->rc = rc;
}

static int64_t round_end(int64_t deadline)
{
    int64_t end = time_ticks() + ROUND_MS;
    return end < deadline ? end : deadline;
}

static int set_words(struct lookup *found, struct arena *arena, const char *words)
{
    found->words = arena_text(arena, words, strlen(words));
    return found->words == NULL ? LOOKUP_MEMORY : 0;
}

static int fail(struct lookup *found, struct arena *arena, const char *words)
{
    found->zone = LOOKUP_ZONE_UNKNOWN;
    return set_words(found, arena, words) != 0 ? LOOKUP_MEMORY : LOOKUP_FAILED;
}

static const char *address_text(struct arena *arena, const struct dns_server *server)
{
    char text[DNS_SERVER_TEXT_SIZE];
    struct buf b = BUF_OVER(text);
    dns_server_print(&b, server);
    return arena_text(arena, text, b.used);
}

/* An empty lookup, its owner the canonical name. */
static int start(struct lookup *found, struct arena *arena, const char *owner)
{
    char name[DNS_NAME_SIZE];
    memset(found, 0, sizeof *found);
    found->signature_end = -1;
    if (name_canonical(owner, name, sizeof name) != 0)
        return fail(found, arena, "the name is too long");
    found->owner = arena_text(arena, name, strlen(name));
    return found->owner == NULL ? LOOKUP_MEMORY : 0;
}

/* ---- one zone's servers -----------------------------------------------------------------------*/

/* What each of the zone's servers shows at NAME; *SERVERS has zone->count of them. */
static int ask_zone(struct dns_finder *f, const struct dns_zone *zone, const char *name,
                    const struct lookup_clock *clock, int64_t deadline,
                    struct lookup_server **servers)
{
    struct dns_server list[DNS_SERVERS_MOST];
    size_t index[DNS_SERVERS_MOST], asked = 0;
    struct dns_ask ask = {name, DNS_TYPE_TLSA, DNS_ASK_DO};
    struct round r = {.servers = arena_take(f->arena, zone->count, sizeof *r.servers),
                      .index = index,
                      .reading = {f->arena, name, zone->apex, clock}};
    if (r.servers == NULL)
        return LOOKUP_MEMORY;
    for (size_t i = 0; i < zone->count; i++) {
        const struct dns_nameserver *s = &zone->servers[i];
        r.servers[i].name = s->name;
        r.servers[i].address = address_text(f->arena, &s->server);
        if (r.servers[i].address == NULL)
            return LOOKUP_MEMORY;
        if (s->server.length == 0) {
            r.servers[i].code = LOOKUP_SILENT;
            r.servers[i].words = s->words;
            r.servers[i].signature_end = r.servers[i].signature_start = -1;
            continue;
        }
        list[asked] = s->server;
        index[asked++] = i;
    }
    dns_ask_all(list, asked, &ask, round_end(deadline), &f->answer, hear, &r);
    *servers = r.servers;
    return r.rc;
}

static bool has_answered(const struct lookup_server *s)
{
    return s->code == LOOKUP_RRSET || s->code == LOOKUP_DENIAL || s->code == LOOKUP_ALIAS;
}

/* The target that all who answer agree on, or NULL. */
static const char *common_target(const struct lookup_server *servers, size_t count)
{
    const char *target = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct lookup_server *s = &servers[i];
        if (!has_answered(s))
            continue;
        if (s->code != LOOKUP_ALIAS || (target != NULL && !name_equal(target, s->target)))
            return NULL;
        target = s->target;
    }
    return target;
}

/* ---- DNSSEC -----------------------------------------------------------------------------------*/

static int say_bogus(struct lookup *found, struct arena *arena, const struct lookup_server *s)
{
    char words[WORDS_SIZE], when[TIME_TEXT_SIZE];
    struct buf b = BUF_OVER(words);
    buf_printf(&b, "there is a DS record, but %s (%s) shows ", s->name, s->address);
    if (!s->signature) {
        buf_text(&b, "no signature");
    } else {
        time_text(s->signature_end, when);
        buf_printf(&b, "a signature that is not valid now; it ends at %s", when);
    }
    return found->words != NULL ? 0 : set_words(found, arena, words);
}

/* What the servers of one zone say about its DNSSEC: the worst of all zones on the way counts. */
static int judge_zone(struct lookup *found, struct arena *arena, const struct dns_zone *zone,
                      const struct lookup_server *servers)
{
    enum lookup_zone judged = LOOKUP_ZONE_UNKNOWN;
    const struct lookup_server *bogus = NULL;
    bool answered = false, signature = false;
    for (size_t i = 0; i < zone->count; i++) {
        const struct lookup_server *s = &servers[i];
        if (!has_answered(s))
            continue;
        answered = true;
        signature = signature || s->signature;
        if (bogus == NULL && (!s->signature || s->over))
            bogus = s;
        if (s->signature && (found->signature_end < 0 || s->signature_end < found->signature_end))
            found->signature_end = s->signature_end;
    }
    if (zone->chain == DNS_CHAIN_WHOLE && answered)
        judged = bogus != NULL ? LOOKUP_ZONE_BOGUS : LOOKUP_ZONE_SIGNED;
    else if (zone->chain == DNS_CHAIN_BROKEN && answered)
        judged = signature ? LOOKUP_ZONE_NO_DS : LOOKUP_ZONE_UNSIGNED;
    if (judged > found->zone)
        found->zone = judged;
    return judged == LOOKUP_ZONE_BOGUS ? say_bogus(found, arena, bogus) : 0;
}

static bool is_answer(enum dns_outcome outcome, const struct dns_answer *answer)
{
    return outcome == DNS_ANSWERED &&
           (answer->message.rcode == DNS_NOERROR || answer->message.rcode == DNS_NXDOMAIN);
}

/*
 * What a validating resolver thinks of it: it sets AD, or it answers SERVFAIL where it has an
 * answer for those who do not want it checked.
 */
static int ask_validator(struct dns_finder *f, const char *owner, int64_t deadline,
                         struct lookup *found)
{
    static const char words[] =
        "the resolver answers SERVFAIL, but not if told to leave DNSSEC unchecked";
    struct dns_ask ask = {owner, DNS_TYPE_TLSA, DNS_ASK_DO};
    int64_t end = round_end(deadline);
    enum dns_outcome outcome = dns_resolve(f->resolvers, &ask, end, &f->answer);
    if (is_answer(outcome, &f->answer))
        found->authentic = (f->answer.message.flags & DNS_FLAG_AD) != 0;
    if (outcome != DNS_ANSWERED || f->answer.message.rcode != DNS_SERVFAIL)
        return 0;
    ask.flags |= DNS_ASK_CD;
    if (!is_answer(dns_resolve(f->resolvers, &ask, end, &f->answer), &f->answer))
        return 0;
    found->zone = LOOKUP_ZONE_BOGUS;
    return found->words != NULL ? 0 : set_words(found, f->arena, words);
}

/* ---- by the authoritative servers -------------------------------------------------------------*/

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Joins servers to the lookup's: all of them, or only those that did not confirm an alias. */
static int keep(struct lookup *found, struct arena *arena, const struct lookup_server *servers,
                size_t count, bool all)
{
    struct lookup_server *list = arena_take(arena, found->count + count, sizeof *list);
    size_t used = found->count;
    if (list == NULL)
        return LOOKUP_MEMORY;
    if (used > 0)
        memcpy(list, found->servers, used * sizeof *list);
    for (size_t i = 0; i < count; i++) {
        const struct lookup_server *s = &servers[i];
        if (all || !has_answered(s))
            list[used++] = *s;
        else
            found->alias_ttl = larger(found->alias_ttl, larger(s->ttl, s->original_ttl));
    }
    found->servers = list;
    found->count = used;
    return 0;
}

/* One name of the chain of aliases: 1 when it is one, and the owner is its target; 0 at the end. */
static int look_at(struct dns_finder *f, const struct lookup_clock *clock, int64_t deadline,
                   struct lookup *found)
{
    const struct dns_zone *zone = NULL;
    struct lookup_server *servers = NULL;
    int rc = dns_zone_find(f, found->owner, deadline, &zone);
    if (rc != 0)
        return rc == DNS_ZONE_MEMORY ? LOOKUP_MEMORY : fail(found, f->arena, f->words);
    found->apex = zone->apex;
    found->delegation = zone->delegation;
    found->refresh = zone->refresh;
    found->retry = zone->retry;
    rc = ask_zone(f, zone, found->owner, clock, deadline, &servers);
    if (rc == 0)
        rc = judge_zone(found, f->arena, zone, servers);
    if (rc != 0)
        return rc;
    const char *next = common_target(servers, zone->count);
    rc = keep(found, f->arena, servers, zone->count, next == NULL);
    if (rc != 0 || next == NULL)
        return rc;
    found->alias = true;
    found->owner = next;
    return 1;
}

int lookup_by_servers(struct dns_finder *f, const char *owner, const struct lookup_clock *clock,
                      int64_t deadline, struct lookup *found)
{
    int rc = start(found, f->arena, owner);
    const char *first = found->owner;
    if (rc != 0)
        return rc;
    for (unsigned aliases = 0; aliases <= DNS_ALIASES_MOST; aliases++) {
        rc = look_at(f, clock, deadline, found);
        if (rc == 0)
            return ask_validator(f, first, deadline, found);
        if (rc < 0)
            return rc;
    }
    return fail(found, f->arena, "its CNAME records lead in a circle");
}

int lookup_non_terminal(struct dns_finder *f, const char *host, const struct lookup_clock *clock,
                        int64_t deadline, struct lookup *found, const struct lookup_server **wrong)
{
    char name[TLSA_OWNER_SIZE];
    struct buf b = BUF_OVER(name);
    buf_printf(&b, "_tcp.%s", host);
    *wrong = NULL;
    int rc = lookup_by_servers(f, name, clock, deadline, found);
    for (size_t i = 0; rc == 0 && i < found->count; i++) {
        if (found->servers[i].nxdomain && *wrong == NULL)
            *wrong = &found->servers[i];
    }
    return rc != 0 ? rc : *wrong == NULL;
}

/* ---- by the resolvers -------------------------------------------------------------------------*/

static void settle_resolved(struct lookup *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct lookup_server *s = &found->servers[i];
        found->authentic = found->authentic || s->authentic;
        if (s->signature && (found->signature_end < 0 || s->signature_end < found->signature_end))
            found->signature_end = s->signature_end;
        if (s->target == NULL)
            continue;
        found->alias = true;
        found->owner = s->target;
    }
    if (found->authentic && found->zone == LOOKUP_ZONE_UNKNOWN)
        found->zone = LOOKUP_ZONE_SIGNED;
}

int lookup_by_resolvers(struct dns_finder *f, const char *owner, const struct lookup_clock *clock,
                        int64_t deadline, struct lookup *found)
{
    const struct dns_resolvers *resolvers = f->resolvers;
    struct dns_ask ask = {NULL, DNS_TYPE_TLSA, DNS_ASK_RD | DNS_ASK_DO};
    size_t index[DNS_RESOLVERS_MOST];
    int rc = start(found, f->arena, owner);
    if (rc != 0)
        return rc;
    ask.name = found->owner;
    struct round r = {.servers = arena_take(f->arena, resolvers->count, sizeof *r.servers),
                      .index = index,
                      .reading = {f->arena, found->owner, NULL, clock}};
    if (r.servers == NULL)
        return LOOKUP_MEMORY;
    for (size_t i = 0; i < resolvers->count; i++) {
        index[i] = i;
        r.servers[i].name = r.servers[i].address = address_text(f->arena, &resolvers->list[i]);
        if (r.servers[i].name == NULL)
            return LOOKUP_MEMORY;
    }
    found->zone = LOOKUP_ZONE_UNKNOWN;
    found->servers = r.servers;
    found->count = resolvers->count;
    dns_ask_all(resolvers->list, resolvers->count, &ask, round_end(deadline), &f->answer, hear, &r);
    rc = r.rc != 0 ? r.rc : ask_validator(f, found->owner, deadline, found);
    if (rc == 0)
        settle_resolved(found);
    return rc;
}

/* ---- mail -------------------------------------------------------------------------------------*/

int lookup_mx(struct dns_finder *f, const char *host, int64_t deadline, struct dns_mx_set *found)
{
    int rc = dns_mx_find(f, host, deadline, found);
    bool others = false;
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < found->count; i++) {
        if (name_equal(found->list[i].host, host))
            return 1;
        others = others || !name_equal(found->list[i].host, ".");
    }
    return !others;
}
