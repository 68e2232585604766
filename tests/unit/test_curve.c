/*
 * net/curve.c beside Mbed TLS's own multiplication, and the vectors of RFC 7748 section 5.2: random
 * scalars and points, and those at the edges, on every curve.
 */
#include "net/curve.h"

#include "net/tls.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <mbedtls/ecdsa.h>

#include <stdlib.h>
#include <string.h>

/* SHORT, under an emulator: a tenth of the numbers. */
#define TIMES(count) (getenv("SHORT") != NULL ? (count) / 10 : (count))
#define ROUNDS       12

static const mbedtls_ecp_group_id curves[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1,
                                              MBEDTLS_ECP_DP_SECP521R1, MBEDTLS_ECP_DP_CURVE25519};
#define PRIMES 3 /* the first of them, whose points can be added */

static int random_of_system(void *context, unsigned char *bytes, size_t length)
{
    (void)context;
    return tls_random(bytes, length);
}

static void setup(mbedtls_ecp_group *grp, mbedtls_ecp_group_id id)
{
    mbedtls_ecp_group_init(grp);
    assert_int_equal(mbedtls_ecp_group_load(grp, id), 0);
}

static void same(const mbedtls_ecp_group *grp, const mbedtls_ecp_point *a,
                 const mbedtls_ecp_point *b)
{
    assert_int_equal(mbedtls_mpi_cmp_mpi(&a->MBEDTLS_PRIVATE(Z), &b->MBEDTLS_PRIVATE(Z)), 0);
    if (mbedtls_mpi_cmp_int(&a->MBEDTLS_PRIVATE(Z), 0) == 0)
        return;
    assert_int_equal(mbedtls_mpi_cmp_mpi(&a->MBEDTLS_PRIVATE(X), &b->MBEDTLS_PRIVATE(X)), 0);
    if (mbedtls_ecp_get_type(grp) == MBEDTLS_ECP_TYPE_SHORT_WEIERSTRASS)
        assert_int_equal(mbedtls_mpi_cmp_mpi(&a->MBEDTLS_PRIVATE(Y), &b->MBEDTLS_PRIVATE(Y)), 0);
}

static void both_multiply(mbedtls_ecp_group *grp, const mbedtls_mpi *m, const mbedtls_ecp_point *p,
                          mbedtls_ecp_point *result)
{
    mbedtls_ecp_point slow;
    mbedtls_ecp_point_init(&slow);
    assert_int_equal(mbedtls_slow_mul(grp, &slow, m, p, random_of_system, NULL), 0);
    assert_int_equal(mbedtls_ecp_mul(grp, result, m, p, random_of_system, NULL), 0);
    same(grp, result, &slow);
    mbedtls_ecp_point_free(&slow);
}

static void both_combine(mbedtls_ecp_group *grp, const mbedtls_mpi *m, const mbedtls_ecp_point *p,
                         const mbedtls_mpi *n, const mbedtls_ecp_point *q)
{
    mbedtls_ecp_point slow, fast;
    mbedtls_ecp_point_init(&slow);
    mbedtls_ecp_point_init(&fast);
    assert_int_equal(mbedtls_slow_muladd(grp, &slow, m, p, n, q), 0);
    assert_int_equal(mbedtls_ecp_muladd_restartable(grp, &fast, m, p, n, q, NULL), 0);
    same(grp, &fast, &slow);
    mbedtls_ecp_point_free(&slow);
    mbedtls_ecp_point_free(&fast);
}

static void random_numbers(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof curves / sizeof curves[0]; c++) {
        mbedtls_ecp_group grp;
        mbedtls_ecp_point p, q;
        mbedtls_mpi m, n;
        setup(&grp, curves[c]);
        mbedtls_ecp_point_init(&p);
        mbedtls_ecp_point_init(&q);
        mbedtls_mpi_init(&m);
        mbedtls_mpi_init(&n);
        assert_int_equal(mbedtls_ecp_copy(&p, &grp.G), 0);
        for (int i = 0; i < TIMES(ROUNDS); i++) {
            assert_int_equal(mbedtls_ecp_gen_privkey(&grp, &m, random_of_system, NULL), 0);
            assert_int_equal(mbedtls_ecp_gen_privkey(&grp, &n, random_of_system, NULL), 0);
            both_multiply(&grp, &m, &p, &q);
            if (c < PRIMES)
                both_combine(&grp, &m, &p, &n, &q);
            assert_int_equal(mbedtls_ecp_copy(&p, &q), 0);
        }
        mbedtls_ecp_point_free(&p);
        mbedtls_ecp_point_free(&q);
        mbedtls_mpi_free(&m);
        mbedtls_mpi_free(&n);
        mbedtls_ecp_group_free(&grp);
    }
}

/* Scalars near 0 and near the order, single bits, all ones: what windows and carries stumble on. */
static void edge(mbedtls_mpi *m, const mbedtls_ecp_group *grp, unsigned which)
{
    mbedtls_mpi_free(m);
    if (which < 20) {
        assert_int_equal(mbedtls_mpi_lset(m, (mbedtls_mpi_sint)which), 0);
    } else if (which < 40) {
        assert_int_equal(mbedtls_mpi_sub_int(m, &grp->N, (mbedtls_mpi_sint)which - 19), 0);
    } else {
        assert_int_equal(mbedtls_mpi_lset(m, 1), 0);
        assert_int_equal(mbedtls_mpi_shift_l(m, (which * 37) % (grp->nbits - 1)), 0);
        if (which % 2 == 0)
            assert_int_equal(mbedtls_mpi_sub_int(m, m, 1), 0);
    }
}
#define EDGES 56

static void edges(void **state)
{
    (void)state;
    for (size_t c = 0; c < PRIMES; c++) {
        mbedtls_ecp_group grp;
        mbedtls_ecp_point q;
        mbedtls_mpi m, n;
        setup(&grp, curves[c]);
        mbedtls_ecp_point_init(&q);
        mbedtls_mpi_init(&m);
        mbedtls_mpi_init(&n);
        for (unsigned i = 0; i < TIMES(EDGES); i++) {
            edge(&m, &grp, i);
            if (mbedtls_mpi_cmp_int(&m, 0) > 0)
                both_multiply(&grp, &m, &grp.G, &q);
            else
                assert_int_not_equal(mbedtls_ecp_mul(&grp, &q, &m, &grp.G, random_of_system, NULL),
                                     0);
            /* Of one point: sums of equal and of opposite points, and the point at infinity. */
            edge(&n, &grp, (i + 20) % 40);
            if (mbedtls_mpi_cmp_int(&m, 0) > 0 && mbedtls_mpi_cmp_int(&n, 0) > 0)
                both_combine(&grp, &m, &grp.G, &n, &grp.G);
            else
                assert_int_not_equal(
                    mbedtls_ecp_muladd_restartable(&grp, &q, &m, &grp.G, &n, &grp.G, NULL), 0);
        }
        /* What is no scalar of this curve is refused. */
        assert_int_equal(mbedtls_mpi_lset(&m, 1), 0);
        assert_int_equal(mbedtls_mpi_shift_l(&m, grp.nbits), 0);
        assert_int_not_equal(mbedtls_ecp_muladd_restartable(&grp, &q, &m, &grp.G, &n, &grp.G, NULL),
                             0);
        mbedtls_ecp_point_free(&q);
        mbedtls_mpi_free(&m);
        mbedtls_mpi_free(&n);
        mbedtls_ecp_group_free(&grp);
    }
}

/* m P + n P with m + n = the order is the point at infinity: no signature has it. One more is P. */
static void infinity(void **state)
{
    (void)state;
    for (size_t c = 0; c < PRIMES; c++) {
        mbedtls_ecp_group grp;
        mbedtls_ecp_point r;
        mbedtls_mpi m, n;
        setup(&grp, curves[c]);
        mbedtls_ecp_point_init(&r);
        mbedtls_mpi_init(&m);
        mbedtls_mpi_init(&n);
        assert_int_equal(mbedtls_ecp_gen_privkey(&grp, &m, random_of_system, NULL), 0);
        assert_int_equal(mbedtls_mpi_sub_mpi(&n, &grp.N, &m), 0);
        assert_int_not_equal(mbedtls_ecp_muladd_restartable(&grp, &r, &m, &grp.G, &n, &grp.G, NULL),
                             0);
        assert_int_equal(mbedtls_mpi_add_int(&n, &n, 1), 0);
        assert_int_equal(mbedtls_ecp_muladd_restartable(&grp, &r, &m, &grp.G, &n, &grp.G, NULL), 0);
        same(&grp, &r, &grp.G);
        mbedtls_ecp_point_free(&r);
        mbedtls_mpi_free(&m);
        mbedtls_mpi_free(&n);
        mbedtls_ecp_group_free(&grp);
    }
}

static void points_off_the_curve(void **state)
{
    (void)state;
    for (size_t c = 0; c < PRIMES; c++) {
        mbedtls_ecp_group grp;
        mbedtls_ecp_point p, r;
        mbedtls_mpi m;
        setup(&grp, curves[c]);
        mbedtls_ecp_point_init(&p);
        mbedtls_ecp_point_init(&r);
        mbedtls_mpi_init(&m);
        assert_int_equal(mbedtls_mpi_lset(&m, 3), 0);
        assert_int_equal(mbedtls_ecp_copy(&p, &grp.G), 0);
        assert_int_equal(mbedtls_mpi_add_int(&p.MBEDTLS_PRIVATE(X), &p.MBEDTLS_PRIVATE(X), 1), 0);
        assert_int_not_equal(mbedtls_ecp_mul(&grp, &r, &m, &p, random_of_system, NULL), 0);
        assert_int_not_equal(mbedtls_ecp_muladd_restartable(&grp, &r, &m, &grp.G, &m, &p, NULL), 0);
        assert_int_not_equal(mbedtls_ecp_muladd_restartable(&grp, &r, &m, &p, &m, &grp.G, NULL), 0);
        mbedtls_ecp_point_free(&p);
        mbedtls_ecp_point_free(&r);
        mbedtls_mpi_free(&m);
        mbedtls_ecp_group_free(&grp);
    }
}

/* RFC 8446 section 7.4.2: a share whose secret would be zero, in its range and beyond, is refused.
 */
static void x25519_small_order(void **state)
{
    static const unsigned char orders_of_8[2][32] = {
        {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
         0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
         0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
        {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
         0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
         0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57}};
    mbedtls_ecp_group grp;
    mbedtls_ecp_point u, r;
    mbedtls_mpi k;
    (void)state;
    setup(&grp, MBEDTLS_ECP_DP_CURVE25519);
    mbedtls_ecp_point_init(&u);
    mbedtls_ecp_point_init(&r);
    mbedtls_mpi_init(&k);
    assert_int_equal(mbedtls_ecp_gen_privkey(&grp, &k, random_of_system, NULL), 0);
    for (unsigned i = 0; i < 9; i++) {
        /* 0 and 1; p - 1, p and p + 1; the two of order 8; and 2 and 9, which are good. */
        unsigned char bytes[32] = {(unsigned char)(i == 7 ? 2 : i == 8 ? 9 : i)};
        if (i >= 2 && i < 5) {
            memset(bytes, 0xff, sizeof bytes);
            bytes[0] = (unsigned char)(0xec + (i - 2));
            bytes[31] = 0x7f;
        } else if (i >= 5 && i < 7) {
            memcpy(bytes, orders_of_8[i - 5], sizeof bytes);
        }
        int rc = mbedtls_ecp_point_read_binary(&grp, &u, bytes, sizeof bytes);
        if (rc == 0)
            rc = mbedtls_ecp_mul(&grp, &r, &k, &u, random_of_system, NULL);
        assert_int_equal(rc == 0, i >= 7);
    }
    mbedtls_ecp_point_free(&u);
    mbedtls_ecp_point_free(&r);
    mbedtls_mpi_free(&k);
    mbedtls_ecp_group_free(&grp);
}

/* RFC 7748 section 5.2: 9 by 9, once and a thousand times. */
static void x25519_iterated(void **state)
{
    (void)state;
    mbedtls_ecp_group grp;
    mbedtls_ecp_point u, r;
    mbedtls_mpi k, x;
    setup(&grp, MBEDTLS_ECP_DP_CURVE25519);
    mbedtls_ecp_point_init(&u);
    mbedtls_ecp_point_init(&r);
    mbedtls_mpi_init(&k);
    mbedtls_mpi_init(&x);
    unsigned char scalar[32] = {9}, bytes[32] = {9};
    int times = TIMES(1000);
    for (int i = 0; i < times; i++) {
        unsigned char next[32];
        size_t length;
        mbedtls_ecp_keypair pair;
        mbedtls_ecp_keypair_init(&pair);
        assert_int_equal(mbedtls_ecp_read_key(MBEDTLS_ECP_DP_CURVE25519, &pair, scalar, 32), 0);
        bytes[31] &= 127;
        assert_int_equal(mbedtls_ecp_point_read_binary(&grp, &u, bytes, 32), 0);
        assert_int_equal(
            mbedtls_ecp_mul(&grp, &r, &pair.MBEDTLS_PRIVATE(d), &u, random_of_system, NULL), 0);
        assert_int_equal(mbedtls_ecp_point_write_binary(&grp, &r, MBEDTLS_ECP_PF_UNCOMPRESSED,
                                                        &length, next, sizeof next),
                         0);
        mbedtls_ecp_keypair_free(&pair);
        memcpy(bytes, scalar, 32);
        memcpy(scalar, next, 32);
        if (i == 0)
            assert_memory_equal(next,
                                "\x42\x2c\x8e\x7a\x62\x27\xd7\xbc\xa1\x35\x0b\x3e\x2b\xb7\x27\x9f"
                                "\x78\x97\xb8\x7b\xb6\x85\x4b\x78\x3c\x60\xe8\x03\x11\xae\x30\x79",
                                32);
    }
    if (times == 1000)
        assert_memory_equal(scalar,
                            "\x68\x4c\xf5\x9b\xa8\x33\x09\x55\x28\x00\xef\x56\x6f\x2f\x4d\x3c"
                            "\x1c\x38\x87\xc4\x93\x60\xe3\x87\x5f\x2e\xb9\x4d\x99\x53\x2c\x51",
                            32);
    mbedtls_ecp_point_free(&u);
    mbedtls_ecp_point_free(&r);
    mbedtls_mpi_free(&k);
    mbedtls_mpi_free(&x);
    mbedtls_ecp_group_free(&grp);
}

/* Signatures by the library are taken, and with any bit changed they are not. */
static void signatures(void **state)
{
    (void)state;
    for (size_t c = 0; c < PRIMES; c++) {
        mbedtls_ecp_group grp;
        mbedtls_ecp_point q;
        mbedtls_mpi d, r, s;
        unsigned char hash[32];
        setup(&grp, curves[c]);
        mbedtls_ecp_point_init(&q);
        mbedtls_mpi_init(&d);
        mbedtls_mpi_init(&r);
        mbedtls_mpi_init(&s);
        for (int i = 0; i < TIMES(ROUNDS); i++) {
            assert_int_equal(tls_random(hash, sizeof hash), 0);
            assert_int_equal(mbedtls_ecp_gen_privkey(&grp, &d, random_of_system, NULL), 0);
            both_multiply(&grp, &d, &grp.G, &q);
            assert_int_equal(
                mbedtls_ecdsa_sign(&grp, &r, &s, &d, hash, sizeof hash, random_of_system, NULL), 0);
            assert_int_equal(mbedtls_ecdsa_verify(&grp, hash, sizeof hash, &q, &r, &s), 0);
            hash[i] ^= 1;
            assert_int_not_equal(mbedtls_ecdsa_verify(&grp, hash, sizeof hash, &q, &r, &s), 0);
            hash[i] ^= 1;
            assert_int_equal(mbedtls_mpi_add_int(&s, &s, 1), 0);
            assert_int_not_equal(mbedtls_ecdsa_verify(&grp, hash, sizeof hash, &q, &r, &s), 0);
        }
        mbedtls_ecp_point_free(&q);
        mbedtls_mpi_free(&d);
        mbedtls_mpi_free(&r);
        mbedtls_mpi_free(&s);
        mbedtls_ecp_group_free(&grp);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_numbers),     cmocka_unit_test(edges),
        cmocka_unit_test(infinity),           cmocka_unit_test(points_off_the_curve),
        cmocka_unit_test(x25519_iterated),    cmocka_unit_test(signatures),
        cmocka_unit_test(x25519_small_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
