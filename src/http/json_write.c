#include "http/json.h"
#include "http/utf8.h"

#include <string.h>

struct json_writer json_writer_over(struct buf *out)
{
    return (struct json_writer){out, false};
}

static void put_comma(struct json_writer *w)
{
    if (w->comma)
        buf_char(w->out, ',');
    w->comma = true;
}

static void put_begin(struct json_writer *w, char bracket)
{
    put_comma(w);
    buf_char(w->out, bracket);
    w->comma = false;
}

static void put_end(struct json_writer *w, char bracket)
{
    buf_char(w->out, bracket);
    w->comma = true;
}

void json_put_begin_object(struct json_writer *w)
{
    put_begin(w, '{');
}

void json_put_end_object(struct json_writer *w)
{
    put_end(w, '}');
}

void json_put_begin_array(struct json_writer *w)
{
    put_begin(w, '[');
}

void json_put_end_array(struct json_writer *w)
{
    put_end(w, ']');
}

static void put_ascii(struct buf *out, char c)
{
    static const char controls[] = "\b\f\n\r\t", letters[] = "bfnrt";
    const char *found = strchr(controls, c);
    if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (found != NULL)
        buf_printf(out, "\\%c", letters[found - controls]);
    else if (c < 0x20)
        buf_printf(out, "\\u%04x", (unsigned)c);
    else
        buf_char(out, c);
}

static void put_quoted(struct buf *out, const char *text)
{
    size_t left = strlen(text), length;
    buf_char(out, '"');
    for (; left > 0; text += length, left -= length) {
        length = utf8_length(text, left);
        if (length == 1) {
            put_ascii(out, *text);
        } else if (length > 1) {
            buf_put(out, text, length);
        } else {
            buf_text(out, "\xef\xbf\xbd");
            length = 1;
        }
    }
    buf_char(out, '"');
}

void json_put_name(struct json_writer *w, const char *name)
{
    put_comma(w);
    put_quoted(w->out, name);
    buf_char(w->out, ':');
    w->comma = false;
}

void json_put_string(struct json_writer *w, const char *text)
{
    put_comma(w);
    put_quoted(w->out, text);
}

void json_put_whole(struct json_writer *w, int64_t number)
{
    put_comma(w);
    buf_i64(w->out, number);
}

void json_put_bool(struct json_writer *w, bool value)
{
    put_comma(w);
    buf_text(w->out, value ? "true" : "false");
}

void json_put_null(struct json_writer *w)
{
    put_comma(w);
    buf_text(w->out, "null");
}
