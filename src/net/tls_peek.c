#include "net/look.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "base/name.h"
#include "net/alert.h"
#include "net/tls.h"

#include <string.h>

#define RECORD_HEADER_SIZE 5
/* Longest record in clear text, RFC 5246 section 6.2.1. */
#define RECORD_MOST 16384
/*
 * ServerHello and Certificate, in any number of records. Chains of mail servers have up to 10 KB;
 * tls_look takes 16 KB.
 */
#define FLIGHT_SIZE 20480
/* Records until the chain has come: one for each certificate, and some more. */
#define RECORDS_MOST 64
#define RANDOM_SIZE  32
#define SHARE_SIZE   32
#define HELLO_SIZE   768

enum { RECORD_ALERT = 21, RECORD_HANDSHAKE = 22 };
enum { HELLO_REQUEST = 0, SERVER_HELLO = 2, CERTIFICATE = 11 };

/* They count only beside an extension that offers TLS 1.3. */
#define TLS13_SUITES 0x1301, 0x1302, 0x1303
/* Whatever an antique may have, the better ones first; 0x00ff is RFC 5746's signal. */
static const uint16_t ecdsa_suites[] = {
    0xc02b,      0xc02c, 0xcca9, 0xc0ac, 0xc0ad, 0xc023, 0xc024, 0xc009, 0xc00a, /* AES, ChaCha20 */
    0xc072,      0xc073, 0xc008, 0xc007, 0x00ff, /* Camellia, 3DES, RC4 */
    TLS13_SUITES};
static const uint16_t rsa_suites[] = {
    0xc02f,      0xc030, 0xcca8, 0xc027, 0xc028, 0xc013, 0xc014,         /* ECDHE */
    0x009e,      0x009f, 0xccaa, 0x0067, 0x006b, 0x0033, 0x0039,         /* DHE */
    0x009c,      0x009d, 0xc09c, 0xc09d, 0x003c, 0x003d, 0x002f, 0x0035, /* RSA key exchange */
    0x0041,      0x0084, 0xc012, 0x0016, 0x000a, 0x0005, 0x0004, 0x00ff, /* Camellia, 3DES, RC4 */
    TLS13_SUITES};
/* The RSA ones in the first list are for issuers; no suite beside it is RSA's. */
static const uint16_t ecdsa_signatures[] = {0x0403, 0x0503, 0x0603, 0x0807, 0x0808,
                                            0x0203, 0x0401, 0x0501, 0x0601, 0x0201};
static const uint16_t rsa_signatures[] = {0x0804, 0x0805, 0x0806, 0x0809, 0x080a,
                                          0x080b, 0x0401, 0x0501, 0x0601, 0x0201};
/* X25519, P-256, P-384, P-521, X448, secp256k1, the Brainpool curves. */
static const uint16_t groups[] = {29, 23, 24, 25, 30, 22, 26, 27, 28};

struct peek {
    struct tcp *tcp;
    const struct look_question *question;
    struct buf words;
    uint8_t version; /* minor of the ServerHello's: 1 is TLS 1.0; 0 before it */
    size_t used;     /* octets of flight */
    uint8_t flight[FLIGHT_SIZE];
};

/* ---- ClientHello (RFC 5246 section 7.4.1.2) ------------------------------------------------- */

static void put_u16(struct buf *b, size_t n)
{
    buf_char(b, (char)(n >> 8));
    buf_char(b, (char)n);
}

static void put_numbers(struct buf *b, const uint16_t *numbers, size_t count)
{
    put_u16(b, 2 * count);
    for (size_t i = 0; i < count; i++)
        put_u16(b, numbers[i]);
}
#define PUT_NUMBERS(b, array) put_numbers((b), (array), sizeof(array) / sizeof(array)[0])

/* Puts the length of what stands behind AT into the two octets there. */
static void close_u16(struct buf *b, size_t at)
{
    size_t length = b->used - at - 2;
    b->data[at] = (char)(length >> 8);
    b->data[at + 1] = (char)length;
}

/*
 * TLS 1.3 and all before it, and a share of X25519, which any 32 octets are (RFC 7748): a secret is
 * not needed, as no handshake goes on from here.
 */
static void put_tls13(struct buf *b, const char share[SHARE_SIZE])
{
    static const char versions[] = {0, 43, 0, 9, 8, 3, 4, 3, 3, 3, 2, 3, 1};
    static const char head[] = {0, 51, 0, SHARE_SIZE + 6, 0, SHARE_SIZE + 4, 0, 29, 0, SHARE_SIZE};
    buf_put(b, versions, sizeof versions);
    buf_put(b, head, sizeof head);
    buf_put(b, share, SHARE_SIZE);
}

/* SHARE: NULL does not offer TLS 1.3. */
static void put_extensions(struct buf *b, const char *name, enum look_key key, const char *share)
{
    static const char point_formats[] = {0, 11, 0, 2, 1, 0};
    size_t length = strlen(name), start = b->used;
    put_u16(b, 0);
    if (length > 0) {
        put_u16(b, 0); /* server_name */
        put_u16(b, length + 5);
        put_u16(b, length + 3);
        buf_char(b, 0); /* host_name */
        put_u16(b, length);
        buf_put(b, name, length);
    }
    put_u16(b, 10); /* supported_groups */
    put_u16(b, sizeof groups + 2);
    PUT_NUMBERS(b, groups);
    buf_put(b, point_formats, sizeof point_formats);
    put_u16(b, 13); /* signature_algorithms */
    put_u16(b, sizeof rsa_signatures + 2);
    if (key == LOOK_RSA)
        PUT_NUMBERS(b, rsa_signatures);
    else
        PUT_NUMBERS(b, ecdsa_signatures);
    if (share != NULL)
        put_tls13(b, share);
    close_u16(b, start);
}
_Static_assert(sizeof rsa_signatures == sizeof ecdsa_signatures, "one length for both");

/* False where there is no entropy or the name does not fit. */
static bool put_hello(struct buf *b, const struct look_question *q, bool tls13)
{
    static const char record[] = {RECORD_HANDSHAKE, 3, 1, 0, 0}, hello[] = {1, 0, 0, 0, 3, 3};
    char random[RANDOM_SIZE + SHARE_SIZE], name[NAME_SIZE] = "";
    if (tls_random(random, sizeof random) != 0 ||
        (q->name != NULL && name_canonical(q->name, name, sizeof name) != 0))
        return false;
    buf_put(b, record, sizeof record);
    buf_put(b, hello, sizeof hello);
    buf_put(b, random, RANDOM_SIZE);
    buf_char(b, 0); /* no session */
    if (q->key == LOOK_RSA)
        PUT_NUMBERS(b, rsa_suites);
    else
        PUT_NUMBERS(b, ecdsa_suites);
    put_u16(b, 0x0100); /* one compression method: none */
    put_extensions(b, name, q->key, tls13 ? random + RANDOM_SIZE : NULL);
    close_u16(b, sizeof record - 2);
    close_u16(b, sizeof record + 2);
    return !buf_full(b);
}

/* ---- what the server sends ------------------------------------------------------------------ */

static int broken(struct peek *p, const char *words)
{
    buf_text(&p->words, words);
    return (int)LOOK_BROKEN;
}

/* All SIZE octets; 0, NET_ENDED, or another error. */
static int read_all(struct tcp *t, uint8_t *bytes, size_t size)
{
    while (size > 0) {
        int n = tcp_read(t, bytes, size);
        if (n <= 0)
            return n == 0 ? NET_ENDED : n;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

/* What these return besides an enum look: another record must follow. */
enum { MORE = -1 };

/* Of TLS 1.3, whose certificates are not in clear text; a HelloRetryRequest is the same message. */
static bool is_tls13(const uint8_t *body, size_t length)
{
    struct cursor c = cursor_over(body, length);
    (void)cursor_take(&c, 2 + RANDOM_SIZE);
    (void)cursor_take(&c, cursor_u8(&c)); /* session */
    return cursor_u16(&c) >> 8 == 0x13;
}

/* One whole message. */
static int take_message(struct peek *p, uint8_t type, const uint8_t *body, size_t length)
{
    if (type == HELLO_REQUEST)
        return MORE;
    if (type == SERVER_HELLO && p->version == 0 && length > 2 && body[0] == 3 && body[1] > 0 &&
        body[1] <= 3) {
        p->version = body[1];
        return is_tls13(body, length) ? broken(p, "it speaks TLS 1.3") : MORE;
    }
    if (type != CERTIFICATE || p->version == 0)
        return broken(p, "a TLS message out of order in the place of a certificate");
    int count = look_certificates(body, length, false, p->question->visit, p->question->context);
    if (count <= 0)
        return broken(p, count < 0 ? "a damaged Certificate message"
                                   : "the server has sent no certificate");
    buf_printf(&p->words,
               "seen in clear text, by TLS 1.%d; the handshake was not brought to its end",
               p->version - 1);
    return (int)LOOK_SHOWN;
}

/* The messages that are whole by now. */
static int take_flight(struct peek *p)
{
    struct cursor c = cursor_over(p->flight, p->used);
    int rc = MORE;
    while (rc == MORE) {
        uint8_t type = cursor_u8(&c);
        size_t length = (size_t)cursor_u8(&c) << 16;
        length |= cursor_u16(&c);
        const uint8_t *body = cursor_take(&c, length);
        if (c.failed)
            break;
        rc = take_message(p, type, body, length);
        if (rc == MORE) {
            p->used = cursor_left(&c);
            memmove(p->flight, c.at, p->used);
            c = cursor_over(p->flight, p->used);
        }
    }
    return rc;
}

static int take_alert(struct peek *p, const uint8_t alert[2])
{
    const uint8_t warning = 1, close_notify = 0;
    if (alert[0] == warning && alert[1] != close_notify)
        return MORE;
    buf_printf(&p->words, "the server refused by alert %u %s", (unsigned)alert[1],
               alert_words(alert[1]));
    return (int)(alert[1] == close_notify ? LOOK_CUT : look_alert(alert[1]));
}

static int take_record(struct peek *p, struct net_words *why)
{
    uint8_t header[RECORD_HEADER_SIZE], alert[2];
    int rc = read_all(p->tcp, header, sizeof header);
    size_t length = (size_t)header[3] << 8 | header[4];
    if (rc != 0)
        return (int)look_failed(rc, "the TLS handshake", why);
    if (header[1] != 3 || length == 0 || length > RECORD_MOST ||
        !(header[0] == RECORD_HANDSHAKE || (header[0] == RECORD_ALERT && length == sizeof alert)))
        return broken(p, "the server's answer is not TLS");
    if (header[0] == RECORD_HANDSHAKE && length > sizeof p->flight - p->used)
        return broken(p, "the server's certificates are too long");
    rc = read_all(p->tcp, header[0] == RECORD_ALERT ? alert : p->flight + p->used, length);
    if (rc != 0)
        return (int)look_failed(rc, "the TLS handshake", why);
    if (header[0] == RECORD_ALERT)
        return take_alert(p, alert);
    p->used += length;
    return take_flight(p);
}

static enum look peek(struct tcp *t, const struct look_question *q, bool tls13,
                      struct net_words *why)
{
    char text[HELLO_SIZE];
    struct buf hello = BUF_OVER(text);
    struct peek p = {.tcp = t, .question = q, .words = BUF_OVER(why->text)};
    if (!put_hello(&hello, q, tls13)) {
        buf_text(&p.words, "no source of random numbers, or a name too long");
        return LOOK_UNABLE;
    }
    int rc = tcp_write(t, hello.data, hello.used);
    if (rc != 0)
        return look_failed(rc, "the TLS handshake", why);
    rc = MORE;
    for (unsigned i = 0; i < RECORDS_MOST && rc == MORE; i++)
        rc = take_record(&p, why);
    if (rc == MORE)
        rc = broken(&p, "the server sends TLS records without end");
    if (rc == (int)LOOK_SHOWN) {
        const uint8_t close_notify[] = {RECORD_ALERT, 3, p.version, 0, 2, 1, 0};
        (void)tcp_write(t, close_notify, sizeof close_notify);
        tcp_drain(t, LOOK_FAREWELL_MS);
    }
    return (enum look)rc;
}

enum look tls_peek(struct tcp *t, const struct look_question *q, struct net_words *why)
{
    return peek(t, q, false, why);
}

enum look tls_ask(struct tcp *t, const struct look_question *q, struct net_words *why)
{
    return peek(t, q, true, why);
}
