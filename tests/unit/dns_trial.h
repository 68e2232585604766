/*
 * Name servers of the test's own on loopback, each a thread with UDP and TCP on one port, whose
 * answers the test writes.
 */
#ifndef DNS_TRIAL_H
#define DNS_TRIAL_H

#include "dns/message.h"
#include "dns/query.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define FAKE_HELD 16 /* connections kept open without a word */

struct fake;

/* One message that came in; a thread has one at a time. */
struct fake_call {
    struct fake *fake;
    uint8_t query[4096];
    size_t length;
    struct dns_message message; /* the same, opened, where `opened` */
    bool opened;
    char name[DNS_NAME_SIZE]; /* of its question */
    uint16_t type;
    int tcp; /* the connection, or -1 */
    struct sockaddr_in peer;
    bool hold; /* set by the handler: the connection stays open */
};

typedef void fake_handler(struct fake_call *call, void *context);

struct fake {
    struct dns_server server; /* its address, for the code under test */
    fake_handler *handler;
    void *context;
    int udp, listener, stop[2];
    pthread_t thread;
    atomic_int asked_udp, asked_tcp;
    int held[FAKE_HELD];
    size_t held_count;
    struct fake_call call;
};

static inline void fake_send(struct fake_call *call, const void *bytes, size_t length)
{
    if (call->tcp < 0) {
        (void)sendto(call->fake->udp, bytes, length, 0, (const struct sockaddr *)&call->peer,
                     sizeof call->peer);
        return;
    }
    uint8_t prefix[2] = {(uint8_t)(length >> 8), (uint8_t)length};
    (void)send(call->tcp, prefix, sizeof prefix, MSG_NOSIGNAL);
    (void)send(call->tcp, bytes, length, MSG_NOSIGNAL);
}

/* Begins an answer to the call: its id, its question, QR and FLAGS. */
static inline void fake_begin(struct dns_builder *b, void *bytes, size_t size,
                              const struct fake_call *call, unsigned flags)
{
    dns_begin(b, bytes, size, call->message.id,
              (uint16_t)(DNS_FLAG_QR | flags | (call->message.flags & DNS_OPCODE_MASK)));
    if (call->message.counts[DNS_QUESTION] > 0)
        dns_put_question(b, call->name, call->type, DNS_CLASS_IN);
}

static inline void fake_finish(struct fake_call *call, struct dns_builder *b)
{
    int length = dns_finish(b);
    if (length > 0)
        fake_send(call, b->bytes, (size_t)length);
}

static inline void fake_handle(struct fake *f)
{
    struct fake_call *call = &f->call;
    uint16_t klass;
    call->opened = dns_open(&call->message, call->query, call->length) == 0 &&
                   dns_question(&call->message, call->name, &call->type, &klass) >= 0;
    atomic_fetch_add(call->tcp < 0 ? &f->asked_udp : &f->asked_tcp, 1);
    f->handler(call, f->context);
}

static inline void fake_connection(struct fake *f)
{
    struct fake_call *call = &f->call;
    uint8_t prefix[2];
    call->tcp = accept(f->listener, NULL, NULL);
    call->hold = false;
    if (call->tcp < 0)
        return;
    if (recv(call->tcp, prefix, 2, MSG_WAITALL) == 2) {
        call->length = (size_t)prefix[0] << 8 | prefix[1];
        if (call->length <= sizeof call->query &&
            recv(call->tcp, call->query, call->length, MSG_WAITALL) == (ssize_t)call->length)
            fake_handle(f);
    }
    if (call->hold && f->held_count < FAKE_HELD)
        f->held[f->held_count++] = call->tcp;
    else
        (void)close(call->tcp);
}

static inline void *fake_thread(void *context)
{
    struct fake *f = context;
    struct pollfd fds[3] = {{.fd = f->udp, .events = POLLIN},
                            {.fd = f->listener, .events = POLLIN},
                            {.fd = f->stop[0], .events = POLLIN}};
    while (poll(fds, 3, -1) >= 0 && fds[2].revents == 0) {
        if (fds[0].revents != 0) {
            socklen_t size = sizeof f->call.peer;
            ssize_t n = recvfrom(f->udp, f->call.query, sizeof f->call.query, 0,
                                 (struct sockaddr *)&f->call.peer, &size);
            f->call.tcp = -1;
            f->call.length = n < 0 ? 0 : (size_t)n;
            if (n >= 0)
                fake_handle(f);
        }
        if (fds[1].revents != 0)
            fake_connection(f);
    }
    return NULL;
}

/* Both sockets on one port of 127.0.0.LAST; -1 where the port is taken. */
static inline int fake_bind(struct fake *f, unsigned last, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof a;
    const int on = 1;
    a.sin_addr.s_addr = htonl(0x7f000000u + last);
    f->udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    f->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(f->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(f->udp, (struct sockaddr *)&a, size) == 0 &&
        getsockname(f->udp, (struct sockaddr *)&a, &size) == 0 &&
        bind(f->listener, (struct sockaddr *)&a, size) == 0 && listen(f->listener, 8) == 0) {
        f->server.length = ADDRESS_V4;
        memcpy(f->server.octets, &a.sin_addr, ADDRESS_V4);
        f->server.port = ntohs(a.sin_port);
        return 0;
    }
    (void)close(f->udp);
    (void)close(f->listener);
    return -1;
}

static inline void fake_run(struct fake *f, fake_handler *handler, void *context)
{
    f->call.fake = f;
    f->handler = handler;
    f->context = context;
    assert_int_equal(pipe(f->stop), 0);
    assert_int_equal(pthread_create(&f->thread, NULL, fake_thread, f), 0);
}

/* COUNT servers on 127.0.0.FIRST and up, all on one port. */
static inline void fake_start(struct fake *fakes, size_t count, unsigned first,
                              fake_handler *handler, void *const *contexts)
{
    for (int tries = 0; tries < 50; tries++) {
        size_t bound = 0;
        memset(fakes, 0, count * sizeof *fakes);
        while (bound < count && fake_bind(&fakes[bound], first + (unsigned)bound,
                                          bound == 0 ? 0 : fakes[0].server.port) == 0)
            bound++;
        if (bound == count) {
            for (size_t i = 0; i < count; i++)
                fake_run(&fakes[i], handler, contexts == NULL ? NULL : contexts[i]);
            return;
        }
        while (bound-- > 0) {
            (void)close(fakes[bound].udp);
            (void)close(fakes[bound].listener);
        }
    }
    fail_msg("no port that is free on %zu addresses", count);
}

static inline void fake_stop(struct fake *fakes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct fake *f = &fakes[i];
        assert_int_equal(write(f->stop[1], "", 1), 1);
        assert_int_equal(pthread_join(f->thread, NULL), 0);
        (void)close(f->stop[0]);
        (void)close(f->stop[1]);
        (void)close(f->udp);
        (void)close(f->listener);
        while (f->held_count > 0)
            (void)close(f->held[--f->held_count]);
    }
}

#endif
