/*
 * A TLS client connection (RFC 8446, RFC 5246): 1.3 and 1.2, chain and server name verified.
 * There is no way to switch verification off.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/net.h"
#include "net/tcp.h"
#include "net/trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_session; /* Mbed TLS's own, on its heap */

struct tls {
    struct tls_session *session; /* owned; NULL when closed */
    struct tcp tcp;
};

/*
 * Connects and shakes hands. HOST is name or address literal, which the certificate must bear.
 * Deadlines as tcp_connect. On failure everything is closed and WHY says what happened to whom:
 * which issuer is missing, which name does not fit, or "clock not set" (NET_CLOCK, when the wall
 * clock stands before the release date).
 */
int tls_connect(struct tls *t, const struct trust *trust, const char *host, uint16_t port,
                int64_t connect_ms, int64_t deadline, struct net_words *why);
void tls_deadline(struct tls *t, int64_t deadline);
/* Bytes read, 0 after close_notify, NET_ENDED at an end without it, or another error. */
int tls_read(struct tls *t, void *bytes, size_t size);
/* Writes all. */
int tls_write(struct tls *t, const void *bytes, size_t length);
/* Sends close_notify if that can be done at once, and frees everything. Safe on a closed one. */
void tls_close(struct tls *t);
/* Random bytes from the kernel: getrandom, else /dev/urandom. 0 or NET_NO_ENTROPY. */
int tls_random(void *bytes, size_t length);

#endif
