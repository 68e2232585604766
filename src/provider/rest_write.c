#include "provider/rest.h"

#include <string.h>

/* The longest name of an inner object that rows have, "data", with room to spare. */
#define INNER_SIZE 32

/* The length of the inner object's name before the member's, 0: it stands at the top. */
static size_t inner_length(const char *path)
{
    const char *dot = strchr(path, '.');
    return dot == NULL ? 0 : (size_t)(dot - path);
}

static bool is_absent(const struct rest_field *field, const void *at)
{
    int64_t number;
    if (field->kind == REST_TEXT || field->kind == REST_WORDS)
        return *(const char *)at == '\0';
    memcpy(&number, at, sizeof number);
    return number < 0;
}

static void put_value(struct json_writer *w, const struct rest_field *field, const void *at)
{
    int64_t number;
    if (field->kind == REST_TEXT || field->kind == REST_WORDS) {
        json_put_string(w, at);
        return;
    }
    memcpy(&number, at, sizeof number);
    if (field->kind == REST_WHOLE)
        json_put_whole(w, number);
    else
        json_put_bool(w, number != 0);
}

/* Begins the inner object that the path names. */
static void enter(struct json_writer *w, char open[INNER_SIZE], const char *path)
{
    size_t length = inner_length(path);
    struct buf name = buf_over(open, INNER_SIZE);
    buf_put(&name, path, length);
    json_put_name(w, open);
    json_put_begin_object(w);
}

void rest_write(struct buf *body, const struct rest_shape *shape, const void *item)
{
    struct json_writer w = json_writer_over(body);
    char open[INNER_SIZE] = "";
    json_put_begin_object(&w);
    for (size_t i = 0; i < shape->count; i++) {
        const struct rest_field *field = &shape->fields[i];
        const void *at = (const char *)item + field->offset;
        size_t inner = inner_length(field->path);
        if (is_absent(field, at))
            continue;
        if (open[0] != '\0' && (inner != strlen(open) || strncmp(open, field->path, inner) != 0)) {
            json_put_end_object(&w);
            open[0] = '\0';
        }
        if (inner > 0 && open[0] == '\0')
            enter(&w, open, field->path);
        json_put_name(&w, field->path + (inner > 0 ? inner + 1 : 0));
        put_value(&w, field, at);
    }
    if (open[0] != '\0')
        json_put_end_object(&w);
    json_put_end_object(&w);
}
