/*
 * http/http.h over any octets from the server; tls_* and time_* are played here. The first octet
 * chooses the method, how the connection ends and how many octets a consumer takes at a time; the
 * rest is what the server says, all requests long. Statuses, bodies and errors must not depend on
 * how the octets are divided among reads.
 */
#include "base/time.h"
#include "http/http.h"

#include <stdlib.h>
#include <string.h>

static void insist(int holds)
{
    if (!holds)
        abort();
}

static struct {
    const uint8_t *bytes;
    size_t left, step;
    int end;
    bool open;
} server;

int64_t time_ticks(void)
{
    return 1000;
}

int64_t time_wall(void)
{
    return TIME_RELEASE;
}

void time_moment(struct moment *now)
{
    memset(now, 0, sizeof *now);
}

int tls_connect(struct tls *t, const struct trust *trust, const char *host, uint16_t port,
                int64_t connect_ms, int64_t deadline, struct net_words *why)
{
    (void)trust, (void)host, (void)port, (void)connect_ms, (void)deadline, (void)why;
    insist(!server.open);
    t->tcp.fd = -1;
    server.open = true;
    return 0;
}

void tls_deadline(struct tls *t, int64_t deadline)
{
    (void)t, (void)deadline;
    insist(server.open);
}

int tls_read(struct tls *t, void *bytes, size_t size)
{
    (void)t;
    insist(server.open && size > 0);
    if (server.left == 0)
        return server.end;
    size = size < server.left ? size : server.left;
    size = size < server.step ? size : server.step;
    memcpy(bytes, server.bytes, size);
    server.bytes += size;
    server.left -= size;
    return (int)size;
}

int tls_write(struct tls *t, const void *bytes, size_t length)
{
    (void)t, (void)bytes;
    insist(server.open && length > 0);
    return 0;
}

void tls_close(struct tls *t)
{
    (void)t;
    insist(server.open);
    server.open = false;
}

static const char *const methods[] = {"GET", "HEAD", "POST", "DELETE"};
static const int ends[] = {0, NET_ENDED, NET_FAILED, NET_TIMEOUT};

struct result {
    int rc, last, status;
    uint64_t hash;
    int64_t date, retry_after;
};

static void check_answer(const struct http_answer *a)
{
    insist(a->status >= 200 && a->status <= 999);
    insist(a->date >= -1 && a->retry_after >= -1 && a->retry_after <= 1000000000);
    insist(memchr(a->trace, 0, sizeof a->trace) != NULL);
    for (const char *at = a->trace; *at != '\0'; at++)
        insist(*at >= 0x20 && *at <= 0x7e);
}

static struct result one_answer(struct http *h, const struct http_request *request, size_t piece)
{
    struct http_answer answer;
    char bytes[2048];
    struct result r = {.hash = UINT64_C(0xcbf29ce484222325)};
    r.rc = http_request(h, request, &answer);
    insist(h->open == server.open && h->open == (r.rc == 0));
    if (r.rc == 0)
        check_answer(&answer);
    r.status = answer.status;
    r.date = answer.date;
    r.retry_after = answer.retry_after;
    while ((r.last = http_read(h, bytes, piece)) > 0) {
        insist((size_t)r.last <= piece);
        for (int i = 0; i < r.last; i++)
            r.hash = (r.hash ^ (uint8_t)bytes[i]) * UINT64_C(0x100000001b3);
    }
    insist(http_read(h, bytes, piece) == r.last);
    insist(r.rc == 0 || r.last == r.rc);
    insist((h->why.text[0] != '\0') == (r.last != 0));
    return r;
}

/* Up to four answers in a row; only the first is compared, for what follows may be left unread. */
static struct result play(const uint8_t *data, size_t size, size_t step)
{
    static struct http_base base = {"api.example.org", 443, "/v4"};
    static struct http h;
    uint8_t choice = data[0];
    struct http_request request = {.method = methods[choice & 3], .path = "/x"};
    struct result first = {0};
    server.bytes = data + 1;
    server.left = size - 1;
    server.step = step;
    server.end = ends[choice >> 2 & 3];
    http_init(&h, &base, NULL, "fuzz");
    for (int i = 0; i < 4; i++) {
        struct result r = one_answer(&h, &request, (size_t)1 << (choice >> 4 & 7));
        if (i == 0)
            first = r;
        http_finish(&h);
        insist(h.open == server.open);
    }
    http_close(&h);
    insist(!server.open);
    return first;
}

static void try_texts(const uint8_t *data, size_t size)
{
    char text[2048];
    struct http_base base;
    size = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, data, size);
    text[size] = '\0';
    insist(http_date(text, TIME_RELEASE) >= -1);
    if (http_base_parse(text, &base) == 0) {
        insist(base.host[0] != '\0' && base.port != 0);
        insist(base.path[0] == '\0' || (base.path[0] == '/' && base.path[1] != '\0'));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct result by_one = play(data, size, 1);
    struct result at_once = play(data, size, SIZE_MAX);
    insist(by_one.rc == at_once.rc && by_one.last == at_once.last);
    insist(by_one.status == at_once.status && by_one.hash == at_once.hash);
    insist(by_one.date == at_once.date && by_one.retry_after == at_once.retry_after);
    try_texts(data, size);
    return 0;
}
