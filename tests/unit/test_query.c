/* One question to servers of the test's own: lies, loss, cuts, silence, refusals. */
#include "dns_trial.h"

#include "base/time.h"

#include <errno.h>

#define NAME  "_25._tcp.Mail.example.org"
#define SOON  300   /* a deadline that is meant to pass */
#define LATER 20000 /* one that is not */

static uint8_t memory[DNS_MESSAGE_SIZE];
static struct dns_answer answer;
static const struct dns_ask tlsa = {NAME, DNS_TYPE_TLSA, DNS_ASK_DO};

enum play {
    GOOD,
    SILENT,
    WRONG_ID,
    WRONG_NAME,
    WRONG_TYPE,
    NOT_AN_ANSWER,
    WRONG_OPCODE,
    NO_QUESTION,
    TWO_QUESTIONS,
    TOO_SHORT,
    OTHER_PORT,
    LOSES_FIRST,
    REFUSES_OPT,
    REFUSES_OPT_BY_NOTIMP,
    REFUSES_ALL,
    CUT,
    CUT_IN_RECORD,
    TCP_TWICE_CUT,
    TCP_SPLIT,
    TCP_CLOSES,
    TCP_HALF,
    TCP_SILENT,
    TCP_WRONG_FIRST,
    TCP_HUGE,
    TCP_GARBAGE,
    GARBAGE,
    BIG_DATAGRAM
};

static void put_good(struct fake_call *call, uint8_t *bytes, size_t size, unsigned flags,
                     size_t data)
{
    static const uint8_t rdata[60000] = {3, 1, 1};
    struct dns_builder b;
    fake_begin(&b, bytes, size, call, DNS_FLAG_AA | flags);
    dns_put_rr(&b, DNS_ANSWER, call->name, DNS_TYPE_TLSA, DNS_CLASS_IN, 60, rdata, data);
    if (call->message.edns)
        dns_put_edns(&b, true);
    fake_finish(call, &b);
}

/* Answers that are not ours, each wrong in one thing. */
static void put_wrong(struct fake_call *call, enum play play)
{
    uint8_t bytes[1024];
    struct dns_builder b;
    fake_begin(&b, bytes, sizeof bytes, call,
               DNS_FLAG_AA | (play == NO_QUESTION ? 0 : DNS_REFUSED));
    if (play == WRONG_NAME) {
        b.used = DNS_HEADER_SIZE;
        dns_put_question(&b, "_25._tcp.mail.example.net", call->type, DNS_CLASS_IN);
        b.counts[DNS_QUESTION] = 1;
    }
    int length = dns_finish(&b);
    if (play == WRONG_ID)
        bytes[1] ^= 1;
    if (play == WRONG_TYPE)
        bytes[length - 3] ^= 1;
    if (play == NOT_AN_ANSWER)
        bytes[2] &= 0x7f;
    if (play == WRONG_OPCODE)
        bytes[2] |= 0x28;
    if (play == NO_QUESTION)
        bytes[5] = 0;
    if (play == TWO_QUESTIONS)
        bytes[5] = 2;
    fake_send(call, bytes,
              play == TOO_SHORT     ? DNS_HEADER_SIZE - 1
              : play == NO_QUESTION ? DNS_HEADER_SIZE
                                    : (size_t)length);
}

static void put_from_other_port(struct fake_call *call)
{
    int udp = call->fake->udp, other = socket(AF_INET, SOCK_DGRAM, 0);
    call->fake->udp = other;
    put_wrong(call, GOOD);
    call->fake->udp = udp;
    (void)close(other);
}

static void put_flags_only(struct fake_call *call, unsigned flags, size_t length)
{
    uint8_t bytes[1024];
    struct dns_builder b;
    fake_begin(&b, bytes, sizeof bytes, call, flags);
    /* Says that there is a record; where LENGTH ends before, it was cut. */
    dns_put_rr(&b, DNS_ANSWER, call->name, DNS_TYPE_TLSA, DNS_CLASS_IN, 60, "\3\1\1", 3);
    int all = dns_finish(&b);
    fake_send(call, bytes, length == 0 ? (size_t)all : (size_t)all - length);
}

static void over_udp(struct fake_call *call, enum play play)
{
    uint8_t bytes[4096];
    bool first = atomic_load(&call->fake->asked_udp) == 1;
    switch (play) {
    case GOOD:
        break;
    case SILENT:
        return;
    case LOSES_FIRST:
        if (first)
            return;
        break;
    case OTHER_PORT:
        put_from_other_port(call);
        break;
    case REFUSES_ALL:
        put_wrong(call, GOOD);
        return;
    case REFUSES_OPT:
    case REFUSES_OPT_BY_NOTIMP:
        if (!call->message.edns)
            break;
        struct dns_builder b;
        fake_begin(&b, bytes, sizeof bytes, call, play == REFUSES_OPT ? DNS_FORMERR : DNS_NOTIMP);
        /* As BIND does it: the header alone. */
        if (play == REFUSES_OPT) {
            b.used = DNS_HEADER_SIZE;
            b.counts[DNS_QUESTION] = 0;
        }
        fake_finish(call, &b);
        return;
    case GARBAGE:
        put_flags_only(call, DNS_FLAG_AA, 5);
        return;
    case CUT_IN_RECORD:
        put_flags_only(call, DNS_FLAG_TC, 5);
        return;
    case BIG_DATAGRAM:
        put_good(call, bytes, sizeof bytes, 0, 3000);
        return;
    default:
        if (play >= CUT && play <= TCP_GARBAGE) {
            put_good(call, bytes, sizeof bytes, DNS_FLAG_TC, 3);
            return;
        }
        put_wrong(call, play);
    }
    put_good(call, bytes, sizeof bytes, 0, 35);
}

/* The answer octet by octet, each a write of its own. */
static void put_split(struct fake_call *call)
{
    uint8_t bytes[1024];
    struct dns_builder b;
    fake_begin(&b, bytes + 2, sizeof bytes - 2, call, DNS_FLAG_AA);
    dns_put_rr(&b, DNS_ANSWER, call->name, DNS_TYPE_TLSA, DNS_CLASS_IN, 60, "\3\1\1", 3);
    int length = dns_finish(&b);
    bytes[0] = (uint8_t)(length >> 8);
    bytes[1] = (uint8_t)length;
    for (int i = 0; i < length + 2; i++)
        (void)send(call->tcp, bytes + i, 1, MSG_NOSIGNAL);
}

static void over_tcp(struct fake_call *call, enum play play)
{
    static _Thread_local uint8_t bytes[DNS_MESSAGE_SIZE];
    switch (play) {
    case TCP_TWICE_CUT:
        put_good(call, bytes, sizeof bytes, DNS_FLAG_TC, 3);
        return;
    case TCP_SPLIT:
        put_split(call);
        return;
    case TCP_CLOSES:
        return;
    case TCP_HALF:
        (void)send(call->tcp, "\0\x50half", 6, MSG_NOSIGNAL);
        return;
    case TCP_SILENT:
        call->hold = true;
        return;
    case TCP_WRONG_FIRST:
        put_wrong(call, WRONG_ID);
        break;
    case TCP_GARBAGE:
        put_flags_only(call, DNS_FLAG_AA, 5);
        return;
    case TCP_HUGE:
        put_good(call, bytes, sizeof bytes, 0, 60000);
        return;
    default:
        break;
    }
    put_good(call, bytes, sizeof bytes, 0, 35);
}

static void act(struct fake_call *call, void *context)
{
    enum play play = *(const enum play *)context;
    assert_true(call->opened);
    if (call->tcp < 0)
        over_udp(call, play);
    else
        over_tcp(call, play);
}

static enum dns_outcome ask(enum play play, const struct dns_ask *question, int64_t ms,
                            struct fake *seen)
{
    void *contexts[1] = {&play};
    static struct fake fake;
    memset(memory, 0xee, sizeof memory);
    answer = (struct dns_answer){.bytes = memory, .size = sizeof memory};
    fake_start(&fake, 1, 1, act, contexts);
    enum dns_outcome outcome = dns_ask(&fake.server, question, time_ticks() + ms, &answer);
    fake_stop(&fake, 1);
    if (seen != NULL)
        *seen = fake;
    return outcome;
}

static void check_good(void)
{
    struct dns_rr rr;
    assert_int_equal(answer.message.rcode, DNS_NOERROR);
    assert_int_equal(dns_next_of(&answer.message, DNS_ANSWER, NAME, DNS_TYPE_TLSA, &rr), 1);
    assert_int_equal(rr.length, 35);
}

static void answers(void **state)
{
    struct fake seen;
    (void)state;
    assert_int_equal(ask(GOOD, &tlsa, LATER, &seen), DNS_ANSWERED);
    check_good();
    assert_false(answer.tcp);
    assert_true(answer.message.edns);
    assert_int_equal(seen.asked_udp, 1);
    assert_int_equal(seen.asked_tcp, 0);
    const struct dns_ask tcp = {NAME, DNS_TYPE_TLSA, DNS_ASK_TCP};
    assert_int_equal(ask(SILENT, &tcp, LATER, &seen), DNS_ANSWERED);
    check_good();
    assert_true(answer.tcp);
    assert_int_equal(seen.asked_udp, 0);
    assert_int_equal(ask(REFUSES_ALL, &tlsa, LATER, NULL), DNS_ANSWERED);
    assert_int_equal(answer.message.rcode, DNS_REFUSED);
}

/* Whatever is not ours comes first; the good answer behind it is taken. */
static void passes_over_others(void **state)
{
    (void)state;
    for (enum play play = WRONG_ID; play <= OTHER_PORT; play++) {
        assert_int_equal(ask(play, &tlsa, LATER, NULL), DNS_ANSWERED);
        check_good();
    }
}

static void comes_late(void **state)
{
    struct fake seen;
    (void)state;
    assert_int_equal(ask(LOSES_FIRST, &tlsa, LATER, &seen), DNS_ANSWERED);
    check_good();
    assert_int_equal(seen.asked_udp, 2);
    int64_t start = time_ticks();
    assert_int_equal(ask(SILENT, &tlsa, SOON, &seen), DNS_TIMEOUT);
    assert_true(time_ticks() - start >= SOON && time_ticks() - start < LATER);
    assert_int_equal(seen.asked_udp, 1);
    assert_int_equal(answer.length, 0);
    assert_string_equal(dns_outcome_words(DNS_TIMEOUT, &answer), "no answer");
}

static void without_opt(void **state)
{
    struct fake seen;
    (void)state;
    for (enum play play = REFUSES_OPT; play <= REFUSES_OPT_BY_NOTIMP; play++) {
        assert_int_equal(ask(play, &tlsa, LATER, &seen), DNS_ANSWERED);
        check_good();
        assert_false(answer.message.edns);
        assert_int_equal(seen.asked_udp, 2);
    }
}

static void by_tcp(void **state)
{
    static const enum play good[] = {CUT, CUT_IN_RECORD, TCP_SPLIT, TCP_WRONG_FIRST};
    struct fake seen;
    struct dns_rr rr;
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(ask(good[i], &tlsa, LATER, &seen), DNS_ANSWERED);
        assert_true(answer.tcp);
        assert_int_equal(seen.asked_udp, 1);
        assert_int_equal(seen.asked_tcp, 1);
        assert_int_equal(dns_next_of(&answer.message, DNS_ANSWER, NAME, DNS_TYPE_TLSA, &rr), 1);
    }
    assert_int_equal(ask(TCP_HUGE, &tlsa, LATER, NULL), DNS_ANSWERED);
    assert_int_equal(dns_next_of(&answer.message, DNS_ANSWER, NAME, DNS_TYPE_TLSA, &rr), 1);
    assert_int_equal(rr.length, 60000);
}

static void tcp_fails(void **state)
{
    static const struct {
        enum play play;
        enum dns_outcome outcome;
        int error;
    } rows[] = {
        {TCP_TWICE_CUT, DNS_UNREADABLE, 0},      {TCP_CLOSES, DNS_UNREACHABLE, ECONNRESET},
        {TCP_HALF, DNS_UNREACHABLE, ECONNRESET}, {TCP_SILENT, DNS_TIMEOUT, 0},
        {TCP_GARBAGE, DNS_UNREADABLE, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t ms = rows[i].outcome == DNS_TIMEOUT ? SOON : LATER;
        assert_int_equal(ask(rows[i].play, &tlsa, ms, NULL), rows[i].outcome);
        assert_int_equal(answer.error, rows[i].error);
    }
}

static void unreadable(void **state)
{
    uint8_t little[DNS_UDP_SIZE];
    enum play play = BIG_DATAGRAM;
    void *contexts[1] = {&play};
    struct fake fake;
    (void)state;
    assert_int_equal(ask(GARBAGE, &tlsa, LATER, NULL), DNS_UNREADABLE);
    for (int i = 0; i < 2; i++) {
        fake_start(&fake, 1, 1, act, contexts);
        answer = (struct dns_answer){.bytes = little, .size = sizeof little};
        assert_int_equal(dns_ask(&fake.server, &tlsa, time_ticks() + LATER, &answer),
                         DNS_UNREADABLE);
        fake_stop(&fake, 1);
        play = TCP_HUGE;
    }
}

/* qemu-user before 8.0 tells SO_ERROR in the host's numbers, and MIPS has others. */
#define HOST_REFUSED 111

static void unreachable(void **state)
{
    struct fake fake;
    uint8_t bytes[512];
    (void)state;
    answer = (struct dns_answer){.bytes = bytes, .size = sizeof bytes};
    /* A port that was free a moment ago. */
    assert_int_equal(fake_bind(&fake, 1, 0), 0);
    (void)close(fake.udp);
    (void)close(fake.listener);
    fake.server.scope = 0;
    assert_int_equal(dns_ask(&fake.server, &tlsa, time_ticks() + LATER, &answer), DNS_UNREACHABLE);
    assert_int_equal(answer.error, ECONNREFUSED);
    assert_string_equal(dns_outcome_words(DNS_UNREACHABLE, &answer), "Connection refused");
    const struct dns_ask tcp = {NAME, DNS_TYPE_TLSA, DNS_ASK_TCP};
    assert_int_equal(dns_ask(&fake.server, &tcp, time_ticks() + LATER, &answer), DNS_UNREACHABLE);
    if (ECONNREFUSED != HOST_REFUSED && answer.error == HOST_REFUSED)
        skip();
    assert_int_equal(answer.error, ECONNREFUSED);
    const struct dns_ask bad = {"a..b", DNS_TYPE_TLSA, 0};
    assert_int_equal(dns_ask(&fake.server, &bad, time_ticks() + LATER, &answer), DNS_UNREACHABLE);
    assert_int_equal(answer.error, EINVAL);
}

/* ---- many side by side ------------------------------------------------------------------------*/

struct heard {
    enum dns_outcome outcomes[DNS_SERVERS_MOST + 1];
    unsigned times[DNS_SERVERS_MOST + 1];
    bool tcp[DNS_SERVERS_MOST + 1];
};

static void hear(void *context, size_t index, enum dns_outcome outcome, struct dns_answer *a)
{
    struct heard *heard = context;
    assert_true(index <= DNS_SERVERS_MOST);
    heard->outcomes[index] = outcome;
    heard->times[index]++;
    heard->tcp[index] = a->tcp;
    if (outcome == DNS_ANSWERED)
        check_good();
}

static void side_by_side(void **state)
{
    static enum play plays[] = {SILENT, GOOD, TCP_SILENT, CUT, LOSES_FIRST, TCP_SPLIT, GARBAGE};
    enum { COUNT = sizeof plays / sizeof plays[0] };
    static struct fake fakes[COUNT];
    void *contexts[COUNT];
    struct dns_server servers[COUNT];
    struct heard heard = {0};
    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        contexts[i] = &plays[i];
    fake_start(fakes, COUNT, 1, act, contexts);
    for (size_t i = 0; i < COUNT; i++)
        servers[i] = fakes[i].server;
    plays[5] = CUT;
    answer = (struct dns_answer){.bytes = memory, .size = sizeof memory};
    int64_t start = time_ticks();
    dns_ask_all(servers, COUNT, &tlsa, start + 4000, &answer, hear, &heard);
    assert_true(time_ticks() - start < 4500);
    fake_stop(fakes, COUNT);
    static const enum dns_outcome expected[COUNT] = {DNS_TIMEOUT,   DNS_ANSWERED, DNS_TIMEOUT,
                                                     DNS_ANSWERED,  DNS_ANSWERED, DNS_ANSWERED,
                                                     DNS_UNREADABLE};
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(heard.times[i], 1);
        assert_int_equal(heard.outcomes[i], expected[i]);
    }
    assert_true(heard.tcp[3] && heard.tcp[5] && !heard.tcp[1] && !heard.tcp[4]);
}

static void too_many(void **state)
{
    static struct dns_server servers[DNS_SERVERS_MOST + 1];
    struct heard heard = {0};
    enum play play = GOOD;
    void *contexts[1] = {&play};
    static struct fake fake;
    (void)state;
    fake_start(&fake, 1, 1, act, contexts);
    for (size_t i = 0; i <= DNS_SERVERS_MOST; i++)
        servers[i] = fake.server;
    answer = (struct dns_answer){.bytes = memory, .size = sizeof memory};
    dns_ask_all(servers, DNS_SERVERS_MOST + 1, &tlsa, time_ticks() + LATER, &answer, hear, &heard);
    fake_stop(&fake, 1);
    for (size_t i = 0; i <= DNS_SERVERS_MOST; i++) {
        assert_int_equal(heard.times[i], 1);
        assert_int_equal(heard.outcomes[i], i < DNS_SERVERS_MOST ? DNS_ANSWERED : DNS_UNREACHABLE);
    }
    assert_int_equal(fake.asked_udp, DNS_SERVERS_MOST);
}

/* ---- messages ready made ----------------------------------------------------------------------*/

static void ready_made(void **state)
{
    static struct fake fake;
    uint8_t update[512];
    struct dns_builder b;
    struct {
        enum play play;
        unsigned flags;
        enum dns_outcome outcome;
    } rows[] = {
        {GOOD, 0, DNS_ANSWERED},          {NO_QUESTION, DNS_ASK_ONCE, DNS_ANSWERED},
        {CUT, 0, DNS_ANSWERED},           {SILENT, DNS_ASK_ONCE, DNS_TIMEOUT},
        {CUT, DNS_ASK_TCP, DNS_ANSWERED}, {REFUSES_OPT_BY_NOTIMP, 0, DNS_ANSWERED},
    };
    (void)state;
    dns_begin(&b, update, sizeof update, 0x1234, DNS_OPCODE_UPDATE);
    dns_put_question(&b, "example.org", DNS_TYPE_SOA, DNS_CLASS_IN);
    dns_put_edns(&b, false);
    size_t length = (size_t)dns_finish(&b);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        void *contexts[1] = {&rows[i].play};
        int64_t ms = rows[i].outcome == DNS_TIMEOUT ? 1500 : LATER;
        fake_start(&fake, 1, 1, act, contexts);
        answer = (struct dns_answer){.bytes = memory, .size = sizeof memory};
        assert_int_equal(
            dns_send(&fake.server, update, length, rows[i].flags, time_ticks() + ms, &answer),
            rows[i].outcome);
        fake_stop(&fake, 1);
        assert_int_equal(fake.asked_udp + fake.asked_tcp, 1);
        if (rows[i].outcome != DNS_ANSWERED)
            continue;
        assert_int_equal(answer.message.id, 0x1234);
        assert_int_equal(answer.message.flags & DNS_OPCODE_MASK, DNS_OPCODE_UPDATE);
        assert_int_equal(answer.tcp, rows[i].flags == DNS_ASK_TCP);
    }
    assert_int_equal(dns_send(&fake.server, update, length - 1, 0, time_ticks() + LATER, &answer),
                     DNS_UNREACHABLE);
    assert_int_equal(answer.error, EINVAL);
}

static void servers_as_text(void **state)
{
    static const struct {
        const char *text, *again;
    } good[] = {
        {"192.0.2.1", NULL},
        {"192.0.2.1@53", "192.0.2.1"},
        {"127.0.0.1@5353", NULL},
        {"2001:db8::1", NULL},
        {"2001:DB8:0::1@65535", "2001:db8::1@65535"},
        {"fe80::1%7", NULL},
        {"fe80::1%7@5300", NULL},
        {"fe80::1%lo", "fe80::1%1"},
    };
    static const char *const bad[] = {"",
                                      "localhost",
                                      "192.0.2.1@",
                                      "192.0.2.1@0",
                                      "192.0.2.1@65536",
                                      "192.0.2.1@5x",
                                      "192.0.2.1@-1",
                                      "192.0.2.1:53",
                                      "[::1]",
                                      "[::1]@53",
                                      "@53",
                                      "fe80::1%",
                                      "fe80::1%nosuch",
                                      "192.0.2.1%lo",
                                      ("1111:1111:1111:1111:1111:1111:1111:1111%"
                                       "abcdefghijklmnopqrstuvwxyz@12345")};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct dns_server server;
        char text[DNS_SERVER_TEXT_SIZE];
        struct buf b = BUF_OVER(text);
        assert_int_equal(dns_server_read(good[i].text, &server), 0);
        dns_server_print(&b, &server);
        assert_string_equal(text, good[i].again == NULL ? good[i].text : good[i].again);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct dns_server server;
        assert_int_equal(dns_server_read(bad[i], &server), -1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers),      cmocka_unit_test(passes_over_others),
        cmocka_unit_test(comes_late),   cmocka_unit_test(without_opt),
        cmocka_unit_test(by_tcp),       cmocka_unit_test(tcp_fails),
        cmocka_unit_test(unreadable),   cmocka_unit_test(unreachable),
        cmocka_unit_test(side_by_side), cmocka_unit_test(too_many),
        cmocka_unit_test(ready_made),   cmocka_unit_test(servers_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
