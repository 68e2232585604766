/*
 * The machine's recursive resolvers, or those that the user named: the first that gives a useful
 * answer is taken, and asked first from then on. libc's own resolver shows no TTL, no TLSA record
 * and no DNSSEC.
 */
#ifndef DNS_RESOLV_H
#define DNS_RESOLV_H

#include "dns/query.h"

#include <stddef.h>
#include <stdint.h>

/* libc uses three; who names more by `resolver` means them all. */
#define DNS_RESOLVERS_MOST 8
#define DNS_RESOLV_CONF    "/etc/resolv.conf"

struct dns_resolvers {
    struct dns_server list[DNS_RESOLVERS_MOST];
    size_t count;
    size_t first; /* who gave the last useful answer */
};

/*
 * Those of a resolv.conf(5): its first three `nameserver` lines. Where the file or such a line is
 * missing, 127.0.0.1, as libc does it.
 */
void dns_resolvers_file(struct dns_resolvers *r, const char *path);
/*
 * Those of COUNT words as dns_server_read takes them: ADDRESS or ADDRESS@PORT. 0, or the number
 * (from 1) of the first word that is none, or that is one too many.
 */
size_t dns_resolvers_given(struct dns_resolvers *r, const char *const *words, size_t count);
/*
 * Asks them in turn until one answers NOERROR or NXDOMAIN. DNS_ASK_RD is set for all questions.
 * Where none does, but one answered at all, it is DNS_ANSWERED with that rcode and no records;
 * else the outcome of the last. An answer whose CNAMEs lead in a circle is useful, too.
 */
enum dns_outcome dns_resolve(struct dns_resolvers *r, const struct dns_ask *ask, int64_t deadline,
                             struct dns_answer *answer);
/* "the resolver ADDRESS: no answer", "... answers SERVFAIL": what dns_resolve met. */
void dns_resolve_words(struct buf *b, const struct dns_resolvers *r, enum dns_outcome outcome,
                       const struct dns_answer *answer);

/* CNAMEs in a row; BIND follows 11, Unbound 11. */
#define DNS_ALIASES_MOST 11

/*
 * Follows the CNAMEs of an answer from NAME on, which becomes the last one's target. TTL, if not
 * NULL, gets the least of theirs (UINT32_MAX where there is none). Their number, or DNS_MALFORMED:
 * a circle, too many, a bad name. The message is rewound.
 */
int dns_follow(struct dns_message *m, char name[DNS_NAME_SIZE], uint32_t *ttl);

#endif
