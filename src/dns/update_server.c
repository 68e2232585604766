/* Which server takes the updates. */
#include "dns/update_server.h"

#include "base/buf.h"
#include "base/time.h"
#include "base/wipe.h"

#include <string.h>

/* A resolver may have to ask a few servers itself. */
#define RESOLVE_MS 10000

static bool read_port(const char *text, uint16_t *port)
{
    uint32_t number = 0;
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 5 || text[length] != '\0')
        return false;
    for (size_t i = 0; i < length; i++)
        number = number * 10 + (uint32_t)(text[i] - '0');
    *port = (uint16_t)number;
    return number > 0 && number <= UINT16_MAX;
}

int update_open(struct update *u, const char *server, bool udp, struct dns_resolvers *resolvers)
{
    struct buf name = BUF_OVER(u->server);
    memset(&u->key, 0, sizeof u->key);
    u->udp = udp;
    u->fixed = server != NULL;
    u->port = DNS_PORT;
    u->servers_count = u->server_at = 0;
    u->sent = 0;
    u->time = -1;
    u->why[0] = '\0';
    u->answer.bytes = u->bytes;
    u->answer.size = sizeof u->bytes;
    u->resolvers = resolvers;
    if (server == NULL)
        return 0;
    size_t length = strcspn(server, "@");
    buf_put(&name, server, length);
    if (length == 0 || buf_full(&name) || strpbrk(u->server, " \t[]") != NULL)
        return -1;
    return server[length] == '\0' || read_port(server + length + 1, &u->port) ? 0 : -1;
}

void update_close(struct update *u)
{
    wipe(&u->key, sizeof u->key);
}

static int look_up(struct update *u)
{
    struct address_list found;
    struct net_words words;
    struct buf why = BUF_OVER(u->why);
    if (u->servers_count > 0)
        return 0;
    u->server_at = 0;
    if (address_look_up(u->server, &found, &words) != 0) {
        buf_text(&why, words.text);
        return UPDATE_NOT_REACHED;
    }
    for (const struct address *a = found.list;
         a < found.list + found.count && u->servers_count < UPDATE_ADDRESSES_MOST; a++) {
        struct dns_server *s = &u->servers[u->servers_count++];
        *s = (struct dns_server){.length = a->length, .port = u->port, .scope = a->scope};
        memcpy(s->octets, a->octets, sizeof s->octets);
    }
    return 0;
}

bool update_apex(struct update *u, struct dns_soa *soa)
{
    struct dns_message *m = &u->answer.message;
    struct dns_rr rr;
    dns_rewind(m);
    while (dns_next(m, &rr)) {
        if (rr.type == DNS_TYPE_SOA && rr.klass == DNS_CLASS_IN && rr.section != DNS_ADDITIONAL &&
            name_within(u->owner, rr.name))
            return name_canonical(rr.name, u->apex, sizeof u->apex) == 0 &&
                   (soa == NULL || dns_soa(m, &rr, soa) == 0);
    }
    return false;
}

static int ask_resolvers(struct update *u)
{
    const struct dns_ask ask = {u->owner, DNS_TYPE_SOA, DNS_ASK_RD | DNS_ASK_CD};
    struct dns_message *m = &u->answer.message;
    struct buf why = BUF_OVER(u->why);
    enum dns_outcome outcome =
        dns_resolve(u->resolvers, &ask, time_ticks() + RESOLVE_MS, &u->answer);
    if (outcome != DNS_ANSWERED) {
        buf_printf(&why, "the resolver: %s", dns_outcome_words(outcome, &u->answer));
        return UPDATE_NO_PRIMARY;
    }
    if (m->rcode != DNS_NOERROR && m->rcode != DNS_NXDOMAIN) {
        const char *words = dns_rcode_words(m->rcode);
        buf_printf(&why, "the resolver says %s", words != NULL ? words : "an unknown code");
        return UPDATE_NO_PRIMARY;
    }
    return 0;
}

/* The primary's name from the SOA record of the zone that `owner`, or what it leads to, is in. */
static int find_primary(struct update *u, struct dns_soa *soa)
{
    struct buf why = BUF_OVER(u->why);
    int rc, followed;
    /* Behind an alias into another zone some answers end without that zone's SOA record. */
    for (unsigned aliases = 0; aliases <= UPDATE_ALIASES_MOST; aliases++) {
        rc = ask_resolvers(u);
        if (rc != 0)
            return rc;
        followed = dns_follow(&u->answer.message, u->owner, NULL);
        if (followed < 0 || name_canonical(u->owner, u->owner, sizeof u->owner) != 0)
            return UPDATE_ALIASES;
        if (update_apex(u, soa))
            return 0;
        if (followed == 0)
            break;
    }
    buf_text(&why, "the resolver gives no SOA record for ");
    buf_clean(&why, u->owner, strlen(u->owner));
    return UPDATE_NO_PRIMARY;
}

int update_find(struct update *u)
{
    struct dns_soa soa;
    struct buf why = BUF_OVER(u->why);
    if (u->fixed)
        return look_up(u);
    int rc = find_primary(u, &soa);
    if (rc != 0)
        return rc;
    if (soa.mname[0] == '\0' || strcmp(soa.mname, ".") == 0 || strlen(soa.mname) >= NAME_SIZE) {
        buf_printf(&why, "the SOA record of %s names none", u->apex);
        return UPDATE_NO_PRIMARY;
    }
    /* Another zone's primary, or the same one again. */
    if (!name_equal(soa.mname, u->server)) {
        struct buf name = BUF_OVER(u->server);
        buf_text(&name, soa.mname);
        u->servers_count = 0;
    }
    return look_up(u);
}
