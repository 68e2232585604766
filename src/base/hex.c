#include "base/hex.h"

#include <stdbool.h>

int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int hex_decode(const char *text, size_t length, uint8_t *bytes, size_t size)
{
    size_t used = 0;
    int high = -1;
    for (size_t i = 0; i < length; i++) {
        int digit = hex_digit(text[i]);
        if (digit < 0) {
            if (is_space(text[i]))
                continue;
            return HEX_MALFORMED;
        }
        if (high < 0) {
            high = digit;
            continue;
        }
        if (used == size)
            return HEX_TOO_LONG;
        bytes[used++] = (uint8_t)(high << 4 | digit);
        high = -1;
    }
    return high < 0 ? (int)used : HEX_MALFORMED;
}
