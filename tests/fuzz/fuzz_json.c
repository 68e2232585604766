/*
 * http/json.h over any input. The tokens must not depend on how the input is divided; skipping the
 * value must end as reading it does; what the writer makes of a string must be read back the same.
 */
#include "base/buf.h"
#include "http/json.h"

#include <stdlib.h>
#include <string.h>

/* Our own assert: NDEBUG must not take it away. */
static void insist(int holds)
{
    if (!holds)
        abort();
}

struct document {
    const uint8_t *bytes;
    size_t left, step;
};

static int source(void *context, void *bytes, size_t size)
{
    struct document *d = context;
    size = size < d->left ? size : d->left;
    size = size < d->step ? size : d->step;
    if (size > 0)
        memcpy(bytes, d->bytes, size);
    d->bytes += size;
    d->left -= size;
    return (int)size;
}

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void check_round_trip(const struct json_token *token)
{
    static struct json again;
    static char text[6 * JSON_TEXT_SIZE + 3];
    struct buf b = BUF_OVER(text);
    struct json_writer w = json_writer_over(&b);
    struct json_token copy;
    json_put_string(&w, token->text);
    insist(!buf_full(&b));
    struct document d = {(const uint8_t *)text, b.used, b.used};
    json_init(&again, source, &d);
    insist(json_next(&again, &copy) == 0 && copy.kind == JSON_STRING && !copy.cut);
    insist(copy.length == token->length && memcmp(copy.text, token->text, copy.length) == 0);
    insist(json_next(&again, &copy) == 0 && copy.kind == JSON_END);
}

static uint64_t read_all(const uint8_t *data, size_t size, size_t step, int *rc)
{
    static struct json j;
    struct document d = {data, size, step};
    struct json_token token = {.kind = JSON_NULL};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    json_init(&j, source, &d);
    while ((*rc = json_next(&j, &token)) == 0 && token.kind != JSON_END) {
        char kind = (char)token.kind;
        int64_t whole = json_whole(&token);
        insist(whole >= -1 && whole <= JSON_WHOLE_MOST);
        insist(token.length < JSON_TEXT_SIZE && token.text[token.length] == '\0');
        insist(token.has_nul == (memchr(token.text, 0, token.length) != NULL) || token.cut);
        insist(json_depth(&j) <= JSON_DEPTH_MOST);
        hash = mix(mix(hash, &kind, 1), token.text, token.length);
        hash = mix(hash, &whole, sizeof whole);
        if (token.kind == JSON_STRING && !token.has_nul && step > 1)
            check_round_trip(&token);
    }
    insist(json_next(&j, &token) == *rc);
    insist(*rc != 0 || (json_depth(&j) == 0 && d.left == 0));
    return hash;
}

static int skip_all(const uint8_t *data, size_t size)
{
    static struct json j;
    struct document d = {data, size, 100};
    struct json_token token;
    json_init(&j, source, &d);
    int rc = json_next(&j, &token);
    if (rc == 0)
        rc = json_skip(&j, &token);
    if (rc == 0)
        rc = json_next(&j, &token);
    insist(rc != 0 || token.kind == JSON_END);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int by_one, at_once;
    uint64_t first = read_all(data, size, 1, &by_one);
    uint64_t second = read_all(data, size, SIZE_MAX, &at_once);
    insist(by_one == at_once && first == second);
    insist(skip_all(data, size) == by_one);
    insist(by_one <= 0 && by_one != JSON_STREAM && by_one != JSON_UNEXPECTED);
    return 0;
}
