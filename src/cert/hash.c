#include "base/wipe.h"
#include "cert/spki.h"

#include <bearssl.h>
#include <string.h>

void cert_sha256(const uint8_t *bytes, size_t length, uint8_t out[32])
{
    br_sha256_context context;
    br_sha256_init(&context);
    br_sha256_update(&context, bytes, length);
    br_sha256_out(&context, out);
    wipe(&context, sizeof context);
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
    br_sha512_context context;
    br_sha512_init(&context);
    br_sha512_update(&context, bytes, length);
    br_sha512_out(&context, out);
    wipe(&context, sizeof context);
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
