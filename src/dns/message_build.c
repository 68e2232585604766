#include "dns/message.h"

#include <string.h>

#define LABEL_MOST 63

/* \DDD or \X at *AT, which moves behind it; -1 for neither. */
static int escaped(const char **at)
{
    const char *s = *at;
    int value = 0;
    if (s[0] < '0' || s[0] > '9') {
        *at += s[0] != '\0';
        return s[0] == '\0' ? -1 : (uint8_t)s[0];
    }
    for (int i = 0; i < 3; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        value = value * 10 + (s[i] - '0');
    }
    *at += 3;
    return value > UINT8_MAX ? -1 : value;
}

int dns_name_wire(const char *name, uint8_t wire[DNS_NAME_WIRE])
{
    size_t start = 0, used = 1; /* START is where the label's length goes */
    if (name[0] == '.' && name[1] == '\0') {
        wire[0] = 0;
        return 1;
    }
    for (const char *at = name;;) {
        char c = *at;
        if (c == '.' || c == '\0') {
            size_t length = used - start - 1;
            if (length == 0 || length > LABEL_MOST || used >= DNS_NAME_WIRE)
                return DNS_BAD_NAME;
            wire[start] = (uint8_t)length;
            start = used++;
            if (c == '\0' || *++at == '\0')
                break;
            continue;
        }
        at++;
        int octet = c == '\\' ? escaped(&at) : (uint8_t)c;
        if (octet < 0 || used >= DNS_NAME_WIRE)
            return DNS_BAD_NAME;
        wire[used++] = (uint8_t)octet;
    }
    wire[start] = 0;
    return (int)used;
}

static uint8_t *take(struct dns_builder *b, size_t length)
{
    if (b->error == 0 && length > b->size - b->used)
        b->error = DNS_TOO_LONG;
    if (b->error != 0)
        return NULL;
    b->used += length;
    return b->bytes + (b->used - length);
}

static void put(struct dns_builder *b, const void *bytes, size_t length)
{
    uint8_t *to = take(b, length);
    if (to != NULL && length > 0)
        memcpy(to, bytes, length);
}

static void put_u16(struct dns_builder *b, unsigned number)
{
    uint8_t octets[2] = {(uint8_t)(number >> 8), (uint8_t)number};
    put(b, octets, sizeof octets);
}

static void put_name(struct dns_builder *b, const char *name)
{
    uint8_t wire[DNS_NAME_WIRE];
    int length = dns_name_wire(name, wire);
    if (length < 0 && b->error == 0)
        b->error = DNS_BAD_NAME;
    if (length > 0)
        put(b, wire, (size_t)length);
}

void dns_begin(struct dns_builder *b, void *bytes, size_t size, uint16_t id, uint16_t flags)
{
    static const uint8_t counts[2 * DNS_SECTIONS];
    memset(b, 0, sizeof *b);
    b->bytes = bytes;
    b->size = size < DNS_MESSAGE_SIZE ? size : DNS_MESSAGE_SIZE;
    put_u16(b, id);
    put_u16(b, flags);
    put(b, counts, sizeof counts);
}

void dns_put_question(struct dns_builder *b, const char *name, uint16_t type, uint16_t klass)
{
    put_name(b, name);
    put_u16(b, type);
    put_u16(b, klass);
    b->counts[DNS_QUESTION]++;
}

void dns_put_rr(struct dns_builder *b, enum dns_section section, const char *name, uint16_t type,
                uint16_t klass, uint32_t ttl, const void *rdata, size_t length)
{
    if (length > UINT16_MAX && b->error == 0)
        b->error = DNS_TOO_LONG;
    put_name(b, name);
    put_u16(b, type);
    put_u16(b, klass);
    put_u16(b, ttl >> 16);
    put_u16(b, ttl & 0xffff);
    put_u16(b, (unsigned)length);
    put(b, rdata, length);
    b->counts[section]++;
}

void dns_put_edns(struct dns_builder *b, bool dnssec_ok)
{
    /* The class is the size we take, the TTL holds version and flags (RFC 6891 section 6.1.3). */
    dns_put_rr(b, DNS_ADDITIONAL, ".", DNS_TYPE_OPT, DNS_UDP_SIZE, dnssec_ok ? 0x8000 : 0, NULL, 0);
}

int dns_finish(struct dns_builder *b)
{
    if (b->error != 0)
        return b->error;
    for (size_t i = 0; i < DNS_SECTIONS; i++) {
        b->bytes[4 + 2 * i] = (uint8_t)(b->counts[i] >> 8);
        b->bytes[5 + 2 * i] = (uint8_t)b->counts[i];
    }
    return (int)b->used;
}
