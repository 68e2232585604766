#include "provider/rest.h"

#include "base/file.h"
#include "base/pause.h"
#include "base/time.h"
#include "base/version.h"
#include "base/wipe.h"
#include "http/retry.h"
#include "provider/rest_answer.h"
#include "provider/rest_attempt.h"

#include <stdarg.h>
#include <string.h>

/* A token's file with its line's end; more is no token. */
#define TOKEN_FILE_SIZE (REST_TOKEN_MOST + 56)
/* Of an answer that is not JSON: enough for "error code: 1015" and for a line of words. */
#define PLAIN_SIZE 1024

/* ---- results ---- */

struct provider_result rest_done(void)
{
    return (struct provider_result){.code = PROVIDER_DONE};
}

struct provider_result rest_failed(const struct rest *r, enum provider_code code, bool usage,
                                   const char *format, ...)
{
    struct provider_result result = {.code = code, .usage = usage};
    struct buf words = BUF_OVER(result.words);
    va_list arguments;
    va_start(arguments, format);
    buf_printf(&words, "%s: ", r->base.host);
    buf_vprintf(&words, format, arguments);
    va_end(arguments);
    return result;
}

struct provider_result rest_misconfigured(const struct provider *p, const char *format, ...)
{
    struct provider_result result = {.code = PROVIDER_REFUSED, .usage = true};
    struct buf words = BUF_OVER(result.words);
    va_list arguments;
    va_start(arguments, format);
    buf_printf(&words, "provider %s (%s): ", p->conf->label, p->conf->where);
    buf_vprintf(&words, format, arguments);
    va_end(arguments);
    return result;
}

bool rest_is_id(const char *id)
{
    size_t length = strspn(id, "0123456789abcdef");
    return length > 0 && length <= REST_ID_MOST && id[length] == '\0';
}

void rest_put_encoded(struct buf *b, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (plain || strchr("-._~", c) != NULL)
            buf_char(b, (char)c);
        else
            buf_printf(b, "%%%c%c", digits[c >> 4], digits[c & 15]);
    }
}

/* ---- the token ---- */

static struct provider_result take_token(struct rest *r, const char *text, size_t length,
                                         const char *key)
{
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        length--;
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~')
            return rest_misconfigured(r->p,
                                      "%s holds a character that no token has: it must be the "
                                      "token alone, in one line",
                                      key);
    }
    if (length < REST_TOKEN_LEAST || length > REST_TOKEN_MOST)
        return rest_misconfigured(r->p, "%s holds %zu characters, a token has %d to %d", key,
                                  length, REST_TOKEN_LEAST, REST_TOKEN_MOST);
    memcpy(r->token, text, length);
    r->token[length] = '\0';
    return rest_done();
}

static struct provider_result read_token(struct rest *r, const char *path)
{
    char text[TOKEN_FILE_SIZE];
    ssize_t length = file_read_secret(path, text, sizeof text);
    struct provider_result result =
        length < 0 ? rest_misconfigured(r->p, "token-file %s: %s", path, file_error((int)length))
                   : take_token(r, text, (size_t)length, "token-file");
    wipe(text, sizeof text);
    return result;
}

struct provider_result rest_open(struct rest *r, struct provider *p,
                                 const struct rest_dialect *dialect, const char *token,
                                 const char *token_file, const char *endpoint)
{
    memset(r, 0, sizeof *r);
    r->p = p;
    r->dialect = dialect;
    if (endpoint == NULL || http_base_parse(endpoint, &r->base) != 0)
        return rest_misconfigured(p, "endpoint is not an https:// address");
    http_init(&r->http, &r->base, p->trust, "daneroll/" DANEROLL_VERSION);
    if (token != NULL)
        return take_token(r, token, strlen(token), "token");
    if (token_file != NULL)
        return read_token(r, token_file);
    return rest_misconfigured(p, "no token: set token-file to a file that holds it, mode 600");
}

void rest_close(struct rest *r)
{
    http_close(&r->http);
    wipe(r->token, sizeof r->token);
}

/* ---- reading an answer ---- */

static void take_fault(struct rest_attempt *a, const struct rest_fault *fault, bool chained)
{
    if (a->faults_count == REST_FAULTS_MOST)
        return;
    a->faults[a->faults_count] = *fault;
    a->faults[a->faults_count++].chained = chained;
}

static void take_error(void *context)
{
    struct rest_attempt *a = context;
    take_fault(a, &a->fault, false);
}

static void take_chained(void *context)
{
    struct rest_attempt *a = context;
    take_fault(a, &a->chained, true);
}

static int read_body(void *context, void *bytes, size_t size)
{
    return http_read(context, bytes, size);
}

static int read_json(struct rest *r, const struct rest_call *call, struct rest_attempt *a,
                     struct rest_info *info)
{
    const struct rest_dialect *d = r->dialect;
    struct rest_sink sinks[REST_SINKS_MOST] = {
        {.shape = d->envelope, .item = info},
        {.shape = call->item, .item = call->into, .take = call->take, .context = call->context},
        {.shape = d->errors, .item = &a->fault, .take = take_error, .context = a},
        {.shape = d->chained, .item = &a->chained, .take = take_chained, .context = a},
    };
    sinks[1].shape.path = d->items;
    json_init(&r->json, read_body, &r->http);
    int rc = rest_answer_read(&r->json, sinks,
                              d->chained.path != NULL ? REST_SINKS_MOST : REST_SINKS_MOST - 1);
    info->has_items = sinks[1].present;
    info->items = sinks[1].taken;
    return rc;
}

/* "error code: 1015" in a text: the number, or REST_ANY_CODE. */
static int64_t plain_code(const char *text)
{
    static const char mark[] = "error code: ";
    const char *at = text;
    int64_t code = 0;
    while (*at != '\0' && strncmp(at, mark, sizeof mark - 1) != 0)
        at++;
    if (*at == '\0')
        return REST_ANY_CODE;
    at += sizeof mark - 1;
    for (unsigned digits = 0; *at >= '0' && *at <= '9' && digits < 9; at++, digits++)
        code = code * 10 + (*at - '0');
    return code;
}

/* A page of the server's or of a proxy before it: its code where it names one, its first words. */
static void read_plain(struct rest *r, struct rest_attempt *a)
{
    char text[PLAIN_SIZE];
    struct rest_fault fault = {.code = REST_NOT_JSON};
    struct buf whole = BUF_OVER(text), words = BUF_OVER(fault.words);
    int got = 1;
    while (got > 0 && whole.used < whole.size - 1) {
        char piece[128];
        size_t room = whole.size - 1 - whole.used;
        got = http_read(&r->http, piece, room < sizeof piece ? room : sizeof piece);
        for (int i = 0; i < got; i++)
            buf_char(&whole, piece[i] == '\0' ? ' ' : piece[i]);
    }
    take_fault(a, &fault, false);
    fault.code = plain_code(text);
    size_t start = strspn(text, " \t\r\n");
    if (text[start] != '<')
        buf_clean(&words, text + start, strcspn(text + start, "\r\n"));
    if (fault.code >= 0 || words.used > 0)
        take_fault(a, &fault, false);
}

static const char *json_words(int error)
{
    switch (error) {
    case JSON_TRUNCATED:
        return "it ends too early";
    case JSON_TOO_DEEP:
        return "it is nested too deep";
    case JSON_TOO_LONG:
        return "it is too long";
    case REST_SHAPE:
        return "it is not a JSON object";
    default:
        return "it is not JSON";
    }
}

static void read_answer(struct rest *r, const struct rest_call *call, struct rest_attempt *a,
                        struct rest_info *info)
{
    bool good = a->answer.status >= 200 && a->answer.status < 300;
    if (a->answer.status == 204 && !call->lists) {
        a->result = rest_done();
        return;
    }
    if (!good && !a->answer.json) {
        read_plain(r, a);
        rest_judge_refusal(r, call, a);
        return;
    }
    int rc = read_json(r, call, a, info);
    if (rc == JSON_STREAM && !retry_status(a->answer.status)) {
        rest_judge_lost(r, call, a, r->http.why.text);
    } else if (good && rc != 0) {
        rest_judge_lost(r, call, a, json_words(rc));
    } else if (good && info->success == 0 && a->faults_count == 0) {
        rest_judge_lost(r, call, a, "it says that it failed, but not why");
    } else if (!good || info->success == 0) {
        if (rc != 0)
            a->faults_count = 0;
        rest_judge_refusal(r, call, a);
    } else if (call->lists && !info->has_items) {
        rest_judge_lost(r, call, a, "it has no result");
    } else {
        a->result = rest_done();
    }
}

/* ---- calls ---- */

static void try_once(struct rest *r, const struct rest_call *call, struct rest_attempt *a,
                     struct rest_info *info)
{
    const struct http_request request = {
        .method = call->method,
        .path = call->path,
        .accept = "application/json",
        .content_type = call->body != NULL ? "application/json" : NULL,
        .bearer = r->token,
        .body = call->body,
        .body_length = call->body != NULL ? strlen(call->body) : 0,
    };
    memset(a, 0, sizeof *a);
    a->retry_after = -1;
    *info = (struct rest_info){-1, -1, -1, -1, -1, -1, false, 0};
    if (call->start != NULL)
        call->start(call->context);
    int rc = http_request(&r->http, &request, &a->answer);
    if (rc == HTTP_FAILED) {
        rest_judge_unsent(r, a);
        return;
    }
    if (rc == HTTP_REQUEST) {
        a->result = rest_failed(r, PROVIDER_REFUSED, true,
                                "the request cannot be sent: the token or the endpoint is too long "
                                "or holds a wrong character");
        return;
    }
    r->p->requests++;
    if (rc != 0) {
        rest_judge_lost(r, call, a, r->http.why.text);
        return;
    }
    if (a->answer.date >= 0) {
        r->p->date = a->answer.date;
        r->p->date_ticks = time_ticks();
    }
    read_answer(r, call, a, info);
    http_finish(&r->http);
}

static bool may_repeat(const struct rest_call *call, const struct rest_attempt *a)
{
    bool idempotent = strcmp(call->method, "GET") == 0 || strcmp(call->method, "DELETE") == 0;
    return a->passing && (idempotent || !a->unsure);
}

struct provider_result rest_call(struct rest *r, const struct rest_call *call,
                                 struct rest_info *info)
{
    struct retry retry = retry_make(r->p->patience_ms);
    struct rest_info own;
    struct rest_attempt a;
    bool unsure = false;
    int64_t later = 0;
    for (;;) {
        uint32_t random = 0;
        try_once(r, call, &a, info != NULL ? info : &own);
        unsure |= a.unsure;
        if (!may_repeat(call, &a))
            break;
        (void)tls_random(&random, sizeof random);
        int64_t pause = retry_pause(&retry, a.retry_after, random, &later);
        if (pause < 0)
            break;
        r->p->patience_ms = retry.budget_ms;
        if (pause_ms(pause))
            break;
    }
    if (a.result.code == PROVIDER_LATER) {
        a.result.later = later > a.retry_after ? later : a.retry_after;
        if (unsure)
            a.result.code = PROVIDER_UNKNOWN;
    }
    return a.result;
}
