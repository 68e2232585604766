#include "roll/world_net.h"

#include <string.h>

/* What pauses between tries may take in one call (DESIGN: at most 30 seconds together). */
#define PATIENCE_MS 30000
/* A Date this near to our clock proves it. */
#define DATE_NEAR 60

int world_net_init(struct world_net *net, const struct conf *conf, const struct trust *trust,
                   struct arena *arena)
{
    net->conf = conf;
    net->trust = trust;
    net->arena = arena;
    net->providers = arena_take(arena, conf->providers_count, sizeof *net->providers);
    net->open = arena_take(arena, conf->providers_count, sizeof *net->open);
    return net->providers == NULL || net->open == NULL ? -1 : 0;
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
}

static void net_rest(void *context)
{
    world_net_close(context);
}

const struct world_network world_net_functions = {
    .list = net_list,
    .add = net_add,
    .remove = net_remove,
    .proves = net_proves,
    .rest = net_rest,
};
