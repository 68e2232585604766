/*
 * IP addresses as text. libc's inet_ntop is not used: musl's brings its printf, floating point and
 * all.
 */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Octets of an address, in network order. */
#define ADDRESS_V4 4
#define ADDRESS_V6 16

/* Appends 192.0.2.1 or 2001:db8::1 (RFC 5952); nothing where LENGTH is neither 4 nor 16. */
void address_print(struct buf *b, const uint8_t *octets, size_t length);
/* Octets of an address literal, IPv4 or IPv6 without brackets: 4 or 16, or 0 where it is none. */
size_t address_read(const char *text, uint8_t octets[ADDRESS_V6]);

#endif
