/* The answer's octets: lines, and bodies by their framing (RFC 9112 sections 2.2, 6 and 7). */
#include "base/time.h"
#include "http/http_wire.h"

#include <string.h>

/* The most hex digits of a chunk's size: it then fits into 60 bits. */
#define CHUNK_DIGITS_MOST 15

static const char *reason(int net_error)
{
    switch (net_error) {
    case NET_TIMEOUT:
        return "no whole answer within the time allowed";
    case NET_ENDED:
        return "the server ended the connection in the middle of its answer";
    case NET_PROTOCOL:
        return "the server broke TLS in the middle of its answer";
    default:
        return "the connection broke before the answer was whole";
    }
}

int http_fill(struct http *h)
{
    int got = NET_TIMEOUT;
    h->input_at = 0;
    h->input_used = 0;
    /* Octets that are always there at once must not outrun the deadline. */
    if (time_ticks() < h->deadline)
        got = tls_read(&h->tls, h->input, sizeof h->input);
    if (got < 0)
        return http_fault(h, got == NET_TIMEOUT ? HTTP_TIMEOUT : HTTP_LOST, got, reason(got));
    h->input_used = (size_t)got;
    h->begun |= got > 0;
    return got;
}

/* The same where the answer cannot end. */
static int fill_more(struct http *h)
{
    int got = http_fill(h);
    return got != 0 ? got : http_fault(h, HTTP_LOST, NET_ENDED, reason(NET_ENDED));
}

/* ---- lines ---- */

static int next_octet(struct http *h)
{
    if (h->input_at == h->input_used) {
        int rc = fill_more(h);
        if (rc < 0)
            return rc;
    }
    return h->input[h->input_at++];
}

int http_line(struct http *h, char line[HTTP_LINE_SIZE], bool lf_alone)
{
    size_t used = 0;
    bool cr = false;
    while (h->extra++ < HTTP_HEAD_SIZE) {
        int c = next_octet(h);
        if (c < 0)
            return c;
        if (c == '\n' && (cr || lf_alone)) {
            line[used] = '\0';
            return (int)used;
        }
        if (cr || (c < 0x20 && c != '\t' && c != '\r') || c == 0x7f)
            return http_malformed(h, "it has a control character in a line");
        if (c == '\r') {
            cr = true;
            continue;
        }
        if (used == HTTP_LINE_SIZE - 1)
            return http_malformed(h, "it has a line that is too long");
        line[used++] = (char)c;
    }
    return http_malformed(h, "it has too many header octets");
}

/* ---- chunks ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* SIZE [;extensions]; returns the digits of the size, or 0 when the line is none. */
static size_t parse_chunk_line(const char *line, uint64_t *size)
{
    size_t digits = 0;
    *size = 0;
    for (int digit; digits <= CHUNK_DIGITS_MOST && (digit = hex_value(line[digits])) >= 0; digits++)
        *size = *size << 4 | (uint64_t)digit;
    const char *behind = line + digits + strspn(line + digits, " \t");
    bool good = digits <= CHUNK_DIGITS_MOST && (*behind == ';' || *behind == '\0');
    return good ? digits : 0;
}

/* Trailers are checked and passed over: nothing of ours depends on one. */
static int read_trailers(struct http *h, char line[HTTP_LINE_SIZE])
{
    const char *name, *value;
    int rc;
    while ((rc = http_line(h, line, true)) > 0)
        if (!http_field(line, &name, &value))
            return http_malformed(h, "it has a trailer line that is none");
    return rc;
}

/* Reads up to the next chunk's data, or to the end of the body. */
static int next_chunk(struct http *h)
{
    char line[HTTP_LINE_SIZE];
    size_t counted = h->extra;
    int length = 0;
    if (h->chunk_ends && (length = http_line(h, line, false)) < 0)
        return length;
    if (length > 0)
        return http_malformed(h, "a chunk is longer than it says");
    if ((length = http_line(h, line, false)) < 0)
        return length;
    size_t digits = parse_chunk_line(line, &h->left);
    if (digits == 0)
        return http_malformed(h, "a chunk has no size");
    /* However many chunks there are, only what is not framing counts against the limit. */
    h->extra = counted + ((size_t)length - digits);
    h->chunk_ends = true;
    if (h->left > 0)
        return 0;
    int rc = read_trailers(h, line);
    if (rc == 0)
        h->body_kind = HTTP_BODY_NONE;
    return rc;
}

/* ---- bodies ---- */

/* Gives octets of the input, at most SIZE; there are some. */
static int take(struct http *h, void *bytes, size_t size)
{
    size_t there = h->input_used - h->input_at;
    if (size > there)
        size = there;
    memcpy(bytes, h->input + h->input_at, size);
    h->input_at += size;
    return (int)size;
}

/* Gives octets of a body or chunk whose length is known; some are left. */
static int take_counted(struct http *h, void *bytes, size_t size)
{
    if (h->input_at == h->input_used) {
        int rc = fill_more(h);
        if (rc < 0)
            return rc;
    }
    int got = take(h, bytes, h->left < size ? (size_t)h->left : size);
    h->left -= (uint64_t)got;
    if (h->left == 0 && h->body_kind == HTTP_BODY_LENGTH)
        h->body_kind = HTTP_BODY_NONE;
    return got;
}

static int take_to_close(struct http *h, void *bytes, size_t size)
{
    if (h->input_at == h->input_used) {
        int got = http_fill(h);
        if (got == 0)
            h->body_kind = HTTP_BODY_NONE;
        if (got <= 0)
            return got;
    }
    return take(h, bytes, size);
}

static int read_body(struct http *h, void *bytes, size_t size)
{
    if (h->body_kind == HTTP_BODY_CHUNKED && h->left == 0) {
        int rc = next_chunk(h);
        if (rc != 0)
            return rc;
    }
    if (h->body_kind == HTTP_BODY_NONE)
        return 0;
    return h->body_kind == HTTP_BODY_CLOSE ? take_to_close(h, bytes, size)
                                           : take_counted(h, bytes, size);
}

int http_read(struct http *h, void *bytes, size_t size)
{
    if (h->failed != 0)
        return h->failed;
    int got = read_body(h, bytes, size);
    if (got < 0) {
        http_close(h);
        h->failed = got;
    }
    return got;
}
