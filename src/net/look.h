/*
 * TLS handshakes that only look: which certificate chain does a server show? Nothing is verified,
 * so that an expired, self-signed, too short or unreadable certificate is seen as well.
 *
 * There are three of them. tls_look is a whole handshake of TLS 1.3 or 1.2 (RFC 8446, RFC 5246)
 * with the suites that net/tls.h names. tls_peek sends one ClientHello of TLS 1.2 and reads the
 * chain, which all versions before 1.3 send in clear text: it needs no cryptography, and so sees
 * what tls_look cannot: servers of TLS 1.0 and 1.1, suites with CBC, RC4 and RSA key exchange, and
 * keys of Ed25519 and Ed448 (but not those of a server that speaks TLS 1.3 only). In the place of 6
 * KB of such suites in Mbed TLS it costs 2 KB, and no old cryptography is linked.
 *
 * tls_ask is a peek that offers TLS 1.3 as well, with a share that nobody has the secret of:
 * whether there is such a key at all, by all versions, and by no cryptography.
 *
 * All ask for one kind of key at a time, as a server with several certificates shows but one of
 * them to each client: in TLS 1.3 by the signature algorithms, in TLS 1.2 also by the suites. An
 * issuer may have signed with any algorithm. No session is resumed.
 */
#ifndef NET_LOOK_H
#define NET_LOOK_H

#include "net/net.h"
#include "net/tcp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum look_key {
    LOOK_ECDSA, /* tls_peek: EdDSA as well, which TLS 1.2 puts under the same suites (RFC 8422) */
    LOOK_RSA
};

enum look {
    LOOK_SERVED, /* a chain, and the handshake came to its end */
    LOOK_SHOWN,  /* a chain, and no more: the words say how it went on; tls_peek's only success */
    LOOK_OTHER_KEY, /* an alert that says: nothing in common. It has no such key, or no suite of
                       ours */
    LOOK_OLD,       /* the alert protocol_version: no version of TLS in common */
    LOOK_BROKEN,    /* another alert, no TLS at all, or a handshake against the rules */
    LOOK_CUT,       /* the peer ended or reset the connection; some do so in place of an alert */
    LOOK_LATE,      /* the deadline passed */
    LOOK_UNABLE     /* no memory or no entropy here: says nothing about the server */
};

/* Called with each certificate as it was sent, the leaf first. Its octets are gone afterwards. */
typedef void (*look_visit)(void *context, const uint8_t *der, size_t length);

struct look_question {
    const char
        *name; /* the server name to send (RFC 6066): the TLSA base domain; NULL sends none */
    enum look_key key;
    /* What a client of the protocol says before it goes ("QUIT" and line end), sent within TLS so
     * that the server notes an orderly end; NULL for none. */
    const char *farewell;
    look_visit visit;
    void *context;
    /* tls_look: the server's signature is verified, so that LOOK_SERVED says that it has the leaf's
     * key. Without it TLS 1.3 costs half of the processor time. */
    bool prove;
};

/*
 * A handshake on a connection on which the server waits for TLS. The caller closes T, whose
 * deadline is spent. WHY gets words unless LOOK_SERVED.
 */
enum look tls_look(struct tcp *t, const struct look_question *q, struct net_words *why);
enum look tls_peek(struct tcp *t, const struct look_question *q, struct net_words *why);
/* As tls_peek; LOOK_BROKEN where the server goes on in TLS 1.3. */
enum look tls_ask(struct tcp *t, const struct look_question *q, struct net_words *why);

/* ---- between the two ------------------------------------------------------------------------ */

/* What a server has to say after we said goodbye is waited for so long, in milliseconds. */
#define LOOK_FAREWELL_MS 500

/*
 * The body of a Certificate message, of TLS 1.3 (RFC 8446 section 4.4.2) or earlier (RFC 5246
 * section 7.4.2). Visits nothing unless all of it can be read. The number of certificates, or -1.
 */
int look_certificates(const uint8_t *body, size_t length, bool tls13, look_visit visit,
                      void *context);
/* What a fatal alert in answer to a ClientHello means. */
enum look look_alert(unsigned alert);
/* NET_... of a connection as a look, with WORK ("the TLS handshake") and errno's words. */
enum look look_failed(int error, const char *work, struct net_words *why);

#endif
