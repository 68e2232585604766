#include "base/buf.h"

#include <string.h>

/* Room for a 64-bit number in decimal, its sign included. */
#define NUMBER_TEXT_SIZE 21

struct buf buf_over(char *data, size_t size)
{
    struct buf b = {data, size, 0, false};
    data[0] = '\0';
    return b;
}

struct buf buf_behind(char *data, size_t size)
{
    struct buf b = {data, size, strnlen(data, size - 1), false};
    data[b.used] = '\0';
    return b;
}

void buf_reset(struct buf *b)
{
    b->used = 0;
    b->full = false;
    b->data[0] = '\0';
}

bool buf_full(const struct buf *b)
{
    return b->full;
}

void buf_put(struct buf *b, const void *bytes, size_t length)
{
    size_t room = b->size - b->used - 1;
    if (length > room) {
        length = room;
        b->full = true;
    }
    if (length > 0)
        memcpy(b->data + b->used, bytes, length);
    b->used += length;
    b->data[b->used] = '\0';
}

void buf_char(struct buf *b, char c)
{
    buf_put(b, &c, 1);
}

void buf_text(struct buf *b, const char *text)
{
    buf_put(b, text, strlen(text));
}

static void put_number(struct buf *b, uint64_t number, unsigned base, size_t width, char pad)
{
    char text[NUMBER_TEXT_SIZE];
    size_t at = sizeof text;
    do {
        text[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    for (size_t length = sizeof text - at; length < width; length++)
        buf_char(b, pad);
    buf_put(b, text + at, sizeof text - at);
}

void buf_u64(struct buf *b, uint64_t number)
{
    put_number(b, number, 10, 0, ' ');
}

void buf_i64(struct buf *b, int64_t number)
{
    if (number < 0)
        buf_char(b, '-');
    buf_u64(b, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void buf_hex(struct buf *b, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        put_number(b, bytes[i], 16, 2, '0');
}

void buf_clean(struct buf *b, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        buf_char(b, c < 0x20 || c > 0x7e ? '?' : (char)c);
    }
}

void buf_duration(struct buf *b, int64_t seconds)
{
    static const struct {
        int64_t unit;
        char name;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t parts = 0;
    if (seconds < 0)
        seconds = 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0] && parts < 2; i++) {
        if (seconds < units[i].unit && !(parts == 0 && units[i].unit == 1))
            continue;
        if (parts > 0)
            buf_char(b, ' ');
        buf_i64(b, seconds / units[i].unit);
        buf_char(b, units[i].name);
        seconds %= units[i].unit;
        parts++;
        if (seconds == 0)
            break;
    }
}

struct directive {
    bool zeros;       /* pad with zeros */
    bool precision;   /* the .* was there */
    size_t width;     /* least characters of a number */
    size_t text_most; /* most characters of a text */
    char length;      /* 0, 'l', 'L' (ll) or 'z' */
};

static uint64_t unsigned_argument(char length, va_list *arguments)
{
    switch (length) {
    case 'l':
        return va_arg(*arguments, unsigned long);
    case 'L':
        return va_arg(*arguments, unsigned long long);
    case 'z':
        return va_arg(*arguments, size_t);
    default:
        return va_arg(*arguments, unsigned int);
    }
}

static int64_t signed_argument(char length, va_list *arguments)
{
    switch (length) {
    case 'l':
        return va_arg(*arguments, long);
    case 'L':
        return va_arg(*arguments, long long);
    default:
        return va_arg(*arguments, int);
    }
}

static void put_text(struct buf *b, const char *text, const struct directive *d)
{
    if (text == NULL)
        text = "(none)";
    buf_put(b, text, d->precision ? strnlen(text, d->text_most) : strlen(text));
}

static void put_argument(struct buf *b, char kind, const struct directive *d, va_list *arguments)
{
    char pad = d->zeros ? '0' : ' ';
    switch (kind) {
    case 's':
        put_text(b, va_arg(*arguments, const char *), d);
        break;
    case 'c':
        buf_char(b, (char)va_arg(*arguments, int));
        break;
    case 'd': {
        int64_t number = signed_argument(d->length, arguments);
        if (number < 0)
            buf_char(b, '-');
        put_number(b, number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10, d->width, pad);
        break;
    }
    case 'u':
        put_number(b, unsigned_argument(d->length, arguments), 10, d->width, pad);
        break;
    case 'x':
        put_number(b, unsigned_argument(d->length, arguments), 16, d->width, pad);
        break;
    default:
        buf_char(b, kind);
        break;
    }
}

/* Reads what stands between '%' and the conversion letter; returns the letter's place. */
static const char *read_directive(const char *at, struct directive *d, va_list *arguments)
{
    *d = (struct directive){0};
    if (*at == '0') {
        d->zeros = true;
        at++;
    }
    while (*at >= '0' && *at <= '9')
        d->width = d->width * 10 + (size_t)(*at++ - '0');
    if (at[0] == '.' && at[1] == '*') {
        int most = va_arg(*arguments, int);
        d->precision = true;
        d->text_most = most < 0 ? 0 : (size_t)most;
        at += 2;
    }
    if (*at == 'z' || *at == 'l')
        d->length = *at++;
    if (d->length == 'l' && *at == 'l') {
        d->length = 'L';
        at++;
    }
    return at;
}

void buf_vprintf(struct buf *b, const char *format, va_list arguments)
{
    va_list list;
    va_copy(list, arguments);
    for (const char *at = format; *at != '\0'; at++) {
        struct directive d;
        if (*at != '%') {
            buf_char(b, *at);
            continue;
        }
        at = read_directive(at + 1, &d, &list);
        if (*at == '\0')
            break;
        put_argument(b, *at, &d, &list);
    }
    va_end(list);
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buf_vprintf(b, format, arguments);
    va_end(arguments);
}
