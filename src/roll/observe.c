#include "roll/observe.h"

#include "dane/service.h"

#include <string.h>

/* Two clocks that are right may still differ by so many seconds. */
#define SKEW 60

int observe_make(struct observation *seen, const struct conf *conf, struct arena *arena)
{
    seen->pairs = arena_take(arena, conf->pairs_count, sizeof *seen->pairs);
    seen->hosts = arena_take(arena, conf->hosts_count, sizeof *seen->hosts);
    if (seen->pairs == NULL || seen->hosts == NULL)
        return -1;
    for (size_t i = 0; i < conf->hosts_count; i++) {
        size_t count = conf->hosts[i].services_count;
        struct observed_host *host = &seen->hosts[i];
        host->wanted = true;
        host->sets = arena_take(arena, count, sizeof *host->sets);
        host->views = arena_take(arena, count, sizeof *host->views);
        host->services = arena_take(arena, count, sizeof *host->services);
        if (host->sets == NULL || host->views == NULL || host->services == NULL)
            return -1;
    }
    return 0;
}

static void observe_pair(struct observed_pair *seen, const struct conf_pair *conf, size_t pair,
                         const struct world *world, bool check)
{
    void *local = world->local_context;
    seen->current.code = seen->previous.code = seen->next_key.code = PAIR_ABSENT;
    world->local->read_pair(local, pair, WORLD_SOURCE, &seen->source);
    if (check && seen->source.code == PAIR_READ)
        world->local->check_pair(local, pair, &seen->source);
    if (conf->install != NULL) {
        world->local->read_pair(local, pair, WORLD_CURRENT, &seen->current);
        world->local->read_pair(local, pair, WORLD_PREVIOUS, &seen->previous);
    }
    if (conf->next_key != NULL)
        world->local->read_pair(local, pair, WORLD_NEXT_KEY, &seen->next_key);
}

void observe_pairs(struct observation *seen, const struct conf *conf, const struct world *world,
                   bool check)
{
    for (size_t i = 0; i < conf->pairs_count; i++)
        observe_pair(&seen->pairs[i], &conf->pairs[i], i, world, check);
}

static struct provider_result refused(const char *words)
{
    struct provider_result result = {.code = PROVIDER_REFUSED};
    struct buf b = BUF_OVER(result.words);
    buf_text(&b, words);
    return result;
}

/* What DNS shows first: it says where the RRsets are. */
static int look_up(struct observed_host *seen, const struct conf_host *host,
                   const struct world *world, struct arena *arena)
{
    seen->result = refused("its name is too long");
    for (size_t i = 0; i < host->services_count; i++) {
        struct world_view *view = &seen->views[i];
        char owner[TLSA_OWNER_SIZE];
        memset(view, 0, sizeof *view);
        if (tlsa_owner(owner, host->services[i].port, host->name) != 0)
            return 0;
        if (world->network->look_up(world->network_context, host, owner, view, arena) != 0)
            return -1;
        memcpy(seen->sets[i].owner, view->asked && view->alias ? view->owner : owner, sizeof owner);
    }
    seen->result.code = PROVIDER_DONE;
    return 0;
}

/* Owner names of the host's own go together; the end of a CNAME may lie in any zone. */
static void list(struct observed_host *seen, const struct conf_host *host,
                 const struct world *world, struct arena *arena)
{
    size_t i = 0;
    while (i < host->services_count && seen->result.code == PROVIDER_DONE) {
        size_t count = 1;
        bool alias = seen->views[i].alias;
        while (!alias && i + count < host->services_count && !seen->views[i + count].alias)
            count++;
        seen->result = world->network->list(world->network_context, host->provider,
                                            alias ? seen->sets[i].owner : host->name,
                                            &seen->sets[i], count, arena);
        i += count;
    }
    seen->listed = seen->result.code == PROVIDER_DONE;
}

static bool has_smtp(const struct conf_host *host)
{
    struct service service;
    for (size_t i = 0; i < host->services_count; i++) {
        if (service_find(host->services[i].name, &service) == 0 && service.start == SERVICE_SMTP &&
            service.port == 25)
            return true;
    }
    return false;
}

/* What an earlier look brought is gone with its arena; where the RRsets are is still known. */
static void forget(struct observed_host *seen, const struct conf_host *host)
{
    seen->listed = false;
    seen->alias_of = NULL;
    for (size_t i = 0; i < host->services_count; i++) {
        seen->sets[i].count = 0;
        seen->sets[i].records = NULL;
        memset(&seen->views[i], 0, sizeof seen->views[i]);
    }
}

/*
 * The servers were asked before the provider, whose answer may be what proves the clock: then
 * signatures are judged by it only now, before anything is changed.
 */
static void judge_signatures(const struct observed_host *seen, const struct conf_host *host,
                             const struct moment *now, struct arena *arena)
{
    for (size_t i = 0; i < host->services_count; i++) {
        struct world_view *view = &seen->views[i];
        char end[TIME_TEXT_SIZE], text[WORLD_WORDS_SIZE];
        struct buf b = BUF_OVER(text);
        if (!view->asked || view->zone != WORLD_ZONE_SIGNED || !now->proven ||
            view->signature_end < 0 || view->signature_end >= now->wall - SKEW)
            continue;
        time_text(view->signature_end, end);
        buf_printf(&b, "there is a DS record, but a signature ended at %s", end);
        view->zone = WORLD_ZONE_BOGUS;
        view->words = arena_text(arena, b.data, b.used);
    }
}

int observe_records(struct observation *seen, const struct conf *conf, const struct world *world,
                    struct arena *arena)
{
    for (size_t i = 0; i < conf->hosts_count; i++) {
        const struct conf_host *host = &conf->hosts[i];
        struct observed_host *found = &seen->hosts[i];
        forget(found, host);
        if (!found->wanted)
            continue;
        found->other_mx =
            host->propagation != CONF_PROPAGATION_ALL || found->plain
                ? NULL
                : world->network->other_mx(world->network_context, host, &found->alias_of, arena);
        if (!has_smtp(host))
            found->other_mx = NULL;
        found->plain = found->other_mx == NULL && found->alias_of == NULL;
        if (found->other_mx != NULL)
            continue;
        if (look_up(found, host, world, arena) != 0)
            return -1;
        if (found->result.code == PROVIDER_DONE)
            list(found, host, world, arena);
    }
    world_now(world, &seen->now);
    for (size_t i = 0; i < conf->hosts_count; i++)
        judge_signatures(&seen->hosts[i], &conf->hosts[i], &seen->now, arena);
    return 0;
}

/* --- services -------------------------------------------------------------------------------- */

static unsigned kind_of(const struct pair_found *found)
{
    return found->code != PAIR_READ
               ? 0
               : WORLD_KIND(found->algorithm == CERT_RSA ? PROBE_RSA : PROBE_ECDSA);
}

/* The kinds of keys that services may have, as far as their pairs and earlier looks tell. */
static unsigned expected_kinds(const struct observation *seen, const struct conf_host *host,
                               unsigned shown)
{
    unsigned own = 0;
    for (size_t i = 0; i < host->pairs_count; i++) {
        const struct observed_pair *pair = &seen->pairs[host->pairs[i]];
        own |= kind_of(&pair->source) | kind_of(&pair->current) | kind_of(&pair->previous);
    }
    return own != 0 ? own | shown : WORLD_KIND(PROBE_ECDSA) | WORLD_KIND(PROBE_RSA);
}

static int ask_services(struct observation *seen, size_t h, const struct conf_host *host,
                        const struct world *world, struct arena *arena)
{
    struct observed_host *found = &seen->hosts[h];
    unsigned expected = expected_kinds(seen, host, found->kinds);
    for (size_t s = 0; s < host->services_count; s++) {
        struct world_service *service = &found->services[s];
        /* Of others nothing is known any more: what they showed is gone with ARENA. */
        memset(service, 0, sizeof *service);
        if (!found->wanted)
            continue;
        if (world->network->probe(world->network_context, host, s, expected, service, arena) != 0)
            return -1;
        for (size_t i = 0; i < service->count; i++) {
            if (service->shown[i].code == PROBE_SERVED)
                found->kinds |= WORLD_KIND(service->shown[i].algorithm);
        }
    }
    return 0;
}

int observe_services(struct observation *seen, const struct conf *conf, const struct world *world,
                     struct arena *arena)
{
    for (size_t i = 0; i < conf->hosts_count; i++) {
        if (ask_services(seen, i, &conf->hosts[i], world, arena) != 0)
            return -1;
    }
    return 0;
}
