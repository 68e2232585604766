/*
 * A session with a provider whose interface is JSON over HTTPS: the token, one kept-alive
 * connection, what is tried again, and what an answer means.
 *
 * A provider describes its answers by rows: which members go where (struct rest_field), and what
 * its documented errors mean (struct rest_error). Lists are never held: each element is read into
 * one item, which is then handed over.
 *
 * Repetition: GET and DELETE are tried again after passing faults, within the provider's patience
 * and http/retry.h's bounds. Anything else is tried again only where it had no effect for certain:
 * nothing was sent, or the error's row says so (a rate limit). A write that may have taken effect
 * all the same is PROVIDER_UNKNOWN.
 */
#ifndef PROVIDER_REST_H
#define PROVIDER_REST_H

#include "base/buf.h"
#include "http/http.h"
#include "http/json.h"
#include "provider/provider.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REST_TOKEN_LEAST 20
#define REST_TOKEN_MOST  200
/* A call's path and query: a zone's id and an owner name with room to spare. */
#define REST_PATH_SIZE 768
/* The longest id that a path takes. */
#define REST_ID_MOST 32
/* A request's body: one TLSA record. */
#define REST_BODY_SIZE 1024

enum rest_kind {
    REST_TEXT,  /* char[size]; "" where absent, longer than fits, or with a NUL in it */
    REST_WORDS, /* char[size]; cut to fit, control characters replaced: for messages */
    REST_WHOLE, /* int64_t: number or string; -1 where absent or no whole number */
    REST_TRUTH  /* int64_t: 0 or 1; -1 where absent */
};

/* Where a member goes: PATH counts from the object that holds it, "data.usage". */
struct rest_field {
    const char *path;
    enum rest_kind kind;
    size_t offset; /* in the item */
    size_t size;   /* of the member */
};

/* Objects of one kind in an answer: PATH from the top, "" for the top itself. */
struct rest_shape {
    const char *path;
    const struct rest_field *fields;
    size_t count;
};

/* Rows as one line each. */
#define REST_FIELD(type, member, kind, path)                                                       \
    {                                                                                              \
        path, kind, offsetof(type, member), sizeof((type *)0)->member                              \
    }
#define REST_OBJECTS(path, fields)                                                                 \
    {                                                                                              \
        path, fields, sizeof(fields) / sizeof((fields)[0])                                         \
    }

/* What an answer said beside its items; -1 where it did not. */
struct rest_info {
    int64_t success;
    int64_t page, per_page, count, total_count, total_pages;
    bool has_items; /* the member with the items was there: an array, an object or null */
    int64_t items;  /* objects in it */
};

#define REST_FAULT_WORDS_SIZE 160
/* Errors of one answer looked at; more are not told apart. */
#define REST_FAULTS_MOST 6

/* One error that an answer names. */
struct rest_fault {
    int64_t code;
    char words[REST_FAULT_WORDS_SIZE];
    bool chained; /* the cause of another one */
};

/* Codes of rows: any code, and an answer that is not JSON at all (a proxy's page). */
#define REST_ANY_CODE (-1)
#define REST_NOT_JSON (-2)

/* Flags of rows. */
enum {
    REST_USAGE = 1,     /* a fault of the configuration */
    REST_UNTOUCHED = 2, /* refused before it had an effect */
    REST_LIMIT = 4,     /* a rate limit: unless the server says how long, REST_LIMIT_SECONDS */
    REST_VAGUE = 8      /* counts only where no other code of the answer has a row */
};

#define REST_LIMIT_SECONDS 300

#define REST_CODES_MOST 8

/*
 * Documented errors of one meaning. Rows are looked through for an answer's top-level codes first,
 * then for chained ones, then for its status.
 */
struct rest_error {
    const char *method;             /* NULL: any */
    int status;                     /* 0: any */
    int32_t codes[REST_CODES_MOST]; /* 0 ends them; REST_ANY_CODE alone; REST_NOT_JSON */
    unsigned flags;
    enum provider_code result;
    const char *meaning;
    const char *advice; /* what to do */
};

#define REST_CODES(...)                                                                            \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define REST_ERROR(method, status, codes, flags, result, meaning, advice)                          \
    {                                                                                              \
        method, status, codes, flags, result, meaning, advice                                      \
    }

struct rest_dialect {
    struct rest_shape envelope; /* into struct rest_info */
    struct rest_shape errors;   /* into struct rest_fault */
    struct rest_shape chained;  /* the same; path NULL: there are none */
    const char *items;          /* the path of results, an array or one object */
    const struct rest_error *rows;
    size_t rows_count;
};

struct rest {
    struct provider *p;                 /* not owned */
    const struct rest_dialect *dialect; /* not owned */
    struct http_base base;
    struct http http;
    struct json json;
    char token[REST_TOKEN_MOST + 1];
};

struct rest_call {
    const char *method;
    const char *path;
    const char *body; /* JSON, NULL: none */
    bool lists;       /* an answer without items is none */
    struct rest_shape item;
    void *into;                   /* the item */
    void (*start)(void *context); /* an attempt begins: what came before is void; may be NULL */
    void (*take)(void *context);  /* the item is filled; may be NULL */
    void *context;
};

/*
 * Takes TOKEN, or reads TOKEN_FILE (one of them may be NULL), and the base URL. Nothing is sent.
 * PROVIDER_DONE or PROVIDER_REFUSED. R stays where it is until rest_close.
 */
struct provider_result rest_open(struct rest *r, struct provider *p,
                                 const struct rest_dialect *dialect, const char *token,
                                 const char *token_file, const char *endpoint);
/*
 * One call with its repetitions. What `take` was given counts only where the result is
 * PROVIDER_DONE. INFO may be NULL.
 */
struct provider_result rest_call(struct rest *r, const struct rest_call *call,
                                 struct rest_info *info);
/* Wipes the token and closes the connection. */
void rest_close(struct rest *r);

/* PROVIDER_DONE without words. */
struct provider_result rest_done(void);
/* A failure of this session: the words begin with the server's name. */
struct provider_result rest_failed(const struct rest *r, enum provider_code code, bool usage,
                                   const char *format, ...) __attribute__((format(printf, 4, 5)));
/* A fault of the section: the words begin with its label and where it stands. */
struct provider_result rest_misconfigured(const struct provider *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * A request's body from an item by the same rows as answers have: an object with each member that
 * is not absent. Rows of one inner object ("data.usage", "data.selector") stand together.
 */
void rest_write(struct buf *body, const struct rest_shape *shape, const void *item);
/* Whether it is 1 to 32 digits 0-9 and a-f: an id that may stand in a path. */
bool rest_is_id(const char *id);
/* Appends text to a query, what is not unreserved (RFC 3986 section 2.3) as %XX. */
void rest_put_encoded(struct buf *b, const char *text);

#endif
