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
 * The addresses of a host, a name or a literal (IPv6 without brackets, link-local with %INTERFACE):
 * "localhost" is loopback (RFC 6761 section 6.3); else those of /etc/hosts; else those that the
 * resolvers of /etc/resolv.conf know, a name without a dot in its search list first. The family
 * that this machine reaches best comes first. Takes ten seconds at most. 0, or NET_NO_ADDRESS with
 * the words.
 *
 * The code is dns/names.c, a floor higher, where DNS is spoken in any case: libc's getaddrinfo has
 * a resolver of its own, sorting, and stdio for three files, 15 KB.
 */
int address_look_up(const char *host, int64_t deadline, struct address_list *found,
                    struct net_words *why);

#endif
