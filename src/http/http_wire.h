/*
 * What the files of the HTTP client share; nobody else includes it.
 */
#ifndef HTTP_HTTP_WIRE_H
#define HTTP_HTTP_WIRE_H

#include "base/buf.h"
#include "http/http.h"

/* http.body_kind */
enum { HTTP_BODY_NONE, HTTP_BODY_LENGTH, HTTP_BODY_CHUNKED, HTTP_BODY_CLOSE };

/* Notes the reason of a failure in words. */
void http_note(struct http *h, int net_error, const char *words);
/* The same where the answer is not HTTP/1.1; the words say what is wrong with "it". */
void http_note_malformed(struct http *h, const char *words);

/* Notes and returns the error; here, so that those who analyse a caller see its sign. */
static inline int http_fault(struct http *h, int error, int net_error, const char *words)
{
    http_note(h, net_error, words);
    return error;
}

static inline int http_malformed(struct http *h, const char *words)
{
    http_note_malformed(h, words);
    return HTTP_MALFORMED;
}

/* Fills the empty input. Octets, 0 after close_notify, or an error. */
int http_fill(struct http *h);
/*
 * One line without its end, terminated by NUL, free of control characters but tabs. Returns its
 * length, or an error. LF_ALONE: a line may end without CR. Counts into h->extra.
 */
int http_line(struct http *h, char line[HTTP_LINE_SIZE], bool lf_alone);
/* Splits a field line in place; the value without the white space around it. False if malformed. */
bool http_field(char *line, const char **name, const char **value);
/* Reads heads until the final one, fills ANSWER and sets up the body. */
int http_head(struct http *h, const char *method, struct http_answer *answer);

/* Whether it is a token (RFC 9110 section 5.6.2) of LENGTH characters, at least one. */
bool http_is_token(const char *text, size_t length);
/* Writes the request's head into OUT, body not included. 0 or HTTP_REQUEST. */
int http_write_head(struct http *h, const struct http_request *request, struct buf *out);

#endif
