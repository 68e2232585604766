#include "provider/zones.h"

#include <string.h>

void zones_begin(struct zones *zones, const struct zones_rules *rules, struct rest *rest,
                 struct arena *arena)
{
    memset(zones, 0, sizeof *zones);
    zones->rules = rules;
    zones->rest = rest;
    zones->arena = arena;
}

static void begin(void *context)
{
    struct zones *zones = context;
    zones->asked->usable = 0;
    zones->asked->unusable = NULL;
}

static void take(void *context)
{
    struct zones *zones = context;
    const struct zones_item *item = &zones->item;
    struct zone *zone = zones->asked;
    if (!name_equal(item->name, zone->name) || !rest_is_id(item->id))
        return;
    for (size_t i = 0; i < zones->rules->obstacles_count; i++) {
        const struct zones_obstacle *obstacle = &zones->rules->obstacles[i];
        if (strcmp(item->status, obstacle->word) == 0 || strcmp(item->type, obstacle->word) == 0) {
            zone->unusable = obstacle->why;
            return;
        }
    }
    zone->usable++;
    memcpy(zone->id, item->id, sizeof zone->id);
}

static struct provider_result ask(struct zones *zones, const char *name)
{
    char path[REST_PATH_SIZE];
    struct buf b = BUF_OVER(path);
    buf_text(&b, zones->rules->query);
    rest_put_encoded(&b, name);
    const struct rest_call call = {.method = "GET",
                                   .path = path,
                                   .lists = true,
                                   .item = zones->rules->item,
                                   .into = &zones->item,
                                   .start = begin,
                                   .take = take,
                                   .context = zones};
    return rest_call(zones->rest, &call, NULL);
}

static struct provider_result look(struct zones *zones, const char *name, struct zone **found)
{
    for (*found = zones->first; *found != NULL; *found = (*found)->next) {
        if (name_equal((*found)->name, name))
            return rest_done();
    }
    struct zone *zone = arena_take(zones->arena, 1, sizeof *zone);
    if (zone == NULL || name_canonical(name, zone->name, sizeof zone->name) != 0)
        return rest_failed(zones->rest, PROVIDER_LATER, false, "no memory for the zone's name");
    zones->asked = zone;
    struct provider_result result = ask(zones, zone->name);
    if (result.code != PROVIDER_DONE)
        return result;
    zone->next = zones->first;
    zones->first = zone;
    *found = zone;
    return result;
}

static struct provider_result no_zone(const struct zones *zones, const char *host,
                                      const struct zone *passed)
{
    if (passed != NULL)
        return rest_failed(zones->rest, PROVIDER_REFUSED, true,
                           "the zone %s cannot hold the records of %s: %s", passed->name, host,
                           passed->unusable);
    return rest_failed(zones->rest, PROVIDER_REFUSED, true,
                       "the token sees no zone %s%s: check its account and zones, give it the "
                       "permission to read zones, or set zone-id",
                       zones->fixed != NULL ? "named " : "of ",
                       zones->fixed != NULL ? zones->fixed : host);
}

/* The first of the names NAME and above that is a usable zone. */
static struct provider_result longest(struct zones *zones, const char *host, const char *name,
                                      const char **id)
{
    const struct zone *passed = NULL;
    for (; name != NULL && name_parent(name) != NULL; name = name_parent(name)) {
        struct zone *zone;
        struct provider_result result = look(zones, name, &zone);
        if (result.code != PROVIDER_DONE)
            return result;
        if (zone->usable > 1)
            return rest_failed(zones->rest, PROVIDER_REFUSED, true,
                               "there are %u active zones named %s: set zone-id to the one meant",
                               zone->usable, zone->name);
        *id = zone->id;
        if (zone->usable == 1)
            return result;
        if (passed == NULL && zone->unusable != NULL)
            passed = zone;
        if (zones->fixed != NULL)
            break;
    }
    return no_zone(zones, host, passed);
}

struct provider_result zones_find(struct zones *zones, const char *host, const char **id)
{
    const char *name = zones->fixed != NULL ? zones->fixed : host;
    if (!name_within(host, name))
        return rest_misconfigured(zones->rest->p, "%s is not in the zone %s", host, name);
    *id = zones->fixed_id;
    if (zones->fixed_id == NULL)
        return longest(zones, host, name, id);
    if (!rest_is_id(*id))
        return rest_misconfigured(zones->rest->p, "zone-id is not an id, 32 digits 0-9 and a-f");
    return rest_done();
}
