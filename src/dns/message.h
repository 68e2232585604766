/*
 * DNS messages: built and parsed by hand (RFC 1035 section 4, with RFC 2136, 3597, 4034, 6891).
 *
 * Parsing: dns_open walks the whole message once, so that one which opens is well formed in all
 * its sections; then dns_next hands out one resource record after the other. Nothing is copied but
 * names, nothing is allocated; the message's octets must outlive what was read from it.
 *
 * Building: into memory that the caller owns, names as they are given and never compressed. What
 * does not fit or is no name is remembered and comes out of dns_finish, so that a chain of calls
 * needs one check at its end.
 *
 * Names are text without the final dot, the root is ".". Every octet has one spelling: printable
 * ASCII stands for itself, but . \ " ( ) ; @ $ inside of a label and all other octets are \DDD in
 * decimal. So a dot in the text always parts two labels, and the functions of base/name.h compare
 * such texts as DNS compares the names.
 */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include "base/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 250 octets in four labels, each as \DDD, three dots, NUL; rounded up. */
#define DNS_NAME_SIZE 1008
/* Octets of a name on the wire, the root's empty label included (RFC 1035 section 2.3.4). */
#define DNS_NAME_WIRE 255
/* What we say we take over UDP: no fragments on any path (DNS flag day 2020). */
#define DNS_UDP_SIZE 1232
/* No message is longer (RFC 1035 section 4.2.2). */
#define DNS_MESSAGE_SIZE 65535
#define DNS_HEADER_SIZE  12

enum {
    DNS_MALFORMED = -1, /* cut, or not what the RFC says */
    DNS_BAD_NAME = -2,  /* a text that is no DNS name */
    DNS_TOO_LONG = -3   /* does not fit into the memory given */
};

enum {
    DNS_TYPE_A = 1,
    DNS_TYPE_NS = 2,
    DNS_TYPE_CNAME = 5,
    DNS_TYPE_SOA = 6,
    DNS_TYPE_MX = 15,
    DNS_TYPE_AAAA = 28,
    DNS_TYPE_DNAME = 39,
    DNS_TYPE_OPT = 41,
    DNS_TYPE_DS = 43,
    DNS_TYPE_RRSIG = 46,
    DNS_TYPE_NSEC = 47,
    DNS_TYPE_NSEC3 = 50,
    DNS_TYPE_TLSA = 52,
    DNS_TYPE_TSIG = 250,
    DNS_TYPE_ANY = 255
};

enum { DNS_CLASS_IN = 1, DNS_CLASS_NONE = 254, DNS_CLASS_ANY = 255 };

/* RFC 1035, 2136, 6891. */
enum {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_YXDOMAIN = 6,
    DNS_YXRRSET = 7,
    DNS_NXRRSET = 8,
    DNS_NOTAUTH = 9,
    DNS_NOTZONE = 10,
    DNS_BADVERS = 16
};

/* The second 16 bits of the header. */
enum {
    DNS_FLAG_QR = 0x8000,
    DNS_OPCODE_UPDATE = 0x2800,
    DNS_OPCODE_MASK = 0x7800,
    DNS_FLAG_AA = 0x0400,
    DNS_FLAG_TC = 0x0200,
    DNS_FLAG_RD = 0x0100,
    DNS_FLAG_RA = 0x0080,
    DNS_FLAG_AD = 0x0020,
    DNS_FLAG_CD = 0x0010
};

/* In the order of the message; UPDATE has other names for the same four (RFC 2136 section 2). */
enum dns_section {
    DNS_QUESTION,
    DNS_ANSWER,
    DNS_AUTHORITY,
    DNS_ADDITIONAL,
    DNS_ZONE = DNS_QUESTION,
    DNS_PREREQUISITE = DNS_ANSWER,
    DNS_UPDATE = DNS_AUTHORITY,
    DNS_SECTIONS = 4
};

/* ---- parsing ----------------------------------------------------------------------------------*/

struct dns_message {
    const uint8_t *bytes; /* not owned */
    size_t length;
    uint16_t id;
    uint16_t flags;                /* as in the header, its rcode too */
    uint16_t counts[DNS_SECTIONS]; /* as in the header */
    uint16_t rcode;                /* with the upper bits of the OPT record, if there is one */
    bool edns;                     /* there is one */
    struct cursor at;              /* the next record */
    uint32_t passed;               /* records handed out since the question */
};

/* One resource record. */
struct dns_rr {
    enum dns_section section;
    char name[DNS_NAME_SIZE]; /* its owner */
    uint16_t type;
    uint16_t klass;
    uint32_t ttl; /* seconds; above 2^31-1 it is 0 (RFC 2181 section 8), but OPT's as it is */
    const uint8_t *rdata; /* inside of the message; names in it may be compressed */
    uint16_t length;      /* octets of rdata */
    size_t start;         /* offset of the record in the message; TSIG's MAC ends there */
};

/*
 * Looks at a whole message and gets ready to read its records. 0, or DNS_MALFORMED: a section that
 * ends too early, a bad name, more than one question, two OPT records. Octets behind the last
 * record are passed over, as resolvers do.
 */
int dns_open(struct dns_message *m, const void *bytes, size_t length);
/* The first question (the zone of an UPDATE): 1, 0 where there is none. */
int dns_question(const struct dns_message *m, char name[DNS_NAME_SIZE], uint16_t *type,
                 uint16_t *klass);
/* The next record, from the first of the answer section on: 1, 0 behind the last. */
int dns_next(struct dns_message *m, struct dns_rr *rr);
/* Back to the first record. */
void dns_rewind(struct dns_message *m);
/* The next record of class IN of this section, owner and type: 1 or 0. */
int dns_next_of(struct dns_message *m, enum dns_section section, const char *name, uint16_t type,
                struct dns_rr *rr);

/*
 * The name at a position inside of the message, and C moves behind it. Pointers are followed only
 * backwards. 0 or DNS_MALFORMED.
 */
int dns_read_name(const struct dns_message *m, struct cursor *c, char name[DNS_NAME_SIZE]);
/* The name that an NS, CNAME or DNAME record's data is, or an MX record's, behind its preference.
 * 0 or DNS_MALFORMED. */
int dns_target(const struct dns_message *m, const struct dns_rr *rr, char name[DNS_NAME_SIZE]);

struct dns_soa {
    char mname[DNS_NAME_SIZE]; /* the primary, if the zone tells the truth */
    uint32_t serial;
    uint32_t refresh, retry, expire, minimum; /* seconds */
};

int dns_soa(const struct dns_message *m, const struct dns_rr *rr, struct dns_soa *soa);

/* RFC 4034 section 3.1. Times are 32-bit serial numbers of seconds since 1970 (section 3.1.5). */
struct dns_rrsig {
    uint16_t covered; /* the type */
    uint8_t algorithm;
    uint8_t labels; /* of the owner before wildcard expansion, "*" and the root not counted */
    uint32_t original_ttl;
    uint32_t expiration, inception;
    uint16_t key_tag;
    char signer[DNS_NAME_SIZE]; /* the zone's apex */
};

int dns_rrsig(const struct dns_message *m, const struct dns_rr *rr, struct dns_rrsig *sig);

/* A 32-bit time as seconds since 1970: of those that it can mean, the one nearest to NOW. */
int64_t dns_time(uint32_t serial, int64_t now);
/* Labels of a name as text, the root's not counted. */
unsigned dns_labels(const char *name);
/* NXDOMAIN and the like; "rcode N" is not among them: NULL for one unknown here. */
const char *dns_rcode_words(unsigned rcode);

/* ---- building ---------------------------------------------------------------------------------*/

struct dns_builder {
    uint8_t *bytes; /* owned by the caller */
    size_t size;
    size_t used;
    int error; /* 0, or the first error */
    uint16_t counts[DNS_SECTIONS];
};

/*
 * Begins a message; FLAGS as in the header, the opcode with them. Records must then be put in the
 * order of the sections.
 */
void dns_begin(struct dns_builder *b, void *bytes, size_t size, uint16_t id, uint16_t flags);
/* One question, or the zone of an UPDATE (its apex, SOA, IN). */
void dns_put_question(struct dns_builder *b, const char *name, uint16_t type, uint16_t klass);
/* One record; RDATA may be NULL where LENGTH is 0. */
void dns_put_rr(struct dns_builder *b, enum dns_section section, const char *name, uint16_t type,
                uint16_t klass, uint32_t ttl, const void *rdata, size_t length);
/* The OPT record (RFC 6891): version 0, DNS_UDP_SIZE, and the DO bit (RFC 3225) if asked. */
void dns_put_edns(struct dns_builder *b, bool dnssec_ok);
/* Writes the counts: the message's length, DNS_BAD_NAME or DNS_TOO_LONG. May be called again after
 * more records. */
int dns_finish(struct dns_builder *b);

/*
 * A name as it stands on the wire, uncompressed, letters as they are. Takes a final dot, "." for
 * the root, and the escapes \DDD and \X (RFC 1035 section 5.1). Its length, or DNS_BAD_NAME.
 */
int dns_name_wire(const char *name, uint8_t wire[DNS_NAME_WIRE]);

#endif
