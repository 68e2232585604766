/*
 * How TLS is asked for within a protocol that begins in clear text: SMTP (RFC 3207), IMAP (RFC
 * 9051), POP3 (RFC 2595), ManageSieve (RFC 5804) and XMPP (RFC 6120). A dialect is a row of a
 * table.
 */
#ifndef DANE_STARTTLS_H
#define DANE_STARTTLS_H

#include "dane/service.h"
#include "net/net.h"
#include "net/tcp.h"

/* A line, or an XML tag, of the server. RFC 5321 allows 512 octets, RFC 9051 advises 8192. */
#define STARTTLS_LINE_SIZE 2048
/* All that it may say until TLS begins. */
#define STARTTLS_OCTETS_MOST 32768
#define STARTTLS_LINES_MOST  200

enum starttls {
    STARTTLS_BEGIN,       /* the server waits for the ClientHello */
    STARTTLS_UNSEEN,      /* nothing was learnt: it greets with a refusal, is busy, says goodbye,
                             ends the connection before STARTTLS was asked for, or is too slow */
    STARTTLS_NOT_OFFERED, /* it does not have the command, or does not speak the protocol */
    STARTTLS_REFUSED      /* it has the command, and TLS does not come about: 454, an end, or octets
                             behind its go-ahead, which a client would take for its words in TLS */
};

/*
 * The dialogue up to the go-ahead, within T's deadline. DOMAIN is the TLSA base domain, which XMPP
 * is told as the domain that is wanted; SMTP is told this machine's name, or its address where that
 * name is none. WHY gets words unless STARTTLS_BEGIN. SERVICE_TLS begins at once.
 */
enum starttls starttls(struct tcp *t, enum service_start start, const char *domain,
                       struct net_words *why);
/* What a client says within TLS before it goes, line end included; NULL where there is nothing. */
const char *starttls_farewell(enum service_start start);

#endif
