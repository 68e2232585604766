#include "net/look.h"

#include "base/buf.h"
#include "base/name.h"
#include "net/tls_base.h"

#include <mbedtls/bignum.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>

#include <string.h>

struct looking {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    struct tls_link link;
    bool shown;
    char name[NAME_SIZE];
};

/* The three suites of TLS 1.3, which go with any key, and those of TLS 1.2 for one. */
static const int ecdsa_suites[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                   MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                                   MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                   MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                   MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                   MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                   0};
static const int rsa_suites[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                                 MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                 MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                                 MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                                 0};
/*
 * The PKCS#1 algorithms in the list of ECDSA are for issuers, which are RSA more often than not:
 * Java's servers hold a chain back whose signatures are not in the list. No server can take them
 * for an RSA leaf: TLS 1.3 forbids them there (RFC 8446 section 4.2.3), and in TLS 1.2 no suite is
 * RSA's.
 */
#define PKCS1                                                                                      \
    MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA256, MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA384,                      \
        MBEDTLS_TLS1_3_SIG_RSA_PKCS1_SHA512
static const uint16_t ecdsa_signatures[] = {
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP256R1_SHA256, MBEDTLS_TLS1_3_SIG_ECDSA_SECP384R1_SHA384,
    MBEDTLS_TLS1_3_SIG_ECDSA_SECP521R1_SHA512, PKCS1, MBEDTLS_TLS1_3_SIG_NONE};
static const uint16_t rsa_signatures[] = {
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256, MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384,
    MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512, PKCS1, MBEDTLS_TLS1_3_SIG_NONE};

static int prepare(struct looking *l, const struct look_question *q)
{
    int rc = tls_base_configure(&l->config);
    if (rc != 0)
        return rc;
    mbedtls_ssl_conf_authmode(&l->config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_ciphersuites(&l->config, q->key == LOOK_RSA ? rsa_suites : ecdsa_suites);
    mbedtls_ssl_conf_sig_algs(&l->config, q->key == LOOK_RSA ? rsa_signatures : ecdsa_signatures);
    rc = mbedtls_ssl_setup(&l->ssl, &l->config);
    if (rc == 0 && q->name != NULL && name_canonical(q->name, l->name, sizeof l->name) != 0)
        rc = MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
    if (rc == 0)
        rc = mbedtls_ssl_set_hostname(&l->ssl, l->name[0] != '\0' ? l->name : NULL);
    tls_base_link(&l->ssl, &l->link);
    return rc;
}

/*
 * The Certificate message out of Mbed TLS's buffer, where it stands, decrypted and in one piece,
 * after the step that has read it, also if its X.509 parser refused a certificate. 3.6 has no
 * public way to these octets in that case.
 */
static void take_chain(struct looking *l, const struct look_question *q)
{
    const mbedtls_ssl_context *ssl = &l->ssl;
    const uint8_t *message = ssl->MBEDTLS_PRIVATE(in_msg);
    const size_t length = ssl->MBEDTLS_PRIVATE(in_hslen), header = 4;
    if (ssl->MBEDTLS_PRIVATE(in_msgtype) != MBEDTLS_SSL_MSG_HANDSHAKE ||
        ssl->MBEDTLS_PRIVATE(badmac_seen_or_in_hsfraglen) != 0 || length < header ||
        ssl->MBEDTLS_PRIVATE(in_msglen) < length || message[0] != MBEDTLS_SSL_HS_CERTIFICATE)
        return;
    l->shown = look_certificates(message + header, length - header,
                                 mbedtls_ssl_get_version_number(ssl) == MBEDTLS_SSL_VERSION_TLS1_3,
                                 q->visit, q->context) > 0;
}

/* Set for the handshakes of a look that need not prove anything. */
static bool taken_as_shown;

/*
 * third_party/rules.mk lets TLS 1.3 call this for a CertificateVerify, in the place of
 * mbedtls_pk_verify_ext, which has the same arguments and results.
 */
int tls_verify_signature(mbedtls_pk_type_t type, const void *options, mbedtls_pk_context *key,
                         mbedtls_md_type_t md, const unsigned char *hash, size_t hash_length,
                         const unsigned char *signature, size_t signature_length)
{
    return taken_as_shown ? 0
                          : mbedtls_pk_verify_ext(type, options, key, md, hash, hash_length,
                                                  signature, signature_length);
}

static int shake_hands(struct looking *l, const struct look_question *q)
{
    while (!mbedtls_ssl_is_handshake_over(&l->ssl)) {
        bool certificate = l->ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_CERTIFICATE;
        int rc = mbedtls_ssl_handshake_step(&l->ssl);
        if (certificate && !l->shown)
            take_chain(l, q);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static enum look judge(const struct looking *l, int code)
{
    if (l->shown)
        return LOOK_SHOWN;
    if (l->link.error != 0)
        return l->link.error == NET_TIMEOUT ? LOOK_LATE : LOOK_CUT;
    if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE)
        return look_alert(tls_base_alert(&l->ssl));
    if (code == MBEDTLS_ERR_SSL_CONN_EOF || code == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
        return LOOK_CUT;
    if (code == MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION)
        return LOOK_OLD;
    if (code == MBEDTLS_ERR_SSL_ALLOC_FAILED || code == MBEDTLS_ERR_X509_ALLOC_FAILED ||
        code == MBEDTLS_ERR_MPI_ALLOC_FAILED)
        return LOOK_UNABLE;
    return LOOK_BROKEN;
}

static void part(struct looking *l, struct tcp *t, const char *farewell)
{
    if (farewell != NULL)
        (void)mbedtls_ssl_write(&l->ssl, (const unsigned char *)farewell, strlen(farewell));
    (void)mbedtls_ssl_close_notify(&l->ssl);
    tcp_drain(t, LOOK_FAREWELL_MS);
}

enum look tls_look(struct tcp *t, const struct look_question *q, struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    if (tls_base_start(why) != 0)
        return LOOK_UNABLE;
    struct looking *l = mbedtls_calloc(1, sizeof *l);
    if (l == NULL) {
        buf_text(&b, "no memory");
        return LOOK_UNABLE;
    }
    l->link.tcp = t;
    mbedtls_ssl_init(&l->ssl);
    mbedtls_ssl_config_init(&l->config);
    enum look result = LOOK_UNABLE;
    int rc = prepare(l, q);
    if (rc == 0) {
        taken_as_shown = !q->prove;
        rc = shake_hands(l, q);
        taken_as_shown = false;
        result = rc == 0 ? LOOK_SERVED : judge(l, rc);
    }
    if (rc == 0)
        part(l, t, q->farewell);
    else
        (void)tls_base_say(&l->ssl, &l->link, rc, why);
    mbedtls_ssl_free(&l->ssl);
    mbedtls_ssl_config_free(&l->config);
    mbedtls_free(l);
    return result;
}
