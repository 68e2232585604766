/* http/json.h: the parser over every division of its input, numbers, skipping, the writer. */
#include "base/buf.h"
#include "http/json.h"
#include "http/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A document given in pieces of STEP bytes; FAIL_AT >= 0: the source fails with -77 there. */
struct document {
    const char *bytes;
    size_t length, at, step;
    long fail_at;
    unsigned calls_after_end;
    bool ended;
};

static int source(void *context, void *bytes, size_t size)
{
    struct document *d = context;
    size_t length = d->length - d->at;
    if (d->ended)
        d->calls_after_end++;
    if (d->fail_at >= 0 && d->at >= (size_t)d->fail_at) {
        d->ended = true;
        return -77;
    }
    if (length > d->step)
        length = d->step;
    if (length > size)
        length = size;
    if (length > 0)
        memcpy(bytes, d->bytes + d->at, length);
    d->at += length;
    d->ended = length == 0;
    return (int)length;
}

static struct document document_of(const char *bytes, size_t length, size_t step)
{
    return (struct document){bytes, length, 0, step, -1, 0, false};
}

/* What the parser says of a document, one letter a token: {}[] n:name s:string 0:number t f z. */
static int describe(struct document *d, char *text, size_t size)
{
    static struct json j;
    struct buf b = buf_over(text, size);
    struct json_token token;
    int rc;
    json_init(&j, source, d);
    while ((rc = json_next(&j, &token)) == 0 && token.kind != JSON_END) {
        static const char *const marks[] = {"",   "{",  "}", "[", "]", "n(",
                                            "s(", "0(", "t", "f", "z"};
        buf_text(&b, marks[token.kind]);
        assert_int_equal(token.text[token.length], '\0');
        if (token.kind == JSON_NAME || token.kind == JSON_STRING || token.kind == JSON_NUMBER) {
            buf_put(&b, token.text, token.length);
            buf_char(&b, ')');
        } else {
            assert_int_equal(token.length, 0);
        }
        assert_int_equal(token.has_nul, memchr(token.text, 0, token.length) != NULL);
    }
    assert_false(buf_full(&b));
    assert_int_equal(json_next(&j, &token), rc);
    assert_int_equal(token.kind, JSON_END);
    if (rc == 0)
        assert_int_equal(json_depth(&j), 0);
    assert_int_equal(d->calls_after_end, 0);
    return rc;
}

/* The result must not depend on where the input is divided. */
static void expect_bytes(const char *bytes, size_t length, int wanted_rc, const char *wanted)
{
    static const size_t steps[] = {1, 2, 3, 5, 511, 512, 100000};
    static char text[20000];
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct document d = document_of(bytes, length, steps[i]);
        assert_int_equal(describe(&d, text, sizeof text), wanted_rc);
        if (wanted != NULL)
            assert_string_equal(text, wanted);
    }
}

static void expect(const char *bytes, int wanted_rc, const char *wanted)
{
    expect_bytes(bytes, strlen(bytes), wanted_rc, wanted);
}

static void test_values(void **state)
{
    static const char *const rows[][2] = {
        {"null", "z"},
        {" true ", "t"},
        {"\r\n\tfalse\n", "f"},
        {"\"\"", "s()"},
        {"0", "0(0)"},
        {"-0", "0(-0)"},
        {"-12.50e+3", "0(-12.50e+3)"},
        {"1E400", "0(1E400)"},
        {"[]", "[]"},
        {"[ ]", "[]"},
        {"{}", "{}"},
        {"{ }", "{}"},
        {"[1,2 , 3]", "[0(1)0(2)0(3)]"},
        {"[[],[[]],{}]", "[[][[]]{}]"},
        {"{\"a\":1,\"b\" : [true,{\"c\":null}]}", "{n(a)0(1)n(b)[t{n(c)z}]}"},
        {"{\"\":0}", "{n()0(0)}"},
        {"{\"a\":1,\"a\":2}", "{n(a)0(1)n(a)0(2)}"},
        {"{\"result\":[{\"id\":\"x\"}],\"success\":true}", "{n(result)[{n(id)s(x)}]n(success)t}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i][0], 0, rows[i][1]);
}

static void test_strings(void **state)
{
    static const char *const rows[][2] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "s(\"\\/\b\f\n\r\t)"},
        {"\"\\u0041\\u00e9\\u20aC\"", "s(A\xc3\xa9\xe2\x82\xac)"},
        {"\"\\uD834\\uDD1E\"", "s(\xf0\x9d\x84\x9e)"},
        {"\"\\udbff\\udfff\"", "s(\xf4\x8f\xbf\xbf)"},
        {"\"\\uD800\\uDC00\"", "s(\xf0\x90\x80\x80)"},
        {"\"\\ufffe\\uffff\\ue000\\ud7ff\"", "s(\xef\xbf\xbe\xef\xbf\xbf\xee\x80\x80\xed\x9f\xbf)"},
        {"\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"",
         "s(\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf)"},
        {"{\"\\u0061\":\"/\"}", "{n(a)s(/)}"},
        {"\"/*x*/ //\"", "s(/*x*/ //)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i][0], 0, rows[i][1]);
}

static void test_nul_in_a_string(void **state)
{
    static struct json j;
    struct document d = document_of("[\"a\\u0000b\",\"c\"]", 16, 1);
    struct json_token token;
    (void)state;
    json_init(&j, source, &d);
    assert_int_equal(json_next(&j, &token), 0);
    assert_int_equal(json_next(&j, &token), 0);
    assert_true(token.has_nul);
    assert_int_equal(token.length, 3);
    assert_memory_equal(token.text, "a\0b", 4);
    assert_false(json_is(&token, "a"));
    assert_int_equal(json_next(&j, &token), 0);
    assert_false(token.has_nul);
    assert_true(json_is(&token, "c"));
}

static void test_malformed(void **state)
{
    static const char *const rows[] = {
        "]",
        "}",
        ",",
        ":",
        "[1}",
        "{\"a\":1]",
        "[,]",
        "[1,]",
        "[,1]",
        "[1,,2]",
        "[1 2]",
        "[1:2]",
        "{,}",
        "{1:2}",
        "{a:1}",
        "{\"a\"}",
        "{\"a\",1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\"::1}",
        "{\"a\":1 2}",
        "{\"a\":1,,",
        "{'a':1}",
        "{null:1}",
        "1 2",
        "[]]",
        "{}}",
        "[],",
        "\"a\" \"b\"",
        "null null",
        "nul ",
        "Null",
        "tru]",
        "TRUE",
        "fals ",
        "nan",
        "NaN",
        "Infinity",
        "-Infinity",
        "+1",
        "01",
        "-01",
        "00",
        "1.]",
        ".1",
        "-.1",
        "1.e1",
        "1e ",
        "1e+ ",
        "1eE2",
        "1e.5",
        "0x10",
        "1_000",
        "- 1",
        "--1",
        "-a",
        "1.2.3",
        "1e5.2",
        "0e ",
        "\xef\xbb\xbf{}",
        "\xe2\x81\xa0",
        "\x0c[]",
        "\x0b[]",
        "\xc2\xa0[]",
        "// x\n1",
        "/* x */1",
        "#1",
        "'a'",
        "\"\\x41\"",
        "\"\\'\"",
        "\"\\a\"",
        "\"\\0\"",
        "\"\\U0041\"",
        "\"\\u004\"",
        "\"\\u00g0\"",
        "\"\\u 041\"",
        "\"\t\"",
        "\"\n\"",
        "\"\x1f\"",
        "\"\\\n\"",
        "\"\x01\"",
        "\"\\u-041\"",
        /* lone and swapped surrogates */
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\n\"",
        "\"\\udc00\\ud800\"",
        "\"\\ud800\\u0041\"",
        "\"\\udfff\"",
        "\"\\ud83d\\ue000\"",
        /* no UTF-8 */
        "\"\x80\"",
        "\"\xbf\"",
        "\"\xc0\x80\"",
        "\"\xc1\xbf\"",
        "\"\xc2\"",
        "\"\xc2\x41\"",
        "\"\xe0\x80\x80\"",
        "\"\xe0\x9f\xbf\"",
        "\"\xe2\x82\"",
        "\"\xed\xa0\x80\"",
        "\"\xed\xbf\xbf\"",
        "\"\xf0\x80\x80\x80\"",
        "\"\xf0\x8f\xbf\xbf\"",
        "\"\xf4\x90\x80\x80\"",
        "\"\xf5\x80\x80\x80\"",
        "\"\xf8\x88\x80\x80\x80\"",
        "\"\xfe\"",
        "\"\xff\"",
        "\xe9",
        "{\"\xff\":1}",
        "\"\\\xc3\xa9\"",
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        expect(rows[i], JSON_MALFORMED, NULL);
    expect_bytes("[1]\0", 4, JSON_MALFORMED, NULL);
    expect_bytes("\0", 1, JSON_MALFORMED, NULL);
    expect_bytes("\"a\0b\"", 5, JSON_MALFORMED, NULL);
    expect_bytes("\"\\\0\"", 4, JSON_MALFORMED, NULL);
    expect_bytes("12\0", 3, JSON_MALFORMED, NULL);
}

/* Every proper beginning of a document is truncated; numbers are whole at some of their ends. */
static void test_truncated_everywhere(void **state)
{
    static const char whole[] = "{\"a\\u00e9\\ud834\\udd1e\xf0\x9d\x84\x9e\\n\":[1.5e-3,true,false,"
                                "null,{\"b\":[]},\"\"],\"c\":-7}";
    (void)state;
    for (size_t length = 0; length < sizeof whole - 1; length++)
        expect_bytes(whole, length, JSON_TRUNCATED, NULL);
    expect_bytes(whole, sizeof whole - 1, 0, NULL);
    expect(" \n ", JSON_TRUNCATED, "");
    expect("-", JSON_TRUNCATED, "");
    expect("1.", JSON_TRUNCATED, "");
    expect("1e", JSON_TRUNCATED, "");
    expect("1e+", JSON_TRUNCATED, "");
    expect("tru", JSON_TRUNCATED, "");
}

/* A failing source is asked no more; its error is kept, wherever it comes. */
static void test_source_fails_everywhere(void **state)
{
    static const char whole[] = "{\"a\":[1.5,true,\"\\u00e9\"]} ";
    static struct json j;
    struct json_token token;
    (void)state;
    for (long at = 0; at <= (long)sizeof whole - 1; at++) {
        struct document d = document_of(whole, sizeof whole - 1, 1);
        int rc;
        d.fail_at = at;
        json_init(&j, source, &d);
        while ((rc = json_next(&j, &token)) == 0)
            assert_int_not_equal(token.kind, JSON_END);
        assert_int_equal(rc, JSON_STREAM);
        assert_int_equal(j.source_error, -77);
        assert_int_equal(json_next(&j, &token), JSON_STREAM);
        assert_int_equal(d.calls_after_end, 0);
    }
}

static void test_depth(void **state)
{
    static char text[400000];
    static struct json j;
    struct json_token token;
    (void)state;
    for (size_t depth = 500; depth <= JSON_DEPTH_MOST; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        expect_bytes(text, 2 * depth, 0, NULL);
    }
    memset(text, '[', 100000);
    struct document d = document_of(text, 100000, 512);
    json_init(&j, source, &d);
    for (uint32_t i = 0; i < JSON_DEPTH_MOST; i++) {
        assert_int_equal(json_next(&j, &token), 0);
        assert_int_equal(json_depth(&j), i + 1);
    }
    assert_int_equal(json_next(&j, &token), JSON_TOO_DEEP);
    for (size_t i = 0; i < 50000; i++)
        memcpy(text + i * 5, "[{\"\":", 5);
    expect_bytes(text, 250000, JSON_TOO_DEEP, NULL);
}

/* Objects and arrays are told apart at each level, also where a bit is used again. */
static void test_nesting_bits(void **state)
{
    static char text[8 * JSON_DEPTH_MOST];
    uint32_t random = 7;
    (void)state;
    for (int round = 0; round < 200; round++) {
        struct buf b = BUF_OVER(text);
        char ends[JSON_DEPTH_MOST];
        unsigned depth = 1 + (unsigned)round % 70;
        for (unsigned half = 0; half < 2; half++) {
            buf_text(&b, half == 0 ? "[" : ",");
            for (unsigned i = 0; i < depth; i++) {
                random = random * 1664525U + 1013904223U;
                bool object = random >> 31;
                buf_text(&b, object ? "{\"\":" : "[");
                ends[i] = object ? '}' : ']';
            }
            buf_char(&b, '0');
            for (unsigned i = depth; i-- > 0;)
                buf_char(&b, ends[i]);
        }
        buf_char(&b, ']');
        expect_bytes(text, b.used, 0, NULL);
        /* any closing bracket of the other kind */
        char *last = text + b.used - 2;
        *last = *last == '}' ? ']' : '}';
        expect_bytes(text, b.used, JSON_MALFORMED, NULL);
    }
}

static void test_cut(void **state)
{
    static char text[3 * JSON_TEXT_SIZE];
    static struct json j;
    struct json_token token;
    (void)state;
    /* lengths around the limit, the last character being 1 to 4 octets long */
    static const char *const tails[] = {"x", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9d\x84\x9e"};
    for (size_t tail = 0; tail < 4; tail++) {
        for (size_t length = JSON_TEXT_SIZE - 8; length < JSON_TEXT_SIZE + 8; length++) {
            size_t octets = tail + 1, whole = length + octets;
            struct buf b = BUF_OVER(text);
            buf_text(&b, "[\"");
            for (size_t i = 0; i < length; i++)
                buf_char(&b, 'a');
            buf_text(&b, tails[tail]);
            buf_text(&b, "\",1]");
            struct document d = document_of(text, b.used, 100);
            json_init(&j, source, &d);
            assert_int_equal(json_next(&j, &token), 0);
            assert_int_equal(json_next(&j, &token), 0);
            assert_int_equal(token.cut, whole > JSON_TEXT_SIZE - 1);
            if (token.cut)
                assert_int_equal(token.length,
                                 length < JSON_TEXT_SIZE - 1 ? length : JSON_TEXT_SIZE - 1);
            else
                assert_int_equal(token.length, whole);
            assert_int_equal(token.text[token.length], '\0');
            assert_int_equal(json_next(&j, &token), 0);
            assert_false(token.cut);
            assert_int_equal(json_whole(&token), 1);
            assert_int_equal(json_next(&j, &token), 0);
            assert_int_equal(json_next(&j, &token), 0);
            assert_int_equal(token.kind, JSON_END);
        }
    }
}

static void test_cut_is_still_checked(void **state)
{
    static char text[2 * JSON_TEXT_SIZE];
    static struct json j;
    struct json_token token;
    (void)state;
    memset(text, '1', sizeof text);
    struct document d = document_of(text, sizeof text, 512);
    json_init(&j, source, &d);
    assert_int_equal(json_next(&j, &token), 0);
    assert_int_equal(token.kind, JSON_NUMBER);
    assert_true(token.cut);
    assert_int_equal(json_whole(&token), -1);
    assert_int_equal(json_next(&j, &token), 0);
    assert_int_equal(token.kind, JSON_END);
    text[0] = '"';
    text[sizeof text - 1] = '"';
    text[sizeof text - 9] = '\x1f';
    d = document_of(text, sizeof text, 512);
    json_init(&j, source, &d);
    assert_int_equal(json_next(&j, &token), JSON_MALFORMED);
    text[sizeof text - 9] = '1';
    d = document_of(text, sizeof text, 512);
    json_init(&j, source, &d);
    assert_int_equal(json_next(&j, &token), 0);
    assert_true(token.cut);
    assert_false(json_is(&token, token.text));
}

/* An endless string of spaces costs no memory but ends. */
static int endless(void *context, void *bytes, size_t size)
{
    uint64_t *given = context;
    memset(bytes, ' ', size);
    *given += size;
    return (int)size;
}

static void test_too_long(void **state)
{
    static struct json j;
    struct json_token token;
    uint64_t given = 0;
    (void)state;
    json_init(&j, endless, &given);
    j.total = JSON_DOCUMENT_MOST - 100000;
    assert_int_equal(json_next(&j, &token), JSON_TOO_LONG);
    assert_in_range(given, 100000, 100000 + JSON_INPUT_SIZE);
    assert_int_equal(json_next(&j, &token), JSON_TOO_LONG);
}

static void test_skip(void **state)
{
    static const char text[] = "{\"a\":{\"x\":[1,{\"y\":[]}],\"z\":\"}\"},\"b\":[[],2],\"c\":3,"
                               "\"d\":\"s\",\"e\":null,\"f\":[7]}";
    static struct json j;
    struct json_token token;
    char names[16];
    struct buf b = BUF_OVER(names);
    struct document d = document_of(text, sizeof text - 1, 3);
    (void)state;
    json_init(&j, source, &d);
    assert_int_equal(json_next(&j, &token), 0);
    while (json_next(&j, &token) == 0 && token.kind == JSON_NAME) {
        buf_text(&b, token.text);
        if (token.text[0] == 'f')
            break;
        if (token.text[0] == 'b') /* from the value's first token */
            assert_int_equal(json_next(&j, &token), 0);
        assert_int_equal(json_skip(&j, &token), 0);
        assert_int_equal(json_depth(&j), 1);
    }
    assert_string_equal(names, "abcdef");
    assert_int_equal(json_next(&j, &token), 0);
    assert_int_equal(token.kind, JSON_ARRAY_BEGIN);
    assert_int_equal(json_next(&j, &token), 0);
    assert_int_equal(json_whole(&token), 7);
    assert_int_equal(json_skip(&j, &token), 0);
    assert_int_equal(json_next(&j, &token), 0);
    assert_int_equal(token.kind, JSON_ARRAY_END);
    assert_int_equal(json_skip(&j, &token), JSON_UNEXPECTED);
    assert_int_equal(json_next(&j, &token), 0);
    assert_int_equal(token.kind, JSON_OBJECT_END);
    assert_int_equal(json_skip(&j, &token), JSON_UNEXPECTED);
    assert_int_equal(json_next(&j, &token), 0);
    assert_int_equal(json_skip(&j, &token), JSON_UNEXPECTED);
}

static void test_skip_meets_errors(void **state)
{
    static const struct {
        const char *text;
        int rc;
    } rows[] = {{"{\"a\":[1,}", JSON_MALFORMED},
                {"{\"a\":[1,", JSON_TRUNCATED},
                {"{\"a\":", JSON_TRUNCATED},
                {"{\"a\":}", JSON_MALFORMED},
                {"{\"a\":[\"\\ud800\"]}", JSON_MALFORMED}};
    static struct json j;
    struct json_token token;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct document d = document_of(rows[i].text, strlen(rows[i].text), 1);
        json_init(&j, source, &d);
        assert_int_equal(json_next(&j, &token), 0);
        assert_int_equal(json_next(&j, &token), 0);
        assert_int_equal(json_skip(&j, &token), rows[i].rc);
        assert_int_equal(json_next(&j, &token), rows[i].rc);
    }
}

/* ---- whole numbers ---- */

static int64_t whole(enum json_kind kind, const char *text)
{
    struct json_token token = {kind, false, false, text, strlen(text)};
    return json_whole(&token);
}

static void test_whole(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } rows[] = {
        {"0", 0},
        {"-0", 0},
        {"0.0", 0},
        {"-0.0e9", 0},
        {"0e99999999999999999999", 0},
        {"1", 1},
        {"1.0", 1},
        {"1e0", 1},
        {"1E+0", 1},
        {"10e-1", 1},
        {"0.1e1", 1},
        {"0.001e3", 1},
        {"100.00e-2", 1},
        {"1.5e1", 15},
        {"3600", 3600},
        {"3.6e3", 3600},
        {"36000000e-4", 3600},
        {"81058", 81058},
        {"1234567890123456", INT64_C(1234567890123456)},
        {"9007199254740992", INT64_C(1) << 53},
        {"9007199254740992.000", INT64_C(1) << 53},
        {"90071992547409920e-1", INT64_C(1) << 53},
        {"0.9007199254740992e16", INT64_C(1) << 53},
        {"9007199254740993", -1},
        {"9007199254740992.1", -1},
        {"90071992547409921e-1", -1},
        {"18446744073709551616", -1},
        {"100000000000000000000000000000", -1},
        {"1e16", -1},
        {"1e15", INT64_C(1000000000000000)},
        {"1e99999999999999999999", -1},
        {"1e-99999999999999999999", -1},
        {"0.5", -1},
        {"1.5", -1},
        {"15e-2", -1},
        {"-1", -1},
        {"-1.0", -1},
        {"", -1},
        {"-", -1},
        {"01", -1},
        {"00", -1},
        {"+1", -1},
        {".1", -1},
        {"1.", -1},
        {"1.e1", -1},
        {"1e", -1},
        {"1e+", -1},
        {" 1", -1},
        {"1 ", -1},
        {"0x1", -1},
        {"1,0", -1},
        {"one", -1},
        {"1e1e1", -1},
        {"1.1.1", -1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(whole(JSON_NUMBER, rows[i].text), rows[i].value);
        assert_int_equal(whole(JSON_STRING, rows[i].text), rows[i].value);
        assert_int_equal(whole(JSON_NAME, rows[i].text), -1);
    }
    assert_int_equal(whole(JSON_NULL, ""), -1);
    struct json_token nul = {JSON_STRING, false, true, "1\0", 2};
    assert_int_equal(json_whole(&nul), -1);
}

/* Every way to write a number with its dot and its exponent moved about. */
static void test_whole_moved_points(void **state)
{
    (void)state;
    for (int64_t value = 1; value < 3000; value += 7) {
        char digits[32], text[64];
        struct buf d = BUF_OVER(digits);
        buf_printf(&d, "%lld000", (long long)value);
        for (size_t dot = 1; dot < d.used; dot++) {
            struct buf b = BUF_OVER(text);
            buf_printf(&b, "%.*s.%se%d", (int)dot, digits, digits + dot, (int)(d.used - dot) - 3);
            assert_int_equal(whole(JSON_NUMBER, text), value);
        }
    }
}

static void test_long_zeros(void **state)
{
    static char text[JSON_TEXT_SIZE];
    struct buf b = BUF_OVER(text);
    (void)state;
    buf_text(&b, "7.");
    while (b.used < 8000)
        buf_char(&b, '0');
    assert_int_equal(whole(JSON_NUMBER, text), 7);
    text[1] = '0';
    buf_text(&b, "e-7999");
    assert_int_equal(whole(JSON_NUMBER, text), 7);
    buf_char(&b, '9');
    assert_int_equal(whole(JSON_NUMBER, text), -1);
}

static void test_is(void **state)
{
    struct json_token token = {JSON_STRING, false, false, "TLSA", 4};
    (void)state;
    assert_true(json_is(&token, "TLSA"));
    assert_false(json_is(&token, "TLS"));
    assert_false(json_is(&token, "TLSAA"));
    assert_false(json_is(&token, "tlsa"));
    token.kind = JSON_NAME;
    assert_true(json_is(&token, "TLSA"));
    token.kind = JSON_NUMBER;
    assert_false(json_is(&token, "TLSA"));
    token.kind = JSON_NAME;
    token.cut = true;
    assert_false(json_is(&token, "TLSA"));
}

/* ---- UTF-8 and the writer ---- */

static void test_utf8_every_character(void **state)
{
    (void)state;
    for (uint32_t code = 0; code <= 0x10ffff; code++) {
        char octets[UTF8_MOST];
        size_t length = utf8_encode(code, octets);
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        assert_int_equal(utf8_length(octets, length), surrogate ? 0 : length);
        if (length > 1)
            assert_int_equal(utf8_length(octets, length - 1), 0);
    }
}

/* Of all pairs of octets, just those that RFC 3629 lists are characters. */
static void test_utf8_every_pair(void **state)
{
    (void)state;
    for (unsigned first = 0x80; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            char octets[4] = {(char)first, (char)second, '\x80', '\x80'};
            bool follows = second >= 0x80 && second <= 0xbf;
            size_t wanted = 0;
            if (follows && first >= 0xc2 && first <= 0xdf)
                wanted = 2;
            if (follows && first >= 0xe0 && first <= 0xef && !(first == 0xe0 && second < 0xa0) &&
                !(first == 0xed && second > 0x9f))
                wanted = 3;
            if (follows && first >= 0xf0 && first <= 0xf4 && !(first == 0xf0 && second < 0x90) &&
                !(first == 0xf4 && second > 0x8f))
                wanted = 4;
            assert_int_equal(utf8_length(octets, 4), wanted);
        }
    }
    assert_int_equal(utf8_length("", 0), 0);
}

static void test_writer_shapes(void **state)
{
    char text[512];
    struct buf b = BUF_OVER(text);
    struct json_writer w = json_writer_over(&b);
    (void)state;
    json_put_begin_object(&w);
    json_put_name(&w, "type");
    json_put_string(&w, "TLSA");
    json_put_name(&w, "ttl");
    json_put_whole(&w, 3600);
    json_put_name(&w, "data");
    json_put_begin_object(&w);
    json_put_name(&w, "usage");
    json_put_whole(&w, 3);
    json_put_name(&w, "low");
    json_put_whole(&w, INT64_MIN);
    json_put_end_object(&w);
    json_put_name(&w, "list");
    json_put_begin_array(&w);
    json_put_begin_array(&w);
    json_put_end_array(&w);
    json_put_begin_object(&w);
    json_put_end_object(&w);
    json_put_bool(&w, true);
    json_put_bool(&w, false);
    json_put_null(&w);
    json_put_string(&w, "");
    json_put_end_array(&w);
    json_put_name(&w, "end");
    json_put_null(&w);
    json_put_end_object(&w);
    assert_string_equal(text, "{\"type\":\"TLSA\",\"ttl\":3600,\"data\":{\"usage\":3,\"low\":"
                              "-9223372036854775808},\"list\":[[],{},true,false,null,\"\"],"
                              "\"end\":null}");
    assert_false(buf_full(&b));
    expect(text, 0, NULL);
}

static void test_writer_escapes(void **state)
{
    static const char *const rows[][2] = {
        {"a\"b\\c/d", "\"a\\\"b\\\\c/d\""},
        {"\b\f\n\r\t", "\"\\b\\f\\n\\r\\t\""},
        {"\x01\x0b\x1f\x7f", "\"\\u0001\\u000b\\u001f\x7f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e", "\"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\""},
        {"\xff", "\"\xef\xbf\xbd\""},
        {"a\xc3", "\"a\xef\xbf\xbd\""},
        {"\xc3(", "\"\xef\xbf\xbd(\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[128];
        struct buf b = BUF_OVER(text);
        struct json_writer w = json_writer_over(&b);
        json_put_string(&w, rows[i][0]);
        assert_string_equal(text, rows[i][1]);
        expect(text, 0, NULL);
        buf_reset(&b);
        w = json_writer_over(&b);
        json_put_begin_object(&w);
        json_put_name(&w, rows[i][0]);
        json_put_null(&w);
        json_put_end_object(&w);
        expect(text, 0, NULL);
    }
}

/* What is written is read back as it was, for every character. */
static void test_writer_round_trip(void **state)
{
    static struct json j;
    (void)state;
    for (uint32_t code = 1; code <= 0x10ffff; code += code < 0x900 ? 1 : 61) {
        char plain[UTF8_MOST + 1] = "", text[32];
        struct buf b = BUF_OVER(text);
        struct json_writer w = json_writer_over(&b);
        struct json_token token;
        if (code >= 0xd800 && code <= 0xdfff)
            continue;
        plain[utf8_encode(code, plain)] = '\0';
        json_put_string(&w, plain);
        struct document d = document_of(text, b.used, 1);
        json_init(&j, source, &d);
        assert_int_equal(json_next(&j, &token), 0);
        assert_true(json_is(&token, plain));
        assert_int_equal(json_next(&j, &token), 0);
        assert_int_equal(token.kind, JSON_END);
    }
}

static void test_writer_full(void **state)
{
    (void)state;
    for (size_t size = 1; size < 20; size++) {
        char text[20];
        struct buf b = buf_over(text, size);
        struct json_writer w = json_writer_over(&b);
        json_put_begin_array(&w);
        json_put_string(&w, "a\"\x01\xc3\xa9");
        json_put_end_array(&w);
        assert_int_equal(buf_full(&b), size < 16);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_nul_in_a_string),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_truncated_everywhere),
        cmocka_unit_test(test_source_fails_everywhere),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_nesting_bits),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_is_still_checked),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_skip_meets_errors),
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_whole_moved_points),
        cmocka_unit_test(test_long_zeros),
        cmocka_unit_test(test_is),
        cmocka_unit_test(test_utf8_every_character),
        cmocka_unit_test(test_utf8_every_pair),
        cmocka_unit_test(test_writer_shapes),
        cmocka_unit_test(test_writer_escapes),
        cmocka_unit_test(test_writer_round_trip),
        cmocka_unit_test(test_writer_full),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
