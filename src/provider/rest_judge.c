/* What an answer, or its absence, means. */
#include "http/retry.h"
#include "provider/rest_attempt.h"

#include <string.h>

static bool is_write(const struct rest_call *call)
{
    return strcmp(call->method, "GET") != 0;
}

static bool has_code(const struct rest_attempt *a, int32_t code, bool chained)
{
    for (size_t i = 0; i < a->faults_count; i++) {
        if (a->faults[i].chained == chained && a->faults[i].code == code)
            return true;
    }
    return false;
}

static bool has_code_of(const struct rest_attempt *a, const struct rest_error *row, bool chained)
{
    for (size_t i = 0; i < REST_CODES_MOST && row->codes[i] != 0; i++) {
        if (row->codes[i] != REST_ANY_CODE && has_code(a, row->codes[i], chained))
            return true;
    }
    return false;
}

static bool row_fits(const struct rest_error *row, const struct rest_attempt *a, const char *method)
{
    return (row->status == 0 || row->status == a->answer.status) &&
           (row->method == NULL || strcmp(row->method, method) == 0);
}

static const struct rest_error *row_of_code(const struct rest *r, const struct rest_attempt *a,
                                            const char *method, bool chained, bool vague)
{
    const struct rest_dialect *d = r->dialect;
    for (size_t i = 0; i < d->rows_count; i++) {
        const struct rest_error *row = &d->rows[i];
        if (((row->flags & REST_VAGUE) != 0) == vague && row_fits(row, a, method) &&
            has_code_of(a, row, chained))
            return row;
    }
    return NULL;
}

/* What a status means where no row of the dialect says more. */
static const struct rest_error common[] = {
    REST_ERROR(NULL, 401, REST_CODES(REST_ANY_CODE), REST_USAGE, PROVIDER_REFUSED,
               "the token is not accepted", "check the token"),
    REST_ERROR(NULL, 403, REST_CODES(REST_ANY_CODE), REST_USAGE, PROVIDER_REFUSED,
               "the token may not do this", "check the token's permissions"),
    REST_ERROR(NULL, 404, REST_CODES(REST_ANY_CODE), REST_USAGE, PROVIDER_REFUSED,
               "there is nothing at this address", "check the endpoint"),
};
static const struct rest_error passing = REST_ERROR(
    NULL, 0, REST_CODES(REST_ANY_CODE), 0, PROVIDER_LATER, "it has a fault", "try again later");
static const struct rest_error elsewhere =
    REST_ERROR(NULL, 0, REST_CODES(REST_ANY_CODE), REST_USAGE, PROVIDER_REFUSED,
               "it points elsewhere, which is not followed", "check the endpoint");
static const struct rest_error refused =
    REST_ERROR(NULL, 0, REST_CODES(REST_ANY_CODE), 0, PROVIDER_REFUSED, "it refuses this",
               "see its own words");

static const struct rest_error *row_of_status(const struct rest_error *rows, size_t count,
                                              const struct rest_attempt *a, const char *method)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].codes[0] == REST_ANY_CODE && row_fits(&rows[i], a, method))
            return &rows[i];
    }
    return NULL;
}

static const struct rest_error *row_of(const struct rest *r, const struct rest_attempt *a,
                                       const char *method)
{
    const struct rest_error *row = NULL;
    for (unsigned pass = 0; pass < 4 && row == NULL; pass++)
        row = row_of_code(r, a, method, pass % 2 == 1, pass >= 2);
    if (row == NULL)
        row = row_of_status(r->dialect->rows, r->dialect->rows_count, a, method);
    if (row == NULL)
        row = row_of_status(common, sizeof common / sizeof common[0], a, method);
    if (row != NULL)
        return row;
    if (retry_status(a->answer.status) || a->answer.status >= 500)
        return &passing;
    return a->answer.status >= 300 && a->answer.status < 400 ? &elsewhere : &refused;
}

/* (HTTP 400, 1004 "DNS Validation Error", 9021 "TTL must be ...", trace 8c1f...) */
static void put_server_words(struct buf *words, const struct rest_attempt *a)
{
    buf_printf(words, " (HTTP %d", a->answer.status);
    for (unsigned chained = 0; chained < 2; chained++) {
        for (size_t i = 0; i < a->faults_count; i++) {
            const struct rest_fault *fault = &a->faults[i];
            bool silent = fault->code < 0 && fault->words[0] == '\0';
            if (silent || fault->chained != (chained == 1))
                continue;
            buf_char(words, ',');
            if (fault->code >= 0)
                buf_printf(words, " %lld", (long long)fault->code);
            if (fault->words[0] != '\0')
                buf_printf(words, " \"%s\"", fault->words);
        }
    }
    if (a->answer.trace[0] != '\0')
        buf_printf(words, ", trace %s", a->answer.trace);
    buf_char(words, ')');
}

/* An answer that says no. */
void rest_judge_refusal(const struct rest *r, const struct rest_call *call, struct rest_attempt *a)
{
    const struct rest_error *row = row_of(r, a, call->method);
    bool limit = (row->flags & REST_LIMIT) != 0;
    a->result = rest_failed(r, row->result, (row->flags & REST_USAGE) != 0, "%s: %s", row->meaning,
                            row->advice);
    struct buf words = BUF_BEHIND(a->result.words);
    put_server_words(&words, a);
    a->passing = row->result == PROVIDER_LATER;
    a->unsure = a->passing && is_write(call) && (row->flags & REST_UNTOUCHED) == 0;
    a->retry_after = a->answer.retry_after;
    if (limit && a->retry_after < 0)
        a->retry_after = REST_LIMIT_SECONDS;
}

/* No answer, or none that can be understood, after something was sent. */
void rest_judge_lost(const struct rest *r, const struct rest_call *call, struct rest_attempt *a,
                     const char *why)
{
    a->passing = true;
    a->unsure = is_write(call);
    a->result = rest_failed(r, PROVIDER_LATER, false, "no usable answer: %s; try again later",
                            why[0] != '\0' ? why : "the connection broke");
}

/* Nothing was sent. */
void rest_judge_unsent(const struct rest *r, struct rest_attempt *a)
{
    const char *why = r->http.why.text;
    switch (r->http.net_error) {
    case NET_UNTRUSTED:
    case NET_NO_TRUST:
    case NET_NO_ENTROPY:
        a->result = rest_failed(r, PROVIDER_REFUSED, true, "%s", why);
        break;
    case NET_CLOCK:
        a->result = rest_failed(r, PROVIDER_LATER, false, "clock not set: %s", why);
        break;
    default:
        a->passing = true;
        a->result = rest_failed(r, PROVIDER_LATER, false, "not reached: %s; try again later", why);
        break;
    }
}
