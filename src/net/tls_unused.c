/*
 * What a TLS client without a certificate of its own never calls: signing, decryption, private RSA
 * keys, RSA in PSA. Mbed TLS keeps them in tables that no linker looks into, so
 * third_party/rules.mk gives the callers these names in their place (-12 KB). Each says no, as an
 * unfinished table would.
 */
#include <mbedtls/ecdsa.h>
#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

/* The prototypes are those of what is not called. */
/* NOLINTBEGIN(readability-non-const-parameter) */
typedef int (*random_source)(void *, unsigned char *, size_t);

int unused_mbedtls_rsa_pkcs1_sign(mbedtls_rsa_context *key, random_source random, void *context,
                                  mbedtls_md_type_t hash, unsigned length,
                                  const unsigned char *digest, unsigned char *signature)
{
    (void)key, (void)random, (void)context, (void)hash, (void)length, (void)digest, (void)signature;
    return MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE;
}

int unused_mbedtls_rsa_pkcs1_encrypt(mbedtls_rsa_context *key, random_source random, void *context,
                                     size_t length, const unsigned char *in, unsigned char *out)
{
    (void)key, (void)random, (void)context, (void)length, (void)in, (void)out;
    return MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE;
}

int unused_mbedtls_rsa_pkcs1_decrypt(mbedtls_rsa_context *key, random_source random, void *context,
                                     size_t *length, const unsigned char *in, unsigned char *out,
                                     size_t size)
{
    (void)key, (void)random, (void)context, (void)length, (void)in, (void)out, (void)size;
    return MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE;
}

int unused_mbedtls_ecdsa_write_signature(mbedtls_ecdsa_context *key, mbedtls_md_type_t hash,
                                         const unsigned char *digest, size_t length,
                                         unsigned char *signature, size_t size, size_t *used,
                                         random_source random, void *context)
{
    (void)key, (void)hash, (void)digest, (void)length, (void)signature, (void)size, (void)used;
    (void)random, (void)context;
    return MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE;
}

int unused_mbedtls_rsa_rsassa_pss_sign_no_mode_check(mbedtls_rsa_context *key, random_source random,
                                                     void *context, mbedtls_md_type_t hash,
                                                     unsigned length, const unsigned char *digest,
                                                     unsigned char *signature)
{
    (void)key, (void)random, (void)context, (void)hash, (void)length, (void)digest, (void)signature;
    return MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE;
}

int unused_mbedtls_ssl_tls13_write_certificate_verify(mbedtls_ssl_context *tls)
{
    (void)tls;
    return MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE;
}

psa_status_t unused_mbedtls_psa_rsa_import_key(const psa_key_attributes_t *attributes,
                                               const uint8_t *data, size_t length, uint8_t *key,
                                               size_t size, size_t *used, size_t *bits)
{
    (void)attributes, (void)data, (void)length, (void)key, (void)size, (void)used, (void)bits;
    return PSA_ERROR_NOT_SUPPORTED;
}

psa_status_t unused_mbedtls_psa_rsa_export_public_key(const psa_key_attributes_t *attributes,
                                                      const uint8_t *key, size_t length,
                                                      uint8_t *data, size_t size, size_t *used)
{
    (void)attributes, (void)key, (void)length, (void)data, (void)size, (void)used;
    return PSA_ERROR_NOT_SUPPORTED;
}

int unused_mbedtls_rsa_deduce_primes(const mbedtls_mpi *n, const mbedtls_mpi *e,
                                     const mbedtls_mpi *d, mbedtls_mpi *p, mbedtls_mpi *q)
{
    (void)n, (void)e, (void)d, (void)p, (void)q;
    return MBEDTLS_ERR_RSA_BAD_INPUT_DATA;
}

int unused_mbedtls_rsa_deduce_private_exponent(const mbedtls_mpi *p, const mbedtls_mpi *q,
                                               const mbedtls_mpi *e, mbedtls_mpi *d)
{
    (void)p, (void)q, (void)e, (void)d;
    return MBEDTLS_ERR_RSA_BAD_INPUT_DATA;
}

int unused_mbedtls_rsa_deduce_crt(const mbedtls_mpi *p, const mbedtls_mpi *q, const mbedtls_mpi *d,
                                  mbedtls_mpi *dp, mbedtls_mpi *dq, mbedtls_mpi *qp)
{
    (void)p, (void)q, (void)d, (void)dp, (void)dq, (void)qp;
    return MBEDTLS_ERR_RSA_BAD_INPUT_DATA;
}

int unused_mbedtls_rsa_validate_params(const mbedtls_mpi *n, const mbedtls_mpi *p,
                                       const mbedtls_mpi *q, const mbedtls_mpi *d,
                                       const mbedtls_mpi *e, random_source random, void *context)
{
    (void)n, (void)p, (void)q, (void)d, (void)e, (void)random, (void)context;
    return MBEDTLS_ERR_RSA_BAD_INPUT_DATA;
}

int unused_mbedtls_rsa_validate_crt(const mbedtls_mpi *p, const mbedtls_mpi *q,
                                    const mbedtls_mpi *d, const mbedtls_mpi *dp,
                                    const mbedtls_mpi *dq, const mbedtls_mpi *qp)
{
    (void)p, (void)q, (void)d, (void)dp, (void)dq, (void)qp;
    return MBEDTLS_ERR_RSA_BAD_INPUT_DATA;
}
/* NOLINTEND(readability-non-const-parameter) */
