#include "dane/tlsa.h"

#include "base/hex.h"
#include "base/name.h"

#include <string.h>

#define SHA256_SIZE 32
#define SHA512_SIZE 64

/* Hex digits of a brief form: enough to tell the records of a host apart. */
#define BRIEF_OCTETS 6

static bool is_zero(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

/* Matching type 0: whether it is the DER that the selector names (RFC 6698 section 2.1.4). */
static bool full_data_parses(uint8_t selector, const uint8_t *data, size_t length)
{
    struct cert_part spki;
    int64_t not_before, not_after;
    if (selector == TLSA_SELECTOR_CERT)
        return cert_spki_of_certificate(data, length, &spki, &not_before, &not_after) == 0;
    return cert_spki_of_public_key(data, length, &spki) == 0;
}

void tlsa_set(struct tlsa *record, struct tlsa_combination c, const uint8_t *data, size_t length)
{
    memset(record, 0, sizeof *record);
    record->combination = c;
    record->length = length > UINT16_MAX ? UINT16_MAX : (uint16_t)length;
    record->hashed = length > sizeof record->data;
    record->malformed =
        c.matching == TLSA_MATCHING_FULL && !full_data_parses(c.selector, data, length);
    if (record->hashed)
        cert_sha256(data, length, record->data);
    else if (length > 0)
        memcpy(record->data, data, length);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One decimal 8-bit number with white space behind it; returns what was used, or -1. */
static int parse_number(const char *text, size_t length, uint8_t *number)
{
    size_t at = 0, start;
    unsigned value = 0;
    while (at < length && is_space(text[at]))
        at++;
    for (start = at; at < length && text[at] >= '0' && text[at] <= '9'; at++) {
        value = value * 10 + (unsigned)(text[at] - '0');
        if (value > UINT8_MAX)
            return -1;
    }
    if (at == start || at == length || !is_space(text[at]))
        return -1;
    *number = (uint8_t)value;
    return (int)at;
}

int tlsa_parse(const char *text, size_t length, struct tlsa *record)
{
    uint8_t numbers[3], data[CERT_DER_SIZE];
    for (size_t i = 0; i < sizeof numbers; i++) {
        int used = parse_number(text, length, &numbers[i]);
        if (used < 0)
            return TLSA_MALFORMED;
        text += used;
        length -= (size_t)used;
    }
    int octets = hex_decode(text, length, data, sizeof data);
    if (octets == HEX_TOO_LONG)
        return TLSA_TOO_LONG;
    if (octets <= 0)
        return TLSA_MALFORMED;
    struct tlsa_combination c = {numbers[0], numbers[1], numbers[2]};
    tlsa_set(record, c, data, (size_t)octets);
    return 0;
}

static void put_numbers(struct buf *b, const struct tlsa *record)
{
    buf_printf(b, "%u %u %u ", (unsigned)record->combination.usage,
               (unsigned)record->combination.selector, (unsigned)record->combination.matching);
}

void tlsa_print(struct buf *b, const struct tlsa *record)
{
    put_numbers(b, record);
    if (record->hashed) {
        buf_text(b, "(sha256 ");
        buf_hex(b, record->data, SHA256_SIZE);
        buf_char(b, ')');
        return;
    }
    buf_hex(b, record->data, record->length);
}

void tlsa_brief(struct buf *b, const struct tlsa *record)
{
    bool cut = record->hashed || record->length > BRIEF_OCTETS;
    put_numbers(b, record);
    if (record->hashed)
        buf_text(b, "sha256 ");
    buf_hex(b, record->data, cut ? BRIEF_OCTETS : record->length);
    if (cut)
        buf_text(b, "...");
}

bool tlsa_equal(const struct tlsa *a, const struct tlsa *b)
{
    size_t kept = a->hashed ? SHA256_SIZE : a->length;
    return tlsa_same_combination(a->combination, b->combination) && a->hashed == b->hashed &&
           a->length == b->length && memcmp(a->data, b->data, kept) == 0;
}

bool tlsa_same_combination(struct tlsa_combination a, struct tlsa_combination b)
{
    return a.usage == b.usage && a.selector == b.selector && a.matching == b.matching;
}

bool tlsa_usable(const struct tlsa *record)
{
    const struct tlsa_combination *c = &record->combination;
    if (c->usage > TLSA_USAGE_DANE_EE || c->selector > TLSA_SELECTOR_SPKI)
        return false;
    switch (c->matching) {
    case TLSA_MATCHING_FULL:
        return record->length > 0 && !record->malformed;
    case TLSA_MATCHING_SHA256:
        return record->length == SHA256_SIZE;
    case TLSA_MATCHING_SHA512:
        return record->length == SHA512_SIZE;
    default:
        return false;
    }
}

bool tlsa_of_nothing(const struct tlsa *record)
{
    static const uint8_t nothing[1];
    uint8_t digest[SHA512_SIZE];
    if (record->hashed || (record->length != SHA256_SIZE && record->length != SHA512_SIZE))
        return false;
    if (record->length == SHA256_SIZE)
        cert_sha256(nothing, 0, digest);
    else
        cert_sha512(nothing, 0, digest);
    return memcmp(record->data, digest, record->length) == 0;
}

static bool is_leafs(struct tlsa_combination c)
{
    return c.usage == TLSA_USAGE_PKIX_EE || c.usage == TLSA_USAGE_DANE_EE;
}

int tlsa_make(struct tlsa *record, struct tlsa_combination c, const struct cert_digests *leaf)
{
    bool whole = c.selector == TLSA_SELECTOR_CERT;
    if (!is_leafs(c) || c.selector > TLSA_SELECTOR_SPKI)
        return -1;
    /* A bare key has no certificate to hash. */
    if (whole && is_zero(leaf->certificate256, SHA256_SIZE))
        return -1;
    switch (c.matching) {
    case TLSA_MATCHING_SHA256:
        tlsa_set(record, c, whole ? leaf->certificate256 : leaf->spki256, SHA256_SIZE);
        return 0;
    case TLSA_MATCHING_SHA512:
        tlsa_set(record, c, whole ? leaf->certificate512 : leaf->spki512, SHA512_SIZE);
        return 0;
    default:
        return -1;
    }
}

bool tlsa_matches(const struct tlsa *record, const struct cert_digests *leaf)
{
    struct tlsa own;
    struct tlsa_combination c = record->combination;
    if (!is_leafs(c) || !tlsa_usable(record))
        return false;
    if (c.matching != TLSA_MATCHING_FULL)
        return tlsa_make(&own, c, leaf) == 0 && tlsa_equal(record, &own);

    /* Full data is compared by its SHA-256. */
    uint8_t digest[SHA256_SIZE];
    if (record->hashed)
        memcpy(digest, record->data, sizeof digest);
    else
        cert_sha256(record->data, record->length, digest);
    c.matching = TLSA_MATCHING_SHA256;
    return tlsa_make(&own, c, leaf) == 0 && memcmp(own.data, digest, sizeof digest) == 0;
}

size_t tlsa_wire(const struct tlsa *record, uint8_t out[3 + TLSA_DATA_MOST])
{
    if (record->hashed)
        return 0;
    out[0] = record->combination.usage;
    out[1] = record->combination.selector;
    out[2] = record->combination.matching;
    memcpy(out + 3, record->data, record->length);
    return 3 + (size_t)record->length;
}

int tlsa_owner(char owner[TLSA_OWNER_SIZE], uint16_t port, const char *host)
{
    char canonical[NAME_SIZE];
    struct buf b = buf_over(owner, TLSA_OWNER_SIZE);
    if (name_canonical(host, canonical, sizeof canonical) != 0)
        return -1;
    buf_printf(&b, "_%u._tcp.%s", (unsigned)port, canonical);
    return b.used < NAME_SIZE ? 0 : -1;
}
