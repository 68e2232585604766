/*
 * TLSA records at providers that keep single ones: listed by owner name, or the whole zone's in
 * pages where that takes fewer requests; added; deleted by id.
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

/* How a provider is asked for TLSA records, and what it says of them. */
struct records_rules {
    const char *query;        /* all TLSA records; the number of the page (from 1) is appended */
    const char *of_zone;      /* then this, for a stable order; */
    const char *of_owner;     /* or this and an owner name */
    uint32_t ttl_most;        /* taken for a TTL that cannot be read */
    int64_t automatic_number; /* the TTL that stands for the automatic one, -1: none */
    uint32_t automatic;       /* and what resolvers see then */
    const char *mark;         /* with which our comment begins */
    size_t written;           /* rows of `item` that a new record is sent with: the first so many */
    struct rest_shape item;   /* of struct records_item */
};

#define RECORDS_PATH_SIZE 128

struct records {
    const struct records_rules *rules; /* not owned, as the two below */
    struct rest *rest;
    struct arena *arena;          /* of the call */
    char path[RECORDS_PATH_SIZE]; /* of the zone's records; set by the provider */
    struct records_item item;
    struct provider_rrset *sets; /* the listing under way; not owned */
    size_t count;
    struct arena *memory; /* for the records; not owned */
    uint8_t *room;        /* records that fit, by set */
    uint8_t *valid;       /* records of whole pages, by set */
    bool no_memory;
    const char *crowded; /* the owner name with too many records, or NULL */
    bool several;        /* the last pages read were more than one */
    bool paged;          /* some sets of this call came from more than one page of the zone */
};

void records_begin(struct records *records, const struct records_rules *rules, struct rest *rest,
                   struct arena *arena);
/*
 * Fills the sets, their records from ARENA. Either all of them or a failure. A TLSA record that
 * cannot be read is kept as one that nothing can use, so that its RRset is not taken for empty.
 */
struct provider_result records_list(struct records *records, struct provider_rrset *sets,
                                    size_t count, struct arena *arena);
/* Sends a new record. */
struct provider_result records_add(struct records *records, const char *owner,
                                   const struct tlsa *record, uint32_t ttl);
/*
 * Deletes a record by its id. Once a listing was put together from several pages of the zone, its
 * owner name is listed again beforehand: PROVIDER_CONFLICT where that shows a record that is not in
 * SEEN, or none but this one although SEEN has others.
 */
struct provider_result records_remove(struct records *records, const struct provider_rrset *seen,
                                      const struct provider_record *record);

#endif
