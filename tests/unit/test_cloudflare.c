/*
 * provider/cloudflare.c and what it stands on (rest, records, zones) without a network: tls_* are a
 * server that gives canned answers in their order, pause_ms notes what it was asked for.
 */
#include "base/buf.h"
#include "base/pause.h"
#include "base/time.h"
#include "http/json.h"
#include "provider/records.h"
#include "provider/rest_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TOKEN       "0123456789abcdefghijklmnopqrstuvwxyzABCD"
#define ZONE_ID     "0123456789abcdef0123456789abcdef"
#define HOST        "mail.example.org"
#define SMTP        "_25._tcp.mail.example.org"
#define HTTPS       "_443._tcp.mail.example.org"
#define HEX_A       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B       "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ANSWERS     24
#define ANSWER_SIZE 20000
/* What stands for one that is no answer at all. */
#define SERVER_ENDS "(ends)"

/* ---- the world ---- */

static int64_t ticks = 1000000;
static struct {
    char answers[ANSWERS][ANSWER_SIZE];
    size_t lengths[ANSWERS];
    size_t count, requests, offset; /* answers there, requests that came, octets read of this one */
    int connect;                    /* what tls_connect says */
    bool open;
    int fd;
    struct buf sent;
    char sent_bytes[20000];
} server;
static int64_t paused[8];
static size_t pauses;
static bool stopping;

bool pause_stopped(void)
{
    return stopping;
}

void pause_stop(void)
{
    stopping = true;
}

bool pause_ms(int64_t ms)
{
    assert_true(pauses < sizeof paused / sizeof paused[0]);
    paused[pauses++] = ms;
    ticks += ms;
    return stopping;
}

int64_t time_ticks(void)
{
    return ticks;
}

int64_t time_wall(void)
{
    return TIME_RELEASE;
}

void time_moment(struct moment *now)
{
    memset(now, 0, sizeof *now);
    now->wall = TIME_RELEASE;
}

int tls_connect(struct tls *t, const struct trust *trust, const char *host, uint16_t port,
                int64_t connect_ms, int64_t deadline, struct net_words *why)
{
    struct buf words = BUF_OVER(why->text);
    (void)trust;
    (void)connect_ms;
    (void)deadline;
    assert_string_equal(host, "api.example.net");
    assert_int_equal(port, 443);
    t->tcp.fd = server.fd;
    server.open = server.connect == 0;
    if (server.connect != 0)
        buf_text(&words, "as the test says");
    return server.connect;
}

void tls_deadline(struct tls *t, int64_t deadline)
{
    (void)t;
    (void)deadline;
}

int tls_read(struct tls *t, void *bytes, size_t size)
{
    (void)t;
    assert_true(server.open);
    assert_true(server.requests <= server.count);
    size_t at = server.requests - 1, left = server.lengths[at] - server.offset;
    if (strcmp(server.answers[at], SERVER_ENDS) == 0 || left == 0)
        return NET_ENDED;
    size = size < left ? size : left;
    size = size < 37 ? size : 37;
    memcpy(bytes, server.answers[at] + server.offset, size);
    server.offset += size;
    return (int)size;
}

int tls_write(struct tls *t, const void *bytes, size_t length)
{
    (void)t;
    assert_true(server.open);
    buf_put(&server.sent, bytes, length);
    server.requests++;
    server.offset = 0;
    assert_true(server.requests <= server.count);
    return 0;
}

void tls_close(struct tls *t)
{
    (void)t;
    server.open = false;
}

int tls_random(void *bytes, size_t length)
{
    memset(bytes, 0, length);
    return 0;
}

/* ---- one trial ---- */

static struct provider provider;
static struct conf_provider conf;
static struct arena arena;
static struct trust trust;

static size_t key(const char *name)
{
    for (size_t i = 0; i < provider.type->keys_count; i++) {
        if (strcmp(provider.type->keys[i].name, name) == 0)
            return i;
    }
    fail_msg("no key %s", name);
    return 0;
}

static int begin(void **state)
{
    static int pair[2];
    (void)state;
    memset(&server, 0, sizeof server);
    memset(&provider, 0, sizeof provider);
    memset(&conf, 0, sizeof conf);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    server.fd = pair[0];
    server.sent = BUF_OVER(server.sent_bytes);
    pauses = 0;
    stopping = false;
    arena = arena_make(200000);
    provider.type = provider_type_named("cloudflare");
    provider.conf = &conf;
    provider.trust = &trust;
    provider.date = -1;
    conf.label = "cf";
    conf.where = "daneroll.conf:3";
    conf.values[key("token")] = TOKEN;
    conf.values[key("zone-id")] = ZONE_ID;
    conf.values[key("endpoint")] = "https://api.example.net/v4";
    *state = pair;
    return 0;
}

static int end(void **state)
{
    const int *pair = *state;
    provider.type->close(&provider);
    assert_false(server.open);
    /* Nothing was left unasked. */
    assert_int_equal(server.requests, server.count);
    arena_release(&arena);
    (void)close(pair[0]);
    (void)close(pair[1]);
    return 0;
}

static void say_as(int status, const char *type, const char *more, const char *body)
{
    assert_true(server.count < ANSWERS);
    struct buf out = buf_over(server.answers[server.count], ANSWER_SIZE);
    buf_printf(&out,
               "HTTP/1.1 %d X\r\nContent-Type: %s\r\n%sDate: Tue, 24 Nov 2026 05:00:00 GMT\r\n"
               "Content-Length: %zu\r\n\r\n%s",
               status, type, more, strlen(body), body);
    assert_false(buf_full(&out));
    server.lengths[server.count++] = out.used;
}

static void say(int status, const char *body)
{
    say_as(status, "application/json", "", body);
}

/* RESULT of a list, with what result_info says. */
static void say_list(const char *result, const char *info)
{
    char body[ANSWER_SIZE - 400];
    struct buf b = BUF_OVER(body);
    buf_printf(&b, "{\"result\":%s,\"success\":true%s%s}", result, info[0] != '\0' ? "," : "",
               info);
    assert_false(buf_full(&b));
    say(200, body);
}

static void say_end(void)
{
    struct buf out = buf_over(server.answers[server.count++], ANSWER_SIZE);
    buf_text(&out, SERVER_ENDS);
}

static void open_it(void)
{
    assert_int_equal(provider.type->open(&provider, &arena).code, PROVIDER_DONE);
}

static struct provider_result list(struct provider_rrset *sets, size_t count, ...)
{
    va_list owners;
    va_start(owners, count);
    memset(sets, 0, count * sizeof *sets);
    for (size_t i = 0; i < count; i++) {
        struct buf owner = BUF_OVER(sets[i].owner);
        buf_text(&owner, va_arg(owners, const char *));
    }
    va_end(owners);
    return provider.type->list(&provider, HOST, sets, count, &arena);
}

static struct tlsa record_of(const char *text)
{
    struct tlsa record;
    assert_int_equal(tlsa_parse(text, strlen(text), &record), 0);
    return record;
}

static struct provider_result add(void)
{
    struct tlsa record = record_of("3 1 1 " HEX_A);
    struct provider_rrset seen = {.owner = SMTP};
    return provider.type->add(&provider, HOST, &seen, &record, 3600);
}

static struct provider_result remove_id(const char *id)
{
    struct provider_record record = {.ttl = 3600};
    struct provider_rrset seen = {.owner = SMTP, .count = 1, .records = &record};
    struct buf b = BUF_OVER(record.id);
    buf_text(&b, id);
    return provider.type->remove(&provider, HOST, &seen, &record);
}

static void assert_has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void assert_words(const struct provider_result *result, const char *part)
{
    assert_has(result->words, part);
}

#define RECORD(id, name, data)                                                                     \
    "{\"id\":\"" id "\",\"type\":\"TLSA\",\"name\":\"" name "\",\"ttl\":600," data "}"
#define DATA(hex)                                                                                  \
    "\"data\":{\"usage\":3,\"selector\":1,\"matching_type\":1,\"certificate\":\"" hex "\"}"

/* ---- lists ---- */

static void reads_records(void **state)
{
    struct provider_rrset sets[2];
    (void)state;
    open_it();
    say_list(
        "[" RECORD("01", SMTP, DATA(HEX_A)) "," RECORD("02", "_25._TCP.Mail.example.org",
                                                       DATA(HEX_B)) ","
        /* longer, shorter and other names */
        RECORD("03", "x" SMTP, DATA(HEX_A)) "," RECORD(
            "04", SMTP ".example",
            DATA(HEX_A)) "," RECORD("05", "25._tcp.mail.example.org",
                                    DATA(
                                        HEX_A)) ","
                                                "{\"id\":\"06\",\"type\":\"CNAME\",\"name\":\"" SMTP
                                                "\",\"ttl\":1,\"content\":\"a.b\"},"
        /* the same once more */
        RECORD("01", SMTP, DATA(HEX_A)) "]",
        "\"result_info\":{\"page\":1,\"total_pages\":1,\"count\":7,\"total_count\":7}");
    struct provider_result result = list(sets, 2, SMTP, HTTPS);
    assert_int_equal(result.code, PROVIDER_DONE);
    assert_string_equal(result.words, "");
    assert_int_equal(sets[0].count, 2);
    assert_string_equal(sets[0].records[0].id, "01");
    assert_string_equal(sets[0].records[1].id, "02");
    assert_int_equal(sets[0].records[0].ttl, 600);
    assert_false(sets[0].records[0].automatic);
    struct tlsa wanted = record_of("3 1 1 " HEX_B);
    assert_true(tlsa_equal(&sets[0].records[1].tlsa, &wanted));
    assert_int_equal(sets[1].count, 0);
    assert_has(server.sent.data,
               "GET /v4/zones/" ZONE_ID "/dns_records?type=TLSA&per_page=100&page=1"
               "&order=name HTTP/1.1\r\n");
    assert_has(server.sent.data, "Authorization: Bearer " TOKEN "\r\n");
    assert_has(server.sent.data, "User-Agent: daneroll/");
    assert_int_equal(provider.requests, 1);
    assert_int_equal(provider.date, 1795496400);
    assert_int_equal(provider.date_ticks, ticks);
}

/* What cannot be read is there all the same, and nothing can use it. */
static void keeps_odd_records(void **state)
{
    static const char *const odd[] = {
        RECORD("01", SMTP, "\"data\":{\"usage\":3,\"selector\":1,\"matching_type\":1}"),
        RECORD("02", SMTP,
               "\"data\":{\"usage\":300,\"selector\":1,\"matching_type\":1,"
               "\"certificate\":\"" HEX_A "\"}"),
        RECORD("03", SMTP, DATA("abc")),
        RECORD("04", SMTP, DATA("")),
        RECORD("05", SMTP, DATA("zz")),
        RECORD("06", SMTP, "\"data\":null,\"content\":\"3 1 one " HEX_A "\""),
        RECORD("07", SMTP, "\"data\":[],\"content\":null"),
        RECORD("08", SMTP, "\"data\":\"3 1 1\",\"content\":[\"3 1 1 " HEX_A "\"]"),
        RECORD("09", SMTP,
               "\"data\":{\"usage\":[3],\"selector\":1,\"matching_type\":1,"
               "\"certificate\":\"" HEX_A "\"}"),
        RECORD("0a", SMTP,
               "\"data.usage\":3,\"data.selector\":1,\"data.matching_type\":1,"
               "\"data.certificate\":\"" HEX_A "\""),
        RECORD("0b", SMTP, "\"content\":\"0123456789abcdef0123456789abcdef\""),
        RECORD("0c", SMTP, "\"content\":\"3 1 1 " HEX_A "\\u0000\""),
    };
    struct provider_rrset set;
    (void)state;
    open_it();
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        char result[4096];
        struct buf b = BUF_OVER(result);
        buf_printf(&b, "[%s]", odd[i]);
        say_list(result, "");
        assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_DONE);
        assert_int_equal(set.count, 1);
        if (tlsa_usable(&set.records[0].tlsa))
            fail_msg("usable: %s", odd[i]);
    }
}

static void reads_old_shapes(void **state)
{
    static const char *const old[] = {
        RECORD("01", SMTP, "\"content\":\"3\\t1\\t1\\t" HEX_A "\""),
        RECORD("02", SMTP,
               "\"data\":{},\"content\":\" 3  1 1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA "
               "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \""),
        RECORD("03", SMTP,
               "\"data\":{\"certificate\":\"" HEX_A "\",\"usage\":\"3\","
               "\"matching_type\":1.0,\"selector\":1e0}"),
        RECORD("04", SMTP, "\"content\":\"3 1 1 " HEX_B "\"," DATA(HEX_A)),
    };
    struct provider_rrset set;
    struct tlsa wanted = record_of("3 1 1 " HEX_A);
    (void)state;
    open_it();
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++) {
        char result[4096];
        struct buf b = BUF_OVER(result);
        buf_printf(&b, "[%s]", old[i]);
        say_list(result, "");
        assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_DONE);
        assert_int_equal(set.count, 1);
        assert_true(tlsa_equal(&set.records[0].tlsa, &wanted));
    }
}

static void reads_ttl_id_and_comment(void **state)
{
    static const struct {
        const char *members;
        uint32_t ttl;
        bool automatic, marked;
        const char *id;
    } rows[] = {
        {"\"ttl\":1,\"id\":\"a\",\"comment\":\"daneroll\"", 300, true, true, "a"},
        {"\"ttl\":\"1\",\"id\":\"a\",\"comment\":\"daneroll, by hand\"", 300, true, true, "a"},
        {"\"ttl\":60,\"id\":\"" ZONE_ID "\",\"comment\":\"Daneroll\"", 60, false, false, ZONE_ID},
        {"\"ttl\":-1,\"id\":\"a\",\"comment\":null", 86400, false, false, "a"},
        {"\"ttl\":0,\"id\":\"a\",\"comment\":\"the daneroll\"", 86400, false, false, "a"},
        {"\"ttl\":null,\"id\":7,\"comment\":7", 86400, false, false, ""},
        {"\"ttl\":1.5,\"id\":\"012345678901234567890123456789012345678901234567\"", 86400, false,
         false, ""},
        {"\"ttl\":99999999999,\"id\":\"a\"", 86400, false, false, "a"},
        {"\"ttl\":{\"ttl\":1},\"id\":[\"a\"]", 86400, false, false, ""},
    };
    struct provider_rrset set;
    (void)state;
    open_it();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char result[1024];
        struct buf b = BUF_OVER(result);
        buf_printf(&b, "[{\"type\":\"TLSA\",\"name\":\"" SMTP "\"," DATA(HEX_A) ",%s}]",
                   rows[i].members);
        say_list(result, "");
        assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_DONE);
        assert_int_equal(set.count, 1);
        assert_int_equal(set.records[0].ttl, rows[i].ttl);
        assert_int_equal(set.records[0].automatic, rows[i].automatic);
        assert_int_equal(set.records[0].marked, rows[i].marked);
        assert_string_equal(set.records[0].id, rows[i].id);
    }
}

/* An answer that is no list of records is never taken for an empty one. */
static void wants_a_result(void **state)
{
    static const char *const bodies[] = {"{}",
                                         "{\"success\":true}",
                                         "{\"success\":true,\"result\":\"none\"}",
                                         "{\"success\":true,\"result\":0}",
                                         "{\"success\":true,\"results\":[]}",
                                         "{\"success\":false,\"result\":[]}",
                                         "[]",
                                         "[{\"success\":true,\"result\":[]}]",
                                         "null",
                                         "{\"success\":true,\"result\":[]",
                                         "{\"success\":true,\"result\":[]} x",
                                         "",
                                         "{\"x\":{\"result\":[]},\"success\":true}",
                                         "{\"success\":true,\"re.sult\":[]}"};
    struct provider_rrset set;
    (void)state;
    open_it();
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        say(200, bodies[i]);
        struct provider_result result = list(&set, 1, SMTP);
        assert_int_equal(result.code, PROVIDER_LATER);
        assert_words(&result, "api.example.net: ");
        assert_int_equal(set.count, 0);
    }
    say(200, "{\"result\":null,\"errors\":null,\"messages\":null,\"result_info\":null}");
    assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_DONE);
    assert_int_equal(set.count, 0);
}

/* Numbers of pages that contradict each other, or the records that came. */
static void doubts_pages(void **state)
{
    static const char *const infos[] = {
        "\"result_info\":{\"total_count\":2}",
        "\"result_info\":{\"count\":0}",
        "\"result_info\":{\"page\":2}",
        "\"result_info\":{\"page\":1,\"total_pages\":1,\"total_count\":3}",
        "\"result_info\":{\"page\":1,\"total_pages\":99999999999}",
        "\"result_info\":{\"per_page\":1,\"total_count\":9007199254740992}",
    };
    struct provider_rrset set;
    (void)state;
    open_it();
    for (size_t i = 0; i < sizeof infos / sizeof infos[0]; i++) {
        size_t before = server.requests;
        for (unsigned tries = 0; tries < 3; tries++)
            say_list("[" RECORD("01", SMTP, DATA(HEX_A)) "]", infos[i]);
        struct provider_result result = list(&set, 1, SMTP);
        assert_int_equal(result.code, PROVIDER_LATER);
        assert_words(&result, "does not add up");
        assert_int_equal(server.requests, before + 3);
        assert_int_equal(set.count, 0);
    }
}

static void goes_through_pages(void **state)
{
    struct provider_rrset sets[3];
    (void)state;
    open_it();
    say_list("[" RECORD("01", SMTP, DATA(HEX_A)) "]",
             "\"result_info\":{\"page\":1,\"per_page\":1,\"total_count\":2}");
    say_list("[" RECORD("02", HTTPS, DATA(HEX_A)) "]",
             "\"result_info\":{\"page\":2,\"per_page\":1,\"total_count\":2}");
    /* Left empty by pages: asked for by its name. */
    say_list("[]", "\"result_info\":{\"page\":1,\"per_page\":100,\"total_count\":0}");
    assert_int_equal(list(sets, 3, SMTP, HTTPS, "_26._tcp." HOST).code, PROVIDER_DONE);
    assert_int_equal(sets[0].count, 1);
    assert_int_equal(sets[1].count, 1);
    assert_int_equal(sets[2].count, 0);
    assert_has(server.sent.data, "&page=2&order=name HTTP");
    assert_has(server.sent.data, "&page=1&name=_26._tcp.mail.example.org HTTP");
    /* Before a deletion the set is listed again: something came. */
    say_list("[" RECORD("01", SMTP, DATA(HEX_A)) "," RECORD("03", SMTP, DATA(HEX_B)) "]", "");
    struct provider_result result =
        provider.type->remove(&provider, HOST, &sets[0], &sets[0].records[0]);
    assert_int_equal(result.code, PROVIDER_CONFLICT);
    say_list("[" RECORD("01", SMTP, DATA(HEX_A)) "]", "");
    say(200, "{\"result\":{\"id\":\"01\"}}");
    result = provider.type->remove(&provider, HOST, &sets[0], &sets[0].records[0]);
    assert_int_equal(result.code, PROVIDER_DONE);
}

/* A page that was not whole leaves nothing behind. */
static void forgets_broken_pages(void **state)
{
    struct provider_rrset set;
    (void)state;
    open_it();
    provider.patience_ms = 60000;
    say(200, "{\"result\":[" RECORD("01", SMTP, DATA(HEX_A)) "],\"success\":tru");
    say_list("[" RECORD("02", SMTP, DATA(HEX_B)) "]", "");
    assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_DONE);
    assert_int_equal(set.count, 1);
    assert_string_equal(set.records[0].id, "02");
    assert_int_equal(pauses, 1);
    assert_int_equal(paused[0], 1000);
    assert_int_equal(provider.patience_ms, 59000);
    provider.patience_ms = 0;
    say(200, "{\"result\":[" RECORD(
                 "01", SMTP, DATA(HEX_A)) "],\"success\":false,"
                                          "\"errors\":[{\"code\":9109,\"message\":\"no\"}]}");
    assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_REFUSED);
    assert_int_equal(set.count, 0);
}

static void answers_owners_given_twice(void **state)
{
    struct provider_rrset sets[2];
    (void)state;
    open_it();
    say_list("[" RECORD("01", SMTP, DATA(HEX_A)) "]", "");
    assert_int_equal(list(sets, 2, SMTP, SMTP).code, PROVIDER_DONE);
    assert_int_equal(sets[0].count, 1);
    assert_int_equal(sets[1].count, 1);
}

/* ---- writes ---- */

static void writes_a_record(void **state)
{
    (void)state;
    open_it();
    say(200, "{\"success\":true,\"result\":{\"id\":\"01\",\"errors\":[{\"code\":1}]},"
             "\"messages\":[{\"code\":10000,\"message\":\"fine\"}]}");
    assert_int_equal(add().code, PROVIDER_DONE);
    assert_has(server.sent.data, "POST /v4/zones/" ZONE_ID "/dns_records HTTP/1.1\r\n");
    assert_has(server.sent.data, "Content-Type: application/json\r\n");
    assert_has(server.sent.data, "\r\n\r\n{\"type\":\"TLSA\",\"name\":\"" SMTP "\",\"ttl\":3600,"
                                 "\"comment\":\"daneroll\",\"data\":{\"usage\":3,\"selector\":1,"
                                 "\"matching_type\":1,\"certificate\":\"" HEX_A "\"}}");
    say(200, "{\"result\":{\"id\":\"01\"}}");
    assert_int_equal(remove_id("01").code, PROVIDER_DONE);
    assert_has(server.sent.data, "DELETE /v4/zones/" ZONE_ID "/dns_records/01 HTTP/1.1\r\n");
    say_as(204, "text/plain", "", "");
    assert_int_equal(remove_id("02").code, PROVIDER_DONE);
}

static void refuses_what_cannot_be_written(void **state)
{
    static const char *const ids[] = {
        "", "../zones", "0g", "A0", "01/02", "01?x", "01 02", "000102030405060708090a0b0c0d0e0f0"};
    uint8_t large[80] = {0x30};
    struct tlsa record;
    struct provider_rrset seen = {.owner = SMTP};
    struct provider_result result;
    (void)state;
    open_it();
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        result = remove_id(ids[i]);
        assert_int_equal(result.code, PROVIDER_REFUSED);
        assert_words(&result, "id");
    }
    tlsa_set(&record, (struct tlsa_combination){3, 0, 0}, large, sizeof large);
    result = provider.type->add(&provider, HOST, &seen, &record, 60);
    assert_int_equal(result.code, PROVIDER_REFUSED);
    assert_int_equal(provider.requests, 0);
}

/* The answers of A.7: what they come to for each method. */
static void knows_errors(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum provider_code post, delete;
        bool usage;
        const char *part;
    } rows[] = {
        {400,
         "{\"code\":6003,\"message\":\"Invalid request headers\",\"error_chain\":[{\"code\":6111,"
         "\"message\":\"Invalid format for Authorization header\"}]}",
         PROVIDER_REFUSED, PROVIDER_REFUSED, true, "6111 \"Invalid format"},
        {403, "{\"code\":9109,\"message\":\"Invalid access token\"}", PROVIDER_REFUSED,
         PROVIDER_REFUSED, true, "9109 \"Invalid access token\""},
        {403, "{\"code\":10000,\"message\":\"Authentication error\"}", PROVIDER_REFUSED,
         PROVIDER_REFUSED, true, "Zone DNS Edit"},
        {403, "{\"code\":0,\"message\":\"requires permission\"}", PROVIDER_REFUSED,
         PROVIDER_REFUSED, true, "0 \"requires permission\""},
        {400, "{\"code\":\"9106\",\"message\":\"Missing\"}", PROVIDER_REFUSED, PROVIDER_REFUSED,
         true, "API token"},
        {404, "{\"code\":7003,\"message\":\"Could not route\"}", PROVIDER_REFUSED, PROVIDER_REFUSED,
         true, "zone-id"},
        {400,
         "{\"code\":1004,\"message\":\"DNS Validation Error\",\"error_chain\":[{\"code\":9021,"
         "\"message\":\"TTL must be\"}]}",
         PROVIDER_REFUSED, PROVIDER_REFUSED, true, "set ttl"},
        {400,
         "{\"code\":1004,\"message\":\"DNS Validation Error\",\"error_chain\":[{\"code\":81058,"
         "\"message\":\"identical\"}]}",
         PROVIDER_ALREADY, PROVIDER_REFUSED, false, ""},
        {400, "{\"code\":81057}", PROVIDER_ALREADY, PROVIDER_REFUSED, false, ""},
        {404, "{\"code\":81044}", PROVIDER_REFUSED, PROVIDER_ALREADY, true, ""},
        {400, "{\"code\":81044}", PROVIDER_REFUSED, PROVIDER_ALREADY, false, ""},
        {200, "{\"code\":81044}", PROVIDER_REFUSED, PROVIDER_ALREADY, false, ""},
        {400, "{\"code\":81053}", PROVIDER_REFUSED, PROVIDER_REFUSED, false, "CNAME"},
        {400, "{\"code\":81045,\"message\":\"Record quota exceeded.\"}", PROVIDER_REFUSED,
         PROVIDER_REFUSED, false, "full"},
        {400, "{\"code\":9313}", PROVIDER_REFUSED, PROVIDER_REFUSED, false, "9313"},
        {429, "{\"code\":10429}", PROVIDER_LATER, PROVIDER_LATER, false, "too many"},
        {400, "{\"code\":971}", PROVIDER_LATER, PROVIDER_LATER, false, "too many"},
        {429, "{\"code\":4711}", PROVIDER_LATER, PROVIDER_LATER, false, "too many"},
        {500, "{\"code\":7500}", PROVIDER_UNKNOWN, PROVIDER_UNKNOWN, false, "HTTP 500, 7500"},
        {503, "", PROVIDER_UNKNOWN, PROVIDER_UNKNOWN, false, "HTTP 503"},
        {418, "{\"message\":\"a\\u001b[1mb\\nc\\u00fc\"}", PROVIDER_REFUSED, PROVIDER_REFUSED,
         false, "\"a?[1mb?c??\""},
        {401, "", PROVIDER_REFUSED, PROVIDER_REFUSED, true, "token"},
        {302, "", PROVIDER_REFUSED, PROVIDER_REFUSED, true, "endpoint"},
        /* the cause of a cause is not looked at, nor a list in a list */
        {400, "{\"code\":1,\"error_chain\":[{\"code\":2,\"error_chain\":[{\"code\":81057}]}]}",
         PROVIDER_REFUSED, PROVIDER_REFUSED, false, "1, 2"},
        {400, "[{\"code\":81057}]", PROVIDER_REFUSED, PROVIDER_REFUSED, false, "HTTP 400"},
    };
    (void)state;
    open_it();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[1024];
        struct buf b = BUF_OVER(body);
        server.count = server.requests = 0;
        buf_printf(&b, "{\"result\":null,\"errors\":[%s],\"success\":false}", rows[i].body);
        say(rows[i].status, body);
        say(rows[i].status, body);
        struct provider_result post = add(), delete = remove_id("01");
        if (post.code != rows[i].post || delete.code != rows[i].delete)
            fail_msg("%d %s: %d, %d: %s", rows[i].status, body, post.code, delete.code, post.words);
        assert_int_equal(post.usage, rows[i].usage);
        if (post.code != PROVIDER_ALREADY) {
            assert_words(&post, "api.example.net: ");
            assert_words(&post, rows[i].part);
        }
    }
}

/* Every documented code by itself, at the top and as a cause: what it means and what to do. */
static void knows_each_code(void **state)
{
    static const struct {
        int code;
        enum provider_code result;
        bool usage;
        const char *words;
    } rows[] = {
        {6003, PROVIDER_REFUSED, true, "give an API token"},
        {6102, PROVIDER_REFUSED, true, "give an API token"},
        {6103, PROVIDER_REFUSED, true, "give an API token"},
        {6111, PROVIDER_REFUSED, true, "give an API token"},
        {9103, PROVIDER_REFUSED, true, "give an API token"},
        {9106, PROVIDER_REFUSED, true, "give an API token"},
        {9109, PROVIDER_REFUSED, true, "neither expired nor revoked"},
        {10000, PROVIDER_REFUSED, true, "of this account"},
        {1001, PROVIDER_REFUSED, true, "no such zone"},
        {1002, PROVIDER_REFUSED, true, "no such zone"},
        {7000, PROVIDER_REFUSED, true, "no such zone"},
        {7003, PROVIDER_REFUSED, true, "no such zone"},
        {9021, PROVIDER_REFUSED, true, "set ttl to 60"},
        {1004, PROVIDER_REFUSED, false, "does not accept the record"},
        {9000, PROVIDER_REFUSED, false, "does not accept the record"},
        {9005, PROVIDER_REFUSED, false, "does not accept the record"},
        {9101, PROVIDER_REFUSED, false, "does not accept the record"},
        {9300, PROVIDER_REFUSED, false, "does not accept the record"},
        {9313, PROVIDER_REFUSED, false, "does not accept the record"},
        {81053, PROVIDER_REFUSED, false, "an alias or delegated"},
        {81054, PROVIDER_REFUSED, false, "an alias or delegated"},
        {81056, PROVIDER_REFUSED, false, "an alias or delegated"},
        {81045, PROVIDER_REFUSED, false, "the zone is full"},
        {971, PROVIDER_LATER, false, "too many requests"},
        {1015, PROVIDER_LATER, false, "too many requests"},
        {10013, PROVIDER_LATER, false, "too many requests"},
        {10429, PROVIDER_LATER, false, "too many requests"},
        {7500, PROVIDER_UNKNOWN, false, "it has a fault"},
        {10001, PROVIDER_UNKNOWN, false, "it has a fault"},
    };
    static const char *const shapes[] = {
        "{\"code\":%d}",
        "{\"code\":0,\"error_chain\":[{\"code\":%d}]}",
    };
    (void)state;
    open_it();
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        char body[256], error[128];
        struct buf b = BUF_OVER(body), e = BUF_OVER(error);
        const char *hole = strstr(shapes[i % 2], "%d");
        buf_put(&e, shapes[i % 2], (size_t)(hole - shapes[i % 2]));
        buf_printf(&e, "%d%s", rows[i / 2].code, hole + 2);
        buf_printf(&b, "{\"success\":false,\"errors\":[%s]}", error);
        server.count = server.requests = 0;
        say(400, body);
        struct provider_result result = add();
        if (result.code != rows[i / 2].result || result.usage != rows[i / 2].usage)
            fail_msg("%s: %d: %s", error, result.code, result.words);
        assert_words(&result, rows[i / 2].words);
    }
}

/* A flood of errors, and words too long. */
static void bounds_errors(void **state)
{
    char body[16000];
    struct buf b = BUF_OVER(body);
    (void)state;
    open_it();
    buf_text(&b, "{\"success\":false,\"errors\":[");
    for (unsigned i = 0; i < 60; i++) {
        buf_printf(&b, "%s{\"code\":%u,\"message\":\"", i > 0 ? "," : "", 50000 + i);
        for (unsigned j = 0; j < 200; j++)
            buf_char(&b, 'x');
        buf_text(&b, "\"}");
    }
    buf_text(&b, "]}");
    say(400, body);
    struct provider_result result = add();
    assert_int_equal(result.code, PROVIDER_REFUSED);
    assert_words(&result, "HTTP 400, 50000 \"xxx");
    assert_true(strlen(result.words) < PROVIDER_WORDS_SIZE);
}

static void reads_pages_that_are_not_json(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum provider_code code;
        bool usage;
        const char *part;
    } rows[] = {
        {403, "<!DOCTYPE html><title>Just a moment...</title>", PROVIDER_REFUSED, false,
         "challenged"},
        {403, "error code: 1015", PROVIDER_LATER, false, "1015 \"error code: 1015\""},
        {429, "error code: 1015\n", PROVIDER_LATER, false, "too many"},
        {404, "<html>", PROVIDER_REFUSED, true, "endpoint"},
        {404, "404 page not found\nx", PROVIDER_REFUSED, true, "\"404 page not found\""},
        {503, "error code: 1105", PROVIDER_UNKNOWN, false, "1105"},
        {500, "error code: 99999999999999999999", PROVIDER_UNKNOWN, false, "HTTP 500"},
        {520, "<html>error code: 520</html>", PROVIDER_UNKNOWN, false, "HTTP 520, 520"},
        {503, "", PROVIDER_UNKNOWN, false, "HTTP 503)"},
    };
    (void)state;
    open_it();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        say_as(rows[i].status, "text/html; charset=UTF-8", "", rows[i].body);
        struct provider_result result = add();
        assert_int_equal(result.code, rows[i].code);
        assert_int_equal(result.usage, rows[i].usage);
        assert_words(&result, rows[i].part);
    }
}

/* ---- repetition ---- */

static void repeats_within_patience(void **state)
{
    (void)state;
    open_it();
    provider.patience_ms = 10000;
    say_as(429, "application/json", "Retry-After: 4\r\n", "{}");
    say_as(429, "application/json", "Retry-After: 5\r\n", "{}");
    say(200, "{\"success\":true}");
    assert_int_equal(add().code, PROVIDER_DONE);
    assert_int_equal(pauses, 2);
    assert_int_equal(paused[0], 4000);
    assert_int_equal(paused[1], 5000);
    assert_int_equal(provider.patience_ms, 1000);
    assert_int_equal(provider.requests, 3);
    say_as(429, "application/json", "Retry-After: 5\r\n", "{}");
    struct provider_result result = add();
    assert_int_equal(result.code, PROVIDER_LATER);
    assert_int_equal(result.later, 5);
    say(429, "{}");
    result = add();
    assert_int_equal(result.later, 300);
    assert_int_equal(pauses, 2);
}

static void never_repeats_a_post_blindly(void **state)
{
    (void)state;
    open_it();
    provider.patience_ms = 100000;
    say_end();
    struct provider_result result = add();
    assert_int_equal(result.code, PROVIDER_UNKNOWN);
    assert_words(&result, "api.example.net");
    say(500, "{}");
    assert_int_equal(add().code, PROVIDER_UNKNOWN);
    say(200, "{\"success\":tru");
    assert_int_equal(add().code, PROVIDER_UNKNOWN);
    assert_int_equal(pauses, 0);
    assert_int_equal(provider.requests, 3);
}

/* A deletion may be repeated; what it came to is told truly. */
static void repeats_a_delete(void **state)
{
    (void)state;
    open_it();
    provider.patience_ms = 100000;
    say_end();
    say(404, "{\"success\":false,\"errors\":[{\"code\":81044}]}");
    assert_int_equal(remove_id("01").code, PROVIDER_ALREADY);
    /* On a fresh connection http.h repeats nothing by itself. */
    provider.type->close(&provider);
    open_it();
    provider.patience_ms = 1000;
    say_end();
    say_as(429, "application/json", "Retry-After: 9\r\n", "{}");
    assert_int_equal(remove_id("01").code, PROVIDER_UNKNOWN);
    provider.patience_ms = 0;
    say_as(429, "application/json", "Retry-After: 9\r\n", "{}");
    assert_int_equal(remove_id("01").code, PROVIDER_LATER);
}

static void stops_when_told(void **state)
{
    struct provider_rrset set;
    (void)state;
    open_it();
    provider.patience_ms = 100000;
    stopping = true;
    say(503, "{}");
    assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_LATER);
    assert_int_equal(pauses, 1);
}

static void bounds_attempts(void **state)
{
    struct provider_rrset set;
    (void)state;
    open_it();
    provider.patience_ms = INT64_MAX / 4;
    for (unsigned i = 0; i < 5; i++)
        say(503, "{}");
    struct provider_result result = list(&set, 1, SMTP);
    assert_int_equal(result.code, PROVIDER_LATER);
    assert_true(result.later > 0);
    assert_int_equal(pauses, 4);
}

static void says_what_the_network_did(void **state)
{
    static const struct {
        int net;
        enum provider_code code;
        bool usage, again;
        const char *part;
    } rows[] = {
        {NET_FAILED, PROVIDER_LATER, false, true, "as the test says"},
        {NET_TIMEOUT, PROVIDER_LATER, false, true, "try again later"},
        {NET_NO_ADDRESS, PROVIDER_LATER, false, true, "as the test says"},
        {NET_PROTOCOL, PROVIDER_LATER, false, true, "as the test says"},
        {NET_UNTRUSTED, PROVIDER_REFUSED, true, false, "as the test says"},
        {NET_NO_TRUST, PROVIDER_REFUSED, true, false, "as the test says"},
        {NET_CLOCK, PROVIDER_LATER, false, false, "clock not set"},
    };
    (void)state;
    open_it();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        pauses = 0;
        provider.patience_ms = 1000;
        server.connect = rows[i].net;
        struct provider_result result = add();
        assert_int_equal(result.code, rows[i].code);
        assert_int_equal(result.usage, rows[i].usage);
        assert_int_equal(pauses, rows[i].again ? 1 : 0);
        assert_words(&result, "api.example.net: ");
        assert_words(&result, rows[i].part);
    }
    assert_int_equal(provider.requests, 0);
}

/* ---- zones ---- */

#define ZONE_OF(id, name, status)                                                                  \
    "{\"id\":\"" id "\",\"name\":\"" name "\",\"status\":\"" status "\",\"type\":\"full\"}"

static void looks_zones_up(void **state)
{
    struct provider_rrset set;
    (void)state;
    conf.values[key("zone-id")] = NULL;
    open_it();
    /* another name, an id that is none, and no zone */
    say_list(
        "[" ZONE_OF("0b", "xmail.example.org", "active") "," ZONE_OF("../x", HOST, "active") "]",
        "");
    say_list("[" ZONE_OF("0a", "Example.ORG", "active") "]", "");
    say_list("[]", "");
    assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_DONE);
    assert_has(server.sent.data, "GET /v4/zones?per_page=50&name=mail.example.org HTTP");
    assert_has(server.sent.data, "GET /v4/zones?per_page=50&name=example.org HTTP");
    assert_has(server.sent.data, "/v4/zones/0a/dns_records?");
    /* remembered, also for another session of this call */
    say_list("[]", "");
    assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_DONE);
    provider.type->close(&provider);
    open_it();
    say(200, "{\"success\":true}");
    assert_int_equal(add().code, PROVIDER_DONE);
    assert_int_equal(provider.requests, 5);
}

static void asks_for_no_single_label(void **state)
{
    struct provider_rrset set;
    (void)state;
    conf.values[key("zone-id")] = NULL;
    open_it();
    say_list("[]", "");
    say_list("[" ZONE_OF("0a", "example.org", "pending") "]", "");
    struct provider_result result = list(&set, 1, SMTP);
    assert_int_equal(result.code, PROVIDER_REFUSED);
    assert_true(result.usage);
    assert_words(&result, "example.org");
    assert_words(&result, "pending");
}

static void a_failed_look_up_is_not_remembered(void **state)
{
    struct provider_rrset set;
    (void)state;
    conf.values[key("zone-id")] = NULL;
    conf.values[key("zone")] = "example.org";
    open_it();
    say(503, "{}");
    assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_LATER);
    say_list("[" ZONE_OF("0a", "example.org", "active") "]", "");
    say_list("[]", "");
    assert_int_equal(list(&set, 1, SMTP).code, PROVIDER_DONE);
}

/* ---- opening ---- */

static struct provider_result open_with(const char *name, const char *value)
{
    const char *before = conf.values[key(name)];
    conf.values[key(name)] = value;
    struct provider_result result = provider.type->open(&provider, &arena);
    provider.type->close(&provider);
    conf.values[key(name)] = before;
    return result;
}

static void checks_its_section(void **state)
{
    static const char *const tokens[] = {"short", "", "with space 0123456789abcdef",
                                         "control\x01 0123456789abcdef",
                                         "\xff 23456789abcdef01234"};
    char token[REST_TOKEN_MOST + 2];
    (void)state;
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        struct provider_result result = open_with("token", tokens[i]);
        assert_int_equal(result.code, PROVIDER_REFUSED);
        assert_true(result.usage);
        assert_words(&result, "provider cf (daneroll.conf:3): token ");
        assert_true(tokens[i][0] == '\0' || strstr(result.words, tokens[i]) == NULL);
    }
    memset(token, 'a', sizeof token);
    token[REST_TOKEN_MOST + 1] = '\0';
    assert_int_equal(open_with("token", token).code, PROVIDER_REFUSED);
    token[REST_TOKEN_MOST] = '\0';
    assert_int_equal(open_with("token", token).code, PROVIDER_DONE);
    assert_int_equal(open_with("token", TOKEN " \r\n").code, PROVIDER_DONE);
    assert_int_equal(open_with("token", NULL).code, PROVIDER_REFUSED);
    assert_int_equal(open_with("endpoint", "http://api.example.net").code, PROVIDER_REFUSED);
    assert_int_equal(open_with("endpoint", NULL).code, PROVIDER_REFUSED);
    provider.own = NULL;
    provider.type->close(&provider);
}

static void checks_the_zone_id(void **state)
{
    static const char *const ids[] = {"example.org", "", "0123/../..", "ABC", ZONE_ID "0"};
    struct provider_rrset set;
    (void)state;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        conf.values[key("zone-id")] = ids[i];
        open_it();
        struct provider_result result = list(&set, 1, SMTP);
        assert_int_equal(result.code, PROVIDER_REFUSED);
        assert_true(result.usage);
        assert_words(&result, "zone-id");
        provider.type->close(&provider);
    }
    assert_int_equal(provider.requests, 0);
}

static void wipes_the_token(void **state)
{
    (void)state;
    open_it();
    const struct rest *rest = provider.own; /* the first member */
    assert_string_equal(rest->token, TOKEN);
    provider.type->close(&provider);
    for (size_t i = 0; i < sizeof rest->token; i++)
        assert_int_equal(rest->token[i], 0);
}

/* ---- rows ---- */

struct thing {
    char text[8], words[8];
    int64_t number, truth, inner, other;
};

static const struct rest_field thing_fields[] = {
    REST_FIELD(struct thing, text, REST_TEXT, "text"),
    REST_FIELD(struct thing, inner, REST_WHOLE, "in.inner"),
    REST_FIELD(struct thing, other, REST_WHOLE, "in.other"),
    REST_FIELD(struct thing, number, REST_WHOLE, "number"),
    REST_FIELD(struct thing, truth, REST_TRUTH, "truth"),
    REST_FIELD(struct thing, words, REST_WORDS, "words"),
};

struct source {
    const char *text;
    size_t left;
};

static int give(void *context, void *bytes, size_t size)
{
    struct source *s = context;
    size = size < s->left ? size : s->left;
    memcpy(bytes, s->text, size);
    s->text += size;
    s->left -= size;
    return (int)size;
}

static int read_thing(const char *path, const char *text, struct rest_sink *sink,
                      struct thing *thing)
{
    static struct json json;
    struct source source = {text, strlen(text)};
    *sink = (struct rest_sink){.shape = REST_OBJECTS(path, thing_fields), .item = thing};
    json_init(&json, give, &source);
    return rest_answer_read(&json, sink, 1);
}

static void reads_by_rows(void **state)
{
    struct thing t;
    struct rest_sink sink;
    (void)state;
    assert_int_equal(read_thing("a.b",
                                "{\"x\":[[{\"a\":1}]],\"a\":{\"c\":null,\"b\":{\"in\":{\"other\":2,"
                                "\"inner\":\"1\",\"x\":{}},\"text\":\"seven77\",\"truth\":true,"
                                "\"words\":\"long enough\",\"number\":12}},\"b\":{\"number\":9}}",
                                &sink, &t),
                     0);
    assert_true(sink.present);
    assert_int_equal(sink.taken, 1);
    assert_string_equal(t.text, "seven77");
    assert_string_equal(t.words, "long en");
    assert_int_equal(t.number, 12);
    assert_int_equal(t.truth, 1);
    assert_int_equal(t.inner, 1);
    assert_int_equal(t.other, 2);
    /* too long for its place, other kinds, an array for one */
    assert_int_equal(
        read_thing("a.b",
                   "{\"a\":{\"b\":{\"text\":\"eight888\",\"truth\":\"true\",\"number\":"
                   "[1],\"in\":[{\"inner\":1}],\"words\":7}}}",
                   &sink, &t),
        0);
    assert_string_equal(t.text, "");
    assert_string_equal(t.words, "");
    assert_int_equal(t.number, -1);
    assert_int_equal(t.truth, -1);
    assert_int_equal(t.inner, -1);
    /* several, and an array in the array */
    assert_int_equal(
        read_thing("a.b", "{\"a\":{\"b\":[{},[{}],null,7,{\"number\":3}]}}", &sink, &t), 0);
    assert_int_equal(sink.taken, 2);
    assert_int_equal(t.number, 3);
    /* an array on the way */
    assert_int_equal(read_thing("a.b", "{\"a\":[{\"b\":{}}]}", &sink, &t), 0);
    assert_false(sink.present);
    assert_int_equal(sink.taken, 0);
    assert_int_equal(read_thing("a.b", "{\"a\":{\"b\":null}}", &sink, &t), 0);
    assert_true(sink.present);
    assert_int_equal(read_thing("a.b", "[{\"a\":{\"b\":{}}}]", &sink, &t), REST_SHAPE);
    assert_int_equal(read_thing("a.b", "{\"a\":{\"b\":{}}", &sink, &t), JSON_TRUNCATED);
    assert_int_equal(read_thing("a.b", "{\"a\":{\"b\":{}}}}", &sink, &t), JSON_MALFORMED);
}

static void passes_over_depth(void **state)
{
    static char text[4000];
    struct thing t;
    struct rest_sink sink;
    struct buf b = BUF_OVER(text);
    (void)state;
    buf_text(&b, "{\"a\":{\"b\":{\"number\":");
    for (unsigned i = 0; i < 400; i++)
        buf_text(&b, i % 2 == 0 ? "[" : "{\"b\":");
    buf_text(&b, "1");
    for (unsigned i = 400; i-- > 0;)
        buf_text(&b, i % 2 == 0 ? "]" : "}");
    buf_text(&b, ",\"text\":\"x\"}}}");
    assert_false(buf_full(&b));
    assert_int_equal(read_thing("a.b", text, &sink, &t), 0);
    assert_int_equal(t.number, -1);
    assert_string_equal(t.text, "x");
}

static void writes_by_rows(void **state)
{
    struct thing t = {"a\"b", "", 0, 1, 7, -1};
    const struct rest_shape shape = REST_OBJECTS("", thing_fields);
    char text[128];
    struct buf b = BUF_OVER(text);
    (void)state;
    rest_write(&b, &shape, &t);
    assert_string_equal(text,
                        "{\"text\":\"a\\\"b\",\"in\":{\"inner\":7},\"number\":0,\"truth\":true}");
    t = (struct thing){"", "", -1, -1, -1, -1};
    buf_reset(&b);
    rest_write(&b, &shape, &t);
    assert_string_equal(text, "{}");
    t.other = t.inner = 1;
    buf_reset(&b);
    rest_write(&b, &(struct rest_shape){"", thing_fields, 3}, &t);
    assert_string_equal(text, "{\"in\":{\"inner\":1,\"other\":1}}");
}

static void encodes_queries(void **state)
{
    char text[64];
    struct buf b = BUF_OVER(text);
    (void)state;
    rest_put_encoded(&b, "_25._tcp.A-b~c &?=#%/\xc3");
    assert_string_equal(text, "_25._tcp.A-b~c%20%26%3F%3D%23%25%2F%C3");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reads_records),
        TEST(keeps_odd_records),
        TEST(reads_old_shapes),
        TEST(reads_ttl_id_and_comment),
        TEST(wants_a_result),
        TEST(doubts_pages),
        TEST(goes_through_pages),
        TEST(forgets_broken_pages),
        TEST(answers_owners_given_twice),
        TEST(writes_a_record),
        TEST(refuses_what_cannot_be_written),
        TEST(knows_errors),
        TEST(knows_each_code),
        TEST(bounds_errors),
        TEST(reads_pages_that_are_not_json),
        TEST(repeats_within_patience),
        TEST(never_repeats_a_post_blindly),
        TEST(repeats_a_delete),
        TEST(stops_when_told),
        TEST(bounds_attempts),
        TEST(says_what_the_network_did),
        TEST(looks_zones_up),
        TEST(asks_for_no_single_label),
        TEST(a_failed_look_up_is_not_remembered),
        TEST(checks_its_section),
        TEST(checks_the_zone_id),
        TEST(wipes_the_token),
        cmocka_unit_test(reads_by_rows),
        cmocka_unit_test(passes_over_depth),
        cmocka_unit_test(writes_by_rows),
        cmocka_unit_test(encodes_queries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
