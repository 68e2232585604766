#include "dns/tsig.h"

#include "base/cursor.h"
#include "base/wipe.h"
#include "dns/message.h"

#include <bearssl.h>
#include <string.h>
#include <strings.h>

struct tsig_algorithm {
    const char *name;
    size_t length; /* of the MAC */
    const br_hash_class *hash;
};

static const struct tsig_algorithm algorithms[] = {
    {"hmac-sha256", 32, &br_sha256_vtable},
    {"hmac-sha384", 48, &br_sha384_vtable},
    {"hmac-sha512", 64, &br_sha512_vtable},
};

const struct tsig_algorithm *tsig_algorithm_named(const char *name, size_t length)
{
    if (length > 0 && name[length - 1] == '.')
        length--;
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (strlen(algorithms[i].name) == length &&
            strncasecmp(algorithms[i].name, name, length) == 0)
            return &algorithms[i];
    }
    return NULL;
}

const char *tsig_algorithm_name(const struct tsig_algorithm *algorithm)
{
    return algorithm->name;
}

/* ---- the MAC ---- */

/* What the TSIG record says besides the MAC; all of it is signed (RFC 8945 section 4.3.3). */
struct variables {
    uint64_t time; /* 48 bits */
    uint16_t fudge, error, other_length;
    const uint8_t *other;
};

static uint8_t *put_number(uint8_t *to, uint64_t number, unsigned octets)
{
    for (unsigned i = octets; i > 0; i--)
        *to++ = (uint8_t)(number >> (8 * (i - 1)));
    return to;
}

static void add_name(br_hmac_context *hmac, const char *name)
{
    uint8_t wire[DNS_NAME_WIRE];
    int length = dns_name_wire(name, wire);
    br_hmac_update(hmac, wire, length > 0 ? (size_t)length : 0);
}

static void add_variables(br_hmac_context *hmac, const struct tsig_key *key,
                          const struct variables *v)
{
    uint8_t octets[12], *end;
    add_name(hmac, key->name);
    end = put_number(octets, DNS_CLASS_ANY, 2);
    end = put_number(end, 0, 4); /* its TTL */
    br_hmac_update(hmac, octets, (size_t)(end - octets));
    add_name(hmac, key->algorithm->name);
    end = put_number(octets, v->time, 6);
    end = put_number(end, v->fudge, 2);
    end = put_number(end, v->error, 2);
    end = put_number(end, v->other_length, 2);
    br_hmac_update(hmac, octets, (size_t)(end - octets));
    br_hmac_update(hmac, v->other, v->other_length);
}

/* A message in two parts, as its header is not signed as it was sent. */
struct signing {
    const struct tsig_request *request; /* NULL: this is one */
    const uint8_t *header;
    const uint8_t *rest;
    size_t rest_length;
};

static void make_mac(const struct tsig_key *key, const struct signing *s, const struct variables *v,
                     uint8_t mac[TSIG_MAC_MOST])
{
    br_hmac_key_context prepared;
    br_hmac_context hmac;
    br_hmac_key_init(&prepared, key->algorithm->hash, key->secret, key->length);
    br_hmac_init(&hmac, &prepared, 0);
    if (s->request != NULL) {
        uint8_t size[2];
        (void)put_number(size, s->request->length, 2);
        br_hmac_update(&hmac, size, sizeof size);
        br_hmac_update(&hmac, s->request->mac, s->request->length);
    }
    br_hmac_update(&hmac, s->header, DNS_HEADER_SIZE);
    br_hmac_update(&hmac, s->rest, s->rest_length);
    add_variables(&hmac, key, v);
    br_hmac_out(&hmac, mac);
    wipe(&prepared, sizeof prepared);
    wipe(&hmac, sizeof hmac);
}

/* ---- requests ---- */

int tsig_sign(const struct tsig_key *key, struct dns_builder *message, int64_t wall,
              struct tsig_request *request)
{
    uint8_t rdata[DNS_NAME_WIRE + TSIG_MAC_MOST + 16];
    /* A clock before 1970 is as wrong as one in 1970, and the server says so. */
    const struct variables v = {.time = wall > 0 ? (uint64_t)wall : 0, .fudge = TSIG_FUDGE};
    int length = dns_finish(message), name = dns_name_wire(key->algorithm->name, rdata);
    if (length < 0 || name < 0)
        return length < 0 ? length : name;
    const struct signing s = {.header = message->bytes,
                              .rest = message->bytes + DNS_HEADER_SIZE,
                              .rest_length = (size_t)length - DNS_HEADER_SIZE};
    request->length = key->algorithm->length;
    make_mac(key, &s, &v, request->mac);
    uint8_t *end = put_number(rdata + name, v.time, 6);
    end = put_number(end, v.fudge, 2);
    end = put_number(end, request->length, 2);
    memcpy(end, request->mac, request->length);
    memcpy(end + request->length, message->bytes, 2); /* the ID, lest a forwarder change it */
    end = put_number(end + request->length + 2, 0, 4);
    dns_put_rr(message, DNS_ADDITIONAL, key->name, DNS_TYPE_TSIG, DNS_CLASS_ANY, 0, rdata,
               (size_t)(end - rdata));
    return dns_finish(message);
}

/* ---- answers ---- */

/* The TSIG record of an answer. */
struct record {
    struct dns_rr rr;
    char algorithm[DNS_NAME_SIZE];
    struct variables v;
    uint16_t mac_size, original_id;
    const uint8_t *mac;
};

/* TSIG_GOOD where there is one, the last of all. */
static enum tsig_code find(struct dns_message *m, struct record *r)
{
    bool found = false;
    while (dns_next(m, &r->rr)) {
        if (found)
            return TSIG_MALFORMED;
        found = r->rr.type == DNS_TYPE_TSIG;
    }
    if (!found)
        return TSIG_ABSENT;
    if (r->rr.section != DNS_ADDITIONAL || r->rr.klass != DNS_CLASS_ANY || r->rr.ttl != 0)
        return TSIG_MALFORMED;
    return TSIG_GOOD;
}

static enum tsig_code read_record(const struct dns_message *m, struct record *r)
{
    struct cursor c = cursor_over(r->rr.rdata, r->rr.length);
    if (dns_read_name(m, &c, r->algorithm) != 0)
        return TSIG_MALFORMED;
    r->v.time = (uint64_t)cursor_u16(&c) << 32;
    r->v.time |= cursor_u32(&c);
    r->v.fudge = cursor_u16(&c);
    r->mac_size = cursor_u16(&c);
    r->mac = cursor_take(&c, r->mac_size);
    r->original_id = cursor_u16(&c);
    r->v.error = cursor_u16(&c);
    r->v.other_length = cursor_u16(&c);
    r->v.other = cursor_take(&c, r->v.other_length);
    return c.failed || cursor_left(&c) > 0 ? TSIG_MALFORMED : TSIG_GOOD;
}

static bool equal(const uint8_t *a, const uint8_t *b, size_t length)
{
    unsigned differ = 0;
    for (size_t i = 0; i < length; i++)
        differ |= (unsigned)(a[i] ^ b[i]);
    return differ == 0;
}

static enum tsig_code check_mac(const struct tsig_key *key, const struct tsig_request *request,
                                const uint8_t *message, const struct record *r)
{
    uint8_t header[DNS_HEADER_SIZE], mac[TSIG_MAC_MOST];
    const struct signing s = {.request = request,
                              .header = header,
                              .rest = message + DNS_HEADER_SIZE,
                              .rest_length = r->rr.start - DNS_HEADER_SIZE};
    memcpy(header, message, sizeof header);
    unsigned additional = (unsigned)header[10] << 8 | header[11];
    (void)put_number(header, r->original_id, 2);
    (void)put_number(header + 10, additional - 1, 2);
    make_mac(key, &s, &r->v, mac);
    return equal(mac, r->mac, key->algorithm->length) ? TSIG_GOOD : TSIG_FORGED;
}

static enum tsig_code check_time(const struct record *r, int64_t wall, struct tsig_answer *answer)
{
    answer->time = (int64_t)r->v.time;
    if (r->v.error == TSIG_BADTIME) {
        struct cursor c = cursor_over(r->v.other, r->v.other_length);
        uint64_t time = (uint64_t)cursor_u16(&c) << 32;
        time |= cursor_u32(&c);
        /* The time signed is ours, given back (RFC 8945 section 5.2.3). */
        answer->time = c.failed ? -1 : (int64_t)time;
        return TSIG_GOOD;
    }
    if (answer->time - wall > r->v.fudge || wall - answer->time > r->v.fudge)
        return TSIG_STALE;
    return TSIG_GOOD;
}

enum tsig_code tsig_verify(const struct tsig_key *key, const struct tsig_request *request,
                           const uint8_t *message, size_t length, int64_t wall,
                           struct tsig_answer *answer)
{
    struct dns_message m;
    struct record r;
    *answer = (struct tsig_answer){.time = -1};
    if (dns_open(&m, message, length) != 0)
        return TSIG_MALFORMED;
    enum tsig_code code = find(&m, &r);
    if (code == TSIG_GOOD)
        code = read_record(&m, &r);
    if (code != TSIG_GOOD)
        return code;
    answer->error = r.v.error;
    if (r.mac_size == 0 && r.v.error != 0)
        return TSIG_DENIED;
    if (!name_equal(r.rr.name, key->name) || !name_equal(r.algorithm, key->algorithm->name))
        return TSIG_OTHER_KEY;
    if (r.mac_size != key->algorithm->length)
        return r.mac_size < key->algorithm->length ? TSIG_SHORT : TSIG_FORGED;
    code = check_mac(key, request, message, &r);
    return code == TSIG_GOOD ? check_time(&r, wall, answer) : code;
}
