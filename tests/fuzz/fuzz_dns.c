/*
 * A server's answer of any octets: the message's parser, then everything that reads a TLSA answer.
 * What is read must lie inside of the message; names must read back; what the parser takes must be
 * the same after it was built anew.
 */
#include "base/name.h"
#include "dane/lookup_answer.h"
#include "dns/resolv.h"

#include <stdlib.h>
#include <string.h>

#define OWNER "_25._tcp.mail.example.org"
#define LIMIT 200000

/* Our own assert: NDEBUG must not take it away. */
static void insist(int holds)
{
    if (!holds)
        abort();
}

static void check_name(const char *name)
{
    uint8_t wire[DNS_NAME_WIRE], again[DNS_NAME_WIRE + 1];
    struct dns_message m = {.bytes = again, .length = DNS_NAME_WIRE + 1};
    char text[DNS_NAME_SIZE];
    int length = dns_name_wire(name, wire);
    insist(length > 0 && strlen(name) < DNS_NAME_SIZE);
    memcpy(again, wire, (size_t)length);
    struct cursor c = cursor_over(again, (size_t)length);
    insist(dns_read_name(&m, &c, text) == 0 && cursor_left(&c) == 0);
    insist(strcmp(text, name) == 0);
    insist(dns_labels(name) <= 127);
}

/* All that can be asked of one record. */
static void read_record(const struct dns_message *m, const struct dns_rr *rr)
{
    char name[DNS_NAME_SIZE];
    struct dns_rrsig sig;
    struct dns_soa soa;
    check_name(rr->name);
    insist(rr->rdata >= m->bytes && rr->rdata + rr->length <= m->bytes + m->length);
    insist(rr->start < m->length);
    if (dns_target(m, rr, name) == 0)
        check_name(name);
    if (dns_soa(m, rr, &soa) == 0)
        check_name(soa.mname);
    if (dns_rrsig(m, rr, &sig) == 0)
        check_name(sig.signer);
}

/* The same records, built from what was read. */
static void build_again(struct dns_message *m)
{
    static uint8_t bytes[DNS_MESSAGE_SIZE];
    struct dns_message copy;
    struct dns_builder b;
    struct dns_rr rr, other;
    char name[DNS_NAME_SIZE];
    uint16_t type, klass;
    dns_begin(&b, bytes, sizeof bytes, m->id, m->flags);
    if (dns_question(m, name, &type, &klass) == 1)
        dns_put_question(&b, name, type, klass);
    dns_rewind(m);
    while (dns_next(m, &rr) > 0)
        dns_put_rr(&b, rr.section, rr.name, rr.type, rr.klass, rr.ttl, rr.rdata, rr.length);
    int length = dns_finish(&b);
    if (length == DNS_TOO_LONG)
        return;
    insist(length > 0 && dns_open(&copy, bytes, (size_t)length) == 0);
    insist(memcmp(copy.counts, m->counts, sizeof copy.counts) == 0 && copy.rcode == m->rcode);
    dns_rewind(m);
    while (dns_next(m, &rr) > 0) {
        insist(dns_next(&copy, &other) == 1);
        insist(strcmp(rr.name, other.name) == 0 && rr.type == other.type && rr.ttl == other.ttl);
        insist(rr.length == other.length && memcmp(rr.rdata, other.rdata, rr.length) == 0);
    }
    insist(dns_next(&copy, &other) == 0);
}

/* What a lookup makes of it, as a server's answer and as a resolver's. */
static void look_up(struct dns_answer *answer)
{
    const struct lookup_clock clock = {1800000000, true};
    for (int i = 0; i < 2; i++) {
        struct arena arena = arena_make(LIMIT);
        struct lookup_server s = {0};
        struct lookup_reading reading = {&arena, OWNER, i == 0 ? "example.org" : NULL, &clock};
        int rc = lookup_read(&s, &reading, DNS_ANSWERED, answer);
        insist(rc == 0 || rc == LOOKUP_MEMORY);
        insist(s.count <= LOOKUP_RECORDS_MOST);
        insist(rc != 0 || (s.code == LOOKUP_RRSET) == (s.count > 0));
        insist(rc != 0 || (s.words != NULL) == (s.code >= LOOKUP_SILENT));
        insist(s.code != LOOKUP_ALIAS || rc != 0 || (i == 0 && s.target != NULL));
        insist(s.signature == (s.signature_end != -1) || s.signature_end == -1);
        if (s.target != NULL)
            check_name(s.target[0] == '\0' ? "." : s.target);
        arena_release(&arena);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dns_answer answer = {.size = size, .length = size};
    struct dns_message *m = &answer.message;
    struct dns_rr rr;
    uint32_t records = 0;
    char name[DNS_NAME_SIZE] = OWNER;
    /* Half of all inputs are taken for a name's text, too. */
    if (size > 0 && size < DNS_NAME_SIZE && memchr(data, 0, size) == NULL) {
        uint8_t wire[DNS_NAME_WIRE];
        memcpy(name, data, size);
        name[size] = '\0';
        insist(dns_name_wire(name, wire) <= DNS_NAME_WIRE);
        memcpy(name, OWNER, sizeof OWNER);
    }
    if (size > DNS_MESSAGE_SIZE || dns_open(m, data, size) != 0)
        return 0;
    while (dns_next(m, &rr) > 0) {
        read_record(m, &rr);
        records++;
    }
    insist(records == (uint32_t)m->counts[1] + m->counts[2] + m->counts[3]);
    insist(dns_follow(m, name, NULL) <= DNS_ALIASES_MOST);
    build_again(m);
    look_up(&answer);
    return 0;
}
