/*
 * http/http.h without a network: tls_* are a server played from a script, time_* a clock that
 * stands still until a test moves it.
 */
#include "base/buf.h"
#include "base/time.h"
#include "http/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the clock ---- */

static int64_t ticks = 1000000, wall = TIME_RELEASE;

int64_t time_ticks(void)
{
    return ticks;
}

int64_t time_wall(void)
{
    return wall;
}

void time_moment(struct moment *now)
{
    memset(now, 0, sizeof *now);
    now->wall = wall;
}

/* ---- the server ---- */

/* One connection: its answers in order, each let out by the request before it. */
struct link {
    const char *answers[6];
    size_t lengths[6]; /* 0: up to NUL */
    int end;           /* what tls_read says when nothing is left: 0, NET_ENDED, ... */
    int connect;       /* what tls_connect says */
    int write;         /* what tls_write says at the request FAIL_AT (from 1) */
    unsigned fail_at;
};

static struct {
    const struct link *links;
    size_t count, next; /* connections offered, and made or tried so far */
    const struct link *now;
    unsigned requests;     /* heads written over this connection */
    size_t answer, offset; /* what is read next */
    size_t step;           /* octets a read gives at most */
    int64_t read_ms;       /* that a read takes */
    bool open;
    int fd;
    int64_t deadline;
    unsigned writes, closes;
    char host[HTTP_HOST_SIZE];
    uint16_t port;
    struct buf sent; /* everything written, over all connections */
    char sent_bytes[20000];
} server;

int tls_connect(struct tls *t, const struct trust *trust, const char *host, uint16_t port,
                int64_t connect_ms, int64_t deadline, struct net_words *why)
{
    struct buf words = BUF_OVER(why->text);
    struct buf name = BUF_OVER(server.host);
    (void)trust;
    assert_false(server.open);
    assert_int_equal(connect_ms, HTTP_CONNECT_MS);
    assert_true(server.next < server.count);
    server.now = &server.links[server.next++];
    buf_text(&name, host);
    server.port = port;
    server.deadline = deadline;
    server.requests = 0;
    server.answer = 0;
    server.offset = 0;
    if (server.now->connect != 0) {
        buf_text(&words, "no way");
        return server.now->connect;
    }
    t->tcp.fd = server.fd;
    server.open = true;
    return 0;
}

void tls_deadline(struct tls *t, int64_t deadline)
{
    (void)t;
    assert_true(server.open);
    server.deadline = deadline;
}

static size_t answer_length(void)
{
    const struct link *now = server.now;
    size_t length = now->lengths[server.answer];
    return length != 0 ? length : strlen(now->answers[server.answer]);
}

int tls_read(struct tls *t, void *bytes, size_t size)
{
    (void)t;
    assert_true(server.open);
    ticks += server.read_ms;
    if (ticks >= server.deadline)
        return NET_TIMEOUT;
    while (server.answer < server.requests && server.now->answers[server.answer] != NULL) {
        size_t left = answer_length() - server.offset;
        if (left == 0) {
            server.answer++;
            server.offset = 0;
            continue;
        }
        size = size < left ? size : left;
        size = size < server.step ? size : server.step;
        memcpy(bytes, server.now->answers[server.answer] + server.offset, size);
        server.offset += size;
        return (int)size;
    }
    return server.now->end;
}

int tls_write(struct tls *t, const void *bytes, size_t length)
{
    static const char mark[] = " HTTP/1.1\r\n";
    const char *text = bytes;
    (void)t;
    assert_true(server.open);
    server.writes++;
    buf_put(&server.sent, bytes, length);
    for (size_t i = 0; i + sizeof mark - 1 <= length; i++) {
        if (memcmp(text + i, mark, sizeof mark - 1) == 0) {
            server.requests++;
            break;
        }
    }
    return server.now->write != 0 && server.requests >= server.now->fail_at ? server.now->write : 0;
}

void tls_close(struct tls *t)
{
    (void)t;
    assert_true(server.open);
    server.open = false;
    server.closes++;
}

/* ---- helpers ---- */

static struct http_base base;
static struct http http;
static struct http_answer answer;

static const struct http_request get = {.method = "GET", .path = "/x"};
static const struct http_request post = {.method = "POST",
                                         .path = "/x",
                                         .content_type = "text/plain",
                                         .body = "hello",
                                         .body_length = 5};

static void serve(const struct link *links, size_t count, size_t step)
{
    memset(&server, 0, sizeof server);
    server.links = links;
    server.count = count;
    server.step = step;
    server.fd = -1;
    server.sent = BUF_OVER(server.sent_bytes);
    assert_int_equal(http_base_parse("https://api.example.org/v4", &base), 0);
    http_init(&http, &base, NULL, "daneroll/test");
}

static int read_all(char *text, size_t size, size_t piece)
{
    char bytes[2048];
    struct buf b = buf_over(text, size);
    int got;
    while ((got = http_read(&http, bytes, piece)) > 0) {
        assert_true((size_t)got <= piece);
        buf_put(&b, bytes, (size_t)got);
    }
    assert_false(buf_full(&b));
    return got;
}

/* Sends a request and expects this body with the connection kept or not. */
static void expect_answer(const struct http_request *request, int status, const char *body,
                          bool kept)
{
    char text[4096];
    assert_int_equal(http_request(&http, request, &answer), 0);
    assert_int_equal(answer.status, status);
    assert_int_equal(read_all(text, sizeof text, 100), 0);
    assert_string_equal(text, body);
    assert_int_equal(http_read(&http, text, 1), 0);
    http_finish(&http);
    assert_int_equal(http.open, kept);
    assert_int_equal(server.open, kept);
}

/* ---- one answer ---- */

struct row {
    const char *method, *raw;
    int end;
    int rc;     /* of http_request, or else of the last http_read */
    int status; /* 0: http_request fails */
    const char *body;
    bool keep;
};

#define OK   "HTTP/1.1 200 OK\r\n"
#define MANY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct row rows[] = {
    /* by length */
    {"GET", OK "Content-Length: 5\r\n\r\nhello", 0, 0, 200, "hello", true},
    {"GET", OK "content-length:5\r\n\r\nhello", 0, 0, 200, "hello", true},
    {"GET", OK "CONTENT-LENGTH: \t 005 \t \r\n\r\nhello", 0, 0, 200, "hello", true},
    {"GET", OK "Content-Length: 0\r\n\r\n", 0, 0, 200, "", true},
    {"GET", OK "Content-Length: 5\r\n\r\nhell", 0, HTTP_LOST, 200, "hell", false},
    {"GET", OK "Content-Length: 5\r\n\r\nhell", NET_ENDED, HTTP_LOST, 200, "hell", false},
    {"GET", OK "Content-Length: 5\r\n\r\nhell", NET_FAILED, HTTP_LOST, 200, "hell", false},
    {"GET", OK "Content-Length: 5\r\n\r\nhell", NET_PROTOCOL, HTTP_LOST, 200, "hell", false},
    {"GET", OK "Content-Length: 5\r\n\r\nhell", NET_TIMEOUT, HTTP_TIMEOUT, 200, "hell", false},
    {"GET", OK "Content-Length: 9223372036854775807\r\n\r\nx", 0, HTTP_LOST, 200, "x", false},
    {"GET", OK "Content-Length: 9223372036854775808\r\n\r\nx", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length: 99999999999999999999999\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length: -1\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length: +5\r\n\r\nhello", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length: 0x5\r\n\r\nhello", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length: 5 5\r\n\r\nhello", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length:\r\n\r\nhello", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length: 5, 5\r\n\r\nhello", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 0, HTTP_MALFORMED, 0, "",
     false},
    {"GET", OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 0, HTTP_MALFORMED, 0, "",
     false},
    /* to the end of the connection */
    {"GET", OK "\r\nhello", 0, 0, 200, "hello", false},
    {"GET", OK "\r\n", 0, 0, 200, "", false},
    {"GET", OK "\r\nhello", NET_ENDED, HTTP_LOST, 200, "hello", false},
    {"GET", OK "\r\nhello", NET_FAILED, HTTP_LOST, 200, "hello", false},
    {"GET", OK "\r\nhello", NET_TIMEOUT, HTTP_TIMEOUT, 200, "hello", false},
    {"GET", "HTTP/1.0 200 OK\r\n\r\nhello", 0, 0, 200, "hello", false},
    {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, 0, 200, "hello", false},
    {"GET", OK "Content-Length: 5\r\nConnection: close\r\n\r\nhello", 0, 0, 200, "hello", false},
    {"GET", OK "Content-Length: 5\r\nConnection: x, CLOSE ,y\r\n\r\nhello", 0, 0, 200, "hello",
     false},
    {"GET", OK "Connection: x\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", 0, 0, 200,
     "hello", false},
    {"GET", OK "Content-Length: 5\r\nConnection: keep-alive, closed\r\n\r\nhello", 0, 0, 200,
     "hello", true},
    /* chunks */
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 0, 0, 200, "hello",
     true},
    {"GET", OK "transfer-encoding:CHUNKED \r\n\r\n3\r\nhel\r\n02\r\nlo\r\n000\r\n\r\n", 0, 0, 200,
     "hello", true},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n40\r\n" MANY "\r\n0\r\n\r\n", 0, 0, 200, MANY,
     true},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n00000000000000a\r\n0123456789\r\n0\r\n\r\n", 0, 0,
     200, "0123456789", true},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", 0, 0, 200,
     "0123456789", true},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n0;b=c;d=\"e\\\"f\"\r\n\r\n", 0, 0,
     200, "hello", true},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5 ; a = b\r\nhello\r\n0\t\r\n\r\n", 0, 0, 200,
     "hello", true},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\nC:\r\n\r\n", 0, 0, 200,
     "hello", true},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 7\r\n\r\n", 0, 0, 200, "",
     true},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\n\n", 0, 0, 200, "", true},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n0\r\nA b\r\n\r\n", 0, HTTP_MALFORMED, 200, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n0\r\n A: b\r\n\r\n", 0, HTTP_MALFORMED, 200, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello", 0, HTTP_LOST, 200, "hello", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", 0, HTTP_LOST, 200, "hello",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 0, HTTP_LOST, 200, "hello",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n", NET_TIMEOUT,
     HTTP_TIMEOUT, 200, "hello", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhelloo\r\n0\r\n\r\n", 0, HTTP_MALFORMED, 200,
     "hello", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n", 0, HTTP_MALFORMED, 200,
     "hello", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n6\r\nhello\r\n0\r\n\r\n", 0, HTTP_MALFORMED, 200,
     "hello\r", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n", 0, HTTP_MALFORMED, 200,
     "", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\n0\r\n\r\n", 0, HTTP_MALFORMED, 200,
     "hello", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n", 0, HTTP_MALFORMED, 200,
     "", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n;a\r\nhello\r\n", 0, HTTP_MALFORMED, 200, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n", 0, HTTP_MALFORMED, 200, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n", 0, HTTP_MALFORMED, 200, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n", 0, HTTP_MALFORMED, 200, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5 x\r\nhello\r\n", 0, HTTP_MALFORMED, 200, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n0000000000000005\r\nhello\r\n", 0, HTTP_MALFORMED,
     200, "", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\nx", 0, HTTP_LOST, 200, "x",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx", 0, HTTP_MALFORMED, 200,
     "", false},
    {"GET", OK "Transfer-Encoding: chunked\r\n\r\n5;\x01\r\nhello\r\n", 0, HTTP_MALFORMED, 200, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 0,
     HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0,
     HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, HTTP_MALFORMED, 0, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 0, HTTP_MALFORMED, 0, "",
     false},
    {"GET", OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0,
     HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Transfer-Encoding: identity\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Transfer-Encoding:\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, HTTP_MALFORMED, 0,
     "", false},
    /* without a body */
    {"HEAD", OK "Content-Length: 5\r\n\r\n", 0, 0, 200, "", true},
    {"HEAD", OK "Transfer-Encoding: chunked\r\n\r\n", 0, 0, 200, "", true},
    {"HEAD", OK "\r\n", 0, 0, 200, "", true},
    {"DELETE", "HTTP/1.1 204 No Content\r\n\r\n", 0, 0, 204, "", true},
    {"DELETE", "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 0, 0, 204, "", true},
    {"DELETE", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}", 0, 0, 204, "", false},
    {"DELETE", "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 0, 204, "",
     false},
    {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", 0, 0, 304, "", true},
    {"DELETE", "HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n", 0, 0, 205, "", true},
    /* status lines */
    {"GET", "HTTP/1.1 404 \r\nContent-Length: 1\r\n\r\nx", 0, 0, 404, "x", true},
    {"GET", "HTTP/1.1 503\r\nContent-Length: 1\r\n\r\nx", 0, 0, 503, "x", true},
    {"GET", "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 1\r\n\r\nx", 0, 0, 302, "x",
     true},
    {"GET", "HTTP/1.1 999 \xe9t\xe9\tx\r\nContent-Length: 1\r\n\r\nx", 0, 0, 999, "x", true},
    {"GET", "HTTP/1.9 200 OK\r\nContent-Length: 1\r\n\r\nx", 0, 0, 200, "x", true},
    {"GET", "HTTP/1.1 099 OK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.1 20 OK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.1 2000 OK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.1  200 OK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.1\t200 OK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.1 200\tOK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.10 200 OK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/2.0 200 OK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.1 \r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.1\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "http/1.1 200 OK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "\r\nHTTP/1.1 200 OK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "SSH-2.0-OpenSSH\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "<html>\n", 0, HTTP_MALFORMED, 0, "", false},
    /* lines */
    {"GET", "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 0, 0, 200, "hello", true},
    {"GET", OK "A: \x80\xff\t\"x\"\r\nContent-Length: 1\r\n\r\nx", 0, 0, 200, "x", true},
    {"GET", OK "!#$%&'*+-.^_`|~09azAZ: x\r\nContent-Length: 1\r\n\r\nx", 0, 0, 200, "x", true},
    {"GET", OK "A: b\r\n folded\r\nContent-Length: 1\r\n\r\nx", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "A: b\r\n\tfolded: x\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK " A: b\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "A : b\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "Content-Length : 5\r\n\r\nhello", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "A\t: b\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK ": b\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "A b\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "A(: b\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "\xc3\xa9: b\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "A: b\rC: d\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "A: b\r\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "A: \x01\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", OK "A: \x7f\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    {"GET", "HTTP/1.1 200 O\x1bK\r\n\r\n", 0, HTTP_MALFORMED, 0, "", false},
    /* nothing, or not all of a head */
    {"GET", "", 0, HTTP_LOST, 0, "", false},
    {"GET", "", NET_ENDED, HTTP_LOST, 0, "", false},
    {"GET", "", NET_FAILED, HTTP_LOST, 0, "", false},
    {"GET", "", NET_TIMEOUT, HTTP_TIMEOUT, 0, "", false},
    {"GET", OK "Content-Length: 0\r\n", 0, HTTP_LOST, 0, "", false},
    {"GET", "HTTP/1.1 200 O", NET_ENDED, HTTP_LOST, 0, "", false},
    {"GET", "HTTP/1.1 200 O", NET_TIMEOUT, HTTP_TIMEOUT, 0, "", false},
    /* before the answer */
    {"GET", "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", 0, 0, 200, "x", true},
    {"GET",
     "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"
     "HTTP/1.1 102 Processing\r\n\r\n" OK "Content-Length: 1\r\n\r\nx",
     0, 0, 200, "x", true},
    {"GET", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 0, HTTP_MALFORMED, 0, "",
     false},
    {"GET", "HTTP/1.1 100 Continue\r\n\r\n", 0, HTTP_LOST, 0, "", false},
};

static void test_rows(void **state)
{
    static const size_t steps[] = {1, 2, 3, 7, 1024};
    static const size_t pieces[] = {1, 3, 64, 2048};
    char body[256];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        const struct link link = {.answers = {row->raw}, .end = row->end};
        const struct http_request request = {.method = row->method, .path = "/x"};
        for (size_t s = 0; s < 5 * 4; s++) {
            size_t step = steps[s % 5], piece = pieces[s / 5];
            serve(&link, 1, step);
            int rc = http_request(&http, &request, &answer);
            if (rc != (row->status == 0 ? row->rc : 0))
                fail_msg("row %zu: %d of %s", i, rc, row->raw);
            if (rc == 0) {
                assert_int_equal(answer.status, row->status);
                rc = read_all(body, sizeof body, piece);
                if (rc != row->rc || strcmp(body, row->body) != 0)
                    fail_msg("row %zu: %d, body %s of %s", i, rc, body, row->raw);
                assert_int_equal(http_read(&http, body, 1), rc);
            }
            http_finish(&http);
            if (row->keep != http.open)
                fail_msg("row %zu: kept %d of %s", i, http.open, row->raw);
            assert_int_equal(http.open, server.open);
            assert_int_equal(http.why.text[0] != '\0', rc != 0);
            if (rc != 0)
                assert_int_equal(http_read(&http, body, 1), rc);
        }
    }
}

/* ---- what a head says ---- */

static void head_of(const char *fields)
{
    char raw[2048];
    struct buf b = BUF_OVER(raw);
    buf_printf(&b, "HTTP/1.1 429 Too Many Requests\r\n%s\r\nContent-Length: 0\r\n\r\n", fields);
    const struct link link = {.answers = {raw}};
    serve(&link, 1, 1024);
    assert_int_equal(http_request(&http, &get, &answer), 0);
    http_finish(&http);
    http_close(&http);
}

static void test_content_type(void **state)
{
    static const struct {
        const char *field;
        bool json;
    } types[] = {
        {"Content-Type: application/json", true},
        {"content-type:Application/JSON;charset=UTF-8", true},
        {"Content-Type: application/json ; charset=utf-8", true},
        {"Content-Type: application/problem+json", true},
        {"Content-Type: +json", false},
        {"Content-Type: application/jsonx", false},
        {"Content-Type: application/json-seq", false},
        {"Content-Type: text/html; x=application/json", false},
        {"Content-Type: text/html; charset=UTF-8", false},
        {"Content-Type:", false},
        {"X: application/json", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        head_of(types[i].field);
        assert_int_equal(answer.json, types[i].json);
    }
}

static void test_retry_after(void **state)
{
    static const struct {
        const char *fields;
        int64_t seconds;
    } list[] = {
        {"A: b", -1},
        {"Retry-After: 0", 0},
        {"retry-after: 120", 120},
        {"Retry-After: 00300 ", 300},
        {"Retry-After: 999999999", 999999999},
        {"Retry-After: 99999999999999999999999999", 1000000000},
        {"Retry-After: -1", -1},
        {"Retry-After: 1.5", -1},
        {"Retry-After: soon", -1},
        {"Retry-After:", -1},
        {"Retry-After: 5\r\nRetry-After: 7", 7},
        {"Retry-After: Wed, 25 Nov 2026 10:00:30 GMT\r\nDate: Wed, 25 Nov 2026 10:00:00 GMT", 30},
        {"Date: Wed, 25 Nov 2026 10:00:00 GMT\r\nRetry-After: Wed, 25 Nov 2026 10:00:30 GMT", 30},
        {"Date: Wed, 25 Nov 2026 10:00:00 GMT\r\nRetry-After: Wed Nov 25 10:00:00 2026", 0},
        {"Date: Wed, 25 Nov 2026 10:00:00 GMT\r\nRetry-After: Wed, 25 Nov 2026 09:59:59 GMT", 0},
        {"Retry-After: Sun, 01 Nov 2026 00:01:00 GMT", 60}, /* from our own clock */
        {"Retry-After: Sat, 31 Oct 2026 00:01:00 GMT", 0},
        {"Date: rubbish\r\nRetry-After: Sunday, 01-Nov-26 00:01:00 GMT", 60},
        {"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", 1000000000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        head_of(list[i].fields);
        assert_int_equal(answer.retry_after, list[i].seconds);
    }
}

static void test_date_and_trace(void **state)
{
    (void)state;
    head_of("A: b");
    assert_int_equal(answer.date, -1);
    assert_string_equal(answer.trace, "");
    head_of("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Request-Id: 12-34");
    assert_int_equal(answer.date, 784111777);
    assert_string_equal(answer.trace, "12-34");
    head_of("Date: yesterday\r\nCF-RAY: 7e\x80 AMS\r\nX-Request-Id: 12-34");
    assert_int_equal(answer.date, -1);
    assert_string_equal(answer.trace, "7e? AMS");
    head_of("x-request-id: 12-34\r\ncf-ray: 7e-FRA");
    assert_string_equal(answer.trace, "7e-FRA");
    head_of("cf-ray: " MANY "y");
    assert_int_equal(strlen(answer.trace), HTTP_TRACE_SIZE - 1);
    assert_memory_equal(answer.trace, MANY, HTTP_TRACE_SIZE - 1);
}

/* An interim head's fields are not the answer's. */
static void test_interim_leaves_nothing(void **state)
{
    const struct link link = {
        .answers = {"HTTP/1.1 103 Early Hints\r\nRetry-After: 5\r\ncf-ray: a\r\nContent-Type: "
                    "application/json\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"}};
    (void)state;
    serve(&link, 1, 1024);
    assert_int_equal(http_request(&http, &get, &answer), 0);
    assert_int_equal(answer.retry_after, -1);
    assert_string_equal(answer.trace, "");
    assert_false(answer.json);
}

/* ---- limits ---- */

static char big[400000];

static int rc_of_big(size_t length)
{
    static struct link link;
    link = (struct link){.answers = {big}, .lengths = {length}};
    serve(&link, 1, 1024);
    return http_request(&http, &get, &answer);
}

static void test_line_limit(void **state)
{
    (void)state;
    for (size_t line = HTTP_LINE_SIZE - 3; line <= HTTP_LINE_SIZE + 3; line++) {
        struct buf b = BUF_OVER(big);
        buf_text(&b, OK "A:");
        while (b.used < strlen(OK) + line)
            buf_char(&b, 'x');
        buf_text(&b, "\r\nContent-Length: 0\r\n\r\n");
        assert_int_equal(rc_of_big(b.used), line < HTTP_LINE_SIZE ? 0 : HTTP_MALFORMED);
    }
}

static void test_head_limit(void **state)
{
    (void)state;
    for (size_t head = HTTP_HEAD_SIZE - 40; head <= HTTP_HEAD_SIZE + 40; head++) {
        struct buf b = BUF_OVER(big);
        buf_text(&b, OK "Content-Length: 0\r\n");
        while (b.used + 4 + 10 <= head)
            buf_text(&b, "a:\r\n");
        buf_text(&b, "a:");
        while (b.used + 4 < head)
            buf_char(&b, 'x');
        buf_text(&b, "\r\n\r\n");
        assert_int_equal(b.used, head);
        assert_int_equal(rc_of_big(b.used), head <= HTTP_HEAD_SIZE ? 0 : HTTP_MALFORMED);
    }
}

static void test_interim_limit(void **state)
{
    (void)state;
    for (int interim = 0; interim < HTTP_INTERIM_MOST + 4; interim++) {
        struct buf b = BUF_OVER(big);
        for (int i = 0; i < interim; i++)
            buf_text(&b, "HTTP/1.1 100 Continue\r\n\r\n");
        buf_text(&b, OK "Content-Length: 0\r\n\r\n");
        assert_int_equal(rc_of_big(b.used), interim <= HTTP_INTERIM_MOST ? 0 : HTTP_MALFORMED);
    }
}

/* Chunks without number pass; endless extensions and trailers do not. */
static void test_chunk_limits(void **state)
{
    char bytes[512];
    int got;
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct buf b = BUF_OVER(big);
        buf_text(&b, OK "Transfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < 30000; i++)
            buf_text(&b, kind == 0 ? "1\r\nx\r\n" : kind == 1 ? "1;abc\r\nx\r\n" : "");
        buf_text(&b, "0\r\n");
        for (int i = 0; i < 30000 && kind == 2; i++)
            buf_text(&b, "A:b\r\n");
        buf_text(&b, "\r\n");
        assert_false(buf_full(&b));
        assert_int_equal(rc_of_big(b.used), 0);
        size_t sum = 0;
        while ((got = http_read(&http, bytes, sizeof bytes)) > 0)
            sum += (size_t)got;
        assert_int_equal(got, kind == 0 ? 0 : HTTP_MALFORMED);
        if (kind == 0)
            assert_int_equal(sum, 30000);
        http_finish(&http);
        assert_int_equal(http.open, kind == 0);
    }
}

/* ---- requests ---- */

static const struct link one_ok[] = {{.answers = {OK "Content-Length: 0\r\n\r\n"}}};

static void expect_sent(const struct http_request *request, const char *url, const char *wanted)
{
    serve(one_ok, 1, 1024);
    assert_int_equal(http_base_parse(url, &base), 0);
    assert_int_equal(http_request(&http, request, &answer), 0);
    assert_string_equal(server.sent_bytes, wanted);
    assert_string_equal(server.host, base.host);
    assert_int_equal(server.port, base.port);
}

static void test_request_text(void **state)
{
    struct http_request r = {.method = "GET", .path = "/zones?name=example.org"};
    (void)state;
    expect_sent(&r, "https://api.example.org",
                "GET /zones?name=example.org HTTP/1.1\r\nHost: api.example.org\r\n"
                "User-Agent: daneroll/test\r\n\r\n");
    r.accept = "application/json";
    r.bearer = "cfut_abc-DEF";
    expect_sent(&r, "https://api.example.org:8443/client/v4/",
                "GET /client/v4/zones?name=example.org HTTP/1.1\r\nHost: api.example.org:8443\r\n"
                "User-Agent: daneroll/test\r\nAccept: application/json\r\n"
                "Authorization: Bearer cfut_abc-DEF\r\n\r\n");
    r.method = "POST";
    r.bearer = NULL;
    r.accept = NULL;
    expect_sent(&r, "https://[::1]:443",
                "POST /zones?name=example.org HTTP/1.1\r\nHost: [::1]\r\n"
                "User-Agent: daneroll/test\r\nContent-Length: 0\r\n\r\n");
    r.content_type = "application/json";
    r.body = "{\"a\":1}";
    r.body_length = 7;
    expect_sent(&r, "https://[2001:db8::5]:8443/x",
                "POST /x/zones?name=example.org HTTP/1.1\r\nHost: [2001:db8::5]:8443\r\n"
                "User-Agent: daneroll/test\r\nContent-Type: application/json\r\n"
                "Content-Length: 7\r\n\r\n{\"a\":1}");
    assert_int_equal(server.writes, 1);
    r.method = "DELETE";
    r.content_type = NULL;
    expect_sent(&r, "https://127.0.0.1",
                "DELETE /zones?name=example.org HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                "User-Agent: daneroll/test\r\n\r\n");
}

/* One write as long as head and body fit, two beyond; always all of it. */
static void test_large_body(void **state)
{
    static char body[9000];
    struct http_request r = {
        .method = "POST", .path = "/", .content_type = "text/plain", .body = body};
    (void)state;
    memset(body, 'b', sizeof body);
    for (r.body_length = 3800; r.body_length <= sizeof body; r.body_length += 25) {
        serve(one_ok, 1, 1024);
        assert_int_equal(http_request(&http, &r, &answer), 0);
        size_t head = (size_t)(strstr(server.sent_bytes, "\r\n\r\n") + 4 - server.sent_bytes);
        assert_int_equal(server.sent.used, head + r.body_length);
        assert_int_equal(server.writes, head + r.body_length < HTTP_SEND_SIZE ? 1 : 2);
        assert_memory_equal(server.sent_bytes + head, body, r.body_length);
    }
}

static void test_bad_requests(void **state)
{
    static const struct http_request bad[] = {
        {.method = "", .path = "/"},
        {.method = "GE T", .path = "/"},
        {.method = "GET\r\nX: y", .path = "/"},
        {.method = "GET", .path = ""},
        {.method = "GET", .path = "x"},
        {.method = "GET", .path = "/a b"},
        {.method = "GET", .path = "/a\r\nX: y"},
        {.method = "GET", .path = "/a#b"},
        {.method = "GET", .path = "/\xc3\xa9"},
        {.method = "GET", .path = "/", .accept = "a\nb"},
        {.method = "GET", .path = "/", .accept = ""},
        {.method = "GET", .path = "/", .content_type = "a\rb"},
        {.method = "GET", .path = "/", .bearer = ""},
        {.method = "GET", .path = "/", .bearer = "SECRETsecret\n"},
        {.method = "GET", .path = "/", .bearer = "SECRET secret"},
        {.method = "GET", .path = "/", .bearer = "SECRET\x7f"},
        {.method = "GET", .path = "/", .bearer = "SECRET\xc3\xa9"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        serve(one_ok, 1, 1024);
        assert_int_equal(http_request(&http, &bad[i], &answer), HTTP_REQUEST);
        assert_int_equal(server.next, 0);
        assert_int_equal(server.writes, 0);
        assert_int_not_equal(http.why.text[0], 0);
        assert_null(strstr(http.why.text, "SECRET"));
        assert_int_equal(answer.status, 0);
    }
}

static void test_too_long_requests(void **state)
{
    static char path[HTTP_SEND_SIZE + 10], token[HTTP_SEND_SIZE + 10];
    struct http_request r = {.method = "GET", .path = path, .bearer = token};
    bool fitted = false, refused = false;
    (void)state;
    memset(token, 't', 2048);
    path[0] = '/';
    for (size_t length = 1; length < HTTP_SEND_SIZE; length += 3) {
        memset(path + 1, 'p', length);
        serve(one_ok, 1, 1024);
        int rc = http_request(&http, &r, &answer);
        assert_true(rc == 0 || rc == HTTP_REQUEST);
        assert_true(rc == 0 ? !refused : server.writes == 0 && server.next == 0);
        if (rc == 0)
            assert_memory_equal(server.sent.data + server.sent.used - 4, "\r\n\r\n", 4);
        fitted |= rc == 0;
        refused |= rc != 0;
    }
    assert_true(fitted && refused);
}

/* The token goes over the wire and stays nowhere else. */
static void test_token_stays_nowhere(void **state)
{
    static const struct link links[] = {
        {.answers = {OK "Content-Length: 0\r\n\r\n"}},
        {.answers = {"HTTP/1.1 401 SECRETsecret42\r\nX: SECRETsecret42\r\ncf ray: "
                     "SECRETsecret42\r\n\r\n"}},
        {.connect = NET_UNTRUSTED},
        {.write = NET_FAILED, .fail_at = 1},
        {.end = NET_ENDED}};
    const struct http_request r = {.method = "GET", .path = "/", .bearer = "SECRETsecret42"};
    static const int wanted[] = {0, HTTP_MALFORMED, HTTP_FAILED, HTTP_LOST, HTTP_LOST};
    (void)state;
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
        serve(&links[i], 1, 1024);
        assert_int_equal(http_request(&http, &r, &answer), wanted[i]);
        assert_null(strstr(http.why.text, "SECRET"));
        for (size_t at = 0; at + 6 <= sizeof answer; at++)
            assert_memory_not_equal((const char *)&answer + at, "SECRET", 6);
    }
}

/* ---- connections ---- */

#define SMALL OK "Content-Length: 1\r\n\r\n"

static void test_keeps_one_connection(void **state)
{
    static const struct link links[] = {
        {.answers = {SMALL "a", OK "Transfer-Encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\n",
                     "HTTP/1.1 204 No Content\r\n\r\n", SMALL "d"}}};
    (void)state;
    serve(links, 1, 1024);
    expect_answer(&get, 200, "a", true);
    expect_answer(&post, 200, "b", true);
    expect_answer(&get, 204, "", true);
    expect_answer(&post, 200, "d", true);
    assert_int_equal(http.opened, 1);
    assert_int_equal(server.closes, 0);
    http_close(&http);
    assert_int_equal(server.closes, 1);
    http_close(&http);
    assert_int_equal(server.closes, 1);
}

static void test_opens_anew_after_close(void **state)
{
    static const struct link links[] = {
        {.answers = {OK "Connection: close\r\nContent-Length: 1\r\n\r\na"}},
        {.answers = {OK "\r\nb"}},
        {.answers = {SMALL "c"}}};
    (void)state;
    serve(links, 3, 1024);
    expect_answer(&get, 200, "a", false);
    expect_answer(&post, 200, "b", false);
    expect_answer(&get, 200, "c", true);
    assert_int_equal(http.opened, 3);
}

static void test_connect_fails(void **state)
{
    static const struct link links[] = {{.connect = NET_UNTRUSTED}, {.connect = NET_TIMEOUT}};
    (void)state;
    serve(links, 2, 1024);
    assert_int_equal(http_request(&http, &post, &answer), HTTP_FAILED);
    assert_int_equal(http.net_error, NET_UNTRUSTED);
    assert_string_equal(http.why.text, "no way");
    assert_false(http.open);
    assert_int_equal(http_read(&http, &answer, 1), HTTP_FAILED);
    http_finish(&http);
    assert_int_equal(http_request(&http, &get, &answer), HTTP_FAILED);
    assert_int_equal(http.net_error, NET_TIMEOUT);
    assert_int_equal(http.opened, 0);
    assert_int_equal(server.writes, 0);
}

/* A fresh connection that breaks is not tried again, whatever the method. */
static void test_no_resend_on_a_fresh_connection(void **state)
{
    static const int ends[] = {0, NET_ENDED, NET_FAILED, NET_PROTOCOL};
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        const struct link links[] = {{.end = ends[i % 4]}, {.answers = {SMALL "x"}}};
        serve(links, 2, 1024);
        assert_int_equal(http_request(&http, i < 4 ? &get : &post, &answer), HTTP_LOST);
        assert_int_equal(server.next, 1);
        assert_int_equal(server.writes, 1);
    }
    const struct link broken = {.write = NET_FAILED, .fail_at = 1};
    serve(&broken, 1, 1024);
    assert_int_equal(http_request(&http, &get, &answer), HTTP_LOST);
    assert_int_equal(http.net_error, NET_FAILED);
    const struct link late = {.write = NET_TIMEOUT, .fail_at = 1};
    serve(&late, 1, 1024);
    assert_int_equal(http_request(&http, &get, &answer), HTTP_TIMEOUT);
}

/* A kept connection that was closed meanwhile: once more for idempotent methods, lost for others.
 */
static void test_resend_on_a_stale_connection(void **state)
{
    static const struct {
        const char *method;
        bool again;
    } methods[] = {{"GET", true},   {"HEAD", true},   {"PUT", true}, {"DELETE", true},
                   {"POST", false}, {"PATCH", false}, {"get", false}};
    static const struct link first[] = {
        {.answers = {SMALL "a"}, .end = 0},
        {.answers = {SMALL "a"}, .end = NET_ENDED},
        {.answers = {SMALL "a"}, .end = NET_FAILED},
        {.answers = {SMALL "a"}, .write = NET_FAILED, .fail_at = 2}};
    (void)state;
    for (size_t m = 0; m < sizeof methods / sizeof methods[0]; m++) {
        for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
            const struct link links[] = {first[i], {.answers = {"HTTP/1.1 204 N\r\n\r\n"}}};
            const struct http_request r = {.method = methods[m].method, .path = "/y"};
            serve(links, 2, 1024);
            expect_answer(&get, 200, "a", true);
            if (methods[m].again) {
                expect_answer(&r, 204, "", true);
                assert_int_equal(http.opened, 2);
                assert_int_equal(server.writes, 3);
            } else {
                assert_int_equal(http_request(&http, &r, &answer), HTTP_LOST);
                assert_int_equal(server.next, 1);
                assert_int_equal(server.writes, 2);
                assert_false(http.open);
            }
        }
    }
}

static void test_resend_only_once(void **state)
{
    static const struct link links[] = {
        {.answers = {SMALL "a"}}, {.end = NET_ENDED}, {.answers = {SMALL "c"}}};
    (void)state;
    serve(links, 3, 1024);
    expect_answer(&get, 200, "a", true);
    assert_int_equal(http_request(&http, &get, &answer), HTTP_LOST);
    assert_int_equal(server.next, 2);
    assert_int_equal(server.writes, 3);
}

/* It was sent before, so that it may have had an effect though the second connection failed. */
static void test_resend_cannot_connect(void **state)
{
    static const struct link links[] = {{.answers = {SMALL "a"}}, {.connect = NET_FAILED}};
    const struct http_request r = {.method = "DELETE", .path = "/y"};
    (void)state;
    serve(links, 2, 1024);
    expect_answer(&get, 200, "a", true);
    assert_int_equal(http_request(&http, &r, &answer), HTTP_LOST);
    assert_int_equal(http.net_error, NET_FAILED);
}

/* One octet of an answer, an interim answer, nonsense or the deadline: no second sending. */
static void test_no_resend_once_begun(void **state)
{
    static const struct {
        struct link link;
        int rc;
    } list[] = {
        {{.answers = {SMALL "a", "H"}}, HTTP_LOST},
        {{.answers = {SMALL "a", "HTTP/1.1 100 C\r\n\r\n"}}, HTTP_LOST},
        {{.answers = {SMALL "a", "\x15\x03"}}, HTTP_MALFORMED},
        {{.answers = {SMALL "a"}, .end = NET_TIMEOUT}, HTTP_TIMEOUT},
        {{.answers = {SMALL "a"}, .write = NET_TIMEOUT, .fail_at = 2}, HTTP_TIMEOUT},
    };
    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        const struct link links[] = {list[i].link, {.answers = {SMALL "b"}}};
        serve(links, 2, 1024);
        expect_answer(&get, 200, "a", true);
        assert_int_equal(http_request(&http, &get, &answer), list[i].rc);
        assert_int_equal(server.next, 1);
    }
}

static void test_long_idle(void **state)
{
    static const struct link links[] = {{.answers = {SMALL "a", SMALL "b", SMALL "c"}},
                                        {.answers = {SMALL "d"}}};
    (void)state;
    serve(links, 2, 1024);
    expect_answer(&get, 200, "a", true);
    ticks += HTTP_IDLE_MOST_MS;
    expect_answer(&post, 200, "b", true);
    ticks += HTTP_IDLE_MOST_MS + 1;
    expect_answer(&get, 200, "c", true);
    ticks += HTTP_IDLE_MOST_MS + 1;
    expect_answer(&post, 200, "d", true);
    assert_int_equal(http.opened, 2);
}

/* A socket with something to read has an end or an unasked answer in it. */
static void test_end_seen_before_sending(void **state)
{
    static const struct link links[] = {{.answers = {SMALL "a", SMALL "b"}},
                                        {.answers = {SMALL "c"}}};
    int pair[2];
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        serve(links, 2, 1024);
        server.fd = pair[0];
        expect_answer(&get, 200, "a", true);
        if (kind == 1)
            assert_int_equal(write(pair[1], "x", 1), 1);
        if (kind == 2)
            assert_int_equal(shutdown(pair[1], SHUT_RDWR), 0);
        expect_answer(&post, 200, kind == 0 ? "b" : "c", true);
        assert_int_equal(http.opened, kind == 0 ? 1 : 2);
        http_close(&http);
        assert_int_equal(close(pair[0]), 0);
        assert_int_equal(close(pair[1]), 0);
    }
}

/* Octets behind an answer are not the next one's. */
static void test_unasked_answer_is_not_taken(void **state)
{
    static const struct link links[] = {
        {.answers = {SMALL "aHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", SMALL "b"}},
        {.answers = {SMALL "c"}}};
    (void)state;
    serve(links, 2, 1024);
    assert_int_equal(http_request(&http, &get, &answer), 0);
    http_finish(&http);
    expect_answer(&get, 200, "c", true);
    assert_int_equal(http.opened, 2);
}

/* ---- finishing ---- */

static void finish_of(const char *head, size_t body, bool kept)
{
    struct buf b = BUF_OVER(big);
    buf_text(&b, head);
    for (size_t i = 0; i < body; i++)
        buf_char(&b, 'x');
    const struct link link = {.answers = {big}, .lengths = {b.used}};
    char bytes[16];
    serve(&link, 1, 1024);
    assert_int_equal(http_request(&http, &get, &answer), 0);
    assert_int_equal(http_read(&http, bytes, sizeof bytes), 16);
    http_finish(&http);
    assert_int_equal(http.open, kept);
    assert_int_equal(http_read(&http, bytes, sizeof bytes), 0);
}

static void test_finish_skips_a_little(void **state)
{
    (void)state;
    finish_of(OK "Content-Length: 1000\r\n\r\n", 1000, true);
    finish_of(OK "Content-Length: 200000\r\n\r\n", 200000, true);
    /* not even begun when it is known to be too much */
    finish_of(OK "Content-Length: 300000\r\n\r\n", 300000, false);
    assert_in_range(server.offset, 1, 2048);
    finish_of(OK "Connection: close\r\nContent-Length: 30000\r\n\r\n", 30000, false);
    assert_in_range(server.offset, 1, 2048);
    finish_of(OK "\r\n", 30000, false);
    assert_in_range(server.offset, 1, 2048);
}

static void test_finish_stops_endless_chunks(void **state)
{
    char bytes[1];
    struct buf b = BUF_OVER(big);
    (void)state;
    buf_text(&b, OK "Transfer-Encoding: chunked\r\n\r\n");
    while (b.used < sizeof big - 500) {
        buf_text(&b, "100\r\n");
        for (int i = 0; i < 256; i++)
            buf_char(&b, 'x');
        buf_text(&b, "\r\n");
    }
    assert_int_equal(rc_of_big(b.used), 0);
    assert_int_equal(http_read(&http, bytes, 1), 1);
    http_finish(&http);
    assert_false(http.open);
    assert_in_range(server.offset, HTTP_SKIP_MOST, HTTP_SKIP_MOST + HTTP_SKIP_MOST / 10);
}

static void test_finish_has_little_time(void **state)
{
    static const struct link links[] = {{.answers = {OK "Content-Length: 1000\r\n\r\n" MANY}}};
    (void)state;
    serve(links, 1, 1);
    assert_int_equal(http_request(&http, &get, &answer), 0);
    int64_t start = ticks;
    server.read_ms = 100;
    http_finish(&http);
    assert_false(http.open);
    assert_in_range(ticks - start, HTTP_SKIP_MS, HTTP_SKIP_MS + 100);
}

/* A request without the http_finish before it does not read the old answer's rest. */
static void test_unfinished_answer(void **state)
{
    static const struct link links[] = {
        {.answers = {OK "Content-Length: 5\r\n\r\nhello", SMALL "b"}}, {.answers = {SMALL "c"}}};
    (void)state;
    serve(links, 2, 1);
    assert_int_equal(http_request(&http, &get, &answer), 0);
    expect_answer(&get, 200, "c", true);
}

/* ---- deadlines ---- */

static void test_one_deadline_for_head_and_body(void **state)
{
    static const struct link links[] = {
        {.answers = {OK "Content-Length: 64\r\n\r\n" MANY, OK "Content-Length: 64\r\n\r\n" MANY}}};
    char text[128];
    (void)state;
    serve(links, 1, 1);
    server.read_ms = 100; /* 39 octets of head: 3.9 s; 64 of body: 6.4 s */
    http.total_ms = 10400;
    assert_int_equal(http_request(&http, &get, &answer), 0);
    assert_int_equal(read_all(text, sizeof text, 64), 0);
    assert_string_equal(text, MANY);
    http_finish(&http);
    /* the next request on the same connection has a deadline of its own */
    http.total_ms = 9000;
    assert_int_equal(http_request(&http, &get, &answer), 0);
    assert_int_equal(read_all(text, sizeof text, 64), HTTP_TIMEOUT);
    assert_in_range(strlen(text), 40, 60);
    assert_int_equal(http.net_error, NET_TIMEOUT);
    assert_false(http.open);
    serve(links, 1, 1);
    server.read_ms = 100;
    http.total_ms = 3000;
    assert_int_equal(http_request(&http, &get, &answer), HTTP_TIMEOUT);
}

static void test_defaults(void **state)
{
    (void)state;
    serve(one_ok, 1, 1024);
    assert_int_equal(http.total_ms, 60000);
    assert_int_equal(http.connect_ms, 10000);
    assert_int_equal(http_request(&http, &get, &answer), 0);
    assert_int_equal(server.deadline, ticks + 60000);
    serve(one_ok, 1, 1024);
    http_finish(&http);
    http_close(&http);
    assert_int_equal(http_read(&http, &answer, 1), 0);
}

/* ---- URLs and dates ---- */

static void test_base_parse(void **state)
{
    static const struct {
        const char *url, *host;
        uint16_t port;
        const char *path;
    } good[] = {
        {"https://api.cloudflare.com/client/v4", "api.cloudflare.com", 443, "/client/v4"},
        {"https://api.example.org/", "api.example.org", 443, ""},
        {"https://api.example.org", "api.example.org", 443, ""},
        {"HTTPS://API.example.org./x///", "API.example.org", 443, "/x"},
        {"https://localhost:8443", "localhost", 8443, ""},
        {"https://127.0.0.1:1/a/b/", "127.0.0.1", 1, "/a/b"},
        {"https://[::1]", "::1", 443, ""},
        {"https://[2001:db8::1]:65535/%20~x@y", "2001:db8::1", 65535, "/%20~x@y"},
        {"https://[::ffff:192.0.2.1]:00443/", "::ffff:192.0.2.1", 443, ""},
        {"https://a_b-c.example", "a_b-c.example", 443, ""},
    };
    static const char *const bad[] = {
        "",
        "https",
        "https:",
        "https:/",
        "https://",
        "https:///x",
        "http://api.example.org",
        "ftp://x",
        "//x",
        "x",
        "api.example.org",
        "https://:443",
        "https://x:",
        "https://x:0",
        "https://x:65536",
        "https://x:99999999999999999999",
        "https://x:-1",
        "https://x:4a",
        "https://x:443x/",
        "https://user@x",
        "https://user:pw@x/",
        "https://x?y",
        "https://x/?y",
        "https://x/y?z",
        "https://x#y",
        "https://x/#",
        "https://x/a b",
        "https://x/\xc3\xa9",
        "https://x/\r\nA: b",
        "https://x/\x7f",
        "https://x y",
        "https://x\r\n",
        "https://[::1",
        "https://[]",
        "https://[127.0.0.1]",
        "https://[::1]x",
        "https://[::1%25eth0]",
        "https://[1:2]",
        "https://::1/",
        "https://.x",
        "https://x..y",
        "https://.",
        "https://x\\y",
        "https://x/\"",
        "https://x/\\",
        " https://x",
        "https://x%41",
    };
    struct http_base b;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(http_base_parse(good[i].url, &b), 0);
        assert_string_equal(b.host, good[i].host);
        assert_int_equal(b.port, good[i].port);
        assert_string_equal(b.path, good[i].path);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (http_base_parse(bad[i], &b) != -1)
            fail_msg("accepted: %s", bad[i]);
}

static void test_base_limits(void **state)
{
    static char url[2 * HTTP_PATH_SIZE];
    struct http_base b;
    (void)state;
    for (size_t length = 250; length < 260; length++) {
        struct buf u = BUF_OVER(url);
        buf_text(&u, "https://");
        for (size_t i = 0; i < length; i++)
            buf_char(&u, 'h');
        assert_int_equal(http_base_parse(url, &b), length < HTTP_HOST_SIZE ? 0 : -1);
    }
    for (size_t length = 1020; length < 1030; length++) {
        struct buf u = BUF_OVER(url);
        buf_text(&u, "https://h/");
        for (size_t i = 1; i < length; i++)
            buf_char(&u, 'p');
        assert_int_equal(http_base_parse(url, &b), length < HTTP_PATH_SIZE ? 0 : -1);
    }
}

static void test_dates(void **state)
{
    static const struct {
        const char *text;
        int64_t wanted;
    } list[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
        {"Sun Nov  6 08:49:37 1994", 784111777},
        {"Sun Nov 16 08:49:37 1994", 784975777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
        {"Wed, 25 Nov 2026 10:00:00 GMT", 1795600800},
        {"Tue, 29 Feb 2028 23:59:60 GMT", 1835481600},
        {"Friday, 31-Dec-76 00:00:00 GMT", 3376598400}, /* 2076: not more than 50 years ahead */
        {"Friday, 31-Dec-77 00:00:00 GMT", 252374400},  /* 1977 */
        {"Wed, 29 Feb 2027 00:00:00 GMT", -1},
        {"Wed, 31 Apr 2027 00:00:00 GMT", -1},
        {"Wed, 00 Apr 2027 00:00:00 GMT", -1},
        {"Wed, 01 Apr 1969 00:00:00 GMT", -1},
        {"Wed, 01 Apr 2027 24:00:00 GMT", -1},
        {"Wed, 01 Apr 2027 00:60:00 GMT", -1},
        {"Wed, 01 Apr 2027 00:00:61 GMT", -1},
        {"Wed, 1 Apr 2027 00:00:00 GMT", -1},
        {"Wed,  1 Apr 2027 00:00:00 GMT", -1},
        {"Wed, 01 apr 2027 00:00:00 GMT", -1},
        {"wed, 01 Apr 2027 00:00:00 GMT", -1},
        {"Wed, 01 Apr 2027 00:00:00 UTC", -1},
        {"Wed, 01 Apr 2027 00:00:00 +0000", -1},
        {"Wed, 01 Apr 2027 00:00:00", -1},
        {"Wed, 01 Apr 2027 00:00 GMT", -1},
        {"Wed, 01 Apr 27 00:00:00 GMT", -1},
        {"Wed, 01-Apr-27 00:00:00 GMT", -1},
        {"Wednesday, 01-Apr-2027 00:00:00 GMT", -1},
        {"Wednesday, 01 Apr 2027 00:00:00 GMT", -1},
        {"Wed Apr 1 00:00:00 2027", -1},
        {"Wed Apr  1 00:00:00 2027 GMT", -1},
        {"Wed, 01 Apr 2027 00:00:00 GMTx", -1},
        {" Wed, 01 Apr 2027 00:00:00 GMT", -1},
        {"2027-04-01T00:00:00Z", -1},
        {"1795600800", -1},
        {"", -1},
        {"GMT", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        if (http_date(list[i].text, TIME_RELEASE) != list[i].wanted)
            fail_msg("%s: %lld", list[i].text, (long long)http_date(list[i].text, TIME_RELEASE));
        /* a clock that was never set says the same */
        assert_int_equal(http_date(list[i].text, 5), list[i].wanted);
    }
    /* fifty years on, the century has turned */
    assert_int_equal(http_date("Friday, 31-Dec-77 00:00:00 GMT", 3376598400), 3408134400);
}

/* Every proper beginning of a date is none. */
static void test_cut_dates(void **state)
{
    static const char *const dates[] = {"Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t length = 0; length < strlen(dates[i]); length++) {
            char text[64];
            struct buf b = BUF_OVER(text);
            buf_put(&b, dates[i], length);
            assert_int_equal(http_date(text, TIME_RELEASE), -1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_content_type),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_date_and_trace),
        cmocka_unit_test(test_interim_leaves_nothing),
        cmocka_unit_test(test_line_limit),
        cmocka_unit_test(test_head_limit),
        cmocka_unit_test(test_interim_limit),
        cmocka_unit_test(test_chunk_limits),
        cmocka_unit_test(test_request_text),
        cmocka_unit_test(test_large_body),
        cmocka_unit_test(test_bad_requests),
        cmocka_unit_test(test_too_long_requests),
        cmocka_unit_test(test_token_stays_nowhere),
        cmocka_unit_test(test_keeps_one_connection),
        cmocka_unit_test(test_opens_anew_after_close),
        cmocka_unit_test(test_connect_fails),
        cmocka_unit_test(test_no_resend_on_a_fresh_connection),
        cmocka_unit_test(test_resend_on_a_stale_connection),
        cmocka_unit_test(test_resend_only_once),
        cmocka_unit_test(test_resend_cannot_connect),
        cmocka_unit_test(test_no_resend_once_begun),
        cmocka_unit_test(test_long_idle),
        cmocka_unit_test(test_end_seen_before_sending),
        cmocka_unit_test(test_unasked_answer_is_not_taken),
        cmocka_unit_test(test_finish_skips_a_little),
        cmocka_unit_test(test_finish_stops_endless_chunks),
        cmocka_unit_test(test_finish_has_little_time),
        cmocka_unit_test(test_unfinished_answer),
        cmocka_unit_test(test_one_deadline_for_head_and_body),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_base_parse),
        cmocka_unit_test(test_base_limits),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_cut_dates),
    };
    return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
