/*
 * The listing of TLSA RRsets at providers that keep single records: by owner name, or the whole
 * zone's in pages where that takes fewer requests.
 *
 * Pages are not a snapshot: when anything about them does not add up, the owner names are listed
 * one by one; a set that several pages together leave empty is looked at again by its name.
 */
#ifndef PROVIDER_RECORDS_H
#define PROVIDER_RECORDS_H

#include "provider/provider.h"
#include "provider/rest.h"

/* Records asked for at a time. */
#define RECORDS_PER_PAGE 100

struct records {
    const struct rest *rest;     /* whose words failures have; not owned */
    struct provider_rrset *sets; /* not owned */
    size_t count;
    struct arena *arena;
    uint8_t *room;  /* records that fit, by set */
    uint8_t *valid; /* records of whole pages, by set */
    bool no_memory;
    const char *crowded; /* the owner name with too many records, or NULL */
    bool paged;          /* the sets come from more than one page of the zone */
};

/*
 * Asks for one page (from 1) of the TLSA records of an owner name, or of the zone where OWNER is
 * NULL, with rest_call: records_void is its `start`, and each record goes to records_add.
 */
typedef struct provider_result records_page(void *context, struct records *records,
                                            const char *owner, int64_t page,
                                            struct rest_info *info);

/* The set of that owner name, NULL where it is none of those wanted. */
struct provider_rrset *records_set(const struct records *records, const char *owner);
void records_add(struct records *records, struct provider_rrset *set,
                 const struct provider_record *record);
/* What came since the last whole page is void. RECORDS is a struct records. */
void records_void(void *records);
/* Fills all sets. Either all of them or a failure; RECORDS has its first four members set. */
struct provider_result records_list(struct records *records, records_page *page, void *context);
/* Whether two sets hold the same records by their ids. */
bool records_same(const struct provider_rrset *a, const struct provider_rrset *b);

#endif
