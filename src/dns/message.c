#include "dns/message.h"

#include "base/buf.h"
#include "base/name.h"

#include <string.h>

/* A name has at most 127 labels; whoever needs more pointers than labels wants to waste time. */
#define POINTERS_MOST 128
#define LABEL_MOST    63
#define POINTER       0xc0u

/* What stands for itself inside of a label; a dot never does. */
static bool is_plain(uint8_t octet)
{
    return octet > 0x20 && octet < 0x7f && strchr(".\\\"();@$", octet) == NULL;
}

static void print_label(struct buf *b, const uint8_t *label, size_t length)
{
    if (b->used > 0)
        buf_char(b, '.');
    for (size_t i = 0; i < length; i++) {
        if (is_plain(label[i]))
            buf_char(b, (char)label[i]);
        else
            buf_printf(b, "\\%c%c%c", '0' + label[i] / 100, '0' + label[i] / 10 % 10,
                       '0' + label[i] % 10);
    }
}

int dns_read_name(const struct dns_message *m, struct cursor *c, char name[DNS_NAME_SIZE])
{
    struct buf b = buf_over(name, DNS_NAME_SIZE);
    struct cursor at = *c;
    const uint8_t *start = at.at;
    size_t octets = 1;
    unsigned pointers = 0;
    for (uint8_t n = cursor_u8(&at); n != 0; n = cursor_u8(&at)) {
        if (n >= POINTER) {
            size_t target = (size_t)(n & ~POINTER) << 8 | cursor_u8(&at);
            /* Each pointer leads further back than the one before: no loop is possible. */
            if (at.failed || ++pointers > POINTERS_MOST || target >= (size_t)(start - m->bytes))
                return DNS_MALFORMED;
            if (pointers == 1)
                *c = at;
            start = m->bytes + target;
            at = cursor_over(start, m->length - target);
            continue;
        }
        const uint8_t *label = cursor_take(&at, n);
        octets += (size_t)n + 1;
        if (label == NULL || n > LABEL_MOST || octets > DNS_NAME_WIRE)
            return DNS_MALFORMED;
        print_label(&b, label, n);
    }
    if (at.failed)
        return DNS_MALFORMED;
    if (pointers == 0)
        *c = at;
    if (b.used == 0)
        buf_char(&b, '.');
    return buf_full(&b) ? DNS_MALFORMED : 0;
}

/* Record number PASSED of the whole message, question left out. */
static enum dns_section section_of(const struct dns_message *m)
{
    if (m->passed < m->counts[DNS_ANSWER])
        return DNS_ANSWER;
    if (m->passed - m->counts[DNS_ANSWER] < m->counts[DNS_AUTHORITY])
        return DNS_AUTHORITY;
    return DNS_ADDITIONAL;
}

static uint32_t records(const struct dns_message *m)
{
    return (uint32_t)m->counts[DNS_ANSWER] + m->counts[DNS_AUTHORITY] + m->counts[DNS_ADDITIONAL];
}

int dns_next(struct dns_message *m, struct dns_rr *rr)
{
    if (m->passed >= records(m))
        return 0;
    rr->section = section_of(m);
    rr->start = (size_t)(m->at.at - m->bytes);
    if (dns_read_name(m, &m->at, rr->name) != 0)
        return DNS_MALFORMED;
    rr->type = cursor_u16(&m->at);
    rr->klass = cursor_u16(&m->at);
    rr->ttl = cursor_u32(&m->at);
    rr->length = cursor_u16(&m->at);
    rr->rdata = cursor_take(&m->at, rr->length);
    if (rr->rdata == NULL)
        return DNS_MALFORMED;
    if (rr->type != DNS_TYPE_OPT && rr->ttl > INT32_MAX)
        rr->ttl = 0;
    m->passed++;
    return 1;
}

int dns_next_of(struct dns_message *m, enum dns_section section, const char *name, uint16_t type,
                struct dns_rr *rr)
{
    while (dns_next(m, rr) > 0) {
        if (rr->section == section && rr->type == type && rr->klass == DNS_CLASS_IN &&
            name_equal(rr->name, name))
            return 1;
    }
    return 0;
}

static struct cursor behind_header(const struct dns_message *m)
{
    return cursor_over(m->bytes + DNS_HEADER_SIZE, m->length - DNS_HEADER_SIZE);
}

int dns_question(const struct dns_message *m, char name[DNS_NAME_SIZE], uint16_t *type,
                 uint16_t *klass)
{
    struct cursor c = behind_header(m);
    if (m->counts[DNS_QUESTION] == 0)
        return 0;
    if (dns_read_name(m, &c, name) != 0)
        return DNS_MALFORMED;
    *type = cursor_u16(&c);
    *klass = cursor_u16(&c);
    return c.failed ? DNS_MALFORMED : 1;
}

void dns_rewind(struct dns_message *m)
{
    char name[DNS_NAME_SIZE];
    m->passed = 0;
    m->at = behind_header(m);
    if (m->counts[DNS_QUESTION] > 0) {
        (void)dns_read_name(m, &m->at, name);
        (void)cursor_u32(&m->at);
    }
}

static int read_header(struct dns_message *m)
{
    struct cursor c = cursor_over(m->bytes, m->length);
    m->id = cursor_u16(&c);
    m->flags = cursor_u16(&c);
    for (size_t i = 0; i < DNS_SECTIONS; i++)
        m->counts[i] = cursor_u16(&c);
    m->rcode = m->flags & 0xf;
    m->edns = false;
    return c.failed || m->counts[DNS_QUESTION] > 1 ? DNS_MALFORMED : 0;
}

int dns_open(struct dns_message *m, const void *bytes, size_t length)
{
    struct dns_rr rr;
    uint16_t type, klass;
    int rc;
    memset(m, 0, sizeof *m);
    m->bytes = bytes;
    m->length = length;
    if (read_header(m) != 0 || dns_question(m, rr.name, &type, &klass) < 0)
        return DNS_MALFORMED;
    dns_rewind(m);
    while ((rc = dns_next(m, &rr)) > 0) {
        if (rr.type != DNS_TYPE_OPT)
            continue;
        if (m->edns || rr.section != DNS_ADDITIONAL)
            return DNS_MALFORMED;
        m->edns = true;
        m->rcode |= (uint16_t)(rr.ttl >> 24 << 4);
    }
    dns_rewind(m);
    return rc;
}
