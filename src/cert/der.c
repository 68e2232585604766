#include "cert/der.h"

/* 4 GB; cursors hold far less. */
#define LENGTH_OCTETS_MOST 4

#define TAG_NUMBER_MASK 0x1f /* all ones: the number stands in further octets */
#define LENGTH_LONG     0x80

uint8_t der_tag(const struct cursor *c)
{
    return cursor_left(c) == 0 ? 0 : c->at[0];
}

/* The length octets; a wrong form fails the cursor. */
static size_t read_length(struct cursor *c)
{
    uint32_t length = 0;
    uint8_t first = cursor_u8(c);
    if (first < LENGTH_LONG)
        return first;
    unsigned count = first & 0x7fU;
    /* Count 0 is the indefinite form of BER. */
    if (count == 0 || count > LENGTH_OCTETS_MOST || der_tag(c) == 0) {
        c->failed = true;
        return 0;
    }
    for (unsigned i = 0; i < count; i++)
        length = length << 8 | cursor_u8(c);
    if (length < LENGTH_LONG)
        c->failed = true;
    return length;
}

struct cursor der_enter(struct cursor *c, uint8_t tag)
{
    if ((tag & TAG_NUMBER_MASK) == TAG_NUMBER_MASK || cursor_u8(c) != tag)
        c->failed = true;
    size_t length = read_length(c);
    return cursor_part(c, length);
}

struct cert_part der_whole(struct cursor *c, uint8_t tag)
{
    struct cert_part part = {NULL, 0};
    const uint8_t *start = c->at;
    (void)der_enter(c, tag);
    if (!c->failed) {
        part.bytes = start;
        part.length = (size_t)(c->at - start);
    }
    return part;
}

void der_skip_optional(struct cursor *c, uint8_t tag)
{
    if (der_tag(c) == tag)
        (void)der_enter(c, tag);
}

bool der_done(const struct cursor *c)
{
    return !c->failed && c->at == c->end;
}

struct cert_part der_bits(struct cursor *c, uint8_t tag)
{
    struct cert_part part = {NULL, 0};
    struct cursor content = der_enter(c, tag);
    if (cursor_u8(&content) != 0 || cursor_left(&content) == 0) {
        c->failed = true;
        return part;
    }
    part.bytes = content.at;
    part.length = cursor_left(&content);
    return part;
}

bool der_is_sequence(const uint8_t *bytes, size_t length)
{
    struct cursor c = cursor_over(bytes, length);
    (void)der_enter(&c, DER_SEQUENCE);
    return der_done(&c);
}
