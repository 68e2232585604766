/*
 * Transaction signatures (RFC 8945): a message signed with a key that we share with a server, and
 * the server's signed answer.
 *
 * hmac-sha256, hmac-sha384 and hmac-sha512, in full length. Names travel in lower case: PowerDNS
 * knows no other.
 */
#ifndef DNS_TSIG_H
#define DNS_TSIG_H

#include "base/name.h"
#include "dns/message.h"
#include "net/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of the longest secret taken; beyond its hash's block (64 or 128) HMAC gains nothing. */
#define TSIG_SECRET_MOST 256
/* Octets of the longest MAC: hmac-sha512's. */
#define TSIG_MAC_MOST 64
/* Seconds by which two clocks may differ (RFC 8945 section 10). */
#define TSIG_FUDGE 300
/* What a TSIG record adds to a message at most: the key's name, the algorithm's, the MAC. */
#define TSIG_ROOM (DNS_NAME_WIRE + 128)

struct tsig_algorithm; /* a row of tsig.c's table */

/* Wipe it (base/wipe.h) when it is no longer needed. */
struct tsig_key {
    char name[NAME_SIZE]; /* canonical */
    const struct tsig_algorithm *algorithm;
    size_t length;
    uint8_t secret[TSIG_SECRET_MOST];
};

/* The row of "hmac-sha256" in any case, with or without a final dot; NULL for others. */
const struct tsig_algorithm *tsig_algorithm_named(const char *name, size_t length);
/* "hmac-sha256" */
const char *tsig_algorithm_name(const struct tsig_algorithm *algorithm);

/*
 * Reads a key from a file as tsig-keygen writes it, named.conf's syntax:
 *
 *     key "name" { algorithm hmac-sha256; secret "base64"; };
 *
 * The file must be readable by its owner alone and hold this one statement, comments beside it.
 * 0, or -1 with WHY: what is wrong with the file and in which line, never what stands there.
 */
int tsig_key_read(struct tsig_key *key, const char *path, struct net_words *why);
/* The same from the text of such a file. */
int tsig_key_parse(struct tsig_key *key, const char *text, size_t length, struct net_words *why);

/* What the answer's signature is computed with, besides the answer itself. */
struct tsig_request {
    size_t length;
    uint8_t mac[TSIG_MAC_MOST];
};

/*
 * Signs a message that is being built, as the last thing done to it: appends the TSIG record to its
 * additional section. WALL is the time signed, seconds since 1970. The message's length, or
 * DNS_BAD_NAME or DNS_TOO_LONG.
 */
int tsig_sign(const struct tsig_key *key, struct dns_builder *message, int64_t wall,
              struct tsig_request *request);

/* Errors that a server names in its TSIG record (RFC 8945 section 3). */
enum { TSIG_BADSIG = 16, TSIG_BADKEY = 17, TSIG_BADTIME = 18, TSIG_BADTRUNC = 22 };

enum tsig_code {
    TSIG_GOOD,      /* signed by the key; `error` may still be TSIG_BADTIME */
    TSIG_ABSENT,    /* no TSIG record: nobody vouches for this answer */
    TSIG_DENIED,    /* the server says that it cannot accept our signature; unsigned: see `error` */
    TSIG_OTHER_KEY, /* signed with another key or algorithm */
    TSIG_SHORT,     /* the MAC is cut */
    TSIG_FORGED,    /* the MAC is wrong */
    TSIG_STALE,     /* signed with the key, but at another time than now */
    TSIG_MALFORMED  /* no DNS message, or a TSIG record where none may be */
};

struct tsig_answer {
    uint16_t error; /* the TSIG record's, 0: none */
    int64_t time;   /* signed at; with TSIG_BADTIME the server's own time; -1: not said */
};

/*
 * Verifies the answer of LENGTH octets to a request that tsig_sign signed. WALL is our time. What
 * the answer says counts only after TSIG_GOOD. MESSAGE is not changed.
 */
enum tsig_code tsig_verify(const struct tsig_key *key, const struct tsig_request *request,
                           const uint8_t *message, size_t length, int64_t wall,
                           struct tsig_answer *answer);

#endif
