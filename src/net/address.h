/*
 * IP addresses: as text, as sockets have them, and those of a name. libc's inet_ntop is not used:
 * musl's brings its printf, floating point and all.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/buf.h"
#include "net/net.h"

#include <stddef.h>
#include <stdint.h>

/* Octets of an address, in network order. */
#define ADDRESS_V4 4
#define ADDRESS_V6 16

/* Appends 192.0.2.1 or 2001:db8::1 (RFC 5952); nothing where LENGTH is neither 4 nor 16. */
void address_print(struct buf *b, const uint8_t *octets, size_t length);
/* Octets of an address literal, IPv4 or IPv6 without brackets: 4 or 16, or 0 where it is none. */
size_t address_read(const char *text, uint8_t octets[ADDRESS_V6]);
/*
 * The same; an IPv6 one may have %INTERFACE behind it, a name or a number, which goes into SCOPE;
 * else that is 0.
 */
size_t address_read_scoped(const char *text, uint8_t octets[ADDRESS_V6], uint32_t *scope);

/* For connect(2): its length; the port in host order, the scope of a link-local address, else 0. */
struct sockaddr_storage;
unsigned address_socket(struct sockaddr_storage *to, const uint8_t *octets, size_t length,
                        uint16_t port, uint32_t scope);

struct address {
    uint8_t octets[ADDRESS_V6];
    uint8_t length; /* ADDRESS_V4 or ADDRESS_V6 */
    uint32_t scope; /* the interface of a link-local address; else 0 */
};

/* The rest of a name that has more is not used. */
#define ADDRESS_LIST_MOST 48
struct address_list {
    size_t count;
    struct address list[ADDRESS_LIST_MOST];
};

/*
 * The addresses of a host: a literal (as address_read_scoped), "localhost", which is loopback (RFC
 * 6761 section 6.3), or a name, by libc's resolver: /etc/hosts, then who stands in
 * /etc/resolv.conf, in the order of RFC 6724. What can be no name is not asked about. Takes as long
 * as resolv.conf says (musl: 5 s for each name it tries), whoever waits. 0, or NET_NO_ADDRESS with
 * the words.
 */
int address_look_up(const char *host, struct address_list *found, struct net_words *why);

#endif
