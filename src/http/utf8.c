#include "http/utf8.h"

int utf8_follow(uint8_t lead, uint8_t *low, uint8_t *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead < 0x80)
        return 0;
    if (lead < 0xc2 || lead > 0xf4)
        return -1;
    return lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
}

size_t utf8_length(const char *text, size_t length)
{
    uint8_t low, high;
    if (length == 0)
        return 0;
    int follow = utf8_follow((uint8_t)text[0], &low, &high);
    if (follow < 0 || (size_t)follow >= length)
        return 0;
    for (int i = 1; i <= follow; i++) {
        uint8_t octet = (uint8_t)text[i];
        if (octet < low || octet > high)
            return 0;
        low = 0x80;
        high = 0xbf;
    }
    return (size_t)follow + 1;
}

size_t utf8_encode(uint32_t code, char octets[UTF8_MOST])
{
    size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t marks[] = {0, 0x00, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        octets[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    octets[0] = (char)(marks[length] | code);
    return length;
}
