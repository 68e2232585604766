#include "base/cursor.h"

struct cursor cursor_over(const void *bytes, size_t length)
{
    const uint8_t *start = bytes;
    struct cursor c = {start, start == NULL ? NULL : start + length, start == NULL};
    return c;
}

size_t cursor_left(const struct cursor *c)
{
    return c->failed ? 0 : (size_t)(c->end - c->at);
}

const uint8_t *cursor_take(struct cursor *c, size_t length)
{
    const uint8_t *taken = c->at;
    if (c->failed || length > (size_t)(c->end - c->at)) {
        c->failed = true;
        return NULL;
    }
    c->at += length;
    return taken;
}

uint8_t cursor_u8(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 1);
    return b == NULL ? 0 : b[0];
}

uint16_t cursor_u16(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 2);
    return b == NULL ? 0 : (uint16_t)((unsigned)b[0] << 8 | b[1]);
}

uint32_t cursor_u32(struct cursor *c)
{
    const uint8_t *b = cursor_take(c, 4);
    if (b == NULL)
        return 0;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

struct cursor cursor_part(struct cursor *c, size_t length)
{
    return cursor_over(cursor_take(c, length), length);
}
