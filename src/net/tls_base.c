#include "net/tls_base.h"

#include "base/buf.h"
#include "base/fault.h"
#include "base/time.h"
#include "net/alert.h"
#include "net/judge.h"
#include "net/tls.h"

#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include <errno.h>
#include <limits.h>

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
    {MBEDTLS_ERR_MD_ALLOC_FAILED, NET_FAILED, "no memory"},
    {MBEDTLS_ERR_MPI_ALLOC_FAILED, NET_FAILED, "no memory"},
    {MBEDTLS_ERR_X509_FATAL_ERROR, NET_UNTRUSTED, "the certificate chain is too long"},
};

static int random_of_psa(void *context, unsigned char *bytes, size_t length)
{
    (void)context;
    return psa_generate_random(bytes, length) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int failed_below(struct tls_link *link, int error)
{
    link->error = error;
    link->fault = errno;
    return MBEDTLS_ERR_SSL_TIMEOUT;
}

static int receive(void *context, unsigned char *bytes, size_t size)
{
    struct tls_link *link = context;
    int n = tcp_read(link->tcp, bytes, size);
    return n < 0 ? failed_below(link, n) : n;
}

static int transmit(void *context, const unsigned char *bytes, size_t length)
{
    struct tls_link *link = context;
    if (length > INT_MAX)
        length = INT_MAX;
    int rc = tcp_write(link->tcp, bytes, length);
    return rc < 0 ? failed_below(link, rc) : (int)length;
}

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

int tls_base_say(const mbedtls_ssl_context *ssl, const struct tls_link *link, int code,
                 struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    if (link->error != 0) {
        buf_printf(&b, "the TLS handshake broke off: %s",
                   link->error == NET_TIMEOUT ? "no answer in time" : fault_words(link->fault));
        return link->error;
    }
    if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
        unsigned alert = tls_base_alert(ssl);
        buf_printf(&b, "the server refused by alert %u %s", alert, alert_words(alert));
        return NET_PROTOCOL;
    }
    return say_meaning(code, why);
}

unsigned tls_base_alert(const mbedtls_ssl_context *ssl)
{
    /* It has no public accessor in 3.6. */
    return ssl->MBEDTLS_PRIVATE(in_msg)[1];
}

int tls_base_start(struct net_words *why)
{
    uint8_t byte;
    struct buf b = BUF_OVER(why->text);
    judge_start_clock();
    /* Mbed TLS starts without, and then says that the handshake failed. */
    if (tls_random(&byte, 1) != 0) {
        buf_text(&b, "no source of random numbers: neither getrandom nor /dev/urandom");
        return NET_NO_ENTROPY;
    }
    if (psa_crypto_init() == PSA_SUCCESS)
        return 0;
    buf_text(&b, "the cryptographic library does not start: no memory");
    return NET_FAILED;
}

int tls_base_configure(mbedtls_ssl_config *config)
{
    int rc = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
                                         MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
    mbedtls_ssl_conf_rng(config, random_of_psa, NULL);
    return rc;
}

void tls_base_link(mbedtls_ssl_context *ssl, struct tls_link *link)
{
    mbedtls_ssl_set_bio(ssl, link, transmit, receive, NULL);
}
