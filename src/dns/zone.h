/*
 * Where a name lives: its zone, the zone's name servers and their addresses, and whether DNSSEC
 * leads to it. All of it is learnt from the resolvers and, for the delegation, from the parent
 * zone's own servers; no root server and no key is built in.
 *
 * The resolvers are asked with checking disabled (CD), so that a bogus zone is found like others.
 */
#ifndef DNS_ZONE_H
#define DNS_ZONE_H

#include "base/arena.h"
#include "dns/resolv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_WORDS_SIZE 320

/* A name server's name with one of its addresses. */
struct dns_nameserver {
    const char *name;
    struct dns_server server; /* length 0: it has no address, or none could be learnt: see words */
    const char *words;        /* why, or NULL */
};

enum dns_chain {
    DNS_CHAIN_WHOLE,  /* DS records lead from the root to the zone */
    DNS_CHAIN_BROKEN, /* the zone, or one above it, has none: insecure */
    DNS_CHAIN_UNKNOWN /* could not be learnt */
};

struct dns_zone {
    struct dns_zone *next;
    const char *apex;               /* canonical */
    struct dns_nameserver *servers; /* each address of each name once; in no order */
    size_t count;
    bool delegation; /* the parent's own list of name servers was seen, too */
    enum dns_chain chain;
    uint32_t refresh, retry; /* of its SOA, seconds */
};

/* A name that was asked about, and its zone. */
struct dns_zone_name {
    struct dns_zone_name *next;
    const char *name;
    const struct dns_zone *zone;
};

/* Who finds zones, and what was found. */
struct dns_finder {
    struct dns_resolvers *resolvers;
    struct arena *arena; /* holds all that is handed out */
    uint16_t port;       /* of authoritative servers: DNS_PORT, but in tests */
    struct dns_answer answer;
    struct dns_zone *zones; /* those found */
    struct dns_zone_name *names;
    char words[DNS_WORDS_SIZE];
};

enum {
    DNS_ZONE_FAILED = -1, /* the finder's words say why */
    DNS_ZONE_MEMORY = -2
};

/* 0 or DNS_ZONE_MEMORY: the finder takes DNS_MESSAGE_SIZE octets of the arena for answers. */
int dns_finder_init(struct dns_finder *f, struct dns_resolvers *resolvers, struct arena *arena);
/*
 * The zone that NAME is in; neither the zone nor the name is asked about again, however old it is:
 * a finder lives as long as one look. NAME may be an alias: it is not followed. 0 or an error.
 */
int dns_zone_find(struct dns_finder *f, const char *name, int64_t deadline,
                  const struct dns_zone **zone);

/* ---- mail -------------------------------------------------------------------------------------*/

struct dns_mx {
    const char *host; /* "." where the domain takes no mail (RFC 7505) */
    uint16_t preference;
};

struct dns_mx_set {
    struct dns_mx *list; /* by preference */
    size_t count;        /* 0: no MX records; the name itself is the host (RFC 5321 section 5.1) */
    bool exists;         /* not NXDOMAIN */
    bool authentic;      /* the resolver set AD */
    const char *target;  /* of a domain that is an alias, its end; else NULL */
};

/* MX hosts of a domain, its aliases followed. 0 or an error; SERVFAIL is one. */
int dns_mx_find(struct dns_finder *f, const char *domain, int64_t deadline,
                struct dns_mx_set *found);

#endif
