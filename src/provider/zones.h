/*
 * The zone of a host: the longest of its names that the provider knows as one. What was asked is
 * remembered for the call.
 */
#ifndef PROVIDER_ZONES_H
#define PROVIDER_ZONES_H

#include "base/name.h"
#include "provider/provider.h"
#include "provider/rest.h"

/* One name that was asked for. */
struct zone {
    struct zone *next;
    char name[NAME_SIZE];
    unsigned usable;           /* zones of that name that can hold our records */
    char id[PROVIDER_ID_SIZE]; /* of the usable one */
    const char *unusable;      /* why a zone of that name was passed over, or NULL */
};

struct zones {
    struct rest *rest;   /* not owned */
    struct arena *arena; /* of the call */
    struct zone *first;
    const char *fixed; /* the configured zone, or NULL */
};

/* Asks the provider for the zones of exactly that name and fills in the last three members. */
typedef struct provider_result zones_ask(void *context, struct zone *zone);

/* *FOUND is set where the result is PROVIDER_DONE. */
struct provider_result zones_find(struct zones *zones, const char *host, zones_ask *ask,
                                  void *context, const struct zone **found);

#endif
