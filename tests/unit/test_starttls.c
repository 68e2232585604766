/*
 * The dialogues before TLS against a server of the test's own, a child at the other end of a socket
 * pair that plays a scene: every dialect's good way, refusals, replies of many lines, octets one by
 * one, lines without end, octets behind the go-ahead, silence, ends.
 */
#include "base/time.h"
#include "dane/starttls.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SOON       200   /* a deadline that is meant to pass */
#define LATER      20000 /* one that is not */
#define STEPS_MOST 4
#define HEARD_SIZE 1024

/* The server hears a text with this begin and this end, if any, then says something, if anything.
 */
struct step {
    const char *begin, *end, *say;
    size_t times; /* 0 means once */
};

struct scene {
    const char *name;
    enum service_start start;
    struct step steps[STEPS_MOST];
    enum starttls expected;
    const char *words; /* within those given */
    bool hangs;        /* the server neither speaks nor ends afterwards */
    bool whole;        /* only if octets come together */
};

/* ---- the child ------------------------------------------------------------------------------ */

static bool hear(int fd, const struct step *s)
{
    char text[HEARD_SIZE] = "";
    size_t used = 0, end = strlen(s->end);
    while (used < end || memcmp(text + used - end, s->end, end) != 0) {
        if (used + 1 == sizeof text || read(fd, text + used, 1) != 1)
            return false;
        used++;
    }
    return strncmp(text, s->begin, strlen(s->begin)) == 0;
}

static void speak(int fd, const char *text, bool octets)
{
    size_t length = strlen(text), piece = octets ? 1 : length;
    for (size_t at = 0; at < length; at += piece) {
        if (send(fd, text + at, piece, MSG_NOSIGNAL) < 0)
            return; /* the client had enough: what it says of it counts */
    }
}

static int play(int fd, const struct scene *scene, bool octets)
{
    for (int i = 0; i < STEPS_MOST; i++) {
        const struct step *s = &scene->steps[i];
        if (s->begin != NULL && !hear(fd, s))
            return 10 + i;
        for (size_t n = 0; s->say != NULL && n < (s->times > 0 ? s->times : 1); n++)
            speak(fd, s->say, octets);
    }
    char byte;
    if (scene->hangs)
        (void)read(fd, &byte, 1);
    return 0;
}

/* ---- the parent ----------------------------------------------------------------------------- */

static void run(const struct scene *scene, bool octets)
{
    int ends[2], status;
    struct net_words why = {""};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        _exit(play(ends[1], scene, octets));
    }
    assert_true(child > 0);
    (void)close(ends[1]);
    assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    int64_t start = time_ticks();
    struct tcp tcp = {ends[0], start + (scene->hangs ? SOON : LATER)};
    enum starttls got = starttls(&tcp, scene->start, "xmpp.example.org", &why);
    int64_t took = time_ticks() - start;
    tcp_close(&tcp);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (got != scene->expected || (scene->words != NULL && strstr(why.text, scene->words) == NULL))
        fail_msg("%s%s: %d instead of %d, \"%s\"", scene->name, octets ? " (octet by octet)" : "",
                 (int)got, (int)scene->expected, why.text);
    if (got == STARTTLS_BEGIN)
        assert_string_equal(why.text, "");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: the server did not hear what it expected (%x)", scene->name,
                 (unsigned)status);
    assert_true(scene->hangs ? took >= SOON && took < LATER / 2 : took < LATER / 2);
}

static void run_all(const struct scene *scenes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        run(&scenes[i], false);
        if (!scenes[i].whole)
            run(&scenes[i], true);
    }
}
#define RUN_ALL(scenes) run_all(scenes, sizeof(scenes) / sizeof(scenes)[0])

#define EHLO(answer)                                                                               \
    {                                                                                              \
        "EHLO ", "\r\n", answer, 0                                                                 \
    }
#define STARTTLS(answer)                                                                           \
    {                                                                                              \
        "STARTTLS\r\n", "\r\n", answer, 0                                                          \
    }
#define SAYS(text)                                                                                 \
    {                                                                                              \
        NULL, NULL, text, 0                                                                        \
    }
#define OFFER "250-mail.example.org\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250 8BITMIME\r\n"

static void smtp(void **state)
{
    static const struct scene scenes[] = {
        {"good",
         SERVICE_SMTP,
         {SAYS("220 mail.example.org ESMTP\r\n"), EHLO(OFFER), STARTTLS("220 2.0.0 Ready\r\n")},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
        {"greeting of many lines, bare line ends",
         SERVICE_SMTP,
         {SAYS("220-one\n220-\n220 three\n"), EHLO("250-x\n250 starttls\n"),
          STARTTLS("220-Ready\n220\n")},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
        {"offered at last",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO("250-x\r\n250 StartTLS\r\n"), STARTTLS("220 Go\r\n")},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
        {"greeting 554",
         SERVICE_SMTP,
         {SAYS("554 No SMTP service here\r\n")},
         STARTTLS_UNSEEN,
         "the server says in SMTP: 554 No SMTP service",
         false,
         false},
        {"greeting 421",
         SERVICE_SMTP,
         {SAYS("421 4.7.0 Too many connections\r\n")},
         STARTTLS_UNSEEN,
         "Too many",
         false,
         false},
        {"ends without greeting",
         SERVICE_SMTP,
         {SAYS(NULL)},
         STARTTLS_UNSEEN,
         "the SMTP server ended the connection",
         false,
         false},
        {"ends within the greeting",
         SERVICE_SMTP,
         {SAYS("220-wait\r\n22")},
         STARTTLS_UNSEEN,
         "ended",
         false,
         false},
        {"says nothing",
         SERVICE_SMTP,
         {SAYS(NULL)},
         STARTTLS_UNSEEN,
         "the SMTP server does not answer in time",
         true,
         false},
        {"greets for ever",
         SERVICE_SMTP,
         {SAYS("220-wait\r\n")},
         STARTTLS_UNSEEN,
         "in time",
         true,
         false},
        {"no offer",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"),
          EHLO("250-x\r\n250-XSTARTTLS\r\n250-STARTTLS2\r\n250 SIZE STARTTLS\r\n")},
         STARTTLS_NOT_OFFERED,
         "offers no STARTTLS",
         false,
         false},
        {"named in the greeting only",
         SERVICE_SMTP,
         {SAYS("220 STARTTLS\r\n"), EHLO("250 x\r\n")},
         STARTTLS_NOT_OFFERED,
         "offers no STARTTLS",
         false,
         false},
        {"no EHLO",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO("502 5.5.1 HELO only\r\n")},
         STARTTLS_NOT_OFFERED,
         "502",
         false,
         false},
        {"EHLO later",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO("450 4.3.2 not now\r\n")},
         STARTTLS_UNSEEN,
         "450",
         false,
         false},
        {"ends at EHLO",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO(NULL)},
         STARTTLS_UNSEEN,
         "ended",
         false,
         false},
        {"454",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO(OFFER), STARTTLS("454 4.7.0 TLS not available\r\n")},
         STARTTLS_REFUSED,
         "454 4.7.0 TLS not available",
         false,
         false},
        {"503 to what was offered",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO(OFFER), STARTTLS("503 no\r\n")},
         STARTTLS_REFUSED,
         "503",
         false,
         false},
        {"421 at last",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO(OFFER), STARTTLS("421 closing\r\n")},
         STARTTLS_UNSEEN,
         "421",
         false,
         false},
        {"ends at STARTTLS",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO(OFFER), STARTTLS(NULL)},
         STARTTLS_REFUSED,
         "ended",
         false,
         false},
        {"silent at STARTTLS",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO(OFFER), STARTTLS(NULL)},
         STARTTLS_UNSEEN,
         "in time",
         true,
         false},
        {"injection",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO(OFFER), STARTTLS("220 Go\r\n250 OK\r\n")},
         STARTTLS_REFUSED,
         "in clear text behind its go-ahead",
         false,
         true},
        {"injection of one octet",
         SERVICE_SMTP,
         {SAYS("220 x\r\n"), EHLO(OFFER), STARTTLS("220 Go\r\n\n")},
         STARTTLS_REFUSED,
         "in clear text behind its go-ahead",
         false,
         true},
        {"another protocol",
         SERVICE_SMTP,
         {SAYS("* OK IMAP ready\r\n")},
         STARTTLS_NOT_OFFERED,
         "this is not SMTP: * OK IMAP ready",
         false,
         false},
        {"terminal control",
         SERVICE_SMTP,
         {SAYS("\033[2Jx\r\n")},
         STARTTLS_NOT_OFFERED,
         "not SMTP: ?[2Jx",
         false,
         false},
        {"four digits",
         SERVICE_SMTP,
         {SAYS("2200 x\r\n")},
         STARTTLS_NOT_OFFERED,
         "not SMTP",
         false,
         false},
        {"a line without end",
         SERVICE_SMTP,
         {{NULL, NULL, "220 xxxxxxxxxxxxxxxxxxxx", 200}},
         STARTTLS_NOT_OFFERED,
         "not SMTP: 220 xxx",
         false,
         false},
        {"lines without end",
         SERVICE_SMTP,
         {{NULL, NULL, "220-x\r\n", 100000}},
         STARTTLS_NOT_OFFERED,
         "not SMTP",
         false,
         true},
        {"octets without end",
         SERVICE_SMTP,
         {{NULL, NULL,
           "220-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
           "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n",
           100000}},
         STARTTLS_NOT_OFFERED,
         "not SMTP",
         false,
         true},
    };
    (void)state;
    RUN_ALL(scenes);
}

static void imap(void **state)
{
    static const struct scene scenes[] = {
        {"good",
         SERVICE_IMAP,
         {SAYS("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
          {"a STARTTLS\r\n", "\r\n", "* CAPABILITY IMAP4rev1\r\na OK Begin TLS now\r\n", 0}},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
        {"not there",
         SERVICE_IMAP,
         {SAYS("* OK ready\r\n"), {"a STARTTLS\r\n", "\r\n", "a BAD TLS isn't enabled.\r\n", 0}},
         STARTTLS_NOT_OFFERED,
         "a BAD TLS",
         false,
         false},
        {"broken",
         SERVICE_IMAP,
         {SAYS("* OK ready\r\n"), {"a STARTTLS\r\n", "\r\n", "a NO no certificate\r\n", 0}},
         STARTTLS_REFUSED,
         "a NO no certificate",
         false,
         false},
        {"PREAUTH",
         SERVICE_IMAP,
         {SAYS("* PREAUTH welcome\r\n")},
         STARTTLS_UNSEEN,
         "PREAUTH",
         false,
         false},
        {"BYE",
         SERVICE_IMAP,
         {SAYS("* BYE too busy\r\n")},
         STARTTLS_UNSEEN,
         "BYE too busy",
         false,
         false},
        {"BYE at last",
         SERVICE_IMAP,
         {SAYS("* OK ready\r\n"), {"a STARTTLS\r\n", "\r\n", "* BYE down\r\n", 0}},
         STARTTLS_UNSEEN,
         "BYE",
         false,
         false},
        {"ends",
         SERVICE_IMAP,
         {SAYS("* OK ready\r\n"), {"a STARTTLS\r\n", "\r\n", NULL, 0}},
         STARTTLS_REFUSED,
         "the IMAP server ended",
         false,
         false},
        {"injection",
         SERVICE_IMAP,
         {SAYS("* OK ready\r\n"), {"a STARTTLS\r\n", "\r\n", "a OK now\r\n* CAPABILITY x\r\n", 0}},
         STARTTLS_REFUSED,
         "behind its go-ahead",
         false,
         true},
        {"another tag",
         SERVICE_IMAP,
         {SAYS("* OK ready\r\n"), {"a STARTTLS\r\n", "\r\n", "b OK now\r\n", 0}},
         STARTTLS_REFUSED,
         "not IMAP",
         false,
         false},
        {"another protocol",
         SERVICE_IMAP,
         {SAYS("+OK POP3 ready\r\n")},
         STARTTLS_NOT_OFFERED,
         "not IMAP",
         false,
         false},
    };
    (void)state;
    RUN_ALL(scenes);
}

static void pop3(void **state)
{
    static const struct scene scenes[] = {
        {"good",
         SERVICE_POP3,
         {SAYS("+OK ready <1@x>\r\n"), {"STLS\r\n", "\r\n", "+OK Begin\r\n", 0}},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
        {"not there",
         SERVICE_POP3,
         {SAYS("+OK\r\n"), {"STLS\r\n", "\r\n", "-ERR unknown\r\n", 0}},
         STARTTLS_NOT_OFFERED,
         "-ERR unknown",
         false,
         false},
        {"busy",
         SERVICE_POP3,
         {SAYS("-ERR [SYS/TEMP] busy\r\n")},
         STARTTLS_UNSEEN,
         "busy",
         false,
         false},
        {"ends",
         SERVICE_POP3,
         {SAYS("+OK\r\n"), {"STLS\r\n", "\r\n", NULL, 0}},
         STARTTLS_REFUSED,
         "the POP3 server ended",
         false,
         false},
        {"injection",
         SERVICE_POP3,
         {SAYS("+OK\r\n"), {"STLS\r\n", "\r\n", "+OK\r\n+OK\r\n", 0}},
         STARTTLS_REFUSED,
         "behind its go-ahead",
         false,
         true},
        {"another protocol",
         SERVICE_POP3,
         {SAYS("220 smtp\r\n")},
         STARTTLS_NOT_OFFERED,
         "not POP3",
         false,
         false},
    };
    (void)state;
    RUN_ALL(scenes);
}

static void sieve(void **state)
{
    static const struct scene scenes[] = {
        {"good",
         SERVICE_SIEVE,
         {SAYS("\"IMPLEMENTATION\" \"x\"\r\n\"SASL\" \"\"\r\n\"STARTTLS\"\r\nOK \"ready.\"\r\n"),
          STARTTLS("OK \"Begin TLS negotiation now.\"\r\n")},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
        {"literals",
         SERVICE_SIEVE,
         {SAYS("\"IMPLEMENTATION\" {8}\r\nOK\r\nNO\r\n\r\n\"SIEVE\" {0}\r\n\r\n\"StartTLS\"\r\n"
               "OK {4}\r\nBYE\n\r\n"),
          STARTTLS("OK (TAG {3+}\r\nabc) \"now\"\r\n")},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
        {"no offer",
         SERVICE_SIEVE,
         {SAYS("\"IMPLEMENTATION\" \"STARTTLS\"\r\nOK\r\n")},
         STARTTLS_NOT_OFFERED,
         "offers no STARTTLS",
         false,
         false},
        {"refused",
         SERVICE_SIEVE,
         {SAYS("\"STARTTLS\"\r\nOK\r\n"), STARTTLS("NO \"no certificate\"\r\n")},
         STARTTLS_REFUSED,
         "NO \"no certificate\"",
         false,
         false},
        {"goodbye",
         SERVICE_SIEVE,
         {SAYS("BYE \"busy\"\r\n")},
         STARTTLS_UNSEEN,
         "busy",
         false,
         false},
        {"injection",
         SERVICE_SIEVE,
         {SAYS("\"STARTTLS\"\r\nOK\r\n"), STARTTLS("OK\r\nOK\r\n")},
         STARTTLS_REFUSED,
         "behind its go-ahead",
         false,
         true},
        {"a literal without end",
         SERVICE_SIEVE,
         {SAYS("\"X\" {99999999999999999999999999}\r\n"),
          {NULL, NULL, "xxxxxxxxxxxxxxxx\r\n", 4000}},
         STARTTLS_NOT_OFFERED,
         "not ManageSieve",
         false,
         true},
        {"another protocol",
         SERVICE_SIEVE,
         {SAYS("+OK POP3\r\n")},
         STARTTLS_NOT_OFFERED,
         "not ManageSieve",
         false,
         false},
    };
    (void)state;
    RUN_ALL(scenes);
}

#define OPEN(answer)                                                                               \
    {                                                                                              \
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                               \
        "xmlns:stream='http://etherx.jabber.org/streams' to='xmpp.example.org' version='1.0'>",    \
            "version='1.0'>", answer, 0                                                            \
    }
#define ASK(answer)                                                                                \
    {                                                                                              \
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "/>", answer, 0                     \
    }
#define STREAM                                                                                     \
    "<?xml version='1.0'?><stream:stream from='x' id='a>b' version=\"1.0\" "                       \
    "xmlns:stream='http://etherx.jabber.org/streams'>"

static void xmpp(void **state)
{
    static const struct scene scenes[] = {
        {"good",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'>"
                      "<required/></starttls><mechanisms/></stream:features>"),
          ASK("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
        {"other prefixes, white space, open and close",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM " \n<features\n><tls:starttls\txmlns:tls='urn:ietf:params:xml:ns:xmpp-tls' />"
                      " text > </features >"),
          ASK(" <tls:proceed></tls:proceed>")},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
        {"no offer",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "<stream:features><starttlsx/><x a='<starttls/>'/></stream:features>")},
         STARTTLS_NOT_OFFERED,
         "offers no STARTTLS",
         false,
         false},
        {"no features",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "<stream:features/>")},
         STARTTLS_NOT_OFFERED,
         "offers no STARTTLS",
         false,
         false},
        {"another domain",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>"
                      "</stream:error></stream:stream>")},
         STARTTLS_UNSEEN,
         "host-unknown",
         false,
         false},
        {"an error",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "<stream:error><policy-violation/></stream:error></stream:stream>")},
         STARTTLS_UNSEEN,
         "XMPP",
         false,
         false},
        {"an end",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "</stream:stream>")},
         STARTTLS_UNSEEN,
         "XMPP",
         false,
         false},
        {"failure",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "<stream:features><starttls/></stream:features>"),
          ASK("<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")},
         STARTTLS_REFUSED,
         "failure",
         false,
         false},
        {"ends at last",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "<stream:features><starttls/></stream:features>"), ASK("<proc")},
         STARTTLS_REFUSED,
         "ended",
         false,
         false},
        {"injection",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "<stream:features><starttls/></stream:features>"),
          ASK("<proceed/><stream:stream>")},
         STARTTLS_REFUSED,
         "behind its go-ahead",
         false,
         true},
        {"a tag without end",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM "<x "), {NULL, NULL, "a='>' ", 1000}},
         STARTTLS_NOT_OFFERED,
         "not XMPP",
         false,
         true},
        {"text without end",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM), {NULL, NULL, "no tag here ", 10000}},
         STARTTLS_NOT_OFFERED,
         "not XMPP",
         false,
         true},
        {"tags without end",
         SERVICE_XMPP_CLIENT,
         {OPEN(STREAM), {NULL, NULL, "<a>", 30000}},
         STARTTLS_NOT_OFFERED,
         "not XMPP",
         false,
         true},
        {"silence", SERVICE_XMPP_CLIENT, {OPEN(STREAM)}, STARTTLS_UNSEEN, "in time", true, false},
        {"another protocol",
         SERVICE_XMPP_CLIENT,
         {OPEN("HTTP/1.1 400 Bad Request\r\n\r\n<html></html>")},
         STARTTLS_NOT_OFFERED,
         "not XMPP",
         false,
         false},
        {"a server's",
         SERVICE_XMPP_SERVER,
         {{"<?xml version='1.0'?><stream:stream xmlns='jabber:server' ", "version='1.0'>",
           STREAM "<stream:features><starttls/></stream:features>", 0},
          ASK("<proceed/>")},
         STARTTLS_BEGIN,
         NULL,
         false,
         false},
    };
    (void)state;
    RUN_ALL(scenes);
}

/* No octet is read where TLS begins at once; and what is said at the end is the dialect's. */
static void without_dialogue(void **state)
{
    struct tcp none = {-1, 0};
    struct net_words why = {""};
    (void)state;
    assert_int_equal(starttls(&none, SERVICE_TLS, "x.example", &why), STARTTLS_BEGIN);
    assert_null(starttls_farewell(SERVICE_TLS));
    assert_null(starttls_farewell(SERVICE_XMPP_CLIENT));
    assert_string_equal(starttls_farewell(SERVICE_SMTP), "QUIT\r\n");
    assert_string_equal(starttls_farewell(SERVICE_IMAP), "b LOGOUT\r\n");
    assert_string_equal(starttls_farewell(SERVICE_POP3), "QUIT\r\n");
    assert_string_equal(starttls_farewell(SERVICE_SIEVE), "LOGOUT\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smtp),  cmocka_unit_test(imap), cmocka_unit_test(pop3),
        cmocka_unit_test(sieve), cmocka_unit_test(xmpp), cmocka_unit_test(without_dialogue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
