/*
 * An HTTP/1.1 client (RFC 9110, RFC 9112) over TLS, one connection kept alive.
 *
 * One request at a time: http_request sends it and reads the answer's head; http_read then gives
 * the body as it streams in, and http_finish passes over what is left of it so that the connection
 * can serve the next request (or closes it when that would cost too much). Redirects are never
 * followed: 3xx is an answer like any other.
 *
 * An idle kept-alive connection may have been closed by the server meanwhile: a request that
 * failed on such a connection before any octet of an answer is sent once more on a fresh one, but
 * only if its method is idempotent (GET, HEAD, PUT, DELETE). For others the result is HTTP_LOST:
 * whether it took effect is unknown, and only the caller can find out. To make that rare, a
 * connection that shows an end before the request is written, or that has been idle for longer
 * than HTTP_IDLE_MOST_MS when such another request comes, is replaced beforehand.
 *
 * Framing is strict where a guess could take one answer for another: a repeated Content-Length,
 * one together with Transfer-Encoding, a coding other than chunked, folded lines, white space
 * before a colon and control characters are errors. A line may end in LF alone in the head and in
 * trailers (RFC 9112 section 2.2), not in the chunk framing. A body without framing ends with
 * close_notify; an end without it is HTTP_LOST.
 */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "net/net.h"
#include "net/tls.h"
#include "net/trust.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_FAILED = -1, /* nothing of the request was sent: it had no effect; net_error says more */
    HTTP_LOST = -2,   /* sent, wholly or in part, but no whole answer: the effect is unknown */
    HTTP_MALFORMED = -3, /* the answer is not HTTP/1.1 or breaks a limit: the effect is unknown */
    HTTP_TIMEOUT = -4,   /* the deadline passed after sending began: the effect is unknown */
    HTTP_REQUEST = -5    /* the request cannot be sent: header too long, or a character in it that
                            may not stand there; nothing was sent */
};

/* Limits of an answer's head: far above what APIs send, far below what hurts. */
#define HTTP_LINE_SIZE    4096  /* one header line */
#define HTTP_HEAD_SIZE    65536 /* all lines of a head, and a body's trailers and extensions */
#define HTTP_INTERIM_MOST 8     /* 1xx heads before the answer */

#define HTTP_SKIP_MOST    262144 /* octets http_finish reads to keep a connection */
#define HTTP_SKIP_MS      2000   /* and the time it takes for them */
#define HTTP_IDLE_MOST_MS 4000   /* servers close idle connections after 5 seconds or more */
#define HTTP_CONNECT_MS   10000  /* defaults of http_init */
#define HTTP_TOTAL_MS     60000

#define HTTP_SEND_SIZE  4096 /* a request's head with a token of 2 KB; its body where it fits */
#define HTTP_TRACE_SIZE 64   /* cf-ray or x-request-id (a UUID is 36) */
#define HTTP_HOST_SIZE  254
#define HTTP_PATH_SIZE  1024
#define HTTP_READ_SIZE  1024

/* An https URL's parts, as `endpoint` gives them. */
struct http_base {
    char host[HTTP_HOST_SIZE]; /* name or address, without brackets */
    uint16_t port;
    char path[HTTP_PATH_SIZE]; /* "" or begins with '/', without a final '/' */
};

/*
 * Splits an https:// URL. 0, or -1 for anything else (http, user info, query, fragment). A final
 * dot of the host is left out: neither the Host header nor a certificate bears it.
 */
int http_base_parse(const char *url, struct http_base *base);

struct http_request {
    const char *method;
    const char *path;         /* with query, begins with '/'; appended to the base's path */
    const char *accept;       /* "application/json", or NULL */
    const char *content_type; /* NULL: no body */
    const char *bearer;       /* token, or NULL; never logged */
    const void *body;
    size_t body_length;
};

struct http_answer {
    int status;
    bool json;           /* Content-Type is application/json (or +json) */
    int64_t date;        /* Date header as seconds since 1970, -1 if absent or unreadable */
    int64_t retry_after; /* seconds from now by Retry-After (both forms), -1 if absent; a date in
                            the past is 0; a date counts from the Date header where there is one */
    char trace[HTTP_TRACE_SIZE]; /* cf-ray, else x-request-id, printable; "" if absent */
};

/* Stays where it is while a connection is open, as struct tls does. */
struct http {
    /* set by http_init */
    const struct http_base *base; /* not owned */
    const struct trust *trust;    /* not owned */
    const char *agent;            /* User-Agent; not owned */
    int64_t connect_ms;           /* for one address; may be changed */
    int64_t total_ms;             /* for one request with its answer's body; may be changed */
    /* the connection */
    struct tls tls;
    bool open;
    bool used;            /* an answer has come over this connection */
    unsigned opened;      /* connections made so far */
    int net_error;        /* NET_... behind HTTP_FAILED and HTTP_LOST */
    struct net_words why; /* words for the last failure */
    int64_t deadline;     /* of the request under way, in time_ticks() */
    int64_t idle_since;   /* when the last answer ended */
    bool begun;           /* an octet of the answer has come */
    int failed;           /* what http_request or http_read failed with, till the next request */
    /* the body being read */
    uint8_t body_kind;
    bool chunk_ends; /* a chunk's data was read, its CRLF was not */
    bool keep;       /* the connection may serve another request after this body */
    uint64_t left;   /* octets left in the body or the chunk */
    size_t extra;    /* octets of head lines and trailers seen */
    uint8_t input[HTTP_READ_SIZE];
    size_t input_at, input_used;
};

void http_init(struct http *h, const struct http_base *base, const struct trust *trust,
               const char *agent);
/*
 * Sends a request and reads the answer's head. 0, or an error above; then the connection is closed.
 * The deadline for all of it, the body included, is total_ms from now.
 */
int http_request(struct http *h, const struct http_request *request, struct http_answer *answer);
/*
 * Body octets: their number, 0 at the end, or a negative error (the answer is then not whole, the
 * connection closed, and every later call fails alike). SIZE is at least 1.
 */
int http_read(struct http *h, void *bytes, size_t size);
/* Ends the answer; must be called after each successful http_request, whatever http_read said. */
void http_finish(struct http *h);
void http_close(struct http *h);

/* An HTTP date in any of its three forms (RFC 9110 section 5.6.7); -1 when it is none. */
int64_t http_date(const char *text, int64_t now);

#endif
