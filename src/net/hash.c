/*
 * SHA-2 for Mbed TLS, done by BearSSL's code, which hashes SPKIs and signs with TSIG in any case:
 * these are Mbed TLS's own names (MBEDTLS_SHA256_ALT, MBEDTLS_SHA512_ALT), with one context each in
 * third_party/.
 */
#include "base/wipe.h"

#include <mbedtls/sha256.h>
#include <mbedtls/sha512.h>

void mbedtls_sha256_init(mbedtls_sha256_context *ctx)
{
    br_sha256_init(&ctx->hash);
}

void mbedtls_sha256_free(mbedtls_sha256_context *ctx)
{
    if (ctx != NULL)
        wipe(ctx, sizeof *ctx);
}

void mbedtls_sha256_clone(mbedtls_sha256_context *dst, const mbedtls_sha256_context *src)
{
    *dst = *src;
}

int mbedtls_sha256_starts(mbedtls_sha256_context *ctx, int is224)
{
    if (is224 != 0)
        br_sha224_init(&ctx->hash);
    else
        br_sha256_init(&ctx->hash);
    return 0;
}

int mbedtls_sha256_update(mbedtls_sha256_context *ctx, const unsigned char *input, size_t ilen)
{
    br_sha256_update(&ctx->hash, input, ilen);
    return 0;
}

int mbedtls_sha256_finish(mbedtls_sha256_context *ctx, unsigned char *output)
{
    ctx->hash.vtable->out(&ctx->hash.vtable, output);
    return 0;
}

void mbedtls_sha512_init(mbedtls_sha512_context *ctx)
{
    br_sha512_init(&ctx->hash);
}

void mbedtls_sha512_free(mbedtls_sha512_context *ctx)
{
    if (ctx != NULL)
        wipe(ctx, sizeof *ctx);
}

void mbedtls_sha512_clone(mbedtls_sha512_context *dst, const mbedtls_sha512_context *src)
{
    *dst = *src;
}

int mbedtls_sha512_starts(mbedtls_sha512_context *ctx, int is384)
{
    if (is384 != 0)
        br_sha384_init(&ctx->hash);
    else
        br_sha512_init(&ctx->hash);
    return 0;
}

int mbedtls_sha512_update(mbedtls_sha512_context *ctx, const unsigned char *input, size_t ilen)
{
    br_sha512_update(&ctx->hash, input, ilen);
    return 0;
}

int mbedtls_sha512_finish(mbedtls_sha512_context *ctx, unsigned char *output)
{
    ctx->hash.vtable->out(&ctx->hash.vtable, output);
    return 0;
}
