/* Cloudflare's API v4: single records, added and deleted by id. */
#include "base/buf.h"
#include "provider/records.h"
#include "provider/rest.h"
#include "provider/zones.h"

/* What resolvers see of the automatic TTL, which the API calls 1. */
#define TTL_AUTOMATIC 300
#define TTL_MOST      86400

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
    "give it Zone DNS Edit for this zone, and Zone Read unless zone-id is set; a zone-id must be " \
    "of this account"
#define TOO_MANY   "too many requests"
#define TOO_ADVICE "wait, and see who else uses this account's API"
#define BUSY       (REST_LIMIT | REST_UNTOUCHED)
#define CODES      REST_CODES

static const struct rest_error errors[] = {
    REST_ERROR(NULL, 0, CODES(6003, 6102, 6103, 6111, 9103, 9106), REST_USAGE, PROVIDER_REFUSED,
               "this is no API token",
               "give an API token (not the global key), whole, in one line"),
    REST_ERROR(
        NULL, 0, CODES(9109), REST_USAGE, PROVIDER_REFUSED, "the token is not accepted",
        "see that it is neither expired nor revoked, covers this zone and may come from here"),
    REST_ERROR(NULL, 0, CODES(10000), REST_USAGE, PROVIDER_REFUSED, MAY_NOT, MAY_ADVICE),
    REST_ERROR(NULL, 403, CODES(REST_ANY_CODE), REST_USAGE, PROVIDER_REFUSED, MAY_NOT, MAY_ADVICE),
    REST_ERROR(NULL, 403, CODES(REST_NOT_JSON), REST_VAGUE, PROVIDER_REFUSED,
               "this machine's address is blocked or challenged, the token is not at fault",
               "wait, or ask from another address"),
    REST_ERROR(NULL, 0, CODES(1001, 1002, 7000, 7003), REST_USAGE, PROVIDER_REFUSED,
               "there is no such zone", "set zone-id as the dashboard shows it, or leave it out"),
    REST_ERROR(NULL, 0, CODES(9021), REST_USAGE, PROVIDER_REFUSED, "the TTL is not accepted",
               "set ttl to 60 up to 86400 seconds (from 30 in an Enterprise zone)"),
    REST_ERROR(NULL, 0, CODES(1004, 9000, 9005, 9101, 9300, 9313), REST_VAGUE, PROVIDER_REFUSED,
               "it does not accept the record", "see its own words, and report them"),
    REST_ERROR("POST", 0, CODES(81057, 81058), 0, PROVIDER_ALREADY, "the record exists", "fine"),
    REST_ERROR("DELETE", 0, CODES(81044), 0, PROVIDER_ALREADY, "the record is gone", "fine"),
    REST_ERROR(NULL, 0, CODES(81053, 81054, 81056), 0, PROVIDER_REFUSED,
               "the owner name is an alias or delegated and cannot hold TLSA records",
               "delete the CNAME or NS record there, or name the host where it leads"),
    REST_ERROR(NULL, 0, CODES(81045), 0, PROVIDER_REFUSED, "the zone is full",
               "delete records that nobody needs, or take a larger plan"),
    REST_ERROR(NULL, 0, CODES(971, 1015, 10013, 10429), BUSY, PROVIDER_LATER, TOO_MANY, TOO_ADVICE),
    REST_ERROR(NULL, 429, CODES(REST_ANY_CODE), BUSY, PROVIDER_LATER, TOO_MANY, TOO_ADVICE),
    REST_ERROR(NULL, 0, CODES(7500, 10001), 0, PROVIDER_LATER, "it has a fault", "try later"),
};

static const struct rest_field envelope[] = {
    REST_FIELD(struct rest_info, success, REST_TRUTH, "success"),
    REST_FIELD(struct rest_info, page, REST_WHOLE, "result_info.page"),
    REST_FIELD(struct rest_info, per_page, REST_WHOLE, "result_info.per_page"),
    REST_FIELD(struct rest_info, count, REST_WHOLE, "result_info.count"),
    REST_FIELD(struct rest_info, total_count, REST_WHOLE, "result_info.total_count"),
    REST_FIELD(struct rest_info, total_pages, REST_WHOLE, "result_info.total_pages"),
};
static const struct rest_field fault[] = {
    REST_FIELD(struct rest_fault, code, REST_WHOLE, "code"),
    REST_FIELD(struct rest_fault, words, REST_WORDS, "message"),
};
static const struct rest_dialect dialect = {REST_OBJECTS("", envelope),
                                            REST_OBJECTS("errors", fault),
                                            REST_OBJECTS("errors.error_chain", fault),
                                            "result",
                                            errors,
                                            sizeof errors / sizeof errors[0]};

static const struct rest_field zone_fields[] = {
    REST_FIELD(struct zones_item, id, REST_TEXT, "id"),
    REST_FIELD(struct zones_item, name, REST_TEXT, "name"),
    REST_FIELD(struct zones_item, status, REST_TEXT, "status"),
    REST_FIELD(struct zones_item, type, REST_TEXT, "type"),
};
static const struct zones_obstacle obstacles[] = {
    {"pending", "it is pending, its delegation does not lead to Cloudflare yet"},
    {"initializing", "it is still being set up"},
    {"moved", "its delegation leads away from Cloudflare"},
    {"partial", "its setup is partial, other servers hold its records"},
    {"secondary", "it is secondary, its records come from elsewhere"},
    {"internal", "it is internal, the world does not see it"},
};

/* The first RECORD_WRITTEN of them are what a new record is sent with. */
#define RECORD_WRITTEN 8
static const struct rest_field record_fields[] = {
    REST_FIELD(struct records_item, type, REST_TEXT, "type"),
    REST_FIELD(struct records_item, name, REST_TEXT, "name"),
    REST_FIELD(struct records_item, ttl, REST_WHOLE, "ttl"),
    REST_FIELD(struct records_item, comment, REST_WORDS, "comment"),
    REST_FIELD(struct records_item, usage, REST_WHOLE, "data.usage"),
    REST_FIELD(struct records_item, selector, REST_WHOLE, "data.selector"),
    REST_FIELD(struct records_item, matching, REST_WHOLE, "data.matching_type"),
    REST_FIELD(struct records_item, certificate, REST_TEXT, "data.certificate"),
    REST_FIELD(struct records_item, id, REST_TEXT, "id"),
    REST_FIELD(struct records_item, content, REST_TEXT, "content"),
};

static const struct zones_rules zones_rules = {
    "/zones?per_page=50&name=", REST_OBJECTS("", zone_fields), obstacles,
    sizeof obstacles / sizeof obstacles[0]};
static const struct records_rules records_rules = {"?type=TLSA&per_page=100&page=",
                                                   "&order=name",
                                                   "&name=",
                                                   TTL_MOST,
                                                   1,
                                                   TTL_AUTOMATIC,
                                                   "daneroll",
                                                   RECORD_WRITTEN,
                                                   REST_OBJECTS("", record_fields)};

struct cloudflare {
    struct rest rest;
    struct zones zones;
    struct records records;
};

static struct provider_result open_session(struct provider *p, struct arena *arena)
{
    const char *const *values = p->conf->values;
    struct cloudflare *c = p->own != NULL ? p->own : arena_take(arena, 1, sizeof *c);
    if (c == NULL)
        return rest_misconfigured(p, "no memory");
    if (p->own == NULL) {
        zones_begin(&c->zones, &zones_rules, &c->rest, arena);
        records_begin(&c->records, &records_rules, &c->rest, arena);
    }
    p->own = c;
    c->zones.fixed = values[KEY_ZONE];
    c->zones.fixed_id = values[KEY_ZONE_ID];
    return rest_open(&c->rest, p, &dialect, values[KEY_TOKEN], values[KEY_TOKEN_FILE],
                     values[KEY_ENDPOINT]);
}

static struct provider_result enter(struct cloudflare *c, const char *host)
{
    const char *id;
    struct buf place = BUF_OVER(c->records.path);
    struct provider_result result = zones_find(&c->zones, host, &id);
    if (result.code == PROVIDER_DONE)
        buf_printf(&place, "/zones/%s/dns_records", id);
    return result;
}

static struct provider_result list(struct provider *p, const char *host,
                                   struct provider_rrset *sets, size_t count, struct arena *arena)
{
    struct cloudflare *c = p->own;
    struct provider_result result = enter(c, host);
    return result.code == PROVIDER_DONE ? records_list(&c->records, sets, count, arena) : result;
}

static struct provider_result add(struct provider *p, const char *host,
                                  const struct provider_rrset *seen, const struct tlsa *record,
                                  uint32_t ttl)
{
    struct cloudflare *c = p->own;
    struct provider_result result = enter(c, host);
    return result.code == PROVIDER_DONE ? records_add(&c->records, seen->owner, record, ttl)
                                        : result;
}

static struct provider_result remove_record(struct provider *p, const char *host,
                                            const struct provider_rrset *seen,
                                            const struct provider_record *record)
{
    struct cloudflare *c = p->own;
    struct provider_result result = enter(c, host);
    return result.code == PROVIDER_DONE ? records_remove(&c->records, seen, record) : result;
}

static void close_session(struct provider *p)
{
    if (p->own != NULL)
        rest_close(&((struct cloudflare *)p->own)->rest);
}

const struct provider_type provider_cloudflare = {
    .name = "cloudflare",
    .keys = keys,
    .keys_count = sizeof keys / sizeof keys[0],
    .ttl_least = 60,
    .ttl_most = TTL_MOST,
    .open = open_session,
    .list = list,
    .add = add,
    .remove = remove_record,
    .close = close_session,
};
