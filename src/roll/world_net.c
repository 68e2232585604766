#include "roll/world_net.h"

#include <string.h>

/* What pauses between tries may take in one call (DESIGN: at most 30 seconds together). */
#define PATIENCE_MS 30000
/* One handshake, and the connection it is made on. */
#define PROBE_MS   15000
#define CONNECT_MS 5000
/* `propagation = time`: what secondaries may lag behind, at least, and where it is not known. */
#define LEAST_LAG   300
#define UNKNOWN_LAG 7200
/* A Date this near to our clock proves it. */
#define DATE_NEAR 60

int world_net_init(struct world_net *net, const struct conf *conf, const struct trust *trust,
                   struct arena *arena, const char **word)
{
    net->conf = conf;
    net->trust = trust;
    net->arena = arena;
    net->providers = arena_take(arena, conf->providers_count, sizeof *net->providers);
    net->open = arena_take(arena, conf->providers_count, sizeof *net->open);
    net->admitted = arena_take(arena, conf->hosts_count, sizeof *net->admitted);
    if (net->providers == NULL || net->open == NULL || net->admitted == NULL)
        return -1;
    return world_dns_init(&net->dns, conf, word);
}

static struct provider_result open_provider(struct world_net *net, size_t index,
                                            struct provider **opened)
{
    struct provider *p = &net->providers[index];
    struct provider_result result = {.code = PROVIDER_DONE};
    *opened = p;
    if (net->open[index])
        return result;
    void *own = p->own;
    memset(p, 0, sizeof *p);
    p->own = own;
    p->conf = &net->conf->providers[index];
    p->type = provider_type_named(p->conf->kind->name);
    p->trust = net->trust;
    p->resolvers = &net->dns.resolvers;
    p->patience_ms = PATIENCE_MS;
    p->date = -1;
    result = p->type->open(p, net->arena);
    net->open[index] = result.code == PROVIDER_DONE;
    return result;
}

static struct provider_result net_list(void *context, size_t provider, const char *host,
                                       struct provider_rrset *sets, size_t count,
                                       struct arena *arena)
{
    struct provider *p;
    struct provider_result result = open_provider(context, provider, &p);
    return result.code == PROVIDER_DONE ? p->type->list(p, host, sets, count, arena) : result;
}

static struct provider_result net_add(void *context, size_t provider, const char *host,
                                      const struct provider_rrset *seen, const struct tlsa *record,
                                      uint32_t ttl)
{
    struct provider *p;
    struct provider_result result = open_provider(context, provider, &p);
    return result.code == PROVIDER_DONE ? p->type->add(p, host, seen, record, ttl) : result;
}

static struct provider_result net_remove(void *context, size_t provider, const char *host,
                                         const struct provider_rrset *seen,
                                         const struct provider_record *record)
{
    struct provider *p;
    struct provider_result result = open_provider(context, provider, &p);
    return result.code == PROVIDER_DONE ? p->type->remove(p, host, seen, record) : result;
}

/* --- DNS ------------------------------------------------------------------------------------- */

/* Servers known to follow their provider within seconds (facts 2.3). */
static bool is_fast(const struct world_net *net, const struct conf_host *host)
{
    return strcmp(net->conf->providers[host->provider].kind->name, "cloudflare") == 0;
}

static bool net_proves(void *context, const struct moment *now);

static struct lookup_clock clock_now(void *context)
{
    struct moment now;
    time_moment(&now);
    return (struct lookup_clock){now.wall, now.proven || net_proves(context, &now)};
}

/* Beside a host's first service, until it is so: whether the names above the owner names are there.
 */
static int look_up_at_servers(struct world_net *net, const struct conf_host *host,
                              const char *owner, const struct lookup_clock *clock,
                              struct world_view *view, struct arena *arena)
{
    char first[TLSA_OWNER_SIZE];
    bool *admitted = &net->admitted[host - net->conf->hosts];
    int rc = world_dns_look_up(&net->dns, host, owner, is_fast(net, host), clock, view, arena);
    if (rc == 0 && view->asked && !view->alias && !*admitted &&
        host->propagation == CONF_PROPAGATION_ALL &&
        tlsa_owner(first, host->services[0].port, host->name) == 0 && strcmp(first, owner) == 0)
        *admitted = world_dns_admits_below(&net->dns, host->name, clock, view, arena);
    return rc;
}

static int net_look_up(void *context, const struct conf_host *host, const char *owner,
                       struct world_view *view, struct arena *arena)
{
    struct world_net *net = context;
    struct lookup_clock clock = clock_now(context);
    bool fast = is_fast(net, host);
    if (host->propagation != CONF_PROPAGATION_TIME)
        return look_up_at_servers(net, host, owner, &clock, view, arena);
    uint32_t lag = fast ? 0 : world_dns_refresh(&net->dns, owner);
    view->asked = true;
    view->signature_end = -1;
    view->settle = lag == 0 && !fast ? UNKNOWN_LAG : lag < LEAST_LAG ? LEAST_LAG : lag;
    return 0;
}

static const char *net_other_mx(void *context, const struct conf_host *host, const char **alias_of,
                                struct arena *arena)
{
    struct world_net *net = context;
    return world_dns_other_mx(&net->dns, host->name, alias_of, arena);
}

/* --- services -------------------------------------------------------------------------------- */

static const char *words_of(const struct net_words *words, struct arena *arena)
{
    return words->text[0] == '\0' ? NULL : arena_text(arena, words->text, strlen(words->text));
}

/* What one handshake showed, with memory of its own. 0 or -1. */
static int keep(const struct probe_result *result, struct world_shown *shown, struct arena *arena)
{
    shown->code = result->code;
    shown->leaf = result->leaf;
    shown->issuers_count = result->issuers_count;
    shown->words = words_of(&result->words, arena);
    if (result->issuers_count == 0)
        return 0;
    shown->issuers = arena_take(arena, result->issuers_count, sizeof *shown->issuers);
    if (shown->issuers == NULL)
        return -1;
    memcpy(shown->issuers, result->issuers, result->issuers_count * sizeof *shown->issuers);
    return 0;
}

/* Whether the very same has been asked before, since the connections were last closed. */
static struct world_absent *absent_of(struct world_net *net, const struct probe_question *q)
{
    for (size_t i = 0; i < net->absent_count; i++) {
        struct world_absent *a = &net->absent[i];
        if (a->port == q->port && a->algorithm == q->algorithm && a->host == q->domain &&
            strcmp(a->address, q->address) == 0)
            return a;
    }
    return NULL;
}

static void note_absent(struct world_net *net, const struct probe_question *q,
                        const struct probe_result *result)
{
    struct world_absent *a = absent_of(net, q);
    if (result->code != PROBE_OTHER_ALGORITHM) {
        if (a != NULL)
            *a = net->absent[--net->absent_count];
        return;
    }
    if (a != NULL || net->absent_count == WORLD_NET_ABSENT_MOST)
        return;
    a = &net->absent[net->absent_count++];
    *a = (struct world_absent){.host = q->domain, .port = q->port, .algorithm = q->algorithm};
    struct buf b = BUF_OVER(a->address);
    buf_text(&b, q->address);
}

static int ask(struct world_net *net, const struct conf_host *host, const struct service *service,
               unsigned expected, struct world_shown *shown, struct arena *arena)
{
    static struct probe_result result;
    struct probe_question question = {.address = shown->address,
                                      .port = service->port,
                                      .start = service->start,
                                      .domain = host->name,
                                      .algorithm = shown->algorithm,
                                      .unexpected = (expected & WORLD_KIND(shown->algorithm)) == 0,
                                      .connect_ms = CONNECT_MS,
                                      .deadline = time_ticks() + PROBE_MS};
    question.absent = question.unexpected && absent_of(net, &question) != NULL;
    probe(&question, &result);
    note_absent(net, &question, &result);
    return keep(&result, shown, arena);
}

/*
 * Each address, with each kind of key on its own (facts 2.4). What is shown is what counts: a key
 * must have its record whether or not the server can prove it, so no proof is asked for.
 */
static int net_probe(void *context, const struct conf_host *host, size_t service, unsigned expected,
                     struct world_service *found, struct arena *arena)
{
    static const enum probe_algorithm algorithms[] = {PROBE_ECDSA, PROBE_RSA};
    const size_t kinds = sizeof algorithms / sizeof algorithms[0];
    static struct tcp_addresses list;
    const char *const own[] = {host->name};
    struct net_words why = {""};
    struct service asked;
    if (service_find(host->services[service].name, &asked) != 0)
        return 0;
    (void)probe_addresses(host->connect.count > 0 ? host->connect.items : own,
                          host->connect.count > 0 ? host->connect.count : 1, &list, &why);
    found->words = words_of(&why, arena);
    found->shown = arena_take(arena, list.count * kinds, sizeof *found->shown);
    if (list.count > 0 && found->shown == NULL)
        return -1;
    for (size_t i = 0; i < list.count * kinds; i++) {
        struct world_shown *shown = &found->shown[found->count];
        struct buf b = BUF_OVER(shown->address);
        buf_text(&b, list.text[i / kinds]);
        shown->algorithm = algorithms[i % kinds];
        /* Who was not to be reached with one kind of key is not asked for the other. */
        if (i % kinds > 0 && found->shown[found->count - 1].code == PROBE_UNSEEN) {
            shown->code = PROBE_UNSEEN;
            shown->words = found->shown[found->count - 1].words;
        } else if (ask(context, host, &asked, expected, shown, arena) != 0) {
            return -1;
        }
        found->count++;
    }
    return 0;
}

/* --------------------------------------------------------------------------------------------- */

static bool net_proves(void *context, const struct moment *now)
{
    const struct world_net *net = context;
    for (size_t i = 0; i < net->conf->providers_count; i++) {
        const struct provider *p = &net->providers[i];
        if (!net->open[i] || p->date < 0)
            continue;
        int64_t then = p->date + (time_ticks() - p->date_ticks) / 1000;
        if (now->wall - then <= DATE_NEAR && then - now->wall <= DATE_NEAR)
            return true;
    }
    return false;
}

void world_net_close(struct world_net *net)
{
    for (size_t i = 0; i < net->conf->providers_count; i++) {
        if (net->open[i])
            net->providers[i].type->close(&net->providers[i]);
        net->open[i] = false;
    }
    world_dns_close(&net->dns);
    net->absent_count = 0;
}

static void net_rest(void *context)
{
    world_net_close(context);
}

const struct world_network world_net_functions = {
    .list = net_list,
    .add = net_add,
    .remove = net_remove,
    .look_up = net_look_up,
    .other_mx = net_other_mx,
    .probe = net_probe,
    .proves = net_proves,
    .rest = net_rest,
};
