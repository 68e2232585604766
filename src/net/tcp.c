#include "net/tcp.h"

#include "base/buf.h"
#include "base/fault.h"
#include "base/time.h"
#include "net/address.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More addresses than any provider has; a zone with more would only spend the deadline. */
#define ADDRESSES_MOST 16
/* What a server may still have under way: its flight of a handshake, with a long chain. */
#define DRAIN_MOST 65536

/* Waits for EVENTS on FD. 0, NET_TIMEOUT, or NET_FAILED with errno. */
static int wait_for(int fd, short events, int64_t deadline)
{
    struct pollfd p = {.fd = fd, .events = events};
    for (;;) {
        int64_t left = deadline - time_ticks();
        if (left <= 0)
            return NET_TIMEOUT;
        int n = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
        /* A signal only sets a flag, which is looked at between steps. */
        if (n < 0 && errno != EINTR)
            return NET_FAILED;
        if (n > 0)
            return 0;
    }
}

/* A non-blocking socket of its own connected to one address. */
static int connect_one(const struct address *a, uint16_t port, int64_t deadline, int *connected)
{
    const int on = 1;
    struct sockaddr_storage to;
    socklen_t length = address_socket(&to, a->octets, a->length, port, a->scope);
    int rc = NET_FAILED, error = 0;
    socklen_t size = sizeof error;
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return NET_FAILED;
    /* Requests are written as wholes: nothing is gained by waiting for more of them. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (const struct sockaddr *)&to, length) != 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            goto out;
        rc = wait_for(fd, POLLOUT, deadline);
        if (rc != 0)
            goto out;
        rc = NET_FAILED;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            goto out;
        if (error != 0) {
            errno = error;
            goto out;
        }
    }
    *connected = fd;
    return 0;
out:
    error = errno;
    (void)close(fd);
    errno = error;
    return rc;
}

static void say_address(struct net_words *why, const struct address *a, uint16_t port,
                        const char *what)
{
    struct buf b = BUF_OVER(why->text);
    address_print(&b, a->octets, a->length);
    buf_printf(&b, " port %u: %s", (unsigned)port, what);
}

/* The number of the next address of a family (or of the other), from I on. */
static size_t next_of(const struct address_list *found, size_t i, size_t family, bool same)
{
    while (i < found->count && (found->list[i].length == family) != same)
        i++;
    return i;
}

/*
 * One family after the other in turn, beginning with the first one's (RFC 8305 section 4): a host
 * whose IPv6 is broken costs one timeout, not one for each of its addresses.
 */
static int connect_any(struct tcp *t, const struct address_list *found, uint16_t port,
                       int64_t connect_ms, struct net_words *why)
{
    const size_t family = found->list[0].length;
    size_t turn[2] = {0, next_of(found, 0, family, false)};
    int rc = NET_FAILED;
    for (unsigned tried = 0, i = 0; tried < ADDRESSES_MOST; i ^= 1) {
        if (turn[i] == found->count && turn[i ^ 1] == found->count)
            break;
        if (turn[i] == found->count)
            continue;
        const struct address *a = &found->list[turn[i]];
        turn[i] = next_of(found, turn[i] + 1, family, i == 0);
        tried++;
        int64_t now = time_ticks();
        if (now >= t->deadline)
            return NET_TIMEOUT;
        int64_t until = t->deadline - now < connect_ms ? t->deadline : now + connect_ms;
        rc = connect_one(a, port, until, &t->fd);
        if (rc == 0)
            return 0;
        say_address(why, a, port, rc == NET_TIMEOUT ? "no answer" : fault_words(errno));
    }
    return rc;
}

int tcp_connect(struct tcp *t, const char *host, uint16_t port, int64_t connect_ms,
                int64_t deadline, struct net_words *why)
{
    struct buf words = BUF_OVER(why->text);
    struct address_list found;
    t->fd = -1;
    t->deadline = deadline;
    if (address_look_up(host, &found, why) != 0)
        return NET_NO_ADDRESS;
    buf_text(&words, "no time left after the lookup of the name");
    return connect_any(t, &found, port, connect_ms, why);
}

/* IPv4 before IPv6, then octet by octet: what DNS shuffles stays in its place. */
static int compare_addresses(const char *a, const char *b)
{
    uint8_t left[ADDRESS_V6], right[ADDRESS_V6];
    size_t left_length = address_read(a, left), right_length = address_read(b, right);
    if (left_length != right_length)
        return left_length < right_length ? -1 : 1;
    return memcmp(left, right, left_length);
}

static void add_address(struct tcp_addresses *list, const char *text)
{
    size_t at = 0;
    int order = 1;
    while (at < list->count && (order = compare_addresses(list->text[at], text)) < 0)
        at++;
    if (at < list->count && order == 0)
        return;
    if (list->count == TCP_ADDRESSES_MOST) {
        list->cut = true;
        return;
    }
    memmove(list->text[at + 1], list->text[at], (list->count - at) * TCP_ADDRESS_SIZE);
    memcpy(list->text[at], text, TCP_ADDRESS_SIZE);
    list->count++;
}

static bool is_link_local(const struct address *a)
{
    return a->length == ADDRESS_V6 && a->octets[0] == 0xfe && (a->octets[1] & 0xc0) == 0x80;
}

int tcp_addresses(const char *host, struct tcp_addresses *list, struct net_words *why)
{
    struct address_list found;
    if (address_look_up(host, &found, why) != 0)
        return NET_NO_ADDRESS;
    for (const struct address *a = found.list; a < found.list + found.count; a++) {
        char text[TCP_ADDRESS_SIZE] = "";
        struct buf b = BUF_OVER(text);
        address_print(&b, a->octets, a->length);
        if (!is_link_local(a))
            add_address(list, text);
    }
    return 0;
}

void tcp_local(const struct tcp *t, struct buf *b)
{
    struct sockaddr_storage address;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    socklen_t size = sizeof address;
    if (getsockname(t->fd, (struct sockaddr *)&address, &size) != 0)
        return;
    memcpy(&v4, &address, sizeof v4);
    memcpy(&v6, &address, sizeof v6);
    if (address.ss_family == AF_INET)
        address_print(b, (const uint8_t *)&v4.sin_addr, ADDRESS_V4);
    else
        address_print(b, v6.sin6_addr.s6_addr, ADDRESS_V6);
}

int tcp_read(struct tcp *t, void *bytes, size_t size)
{
    for (;;) {
        /* Also where octets are always there: a peer that never stops must not outlast us. */
        if (time_ticks() >= t->deadline)
            return NET_TIMEOUT;
        ssize_t n = recv(t->fd, bytes, size > INT_MAX ? INT_MAX : size, 0);
        if (n >= 0)
            return (int)n;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return NET_FAILED;
        int rc = wait_for(t->fd, POLLIN, t->deadline);
        if (rc != 0)
            return rc;
    }
}

int tcp_write(struct tcp *t, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    while (length > 0) {
        if (time_ticks() >= t->deadline)
            return NET_TIMEOUT;
        ssize_t n = send(t->fd, at, length, MSG_NOSIGNAL);
        if (n >= 0) {
            at += n;
            length -= (size_t)n;
            continue;
        }
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return NET_FAILED;
        int rc = wait_for(t->fd, POLLOUT, t->deadline);
        if (rc != 0)
            return rc;
    }
    return 0;
}

void tcp_drain(struct tcp *t, int64_t ms)
{
    char unread[512];
    t->deadline = time_ticks() + ms;
    for (size_t octets = 0; octets < DRAIN_MOST; octets += sizeof unread) {
        if (tcp_read(t, unread, sizeof unread) <= 0)
            return;
    }
}

void tcp_close(struct tcp *t)
{
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
}
