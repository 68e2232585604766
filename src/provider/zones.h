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

struct zones {
    struct rest *rest;             /* not owned */
    struct arena *arena;           /* of the call */
    const struct zones_item *item; /* that answers are read into; not owned */
    struct zone *first;
    const char *fixed;                      /* the configured zone, or NULL */
    const struct zones_obstacle *obstacles; /* not owned */
    size_t obstacles_count;
    struct zone *asked; /* the look-up under way */
};

/*
 * Asks the provider for the zones of exactly that name: zones_void is the call's `start`, and each
 * item goes to zones_take.
 */
typedef struct provider_result zones_ask(void *context, const char *name);

/* Takes what stands in `item`. ZONES is a struct zones. */
void zones_take(void *zones);
/* What came is void. ZONES is a struct zones. */
void zones_void(void *zones);

/* *FOUND is set where the result is PROVIDER_DONE. */
struct provider_result zones_find(struct zones *zones, const char *host, zones_ask *ask,
                                  void *context, const struct zone **found);

#endif
