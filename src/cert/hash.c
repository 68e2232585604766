#include "cert/spki.h"

#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>
#include <string.h>

/* Mbed TLS's own code, as configured, never fails. */
void cert_sha256(const uint8_t *bytes, size_t length, uint8_t out[32])
{
    (void)mbedtls_sha256(bytes, length, out, 0);
}

void cert_mix(uint8_t digest[32], const void *bytes, size_t length)
{
    uint8_t both[64];
    cert_sha256(bytes, length, both + 32);
    memcpy(both, digest, 32);
    cert_sha256(both, sizeof both, digest);
}

void cert_sha512(const uint8_t *bytes, size_t length, uint8_t out[64])
{
    (void)mbedtls_sha512(bytes, length, out, 0);
}

void cert_digest(const struct cert_object *object, struct cert_digests *digests)
{
    memset(digests, 0, sizeof *digests);
    if (object->kind == CERT_CERTIFICATE) {
        cert_sha256(object->der, object->length, digests->certificate256);
        cert_sha512(object->der, object->length, digests->certificate512);
    }
    cert_sha256(object->spki.bytes, object->spki.length, digests->spki256);
    cert_sha512(object->spki.bytes, object->spki.length, digests->spki512);
}
