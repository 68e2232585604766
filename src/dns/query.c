#include "dns/query.h"

#include "base/name.h"
#include "base/time.h"
#include "net/tcp.h"
#include "net/tls.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* The first wait for a datagram that may be lost; it doubles (RFC 1035 section 4.2.1). */
#define RESEND_MS    1000
#define RESEND_TWICE 4 /* how often it doubles */
/* The OPT record without options: it is the last of what we send. */
#define OPT_SIZE 11
/* Datagrams of one socket that are looked at in one go: a flood must not keep us from the others.
 */
#define GLANCES 8
/* A question with the longest name, and the OPT record. */
#define QUERY_SIZE (DNS_HEADER_SIZE + DNS_NAME_WIRE + 4 + OPT_SIZE)

/* What is asked: the same for all servers, but for id and OPT. */
struct talk {
    const uint8_t *bytes;
    size_t length;
    struct dns_message message; /* the same, opened */
    unsigned flags;             /* DNS_ASK_TCP, DNS_ASK_ONCE */
    bool ready;                 /* dns_send's: goes out as it is */
};

enum lane_state { LANE_UDP, LANE_TCP, LANE_DONE };

/* The conversation with one server. */
struct lane {
    const struct dns_server *server;
    enum lane_state state;
    int fd;
    uint16_t id;
    bool plain; /* without OPT */
    unsigned tries;
    int64_t resend; /* when to send again */
};

struct asking {
    const struct talk *talk;
    struct lane *lanes;
    size_t count;
    int64_t start, deadline;
    struct dns_answer *answer;
    dns_heard *heard;
    void *context;
};

static void finish(struct asking *a, struct lane *lane, enum dns_outcome outcome, int error)
{
    if (lane->fd >= 0)
        (void)close(lane->fd);
    lane->fd = -1;
    lane->state = LANE_DONE;
    a->answer->error = error;
    if (outcome != DNS_ANSWERED)
        a->answer->length = 0;
    a->heard(a->context, (size_t)(lane - a->lanes), outcome, a->answer);
}

static void put_u16(uint8_t *at, size_t number)
{
    at[0] = (uint8_t)(number >> 8);
    at[1] = (uint8_t)number;
}

/* The header as it goes to this server, and how many octets follow it. */
static size_t header_for(const struct talk *talk, const struct lane *lane,
                         uint8_t header[DNS_HEADER_SIZE])
{
    memcpy(header, talk->bytes, DNS_HEADER_SIZE);
    put_u16(header, lane->id);
    if (!lane->plain)
        return talk->length - DNS_HEADER_SIZE;
    put_u16(header + 10, 0);
    return talk->length - DNS_HEADER_SIZE - OPT_SIZE;
}

static int new_id(const struct talk *talk, struct lane *lane)
{
    lane->id = talk->message.id;
    return talk->ready ? 0 : tls_random(&lane->id, sizeof lane->id);
}

/* ---- is this the answer? ----------------------------------------------------------------------*/

enum verdict { NOT_OURS, OURS, UNREADABLE, CUT, REFUSES_OPT };

static bool same_question(const struct dns_message *ours, const struct dns_message *theirs)
{
    char name[DNS_NAME_SIZE], other[DNS_NAME_SIZE];
    uint16_t type = 0, klass = 0, other_type = 0, other_class = 0;
    if (theirs->counts[DNS_QUESTION] == 0)
        return (ours->flags & DNS_OPCODE_MASK) != 0 || (theirs->flags & 0xf) != DNS_NOERROR;
    return dns_question(ours, name, &type, &klass) == 1 &&
           dns_question(theirs, other, &other_type, &other_class) == 1 && type == other_type &&
           klass == other_class && name_equal(name, other);
}

static enum verdict judge(const struct talk *talk, const struct lane *lane,
                          struct dns_answer *answer)
{
    struct dns_message *m = &answer->message;
    if (answer->length < DNS_HEADER_SIZE)
        return NOT_OURS;
    int rc = dns_open(m, answer->bytes, answer->length);
    if (m->id != lane->id || (m->flags & DNS_FLAG_QR) == 0 ||
        ((m->flags ^ talk->message.flags) & DNS_OPCODE_MASK) != 0 || m->counts[DNS_QUESTION] > 1 ||
        !same_question(&talk->message, m))
        return NOT_OURS;
    /* A server may cut in the middle of a record. */
    if ((m->flags & DNS_FLAG_TC) != 0 && (!talk->ready || answer->tcp))
        return answer->tcp ? UNREADABLE : CUT;
    if (rc != 0)
        return UNREADABLE;
    if (!talk->ready && !lane->plain && !m->edns &&
        (m->rcode == DNS_FORMERR || m->rcode == DNS_NOTIMP))
        return REFUSES_OPT;
    return OURS;
}

/* ---- UDP --------------------------------------------------------------------------------------*/

static int open_udp(struct lane *lane)
{
    const struct dns_server *s = lane->server;
    struct sockaddr_storage to;
    socklen_t length = address_socket(&to, s->octets, s->length, s->port, s->scope);
    lane->fd = socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return lane->fd < 0 ? -1 : connect(lane->fd, (const struct sockaddr *)&to, length);
}

static bool passes(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR || error == ENOBUFS;
}

static int send_udp(const struct talk *talk, struct lane *lane)
{
    uint8_t header[DNS_HEADER_SIZE];
    size_t rest = header_for(talk, lane, header);
    struct iovec parts[2] = {{header, sizeof header},
                             {(uint8_t *)(uintptr_t)talk->bytes + sizeof header, rest}};
    struct msghdr datagram = {.msg_iov = parts, .msg_iovlen = 2};
    unsigned doubled = lane->tries < RESEND_TWICE ? lane->tries : RESEND_TWICE;
    lane->tries++;
    lane->resend = (talk->flags & DNS_ASK_ONCE) != 0
                       ? INT64_MAX
                       : time_ticks() + ((int64_t)RESEND_MS << doubled);
    return sendmsg(lane->fd, &datagram, MSG_NOSIGNAL) < 0 && !passes(errno) ? -1 : 0;
}

static void start_udp(struct asking *a, struct lane *lane)
{
    errno = 0;
    if (new_id(a->talk, lane) != 0 || open_udp(lane) != 0 || send_udp(a->talk, lane) != 0)
        finish(a, lane, DNS_UNREACHABLE, errno);
}

/* Anew, on another socket, without OPT. */
static void ask_plainly(struct asking *a, struct lane *lane)
{
    (void)close(lane->fd);
    lane->fd = -1;
    lane->plain = true;
    lane->tries = 0;
    start_udp(a, lane);
}

static void act_on(struct asking *a, struct lane *lane, enum verdict verdict)
{
    switch (verdict) {
    case OURS:
        finish(a, lane, DNS_ANSWERED, 0);
        break;
    case UNREADABLE:
        finish(a, lane, DNS_UNREADABLE, 0);
        break;
    case REFUSES_OPT:
        ask_plainly(a, lane);
        break;
    case CUT:
        (void)close(lane->fd);
        lane->fd = -1;
        lane->state = LANE_TCP;
        break;
    default:
        break;
    }
}

static void receive_udp(struct asking *a, struct lane *lane)
{
    struct dns_answer *answer = a->answer;
    for (unsigned i = 0; i < GLANCES; i++) {
        /* MSG_TRUNC: its whole length, also where that did not fit. */
        ssize_t n = recv(lane->fd, answer->bytes, answer->size, MSG_TRUNC);
        if (n < 0 && passes(errno))
            return;
        if (n < 0) {
            finish(a, lane, DNS_UNREACHABLE, errno);
            return;
        }
        answer->tcp = false;
        answer->length = (size_t)n < answer->size ? (size_t)n : answer->size;
        enum verdict verdict = judge(a->talk, lane, answer);
        if (verdict == NOT_OURS)
            continue;
        act_on(a, lane, (size_t)n > answer->size ? UNREADABLE : verdict);
        return;
    }
}

/* Sends what is due. When the next thing is due, or -1 where nobody is left to be heard. */
static int64_t send_due(struct asking *a)
{
    int64_t next = -1, now = time_ticks();
    bool cut = false;
    for (struct lane *lane = a->lanes; lane < a->lanes + a->count; lane++) {
        cut = cut || lane->state == LANE_TCP;
        if (lane->state != LANE_UDP)
            continue;
        if (now >= lane->resend && send_udp(a->talk, lane) != 0) {
            finish(a, lane, DNS_UNREACHABLE, errno);
            continue;
        }
        if (next < 0 || lane->resend < next)
            next = lane->resend;
    }
    /* The silent must not take the time of those who are to be asked over TCP. */
    int64_t until = cut ? a->start + (a->deadline - a->start) / 2 : a->deadline;
    if (next < 0 || now >= until)
        return -1;
    return next < until ? next : until;
}

static void talk_udp(struct asking *a)
{
    struct pollfd fds[DNS_SERVERS_MOST];
    int64_t next;
    for (size_t i = 0; i < a->count; i++)
        start_udp(a, &a->lanes[i]);
    while ((next = send_due(a)) >= 0) {
        int64_t left = next - time_ticks();
        for (size_t i = 0; i < a->count; i++)
            fds[i] = (struct pollfd){.fd = a->lanes[i].state == LANE_UDP ? a->lanes[i].fd : -1,
                                     .events = POLLIN};
        if (poll(fds, (nfds_t)a->count, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left) <= 0)
            continue;
        for (size_t i = 0; i < a->count; i++) {
            if (fds[i].fd >= 0 && fds[i].revents != 0)
                receive_udp(a, &a->lanes[i]);
        }
    }
    for (size_t i = 0; i < a->count; i++) {
        if (a->lanes[i].state == LANE_UDP)
            finish(a, &a->lanes[i], DNS_TIMEOUT, 0);
    }
}

/* ---- TCP --------------------------------------------------------------------------------------*/

/* All of LENGTH octets: 0 or an error of net.h. */
static int read_all(struct tcp *t, uint8_t *bytes, size_t length)
{
    while (length > 0) {
        int n = tcp_read(t, bytes, length);
        if (n == 0)
            errno = ECONNRESET;
        if (n <= 0)
            return n == 0 ? NET_FAILED : n;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

static int write_tcp(struct tcp *t, const struct talk *talk, const struct lane *lane,
                     struct dns_answer *answer)
{
    uint8_t header[DNS_HEADER_SIZE];
    size_t rest = header_for(talk, lane, header);
    /* Length and message in one piece: there are servers that read no further than the first
     * (RFC 7766 section 8). The answer's memory is free until it comes. */
    if (2 + sizeof header + rest > answer->size) {
        errno = EMSGSIZE;
        return NET_FAILED;
    }
    put_u16(answer->bytes, sizeof header + rest);
    memcpy(answer->bytes + 2, header, sizeof header);
    memcpy(answer->bytes + 2 + sizeof header, talk->bytes + sizeof header, rest);
    return tcp_write(t, answer->bytes, 2 + sizeof header + rest);
}

/* One message of the stream; longer than the memory it is unreadable, and so is what follows. */
static int read_tcp(struct tcp *t, const struct talk *talk, const struct lane *lane,
                    struct dns_answer *answer, enum verdict *verdict)
{
    uint8_t prefix[2];
    int rc = read_all(t, prefix, sizeof prefix);
    if (rc != 0)
        return rc;
    answer->tcp = true;
    answer->length = (size_t)prefix[0] << 8 | prefix[1];
    *verdict = UNREADABLE;
    if (answer->length > answer->size)
        return 0;
    rc = read_all(t, answer->bytes, answer->length);
    if (rc == 0)
        *verdict = judge(talk, lane, answer);
    return rc;
}

static int converse(const struct talk *talk, struct lane *lane, int64_t deadline,
                    struct dns_answer *answer, enum verdict *verdict)
{
    char address[DNS_SERVER_TEXT_SIZE];
    struct buf b = BUF_OVER(address);
    struct dns_server host = *lane->server;
    struct net_words why;
    struct tcp t;
    host.port = DNS_PORT;
    dns_server_print(&b, &host);
    errno = 0;
    if (new_id(talk, lane) != 0)
        return NET_FAILED;
    int rc = tcp_connect(&t, address, lane->server->port, INT_MAX, deadline, &why);
    if (rc != 0)
        return rc;
    rc = write_tcp(&t, talk, lane, answer);
    *verdict = NOT_OURS;
    while (rc == 0 && *verdict == NOT_OURS)
        rc = read_tcp(&t, talk, lane, answer, verdict);
    int error = errno;
    tcp_close(&t);
    errno = error;
    return rc;
}

static void talk_tcp(struct asking *a, struct lane *lane, int64_t deadline)
{
    enum verdict verdict = NOT_OURS;
    int rc = converse(a->talk, lane, deadline, a->answer, &verdict);
    if (rc == 0 && verdict == REFUSES_OPT) {
        lane->plain = true;
        rc = converse(a->talk, lane, deadline, a->answer, &verdict);
    }
    if (rc != 0)
        finish(a, lane, rc == NET_TIMEOUT ? DNS_TIMEOUT : DNS_UNREACHABLE,
               rc == NET_TIMEOUT ? 0 : errno);
    else
        finish(a, lane, verdict == OURS ? DNS_ANSWERED : DNS_UNREADABLE, 0);
}

/* ---- all of it --------------------------------------------------------------------------------*/

static void ask_lanes(struct asking *a, const struct dns_server *servers)
{
    struct lane lanes[DNS_SERVERS_MOST];
    bool tcp = (a->talk->flags & DNS_ASK_TCP) != 0;
    size_t left = 0;
    memset(lanes, 0, sizeof lanes);
    a->lanes = lanes;
    a->start = time_ticks();
    for (size_t i = 0; i < a->count; i++)
        lanes[i] =
            (struct lane){.server = &servers[i], .fd = -1, .state = tcp ? LANE_TCP : LANE_UDP};
    if (!tcp)
        talk_udp(a);
    for (size_t i = 0; i < a->count; i++)
        left += lanes[i].state == LANE_TCP;
    for (size_t i = 0; i < a->count; i++) {
        int64_t now = time_ticks();
        if (lanes[i].state == LANE_TCP)
            talk_tcp(a, &lanes[i], now + (a->deadline - now) / (int64_t)left--);
    }
    a->lanes = NULL;
}

void dns_ask_all(const struct dns_server *servers, size_t count, const struct dns_ask *ask,
                 int64_t deadline, struct dns_answer *answer, dns_heard *heard, void *context)
{
    uint8_t query[QUERY_SIZE];
    struct dns_builder b;
    struct talk talk = {.bytes = query, .flags = ask->flags};
    struct asking a = {.talk = &talk,
                       .count = count < DNS_SERVERS_MOST ? count : DNS_SERVERS_MOST,
                       .deadline = deadline,
                       .answer = answer,
                       .heard = heard,
                       .context = context};
    unsigned flags = ((ask->flags & DNS_ASK_RD) != 0 ? (unsigned)DNS_FLAG_RD : 0) |
                     ((ask->flags & DNS_ASK_CD) != 0 ? (unsigned)DNS_FLAG_CD : 0);
    dns_begin(&b, query, sizeof query, 0, (uint16_t)flags);
    dns_put_question(&b, ask->name, ask->type, DNS_CLASS_IN);
    dns_put_edns(&b, (ask->flags & DNS_ASK_DO) != 0);
    int length = dns_finish(&b);
    bool fit = length > 0 && dns_open(&talk.message, query, (size_t)length) == 0;
    talk.length = fit ? (size_t)length : 0;
    if (fit)
        ask_lanes(&a, servers);
    for (size_t i = fit ? a.count : 0; i < count; i++) {
        answer->error = fit ? E2BIG : EINVAL;
        heard(context, i, DNS_UNREACHABLE, answer);
    }
}

static void note(void *context, size_t index, enum dns_outcome outcome, struct dns_answer *answer)
{
    (void)index;
    (void)answer;
    *(enum dns_outcome *)context = outcome;
}

enum dns_outcome dns_ask(const struct dns_server *server, const struct dns_ask *ask,
                         int64_t deadline, struct dns_answer *answer)
{
    enum dns_outcome outcome = DNS_TIMEOUT;
    dns_ask_all(server, 1, ask, deadline, answer, note, &outcome);
    return outcome;
}

enum dns_outcome dns_send(const struct dns_server *server, const uint8_t *message, size_t length,
                          unsigned flags, int64_t deadline, struct dns_answer *answer)
{
    enum dns_outcome outcome = DNS_TIMEOUT;
    struct talk talk = {.bytes = message, .length = length, .flags = flags, .ready = true};
    struct asking a = {.talk = &talk,
                       .count = 1,
                       .deadline = deadline,
                       .answer = answer,
                       .heard = note,
                       .context = &outcome};
    if (dns_open(&talk.message, message, length) != 0) {
        answer->error = EINVAL;
        return DNS_UNREACHABLE;
    }
    ask_lanes(&a, server);
    return outcome;
}
