#include "base/base64.h"

#include <stdbool.h>

/* All bits set where LEAST <= C <= MOST, for characters; without a branch. */
static uint32_t within(uint32_t c, uint32_t least, uint32_t most)
{
    return (((c - least) | (most - c)) >> 31) - 1;
}

/* The value of a digit, or one above 63. */
static uint32_t value_of(uint32_t c)
{
    uint32_t upper = within(c, 'A', 'Z'), lower = within(c, 'a', 'z'), digit = within(c, '0', '9');
    uint32_t plus = within(c, '+', '+'), slash = within(c, '/', '/');
    return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (plus & 62) |
           (slash & 63) | (~(upper | lower | digit | plus | slash) & 64);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

int base64_decode(const char *text, size_t length, uint8_t *bytes, size_t size)
{
    uint32_t bits = 0, bad = 0;
    size_t digits = 0, padding = 0, used = 0;
    for (size_t i = 0; i < length; i++) {
        if (is_space(text[i]))
            continue;
        if (text[i] == '=') {
            padding++;
            continue;
        }
        uint32_t value = value_of((unsigned char)text[i]);
        if (padding > 0)
            return BASE64_MALFORMED;
        bad |= value;
        bits = bits << 6 | (value & 63);
        digits++;
        if (digits % 4 == 1)
            continue;
        if (used == size)
            return BASE64_TOO_LONG;
        /* The second digit of four completes an octet and leaves 4 bits, the third 2, the last 0.
         */
        bytes[used++] = (uint8_t)(bits >> ((4 - digits % 4) % 4 * 2));
    }
    if (bad > 63 || digits % 4 == 1 || (digits + padding) % 4 != 0 || padding > 2)
        return BASE64_MALFORMED;
    if (digits % 4 != 0 && (bits & (digits % 4 == 2 ? 15U : 3U)) != 0)
        return BASE64_MALFORMED;
    return (int)used;
}
