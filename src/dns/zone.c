#include "dns/zone.h"

#include "base/buf.h"
#include "base/name.h"
#include "base/time.h"

#include <string.h>

/* No question may take all the time there is. */
#define QUESTION_MS 10000
/* A parent's server gets this long; one that answers is enough, and so many are tried. */
#define PARENT_MS   2000
#define PARENT_MOST 4
/* Steps from a name to its apex where no answer names it; zones on the way to the root. */
#define STEPS_MOST 24
#define ZONES_MOST 12
/* Name servers of a zone: the root has 13. */
#define NAMES_MOST 32
/* MX records of a domain; the largest have some twenty. */
#define MX_MOST 64

struct names {
    const char *list[NAMES_MOST];
    size_t count;
};

static int64_t soon(int64_t deadline, int64_t ms)
{
    int64_t until = time_ticks() + ms;
    return until < deadline ? until : deadline;
}

int dns_finder_init(struct dns_finder *f, struct dns_resolvers *resolvers, struct arena *arena)
{
    memset(f, 0, sizeof *f);
    f->resolvers = resolvers;
    f->arena = arena;
    f->port = DNS_PORT;
    f->answer.size = DNS_MESSAGE_SIZE;
    f->answer.bytes = arena_take(arena, f->answer.size, 1);
    return f->answer.bytes == NULL ? DNS_ZONE_MEMORY : 0;
}

static int fail(struct dns_finder *f, const char *what, const char *name, const char *words)
{
    struct buf b = BUF_OVER(f->words);
    buf_printf(&b, "%s of %s: %s", what, name, words);
    return DNS_ZONE_FAILED;
}

/* A resolver's answer, NOERROR or NXDOMAIN, to a question with these flags. 0 or an error. */
static int resolve(struct dns_finder *f, const char *name, uint16_t type, unsigned flags,
                   const char *what, int64_t deadline)
{
    struct dns_ask ask = {name, type, DNS_ASK_DO | flags};
    enum dns_outcome outcome =
        dns_resolve(f->resolvers, &ask, soon(deadline, QUESTION_MS), &f->answer);
    unsigned rcode = f->answer.message.rcode;
    char words[DNS_WORDS_SIZE / 2];
    struct buf b = BUF_OVER(words);
    if (outcome == DNS_ANSWERED && (rcode == DNS_NOERROR || rcode == DNS_NXDOMAIN))
        return 0;
    dns_resolve_words(&b, f->resolvers, outcome, &f->answer);
    return fail(f, what, name, words);
}

static const char *parent_of(const char *name)
{
    const char *parent = name_parent(name);
    return parent == NULL ? "." : parent;
}

static bool is_root(const char *name)
{
    return name_equal(name, ".");
}

/* ---- the apex ---------------------------------------------------------------------------------*/

/*
 * The SOA record that shows the zone of NAME: its own, or the one that a denial names. 1 or 0. An
 * alias shows the zone of its target instead.
 */
static int read_apex(struct dns_message *m, const char *name, char apex[DNS_NAME_SIZE],
                     struct dns_soa *soa)
{
    struct dns_rr rr;
    dns_rewind(m);
    while (dns_next(m, &rr) > 0) {
        bool here = name_equal(rr.name, name);
        if (rr.section == DNS_ANSWER && rr.type == DNS_TYPE_CNAME && here)
            return 0;
        if (rr.type != DNS_TYPE_SOA || rr.klass != DNS_CLASS_IN)
            continue;
        if ((rr.section == DNS_ANSWER && here) ||
            (rr.section == DNS_AUTHORITY && name_within(name, rr.name)))
            return dns_soa(m, &rr, soa) == 0 && name_canonical(rr.name, apex, DNS_NAME_SIZE) == 0;
    }
    return 0;
}

static int find_apex(struct dns_finder *f, const char *name, int64_t deadline,
                     char apex[DNS_NAME_SIZE], struct dns_soa *soa)
{
    const char *at = name;
    for (unsigned step = 0; step < STEPS_MOST; step++) {
        int rc = resolve(f, at, DNS_TYPE_SOA, DNS_ASK_CD, "the zone", deadline);
        if (rc != 0)
            return rc;
        if (read_apex(&f->answer.message, at, apex, soa) != 0) {
            /* The root is the one name that has a spelling of its own. */
            if (apex[0] == '\0')
                memcpy(apex, ".", sizeof ".");
            return 0;
        }
        if (is_root(at))
            break;
        at = parent_of(at);
    }
    return fail(f, "the zone", name, "no answer of the resolver names it (SOA)");
}

/* ---- name servers and addresses ---------------------------------------------------------------*/

/*
 * The names of an answer's or a referral's NS records at APEX join the list. How many records there
 * were, or an error.
 */
static int take_names(struct dns_finder *f, const char *apex, struct names *names)
{
    struct dns_message *m = &f->answer.message;
    char name[DNS_NAME_SIZE];
    struct dns_rr rr;
    int seen = 0;
    dns_rewind(m);
    while (dns_next(m, &rr) > 0) {
        if (rr.type != DNS_TYPE_NS || rr.section == DNS_ADDITIONAL || rr.klass != DNS_CLASS_IN ||
            !name_equal(rr.name, apex) || dns_target(m, &rr, name) != 0)
            continue;
        size_t i = 0;
        while (i < names->count && !name_equal(names->list[i], name))
            i++;
        seen++;
        if (i < names->count)
            continue;
        if (names->count == NAMES_MOST)
            return fail(f, "the name servers", apex, "there are too many");
        names->list[i] = arena_text(f->arena, name, strlen(name));
        if (names->list[i] == NULL)
            return DNS_ZONE_MEMORY;
        names->count++;
    }
    return seen;
}

struct addresses {
    struct dns_nameserver list[DNS_SERVERS_MOST];
    size_t count;
};

/* The addresses of one family of a name. 0, or an error: then they could not be learnt. */
static int take_addresses(struct dns_finder *f, const char *name, uint16_t type, int64_t deadline,
                          struct addresses *found)
{
    size_t length = type == DNS_TYPE_A ? ADDRESS_V4 : ADDRESS_V6;
    char final[DNS_NAME_SIZE];
    struct dns_rr rr;
    int rc = resolve(f, name, type, DNS_ASK_CD, "the address", deadline);
    if (rc != 0)
        return rc;
    struct buf b = BUF_OVER(final);
    buf_text(&b, name);
    if (dns_follow(&f->answer.message, final, NULL) < 0)
        return fail(f, "the address", name, "an alias that leads nowhere");
    while (dns_next_of(&f->answer.message, DNS_ANSWER, final, type, &rr) > 0) {
        if (rr.length != length)
            continue;
        if (found->count == DNS_SERVERS_MOST)
            return fail(f, "the address", name, "the zone has too many name servers");
        struct dns_nameserver *s = &found->list[found->count++];
        memset(s, 0, sizeof *s);
        s->name = name;
        s->server.port = f->port;
        s->server.length = (uint8_t)length;
        memcpy(s->server.octets, rr.rdata, length);
    }
    return 0;
}

/* A name without a single address, or of which a family is not known, has an entry that says so. */
static int note_missing(struct dns_finder *f, const char *name, const char *words,
                        struct addresses *found)
{
    if (found->count == DNS_SERVERS_MOST)
        return fail(f, "the address", name, "the zone has too many name servers");
    struct dns_nameserver *s = &found->list[found->count++];
    memset(s, 0, sizeof *s);
    s->name = name;
    s->words = arena_text(f->arena, words, strlen(words));
    return s->words == NULL ? DNS_ZONE_MEMORY : 0;
}

static int take_both(struct dns_finder *f, const char *name, int64_t deadline,
                     struct addresses *found)
{
    size_t before = found->count;
    int v4 = take_addresses(f, name, DNS_TYPE_A, deadline, found);
    int v6 = v4 != 0 ? v4 : take_addresses(f, name, DNS_TYPE_AAAA, deadline, found);
    if (v4 != 0 || v6 != 0)
        return note_missing(f, name, f->words, found);
    return found->count > before ? 0 : note_missing(f, name, "it has no address", found);
}

/* ---- the delegation ---------------------------------------------------------------------------*/

/* Whether this server of the parent showed the delegation. */
static bool ask_parent(struct dns_finder *f, const struct dns_server *server, const char *apex,
                       int64_t deadline, struct names *names)
{
    struct dns_ask ask = {apex, DNS_TYPE_NS, 0};
    return dns_ask(server, &ask, soon(deadline, PARENT_MS), &f->answer) == DNS_ANSWERED &&
           f->answer.message.rcode == DNS_NOERROR && take_names(f, apex, names) > 0;
}

/*
 * Resolvers use the parent's list as well as the zone's own: a server that stands in one of them
 * only is asked by somebody. Not being able to see it is no failure.
 */
static bool take_delegation(struct dns_finder *f, const char *apex, int64_t deadline,
                            struct names *names)
{
    char parent[DNS_NAME_SIZE];
    struct names above = {.count = 0};
    struct addresses found = {.count = 0};
    struct dns_soa soa;
    size_t asked = 0;
    /* Half of what is left: the rest is for the addresses. */
    deadline = time_ticks() + (deadline - time_ticks()) / 2;
    if (find_apex(f, parent_of(apex), deadline, parent, &soa) != 0 ||
        resolve(f, parent, DNS_TYPE_NS, DNS_ASK_CD, "the name servers", deadline) != 0 ||
        take_names(f, parent, &above) < 0)
        return false;
    for (size_t i = 0; i < above.count && asked < PARENT_MOST; i++) {
        found.count = 0;
        (void)take_addresses(f, above.list[i], DNS_TYPE_A, deadline, &found);
        if (found.count == 0)
            (void)take_addresses(f, above.list[i], DNS_TYPE_AAAA, deadline, &found);
        for (size_t k = 0; k < found.count && asked < PARENT_MOST; k++, asked++) {
            if (ask_parent(f, &found.list[k].server, apex, deadline, names))
                return true;
        }
    }
    return false;
}

/* ---- DNSSEC -----------------------------------------------------------------------------------*/

/* Whether DS records lead from the root to ZONE. */
static enum dns_chain find_chain(struct dns_finder *f, const char *apex, int64_t deadline)
{
    char zone[DNS_NAME_SIZE], above[DNS_NAME_SIZE];
    struct dns_soa soa;
    struct dns_rr rr;
    struct buf b = BUF_OVER(zone);
    buf_text(&b, apex);
    for (unsigned i = 0; i < ZONES_MOST; i++) {
        if (is_root(zone))
            return DNS_CHAIN_WHOLE;
        if (resolve(f, zone, DNS_TYPE_DS, DNS_ASK_CD, "the DS records", deadline) != 0 ||
            f->answer.message.rcode != DNS_NOERROR)
            return DNS_CHAIN_UNKNOWN;
        dns_rewind(&f->answer.message);
        if (dns_next_of(&f->answer.message, DNS_ANSWER, zone, DNS_TYPE_DS, &rr) == 0)
            return DNS_CHAIN_BROKEN;
        if (find_apex(f, parent_of(zone), deadline, above, &soa) != 0)
            return DNS_CHAIN_UNKNOWN;
        buf_reset(&b);
        buf_text(&b, above);
    }
    return DNS_CHAIN_UNKNOWN;
}

/* ---- all of it --------------------------------------------------------------------------------*/

static int take_servers(struct dns_finder *f, struct dns_zone *zone, int64_t deadline)
{
    struct names names = {.count = 0};
    struct addresses found = {.count = 0};
    int rc = resolve(f, zone->apex, DNS_TYPE_NS, DNS_ASK_CD, "the name servers", deadline);
    if (rc == 0)
        rc = take_names(f, zone->apex, &names);
    if (rc < 0)
        return rc;
    rc = 0;
    zone->delegation = is_root(zone->apex) || take_delegation(f, zone->apex, deadline, &names);
    if (names.count == 0)
        return fail(f, "the name servers", zone->apex, "there are none");
    for (size_t i = 0; i < names.count && rc == 0; i++)
        rc = take_both(f, names.list[i], deadline, &found);
    if (rc != 0)
        return rc;
    zone->servers = arena_take(f->arena, found.count, sizeof *zone->servers);
    if (zone->servers == NULL)
        return DNS_ZONE_MEMORY;
    memcpy(zone->servers, found.list, found.count * sizeof *zone->servers);
    zone->count = found.count;
    return 0;
}

int dns_zone_find(struct dns_finder *f, const char *name, int64_t deadline,
                  const struct dns_zone **zone)
{
    char apex[DNS_NAME_SIZE];
    struct dns_soa soa;
    struct dns_zone *z;
    int rc = find_apex(f, name, deadline, apex, &soa);
    if (rc != 0)
        return rc;
    for (z = f->zones; z != NULL; z = z->next) {
        if (name_equal(z->apex, apex)) {
            *zone = z;
            return 0;
        }
    }
    z = arena_take(f->arena, 1, sizeof *z);
    if (z == NULL || (z->apex = arena_text(f->arena, apex, strlen(apex))) == NULL)
        return DNS_ZONE_MEMORY;
    z->refresh = soa.refresh;
    z->retry = soa.retry;
    rc = take_servers(f, z, deadline);
    if (rc != 0)
        return rc;
    z->chain = find_chain(f, z->apex, deadline);
    z->next = f->zones;
    f->zones = z;
    *zone = z;
    return 0;
}

/* ---- mail -------------------------------------------------------------------------------------*/

/* Sorted as they come; no domain has many. */
static int add_mx(struct dns_finder *f, const struct dns_rr *rr, struct dns_mx_set *found)
{
    char host[DNS_NAME_SIZE];
    struct cursor c = cursor_over(rr->rdata, rr->length);
    struct dns_mx mx = {.preference = cursor_u16(&c)};
    size_t i = found->count;
    if (dns_target(&f->answer.message, rr, host) != 0)
        return 0;
    mx.host = arena_text(f->arena, host, strlen(host));
    if (mx.host == NULL)
        return DNS_ZONE_MEMORY;
    for (; i > 0 && found->list[i - 1].preference > mx.preference; i--)
        found->list[i] = found->list[i - 1];
    found->list[i] = mx;
    found->count++;
    return 0;
}

int dns_mx_find(struct dns_finder *f, const char *domain, int64_t deadline,
                struct dns_mx_set *found)
{
    struct dns_message *m = &f->answer.message;
    char final[DNS_NAME_SIZE];
    struct dns_rr rr;
    memset(found, 0, sizeof *found);
    int rc = resolve(f, domain, DNS_TYPE_MX, 0, "the MX records", deadline);
    if (rc != 0)
        return rc;
    struct buf b = BUF_OVER(final);
    buf_text(&b, domain);
    if (dns_follow(m, final, NULL) < 0)
        return fail(f, "the MX records", domain, "an alias that leads nowhere");
    if (!name_equal(final, domain) &&
        (found->target = arena_text(f->arena, final, strlen(final))) == NULL)
        return DNS_ZONE_MEMORY;
    found->exists = m->rcode == DNS_NOERROR;
    found->authentic = (m->flags & DNS_FLAG_AD) != 0;
    found->list = arena_take(f->arena, MX_MOST, sizeof *found->list);
    if (found->list == NULL)
        return DNS_ZONE_MEMORY;
    while (rc == 0 && dns_next_of(m, DNS_ANSWER, final, DNS_TYPE_MX, &rr) > 0) {
        if (found->count == MX_MOST)
            return fail(f, "the MX records", domain, "there are too many");
        rc = add_mx(f, &rr, found);
    }
    return rc;
}
