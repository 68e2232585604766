/*
 * The looks at a chain against canned answers: what each makes of chains that Mbed TLS can and
 * cannot read, in any cut of records, of alerts, damage and ends. Real servers:
 * tests/e2e/test_probe.py.
 */
#include "base/buf.h"
#include "base/time.h"
#include "net/look.h"
#include "vectors.h"

#include <mbedtls/ecp.h>
#include <mbedtls/x509_crt.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOON        150
#define LATER       20000
#define FLIGHT_MOST 65536

enum { ALERT = 21, HANDSHAKE = 22 };
enum { SERVER_HELLO = 2, CERTIFICATE = 11, KEY_EXCHANGE = 12 };

static struct cert_object leaf, issuer; /* Ed25519, which Mbed TLS cannot read; P-256 */
static uint8_t heard[2048];             /* the ClientHello */
static size_t heard_length;
static struct net_words why;
static bool proving = true;

/* ---- what was visited ----------------------------------------------------------------------- */

static unsigned seen;
static bool seen_right;

static void visit(void *context, const uint8_t *der, size_t length)
{
    const struct cert_object *expected = seen == 0 ? &leaf : &issuer;
    assert_ptr_equal(context, &seen);
    seen_right = seen_right && seen < 2 && length == expected->length &&
                 memcmp(der, expected->der, length) == 0;
    seen++;
}

/* ---- canned answers ------------------------------------------------------------------------- */

static char bytes[FLIGHT_MOST], more_bytes[FLIGHT_MOST];

static void put(struct buf *b, size_t n, unsigned octets)
{
    while (octets-- > 0)
        buf_char(b, (char)(n >> 8 * octets));
}

static void message(struct buf *b, int type, const struct buf *body)
{
    put(b, (size_t)type, 1);
    put(b, body->used, 3);
    buf_put(b, body->data, body->used);
}

static void server_hello(struct buf *b, unsigned version)
{
    char text[128] = {0};
    struct buf body = BUF_OVER(text);
    put(&body, version, 2);
    for (int i = 0; i < 32; i++)
        put(&body, (size_t)i, 1);
    put(&body, 0, 1);
    put(&body, 0xc02b, 2);
    put(&body, 0, 1);
    message(b, SERVER_HELLO, &body);
}

static void certificates(struct buf *b, bool tls13)
{
    static char text[8192];
    struct buf body = BUF_OVER(text);
    if (tls13)
        put(&body, 0, 1);
    put(&body, leaf.length + issuer.length + (tls13 ? 6 + 2 + 2 + 5 : 6), 3);
    put(&body, leaf.length, 3);
    buf_put(&body, leaf.der, leaf.length);
    if (tls13) {
        put(&body, 5, 2);
        put(&body, 0x1234, 2);
        put(&body, 1, 2);
        put(&body, 7, 1);
    }
    put(&body, issuer.length, 3);
    buf_put(&body, issuer.der, issuer.length);
    if (tls13)
        put(&body, 0, 2);
    assert_false(buf_full(&body));
    message(b, CERTIFICATE, &body);
}

/* The text in records of at most PIECE octets. */
static void records(struct buf *b, int type, const struct buf *text, size_t piece)
{
    for (size_t at = 0; at < text->used; at += piece) {
        size_t length = text->used - at < piece ? text->used - at : piece;
        put(b, (size_t)type, 1);
        put(b, 0x0303, 2);
        put(b, length, 2);
        buf_put(b, text->data + at, length);
    }
}

/* ServerHello and Certificate, of a server with this version. */
static struct buf flight(unsigned version, size_t piece)
{
    struct buf text = BUF_OVER(more_bytes), b = BUF_OVER(bytes);
    server_hello(&text, version);
    certificates(&text, false);
    records(&b, HANDSHAKE, &text, piece);
    assert_false(buf_full(&b));
    return b;
}

static struct buf alert(unsigned level, unsigned code)
{
    struct buf b = BUF_OVER(bytes);
    put(&b, ALERT, 1);
    put(&b, 0x0303, 2);
    put(&b, 2, 2);
    put(&b, level, 1);
    put(&b, code, 1);
    return b;
}

typedef enum look (*way)(struct tcp *t, const struct look_question *q, struct net_words *words);

static enum look look_at(way how, const void *answer, size_t length, bool ends, enum look_key key,
                         const char *name)
{
    const struct look_question q = {name, key, NULL, visit, &seen, proving};
    int fds[2];
    size_t at = 0;
    seen = 0;
    seen_right = true;
    memset(&why, 0, sizeof why);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    while (at < length) {
        ssize_t n = send(fds[1], (const char *)answer + at, length - at, 0);
        assert_true(n > 0);
        at += (size_t)n;
    }
    if (ends)
        assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
    struct tcp t = {fds[0], time_ticks() + (ends ? LATER : SOON)};
    enum look result = how(&t, &q, &why);
    tcp_close(&t);
    ssize_t n = recv(fds[1], heard, sizeof heard, 0);
    heard_length = n > 0 ? (size_t)n : 0;
    (void)close(fds[1]);
    assert_true(result == LOOK_SERVED || why.text[0] != '\0');
    assert_true((result == LOOK_SERVED || result == LOOK_SHOWN) == (seen > 0));
    return result;
}

static enum look look_with(way how, const struct buf *answer)
{
    return look_at(how, answer->data, answer->used, true, LOOK_ECDSA, "mail.example.org");
}

static const way ways[] = {tls_look, tls_peek};

static int load(void **state)
{
    (void)state;
    vector_certificate("kind-ed25519.pem", &leaf);
    vector_certificate("ca-issuer.pem", &issuer);
    return 0;
}

/* ---- the list ------------------------------------------------------------------------------- */

static int list_of(const struct buf *text, size_t length, bool tls13)
{
    seen = 0;
    seen_right = true;
    return look_certificates((const uint8_t *)text->data + 4, length, tls13, visit, &seen);
}

static void lists(void **state)
{
    (void)state;
    for (int tls13 = 0; tls13 < 2; tls13++) {
        struct buf b = BUF_OVER(bytes);
        certificates(&b, tls13);
        size_t whole = b.used - 4;
        assert_int_equal(list_of(&b, whole, tls13), 2);
        assert_int_equal(seen, 2);
        assert_true(seen_right);
        /* Cut anywhere, with more behind, or read as of the other version: nothing is visited. */
        for (size_t length = 0; length < whole; length++)
            assert_int_equal(list_of(&b, length, tls13), -1);
        assert_int_equal(list_of(&b, whole + 1, tls13), -1);
        assert_int_equal(list_of(&b, whole, !tls13), -1);
        assert_int_equal(seen, 0);
    }
    static const uint8_t none[] = {0, 0, 0}, empty[] = {0, 0, 3, 0, 0, 0}, none13[] = {0, 0, 0, 0},
                         context13[] = {1, 9, 0, 0, 0};
    assert_int_equal(look_certificates(none, sizeof none, false, visit, &seen), 0);
    assert_int_equal(look_certificates(empty, sizeof empty, false, visit, &seen), -1);
    assert_int_equal(look_certificates(none13, sizeof none13, true, visit, &seen), 0);
    assert_int_equal(look_certificates(context13, sizeof context13, true, visit, &seen), 0);
    assert_int_equal(seen, 0);
}

/* ---- what is shown -------------------------------------------------------------------------- */

/* TLS 1.2: Mbed TLS says no to an Ed25519 leaf, and its octets are seen all the same. */
static void shown_by_both(void **state)
{
    static const size_t pieces[] = {16384, 1000, 333, 100, 40};
    (void)state;
    for (size_t w = 0; w < 2; w++) {
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            struct buf b = flight(0x0303, pieces[i]);
            assert_int_equal(look_with(ways[w], &b), LOOK_SHOWN);
            assert_int_equal(seen, 2);
            assert_true(seen_right);
        }
    }
}

static void shown_by_old_ones(void **state)
{
    struct buf b = flight(0x0301, 16384);
    (void)state;
    assert_int_equal(look_with(tls_peek, &b), LOOK_SHOWN);
    assert_non_null(strstr(why.text, "TLS 1.0"));
    assert_int_equal(look_with(tls_look, &b), LOOK_OLD);
    b = flight(0x0302, 16384);
    assert_int_equal(look_with(tls_peek, &b), LOOK_SHOWN);
    assert_non_null(strstr(why.text, "TLS 1.1"));
    assert_int_equal(look_with(tls_look, &b), LOOK_OLD);
    b = flight(0x0304, 16384);
    assert_int_equal(look_with(tls_peek, &b), LOOK_BROKEN);
    b = flight(0x0203, 16384);
    assert_int_equal(look_with(tls_peek, &b), LOOK_BROKEN);
}

/* Warnings, such as that of a server that does not know the name, and requests for a hello. */
static void passes_over(void **state)
{
    static const char request[] = {HANDSHAKE, 3, 3, 0, 4, 0, 0, 0, 0};
    static char text[FLIGHT_MOST];
    (void)state;
    struct buf b = BUF_OVER(text), warning = alert(1, 112);
    buf_put(&b, warning.data, warning.used);
    buf_put(&b, request, sizeof request);
    struct buf rest = flight(0x0303, 16384);
    buf_put(&b, rest.data, rest.used);
    assert_int_equal(look_with(tls_peek, &b), LOOK_SHOWN);
    assert_true(seen_right);
}

/* ---- what is not ---------------------------------------------------------------------------- */

static void alerts(void **state)
{
    static const struct {
        unsigned code;
        enum look expected;
    } table[] = {{40, LOOK_OTHER_KEY}, {71, LOOK_OTHER_KEY}, {49, LOOK_OTHER_KEY},
                 {70, LOOK_OLD},       {80, LOOK_BROKEN},    {112, LOOK_BROKEN},
                 {47, LOOK_BROKEN},    {255, LOOK_BROKEN},   {0, LOOK_CUT}};
    (void)state;
    for (size_t w = 0; w < 2; w++) {
        for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
            char number[32];
            struct buf b = alert(table[i].code == 0 ? 1 : 2, table[i].code);
            assert_int_equal(look_with(ways[w], &b), table[i].expected);
            (void)snprintf(number, sizeof number, "alert %u ", table[i].code);
            assert_true(table[i].code == 0 || strstr(why.text, number) != NULL);
        }
    }
}

static void ends(void **state)
{
    (void)state;
    for (size_t w = 0; w < 2; w++) {
        struct buf b = flight(0x0303, 200);
        for (size_t length = 0; length < b.used; length += 61)
            if (look_at(ways[w], b.data, length, true, LOOK_ECDSA, NULL) != LOOK_CUT)
                fail_msg("way %zu, %zu of %zu: %s", w, length, b.used, why.text);
        for (size_t length = 0; length < b.used; length += 400)
            assert_int_equal(look_at(ways[w], b.data, length, false, LOOK_ECDSA, NULL), LOOK_LATE);
    }
}

static void damage(void **state)
{
    static const char ssh[] =
        "SSH-2.0-OpenSSH_9.2\r\nand more of the same, longer than a header\r\n";
    (void)state;
    for (size_t w = 0; w < 2; w++) {
        assert_int_equal(look_at(ways[w], ssh, sizeof ssh, true, LOOK_RSA, NULL), LOOK_BROKEN);
        assert_non_null(strstr(why.text, "not TLS"));
        /* A length within the list that goes past its end. */
        struct buf b = flight(0x0303, 16384);
        size_t at = b.used - issuer.length - 3;
        b.data[at + 1] = 0x7f;
        assert_int_equal(look_with(ways[w], &b), LOOK_BROKEN);
    }
}

static enum look peek_at(int first, const char *first_body, size_t first_length, int second,
                         const char *second_body, size_t second_length)
{
    static char text[FLIGHT_MOST], one[64], two[64];
    struct buf messages = BUF_OVER(text), b = BUF_OVER(bytes), body = BUF_OVER(one),
               next = BUF_OVER(two);
    if (first == SERVER_HELLO) {
        server_hello(&messages, 0x0303);
    } else {
        buf_put(&body, first_body, first_length);
        message(&messages, first, &body);
    }
    if (second >= 0) {
        buf_put(&next, second_body, second_length);
        message(&messages, second, &next);
    }
    records(&b, HANDSHAKE, &messages, 16384);
    return look_with(tls_peek, &b);
}

static void out_of_order(void **state)
{
    static const char list[] = {0, 0, 4, 0, 0, 1, 'x'}, none[] = {0, 0, 0};
    (void)state;
    assert_int_equal(peek_at(SERVER_HELLO, NULL, 0, CERTIFICATE, list, 7), LOOK_SHOWN);
    assert_int_equal(peek_at(SERVER_HELLO, NULL, 0, CERTIFICATE, none, 3), LOOK_BROKEN);
    assert_non_null(strstr(why.text, "no certificate"));
    assert_int_equal(peek_at(SERVER_HELLO, NULL, 0, KEY_EXCHANGE, list, 7), LOOK_BROKEN);
    assert_int_equal(peek_at(CERTIFICATE, list, 7, -1, NULL, 0), LOOK_BROKEN);
    assert_int_equal(peek_at(SERVER_HELLO, NULL, 0, SERVER_HELLO, "\003\003\0", 3), LOOK_BROKEN);
    assert_int_equal(peek_at(SERVER_HELLO, NULL, 0, -1, NULL, 0), LOOK_CUT);
}

static void without_end(void **state)
{
    static const char request[] = {HANDSHAKE, 3, 3, 0, 4, 0, 0, 0, 0};
    static const char long_start[] = {HANDSHAKE,   3, 3,          0x40,      0,
                                      CERTIFICATE, 0, (char)0xff, (char)0xff};
    struct buf b = BUF_OVER(bytes);
    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_put(&b, request, sizeof request);
    assert_int_equal(look_with(tls_peek, &b), LOOK_BROKEN);
    assert_non_null(strstr(why.text, "without end"));
    buf_reset(&b);
    buf_put(&b, long_start, sizeof long_start);
    for (int i = 4; i < 16384; i++)
        buf_char(&b, 'x');
    buf_put(&b, long_start, sizeof long_start);
    for (int i = 4; i < 16384; i++)
        buf_char(&b, 'x');
    assert_int_equal(look_with(tls_peek, &b), LOOK_BROKEN);
    assert_non_null(strstr(why.text, "too long"));
}

/* ---- what is asked -------------------------------------------------------------------------- */

/* A part of the ClientHello: the suites, or the content of an extension. */
struct part {
    const uint8_t *at;
    size_t length;
};

static size_t u16_at(size_t at)
{
    assert_true(at + 2 <= heard_length);
    return (size_t)heard[at] << 8 | heard[at + 1];
}

static struct part suites(void)
{
    size_t session = heard[43];
    return (struct part){heard + 46 + session, u16_at(44 + session)};
}

/* Checks on its way that all lengths are right. */
static struct part extension(unsigned type)
{
    struct part found = {NULL, 0}, s = suites();
    size_t at = (size_t)(s.at - heard) + s.length;
    assert_int_equal(u16_at(at), 0x0100); /* no compression */
    at += 2;
    assert_int_equal(at + 2 + u16_at(at), heard_length);
    for (at += 2; at < heard_length; at += 4 + u16_at(at + 2)) {
        if (u16_at(at) == type)
            found = (struct part){heard + at + 4, u16_at(at + 2)};
    }
    assert_int_equal(at, heard_length);
    return found;
}

/* Whether a list of numbers has this one, from octet START of the part on. */
static bool lists_number(struct part p, size_t start, unsigned number)
{
    for (size_t at = start; at + 2 <= p.length; at += 2) {
        if (((unsigned)p.at[at] << 8 | p.at[at + 1]) == number)
            return true;
    }
    return false;
}

static void hello_for(way how, enum look_key key, const char *name)
{
    struct buf b = alert(2, 40);
    assert_int_equal(look_at(how, b.data, b.used, true, key, name), LOOK_OTHER_KEY);
    assert_int_equal(heard[0], HANDSHAKE);
    assert_int_equal(heard_length, u16_at(3) + 5);
    assert_int_equal(heard[5], 1);
    assert_int_equal(u16_at(7), u16_at(3) - 4);
    assert_int_equal(u16_at(9), 0x0303);
}

static void hellos(void **state)
{
    static const uint8_t name[] = "\0\023\0\0\020mail.example.org";
    (void)state;
    for (size_t w = 0; w < 2; w++) {
        hello_for(ways[w], LOOK_ECDSA, "MAIL.Example.org.");
        assert_int_equal(extension(0).length, sizeof name - 1);
        assert_memory_equal(extension(0).at, name, sizeof name - 1);
        assert_true(lists_number(suites(), 0, 0xc02b) && lists_number(suites(), 0, 0xcca9));
        assert_false(lists_number(suites(), 0, 0xc02f) || lists_number(suites(), 0, 0x009c));
        assert_true(lists_number(extension(13), 2, 0x0403));
        assert_true(lists_number(extension(13), 2, 0x0401)); /* for issuers */
        assert_false(lists_number(extension(13), 2, 0x0804));
        hello_for(ways[w], LOOK_RSA, NULL);
        assert_null(extension(0).at);
        assert_true(lists_number(suites(), 0, 0xc02f) && lists_number(suites(), 0, 0xcca8));
        assert_false(lists_number(suites(), 0, 0xc02b) || lists_number(suites(), 0, 0xcca9));
        assert_true(lists_number(extension(13), 2, 0x0804));
        assert_false(lists_number(extension(13), 2, 0x0403));
        /* No session is resumed, and no version before 1.2 or after 1.3 is offered. */
        assert_null(extension(35).at);
        assert_null(extension(41).at);
    }
    /* Only the peek asks for these, and it does not offer TLS 1.3. */
    hello_for(tls_peek, LOOK_ECDSA, "mail.example.org");
    assert_true(lists_number(extension(13), 2, 0x0807) && lists_number(extension(13), 2, 0x0808));
    assert_true(lists_number(suites(), 0, 0xc009));
    assert_null(extension(43).at);
    hello_for(tls_peek, LOOK_RSA, "mail.example.org");
    assert_true(lists_number(suites(), 0, 0x002f) && lists_number(suites(), 0, 0x000a));
}

static void long_names(void **state)
{
    char text[300];
    struct buf b = alert(2, 40);
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t w = 0; w < 2; w++) {
        assert_int_equal(look_at(ways[w], b.data, b.used, true, LOOK_RSA, text), LOOK_UNABLE);
        assert_int_equal(heard_length, 0);
    }
    text[253] = '\0';
    for (int dot = 60; dot < 253; dot += 60)
        text[dot] = '.';
    hello_for(tls_peek, LOOK_RSA, text);
    assert_int_equal(extension(0).length, 253 + 5);
    assert_memory_equal(extension(0).at + 5, text, 253);
}

/* ---- proof ---------------------------------------------------------------------------------- */

/* src/net/tls_look.c; third_party/rules.mk has Mbed TLS call it for a CertificateVerify. */
int tls_verify_signature(mbedtls_pk_type_t type, const void *options, mbedtls_pk_context *key,
                         mbedtls_md_type_t md, const unsigned char *hash, size_t hash_length,
                         const unsigned char *signature, size_t signature_length);

/* Whatever a look takes as shown, a connection to a provider proves. */
static void false_signatures(void **state)
{
    /* P-256; r = s = 1 */
    static const unsigned char one[] = {0x30, 6, 2, 1, 1, 2, 1, 1}, hash[32] = {1};
    mbedtls_x509_crt crt;
    struct buf refusal = alert(2, 40);
    (void)state;
    mbedtls_x509_crt_init(&crt);
    assert_int_equal(mbedtls_x509_crt_parse_der(&crt, issuer.der, issuer.length), 0);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(tls_verify_signature(MBEDTLS_PK_ECDSA, NULL, &crt.pk, MBEDTLS_MD_SHA256,
                                              hash, sizeof hash, one, sizeof one),
                         MBEDTLS_ERR_ECP_VERIFY_FAILED);
        proving = round == 1;
        assert_int_equal(look_with(tls_look, &refusal), LOOK_OTHER_KEY);
    }
    proving = true;
    mbedtls_x509_crt_free(&crt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(shown_by_both),
        cmocka_unit_test(shown_by_old_ones),
        cmocka_unit_test(passes_over),
        cmocka_unit_test(alerts),
        cmocka_unit_test(ends),
        cmocka_unit_test(damage),
        cmocka_unit_test(out_of_order),
        cmocka_unit_test(without_end),
        cmocka_unit_test(hellos),
        cmocka_unit_test(long_names),
        cmocka_unit_test(false_signatures),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
