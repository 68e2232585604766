#include "provider/records.h"

#include "base/hex.h"
#include "base/name.h"

#include <string.h>

/* Records that a set has room for at first: two keys in two combinations, twice. */
#define ROOM_FIRST 8
/* Listings of one owner name begun anew because the zone changed between its pages. */
#define TRIES_MOST 3

enum outcome { WHOLE, UNFIT, FAILED };

void records_begin(struct records *records, const struct records_rules *rules, struct rest *rest,
                   struct arena *arena)
{
    memset(records, 0, sizeof *records);
    records->rules = rules;
    records->rest = rest;
    records->arena = arena;
}

/* ---- collecting ---- */

static struct provider_rrset *set_of(const struct records *records, const char *owner)
{
    for (size_t i = 0; i < records->count; i++) {
        if (name_equal(records->sets[i].owner, owner))
            return &records->sets[i];
    }
    return NULL;
}

static bool has_id(const struct provider_rrset *set, const char *id)
{
    for (size_t i = 0; i < set->count; i++) {
        if (strcmp(set->records[i].id, id) == 0)
            return true;
    }
    return false;
}

static bool grow(struct records *records, struct provider_rrset *set, uint8_t *room)
{
    uint8_t larger = *room == 0 ? ROOM_FIRST : (uint8_t)(*room * 2);
    if (larger > PROVIDER_RECORDS_MOST) {
        records->crowded = set->owner;
        return false;
    }
    struct provider_record *moved = arena_take(records->memory, larger, sizeof *moved);
    if (moved == NULL) {
        records->no_memory = true;
        return false;
    }
    if (set->count > 0)
        memcpy(moved, set->records, set->count * sizeof *moved);
    set->records = moved;
    *room = larger;
    return true;
}

static void put(struct records *records, struct provider_rrset *set,
                const struct provider_record *record)
{
    uint8_t *room = &records->room[set - records->sets];
    if (record->id[0] != '\0' && has_id(set, record->id))
        return;
    if (set->count == *room && !grow(records, set, room))
        return;
    set->records[set->count++] = *record;
}

static bool is_octet(int64_t number)
{
    return number >= 0 && number <= UINT8_MAX;
}

static void read_tlsa(struct tlsa *tlsa, const struct records_item *item)
{
    const struct tlsa_combination none = {UINT8_MAX, UINT8_MAX, UINT8_MAX};
    uint8_t data[JSON_TEXT_SIZE / 2];
    int length = hex_decode(item->certificate, strlen(item->certificate), data, sizeof data);
    if (is_octet(item->usage) && is_octet(item->selector) && is_octet(item->matching) &&
        length > 0) {
        struct tlsa_combination c = {(uint8_t)item->usage, (uint8_t)item->selector,
                                     (uint8_t)item->matching};
        tlsa_set(tlsa, c, data, (size_t)length);
        return;
    }
    if (tlsa_parse(item->content, strlen(item->content), tlsa) == 0)
        return;
    tlsa_set(tlsa, none, (const uint8_t *)item->content, strlen(item->content));
    tlsa->malformed = true;
}

static void take(void *context)
{
    struct records *records = context;
    const struct records_item *item = &records->item;
    struct provider_record record = {0};
    struct provider_rrset *set = set_of(records, item->name);
    if (set == NULL || (item->type[0] != '\0' && strcmp(item->type, "TLSA") != 0))
        return;
    read_tlsa(&record.tlsa, item);
    record.automatic = item->ttl >= 0 && item->ttl == records->rules->automatic_number;
    record.ttl =
        item->ttl > 0 && item->ttl <= INT32_MAX ? (uint32_t)item->ttl : records->rules->ttl_most;
    if (record.automatic)
        record.ttl = records->rules->automatic;
    record.marked = strncmp(item->comment, records->rules->mark, strlen(records->rules->mark)) == 0;
    memcpy(record.id, item->id, sizeof record.id);
    put(records, set, &record);
}

static void begin(void *context)
{
    struct records *records = context;
    for (size_t i = 0; i < records->count; i++)
        records->sets[i].count = records->valid[i];
    records->crowded = NULL;
}

static void keep_page(struct records *records)
{
    for (size_t i = 0; i < records->count; i++)
        records->valid[i] = (uint8_t)records->sets[i].count;
}

static void forget(struct records *records, const char *owner)
{
    for (size_t i = 0; i < records->count; i++) {
        if (owner == NULL || name_equal(records->sets[i].owner, owner))
            records->valid[i] = 0;
    }
    begin(records);
}

/* ---- pages ---- */

static struct provider_result ask(struct records *records, const char *owner, int64_t page,
                                  struct rest_info *info)
{
    const struct records_rules *rules = records->rules;
    char path[REST_PATH_SIZE];
    struct buf b = BUF_OVER(path);
    buf_printf(&b, "%s%s%lld", records->path, rules->query, (long long)page);
    buf_text(&b, owner == NULL ? rules->of_zone : rules->of_owner);
    rest_put_encoded(&b, owner == NULL ? "" : owner);
    const struct rest_call call = {.method = "GET",
                                   .path = path,
                                   .lists = true,
                                   .item = rules->item,
                                   .into = &records->item,
                                   .start = begin,
                                   .take = take,
                                   .context = records};
    return rest_call(records->rest, &call, info);
}

/* How many pages there are by what this one says, 0: it does not say. */
static int64_t pages_of(const struct rest_info *info)
{
    if (info->total_pages >= 0)
        return info->total_pages > 0 ? info->total_pages : 1;
    if (info->total_count >= 0 && info->per_page > 0)
        return info->total_count == 0 ? 1 : (info->total_count - 1) / info->per_page + 1;
    return info->items < RECORDS_PER_PAGE ? 1 : 0;
}

static bool adds_up(const struct rest_info *info, const struct rest_info *first, int64_t page,
                    int64_t pages, int64_t seen)
{
    if ((info->page >= 0 && info->page != page) || (info->count >= 0 && info->count != info->items))
        return false;
    if (info->total_count != first->total_count || pages != pages_of(first))
        return false;
    if (page < pages)
        return info->items > 0;
    return info->total_count < 0 || info->total_count == seen;
}

/* All pages of an owner name or of the zone, if there are at most so many. */
static enum outcome read_pages(struct records *records, const char *owner, int64_t most,
                               struct provider_result *result)
{
    struct rest_info first, info;
    int64_t pages = 1, seen = 0;
    for (int64_t page = 1; page <= pages; page++) {
        *result = ask(records, owner, page, &info);
        if (result->code != PROVIDER_DONE)
            return FAILED;
        if (records->no_memory || records->crowded != NULL)
            return UNFIT;
        if (page == 1)
            first = info;
        pages = pages_of(&info);
        seen += info.items;
        if (pages < 1 || pages > most || !adds_up(&info, &first, page, pages, seen))
            return UNFIT;
        keep_page(records);
        records->several = page > 1;
        records->paged |= owner == NULL && page > 1;
    }
    return WHOLE;
}

static struct provider_result no_memory(const struct records *records)
{
    return rest_failed(records->rest, PROVIDER_LATER, false, "no memory for its records");
}

/* Too many records, or no memory for them. */
static struct provider_result overflow(const struct records *records)
{
    if (records->no_memory)
        return no_memory(records);
    return rest_failed(records->rest, PROVIDER_REFUSED, false,
                       "there are more than %d TLSA records at %s: delete those nobody needs",
                       PROVIDER_RECORDS_MOST, records->crowded);
}

static struct provider_result read_owner(struct records *records, const char *owner)
{
    struct provider_result result;
    for (unsigned tries = 0; tries < TRIES_MOST; tries++) {
        forget(records, owner);
        switch (read_pages(records, owner, PROVIDER_RECORDS_MOST, &result)) {
        case WHOLE:
        case FAILED:
            return result;
        case UNFIT:
            if (records->no_memory || records->crowded != NULL)
                return overflow(records);
            break;
        }
    }
    return rest_failed(records->rest, PROVIDER_LATER, false,
                       "the list of TLSA records at %s does not add up: try again later", owner);
}

/* By name: all sets, or those that were left empty. */
static struct provider_result read_owners(struct records *records, bool only_empty)
{
    for (size_t i = 0; i < records->count; i++) {
        if (only_empty && records->sets[i].count > 0)
            continue;
        struct provider_result result = read_owner(records, records->sets[i].owner);
        if (result.code != PROVIDER_DONE)
            return result;
    }
    return rest_done();
}

static struct provider_result read_all(struct records *records)
{
    struct provider_result result;
    if (records->count < 2)
        return read_owners(records, false);
    switch (read_pages(records, NULL, (int64_t)records->count, &result)) {
    case WHOLE:
        return records->several ? read_owners(records, true) : result;
    case FAILED:
        return result;
    case UNFIT:
        break;
    }
    forget(records, NULL);
    if (records->no_memory)
        return overflow(records);
    return read_owners(records, false);
}

struct provider_result records_list(struct records *records, struct provider_rrset *sets,
                                    size_t count, struct arena *arena)
{
    records->sets = sets;
    records->count = count;
    records->memory = arena;
    records->room = arena_take(arena, count, 1);
    records->valid = arena_take(arena, count, 1);
    records->no_memory = records->room == NULL || records->valid == NULL;
    records->crowded = NULL;
    for (size_t i = 0; i < count; i++) {
        sets[i].records = NULL;
        sets[i].count = 0;
    }
    if (records->no_memory)
        return overflow(records);
    struct provider_result result = read_all(records);
    for (size_t i = 0; i < count; i++) {
        if (result.code != PROVIDER_DONE)
            sets[i].count = 0;
        else if (set_of(records, sets[i].owner) != &sets[i])
            sets[i] = *set_of(records, sets[i].owner);
    }
    return result;
}

/* ---- changing ---- */

struct provider_result records_add(struct records *records, const char *owner,
                                   const struct tlsa *record, uint32_t ttl)
{
    struct records_item *item = &records->item;
    char text[REST_BODY_SIZE];
    struct rest_shape written = records->rules->item;
    struct buf body = BUF_OVER(text), type = BUF_OVER(item->type), name = BUF_OVER(item->name),
               comment = BUF_OVER(item->comment), data = BUF_OVER(item->certificate);
    if (record->hashed)
        return rest_failed(records->rest, PROVIDER_REFUSED, false,
                           "a record with more than %d octets of data is not written",
                           TLSA_DATA_MOST);
    written.count = records->rules->written;
    buf_text(&type, "TLSA");
    buf_text(&name, owner);
    buf_text(&comment, records->rules->mark);
    buf_hex(&data, record->data, record->length);
    item->ttl = ttl;
    item->usage = record->combination.usage;
    item->selector = record->combination.selector;
    item->matching = record->combination.matching;
    rest_write(&body, &written, item);
    const struct rest_call call = {.method = "POST", .path = records->path, .body = text};
    return rest_call(records->rest, &call, NULL);
}

/* Whether a fresh list has nothing that SEEN has not, and another record than this if SEEN has. */
static bool as_seen(const struct provider_rrset *fresh, const struct provider_rrset *seen,
                    const char *id)
{
    size_t others = 0;
    for (size_t i = 0; i < fresh->count; i++) {
        if (!has_id(seen, fresh->records[i].id))
            return false;
        others += strcmp(fresh->records[i].id, id) != 0;
    }
    return others > 0 || seen->count < 2;
}

static struct provider_result confirm(struct records *records, const struct provider_rrset *seen,
                                      const char *id)
{
    struct provider_rrset *fresh = arena_take(records->arena, 1, sizeof *fresh);
    if (fresh == NULL)
        return no_memory(records);
    memcpy(fresh->owner, seen->owner, sizeof fresh->owner);
    struct provider_result result = records_list(records, fresh, 1, records->arena);
    if (result.code != PROVIDER_DONE || as_seen(fresh, seen, id))
        return result;
    return rest_failed(records->rest, PROVIDER_CONFLICT, false,
                       "the TLSA records at %s changed meanwhile: they are looked at again",
                       seen->owner);
}

struct provider_result records_remove(struct records *records, const struct provider_rrset *seen,
                                      const struct provider_record *record)
{
    char text[REST_PATH_SIZE];
    struct buf path = BUF_OVER(text);
    if (!rest_is_id(record->id))
        return rest_failed(records->rest, PROVIDER_REFUSED, false,
                           "the record has no usable id: delete it by hand");
    struct provider_result result =
        records->paged ? confirm(records, seen, record->id) : rest_done();
    if (result.code != PROVIDER_DONE)
        return result;
    buf_printf(&path, "%s/%s", records->path, record->id);
    const struct rest_call call = {.method = "DELETE", .path = text};
    return rest_call(records->rest, &call, NULL);
}
