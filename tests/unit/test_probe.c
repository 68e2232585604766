/*
 * The probe against servers of the test's own on loopback, which play one connection after the
 * other: what the two looks come to together, and the list of addresses. Real servers:
 * tests/e2e/test_probe.py.
 */
#include "base/time.h"
#include "dane/probe.h"
#include "vectors.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON  300   /* a deadline that is meant to pass */
#define LATER 20000 /* one that is not */

/* What the server does with one connection: a dialogue of SMTP before, then this. */
enum act {
    ACT_NONE,    /* no connection is expected any more */
    ACT_REFUSES, /* alert handshake_failure */
    ACT_OLD,     /* alert protocol_version */
    ACT_BREAKS,  /* alert internal_error */
    ACT_CUTS,    /* ends */
    ACT_RESETS,
    ACT_NEW,      /* goes on in TLS 1.3, with what nobody can read; or asks for another share */
    ACT_SHOWS,    /* a chain of TLS 1.2, by which Mbed TLS's suites do not come about */
    ACT_NONSENSE, /* a chain in which the leaf is no certificate */
    ACT_SILENT,
    ACT_BUSY, /* SMTP: 421 in the place of a greeting */
    ACT_LATER /* SMTP: 454 */
};

static struct cert_object leaf, issuer;
static uint8_t flight[8192], nonsense[64];
static size_t flight_length, nonsense_length;

/* ServerHello of TLS 1.3 with an extension of no meaning; nothing has to follow. */
static const uint8_t new_hello[5 + 4 + 44] = {
    22, 3, 3, 0, 48, 2, 0, 0, 44, 3, 3, [9 + 34] = 0, 0x13, 0x01, 0, 0, 4, 0x99, 0x99, 0, 0};

static int load(void **state)
{
    static const uint8_t hello[] = {2, 0, 0, 38, 3, 3};
    (void)state;
    vector_certificate("kind-ed25519.pem", &leaf);
    vector_certificate("ca-issuer.pem", &issuer);
    size_t list = leaf.length + issuer.length + 6, length = 42 + 4 + 3 + list, at = 5;
    const uint8_t record[] = {22, 3, 3, (uint8_t)(length >> 8), (uint8_t)length};
    memcpy(flight, record, sizeof record);
    memcpy(flight + at, hello, sizeof hello);
    flight[at + 39] = 0xc0; /* ECDHE-ECDSA-AES128-SHA, which tls_look has not offered */
    flight[at + 40] = 0x09;
    at += 42;
    memcpy(nonsense, flight, at);
    nonsense_length = at;
    flight[at++] = 11;
    flight[at++] = 0;
    flight[at++] = (uint8_t)((list + 3) >> 8);
    flight[at++] = (uint8_t)(list + 3);
    flight[at++] = 0;
    flight[at++] = (uint8_t)(list >> 8);
    flight[at++] = (uint8_t)list;
    for (int i = 0; i < 2; i++) {
        const struct cert_object *one = i == 0 ? &leaf : &issuer;
        flight[at++] = 0;
        flight[at++] = (uint8_t)(one->length >> 8);
        flight[at++] = (uint8_t)one->length;
        memcpy(flight + at, one->der, one->length);
        at += one->length;
    }
    flight_length = at;
    static const uint8_t bad[] = {11, 0, 0, 8, 0, 0, 5, 0, 0, 2, 0x30, 0};
    memcpy(nonsense + nonsense_length, bad, sizeof bad);
    nonsense_length += sizeof bad;
    nonsense[4] = (uint8_t)(nonsense_length - 5);
    nonsense[3] = 0;
    return flight_length < sizeof flight ? 0 : -1;
}

/* ---- the server ----------------------------------------------------------------------------- */

static bool hear_line(int fd)
{
    char c = 0;
    while (c != '\n') {
        if (recv(fd, &c, 1, 0) != 1)
            return false;
    }
    return true;
}

static bool say(int fd, const char *text)
{
    return send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text);
}

/* False where TLS does not begin. */
static bool greet(int fd, enum act act)
{
    if (act == ACT_BUSY)
        return say(fd, "421 busy\r\n") && false;
    return say(fd, "220 x\r\n") && hear_line(fd) && say(fd, "250-x\r\n250 STARTTLS\r\n") &&
           hear_line(fd) && say(fd, act == ACT_LATER ? "454 no\r\n" : "220 go\r\n") &&
           act != ACT_LATER;
}

static void play(int fd, enum act act, bool smtp)
{
    uint8_t bytes[4096], alert[] = {21, 3, 3, 0, 2, 2, 40};
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (smtp && !greet(fd, act))
        return;
    if (recv(fd, bytes, sizeof bytes, 0) <= 0)
        return;
    alert[6] = act == ACT_REFUSES ? 40 : act == ACT_OLD ? 70 : 80;
    if (act == ACT_NEW)
        (void)send(fd, new_hello, sizeof new_hello, MSG_NOSIGNAL);
    else if (act == ACT_SHOWS)
        (void)send(fd, flight, flight_length, MSG_NOSIGNAL);
    else if (act == ACT_NONSENSE)
        (void)send(fd, nonsense, nonsense_length, MSG_NOSIGNAL);
    else if (act == ACT_RESETS)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    else if (act != ACT_CUTS && act != ACT_SILENT)
        (void)send(fd, alert, sizeof alert, MSG_NOSIGNAL);
    if (act != ACT_RESETS && act != ACT_CUTS)
        (void)recv(fd, bytes, sizeof bytes, 0);
}

static pid_t serve(const enum act *acts, bool smtp, uint16_t *port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof v4;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&v4, size), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&v4, &size), 0);
    *port = ntohs(v4.sin_port);
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(5);
        for (; *acts != ACT_NONE; acts++) {
            int fd = accept(listener, NULL, NULL);
            if (fd < 0)
                _exit(1);
            play(fd, *acts, smtp);
            (void)close(fd);
        }
        /* Closed: a connection more than expected is refused. */
        _exit(0);
    }
    assert_true(child > 0);
    (void)close(listener);
    return child;
}

static struct probe_result probe_for(const enum act *acts, bool smtp,
                                     enum probe_algorithm algorithm, bool unexpected)
{
    struct probe_result r;
    siginfo_t ended;
    uint16_t port;
    int status;
    pid_t child = serve(acts, smtp, &port);
    if (acts[0] == ACT_NONE)
        assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
    bool silent = false;
    for (const enum act *act = acts; *act != ACT_NONE; act++)
        silent = silent || *act == ACT_SILENT;
    const struct probe_question q = {.address = "127.0.0.1",
                                     .port = port,
                                     .start = smtp ? SERVICE_SMTP : SERVICE_TLS,
                                     .domain = "mail.example.org",
                                     .algorithm = algorithm,
                                     .prove = true,
                                     .unexpected = unexpected,
                                     .connect_ms = LATER,
                                     .deadline = time_ticks() + (silent ? SOON : LATER)};
    memset(&r, 0xff, sizeof r);
    probe(&q, &r);
    /* Every connection that it was meant to make has been made. */
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        fail_msg("%d, %d: code %d, %s", (int)acts[0], (int)acts[1], (int)r.code, r.words.text);
    return r;
}

static struct probe_result probe_with(const enum act *acts, bool smtp,
                                      enum probe_algorithm algorithm)
{
    return probe_for(acts, smtp, algorithm, false);
}

/* ---- the cases ------------------------------------------------------------------------------ */

static void looks_together(void **state)
{
    static const struct {
        enum act acts[3];
        enum probe_code expected;
        const char *words;
    } table[] = {
        {{ACT_REFUSES, ACT_REFUSES}, PROBE_OTHER_ALGORITHM, "alert 40"},
        {{ACT_REFUSES, ACT_SHOWS}, PROBE_SERVED, "TLS 1.2"},
        {{ACT_REFUSES, ACT_OLD}, PROBE_OTHER_ALGORITHM, "TLS 1.3 only"},
        {{ACT_REFUSES, ACT_CUTS}, PROBE_OTHER_ALGORITHM, "alert 40"},
        {{ACT_REFUSES, ACT_BREAKS}, PROBE_OTHER_ALGORITHM, "alert 40"},
        {{ACT_REFUSES, ACT_SILENT}, PROBE_UNSEEN, "in time"},
        {{ACT_OLD, ACT_SHOWS}, PROBE_SERVED, "clear text"},
        {{ACT_OLD, ACT_OLD}, PROBE_OLD_TLS, "alert 70"},
        {{ACT_OLD, ACT_REFUSES}, PROBE_OTHER_ALGORITHM, "alert 40"},
        {{ACT_OLD, ACT_CUTS}, PROBE_OLD_TLS, "alert 70"},
        {{ACT_OLD, ACT_SILENT}, PROBE_OLD_TLS, "alert 70"},
        {{ACT_BREAKS, ACT_BREAKS}, PROBE_NO_TLS, "alert 80"},
        {{ACT_BREAKS, ACT_SHOWS}, PROBE_SERVED, "clear text"},
        {{ACT_BREAKS, ACT_OLD}, PROBE_NO_TLS, "alert 80"},
        {{ACT_CUTS, ACT_CUTS}, PROBE_NO_TLS, "ended the connection"},
        {{ACT_CUTS, ACT_REFUSES}, PROBE_OTHER_ALGORITHM, "alert 40"},
        {{ACT_RESETS, ACT_RESETS}, PROBE_NO_TLS, "reset"},
        {{ACT_SHOWS, ACT_SHOWS}, PROBE_SERVED, "clear text"},
        {{ACT_BREAKS, ACT_NONSENSE}, PROBE_NO_TLS, "alert 80"},
        {{ACT_NONSENSE, ACT_NONSENSE}, PROBE_NO_TLS, ""},
        {{ACT_SILENT}, PROBE_UNSEEN, "in time"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (int smtp = 0; smtp < 2; smtp++) {
            struct probe_result r = probe_with(table[i].acts, smtp, PROBE_ECDSA);
            if (r.code != table[i].expected || strstr(r.words.text, table[i].words) == NULL)
                fail_msg("%zu: code %d, %s", i, (int)r.code, r.words.text);
            assert_false(r.proven);
            assert_int_equal(r.issuers_count, r.code == PROBE_SERVED ? 1 : 0);
        }
    }
    struct probe_result r =
        probe_with((enum act[]){ACT_REFUSES, ACT_OLD, ACT_NONE}, false, PROBE_RSA);
    assert_int_equal(r.code, PROBE_OTHER_ALGORITHM);
    assert_null(strstr(r.words.text, "Ed25519"));
}

/* A kind of key that is not expected: it comes to what it would come to if it were. */
static void unexpected(void **state)
{
    static const struct {
        enum act acts[4];
        enum probe_code expected;
        const char *words;
    } table[] = {
        /* Asking stands for the look, and what is behind it for the peek. */
        {{ACT_REFUSES, ACT_REFUSES}, PROBE_OTHER_ALGORITHM, "alert 40"},
        {{ACT_REFUSES, ACT_SHOWS}, PROBE_SERVED, "TLS 1.2"},
        {{ACT_REFUSES, ACT_OLD}, PROBE_OTHER_ALGORITHM, "TLS 1.3 only"},
        {{ACT_REFUSES, ACT_CUTS}, PROBE_OTHER_ALGORITHM, "alert 40"},
        {{ACT_REFUSES, ACT_SILENT}, PROBE_UNSEEN, "in time"},
        /* What it seems to have is looked at; what is not clear as well. */
        {{ACT_SHOWS, ACT_SHOWS, ACT_SHOWS}, PROBE_SERVED, "clear text"},
        {{ACT_SHOWS, ACT_REFUSES, ACT_REFUSES}, PROBE_OTHER_ALGORITHM, "alert 40"},
        {{ACT_SHOWS, ACT_SILENT}, PROBE_UNSEEN, "in time"},
        {{ACT_NEW, ACT_REFUSES, ACT_OLD}, PROBE_OTHER_ALGORITHM, "TLS 1.3 only"},
        {{ACT_NEW, ACT_BREAKS, ACT_SHOWS}, PROBE_SERVED, "clear text"},
        {{ACT_OLD, ACT_OLD, ACT_OLD}, PROBE_OLD_TLS, "alert 70"},
        {{ACT_OLD, ACT_OLD, ACT_SHOWS}, PROBE_SERVED, "clear text"},
        {{ACT_BREAKS, ACT_BREAKS, ACT_BREAKS}, PROBE_NO_TLS, "alert 80"},
        {{ACT_CUTS, ACT_CUTS, ACT_CUTS}, PROBE_NO_TLS, "ended the connection"},
        {{ACT_CUTS, ACT_CUTS, ACT_SHOWS}, PROBE_SERVED, "clear text"},
        {{ACT_RESETS, ACT_REFUSES, ACT_SHOWS}, PROBE_SERVED, "clear text"},
        /* As an unreadable leaf in the first look: another shows the same. */
        {{ACT_NONSENSE}, PROBE_NO_TLS, "cannot be read"},
        {{ACT_SILENT}, PROBE_UNSEEN, "in time"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (int smtp = 0; smtp < 2; smtp++) {
            struct probe_result r = probe_for(table[i].acts, smtp, PROBE_ECDSA, true);
            if (r.code != table[i].expected || strstr(r.words.text, table[i].words) == NULL)
                fail_msg("%zu: code %d, %s", i, (int)r.code, r.words.text);
            assert_false(r.proven);
            assert_int_equal(r.issuers_count, r.code == PROBE_SERVED ? 1 : 0);
        }
    }
    struct probe_result r = probe_for((enum act[]){ACT_BUSY, ACT_NONE}, true, PROBE_RSA, true);
    assert_int_equal(r.code, PROBE_UNSEEN);
    r = probe_for((enum act[]){ACT_LATER, ACT_NONE}, true, PROBE_RSA, true);
    assert_int_equal(r.code, PROBE_NO_TLS);
    assert_non_null(strstr(r.words.text, "454"));
}

static void dialogues(void **state)
{
    (void)state;
    struct probe_result r = probe_with((enum act[]){ACT_BUSY, ACT_NONE}, true, PROBE_ECDSA);
    assert_int_equal(r.code, PROBE_UNSEEN);
    assert_non_null(strstr(r.words.text, "421 busy"));
    r = probe_with((enum act[]){ACT_LATER, ACT_NONE}, true, PROBE_ECDSA);
    assert_int_equal(r.code, PROBE_NO_TLS);
    assert_non_null(strstr(r.words.text, "454"));
    /* Refused at the second time: perhaps there is a key that was not seen. */
    r = probe_with((enum act[]){ACT_REFUSES, ACT_BUSY, ACT_NONE}, true, PROBE_ECDSA);
    assert_int_equal(r.code, PROBE_UNSEEN);
    assert_non_null(strstr(r.words.text, "421 busy"));
    r = probe_with((enum act[]){ACT_NONE}, false, PROBE_ECDSA);
    assert_int_equal(r.code, PROBE_UNSEEN);
    assert_non_null(strstr(r.words.text, "127.0.0.1 port "));
}

static void digests(void **state)
{
    struct cert_digests expected;
    (void)state;
    struct probe_result r =
        probe_with((enum act[]){ACT_OLD, ACT_SHOWS, ACT_NONE}, false, PROBE_ECDSA);
    assert_int_equal(r.code, PROBE_SERVED);
    cert_digest(&leaf, &expected);
    assert_memory_equal(&r.leaf, &expected, sizeof expected);
    assert_int_equal(r.issuers_count, 1);
    cert_digest(&issuer, &expected);
    assert_memory_equal(&r.issuers[0], &expected, sizeof expected);
}

static void addresses(void **state)
{
    static const char *const names[] = {"::1",       "127.0.0.2", "2001:DB8:0::1",
                                        "127.0.0.1", "127.0.0.2", "10.0.0.1",
                                        "fe80::1",   "::1",       "2001:db8::1"};
    static const char *const sorted[] = {"10.0.0.1", "127.0.0.1", "127.0.0.2", "::1",
                                         "2001:db8::1"};
    static const char *const partly[] = {"127.0.0.1", "no such.name"};
    struct tcp_addresses list;
    struct net_words why = {""};
    (void)state;
    assert_int_equal(probe_addresses(names, sizeof names / sizeof names[0], &list, &why), 0);
    assert_int_equal(list.count, sizeof sorted / sizeof sorted[0]);
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.text[i], sorted[i]);
    assert_false(list.cut);
    assert_int_equal(probe_addresses(partly, 2, &list, &why), NET_NO_ADDRESS);
    assert_int_equal(list.count, 1);
    assert_non_null(strstr(why.text, "no such.name"));
    assert_int_equal(probe_addresses(partly, 0, &list, &why), 0);
    assert_int_equal(list.count, 0);
    /* localhost's, whatever they are here, come from the system. */
    const char *localhost = "localhost";
    assert_int_equal(probe_addresses(&localhost, 1, &list, &why), 0);
    assert_true(list.count >= 1 && list.count <= 2);
}

static void too_many_addresses(void **state)
{
    char text[TCP_ADDRESSES_MOST + 4][16];
    const char *names[TCP_ADDRESSES_MOST + 4];
    struct tcp_addresses list;
    struct net_words why;
    (void)state;
    for (int i = 0; i < TCP_ADDRESSES_MOST + 4; i++) {
        (void)snprintf(text[i], sizeof text[i], "192.0.2.%d", 100 - i);
        names[i] = text[i];
    }
    assert_int_equal(probe_addresses(names, TCP_ADDRESSES_MOST, &list, &why), 0);
    assert_int_equal(list.count, TCP_ADDRESSES_MOST);
    assert_false(list.cut);
    assert_int_equal(probe_addresses(names, TCP_ADDRESSES_MOST + 4, &list, &why), 0);
    assert_int_equal(list.count, TCP_ADDRESSES_MOST);
    assert_true(list.cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_together), cmocka_unit_test(unexpected),
        cmocka_unit_test(dialogues),      cmocka_unit_test(digests),
        cmocka_unit_test(addresses),      cmocka_unit_test(too_many_addresses),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
