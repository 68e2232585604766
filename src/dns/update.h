/*
 * Dynamic updates (RFC 2136) of the TLSA RRset at an owner name, signed (dns/tsig.h), and the look
 * at the same server that comes before and after.
 *
 * An update says what the RRset must be for it to be carried out, record by record: what somebody
 * else changed since the look makes it fail as a whole (DNS_NXRRSET, DNS_YXRRSET), and nothing is
 * lost. All questions are signed and go over TCP; answers count only with a signature that
 * verifies. An update whose answer is lost is never sent again: whether it was carried out is
 * looked at.
 *
 * Order: update_open; update_look to list; update_enter before update_add or update_remove, with
 * the RRset in `answer` in between; update_close.
 */
#ifndef DNS_UPDATE_H
#define DNS_UPDATE_H

#include "dns/resolv.h"
#include "dns/tsig.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Addresses of one server tried in turn. */
#define UPDATE_ADDRESSES_MOST 4
/* 64 records of 77 octets with their owner names take half of it. */
#define UPDATE_MESSAGE_SIZE 16384
/* Aliases followed in a row: resolvers give up at some ten, too. */
#define UPDATE_ALIASES_MOST 8
#define UPDATE_WHY_SIZE     160

/*
 * Every function returns 0, or what the server said: an rcode, or the error of its TSIG record
 * (TSIG_BADSIG, ...); or one of these. `why` then says more.
 */
enum {
    UPDATE_NOT_REACHED = 256, /* a question without an answer, or an update that never left */
    UPDATE_NO_PRIMARY,        /* the zone's primary could not be found out */
    UPDATE_CLOCK,             /* our clock is not set: no signature would be accepted */
    UPDATE_LOST,              /* the update was sent, and no answer came: look */
    UPDATE_UNVOUCHED,         /* the answer is not signed as it should be; to an update: look */
    UPDATE_DENIED,            /* a refusal that is not signed */
    UPDATE_STRANGE,           /* the answer to a question is malformed or too long */
    UPDATE_ELSEWHERE,         /* the server does not hold `owner` */
    UPDATE_ALIASES,           /* too many aliases in a row */
    UPDATE_TOO_LONG           /* the RRset is too large for one message */
};

struct update {
    struct tsig_key key;    /* wiped by update_close */
    bool udp;               /* updates travel over UDP where they fit */
    bool fixed;             /* the server is configured */
    char server[NAME_SIZE]; /* name or address; "" until it is found by the first look */
    uint16_t port;
    struct dns_resolvers *resolvers; /* who is asked for the primary; not owned */
    size_t servers_count, server_at; /* its addresses, and the one that answers */
    struct dns_server servers[UPDATE_ADDRESSES_MOST];
    unsigned sent;             /* messages so far */
    int64_t time;              /* at which the last answer that counted was signed, -1: none; */
    int64_t time_ticks;        /* and time_ticks() then */
    char owner[DNS_NAME_SIZE]; /* where the last look's aliases led */
    char apex[DNS_NAME_SIZE];  /* of the zone of `owner`; set by update_enter */
    char why[UPDATE_WHY_SIZE]; /* more about the last failure, or "" */
    struct dns_answer answer;  /* the RRset last looked at: dns_next_of(&answer.message, ...) */
    uint8_t request[UPDATE_MESSAGE_SIZE];
    uint8_t bytes[UPDATE_MESSAGE_SIZE];
};

/*
 * Takes the server "NAME", "ADDRESS" or either with "@PORT"; NULL: the zone's primary, as its SOA
 * record names it, port 53. Nothing is sent. The caller fills `key`. 0 or -1: malformed. U stays
 * where it is.
 */
int update_open(struct update *u, const char *server, bool udp, struct dns_resolvers *resolvers);
/* The TLSA RRset at OWNER or where its aliases lead, as the server has it. */
int update_look(struct update *u, const char *owner);
/* The same, and the zone's apex, for a change. */
int update_enter(struct update *u, const char *owner);
/*
 * Adds a record to the RRset just entered; the RRset must still be exactly so. With WHOLE there
 * must be no RRset at the very name, and all records of the one just seen are written with it: for
 * an RRset that comes from a wildcard (RFC 4592), which the new one hides.
 */
int update_add(struct update *u, uint32_t ttl, const uint8_t *rdata, size_t length, bool whole);
/* Removes one; RDATA may lie in the answer. */
int update_remove(struct update *u, const uint8_t *rdata, size_t length);
/* Wipes the key. */
void update_close(struct update *u);

#endif
