/*
 * One question to a name server, or one to many of them (RFC 1035 section 4.2, RFC 7766, 6891).
 *
 * Over UDP each question has a random id and a socket of its own, so a random port (RFC 5452),
 * connected, so that only this address is heard. An answer counts if id, opcode and question are
 * ours; anything else is passed over until the deadline. Unanswered, it is sent again after 1, 2,
 * 4... seconds. Over TCP: where the answer was cut (TC), or on demand. A server that refuses the
 * OPT record (FORMERR or NOTIMP without one) is asked again without, and then shows no signatures.
 */
#ifndef DNS_QUERY_H
#define DNS_QUERY_H

#include "base/buf.h"
#include "dns/message.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DNS_PORT 53

struct dns_server {
    uint8_t octets[ADDRESS_V6];
    uint8_t length; /* ADDRESS_V4 or ADDRESS_V6 */
    uint16_t port;  /* host order */
    uint32_t scope; /* the interface of a link-local address; else 0 */
};

/* ADDRESS or ADDRESS@PORT; IPv6 without brackets, link-local with %INTERFACE before the "@".
 * 0 or -1. */
int dns_server_read(const char *text, struct dns_server *server);
/* The same back; @PORT only where it is not 53; nothing where the length is 0. */
void dns_server_print(struct buf *b, const struct dns_server *server);
/* An address and '%', interface number, '@' and port, and NUL. */
#define DNS_SERVER_TEXT_SIZE 64

enum {
    DNS_ASK_RD = 1,   /* recursion desired: for resolvers only */
    DNS_ASK_DO = 2,   /* signatures, please (RFC 3225) */
    DNS_ASK_CD = 4,   /* unchecked, please (RFC 4035 section 3.2.2) */
    DNS_ASK_TCP = 8,  /* not over UDP */
    DNS_ASK_ONCE = 16 /* sent once and never again: for updates over UDP */
};

struct dns_ask {
    const char *name;
    uint16_t type;
    unsigned flags; /* DNS_ASK_... */
};

enum dns_outcome {
    DNS_ANSWERED,    /* with any rcode */
    DNS_TIMEOUT,     /* nothing that counts before the deadline */
    DNS_UNREACHABLE, /* refused, no route, connection lost: `error` is the errno */
    DNS_UNREADABLE   /* an answer to our question that is malformed or longer than the memory */
};

struct dns_answer {
    uint8_t *bytes; /* lent by the caller */
    size_t size;    /* at least DNS_UDP_SIZE; DNS_MESSAGE_SIZE for any answer */
    /* Set by the functions below. */
    size_t length;
    struct dns_message message; /* opened, where it was answered */
    bool tcp;                   /* came over TCP */
    int error;                  /* errno where unreachable; else 0 */
};

/*
 * Asks one server, all within DEADLINE (time_ticks). The answer to an unfit name is
 * DNS_UNREACHABLE with EINVAL.
 */
enum dns_outcome dns_ask(const struct dns_server *server, const struct dns_ask *ask,
                         int64_t deadline, struct dns_answer *answer);
/*
 * Sends a ready message of at least a header, an UPDATE for instance, and takes its answer. FLAGS:
 * DNS_ASK_TCP and DNS_ASK_ONCE only. An answer without a question counts too if the message is an
 * UPDATE, or the answer an error. Without DNS_ASK_TCP a cut answer (TC) comes back as it is, with
 * the bit set: whether the message may be sent again over TCP is the caller's business.
 */
enum dns_outcome dns_send(const struct dns_server *server, const uint8_t *message, size_t length,
                          unsigned flags, int64_t deadline, struct dns_answer *answer);

/* Servers asked side by side: a zone with more of them is no zone of ours. */
#define DNS_SERVERS_MOST 64

/* What server INDEX of the list said; the answer is gone when it returns. */
typedef void dns_heard(void *context, size_t index, enum dns_outcome outcome,
                       struct dns_answer *answer);
/*
 * Asks COUNT servers the same, side by side over UDP, then those that need TCP one after the other,
 * each with its share of what is left: a dead server costs the others nothing. HEARD is called once
 * for each server, in any order; those beyond DNS_SERVERS_MOST are DNS_UNREACHABLE with E2BIG.
 * ANSWER is the memory for all of them.
 */
void dns_ask_all(const struct dns_server *servers, size_t count, const struct dns_ask *ask,
                 int64_t deadline, struct dns_answer *answer, dns_heard *heard, void *context);

/* "no answer", "Connection refused", ... for a message. */
const char *dns_outcome_words(enum dns_outcome outcome, const struct dns_answer *answer);

#endif
