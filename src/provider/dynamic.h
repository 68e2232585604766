/*
 * TLSA RRsets at a server that takes dynamic updates: listed, added to and removed from as the
 * provider's interface says, by way of dns/update.h.
 *
 * Each change is made against the RRset that the planner saw and no other, and read back from the
 * same server. An RRset that comes from a wildcard is written whole with its first change.
 */
#ifndef PROVIDER_DYNAMIC_H
#define PROVIDER_DYNAMIC_H

#include "dns/update.h"
#include "provider/provider.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a result of dns/update.h means here: an rcode, a TSIG error, or UPDATE_... */
struct dynamic_row {
    int code;
    enum provider_code result;
    bool usage;                   /* a fault of the configuration */
    const char *meaning, *advice; /* advice: what to do */
};

/* In the arena of the call; stays where it is. */
struct dynamic {
    struct update update; /* opened, given its key and closed by the provider */
    struct provider *p;   /* not owned */
    const struct dynamic_row *rows;
    size_t rows_count;
    struct tlsa ignored; /* the change of this record was accepted, but did not show */
};

void dynamic_begin(struct dynamic *d, struct provider *p, const struct dynamic_row *rows,
                   size_t rows_count);
/* Either all of them or a failure; `records` come from ARENA. */
struct provider_result dynamic_list(struct dynamic *d, struct provider_rrset *sets, size_t count,
                                    struct arena *arena);
/* PROVIDER_ALREADY where it is so; PROVIDER_CONFLICT where the RRset is not SEEN. */
struct provider_result dynamic_add(struct dynamic *d, const struct provider_rrset *seen,
                                   const struct tlsa *record, uint32_t ttl);
struct provider_result dynamic_remove(struct dynamic *d, const struct provider_rrset *seen,
                                      const struct tlsa *record);

#endif
