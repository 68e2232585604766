/*
 * Read by mbedtls/sha256.h under MBEDTLS_SHA256_ALT: SHA-224 and SHA-256 are BearSSL's, called by
 * src/net/hash.c.
 */
#ifndef DANEROLL_SHA256_ALT_H
#define DANEROLL_SHA256_ALT_H

#include <bearssl_hash.h>

typedef struct mbedtls_sha256_context {
    br_sha256_context hash; /* which of the two its vtable says */
} mbedtls_sha256_context;

#endif
