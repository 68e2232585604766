/*
 * The zone of a host: the longest of its names that the provider knows as one. What was asked is
 * remembered for the call.
 */
#ifndef PROVIDER_ZONES_H
#define PROVIDER_ZONES_H

#include "base/name.h"
#include "provider/provider.h"
#include "provider/rest.h"

/* A zone as an answer gives it; the provider's rows say where its members come from. */
struct zones_item {
    char id[PROVIDER_ID_SIZE], name[NAME_SIZE], status[16], type[16];
};

/* A status or type of a zone that cannot hold our records. */
struct zones_obstacle {
    const char *word;
    const char *why;
};

/* One name that was asked for. */
struct zone {
    struct zone *next;
    char name[NAME_SIZE];
    unsigned usable;           /* zones of that name that can hold our records */
    char id[PROVIDER_ID_SIZE]; /* of the usable one */
    const char *unusable;      /* why a zone of that name was passed over, or NULL */
};

/* How a provider is asked for zones. */
struct zones_rules {
    const char *query;      /* path and query, to which the name is appended */
    struct rest_shape item; /* into struct zones_item */
    const struct zones_obstacle *obstacles;
    size_t obstacles_count;
};

struct zones {
    const struct zones_rules *rules; /* not owned, as the four below */
    struct rest *rest;
    struct arena *arena;  /* of the call */
    const char *fixed;    /* the configured zone, or NULL; set by the provider */
    const char *fixed_id; /* its id: nothing is asked then; or NULL; likewise */
    struct zone *first;
    struct zone *asked; /* the look-up under way */
    struct zones_item item;
};

void zones_begin(struct zones *zones, const struct zones_rules *rules, struct rest *rest,
                 struct arena *arena);
/* *ID (1 to 32 digits 0-9 and a-f) is set where the result is PROVIDER_DONE. */
struct provider_result zones_find(struct zones *zones, const char *host, const char **id);

#endif
