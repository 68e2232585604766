#include "net/tls.h"

#include "base/buf.h"
#include "base/name.h"
#include "base/time.h"
#include "net/address.h"
#include "net/dn.h"
#include "net/tls_base.h"

#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* What close_notify may wait for a full socket buffer. */
#define CLOSE_MS 100
/* Names of a certificate that a message lists. */
#define NAMES_SHOWN 4
struct tls_session {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    struct tls_link link;
    /* for the verification only */
    const struct trust *trust;
    int trust_error;
    int top; /* depth of the topmost certificate; -1 before it was seen */
    const char *host;
    uint8_t address[ADDRESS_V6];
    size_t address_length; /* 0: host is a name */
    struct buf words;      /* what is wrong with the chain */
};

/* Mbed TLS asks for pointers that could be written through, and does not. */
static const char *protocols[] = {"http/1.1", NULL};

/* ---- what is wrong with a chain ------------------------------------------------------------- */

static void put_name(struct buf *b, const mbedtls_x509_buf *name)
{
    dn_print(b, name->p, name->len);
}

static void put_date(struct buf *b, const mbedtls_x509_time *t)
{
    char text[TIME_TEXT_SIZE];
    time_text(time_from_civil(t->year, t->mon, t->day, t->hour, t->min, t->sec), text);
    buf_text(b, text);
}

static void put_clock(struct buf *b)
{
    char text[TIME_TEXT_SIZE];
    time_text(time_wall(), text);
    buf_printf(b, " (our clock says %s)", text);
}

static void put_trust(struct buf *b, const struct trust *trust)
{
    if (trust->path == NULL) {
        buf_text(b, "the built-in CA certificates (there is no CA bundle; name one by --ca-file)");
        return;
    }
    buf_clean(b, trust->path, strlen(trust->path));
}

static unsigned alternative_kind(const mbedtls_x509_sequence *name)
{
    return name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
}

/* Appends one name that a server can be known by, as the COUNTth; false where it is of another
 * kind. */
static bool put_alternative(struct buf *b, const mbedtls_x509_sequence *name, unsigned count)
{
    unsigned kind = alternative_kind(name);
    if (name->buf.p == NULL ||
        (kind != MBEDTLS_X509_SAN_DNS_NAME && kind != MBEDTLS_X509_SAN_IP_ADDRESS))
        return false;
    if (count >= NAMES_SHOWN)
        return true;
    buf_text(b, count > 0 ? ", " : "");
    if (kind == MBEDTLS_X509_SAN_IP_ADDRESS)
        address_print(b, name->buf.p, name->buf.len);
    else
        dn_text(b, name->buf.p, name->buf.len);
    return true;
}

static void put_names(struct buf *b, const mbedtls_x509_crt *certificate)
{
    const mbedtls_x509_sequence *n = &certificate->subject_alt_names;
    unsigned count = 0;
    do {
        if (put_alternative(b, n, count))
            count++;
        n = n->next;
    } while (n != NULL);
    if (count == 0)
        put_name(b, &certificate->subject_raw);
    if (count > NAMES_SHOWN)
        buf_printf(b, " and %u more", count - NAMES_SHOWN);
}

static void say_untrusted(struct tls_session *s, const mbedtls_x509_crt *certificate, int depth)
{
    struct buf *b = &s->words;
    bool own = certificate->issuer_raw.len == certificate->subject_raw.len &&
               memcmp(certificate->issuer_raw.p, certificate->subject_raw.p,
                      certificate->issuer_raw.len) == 0;
    if (depth < s->top) {
        buf_text(b, "the signature of ");
        put_name(b, &certificate->subject_raw);
        buf_text(b, " is not its issuer's");
        return;
    }
    buf_text(b, own ? "the self-signed " : "the issuer ");
    put_name(b, &certificate->issuer_raw);
    buf_text(b, " is not among ");
    put_trust(b, s->trust);
}

static void say_dated(struct tls_session *s, const mbedtls_x509_crt *certificate, bool expired)
{
    struct buf *b = &s->words;
    put_name(b, &certificate->subject_raw);
    buf_text(b, expired ? " expired on " : " is not valid before ");
    put_date(b, expired ? &certificate->valid_to : &certificate->valid_from);
    put_clock(b);
}

static void say_misnamed(struct tls_session *s, const mbedtls_x509_crt *certificate)
{
    buf_text(&s->words, "the certificate is for ");
    put_names(&s->words, certificate);
    buf_text(&s->words, ", not for ");
    buf_clean(&s->words, s->host, strlen(s->host));
}

static void say_flag(struct tls_session *s, const mbedtls_x509_crt *certificate, int depth,
                     uint32_t flag)
{
    struct buf *b = &s->words;
    if (b->used > 0)
        buf_text(b, "; ");
    if (flag == MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
        say_untrusted(s, certificate, depth);
    } else if (flag == MBEDTLS_X509_BADCERT_EXPIRED || flag == MBEDTLS_X509_BADCERT_FUTURE) {
        say_dated(s, certificate, flag == MBEDTLS_X509_BADCERT_EXPIRED);
    } else if (flag == MBEDTLS_X509_BADCERT_CN_MISMATCH) {
        say_misnamed(s, certificate);
    } else {
        put_name(b, &certificate->subject_raw);
        if (flag == MBEDTLS_X509_BADCERT_BAD_MD)
            buf_text(b, " is signed with a hash that is not SHA-2");
        else if (flag == MBEDTLS_X509_BADCERT_BAD_KEY)
            buf_text(b, " or its issuer has too short a key (RSA below 2048 bits)");
        else
            buf_printf(b, " is not acceptable (0x%x)", (unsigned)flag);
    }
}

static bool has_address(const struct tls_session *s, const mbedtls_x509_crt *certificate)
{
    const mbedtls_x509_sequence *n = &certificate->subject_alt_names;
    do {
        if (alternative_kind(n) == MBEDTLS_X509_SAN_IP_ADDRESS && n->buf.len == s->address_length &&
            memcmp(n->buf.p, s->address, n->buf.len) == 0)
            return true;
        n = n->next;
    } while (n != NULL);
    return false;
}

/* Called with each certificate of the chain, from the topmost (the trusted one) down to the
 * server's. */
static int judge(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    struct tls_session *s = context;
    if (s->top < 0)
        s->top = depth;
    if (depth == 0 && s->address_length > 0 && !has_address(s, certificate))
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t flag = *flags & UINT32_C(1) << bit;
        if (flag != 0)
            say_flag(s, certificate, depth, flag);
    }
    return 0;
}

static int find(void *context, const mbedtls_x509_crt *child, mbedtls_x509_crt **candidates)
{
    struct tls_session *s = context;
    struct trust trust = *s->trust;
    s->trust_error = trust_find(&trust, child, candidates);
    return s->trust_error;
}

/* ---- what a failure means ------------------------------------------------------------------- */

static int say_failure(struct tls_session *s, int code, struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    if (s->link.error == 0 && s->trust_error != 0) {
        put_trust(&b, s->trust);
        buf_text(&b, s->trust_error == NET_NO_TRUST ? " cannot be read" : ": no memory");
        return s->trust_error;
    }
    if (s->link.error == 0 && code != MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE && s->words.used > 0) {
        buf_text(&b, s->words.data);
        return NET_UNTRUSTED;
    }
    return tls_base_say(&s->ssl, &s->link, code, why);
}

/* ---- the connection ------------------------------------------------------------------------- */

/* Mbed TLS sends the name that it verifies; an address must not be sent, so judge() looks at it. */
static int set_host(struct tls_session *s, const char *host)
{
    char name[NAME_SIZE];
    s->host = host;
    s->address_length = address_read(host, s->address);
    if (s->address_length > 0)
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
    mbedtls_ssl_conf_ca_cb(&s->config, find, s);
    mbedtls_ssl_conf_verify(&s->config, judge, s);
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
    s->trust = trust;
    s->top = -1;
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
    s->words = BUF_OVER(words);
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
        put_clock(&b);
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
