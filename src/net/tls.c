#include "net/tls.h"

#include "base/buf.h"
#include "base/name.h"
#include "base/time.h"
#include "cert/spki.h"
#include "net/address.h"
#include "net/judge.h"
#include "net/tls_base.h"
#include "net/verdicts.h"

#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* What close_notify may wait for a full socket buffer. */
#define CLOSE_MS 100
struct tls_session {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    struct tls_link link;
    struct judge judge;
};

/* Mbed TLS asks for pointers that could be written through, and does not. */
static const char *protocols[] = {"http/1.1", NULL};

static int say_failure(struct tls_session *s, int code, struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    if (s->link.error == 0 && s->judge.trust_error != 0) {
        judge_put_trust(&b, s->judge.trust);
        buf_text(&b, s->judge.trust_error == NET_NO_TRUST ? " cannot be read" : ": no memory");
        return s->judge.trust_error;
    }
    if (s->link.error == 0 && code != MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE &&
        s->judge.words.used > 0) {
        buf_text(&b, s->judge.words.data);
        return NET_UNTRUSTED;
    }
    return tls_base_say(&s->ssl, &s->link, code, why);
}

/* ---- the chain ------------------------------------------------------------------------------ */

static void tell_chain(uint8_t digest[32], const struct judge *judge, const mbedtls_x509_crt *chain)
{
    verdicts_begin(digest, judge->trust);
    cert_mix(digest, judge->host, strlen(judge->host) + 1);
    for (; chain != NULL; chain = chain->next)
        cert_mix(digest, chain->raw.p, chain->raw.len);
}

/*
 * third_party/rules.mk lets Mbed TLS's handshake call this in the place of
 * mbedtls_x509_crt_verify_with_ca_cb, which has the same arguments and results: it is asked unless
 * its good verdict on this very chain, for this host, is known from today.
 */
int tls_verify_chain(mbedtls_x509_crt *chain, mbedtls_x509_crt_ca_cb_t find, void *judge,
                     const mbedtls_x509_crt_profile *profile, const char *name, uint32_t *flags,
                     int (*certificate)(void *, mbedtls_x509_crt *, int, uint32_t *), void *context)
{
    uint8_t digest[32];
    struct verdicts *known = ((const struct judge *)judge)->trust->verdicts;
    if (known != NULL) {
        tell_chain(digest, judge, chain);
        if (verdicts_know(known, digest) && !mbedtls_x509_time_is_past(&chain->valid_to) &&
            !mbedtls_x509_time_is_future(&chain->valid_from)) {
            *flags = 0;
            return 0;
        }
    }
    int rc = mbedtls_x509_crt_verify_with_ca_cb(chain, find, judge, profile, name, flags,
                                                certificate, context);
    if (rc == 0 && *flags == 0 && known != NULL)
        verdicts_keep(known, digest);
    return rc;
}

/* ---- the connection ------------------------------------------------------------------------- */

/* Mbed TLS sends the name that it verifies; an address must not be sent, so the judge looks at it.
 */
static int set_host(struct tls_session *s, const char *host)
{
    char name[NAME_SIZE];
    s->judge.host = host;
    s->judge.address_length = address_read(host, s->judge.address);
    if (s->judge.address_length > 0)
        return mbedtls_ssl_set_hostname(&s->ssl, NULL);
    if (name_canonical(host, name, sizeof name) != 0 || name[0] == '\0')
        return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
    return mbedtls_ssl_set_hostname(&s->ssl, name);
}

static int prepare(struct tls_session *s, const char *host)
{
    int rc = tls_base_configure(&s->config);
    if (rc != 0)
        return rc;
    mbedtls_ssl_conf_authmode(&s->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_cb(&s->config, judge_find, &s->judge);
    mbedtls_ssl_conf_verify(&s->config, judge_certificate, &s->judge);
    rc = mbedtls_ssl_conf_alpn_protocols(&s->config, protocols);
    if (rc == 0)
        rc = mbedtls_ssl_setup(&s->ssl, &s->config);
    if (rc == 0)
        rc = set_host(s, host);
    tls_base_link(&s->ssl, &s->link);
    return rc;
}

static struct tls_session *session_new(struct tls *t, const struct trust *trust)
{
    struct tls_session *s = mbedtls_calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->link.tcp = &t->tcp;
    s->judge.trust = trust;
    s->judge.top = -1;
    mbedtls_ssl_init(&s->ssl);
    mbedtls_ssl_config_init(&s->config);
    return s;
}

static void session_free(struct tls_session *s)
{
    mbedtls_ssl_free(&s->ssl);
    mbedtls_ssl_config_free(&s->config);
    mbedtls_free(s);
}

static int shake_hands(struct tls *t, const struct trust *trust, const char *host,
                       struct net_words *why)
{
    char words[NET_WORDS_SIZE];
    struct buf b = BUF_OVER(why->text);
    struct tls_session *s = session_new(t, trust);
    if (s == NULL) {
        buf_text(&b, "no memory");
        return NET_FAILED;
    }
    s->judge.words = BUF_OVER(words);
    int rc = prepare(s, host);
    if (rc == 0)
        rc = mbedtls_ssl_handshake(&s->ssl);
    if (rc != 0) {
        rc = say_failure(s, rc, why);
        session_free(s);
        return rc;
    }
    t->session = s;
    return 0;
}

int tls_connect(struct tls *t, const struct trust *trust, const char *host, uint16_t port,
                int64_t connect_ms, int64_t deadline, struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    *t = (struct tls){.session = NULL, .tcp = {.fd = -1, .deadline = deadline}};
    if (!time_is_set()) {
        buf_text(&b, "clock not set: certificates cannot be judged by it");
        judge_put_clock(&b);
        return NET_CLOCK;
    }
    int rc = tls_base_start(why);
    if (rc == 0)
        rc = tcp_connect(&t->tcp, host, port, connect_ms, deadline, why);
    if (rc == 0)
        rc = shake_hands(t, trust, host, why);
    if (rc != 0)
        tcp_close(&t->tcp);
    return rc;
}

void tls_deadline(struct tls *t, int64_t deadline)
{
    t->tcp.deadline = deadline;
}

static int error_of(const struct tls_session *s, int code)
{
    if (s->link.error != 0)
        return s->link.error;
    return code == MBEDTLS_ERR_SSL_ALLOC_FAILED ? NET_FAILED : NET_PROTOCOL;
}

int tls_read(struct tls *t, void *bytes, size_t size)
{
    struct tls_session *s = t->session;
    for (;;) {
        int n = mbedtls_ssl_read(&s->ssl, bytes, size > INT_MAX ? INT_MAX : size);
        if (n > 0)
            return n;
        /* A message after the handshake (NewSessionTicket) was read, and passed over. */
        if (n == MBEDTLS_ERR_SSL_WANT_READ)
            continue;
        if (n == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
            return 0;
        return n == 0 ? NET_ENDED : error_of(s, n);
    }
}

int tls_write(struct tls *t, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    while (length > 0) {
        int n = mbedtls_ssl_write(&t->session->ssl, at, length);
        if (n <= 0)
            return error_of(t->session, n);
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

void tls_close(struct tls *t)
{
    if (t->session == NULL)
        return;
    if (t->session->link.error == 0) {
        t->tcp.deadline = time_ticks() + CLOSE_MS;
        (void)mbedtls_ssl_close_notify(&t->session->ssl);
    }
    session_free(t->session);
    t->session = NULL;
    tcp_close(&t->tcp);
}
