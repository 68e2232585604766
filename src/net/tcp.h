/*
 * TCP with one absolute deadline.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "net/net.h"

#include <stddef.h>
#include <stdint.h>

struct tcp {
    int fd;           /* -1 when closed; owned */
    int64_t deadline; /* time_ticks() at which every operation gives up with NET_TIMEOUT */
};

/*
 * Connects to HOST (a name, an IPv4 address or an IPv6 address without brackets), trying each of
 * its addresses, both families in turn, each at most CONNECT milliseconds, all before DEADLINE. The
 * lookup of the name counts, but cannot be cut short: libc takes up to some ten seconds for it.
 * WHY gets the words of the last failure (which address, what happened).
 */
int tcp_connect(struct tcp *t, const char *host, uint16_t port, int64_t connect_ms,
                int64_t deadline, struct net_words *why);
/* Reads at most SIZE bytes: their number, 0 at the peer's end, or an error; NET_FAILED sets errno.
 */
int tcp_read(struct tcp *t, void *bytes, size_t size);
/* Writes all, or an error; NET_FAILED sets errno. Never raises SIGPIPE. */
int tcp_write(struct tcp *t, const void *bytes, size_t length);
void tcp_close(struct tcp *t);

#endif
