/*
 * TCP with one absolute deadline.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "base/buf.h"
#include "net/net.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp {
    int fd;           /* -1 when closed; owned */
    int64_t deadline; /* time_ticks() at which every operation gives up with NET_TIMEOUT */
};

/*
 * Connects to HOST (a name, an IPv4 address or an IPv6 address without brackets), trying each of
 * its addresses, both families in turn, each at most CONNECT milliseconds, all before DEADLINE; the
 * lookup of the name (net/address.h) counts, but is not cut short: it may end after DEADLINE, and
 * nothing is connected then.
 * WHY gets the words of the last failure (which address, what happened).
 */
int tcp_connect(struct tcp *t, const char *host, uint16_t port, int64_t connect_ms,
                int64_t deadline, struct net_words *why);
/*
 * All addresses of HOST, in
 * an order that does not change from call to call (IPv4 first, then by value), none twice, are
 * added to those that LIST holds. Link-local IPv6 addresses, which need an interface, are left out.
 * 0, or NET_NO_ADDRESS with the words.
 */
#define TCP_ADDRESSES_MOST 16
#define TCP_ADDRESS_SIZE   46 /* of IPv6 in its longest text, and NUL */
struct tcp_addresses {
    size_t count;
    bool cut; /* there were more than these */
    char text[TCP_ADDRESSES_MOST][TCP_ADDRESS_SIZE];
};
int tcp_addresses(const char *host, struct tcp_addresses *list, struct net_words *why);
/* Appends our own address on this connection; nothing where it cannot be had. */
void tcp_local(const struct tcp *t, struct buf *b);
/* Reads at most SIZE bytes: their number, 0 at the peer's end, or an error; NET_FAILED sets errno.
 */
int tcp_read(struct tcp *t, void *bytes, size_t size);
/* Writes all, or an error; NET_FAILED sets errno. Never raises SIGPIPE. */
int tcp_write(struct tcp *t, const void *bytes, size_t length);
/*
 * After a last word: reads and throws away, until the peer ends too or MS milliseconds are over
 * (the deadline is set to that). A close with octets unread is a reset, which servers log.
 */
void tcp_drain(struct tcp *t, int64_t ms);
void tcp_close(struct tcp *t);

#endif
