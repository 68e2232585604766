/* What a token's text means. */
#include "base/cursor.h"
#include "http/json.h"

#include <string.h>

/* Exponents beyond this are all the same: no text of JSON_TEXT_SIZE brings them back into range. */
#define EXPONENT_MOST 100000

/* A number as MANTISSA (without zeros at its end) times ten to the power SCALE. */
struct decimal {
    int64_t mantissa;
    int64_t scale;
    bool big; /* the mantissa is above JSON_WHOLE_MOST: no whole number of ours either way */
};

/* The next character, or -1; it stays there. */
static int peek(const struct cursor *c)
{
    return cursor_left(c) > 0 ? *c->at : -1;
}

static bool pass(struct cursor *c, char wanted)
{
    if (peek(c) != wanted)
        return false;
    (void)cursor_u8(c);
    return true;
}

/* value * 10^power + digit; false when that is above JSON_WHOLE_MOST. */
static bool shift(int64_t *value, int64_t power, int digit)
{
    for (; power > 0 && *value > 0; power--) {
        if (*value > JSON_WHOLE_MOST / 10)
            return false;
        *value *= 10;
    }
    *value += digit;
    return *value <= JSON_WHOLE_MOST;
}

/* Digits into the decimal; returns how many there were. */
static int64_t read_digits(struct cursor *c, struct decimal *d)
{
    int64_t count = 0;
    for (int digit; (digit = peek(c)) >= '0' && digit <= '9'; count++) {
        (void)cursor_u8(c);
        d->scale++;
        if (digit == '0' || d->big)
            continue;
        d->big = !shift(&d->mantissa, d->scale, digit - '0');
        d->scale = 0;
    }
    return count;
}

static bool read_exponent(struct cursor *c, int64_t *exponent)
{
    int64_t value = 0, count = 0;
    bool minus = pass(c, '-');
    if (!minus)
        (void)pass(c, '+');
    for (int digit; (digit = peek(c)) >= '0' && digit <= '9'; count++) {
        (void)cursor_u8(c);
        if (value < EXPONENT_MOST)
            value = value * 10 + (digit - '0');
    }
    *exponent = minus ? -value : value;
    return count > 0;
}

int64_t json_whole(const struct json_token *token)
{
    struct cursor c = cursor_over(token->text, token->length);
    struct decimal d = {0};
    int64_t fraction = 0, exponent = 0;
    if ((token->kind != JSON_NUMBER && token->kind != JSON_STRING) || token->cut)
        return -1;
    bool minus = pass(&c, '-');
    if (!pass(&c, '0') && read_digits(&c, &d) == 0)
        return -1;
    if (pass(&c, '.') && (fraction = read_digits(&c, &d)) == 0)
        return -1;
    if ((pass(&c, 'e') || pass(&c, 'E')) && !read_exponent(&c, &exponent))
        return -1;
    if (cursor_left(&c) > 0)
        return -1;
    if (d.mantissa == 0)
        return 0;
    d.scale += exponent - fraction;
    if (minus || d.big || d.scale < 0 || !shift(&d.mantissa, d.scale, 0))
        return -1;
    return d.mantissa;
}

bool json_is(const struct json_token *token, const char *text)
{
    return (token->kind == JSON_NAME || token->kind == JSON_STRING) && !token->cut &&
           token->length == strlen(text) && memcmp(token->text, text, token->length) == 0;
}
