#include "http/json.h"

#include "http/utf8.h"

#include <string.h>

/* What may come next. */
enum {
    AT_VALUE,
    AT_FIRST_ELEMENT, /* behind '[': a value or ']' */
    AT_FIRST_NAME,    /* behind '{': a name or '}' */
    AT_NAME,          /* behind a comma in an object */
    AFTER_VALUE
};

/* Beside the octets 0 to 255 and the errors below 0. */
#define INPUT_END 256

void json_init(struct json *j, json_source *source, void *context)
{
    memset(j, 0, sizeof *j);
    j->source = source;
    j->context = context;
    j->state = AT_VALUE;
}

uint32_t json_depth(const struct json *j)
{
    return j->depth;
}

/* ---- octets ---- */

/* The next octet, which stays there; INPUT_END; or an error. */
static int peek(struct json *j)
{
    if (j->input_at < j->input_used)
        return j->input[j->input_at];
    if (j->source_error < 0)
        return JSON_STREAM;
    if (j->ended)
        return INPUT_END;
    int got = j->source(j->context, j->input, sizeof j->input);
    if (got < 0) {
        j->source_error = got;
        return JSON_STREAM;
    }
    j->input_at = 0;
    j->input_used = (size_t)got;
    j->total += (size_t)got;
    if (j->total > JSON_DOCUMENT_MOST)
        return JSON_TOO_LONG;
    if (got == 0) {
        j->ended = true;
        return INPUT_END;
    }
    return j->input[0];
}

static int take(struct json *j)
{
    int c = peek(j);
    if (c >= 0 && c < INPUT_END)
        j->input_at++;
    return c;
}

/* The error that C is where the grammar wants something else. */
static int fault(int c)
{
    return c < 0 ? c : c == INPUT_END ? JSON_TRUNCATED : JSON_MALFORMED;
}

static int expect(struct json *j, char wanted)
{
    int c = take(j);
    return c == wanted ? 0 : fault(c);
}

/* Passes over white space (bounded by JSON_DOCUMENT_MOST) and peeks. */
static int peek_behind_space(struct json *j)
{
    for (;;) {
        int c = peek(j);
        if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
            return c;
        j->input_at++;
    }
}

/* A character is kept whole or not at all, so that a cut text is still UTF-8. */
static void keep(struct json *j, struct json_token *token, const char *octets, size_t length)
{
    if (token->cut || length > JSON_TEXT_SIZE - 1 - token->length) {
        token->cut = true;
        return;
    }
    memcpy(j->text + token->length, octets, length);
    token->length += length;
}

/* ---- strings ---- */

static int read_multibyte(struct json *j, struct json_token *token, uint8_t lead)
{
    char octets[UTF8_MOST] = {(char)lead};
    uint8_t low, high;
    int follow = utf8_follow(lead, &low, &high);
    if (follow < 0)
        return JSON_MALFORMED;
    for (int i = 1; i <= follow; i++) {
        int c = take(j);
        if (c < low || c > high)
            return fault(c);
        octets[i] = (char)c;
        low = 0x80;
        high = 0xbf;
    }
    keep(j, token, octets, (size_t)follow + 1);
    return 0;
}

static int read_hex4(struct json *j, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int c = take(j), digit;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if (c >= 'a' && c <= 'f')
            digit = c - 'a' + 10;
        else if (c >= 'A' && c <= 'F')
            digit = c - 'A' + 10;
        else
            return fault(c);
        *unit = *unit << 4 | (uint32_t)digit;
    }
    return 0;
}

/* Behind "\u": one UTF-16 unit, and its other half where it is a high surrogate. */
static int read_unicode(struct json *j, struct json_token *token)
{
    char octets[UTF8_MOST];
    uint32_t code, second;
    int rc = read_hex4(j, &code);
    if (rc != 0)
        return rc;
    if (code >= 0xdc00 && code <= 0xdfff)
        return JSON_MALFORMED;
    if (code >= 0xd800 && code <= 0xdbff) {
        if ((rc = expect(j, '\\')) != 0 || (rc = expect(j, 'u')) != 0 ||
            (rc = read_hex4(j, &second)) != 0)
            return rc;
        if (second < 0xdc00 || second > 0xdfff)
            return JSON_MALFORMED;
        code = 0x10000 + ((code - 0xd800) << 10) + (second - 0xdc00);
    }
    token->has_nul |= code == 0;
    keep(j, token, octets, utf8_encode(code, octets));
    return 0;
}

static int read_escape(struct json *j, struct json_token *token)
{
    static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    int c = take(j);
    if (c == 'u')
        return read_unicode(j, token);
    const char *found = c > 0 && c < 0x80 ? strchr(letters, c) : NULL;
    if (found == NULL)
        return fault(c);
    keep(j, token, meant + (found - letters), 1);
    return 0;
}

static int read_string(struct json *j, struct json_token *token)
{
    for (;;) {
        int rc = 0, c = take(j);
        if (c == '"')
            return 0;
        if (c < 0x20 || c == INPUT_END)
            return fault(c);
        if (c == '\\') {
            rc = read_escape(j, token);
        } else if (c >= 0x80) {
            rc = read_multibyte(j, token, (uint8_t)c);
        } else {
            char octet = (char)c;
            keep(j, token, &octet, 1);
        }
        if (rc != 0)
            return rc;
    }
}

/* ---- numbers and words ---- */

/* Takes the octet that was just peeked. */
static void keep_peeked(struct json *j, struct json_token *token, int c)
{
    char octet = (char)c;
    keep(j, token, &octet, 1);
    j->input_at++;
}

static int read_digits(struct json *j, struct json_token *token)
{
    int c = peek(j);
    if (c < '0' || c > '9')
        return fault(c);
    for (; c >= '0' && c <= '9'; c = peek(j))
        keep_peeked(j, token, c);
    return 0;
}

static int read_number(struct json *j, struct json_token *token, int c)
{
    int rc = 0;
    if (c == '-') {
        keep_peeked(j, token, c);
        c = peek(j);
    }
    if (c == '0')
        keep_peeked(j, token, c);
    else
        rc = read_digits(j, token);
    if (rc == 0 && (c = peek(j)) == '.') {
        keep_peeked(j, token, c);
        rc = read_digits(j, token);
    }
    if (rc == 0 && ((c = peek(j)) == 'e' || c == 'E')) {
        keep_peeked(j, token, c);
        if ((c = peek(j)) == '+' || c == '-')
            keep_peeked(j, token, c);
        rc = read_digits(j, token);
    }
    token->kind = JSON_NUMBER;
    return rc;
}

static int read_word(struct json *j, struct json_token *token, const char *word,
                     enum json_kind kind)
{
    int rc = 0;
    for (; *word != '\0' && rc == 0; word++)
        rc = expect(j, *word);
    token->kind = kind;
    return rc;
}

/* ---- structure ---- */

static bool in_object(const struct json *j)
{
    uint32_t level = j->depth - 1;
    return j->depth > 0 && (j->nesting[level / 8] >> (level % 8) & 1) != 0;
}

static int begin(struct json *j, struct json_token *token, bool object)
{
    if (j->depth == JSON_DEPTH_MOST)
        return JSON_TOO_DEEP;
    unsigned bit = 1U << (j->depth % 8), bits = j->nesting[j->depth / 8];
    j->nesting[j->depth / 8] = (uint8_t)(object ? bits | bit : bits & ~bit);
    j->depth++;
    j->input_at++;
    j->state = object ? AT_FIRST_NAME : AT_FIRST_ELEMENT;
    token->kind = object ? JSON_OBJECT_BEGIN : JSON_ARRAY_BEGIN;
    return 0;
}

static int end(struct json *j, struct json_token *token)
{
    token->kind = in_object(j) ? JSON_OBJECT_END : JSON_ARRAY_END;
    j->depth--;
    j->input_at++;
    j->state = AFTER_VALUE;
    return 0;
}

static int read_name(struct json *j, struct json_token *token, int c)
{
    if (c != '"')
        return fault(c);
    j->input_at++;
    int rc = read_string(j, token);
    if (rc != 0)
        return rc;
    c = peek_behind_space(j);
    if (c != ':')
        return fault(c);
    j->input_at++;
    j->state = AT_VALUE;
    token->kind = JSON_NAME;
    return 0;
}

static int read_value(struct json *j, struct json_token *token, int c)
{
    if (c == '{' || c == '[')
        return begin(j, token, c == '{');
    j->state = AFTER_VALUE;
    switch (c) {
    case '"':
        j->input_at++;
        token->kind = JSON_STRING;
        return read_string(j, token);
    case 't':
        return read_word(j, token, "true", JSON_TRUE);
    case 'f':
        return read_word(j, token, "false", JSON_FALSE);
    case 'n':
        return read_word(j, token, "null", JSON_NULL);
    default:
        return c == '-' || (c >= '0' && c <= '9') ? read_number(j, token, c) : fault(c);
    }
}

static int read_token(struct json *j, struct json_token *token)
{
    int c = peek_behind_space(j);
    bool may_end = j->depth > 0 && j->state != AT_VALUE && j->state != AT_NAME;
    if (may_end && c == (in_object(j) ? '}' : ']'))
        return end(j, token);
    if (j->state == AFTER_VALUE) {
        if (j->depth == 0) {
            token->kind = JSON_END;
            return c == INPUT_END ? 0 : fault(c);
        }
        if (c != ',')
            return fault(c);
        j->input_at++;
        j->state = in_object(j) ? AT_NAME : AT_VALUE;
        c = peek_behind_space(j);
    }
    if (j->state == AT_NAME || j->state == AT_FIRST_NAME)
        return read_name(j, token, c);
    return read_value(j, token, c);
}

int json_next(struct json *j, struct json_token *token)
{
    *token = (struct json_token){.kind = JSON_END, .text = j->text};
    if (j->failed == 0)
        j->failed = read_token(j, token);
    j->text[token->length] = '\0';
    return j->failed;
}

int json_skip(struct json *j, const struct json_token *first)
{
    struct json_token token = *first;
    int rc = 0;
    if (token.kind == JSON_NAME && (rc = json_next(j, &token)) != 0)
        return rc;
    if (token.kind == JSON_OBJECT_END || token.kind == JSON_ARRAY_END || token.kind == JSON_END)
        return JSON_UNEXPECTED;
    if (token.kind != JSON_OBJECT_BEGIN && token.kind != JSON_ARRAY_BEGIN)
        return 0;
    uint32_t outside = j->depth - 1;
    while (rc == 0 && j->depth > outside)
        rc = json_next(j, &token);
    return rc;
}
