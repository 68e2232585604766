/* The connection and the requests over it. */
#include "http/http.h"

#include "base/buf.h"
#include "base/time.h"
#include "base/wipe.h"
#include "http/http_wire.h"

#include <poll.h>
#include <string.h>

void http_init(struct http *h, const struct http_base *base, const struct trust *trust,
               const char *agent)
{
    memset(h, 0, sizeof *h);
    h->base = base;
    h->trust = trust;
    h->agent = agent;
    h->connect_ms = HTTP_CONNECT_MS;
    h->total_ms = HTTP_TOTAL_MS;
    h->tls.tcp.fd = -1;
}

void http_note(struct http *h, int net_error, const char *words)
{
    struct buf why = BUF_OVER(h->why.text);
    buf_text(&why, words);
    h->net_error = net_error;
}

void http_note_malformed(struct http *h, const char *words)
{
    struct buf why = BUF_OVER(h->why.text);
    buf_printf(&why, "the server's answer is not HTTP as it should be: %s", words);
    h->net_error = 0;
}

void http_close(struct http *h)
{
    if (h->open)
        tls_close(&h->tls);
    h->open = false;
    h->used = false;
    h->keep = false;
    h->body_kind = HTTP_BODY_NONE;
    h->left = 0;
    h->input_at = 0;
    h->input_used = 0;
}

static bool is_idempotent(const char *method)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(method, methods[i]) == 0)
            return true;
    return false;
}

/*
 * Whether the open connection should rather not carry this request. Octets that came without a
 * question must not be taken for its answer (RFC 9112 section 9.2); a readable socket holds such,
 * or the server's end of the connection.
 */
static bool is_stale(const struct http *h, const char *method)
{
    struct pollfd wire = {.fd = h->tls.tcp.fd, .events = POLLIN};
    if (h->body_kind != HTTP_BODY_NONE || h->input_at < h->input_used || !h->used)
        return true;
    if (!is_idempotent(method) && time_ticks() - h->idle_since > HTTP_IDLE_MOST_MS)
        return true;
    return poll(&wire, 1, 0) > 0;
}

static int connect_to_base(struct http *h)
{
    int rc = tls_connect(&h->tls, h->trust, h->base->host, h->base->port, h->connect_ms,
                         h->deadline, &h->why);
    if (rc != 0) {
        h->net_error = rc;
        return HTTP_FAILED;
    }
    h->open = true;
    h->opened++;
    return 0;
}

static int write_all(struct http *h, const void *bytes, size_t length)
{
    int rc = tls_write(&h->tls, bytes, length);
    if (rc == NET_TIMEOUT)
        return http_fault(h, HTTP_TIMEOUT, rc, "the request could not be sent in the time allowed");
    if (rc != 0)
        return http_fault(h, HTTP_LOST, rc, "the connection broke while the request was sent");
    return 0;
}

/* Writes the request, connecting before if need be. The token is in memory only within here. */
static int send_request(struct http *h, const struct http_request *request)
{
    char bytes[HTTP_SEND_SIZE];
    struct buf out = BUF_OVER(bytes);
    size_t body = request->content_type != NULL ? request->body_length : 0;
    int rc = http_write_head(h, request, &out);
    if (rc == 0 && !h->open)
        rc = connect_to_base(h);
    if (rc != 0)
        goto out;
    tls_deadline(&h->tls, h->deadline);
    if (body < out.size - out.used) {
        buf_put(&out, request->body, body);
        body = 0;
    }
    rc = write_all(h, out.data, out.used);
    if (rc == 0 && body > 0)
        rc = write_all(h, request->body, body);
out:
    wipe(bytes, sizeof bytes);
    return rc;
}

static int exchange(struct http *h, const struct http_request *request, struct http_answer *answer)
{
    int rc = send_request(h, request);
    return rc != 0 ? rc : http_head(h, request->method, answer);
}

int http_request(struct http *h, const struct http_request *request, struct http_answer *answer)
{
    *answer = (struct http_answer){.date = -1, .retry_after = -1};
    h->deadline = time_ticks() + h->total_ms;
    h->begun = false;
    h->failed = 0;
    h->net_error = 0;
    h->why.text[0] = '\0';
    if (h->open && is_stale(h, request->method))
        http_close(h);
    bool kept = h->open;
    int rc = exchange(h, request, answer);
    if (rc == HTTP_LOST && kept && !h->begun && is_idempotent(request->method)) {
        http_close(h);
        rc = exchange(h, request, answer);
        /* The first sending may have taken effect all the same. */
        if (rc == HTTP_FAILED)
            rc = HTTP_LOST;
    }
    if (rc != 0)
        http_close(h);
    h->used = rc == 0;
    h->failed = rc;
    return rc;
}

void http_finish(struct http *h)
{
    char passed[HTTP_READ_SIZE];
    size_t skipped = 0;
    int64_t soon = time_ticks() + HTTP_SKIP_MS;
    if (!h->open)
        return;
    if (h->body_kind != HTTP_BODY_NONE && soon < h->deadline) {
        h->deadline = soon;
        tls_deadline(&h->tls, soon);
    }
    while (h->keep && h->body_kind != HTTP_BODY_NONE && h->left <= HTTP_SKIP_MOST &&
           skipped < HTTP_SKIP_MOST) {
        int got = http_read(h, passed, sizeof passed);
        skipped += got > 0 ? (size_t)got : 0;
    }
    if (h->keep && h->body_kind == HTTP_BODY_NONE)
        h->idle_since = time_ticks();
    else
        http_close(h);
}
