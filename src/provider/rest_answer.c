#include "provider/rest_answer.h"

#include <string.h>

/* The longest path that rows name, "errors.error_chain.message", with room to spare. */
#define PATH_SIZE 64

struct reader {
    struct json *json;
    struct rest_sink *sinks;
    size_t count;
    char path[PATH_SIZE]; /* of the value being read; arrays add nothing */
};

/* ---- paths ---- */

/* What stands behind PREFIX and a dot; "" where it is the same; NULL where it is not below it. */
static const char *behind(const char *path, const char *prefix)
{
    size_t length = strlen(prefix);
    if (length == 0)
        return path;
    if (strncmp(path, prefix, length) != 0)
        return NULL;
    if (path[length] == '\0')
        return path + length;
    return path[length] == '.' ? path + length + 1 : NULL;
}

/* Whether a row names something below this path, or the path itself is that of a sink. */
static bool leads_somewhere(const struct reader *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct rest_shape *shape = &r->sinks[i].shape;
        if (shape->path == NULL)
            continue;
        if (behind(shape->path, r->path) != NULL)
            return true;
        const char *rest = behind(r->path, shape->path);
        for (size_t j = 0; rest != NULL && j < shape->count; j++) {
            if (behind(shape->fields[j].path, rest) != NULL)
                return true;
        }
    }
    return false;
}

static struct rest_sink *sink_at(const struct reader *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->sinks[i].shape.path, r->path) == 0)
            return &r->sinks[i];
    }
    return NULL;
}

/* ---- items ---- */

static void *place(const struct rest_field *field, void *item)
{
    return (char *)item + field->offset;
}

static void store_whole(const struct rest_field *field, void *item, int64_t value)
{
    memcpy(place(field, item), &value, sizeof value);
}

static void clear(const struct rest_sink *sink)
{
    for (size_t i = 0; i < sink->shape.count; i++) {
        const struct rest_field *field = &sink->shape.fields[i];
        if (field->kind == REST_TEXT || field->kind == REST_WORDS)
            *(char *)place(field, sink->item) = '\0';
        else
            store_whole(field, sink->item, -1);
    }
}

static void store_text(const struct rest_field *field, void *item, const struct json_token *token)
{
    struct buf out = buf_over(place(field, item), field->size);
    if (token->kind != JSON_STRING)
        return;
    if (field->kind == REST_WORDS)
        buf_clean(&out, token->text, token->length);
    else if (!token->cut && !token->has_nul)
        buf_put(&out, token->text, token->length);
    if (buf_full(&out) && field->kind == REST_TEXT)
        buf_reset(&out);
}

static void store(const struct rest_field *field, void *item, const struct json_token *token)
{
    switch (field->kind) {
    case REST_TEXT:
    case REST_WORDS:
        store_text(field, item, token);
        break;
    case REST_WHOLE:
        store_whole(field, item, json_whole(token));
        break;
    case REST_TRUTH:
        store_whole(field, item, token->kind == JSON_TRUE ? 1 : token->kind == JSON_FALSE ? 0 : -1);
        break;
    }
}

static void store_scalar(const struct reader *r, const struct json_token *token)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct rest_sink *sink = &r->sinks[i];
        const char *rest = behind(r->path, sink->shape.path);
        for (size_t j = 0; rest != NULL && j < sink->shape.count; j++) {
            if (strcmp(sink->shape.fields[j].path, rest) == 0)
                store(&sink->shape.fields[j], sink->item, token);
        }
    }
}

/* ---- values ---- */

/* Puts a member's name behind the path; false where no row can name it. */
static bool descend(struct reader *r, const struct json_token *name)
{
    struct buf path = BUF_BEHIND(r->path);
    if (name->cut || name->has_nul || name->length == 0 ||
        memchr(name->text, '.', name->length) != NULL)
        return false;
    if (path.used > 0)
        buf_char(&path, '.');
    buf_put(&path, name->text, name->length);
    return !buf_full(&path);
}

static int read_value(struct reader *r, const struct json_token *first, bool in_array);

static int read_members(struct reader *r)
{
    struct json_token token;
    size_t length = strlen(r->path);
    for (;;) {
        int rc = json_next(r->json, &token);
        if (rc != 0 || token.kind == JSON_OBJECT_END)
            return rc;
        if (!descend(r, &token)) {
            rc = json_skip(r->json, &token);
        } else {
            rc = json_next(r->json, &token);
            if (rc == 0)
                rc = read_value(r, &token, false);
        }
        r->path[length] = '\0';
        if (rc != 0)
            return rc;
    }
}

static int read_elements(struct reader *r)
{
    struct json_token token;
    for (;;) {
        int rc = json_next(r->json, &token);
        if (rc != 0 || token.kind == JSON_ARRAY_END)
            return rc;
        rc = read_value(r, &token, true);
        if (rc != 0)
            return rc;
    }
}

static int read_object(struct reader *r, struct rest_sink *sink)
{
    if (sink != NULL)
        clear(sink);
    int rc = read_members(r);
    if (rc != 0 || sink == NULL)
        return rc;
    sink->taken++;
    if (sink->take != NULL)
        sink->take(sink->context);
    return 0;
}

/* Recursion ends where no row's path goes on. */
static int read_value(struct reader *r, const struct json_token *first, bool in_array)
{
    struct rest_sink *sink = sink_at(r);
    bool array = first->kind == JSON_ARRAY_BEGIN, object = first->kind == JSON_OBJECT_BEGIN;
    if (sink != NULL && !in_array && (array || object || first->kind == JSON_NULL))
        sink->present = true;
    if (object && leads_somewhere(r))
        return read_object(r, sink);
    /* An array stands for its elements only where there are to be several objects. */
    if (array && sink != NULL && !in_array && r->path[0] != '\0')
        return read_elements(r);
    if (array || object)
        return json_skip(r->json, first);
    if (!in_array)
        store_scalar(r, first);
    return 0;
}

int rest_answer_read(struct json *json, struct rest_sink *sinks, size_t count)
{
    struct reader r = {.json = json, .sinks = sinks, .count = count};
    struct json_token token;
    int rc = json_next(json, &token);
    if (rc != 0)
        return rc;
    bool object = token.kind == JSON_OBJECT_BEGIN;
    rc = object ? read_value(&r, &token, false) : json_skip(json, &token);
    if (rc == 0)
        rc = json_next(json, &token);
    if (rc != 0)
        return rc;
    return object && token.kind == JSON_END ? 0 : REST_SHAPE;
}
