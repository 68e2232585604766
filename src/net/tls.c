#include "net/tls.h"

#include "base/buf.h"
#include "base/fault.h"
#include "base/name.h"
#include "base/time.h"
#include "net/address.h"
#include "net/alert.h"
#include "net/judge.h"

#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* What close_notify may wait for a full socket buffer. */
#define CLOSE_MS 100
struct tls_session {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    struct tcp *tcp;
    int tcp_error; /* NET_..., the first; what Mbed TLS makes of it is less exact */
    int tcp_errno;
    struct judge judge;
};

/* Mbed TLS asks for pointers that could be written through, and does not. */
static const char *protocols[] = {"http/1.1", NULL};

/* The high half of Mbed TLS's codes: which module failed at what; the low half says in which call.
 */
#define HIGH_HALF(code) (-((-(code)) & 0xff80))

static const struct {
    int code;
    int error;
    const char *words;
} meanings[] = {
    {MBEDTLS_ERR_SSL_CONN_EOF, NET_FAILED, "the server ended the connection in the TLS handshake"},
    {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, NET_FAILED, "the server closed in the TLS handshake"},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, NET_PROTOCOL, "the server's answer is not TLS"},
    {MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, NET_PROTOCOL, "a TLS record out of order"},
    {MBEDTLS_ERR_SSL_INVALID_MAC, NET_PROTOCOL, "a damaged TLS record"},
    {MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, NET_PROTOCOL,
     "the server wants neither TLS 1.2 nor 1.3"},
    {MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, NET_PROTOCOL, "a TLS message out of order"},
    {MBEDTLS_ERR_SSL_DECODE_ERROR, NET_PROTOCOL, "a damaged TLS message"},
    {MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, NET_PROTOCOL, "an illegal parameter in a TLS message"},
    {MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, NET_PROTOCOL, "the server chose what we did not offer"},
    {MBEDTLS_ERR_SSL_UNSUPPORTED_EXTENSION, NET_PROTOCOL, "a TLS extension that we did not offer"},
    {MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, NET_PROTOCOL, "the server does not speak HTTP/1.1"},
    {MBEDTLS_ERR_SSL_FEATURE_UNAVAILABLE, NET_PROTOCOL, "the server asks for what we do not have"},
    {MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL, NET_PROTOCOL, "a TLS message too long for us"},
    {MBEDTLS_ERR_SSL_BAD_CERTIFICATE, NET_UNTRUSTED, "the certificate cannot be used for a server"},
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, NET_FAILED, "no memory"},
    {MBEDTLS_ERR_X509_ALLOC_FAILED, NET_FAILED, "no memory"},
    {MBEDTLS_ERR_X509_FATAL_ERROR, NET_UNTRUSTED, "the certificate chain is too long"},
};

static int random_of_psa(void *context, unsigned char *bytes, size_t length)
{
    (void)context;
    return psa_generate_random(bytes, length) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

/* ---- between Mbed TLS and TCP --------------------------------------------------------------- */

static int failed_below(struct tls_session *s, int error)
{
    s->tcp_error = error;
    s->tcp_errno = errno;
    return MBEDTLS_ERR_SSL_TIMEOUT;
}

static int receive(void *context, unsigned char *bytes, size_t size)
{
    struct tls_session *s = context;
    int n = tcp_read(s->tcp, bytes, size);
    return n < 0 ? failed_below(s, n) : n;
}

static int transmit(void *context, const unsigned char *bytes, size_t length)
{
    struct tls_session *s = context;
    if (length > INT_MAX)
        length = INT_MAX;
    int rc = tcp_write(s->tcp, bytes, length);
    return rc < 0 ? failed_below(s, rc) : (int)length;
}

/* ---- what a failure means ------------------------------------------------------------------- */

static int say_meaning(int code, struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    for (int half = 0; half < 2; half++) {
        int wanted = half == 0 ? code : HIGH_HALF(code);
        for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
            if (meanings[i].code == wanted) {
                buf_text(&b, meanings[i].words);
                return meanings[i].error;
            }
        }
    }
    const char *words = judge_unreadable(code);
    if (words != NULL) {
        buf_text(&b, words);
        return NET_UNTRUSTED;
    }
    if (code <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE && code > MBEDTLS_ERR_X509_FATAL_ERROR) {
        buf_printf(&b, "the server's certificate cannot be read (-0x%04x)", (unsigned)-code);
        return NET_UNTRUSTED;
    }
    buf_printf(&b, "the TLS handshake failed (-0x%04x)", (unsigned)-code);
    return NET_PROTOCOL;
}

static int say_failure(struct tls_session *s, int code, struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    if (s->tcp_error != 0) {
        buf_printf(&b, "the TLS handshake broke off: %s",
                   s->tcp_error == NET_TIMEOUT ? "no answer in time" : fault_words(s->tcp_errno));
        return s->tcp_error;
    }
    if (s->judge.trust_error != 0) {
        judge_put_trust(&b, s->judge.trust);
        buf_text(&b, s->judge.trust_error == NET_NO_TRUST ? " cannot be read" : ": no memory");
        return s->judge.trust_error;
    }
    if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        /* The alert's code has no public accessor in 3.6. */
        unsigned alert = s->ssl.MBEDTLS_PRIVATE(in_msg)[1];
        buf_printf(&b, "the server refused by alert %u %s", alert, alert_words(alert));
        return NET_PROTOCOL;
    }
    if (s->judge.words.used > 0) {
        buf_text(&b, s->judge.words.data);
        return NET_UNTRUSTED;
    }
    return say_meaning(code, why);
}

/* ---- the connection ------------------------------------------------------------------------- */

static int start_crypto(struct net_words *why)
{
    uint8_t byte;
    struct buf b = BUF_OVER(why->text);
    judge_start_clock();
    if (psa_crypto_init() == PSA_SUCCESS)
        return 0;
    if (tls_random(&byte, 1) != 0) {
        buf_text(&b, "no source of random numbers: neither getrandom nor /dev/urandom");
        return NET_NO_ENTROPY;
    }
    buf_text(&b, "the cryptographic library does not start: no memory");
    return NET_FAILED;
}

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
    int rc = mbedtls_ssl_config_defaults(&s->config, MBEDTLS_SSL_IS_CLIENT,
                                         MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    if (rc != 0)
        return rc;
    mbedtls_ssl_conf_min_tls_version(&s->config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_authmode(&s->config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_cb(&s->config, judge_find, &s->judge);
    mbedtls_ssl_conf_verify(&s->config, judge_certificate, &s->judge);
    mbedtls_ssl_conf_rng(&s->config, random_of_psa, NULL);
    rc = mbedtls_ssl_conf_alpn_protocols(&s->config, protocols);
    if (rc == 0)
        rc = mbedtls_ssl_setup(&s->ssl, &s->config);
    if (rc == 0)
        rc = set_host(s, host);
    mbedtls_ssl_set_bio(&s->ssl, s, transmit, receive, NULL);
    return rc;
}

static struct tls_session *session_new(struct tls *t, const struct trust *trust)
{
    struct tls_session *s = mbedtls_calloc(1, sizeof *s);
    if (s == NULL)
        return NULL;
    s->tcp = &t->tcp;
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
    int rc = start_crypto(why);
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
    if (s->tcp_error != 0)
        return s->tcp_error;
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
    if (t->session->tcp_error == 0) {
        t->tcp.deadline = time_ticks() + CLOSE_MS;
        (void)mbedtls_ssl_close_notify(&t->session->ssl);
    }
    session_free(t->session);
    t->session = NULL;
    tcp_close(&t->tcp);
}
