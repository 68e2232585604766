/*
 * Multiplication on elliptic curves for Mbed TLS, done by BearSSL: this module is Mbed TLS's
 * mbedtls_ecp_mul, mbedtls_ecp_mul_restartable and mbedtls_ecp_muladd_restartable (mbedtls/ecp.h
 * says what they do), for P-256, P-384, P-521 and X25519. third_party/rules.mk renames the
 * library's own to mbedtls_slow_...; the linker drops them, a unit test compares the two.
 *
 * Why: Mbed TLS works on numbers of any length on its heap, and that was four fifths of what a call
 * of daneroll took of the processor. BearSSL's numbers have the curve's length; its code takes the
 * same steps whatever the scalar.
 *
 * Points are checked as Mbed TLS checks them: on the curve, no point of small order.
 */
#ifndef NET_CURVE_H
#define NET_CURVE_H

#include <mbedtls/ecp.h>

/* The library's own. */
int mbedtls_slow_mul(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                     const mbedtls_ecp_point *P, int (*f_rng)(void *, unsigned char *, size_t),
                     void *p_rng);
int mbedtls_slow_muladd(mbedtls_ecp_group *grp, mbedtls_ecp_point *R, const mbedtls_mpi *m,
                        const mbedtls_ecp_point *P, const mbedtls_mpi *n,
                        const mbedtls_ecp_point *Q);

#endif
