/*
 * A TLS client connection (RFC 8446, RFC 5246): 1.3 and 1.2, chain and server name verified.
 * There is no way to switch verification off.
 *
 * Offered: ECDHE with AES-GCM and ChaCha20-Poly1305, ALPN http/1.1 (RFC 7301), no session tickets,
 * no renegotiation. Accepted in chains: SHA-2 signatures, RSA keys from 2048 bits, P-256, P-384,
 * P-521. An address literal is looked for among the certificate's iPAddress names and is not sent
 * as server name (RFC 6066 section 3); a final dot of a name counts as nothing.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/net.h"
#include "net/tcp.h"
#include "net/trust.h"

#include <stddef.h>
#include <stdint.h>

struct tls_session; /* Mbed TLS's own, on its heap */

/* Stays where it is while it is open: the session points to it. */
struct tls {
    struct tls_session *session; /* owned; NULL when closed */
    struct tcp tcp;
};

/*
 * Connects and shakes hands. HOST is name or address literal, which the certificate must bear.
 * Deadlines as tcp_connect. On failure everything is closed and WHY says what happened to whom:
 * which issuer is missing, which name does not fit, or "clock not set" (NET_CLOCK, when the wall
 * clock stands before the release date: said before anything is sent).
 */
int tls_connect(struct tls *t, const struct trust *trust, const char *host, uint16_t port,
                int64_t connect_ms, int64_t deadline, struct net_words *why);
void tls_deadline(struct tls *t, int64_t deadline);
/* Bytes read, 0 after close_notify, NET_ENDED at an end without it, or another error. */
int tls_read(struct tls *t, void *bytes, size_t size);
/* Writes all. */
int tls_write(struct tls *t, const void *bytes, size_t length);
/*
 * Sends close_notify, for which it waits a tenth of a second at most, and frees everything. Safe on
 * one whose session is NULL.
 */
void tls_close(struct tls *t);
/* Random bytes from the kernel: getrandom, else /dev/urandom. 0 or NET_NO_ENTROPY. */
int tls_random(void *bytes, size_t length);

#endif
