/*
 * Mbed TLS 3.6 as daneroll needs it: a TLS 1.2 and 1.3 client that verifies names and chains, and a
 * reader of private keys whose public half goes into TLSA records. Read in place of the library's
 * own mbedtls/mbedtls_config.h (MBEDTLS_CONFIG_FILE).
 *
 * Whatever is not named here is off. Prices are bytes of code on x86-64 at -Os.
 */
#ifndef DANEROLL_MBEDTLS_CONFIG_H
#define DANEROLL_MBEDTLS_CONFIG_H

/* ---- the system ---------------------------------------------------------------------------- */

/* Inline assembly of the bignum core: without it RSA and P-256 take about twice as long. */
#define MBEDTLS_HAVE_ASM
/* Dates of certificates are checked. */
#define MBEDTLS_HAVE_TIME
#define MBEDTLS_HAVE_TIME_DATE
#define MBEDTLS_PLATFORM_C
/* The clock is a pointer that net/tls.c sets to base/time's, so that a test replaces one object. */
#define MBEDTLS_PLATFORM_TIME_ALT
/* Secrets are wiped with the library's own loop: explicit_bzero needs _GNU_SOURCE. */

/*
 * Random numbers come from mbedtls_psa_external_get_random() in net/entropy.c, which is the kernel's
 * generator alone: the library's own costs 3 KB, calls getrandom only with glibc, and with musl
 * opens /dev/urandom, which an empty chroot lacks.
 */
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG

/* ---- hashes and ciphers -------------------------------------------------------------------- */

#define MBEDTLS_MD_C
/*
 * Only to read certificates: a server that sends its old root along, signed with SHA-1, as the last
 * of its chain, makes the handshake of TLS 1.3 fail without it. The default profile accepts no SHA-1
 * signature, and none is offered; so net/trust.c says no in place of hashing, which saves 4.5 KB.
 */
#define MBEDTLS_SHA1_PROCESS_ALT
#define MBEDTLS_SHA1_C
#define MBEDTLS_SHA224_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C
/* BearSSL's code, by way of net/hash.c: -2 KB, and it is the faster one. */
#define MBEDTLS_SHA256_ALT
#define MBEDTLS_SHA512_ALT

#define MBEDTLS_CIPHER_C
#define MBEDTLS_AES_C
/* Tables in ROM, one of four: no 8800 bytes of bss (that is RSS), 6 KB less code than all four. */
#define MBEDTLS_AES_ROM_TABLES
#define MBEDTLS_AES_FEWER_TABLES
/* GCM and CTR_DRBG only ever encrypt blocks: -2.5 KB of inverse tables. */
#define MBEDTLS_BLOCK_CIPHER_NO_DECRYPT
#define MBEDTLS_GCM_C
#define MBEDTLS_CHACHA20_C
#define MBEDTLS_POLY1305_C
#define MBEDTLS_CHACHAPOLY_C

/* ---- public keys --------------------------------------------------------------------------- */

#define MBEDTLS_BIGNUM_C
/* RSA keys to 8192 bits are verified: 1024 bytes (the default, said aloud). */
#define MBEDTLS_MPI_MAX_SIZE 1024
/* A small window: a few KB less heap in an RSA operation; one run makes two or three. */
#define MBEDTLS_MPI_WINDOW_SIZE 2

#define MBEDTLS_ECP_C
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#define MBEDTLS_ECP_DP_SECP521R1_ENABLED
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED
/*
 * Points are multiplied by BearSSL (net/curve.c): the library's fast reduction (2.3 KB) and
 * precomputed points (15 KB) would serve nobody.
 */
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0

#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PKCS1_V21

#define MBEDTLS_OID_C
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_PK_C
/* Private keys (PKCS#1, SEC1, PKCS#8, unencrypted) are read and written as SPKI by cert/key.c. */
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_PK_WRITE_C
/* PEM is the work of cert/pem.c and net/bundle.c: MBEDTLS_PEM_PARSE_C and BASE64_C stay off. */

/* ---- PSA: TLS 1.3 is written on it --------------------------------------------------------- */

#define MBEDTLS_PSA_CRYPTO_C
/* The key schedule's extract and expand; PSA has its own code, the linker drops this module's. */
#define MBEDTLS_HKDF_C
/* One connection holds at most five keys at a time; the slots are static, 48 bytes each. */
#define MBEDTLS_PSA_KEY_SLOT_COUNT 8
/* Keys of PSA are never stored: PSA_CRYPTO_STORAGE_C and PSA_ITS_FILE_C stay off. */

/*
 * What TLS 1.3 asks of PSA, and no more: signatures are verified without it, so RSA and ECDSA stay
 * out of it (-5 KB with src/net/tls_unused.c). The names stand here and not in a file of their own:
 * the second time this one is read it is empty.
 */
#define MBEDTLS_PSA_CRYPTO_CONFIG
#define MBEDTLS_PSA_CRYPTO_CONFIG_FILE <mbedtls_config.h>
#define PSA_WANT_ALG_ECDH 1
#define PSA_WANT_ALG_HKDF_EXTRACT 1
#define PSA_WANT_ALG_HKDF_EXPAND 1
#define PSA_WANT_ALG_HMAC 1
#define PSA_WANT_ALG_SHA_256 1
#define PSA_WANT_ALG_SHA_384 1
#define PSA_WANT_ALG_SHA_512 1
/* Only asked for by name, where TLS 1.2 meets a signature of RFC 8446 section 4.2.3. */
#define PSA_WANT_ALG_RSA_PSS 1
#define PSA_WANT_KEY_TYPE_RSA_PUBLIC_KEY 1
#define PSA_WANT_ALG_GCM 1
#define PSA_WANT_ALG_CHACHA20_POLY1305 1
#define PSA_WANT_KEY_TYPE_AES 1
#define PSA_WANT_KEY_TYPE_CHACHA20 1
#define PSA_WANT_KEY_TYPE_DERIVE 1
#define PSA_WANT_KEY_TYPE_HMAC 1
#define PSA_WANT_KEY_TYPE_ECC_PUBLIC_KEY 1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_BASIC 1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_IMPORT 1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_EXPORT 1
#define PSA_WANT_KEY_TYPE_ECC_KEY_PAIR_GENERATE 1
#define PSA_WANT_ECC_SECP_R1_256 1
#define PSA_WANT_ECC_SECP_R1_384 1
#define PSA_WANT_ECC_SECP_R1_521 1
#define PSA_WANT_ECC_MONTGOMERY_255 1

/* ---- certificates -------------------------------------------------------------------------- */

#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
/* Without it TLS 1.3 offers no RSA at all. */
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT
/* CA certificates are searched on demand: a bundle of 150 roots costs no memory. */
#define MBEDTLS_X509_TRUSTED_CERTIFICATE_CALLBACK
/* No printable descriptions of certificates: -6 KB, and libc's printf stays out. */
#define MBEDTLS_X509_REMOVE_INFO

/* ---- TLS ----------------------------------------------------------------------------------- */

#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_SSL_PROTO_TLS1_3
/* Without the fake change_cipher_spec some middleboxes drop the connection. */
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_SSL_SERVER_NAME_INDICATION
/* "http/1.1" is offered: some servers guess HTTP/2 where a client names nothing. */
#define MBEDTLS_SSL_ALPN
/* TLS 1.3 asks for it, and so does the probe, which compares the chain with the records. */
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE
/* A server may send records of 16 KB; most servers do not honour a smaller wish. */
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384
/* Requests are small: -12 KB of heap. */
#define MBEDTLS_SSL_OUT_CONTENT_LEN 4096

/*
 * Left out on purpose: the server side (18 KB), session tickets and early data (one connection a
 * run), renegotiation, CBC and static RSA suites, DTLS, NET_C, TIMING_C, FS_IO, DEBUG_C,
 * ERROR_C (17.5 KB of strings), SELF_TEST, VERSION_C, AESNI and AESCE (a few KB of data are
 * encrypted a run), threading (there is one thread).
 */

#endif
