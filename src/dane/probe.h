/*
 * Asking a service for its certificate chain: TCP, STARTTLS where the protocol has it, and a TLS
 * handshake in which nothing is verified, but, on demand, that the server holds the key (RFC 7671,
 * RFC 7672; no client is less strict).
 *
 * One call asks one address for one kind of key. It makes one connection; a second one where TLS
 * fails otherwise than by time: that looks with older means (net/look.h) before it is said that
 * there is no such certificate. For a kind that is not expected, the server is first asked without
 * cryptography whether it has it: if not, that stands for the first connection.
 */
#ifndef DANE_PROBE_H
#define DANE_PROBE_H

#include "cert/spki.h"
#include "dane/service.h"
#include "net/net.h"
#include "net/tcp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum probe_algorithm {
    PROBE_ECDSA, /* and EdDSA, unless the server speaks TLS 1.3 only */
    PROBE_RSA
};

enum probe_code {
    PROBE_SERVED,
    /* TLS is there, but has nothing in common with us for this kind of key: no such certificate.
     * Where that is the answer for each kind, TLS works for nobody. */
    PROBE_OTHER_ALGORITHM,
    PROBE_NO_STARTTLS, /* it speaks and does not offer STARTTLS, or speaks another protocol */
    /* STARTTLS is refused (454), or TLS breaks, or the leaf cannot be read. Some servers
     * (Microsoft's) end the connection where others say that they have no such certificate: where
     * the other kind is served, this may mean PROBE_OTHER_ALGORITHM. */
    PROBE_NO_TLS,
    PROBE_OLD_TLS, /* no TLS that we know; older senders may still deliver */
    /* Nothing was learnt: no connection, a refusal to talk to us (4xx, 554), or no time left,
     * wherever that was. */
    PROBE_UNSEEN
};

/* Longer chains do not occur: what comes behind is not looked at. */
#define PROBE_ISSUERS_MOST 9

struct probe_result {
    enum probe_code code;
    /* The server has shown that it holds the leaf's key: the handshake came to its end. False also
     * where it could not, with a key or version that only the older means can see, and where it was
     * not asked to. */
    bool proven;
    struct cert_digests leaf;                        /* zero unless PROBE_SERVED */
    size_t issuers_count;                            /* 0 unless PROBE_SERVED */
    struct cert_digests issuers[PROBE_ISSUERS_MOST]; /* the rest of the chain, in the order sent;
                                                        no SPKI where one cannot be read */
    struct net_words words; /* for a message; empty after a whole handshake */
};

struct probe_question {
    const char *address; /* a literal; a name is tried at each of its addresses */
    uint16_t port;
    enum service_start start;
    const char *domain; /* the TLSA base domain: the server name sent; NULL sends none */
    enum probe_algorithm algorithm;
    bool prove; /* whether it holds the key that it shows: `proven` */
    /* Nobody is known to have such a key: cheaper where that is so, and as sure where it is not. */
    bool unexpected;
    /* ...and a moment ago this address had none by any means: the question alone is repeated. */
    bool absent;
    int64_t connect_ms; /* for a connection */
    int64_t deadline;   /* time_ticks(), for all of it but half a second of farewells */
};

void probe(const struct probe_question *question, struct probe_result *result);
/*
 * The addresses to ask: all of every one of NAMES (a host's name, or the words of its `connect`:
 * names or literals), in tcp_addresses' order. NET_NO_ADDRESS with words about the last name that
 * has none; LIST has the others' all the same.
 */
int probe_addresses(const char *const *names, size_t count, struct tcp_addresses *list,
                    struct net_words *why);

#endif
