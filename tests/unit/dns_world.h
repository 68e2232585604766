/*
 * A small DNS tree on loopback: a resolver, one server for the root and org, three for the zones
 * below. Its content is a table; each server can be told to misbehave in one way.
 */
#ifndef DNS_WORLD_H
#define DNS_WORLD_H

#include "dns_trial.h"

#include "base/name.h"
#include "base/time.h"
#include "dns/zone.h"

#include <stdio.h>

/* In this order on 127.0.0.1 and up. */
enum world_index { RESOLVER, PARENT, NS1, NS2, NS3, WORLD_SERVERS };
#define ON(server) (1u << (server))

enum world_fault {
    FAULT_NONE,
    FAULT_SILENT,
    FAULT_REFUSED,
    FAULT_SERVFAIL,     /* a resolver that validates: not with CD */
    FAULT_SERVFAIL_ALL, /* whatever is asked */
    FAULT_NOT_AUTHORITATIVE,
    FAULT_GARBAGE,
    FAULT_NO_EDNS,  /* FORMERR to it */
    FAULT_UNSIGNED, /* keeps the signatures to itself */
    FAULT_OLD_SIGNATURE,
    FAULT_TWO_SIGNATURES, /* an old one beside a good one */
    FAULT_FOREIGN_SIGNER,
    FAULT_NO_NON_TERMINAL, /* NXDOMAIN where only names below exist */
    FAULT_NO_SOA,          /* denials without it */
    FAULT_UPWARD           /* refers to the root */
};

#define WORLD_NOW INT64_C(1800000000)
#define WORLD_END (WORLD_NOW + 864000)
#define WORLD_TTL 1800
#define WORLD_NEG 300 /* SOA MINIMUM */

struct world_row {
    const char *zone, *name;
    uint16_t type;
    unsigned on;       /* servers that hold it; 0: all of the zone */
    const char *value; /* address, name, "PREFERENCE NAME", or letters: one TLSA record each */
    uint32_t ttl;      /* 0: WORLD_TTL */
    bool wildcard;     /* made from *.example.org */
};

struct world_zone {
    const char *name;
    unsigned on;
    bool is_signed;
};

static const struct world_zone world_zones[] = {
    {".", ON(PARENT), true},
    {"org", ON(PARENT), true},
    {"example.org", ON(NS1) | ON(NS2) | ON(NS3), true},
    {"other.org", ON(NS1), true},
    {"plain.org", ON(NS2), false},
    {"lost.org", ON(NS2), true},
};

static const struct world_row world_rows[] = {
    {".", ".", DNS_TYPE_NS, 0, "ns.nic.org", 0, false},
    {".", "org", DNS_TYPE_NS, 0, "ns.nic.org", 0, false},
    {".", "org", DNS_TYPE_DS, 0, "d", 0, false},
    {"org", "org", DNS_TYPE_NS, 0, "ns.nic.org", 0, false},
    {"org", "ns.nic.org", DNS_TYPE_A, 0, "127.0.0.2", 0, false},
    {"org", "ns1.nic.org", DNS_TYPE_A, 0, "127.0.0.3", 0, false},
    {"org", "ns2.nic.org", DNS_TYPE_A, 0, "127.0.0.4", 0, false},
    {"org", "ns3.nic.org", DNS_TYPE_CNAME, 0, "target3.nic.org", 0, false},
    {"org", "target3.nic.org", DNS_TYPE_A, 0, "127.0.0.5", 0, false},
    /* The parent knows a server that the zone does not name, and the other way round. */
    {"org", "example.org", DNS_TYPE_NS, 0, "NS1.nic.org", 0, false},
    {"org", "example.org", DNS_TYPE_NS, 0, "ns3.nic.org", 0, false},
    {"org", "example.org", DNS_TYPE_DS, 0, "d", 0, false},
    {"org", "other.org", DNS_TYPE_NS, 0, "ns1.nic.org", 0, false},
    {"org", "plain.org", DNS_TYPE_NS, 0, "ns2.nic.org", 0, false},
    {"org", "lost.org", DNS_TYPE_NS, 0, "ns2.nic.org", 0, false},
    {"org", "lost.org", DNS_TYPE_DS, 0, "d", 0, false},
    {"example.org", "example.org", DNS_TYPE_NS, 0, "ns1.nic.org", 0, false},
    {"example.org", "example.org", DNS_TYPE_NS, 0, "ns2.nic.org", 0, false},
    {"example.org", "example.org", DNS_TYPE_MX, 0, "20 backup.example.org", 0, false},
    {"example.org", "example.org", DNS_TYPE_MX, 0, "10 mail.example.org", 0, false},
    {"example.org", "mail.example.org", DNS_TYPE_A, 0, "127.0.0.99", 0, false},
    {"example.org", "self.example.org", DNS_TYPE_MX, 0, "5 other.example.org", 0, false},
    {"example.org", "self.example.org", DNS_TYPE_MX, 0, "5 SELF.example.org", 0, false},
    {"example.org", "null.example.org", DNS_TYPE_MX, 0, "0 .", 0, false},
    {"example.org", "named.example.org", DNS_TYPE_CNAME, 0, "example.org", 0, false},
    {"example.org", "circle.example.org", DNS_TYPE_CNAME, 0, "elcric.example.org", 0, false},
    {"example.org", "elcric.example.org", DNS_TYPE_CNAME, 0, "circle.example.org", 0, false},
    {"example.org", "_25._tcp.mail.example.org", DNS_TYPE_TLSA, 0, "ab", 0, false},
    {"example.org", "_25._tcp.lag.example.org", DNS_TYPE_TLSA, ON(RESOLVER) | ON(NS1), "ab", 600,
     false},
    {"example.org", "_25._tcp.lag.example.org", DNS_TYPE_TLSA, ON(NS2), "a", 7200, false},
    {"example.org", "_25._tcp.wild.example.org", DNS_TYPE_TLSA, 0, "w", 0, true},
    {"example.org", "_25._tcp.alias.example.org", DNS_TYPE_CNAME, 0, "tlsa.Other.org", 900, false},
    {"other.org", "tlsa.other.org", DNS_TYPE_TLSA, 0, "o", 0, false},
    {"example.org", "_25._tcp.chain.example.org", DNS_TYPE_CNAME, 0, "_25._tcp.alias.example.org",
     0, false},
    {"example.org", "_25._tcp.split.example.org", DNS_TYPE_CNAME, ON(RESOLVER) | ON(NS1),
     "tlsa.other.org", 0, false},
    {"example.org", "_25._tcp.split.example.org", DNS_TYPE_TLSA, ON(NS2) | ON(NS3), "s", 0, false},
    {"example.org", "_25._tcp.loop.example.org", DNS_TYPE_CNAME, 0, "_26._tcp.loop.example.org", 0,
     false},
    {"example.org", "_26._tcp.loop.example.org", DNS_TYPE_CNAME, 0, "_25._tcp.loop.example.org", 0,
     false},
    {"example.org", "_25._tcp.same.example.org", DNS_TYPE_TLSA, 0, "aaab", 0, false},
    {"example.org", "_25._tcp.short.example.org", DNS_TYPE_TLSA, 0, "-", 0, false},
    {"other.org", "other.org", DNS_TYPE_NS, 0, "ns1.nic.org", 0, false},
    {"plain.org", "plain.org", DNS_TYPE_NS, 0, "ns2.nic.org", 0, false},
    {"plain.org", "plain.org", DNS_TYPE_NS, 0, "nowhere.nic.org", 0, false},
    {"plain.org", "_25._tcp.plain.org", DNS_TYPE_TLSA, 0, "p", 0, false},
    {"lost.org", "lost.org", DNS_TYPE_NS, 0, "ns2.nic.org", 0, false},
};
#define WORLD_ROWS  (sizeof world_rows / sizeof world_rows[0])
#define WORLD_ZONES (sizeof world_zones / sizeof world_zones[0])

struct world_server {
    enum world_index index;
    enum world_fault fault;
    bool authentic; /* the resolver sets AD */
};

static struct world_server world_servers[WORLD_SERVERS];
static struct fake world_fakes[WORLD_SERVERS];

/* One answer in the making. */
struct world_answer {
    struct fake_call *call;
    const struct world_server *server;
    struct dns_builder b;
    bool dnssec;
    uint8_t bytes[8192];
};

/* The deepest zone of this server (of all, for the resolver) that holds the name; DS lie above. */
static inline const struct world_zone *world_zone_of(const struct world_server *s, const char *name,
                                                     uint16_t type)
{
    const struct world_zone *best = NULL;
    for (size_t i = 0; i < WORLD_ZONES; i++) {
        const struct world_zone *z = &world_zones[i];
        bool below = type == DNS_TYPE_DS && name_equal(z->name, name) && z->name[0] != '.';
        if ((s->index == RESOLVER || (z->on & ON(s->index)) != 0) && name_within(name, z->name) &&
            !below && (best == NULL || strlen(z->name) > strlen(best->name)))
            best = z;
    }
    return best;
}

static inline void world_sign(struct world_answer *a, enum dns_section section, const char *name,
                              const char *zone, uint16_t type, bool wildcard, int64_t end)
{
    uint8_t data[18 + DNS_NAME_WIRE + 1] = {(uint8_t)(type >> 8), (uint8_t)type, 13};
    const char *signer = a->server->fault == FAULT_FOREIGN_SIGNER ? "example.net" : zone;
    int64_t start = end - 1728000;
    data[3] = (uint8_t)(wildcard ? dns_labels(zone) : dns_labels(name));
    for (int i = 0; i < 4; i++) {
        data[4 + i] = (uint8_t)(WORLD_TTL >> (24 - 8 * i));
        data[8 + i] = (uint8_t)((uint32_t)end >> (24 - 8 * i));
        data[12 + i] = (uint8_t)((uint32_t)start >> (24 - 8 * i));
    }
    int length = dns_name_wire(signer, data + 18);
    dns_put_rr(&a->b, section, name, DNS_TYPE_RRSIG, DNS_CLASS_IN, WORLD_TTL, data,
               19 + (size_t)length);
}

static inline void world_signatures(struct world_answer *a, enum dns_section section,
                                    const char *name, const struct world_zone *zone, uint16_t type,
                                    bool wildcard)
{
    enum world_fault fault = a->server->fault;
    if (!a->dnssec || !zone->is_signed || fault == FAULT_UNSIGNED)
        return;
    if (fault == FAULT_OLD_SIGNATURE || fault == FAULT_TWO_SIGNATURES)
        world_sign(a, section, name, zone->name, type, wildcard, WORLD_NOW - 3600);
    if (fault != FAULT_OLD_SIGNATURE)
        world_sign(a, section, name, zone->name, type, wildcard, WORLD_END);
}

static inline void world_put(struct world_answer *a, enum dns_section section,
                             const struct world_row *row)
{
    uint8_t data[DNS_NAME_WIRE + 2] = {0};
    uint32_t ttl = row->ttl == 0 ? WORLD_TTL : row->ttl;
    int length = 0;
    if (row->type == DNS_TYPE_TLSA) {
        for (const char *c = row->value; *c != '\0'; c++) {
            memcpy(data, "\3\1\1", 3);
            memset(data + 3, *c, 32);
            dns_put_rr(&a->b, section, row->name, row->type, DNS_CLASS_IN, ttl, data,
                       *c == '-' ? 3 : 35);
        }
        return;
    }
    if (row->type == DNS_TYPE_A)
        length = (int)address_read(row->value, data);
    else if (row->type == DNS_TYPE_DS)
        length = 36;
    else if (row->type == DNS_TYPE_MX) {
        char *end;
        data[1] = (uint8_t)strtol(row->value, &end, 10);
        length = 2 + dns_name_wire(end + 1, data + 2);
    } else
        length = dns_name_wire(row->value, data);
    dns_put_rr(&a->b, section, row->name, row->type, DNS_CLASS_IN, ttl, data, (size_t)length);
}

static inline void world_soa(struct world_answer *a, enum dns_section section,
                             const struct world_zone *zone)
{
    uint8_t data[2 * DNS_NAME_WIRE + 20] = {0};
    static const uint8_t numbers[20] = {0,
                                        0,
                                        0,
                                        7,
                                        0,
                                        0,
                                        0x0e,
                                        0x10,
                                        0,
                                        0,
                                        2,
                                        0x58,
                                        0,
                                        9,
                                        0x3a,
                                        0x80,
                                        0,
                                        0,
                                        WORLD_NEG >> 8,
                                        WORLD_NEG & 0xff};
    int length = dns_name_wire("ns1.nic.org", data);
    length += dns_name_wire("root.nic.org", data + length);
    memcpy(data + length, numbers, sizeof numbers);
    dns_put_rr(&a->b, section, zone->name, DNS_TYPE_SOA, DNS_CLASS_IN, WORLD_TTL, data,
               (size_t)length + sizeof numbers);
    world_signatures(a, section, zone->name, zone, DNS_TYPE_SOA, false);
}

static inline bool world_holds(const struct world_server *s, const struct world_row *row,
                               const struct world_zone *zone)
{
    return name_equal(row->zone, zone->name) && (row->on == 0 || (row->on & ON(s->index)) != 0);
}

/* Records of a name and type, with their signature; how many. */
static inline size_t world_put_all(struct world_answer *a, enum dns_section section,
                                   const struct world_zone *zone, const char *name, uint16_t type)
{
    size_t found = 0;
    bool wildcard = false;
    for (size_t i = 0; i < WORLD_ROWS; i++) {
        const struct world_row *row = &world_rows[i];
        if (!world_holds(a->server, row, zone) || row->type != type || !name_equal(row->name, name))
            continue;
        world_put(a, section, row);
        wildcard = row->wildcard;
        found++;
    }
    if (found > 0)
        world_signatures(a, section, name, zone, type, wildcard);
    return found;
}

enum world_there { THERE_NOT, THERE_BELOW, THERE };

static inline enum world_there world_exists(const struct world_answer *a,
                                            const struct world_zone *zone, const char *name)
{
    enum world_there there = name_equal(zone->name, name) ? THERE : THERE_NOT;
    for (size_t i = 0; i < WORLD_ROWS; i++) {
        const struct world_row *row = &world_rows[i];
        if (!world_holds(a->server, row, zone))
            continue;
        if (name_equal(row->name, name))
            there = THERE;
        else if (name_within(row->name, name) && there == THERE_NOT)
            there = THERE_BELOW;
    }
    return there;
}

/* A server of the parent refers to the zone below. Whether it did. */
static inline bool world_refer(struct world_answer *a, const struct world_zone *zone,
                               const char *name, uint16_t type)
{
    for (size_t i = 0; i < WORLD_ROWS && a->server->index != RESOLVER; i++) {
        const struct world_row *row = &world_rows[i];
        if (row->type != DNS_TYPE_NS || !name_equal(row->zone, zone->name) ||
            name_equal(row->name, zone->name) || !name_within(name, row->name) ||
            type == DNS_TYPE_DS)
            continue;
        a->b.bytes[2] &= (uint8_t) ~(DNS_FLAG_AA >> 8);
        return world_put_all(a, DNS_AUTHORITY, zone, row->name, DNS_TYPE_NS) > 0;
    }
    return false;
}

static inline void world_deny(struct world_answer *a, const struct world_zone *zone,
                              const char *name)
{
    enum world_there there = world_exists(a, zone, name);
    if (there == THERE_NOT || (there == THERE_BELOW && a->server->fault == FAULT_NO_NON_TERMINAL))
        a->b.bytes[3] |= DNS_NXDOMAIN;
    if (a->server->fault != FAULT_NO_SOA)
        world_soa(a, DNS_AUTHORITY, zone);
}

static inline void world_fill(struct world_answer *a, const char *name, uint16_t type)
{
    char at[DNS_NAME_SIZE];
    (void)snprintf(at, sizeof at, "%s", name);
    for (int aliases = 0; aliases < 20; aliases++) {
        const struct world_zone *zone = world_zone_of(a->server, at, type);
        const struct world_row *alias = NULL;
        if (zone == NULL || world_refer(a, zone, at, type))
            return;
        if (type == DNS_TYPE_SOA && name_equal(at, zone->name)) {
            world_soa(a, DNS_ANSWER, zone);
            return;
        }
        if (world_put_all(a, DNS_ANSWER, zone, at, type) > 0)
            return;
        for (size_t i = 0; i < WORLD_ROWS; i++) {
            if (world_holds(a->server, &world_rows[i], zone) &&
                world_rows[i].type == DNS_TYPE_CNAME && name_equal(world_rows[i].name, at))
                alias = &world_rows[i];
        }
        if (alias == NULL) {
            world_deny(a, zone, at);
            return;
        }
        (void)world_put_all(a, DNS_ANSWER, zone, at, DNS_TYPE_CNAME);
        (void)snprintf(at, sizeof at, "%s", alias->value);
    }
}

static inline bool world_misbehaves(struct world_answer *a)
{
    enum world_fault fault = a->server->fault;
    bool checked = (a->call->message.flags & DNS_FLAG_CD) == 0;
    unsigned rcode = fault == FAULT_REFUSED ? DNS_REFUSED
                     : fault == FAULT_SERVFAIL_ALL || (fault == FAULT_SERVFAIL && checked)
                         ? DNS_SERVFAIL
                     : fault == FAULT_NO_EDNS && a->call->message.edns ? DNS_FORMERR
                                                                       : DNS_NOERROR;
    if (fault == FAULT_SILENT)
        return true;
    fake_begin(&a->b, a->bytes, sizeof a->bytes, a->call,
               rcode | (a->server->index == RESOLVER || fault == FAULT_NOT_AUTHORITATIVE
                            ? DNS_FLAG_RA
                            : DNS_FLAG_AA));
    if (fault == FAULT_GARBAGE)
        a->b.counts[DNS_ANSWER] = 1;
    if (fault == FAULT_UPWARD) {
        a->bytes[2] &= (uint8_t) ~(DNS_FLAG_AA >> 8);
        world_put(a, DNS_AUTHORITY, &world_rows[0]);
    }
    if (rcode == DNS_NOERROR && fault != FAULT_GARBAGE && fault != FAULT_UPWARD)
        return false;
    fake_finish(a->call, &a->b);
    return true;
}

static inline void world_act(struct fake_call *call, void *context)
{
    static _Thread_local struct world_answer a;
    struct dns_rr rr;
    a.call = call;
    a.server = context;
    a.dnssec = false;
    if (!call->opened || world_misbehaves(&a))
        return;
    while (dns_next(&call->message, &rr) > 0) {
        if (rr.type == DNS_TYPE_OPT)
            a.dnssec = (rr.ttl & 0x8000) != 0;
    }
    if (a.server->authentic)
        a.bytes[3] |= DNS_FLAG_AD;
    world_fill(&a, call->name, call->type);
    if (call->message.edns)
        dns_put_edns(&a.b, a.dnssec);
    fake_finish(call, &a.b);
}

static inline void world_start(void)
{
    void *contexts[WORLD_SERVERS];
    for (size_t i = 0; i < WORLD_SERVERS; i++) {
        world_servers[i].index = (enum world_index)i;
        contexts[i] = &world_servers[i];
    }
    fake_start(world_fakes, WORLD_SERVERS, 1, world_act, contexts);
}

static inline void world_stop(void)
{
    fake_stop(world_fakes, WORLD_SERVERS);
    memset(world_servers, 0, sizeof world_servers);
}

#endif
