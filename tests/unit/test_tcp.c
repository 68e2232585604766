/* TCP against sockets of the test itself on loopback: deadlines, ends, resets, addresses in turn.
 */
#include "base/time.h"
#include "net/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#define SOON  150   /* a deadline that is meant to pass */
#define LATER 20000 /* one that is not */

static struct net_words why;

/* A socket on a port of loopback that the kernel picks; not listening where BACKLOG is negative. */
static int local_socket(int family, int backlog, uint16_t *port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
    socklen_t size = family == AF_INET ? sizeof v4 : sizeof v6;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, address, size) != 0) {
        (void)close(fd);
        return -1;
    }
    assert_int_equal(getsockname(fd, address, &size), 0);
    *port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

struct pair {
    struct tcp ours;
    int theirs;
};

static struct pair connected(void)
{
    struct pair p;
    uint16_t port;
    int listener = local_socket(AF_INET, 1, &port);
    assert_true(listener >= 0);
    assert_int_equal(tcp_connect(&p.ours, "127.0.0.1", port, LATER, time_ticks() + LATER, &why), 0);
    p.theirs = accept(listener, NULL, NULL);
    assert_true(p.theirs >= 0);
    (void)close(listener);
    return p;
}

static void parted(struct pair *p)
{
    if (p->theirs >= 0)
        (void)close(p->theirs);
    tcp_close(&p->ours);
    assert_int_equal(p->ours.fd, -1);
    tcp_close(&p->ours);
}

static void talks(void **state)
{
    struct pair p = connected();
    char bytes[8];
    (void)state;
    assert_int_equal(tcp_write(&p.ours, "hello", 5), 0);
    assert_int_equal(recv(p.theirs, bytes, sizeof bytes, 0), 5);
    assert_int_equal(send(p.theirs, "world!", 6, 0), 6);
    assert_int_equal(tcp_read(&p.ours, bytes, 4), 4);
    assert_memory_equal(bytes, "worl", 4);
    assert_int_equal(tcp_read(&p.ours, bytes, sizeof bytes), 2);
    assert_int_equal(tcp_write(&p.ours, "", 0), 0);
    (void)close(p.theirs);
    p.theirs = -1;
    assert_int_equal(tcp_read(&p.ours, bytes, sizeof bytes), 0);
    parted(&p);
}

static void socket_is_private(void **state)
{
    struct pair p = connected();
    (void)state;
    assert_true((fcntl(p.ours.fd, F_GETFD) & FD_CLOEXEC) != 0);
    assert_true((fcntl(p.ours.fd, F_GETFL) & O_NONBLOCK) != 0);
    parted(&p);
}

/* qemu-user before 8.0 tells SO_ERROR in the host's numbers, and MIPS has others. */
#define HOST_REFUSED 111

static void refused(void **state)
{
    struct tcp t;
    uint16_t port;
    char words[64];
    int bound = local_socket(AF_INET, -1, &port);
    (void)state;
    assert_int_equal(tcp_connect(&t, "127.0.0.1", port, LATER, time_ticks() + LATER, &why),
                     NET_FAILED);
    assert_int_equal(t.fd, -1);
    (void)close(bound);
    if (ECONNREFUSED != HOST_REFUSED && strstr(why.text, "system error 111") != NULL)
        skip();
    (void)snprintf(words, sizeof words, "127.0.0.1 port %u: %s", (unsigned)port,
                   strerror(ECONNREFUSED));
    assert_string_equal(why.text, words);
}

/* A listener whose queue is full drops further connections without a word. */
static void connect_times_out(void **state)
{
    struct tcp t;
    uint16_t port;
    int queued[64], count = 0;
    int listener = local_socket(AF_INET, 0, &port);
    struct sockaddr_in v4 = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    (void)state;
    for (bool full = false; !full && count < 64; count++) {
        queued[count] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(queued[count], (struct sockaddr *)&v4, sizeof v4);
        struct pollfd p = {.fd = queued[count], .events = POLLOUT};
        full = poll(&p, 1, SOON) == 0;
    }
    assert_true(count < 64);
    int64_t start = time_ticks();
    assert_int_equal(tcp_connect(&t, "127.0.0.1", port, SOON, start + LATER, &why), NET_TIMEOUT);
    assert_in_range(time_ticks() - start, SOON, LATER / 2);
    assert_non_null(strstr(why.text, "no answer"));
    /* The deadline beats the time for one address. */
    start = time_ticks();
    assert_int_equal(tcp_connect(&t, "127.0.0.1", port, LATER, start + SOON, &why), NET_TIMEOUT);
    assert_in_range(time_ticks() - start, SOON, LATER / 2);
    while (count > 0)
        (void)close(queued[--count]);
    (void)close(listener);
}

static void deadline_passed(void **state)
{
    struct tcp t;
    uint16_t port;
    char byte;
    int listener = local_socket(AF_INET, 1, &port);
    (void)state;
    assert_int_equal(tcp_connect(&t, "127.0.0.1", port, LATER, time_ticks() - 1, &why),
                     NET_TIMEOUT);
    assert_int_equal(t.fd, -1);
    assert_true(why.text[0] != '\0');
    (void)close(listener);
    struct pair p = connected();
    assert_int_equal(send(p.theirs, "x", 1, 0), 1);
    p.ours.deadline = time_ticks();
    /* Although there is something to read, and room to write. */
    assert_int_equal(tcp_read(&p.ours, &byte, 1), NET_TIMEOUT);
    assert_int_equal(tcp_write(&p.ours, "x", 1), NET_TIMEOUT);
    p.ours.deadline = time_ticks() + LATER;
    assert_int_equal(tcp_read(&p.ours, &byte, 1), 1);
    parted(&p);
}

static void read_times_out(void **state)
{
    struct pair p = connected();
    char byte;
    int64_t start = time_ticks();
    (void)state;
    p.ours.deadline = start + SOON;
    assert_int_equal(tcp_read(&p.ours, &byte, 1), NET_TIMEOUT);
    assert_in_range(time_ticks() - start, SOON, LATER);
    parted(&p);
}

static void write_times_out(void **state)
{
    static char bytes[1 << 20];
    struct pair p = connected();
    int rc = 0;
    (void)state;
    p.ours.deadline = time_ticks() + SOON;
    /* Nobody reads: some MB fit into the buffers, not 64. */
    for (int i = 0; i < 64 && rc == 0; i++)
        rc = tcp_write(&p.ours, bytes, sizeof bytes);
    assert_int_equal(rc, NET_TIMEOUT);
    parted(&p);
}

static void reset_by_peer(void **state)
{
    struct pair p = connected();
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    char byte;
    (void)state;
    assert_int_equal(setsockopt(p.theirs, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    (void)close(p.theirs);
    p.theirs = -1;
    assert_int_equal(tcp_read(&p.ours, &byte, 1), NET_FAILED);
    assert_int_equal(errno, ECONNRESET);
    /* With SIGPIPE's default the process would be gone. */
    assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
    assert_int_equal(tcp_write(&p.ours, "x", 1), NET_FAILED);
    assert_int_equal(errno, EPIPE);
    parted(&p);
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void goes_on_after_a_signal(void **state)
{
    struct pair p = connected();
    struct sigaction action = {.sa_handler = count_signal}; /* no SA_RESTART */
    struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
    char byte;
    (void)state;
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
    int64_t start = time_ticks();
    p.ours.deadline = start + SOON;
    int rc = tcp_read(&p.ours, &byte, 1);
    assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    assert_int_equal(rc, NET_TIMEOUT);
    assert_in_range(time_ticks() - start, SOON, LATER);
    assert_true(signals > 0);
    parted(&p);
}

static void names_are_looked_up(void **state)
{
    struct tcp t;
    uint16_t port;
    int listener = local_socket(AF_INET, 4, &port);
    (void)state;
    /* Where localhost has ::1 too, nobody listens there: the next address is tried. */
    assert_int_equal(tcp_connect(&t, "localhost", port, LATER, time_ticks() + LATER, &why), 0);
    tcp_close(&t);
    assert_int_equal(tcp_connect(&t, "127.0.0.1", port, LATER, time_ticks() + LATER, &why), 0);
    tcp_close(&t);
    (void)close(listener);
    /* Neither resolver nor network may be asked for what cannot be a name. */
    assert_int_equal(tcp_connect(&t, "", port, SOON, time_ticks() + SOON, &why), NET_NO_ADDRESS);
    assert_int_equal(tcp_connect(&t, "1.2.3.4.5.6\001", port, SOON, time_ticks() + SOON, &why),
                     NET_NO_ADDRESS);
    assert_null(strchr(why.text, '\001'));
    assert_non_null(strstr(why.text, "1.2.3.4.5.6? "));
}

static void address_of_version_six(void **state)
{
    struct tcp t;
    uint16_t port;
    int listener = local_socket(AF_INET6, 4, &port);
    (void)state;
    if (listener < 0)
        skip(); /* a kernel without IPv6 */
    assert_int_equal(tcp_connect(&t, "::1", port, LATER, time_ticks() + LATER, &why), 0);
    tcp_close(&t);
    (void)close(listener);
    assert_int_equal(tcp_connect(&t, "::1", port, LATER, time_ticks() + LATER, &why), NET_FAILED);
    assert_ptr_equal(strstr(why.text, "::1 port "), why.text);
}

static void own_address(void **state)
{
    struct pair p = connected();
    struct tcp none = {-1, 0};
    char text[TCP_ADDRESS_SIZE];
    struct buf b = BUF_OVER(text);
    (void)state;
    tcp_local(&p.ours, &b);
    assert_string_equal(text, "127.0.0.1");
    parted(&p);
    buf_reset(&b);
    tcp_local(&none, &b);
    assert_string_equal(text, "");
}

/* Until the peer's end, until the time is over, and until there was more than anybody has to say.
 */
static void drains(void **state)
{
    static char bytes[100000];
    struct pair p = connected();
    (void)state;
    p.ours.deadline = time_ticks() - 1;
    assert_int_equal(send(p.theirs, bytes, 5000, 0), 5000);
    (void)close(p.theirs);
    p.theirs = -1;
    int64_t start = time_ticks();
    tcp_drain(&p.ours, LATER);
    assert_in_range(time_ticks() - start, 0, LATER / 2);
    p.ours.deadline = time_ticks() + LATER;
    assert_int_equal(tcp_read(&p.ours, bytes, 1), 0);
    parted(&p);
    p = connected();
    start = time_ticks();
    tcp_drain(&p.ours, SOON);
    assert_in_range(time_ticks() - start, SOON, LATER / 2);
    assert_int_equal(send(p.theirs, bytes, sizeof bytes, 0), sizeof bytes);
    tcp_drain(&p.ours, LATER);
    assert_true(tcp_read(&p.ours, bytes, 1) == 1);
    parted(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(talks),
        cmocka_unit_test(socket_is_private),
        cmocka_unit_test(refused),
        cmocka_unit_test(connect_times_out),
        cmocka_unit_test(deadline_passed),
        cmocka_unit_test(read_times_out),
        cmocka_unit_test(write_times_out),
        cmocka_unit_test(reset_by_peer),
        cmocka_unit_test(goes_on_after_a_signal),
        cmocka_unit_test(names_are_looked_up),
        cmocka_unit_test(address_of_version_six),
        cmocka_unit_test(own_address),
        cmocka_unit_test(drains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
