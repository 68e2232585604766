#include "net/curve.h"

#include "base/wipe.h"

#include <bearssl_ec.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Of P-521: 66 octets a coordinate, and the octet that says that both follow. */
#define SCALAR_MOST 66
#define POINT_MOST  (1 + 2 * SCALAR_MOST)

#ifdef __SIZEOF_INT128__
/*
 * X25519 of Mbed TLS's Project Everest, for words of 64 bits: half the time of BearSSL's. All of
 * these are 32 octets; the scalar is clamped by it.
 */
void Hacl_Curve25519_crypto_scalarmult(uint8_t *product, const uint8_t *scalar,
                                       const uint8_t *point);

static uint32_t multiply(unsigned char *point, size_t point_length, const unsigned char *scalar,
                         size_t scalar_length, int curve)
{
    uint8_t product[32];
    (void)curve;
    if (point_length != sizeof product || scalar_length != sizeof product)
        return 0;
    Hacl_Curve25519_crypto_scalarmult(product, scalar, point);
    memcpy(point, product, sizeof product);
    wipe(product, sizeof product);
    return 1;
}

static const br_ec_impl x25519 = {.mul = multiply};
#else
#define x25519 br_ec_c25519_m31
#endif

/* The curve's number and code in BearSSL; NULL: it has none. */
static const br_ec_impl *impl_of(const mbedtls_ecp_group *grp, int *curve)
{
    switch (grp->id) {
    case MBEDTLS_ECP_DP_SECP256R1:
        *curve = BR_EC_secp256r1;
        return &br_ec_p256_m31;
    case MBEDTLS_ECP_DP_SECP384R1:
        *curve = BR_EC_secp384r1;
        return &br_ec_prime_i31;
    case MBEDTLS_ECP_DP_SECP521R1:
        *curve = BR_EC_secp521r1;
        return &br_ec_prime_i31;
    case MBEDTLS_ECP_DP_CURVE25519:
        *curve = BR_EC_curve25519;
        return &x25519;
    default:
        return NULL;
    }
}

struct octets {
    size_t length;
    unsigned char bytes[POINT_MOST];
};

/* Uncompressed, as SEC 1 section 2.3.3 has it; X25519: RFC 7748's 32 octets. Checked before. */
static int put_point(const mbedtls_ecp_group *grp, const mbedtls_ecp_point *p, struct octets *o)
{
    int rc = mbedtls_ecp_check_pubkey(grp, p);
    if (rc != 0)
        return rc;
    return mbedtls_ecp_point_write_binary(grp, p, MBEDTLS_ECP_PF_UNCOMPRESSED, &o->length, o->bytes,
                                          sizeof o->bytes);
}

/* Most significant octet first; X25519: last, as RFC 7748 has it. */
static int put_scalar(const mbedtls_ecp_group *grp, const mbedtls_mpi *m, struct octets *o)
{
    o->length = (grp->nbits + 7) / 8;
    if (mbedtls_ecp_get_type(grp) == MBEDTLS_ECP_TYPE_MONTGOMERY)
        return mbedtls_mpi_write_binary_le(m, o->bytes, o->length);
    return mbedtls_mpi_write_binary(m, o->bytes, o->length);
}

int mbedtls_ecp_mul_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                                const mbedtls_ecp_point *P,
                                int (*f_rng)(void *, unsigned char *, size_t), void *p_rng,
                                mbedtls_ecp_restart_ctx *rs_ctx)
{
    struct octets point, scalar;
    int curve;
    const br_ec_impl *impl = impl_of(grp, &curve);
    (void)f_rng;
    (void)p_rng;
    (void)rs_ctx;
    if (impl == NULL)
        return MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE;
    int rc = mbedtls_ecp_check_privkey(grp, m);
    if (rc == 0)
        rc = put_point(grp, P, &point);
    if (rc == 0)
        rc = put_scalar(grp, m, &scalar);
    if (rc == 0 && impl->mul(point.bytes, point.length, scalar.bytes, scalar.length, curve) != 1)
        rc = MBEDTLS_ERR_ECP_INVALID_KEY;
    if (rc == 0)
        rc = mbedtls_ecp_point_read_binary(grp, R, point.bytes, point.length);
    wipe(&point, sizeof point);
    wipe(&scalar, sizeof scalar);
    return rc;
}

int mbedtls_ecp_mul(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                    const mbedtls_ecp_point *P, int (*f_rng)(void *, unsigned char *, size_t),
                    void *p_rng)
{
    return mbedtls_ecp_mul_restartable(grp, R, m, P, f_rng, p_rng, NULL);
}

/* BearSSL's factors are above 0 and below the order. */
static bool is_factor(const mbedtls_ecp_group *grp, const mbedtls_mpi *m)
{
    return mbedtls_mpi_cmp_int(m, 0) > 0 && mbedtls_mpi_cmp_mpi(m, &grp->N) < 0;
}

/*
 * Only signatures are verified with it, and what comes to no point is a wrong one. So is a factor
 * of 0: a digest that the order divides is one in 2^256.
 */
int mbedtls_ecp_muladd_restartable(mbedtls_ecp_group *grp, mbedtls_ecp_point *R,
                                   const mbedtls_mpi *m, const mbedtls_ecp_point *P,
                                   const mbedtls_mpi *n, const mbedtls_ecp_point *Q,
                                   mbedtls_ecp_restart_ctx *rs_ctx)
{
    struct octets first, second, a, b;
    int curve;
    const br_ec_impl *impl = impl_of(grp, &curve);
    (void)rs_ctx;
    if (impl == NULL || impl->muladd == NULL ||
        mbedtls_ecp_get_type(grp) != MBEDTLS_ECP_TYPE_SHORT_WEIERSTRASS)
        return MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE;
    if (!is_factor(grp, m) || !is_factor(grp, n))
        return MBEDTLS_ERR_ECP_VERIFY_FAILED;
    /* A signature's first point is the generator, for which BearSSL has a table: NULL. */
    bool generated = mbedtls_ecp_point_cmp(P, &grp->G) == 0;
    int rc = put_point(grp, Q, &first);
    if (rc == 0 && !generated)
        rc = put_point(grp, P, &second);
    if (rc == 0)
        rc = put_scalar(grp, n, &a);
    if (rc == 0)
        rc = put_scalar(grp, m, &b);
    if (rc == 0 && impl->muladd(first.bytes, generated ? NULL : second.bytes, first.length, a.bytes,
                                a.length, b.bytes, b.length, curve) != 1)
        rc = MBEDTLS_ERR_ECP_VERIFY_FAILED;
    return rc != 0 ? rc : mbedtls_ecp_point_read_binary(grp, R, first.bytes, first.length);
}

/* Not called by us; Mbed TLS has it in a table, and its own would need its own multiplication. */
int mbedtls_ecp_check_pub_priv(const mbedtls_ecp_keypair *pub, const mbedtls_ecp_keypair *prv,
                               int (*f_rng)(void *, unsigned char *, size_t), void *p_rng)
{
    (void)pub, (void)prv, (void)f_rng, (void)p_rng;
    return MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE;
}
