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

/* A record as an answer gives it; the provider's rows say where its members come from. */
struct records_item {
    char id[PROVIDER_ID_SIZE], type[16], name[TLSA_OWNER_SIZE];
    char comment[16]; /* its beginning */
    int64_t ttl, usage, selector, matching;
    char certificate[JSON_TEXT_SIZE]; /* hex */
    char content[JSON_TEXT_SIZE];     /* the whole as text, where the four are not to be had */
};

struct records {
    const struct rest *rest;         /* whose words failures have; not owned */
    uint32_t ttl_most;               /* taken for a TTL that cannot be read */
    int64_t automatic_number;        /* the TTL that stands for the automatic one, -1: none */
    uint32_t automatic;              /* and what resolvers see then */
    const char *mark;                /* with which our comment begins */
    const struct records_item *item; /* that answers are read into; not owned */
    struct provider_rrset *sets;     /* not owned */
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
 * NULL, with rest_call: records_void is its `start`, and each item goes to records_take.
 */
typedef struct provider_result records_page(void *context, struct records *records,
                                            const char *owner, int64_t page,
                                            struct rest_info *info);

/*
 * Takes what stands in `item` if it is a TLSA record of an owner name wanted. One that cannot be
 * read is kept as a record that nothing can use, so that its RRset is not taken for empty. RECORDS
 * is a struct records.
 */
void records_take(void *records);
/* What came since the last whole page is void. RECORDS is a struct records. */
void records_void(void *records);
/* Fills all sets. Either all of them or a failure; RECORDS has its members up to `arena` set. */
struct provider_result records_list(struct records *records, records_page *page, void *context);
/*
 * Where a set comes from several pages of the zone, it is listed again by its name before one of
 * its records is deleted: PROVIDER_CONFLICT where it is another one.
 */
struct provider_result records_confirm(struct records *records, const struct provider_rrset *seen,
                                       records_page *page, void *context);

#endif
