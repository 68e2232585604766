/*
 * What cert/spki.c gives to its own floor: objects besides certificates that hold an SPKI.
 */
#ifndef CERT_X509_H
#define CERT_X509_H

#include "cert/der.h"

/* The SPKI within a PKCS#10 request. */
int x509_request_spki(const uint8_t *der, size_t length, struct cert_part *spki);
/* Octets of the certificate at the start of OpenSSL's TRUSTED CERTIFICATE; 0: it is none. */
size_t x509_trusted_length(const uint8_t *der, size_t length);

#endif
