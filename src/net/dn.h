/*
 * Distinguished names (RFC 5280 section 4.1.2.4) for messages.
 */
#ifndef NET_DN_H
#define NET_DN_H

#include "base/buf.h"

#include <stddef.h>
#include <stdint.h>

/* Octets of one string of a certificate that a message shows; more are cut with "...". */
#define DN_VALUE_SHOWN 64

/* One string of a certificate: foreign text, made printable and cut where it would crowd out more.
 */
void dn_text(struct buf *b, const uint8_t *text, size_t length);
/*
 * The attributes that people know CAs by, of a Name in DER: "CN=Root X, OU=..., O=..., C=US", the
 * quotes included. What is no Name gives what could be read of it.
 */
void dn_print(struct buf *b, const uint8_t *der, size_t length);

#endif
