/*
 * What the two TLS clients of this floor share, the one that verifies (net/tls.c) and the one that
 * only looks (net/tls_look.c): how Mbed TLS is started, how it reaches TCP, and the words for what
 * went wrong. Nobody else includes this.
 */
#ifndef NET_TLS_BASE_H
#define NET_TLS_BASE_H

#include "net/net.h"
#include "net/tcp.h"

#include <mbedtls/ssl.h>

/* A connection under Mbed TLS, and how it failed: what Mbed TLS makes of that is less exact. */
struct tls_link {
    struct tcp *tcp; /* not owned */
    int error;       /* NET_..., the first; 0 while it works */
    int fault;       /* errno of that moment */
};

/* Starts Mbed TLS, once or again. 0, NET_NO_ENTROPY or NET_FAILED with the words. */
int tls_base_start(struct net_words *why);
/* The settings of both: a client, TLS 1.2 and 1.3, our random numbers. 0 or Mbed TLS's error. */
int tls_base_configure(mbedtls_ssl_config *config);
/* Lets SSL read and write through LINK, which stays where it is. */
void tls_base_link(mbedtls_ssl_context *ssl, struct tls_link *link);
/* The alert that a handshake ended with (MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE). */
unsigned tls_base_alert(const mbedtls_ssl_context *ssl);
/*
 * The words for a handshake that failed with Mbed TLS's CODE, by the link, by an alert, or by
 * itself; and the NET_... that it means.
 */
int tls_base_say(const mbedtls_ssl_context *ssl, const struct tls_link *link, int code,
                 struct net_words *why);

#endif
