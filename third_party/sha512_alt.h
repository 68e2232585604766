/*
 * Read by mbedtls/sha512.h under MBEDTLS_SHA512_ALT: SHA-384 and SHA-512 are BearSSL's, called by
 * src/net/hash.c.
 */
#ifndef DANEROLL_SHA512_ALT_H
#define DANEROLL_SHA512_ALT_H

#include <bearssl_hash.h>

typedef struct mbedtls_sha512_context {
    br_sha512_context hash; /* which of the two its vtable says */
} mbedtls_sha512_context;

#endif
