/* Heads: the request's is written here, the answer's is read. */
#include "base/buf.h"
#include "base/time.h"
#include "http/http_wire.h"

#include <string.h>
#include <strings.h>

#define HTTPS_PORT 443
/* Seconds a Retry-After is cut to, so that sums with times cannot overflow: 30 years. */
#define RETRY_SECONDS_MOST 1000000000

/* What the fields of one head said. */
struct head {
    struct http_answer *answer;
    unsigned minor; /* of HTTP/1.x */
    bool has_length;
    bool chunked;
    bool closes;
    uint64_t length;
    int64_t retry_date;    /* -1: none */
    bool ray;              /* the trace is a cf-ray */
    const char *malformed; /* what is wrong with a field, or NULL */
};

/* ---- characters ---- */

static bool is_token_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool http_is_token(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!is_token_character(text[i]))
            return false;
    return length > 0;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

bool http_field(char *line, const char **name, const char **value)
{
    char *colon = strchr(line, ':');
    if (colon == NULL || !http_is_token(line, (size_t)(colon - line)))
        return false;
    char *start = colon + 1, *end = start + strlen(start);
    while (is_space(*start))
        start++;
    while (end > start && is_space(end[-1]))
        end--;
    *colon = '\0';
    *end = '\0';
    *name = line;
    *value = start;
    return true;
}

/* Steps to the next element of a comma list; false at its end. */
static bool next_element(const char **at, const char **element, size_t *length)
{
    const char *start = *at + strspn(*at, " \t,");
    size_t span = strcspn(start, ",");
    *at = start + span;
    while (span > 0 && is_space(start[span - 1]))
        span--;
    *element = start;
    *length = span;
    return span > 0;
}

static bool same(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && strncasecmp(text, word, length) == 0;
}

/* ---- fields ---- */

static void read_content_length(struct head *head, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    if (head->has_length || digits == 0 || value[digits] != '\0') {
        head->malformed = "its Content-Length is not one number";
        return;
    }
    head->has_length = true;
    for (; *value != '\0'; value++) {
        unsigned digit = (unsigned)(*value - '0');
        if (head->length > ((uint64_t)INT64_MAX - digit) / 10) {
            head->malformed = "its Content-Length is too large";
            return;
        }
        head->length = head->length * 10 + digit;
    }
}

static void read_transfer_encoding(struct head *head, const char *value)
{
    if (head->chunked || !same(value, strlen(value), "chunked"))
        head->malformed = "it has a Transfer-Encoding that was not asked for";
    head->chunked = true;
}

static void read_connection(struct head *head, const char *value)
{
    const char *option;
    size_t length;
    while (next_element(&value, &option, &length))
        head->closes |= same(option, length, "close");
}

static void read_content_type(struct head *head, const char *value)
{
    static const char suffix[] = "+json";
    size_t length = strcspn(value, ";"), tail = sizeof suffix - 1;
    while (length > 0 && is_space(value[length - 1]))
        length--;
    head->answer->json = same(value, length, "application/json") ||
                         (length > tail && same(value + length - tail, tail, suffix));
}

static void read_date(struct head *head, const char *value)
{
    head->answer->date = http_date(value, time_wall());
}

static void read_retry_after(struct head *head, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    head->retry_date = -1;
    head->answer->retry_after = -1;
    if (digits == 0 || value[digits] != '\0') {
        head->retry_date = http_date(value, time_wall());
        return;
    }
    int64_t seconds = 0;
    for (; *value != '\0' && seconds < RETRY_SECONDS_MOST; value++)
        seconds = seconds * 10 + (*value - '0');
    head->answer->retry_after = seconds < RETRY_SECONDS_MOST ? seconds : RETRY_SECONDS_MOST;
}

static void read_trace(struct head *head, const char *value)
{
    struct buf trace = BUF_OVER(head->answer->trace);
    buf_clean(&trace, value, strlen(value));
}

static void read_ray(struct head *head, const char *value)
{
    head->ray = true;
    read_trace(head, value);
}

static void read_request_id(struct head *head, const char *value)
{
    if (!head->ray)
        read_trace(head, value);
}

static const struct {
    const char *name;
    void (*read)(struct head *head, const char *value);
} fields[] = {
    {"content-length", read_content_length},
    {"transfer-encoding", read_transfer_encoding},
    {"connection", read_connection},
    {"content-type", read_content_type},
    {"date", read_date},
    {"retry-after", read_retry_after},
    {"cf-ray", read_ray},
    {"x-request-id", read_request_id},
};

static void read_field(struct head *head, char *line)
{
    const char *name, *value;
    if (!http_field(line, &name, &value)) {
        head->malformed =
            is_space(*line) ? "it has a folded header line" : "it has a header line that is none";
        return;
    }
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcasecmp(name, fields[i].name) == 0)
            fields[i].read(head, value);
}

/* ---- the answer's head ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* HTTP/1.1 200 OK; the reason, and the space before it, may be missing. */
static int read_status(struct head *head, const char *line)
{
    static const char version[] = "HTTP/1.";
    if (strncmp(line, version, sizeof version - 1) != 0)
        return -1;
    line += sizeof version - 1;
    if (!is_digit(line[0]) || line[1] != ' ')
        return -1;
    head->minor = (unsigned)(line[0] - '0');
    line += 2;
    if (line[0] < '1' || line[0] > '9' || !is_digit(line[1]) || !is_digit(line[2]) ||
        (line[3] != ' ' && line[3] != '\0'))
        return -1;
    head->answer->status = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    return 0;
}

static int read_head(struct http *h, struct head *head)
{
    char line[HTTP_LINE_SIZE];
    h->extra = 0;
    int rc = http_line(h, line, true);
    if (rc < 0)
        return rc;
    if (read_status(head, line) != 0)
        return http_malformed(h, "it does not begin with a status line");
    while ((rc = http_line(h, line, true)) > 0) {
        read_field(head, line);
        if (head->malformed != NULL)
            return http_malformed(h, head->malformed);
    }
    return rc;
}

/* Which body follows (RFC 9112 section 6.3). */
static int set_body(struct http *h, const char *method, const struct head *head)
{
    int status = head->answer->status;
    if (head->chunked && (head->has_length || head->minor == 0))
        return http_malformed(h, "it has a Transfer-Encoding where none may be");
    h->keep = head->minor > 0 && !head->closes;
    h->left = 0;
    h->extra = 0;
    h->chunk_ends = false;
    if (strcmp(method, "HEAD") == 0 || status == 204 || status == 304) {
        h->body_kind = HTTP_BODY_NONE;
        /* Servers that announce a body with 204 may send it, too. */
        if (status == 204 && (head->chunked || head->length > 0))
            h->keep = false;
    } else if (head->chunked) {
        h->body_kind = HTTP_BODY_CHUNKED;
    } else if (head->has_length) {
        h->body_kind = head->length > 0 ? HTTP_BODY_LENGTH : HTTP_BODY_NONE;
        h->left = head->length;
    } else {
        h->body_kind = HTTP_BODY_CLOSE;
        h->keep = false;
    }
    return 0;
}

static void set_retry(const struct head *head)
{
    struct http_answer *answer = head->answer;
    int64_t from = answer->date >= 0 ? answer->date : time_wall();
    if (head->retry_date >= 0)
        answer->retry_after = head->retry_date > from ? head->retry_date - from : 0;
    if (answer->retry_after > RETRY_SECONDS_MOST)
        answer->retry_after = RETRY_SECONDS_MOST;
}

int http_head(struct http *h, const char *method, struct http_answer *answer)
{
    for (int interim = 0; interim <= HTTP_INTERIM_MOST; interim++) {
        struct head head = {.answer = answer, .retry_date = -1};
        *answer = (struct http_answer){.date = -1, .retry_after = -1};
        int rc = read_head(h, &head);
        if (rc != 0)
            return rc;
        if (answer->status == 101)
            return http_malformed(h, "it switches to a protocol that was not asked for");
        if (answer->status >= 200) {
            set_retry(&head);
            return set_body(h, method, &head);
        }
    }
    return http_malformed(h, "it has too many interim answers");
}

/* ---- the request's head ---- */

/* Whether all is visible ASCII (or spaces where they may be) and nothing else. */
static bool is_visible(const char *text, bool spaces)
{
    for (; *text != '\0'; text++)
        if ((*text <= 0x20 || *text > 0x7e) && !(spaces && *text == ' '))
            return false;
    return true;
}

static bool is_field_value(const char *text)
{
    return text == NULL || (*text != '\0' && is_visible(text, true));
}

/* The words must not hold the text: it may be the token. */
static const char *request_fault(const struct http *h, const struct http_request *r)
{
    if (!http_is_token(r->method, strlen(r->method)))
        return "the method of the request is none";
    if (r->path[0] != '/' || !is_visible(r->path, false) || strchr(r->path, '#') != NULL)
        return "the path of the request holds a character that may not stand there";
    if (!is_field_value(r->accept) || !is_field_value(r->content_type) || !is_field_value(h->agent))
        return "a header of the request holds a character that may not stand there";
    if (r->bearer != NULL && (r->bearer[0] == '\0' || !is_visible(r->bearer, false)))
        return "the token is empty or holds a character that may not stand there";
    return NULL;
}

static void put_field(struct buf *out, const char *name, const char *scheme, const char *value)
{
    if (value != NULL)
        buf_printf(out, "%s: %s%s\r\n", name, scheme, value);
}

/* Methods whose content has a meaning say its length even when there is none. */
static bool expects_body(const char *method)
{
    return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "PATCH") == 0;
}

int http_write_head(struct http *h, const struct http_request *r, struct buf *out)
{
    const char *fault = request_fault(h, r);
    if (fault != NULL)
        return http_fault(h, HTTP_REQUEST, 0, fault);
    bool literal = strchr(h->base->host, ':') != NULL;
    buf_printf(out, "%s %s%s HTTP/1.1\r\n", r->method, h->base->path, r->path);
    buf_printf(out, "Host: %s%s%s", literal ? "[" : "", h->base->host, literal ? "]" : "");
    if (h->base->port != HTTPS_PORT)
        buf_printf(out, ":%u", (unsigned)h->base->port);
    buf_text(out, "\r\n");
    put_field(out, "User-Agent", "", h->agent);
    put_field(out, "Accept", "", r->accept);
    put_field(out, "Authorization", "Bearer ", r->bearer);
    put_field(out, "Content-Type", "", r->content_type);
    if (r->content_type != NULL || expects_body(r->method))
        buf_printf(out, "Content-Length: %zu\r\n", r->content_type != NULL ? r->body_length : 0);
    buf_text(out, "\r\n");
    if (buf_full(out))
        return http_fault(h, HTTP_REQUEST, 0, "the head of the request is too long");
    return 0;
}
