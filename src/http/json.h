/*
 * JSON (RFC 8259): a pull parser over a stream, and a writer.
 *
 * The parser asks its caller for bytes when it needs more and keeps a fixed amount of memory
 * whatever the document's size. It is strict: UTF-8 and surrogate pairs are checked, a byte order
 * mark, an escaped surrogate without its other half, a trailing comma, a control character in a
 * string, a number with a leading zero, or anything but white space after the value are errors.
 * Exactly one value a document; any kind of value may stand at the top. Numbers are kept as their
 * text: there is no floating point.
 *
 * Duplicate names in an object: all of them are delivered, in their order; a consumer that keeps
 * one value therefore keeps the last.
 *
 * A string or number longer than JSON_TEXT_SIZE is still parsed to its end and checked, but the
 * token says `cut`: its text is the beginning only and must not be taken for the whole.
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longest string kept whole: a record's content (4096 octets of wire form, in hex) with its name.
 */
#define JSON_TEXT_SIZE 8448
/* Nesting allowed: more than any API answer, little enough for one bit a level. */
#define JSON_DEPTH_MOST 512
/* Bytes asked for at a time. */
#define JSON_INPUT_SIZE 512
/* Bytes of one document: a million records of four KB each. Time is the source's business. */
#define JSON_DOCUMENT_MOST (UINT64_C(1) << 32)

enum {
    JSON_MALFORMED = -1, /* not JSON */
    JSON_TOO_DEEP = -2,
    JSON_TRUNCATED = -3,  /* the stream ended inside the value */
    JSON_STREAM = -4,     /* the source failed; its own error is in json.source_error */
    JSON_UNEXPECTED = -5, /* well-formed, but no value begins here (json_skip) */
    JSON_TOO_LONG = -6    /* more than JSON_DOCUMENT_MOST */
};

enum json_kind {
    JSON_END, /* after the value and the white space behind it */
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
    JSON_NAME, /* a member's name; its value follows */
    JSON_STRING,
    JSON_NUMBER, /* its text */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

/* Gives at most SIZE bytes: their number, 0 at the end, negative on failure. */
typedef int json_source(void *context, void *bytes, size_t size);

struct json_token {
    enum json_kind kind;
    bool cut;     /* the text is longer than JSON_TEXT_SIZE - 1: this is its beginning */
    bool has_nul; /* the string holds U+0000: length counts, not strlen */
    const char
        *text; /* of names, strings (decoded to UTF-8) and numbers; valid until the next call */
    size_t length;
};

struct json {
    json_source *source;
    void *context; /* the source's own; not owned */
    int source_error;
    int failed; /* the first error, given again by every later call */
    uint8_t input[JSON_INPUT_SIZE];
    size_t input_at, input_used;
    uint64_t total; /* bytes that came so far */
    bool ended;     /* the source said 0 */
    uint8_t state;
    uint32_t depth;
    uint8_t nesting[JSON_DEPTH_MOST / 8]; /* a bit a level: object or array */
    char text[JSON_TEXT_SIZE];
};

void json_init(struct json *j, json_source *source, void *context);
/*
 * The next token. 0, or a negative error, which every later call gives again. JSON_END comes when
 * the source has said 0, so that a body is then read to its end; after it JSON_END comes again. An
 * empty document is JSON_TRUNCATED.
 */
int json_next(struct json *j, struct json_token *token);
/*
 * After a name or at a value's first token: passes over that value whatever its size and depth.
 * JSON_UNEXPECTED when FIRST ends an object, an array or the document; that error does not stay.
 */
int json_skip(struct json *j, const struct json_token *first);
/* Objects and arrays begun and not yet ended. */
uint32_t json_depth(const struct json *j);

/* The greatest whole number that every JSON reader keeps exactly (RFC 8259 section 6). */
#define JSON_WHOLE_MOST (INT64_C(1) << 53)
/*
 * A whole number from a NUMBER or a STRING token, written as JSON writes numbers: 1, "1", 1.0, 1e0
 * and -0 are whole, "01" is no number. -1 if it is no whole number within 0..2^53, or cut.
 */
int64_t json_whole(const struct json_token *token);
/* Whether a name or string is exactly this text. False when it is cut. */
bool json_is(const struct json_token *token, const char *text);

/*
 * The writer: appends to a buffer, commas and escapes by itself. Not checked for balance: the
 * caller writes literal shapes. `json_put_name` before each value inside an object.
 */
struct json_writer {
    struct buf *out; /* not owned; buf_full says whether all fitted */
    bool comma;      /* the next element needs one before it */
};

struct json_writer json_writer_over(struct buf *out);
void json_put_begin_object(struct json_writer *w);
void json_put_end_object(struct json_writer *w);
void json_put_begin_array(struct json_writer *w);
void json_put_end_array(struct json_writer *w);
void json_put_name(struct json_writer *w, const char *name);
void json_put_string(struct json_writer *w,
                     const char *text); /* must be UTF-8; bad octets become U+FFFD */
void json_put_whole(struct json_writer *w, int64_t number);
void json_put_bool(struct json_writer *w, bool value);
void json_put_null(struct json_writer *w);

#endif
