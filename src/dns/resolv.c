#include "dns/resolv.h"

#include "base/file.h"
#include "base/time.h"

#include <string.h>

/* A resolv.conf is a handful of lines; comments make it longer. */
#define FILE_SIZE  8192
#define FILE_COUNT 3
/* With others to ask, one gets this long at first, then twice as long, and so on. */
#define TRY_MS 2500

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void read_line(struct dns_resolvers *r, const char *line, size_t length)
{
    static const char keyword[] = "nameserver";
    char word[DNS_SERVER_TEXT_SIZE];
    size_t at = sizeof keyword - 1, end;
    if (length <= at || memcmp(line, keyword, at) != 0 || !is_blank(line[at]))
        return;
    while (at < length && is_blank(line[at]))
        at++;
    for (end = at; end < length && !is_blank(line[end]);)
        end++;
    if (r->count == FILE_COUNT || end - at >= sizeof word)
        return;
    memcpy(word, line + at, end - at);
    word[end - at] = '\0';
    if (dns_server_read(word, &r->list[r->count]) == 0)
        r->count++;
}

void dns_resolvers_file(struct dns_resolvers *r, const char *path)
{
    char text[FILE_SIZE];
    ssize_t length = file_read(path, text, sizeof text);
    const char *at = text, *end = text + (length < 0 ? 0 : length);
    memset(r, 0, sizeof *r);
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline == NULL ? end : newline;
        read_line(r, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (r->count == 0) {
        (void)dns_server_read("127.0.0.1", &r->list[0]);
        r->count = 1;
    }
}

size_t dns_resolvers_given(struct dns_resolvers *r, const char *const *words, size_t count)
{
    memset(r, 0, sizeof *r);
    for (; r->count < count; r->count++) {
        if (r->count == DNS_RESOLVERS_MOST ||
            dns_server_read(words[r->count], &r->list[r->count]) != 0)
            return r->count + 1;
    }
    return 0;
}

static bool is_useful(const struct dns_message *m)
{
    return m->rcode == DNS_NOERROR || m->rcode == DNS_NXDOMAIN;
}

enum dns_outcome dns_resolve(struct dns_resolvers *r, const struct dns_ask *ask, int64_t deadline,
                             struct dns_answer *answer)
{
    struct dns_ask question = {ask->name, ask->type, ask->flags | DNS_ASK_RD};
    enum dns_outcome outcome = DNS_TIMEOUT;
    int64_t patience = TRY_MS;
    uint16_t refusal = DNS_NOERROR; /* what somebody answered instead */
    bool silent = true;             /* somebody did not answer in time and may be asked again */
    for (; silent && time_ticks() < deadline; patience *= 2) {
        silent = false;
        for (size_t i = 0; i < r->count; i++) {
            size_t index = (r->first + i) % r->count;
            int64_t until = time_ticks() + patience;
            if (r->count == 1 || until > deadline)
                until = deadline;
            outcome = dns_ask(&r->list[index], &question, until, answer);
            if (outcome == DNS_ANSWERED && is_useful(&answer->message)) {
                r->first = index;
                return outcome;
            }
            if (outcome == DNS_ANSWERED)
                refusal = answer->message.rcode;
            silent = silent || outcome == DNS_TIMEOUT;
        }
    }
    if (refusal == DNS_NOERROR)
        return outcome;
    memset(&answer->message, 0, sizeof answer->message);
    answer->message.rcode = refusal;
    answer->length = 0;
    return DNS_ANSWERED;
}

void dns_resolve_words(struct buf *b, const struct dns_resolvers *r, enum dns_outcome outcome,
                       const struct dns_answer *answer)
{
    const char *words = outcome == DNS_ANSWERED ? dns_rcode_words(answer->message.rcode)
                                                : dns_outcome_words(outcome, answer);
    buf_text(b, "the resolver ");
    dns_server_print(b, &r->list[r->first]);
    buf_text(b, outcome == DNS_ANSWERED ? " answers " : ": ");
    if (words != NULL)
        buf_text(b, words);
    else
        buf_printf(b, "rcode %u", (unsigned)answer->message.rcode);
}

int dns_follow(struct dns_message *m, char name[DNS_NAME_SIZE], uint32_t *ttl)
{
    struct dns_rr rr;
    int aliases = 0;
    if (ttl != NULL)
        *ttl = UINT32_MAX;
    dns_rewind(m);
    /* From the start each time: nobody promises their order. */
    while (dns_next_of(m, DNS_ANSWER, name, DNS_TYPE_CNAME, &rr) > 0) {
        if (++aliases > DNS_ALIASES_MOST || dns_target(m, &rr, name) != 0)
            return DNS_MALFORMED;
        if (ttl != NULL && rr.ttl < *ttl)
            *ttl = rr.ttl;
        dns_rewind(m);
    }
    dns_rewind(m);
    return aliases;
}
