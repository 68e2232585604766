/*
 * Private keys → SPKI: PKCS#1 and PKCS#8 RSA (RFC 8017), SEC1 and PKCS#8 EC (RFC 5915, 5958),
 * PKCS#8 Ed25519 and Ed448 that carry their public key (RFC 8410).
 */
#ifndef CERT_KEY_H
#define CERT_KEY_H

#include "cert/spki.h"

/*
 * The SPKI of one private key in DER, into at most SIZE octets at SPKI. Where an EC key states its
 * public point, that is taken as it stands (compressed too), else it is computed. CERT_MALFORMED,
 * CERT_NO_PUBLIC, CERT_UNSUPPORTED (also RSA longer than 8192 bits), CERT_FAILED.
 */
int key_private_spki(const uint8_t *der, size_t length, uint8_t *spki, size_t size, size_t *used);
/* The same of a PKCS#1 RSAPublicKey (PEM label "RSA PUBLIC KEY"). */
int key_rsa_public_spki(const uint8_t *der, size_t length, uint8_t *spki, size_t size,
                        size_t *used);
/* Whether the DER is a PKCS#8 EncryptedPrivateKeyInfo. */
bool key_is_encrypted(const uint8_t *der, size_t length);

#endif
