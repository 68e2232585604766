/* Cloudflare's API v4: single records, added and deleted by id. */
#include "base/hex.h"
#include "base/name.h"
#include "provider/records.h"
#include "provider/rest.h"
#include "provider/zones.h"

#include <string.h>

/* What automatic stands for in DNS, and the number by which the API calls it. */
#define TTL_AUTOMATIC        300
#define TTL_AUTOMATIC_NUMBER 1
#define TTL_MOST             86400
#define MARK                 "daneroll"
#define ID_MOST              32

enum { KEY_TOKEN, KEY_TOKEN_FILE, KEY_ZONE, KEY_ZONE_ID, KEY_ENDPOINT };

static const struct conf_key keys[] = {
    {.name = "token", .kind = CONF_SECRET, .help = "API token with the permission Zone DNS Edit"},
    {.name = "token-file", .kind = CONF_PATH, .help = "a file with the token, mode 600"},
    {.name = "zone", .kind = CONF_NAME, .help = "the zone's name (else looked up by the host's)"},
    {.name = "zone-id", .kind = CONF_TEXT, .help = "the zone's id, 32 hex digits: no look-up then"},
    {.name = "endpoint",
     .kind = CONF_URL,
     .preset = "https://api.cloudflare.com/client/v4",
     .help = "the API's base address"},
};

#define MAY_NOT "the token may not do this"
#define MAY_ADVICE                                                                                 \
    "give it the permission Zone DNS Edit for this zone (and Zone Read, unless zone-id is set); "  \
    "see that zone-id is right"
#define ILL_FORMED "the record is not acceptable"
#define ILL_ADVICE "see the server's own words, and report it"
#define TOO_MANY   "too many requests"
#define TOO_ADVICE "wait; who else uses this account's API?"
#define BUSY       (REST_LIMIT | REST_UNTOUCHED)

static const struct rest_error errors[] = {
    {NULL,
     0,
     {6003, 6102, 6103, 6111, 9103, 9106},
     REST_USAGE,
     PROVIDER_REFUSED,
     "this is no API token",
     "give an API token (not the global key), whole and in one line"},
    {NULL,
     0,
     {9109},
     REST_USAGE,
     PROVIDER_REFUSED,
     "the token is not accepted",
     "see that it has not expired, was not revoked, covers this zone and may be used from here"},
    {NULL, 0, {10000}, REST_USAGE, PROVIDER_REFUSED, MAY_NOT, MAY_ADVICE},
    {NULL, 403, {REST_ANY_CODE}, REST_USAGE, PROVIDER_REFUSED, MAY_NOT, MAY_ADVICE},
    {NULL,
     403,
     {REST_NOT_JSON},
     REST_VAGUE,
     PROVIDER_REFUSED,
     "this machine's address is blocked or challenged; the token is not at fault",
     "wait, or ask from another address"},
    {NULL,
     0,
     {1001, 1002, 7000, 7003},
     REST_USAGE,
     PROVIDER_REFUSED,
     "there is no such zone",
     "set zone-id to the id that the dashboard shows, or leave it out"},
    {NULL,
     0,
     {9021},
     REST_USAGE,
     PROVIDER_REFUSED,
     "the TTL is not accepted",
     "set ttl to 60 up to 86400 seconds (from 30 in an Enterprise zone)"},
    {NULL, 0, {9000, 9005, 9101, 9300, 9313}, 0, PROVIDER_REFUSED, ILL_FORMED, ILL_ADVICE},
    {NULL, 0, {1004}, REST_VAGUE, PROVIDER_REFUSED, ILL_FORMED, ILL_ADVICE},
    {"POST", 0, {81057, 81058}, 0, PROVIDER_ALREADY, "the record exists", "nothing to do"},
    {"DELETE", 0, {81044}, 0, PROVIDER_ALREADY, "the record is gone", "nothing to do"},
    {NULL,
     0,
     {81053, 81054, 81056},
     0,
     PROVIDER_REFUSED,
     "the owner name cannot hold TLSA records: it is an alias or delegated",
     "delete the CNAME or NS record there, or name the host where it leads"},
    {NULL,
     0,
     {81045},
     0,
     PROVIDER_REFUSED,
     "the zone holds as many records as it may",
     "delete records that nobody needs, or take a larger plan"},
    {NULL, 0, {971, 1015, 10013, 10429}, BUSY, PROVIDER_LATER, TOO_MANY, TOO_ADVICE},
    {NULL, 429, {REST_ANY_CODE}, BUSY, PROVIDER_LATER, TOO_MANY, TOO_ADVICE},
    {NULL, 0, {7500, 10001}, 0, PROVIDER_LATER, "the server has a fault", "try again later"},
};

#define WHOLE(path, member)                                                                        \
    {                                                                                              \
        path, REST_WHOLE, offsetof(struct rest_info, member), 0                                    \
    }
static const struct rest_field envelope[] = {
    {"success", REST_TRUTH, offsetof(struct rest_info, success), 0},
    WHOLE("result_info.page", page),
    WHOLE("result_info.per_page", per_page),
    WHOLE("result_info.count", count),
    WHOLE("result_info.total_count", total_count),
    WHOLE("result_info.total_pages", total_pages),
};
static const struct rest_field fault[] = {
    {"code", REST_WHOLE, offsetof(struct rest_fault, code), 0},
    {"message", REST_WORDS, offsetof(struct rest_fault, words), REST_FAULT_WORDS_SIZE},
};

static const struct rest_dialect dialect = {
    .envelope = {"", envelope, sizeof envelope / sizeof envelope[0]},
    .errors = {"errors", fault, sizeof fault / sizeof fault[0]},
    .chained = {"errors.error_chain", fault, sizeof fault / sizeof fault[0]},
    .items = "result",
    .rows = errors,
    .rows_count = sizeof errors / sizeof errors[0],
};

/* A record or a zone, as the API lists it. */
struct item {
    char id[ID_MOST + 1], type[16], status[16], comment[sizeof MARK], name[TLSA_OWNER_SIZE];
    int64_t ttl, usage, selector, matching;
    char certificate[JSON_TEXT_SIZE], content[JSON_TEXT_SIZE];
};

#define TEXT(path, member)                                                                         \
    {                                                                                              \
        path, REST_TEXT, offsetof(struct item, member), sizeof((struct item *)0)->member           \
    }
#define NUMBER(path, member)                                                                       \
    {                                                                                              \
        path, REST_WHOLE, offsetof(struct item, member), 0                                         \
    }
static const struct rest_field members[] = {
    TEXT("id", id),
    TEXT("type", type),
    TEXT("status", status),
    TEXT("name", name),
    TEXT("content", content),
    TEXT("data.certificate", certificate),
    NUMBER("ttl", ttl),
    NUMBER("data.usage", usage),
    NUMBER("data.selector", selector),
    NUMBER("data.matching_type", matching),
    {"comment", REST_WORDS, offsetof(struct item, comment), sizeof MARK},
};

struct cloudflare {
    struct rest rest;
    struct zones zones;
    char zone_id[ID_MOST + 1]; /* configured; "" otherwise */
    struct arena *arena;       /* of the call */
    struct item item;
    struct records *records; /* listing under way */
    struct zone *zone;       /* look-up under way */
    bool paged;              /* the last listing was put together from pages of the zone */
};

/* ---- zones ---- */

static bool is_id(const char *id)
{
    size_t length = strspn(id, "0123456789abcdef");
    return length > 0 && length <= ID_MOST && id[length] == '\0';
}

static void take_zone(void *context)
{
    static const char *const passed[][2] = {
        {"pending", "its delegation does not lead to Cloudflare yet"},
        {"initializing", "it is still being set up"},
        {"moved", "its delegation leads away from Cloudflare"},
        {"partial", "its setup is partial: another server holds its records"},
        {"secondary", "it is a secondary zone: its records come from elsewhere"},
        {"internal", "it is an internal zone"}};
    struct cloudflare *c = context;
    const struct item *item = &c->item;
    if (!name_equal(item->name, c->zone->name) || !is_id(item->id))
        return;
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        if (strcmp(item->status, passed[i][0]) == 0 || strcmp(item->type, passed[i][0]) == 0) {
            c->zone->unusable = passed[i][1];
            return;
        }
    }
}
