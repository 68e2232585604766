/*
 * What DNS shows of a TLSA RRset: at each address of each authoritative server of its zone, or as
 * the resolvers have it; and what can be seen of the zone's DNSSEC without validating.
 *
 * Facts for the waiting rule: each server's RRset, its TTL and the Original TTL of its signature,
 * who is silent, who lags. Nothing is judged here but DNSSEC: what fits a key is the engine's
 * business.
 */
#ifndef DANE_LOOKUP_H
#define DANE_LOOKUP_H

#include "dane/tlsa.h"
#include "dns/zone.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Records of one RRset; senders already have trouble with a dozen. */
#define LOOKUP_RECORDS_MOST 128

/* In order: what is worse comes later, and the worst of a row of aliases counts. */
enum lookup_zone {
    LOOKUP_ZONE_SIGNED,   /* DS records lead to it, and all who answer show signatures */
    LOOKUP_ZONE_NO_DS,    /* signed, but a DS record is missing: not in force */
    LOOKUP_ZONE_UNSIGNED, /* neither */
    LOOKUP_ZONE_UNKNOWN,  /* could not be learnt */
    LOOKUP_ZONE_BOGUS     /* under a DS a server shows no signature, or one that is over; or the
                             resolver refuses what it shows with checking disabled */
};

enum lookup_code {
    LOOKUP_RRSET,
    LOOKUP_DENIAL,   /* no such name, or no TLSA record there */
    LOOKUP_ALIAS,    /* a CNAME, and not all servers have the same: see target */
    LOOKUP_SILENT,   /* no answer, or no address to ask */
    LOOKUP_LAME,     /* REFUSED, SERVFAIL, NOTIMP, not authoritative... */
    LOOKUP_MALFORMED /* an answer that cannot be right */
};

/* What one address of a name server shows; a resolver's in lookup_by_resolvers. */
struct lookup_server {
    const char *name;    /* ns1.example.org; a resolver's address */
    const char *address; /* 192.0.2.1; "" where the name has none */
    enum lookup_code code;
    bool no_route;  /* silent, because this machine cannot send there: no IPv6, as a rule */
    bool nxdomain;  /* a denial of the name, not of the type only */
    bool wildcard;  /* the RRset is a wildcard's: the signature says so */
    bool signature; /* there is one for what it shows */
    bool over;      /* ...but none that is valid now, by a clock that is proven */
    bool authentic; /* AD: only a resolver's */
    struct tlsa *records;
    size_t count;
    uint32_t ttl;           /* the largest of the RRset's, or the CNAME's */
    uint32_t original_ttl;  /* the largest of its signatures'; 0 without one */
    uint32_t negative_ttl;  /* of a denial: min(SOA TTL, MINIMUM) (RFC 2308 section 5) */
    uint32_t negative_most; /* SOA MINIMUM: aggressive caches of old signers go up to that */
    uint32_t serial;        /* of the SOA in a denial; else 0 */
    /* Of the signature that is valid longest, seconds since 1970; -1 without one. */
    int64_t signature_end, signature_start;
    const char *target; /* of a CNAME, canonical; else NULL */
    const char *words;  /* why it is silent, lame or malformed; else NULL */
};

struct lookup {
    const char *owner;  /* behind all aliases, canonical */
    bool alias;         /* it is another than the one asked for */
    uint32_t alias_ttl; /* the largest TTL, or Original TTL, of the CNAMEs on the way */
    const char *apex;   /* of the owner's zone; NULL if it was not found */
    enum lookup_zone zone;
    bool delegation;         /* the parent's list of name servers was seen, too */
    bool authentic;          /* a resolver sets AD: believe it as far as you trust the way to it */
    uint32_t refresh, retry; /* of the apex's SOA, seconds */
    int64_t signature_end;   /* the earliest of the servers', aliases included; -1 without any */
    const char *words;       /* why bogus, or why it failed; else NULL */
    /*
     * All that were asked, in the arena. Of an alias' own zone only those that did not confirm the
     * alias: silent, lame or malformed.
     */
    struct lookup_server *servers;
    size_t count;
};

enum {
    LOOKUP_FAILED = -1, /* the zone or its servers could not be found; the lookup's words say why */
    LOOKUP_MEMORY = -2
};

/* When an answer is looked at. */
struct lookup_clock {
    int64_t wall; /* seconds since 1970 */
    bool proven;  /* else no signature is called over */
};

/*
 * Asks every address of every authoritative server of OWNER's zone for its TLSA RRset, side by
 * side, within DEADLINE (time_ticks); a CNAME that all of them agree on is followed to its target's
 * zone. OWNER may also be an empty non-terminal. What the lookup points to lies in the finder's
 * arena. 0, also where not one server answers, or an error.
 */
int lookup_by_servers(struct dns_finder *f, const char *owner, const struct lookup_clock *clock,
                      int64_t deadline, struct lookup *found);
/*
 * Asks the configured resolvers instead, each of them: its entry says what it has, maybe from its
 * cache, with TTLs counted down. Aliases are followed by the resolver; where they differ, the owner
 * is that of the last to answer. `zone` is LOOKUP_ZONE_SIGNED if one sets AD, LOOKUP_ZONE_BOGUS by
 * the SERVFAIL rule, else unknown; nothing is asked of the world's servers.
 */
int lookup_by_resolvers(struct dns_finder *f, const char *owner, const struct lookup_clock *clock,
                        int64_t deadline, struct lookup *found);
/*
 * Whether each server that answers at all admits _tcp.HOST, below which there are TLSA records: one
 * that says NXDOMAIN there makes resolvers deny all below it (RFC 8020, RFC 9156). 1 if so, 0 with
 * the server in *WRONG, or an error of the lookup, for which FOUND is the memory.
 */
int lookup_non_terminal(struct dns_finder *f, const char *host, const struct lookup_clock *clock,
                        int64_t deadline, struct lookup *found, const struct lookup_server **wrong);
/*
 * For the mistake of naming a mail domain where its MX host is meant: 0 if HOST has MX records and
 * all of FOUND name other hosts; 1 if one names HOST, or there is none, or only the one that says
 * that there is no mail (RFC 7505); or an error of dns_mx_find. FOUND's target holds in any case.
 */
int lookup_mx(struct dns_finder *f, const char *host, int64_t deadline, struct dns_mx_set *found);

#endif
