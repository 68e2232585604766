#include "net/tcp.h"

#include "base/buf.h"
#include "base/fault.h"
#include "base/name.h"
#include "base/time.h"
#include "net/address.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* More addresses than any provider has; a zone with more would only spend the deadline. */
#define ADDRESSES_MOST 16
#define PORT_SIZE      6
/* What a server may still have under way: its flight of a handshake, with a long chain. */
#define DRAIN_MOST 65536

/* The name exists, but has no address. glibc shows it only with _GNU_SOURCE, musl always. */
#ifdef EAI_NODATA
#define NO_ADDRESS EAI_NODATA
#else
#define NO_ADDRESS (-5)
#endif

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
static int connect_one(const struct addrinfo *a, int64_t deadline, int *connected)
{
    const int on = 1;
    int rc = NET_FAILED, error = 0;
    socklen_t size = sizeof error;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0)
        return NET_FAILED;
    /* Requests are written as wholes: nothing is gained by waiting for more of them. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
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

static void put_address(struct buf *b, const void *address, int family)
{
    if (family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof v4);
        address_print(b, (const uint8_t *)&v4.sin_addr, ADDRESS_V4);
    } else if (family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof v6);
        address_print(b, v6.sin6_addr.s6_addr, ADDRESS_V6);
    }
}

static void say_address(struct net_words *why, const struct addrinfo *a, uint16_t port,
                        const char *what)
{
    struct buf b = BUF_OVER(why->text);
    put_address(&b, a->ai_addr, a->ai_family);
    buf_printf(&b, " port %u: %s", (unsigned)port, what);
}

static void say_lookup(struct net_words *why, const char *host, int error)
{
    const char *what = "could not be looked up";
    struct buf b = BUF_OVER(why->text);
    if (error == EAI_NONAME || error == NO_ADDRESS)
        what = "has no address";
    else if (error == EAI_AGAIN)
        what = "could not be looked up: the name server does not answer";
    else if (error == EAI_FAIL)
        what = "could not be looked up: the name server answers with an error";
    else if (error == EAI_MEMORY)
        what = "could not be looked up: no memory";
    buf_clean(&b, host, strlen(host));
    buf_printf(&b, " %s", what);
}

/* The next address of the family (or of any other), from A on. */
static const struct addrinfo *next_of(const struct addrinfo *a, int family, bool same)
{
    while (a != NULL && (a->ai_family == family) != same)
        a = a->ai_next;
    return a;
}

/*
 * One family after the other in turn, beginning with the one that libc prefers (RFC 8305 section
 * 4): a host whose IPv6 is broken costs one timeout, not one for each of its addresses.
 */
static int connect_any(struct tcp *t, const struct addrinfo *list, uint16_t port,
                       int64_t connect_ms, struct net_words *why)
{
    const int family = list->ai_family;
    const struct addrinfo *turn[2] = {list, next_of(list, family, false)};
    int rc = NET_FAILED;
    for (unsigned tried = 0, i = 0; tried < ADDRESSES_MOST; i ^= 1) {
        const struct addrinfo *a = turn[i];
        if (a == NULL && turn[i ^ 1] == NULL)
            break;
        if (a == NULL)
            continue;
        turn[i] = next_of(a->ai_next, family, i == 0);
        tried++;
        int64_t now = time_ticks();
        if (now >= t->deadline)
            return NET_TIMEOUT;
        int64_t until = t->deadline - now < connect_ms ? t->deadline : now + connect_ms;
        rc = connect_one(a, until, &t->fd);
        if (rc == 0)
            return 0;
        say_address(why, a, port, rc == NET_TIMEOUT ? "no answer" : fault_words(errno));
    }
    return rc;
}

/* Every address of HOST; the list is to be freed. NULL with the words. */
static struct addrinfo *look_up(const char *host, uint16_t port, struct net_words *why)
{
    /* Not AI_ADDRCONFIG: on a machine with nothing but loopback glibc then finds no address at all,
     * and an address of a family that is not there fails at once. */
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    char service[PORT_SIZE];
    struct buf b = BUF_OVER(service);
    buf_u64(&b, port);
    /* RFC 6761 section 6.3: loopback, whatever a hosts file (there may be none) or DNS says. */
    const char *node = name_equal(host, "localhost") ? NULL : host;
    int error = getaddrinfo(node, service, &hints, &list);
    if (error == 0 && list != NULL)
        return list;
    say_lookup(why, host, error);
    return NULL;
}

int tcp_connect(struct tcp *t, const char *host, uint16_t port, int64_t connect_ms,
                int64_t deadline, struct net_words *why)
{
    struct buf words = BUF_OVER(why->text);
    t->fd = -1;
    t->deadline = deadline;
    struct addrinfo *list = look_up(host, port, why);
    if (list == NULL)
        return NET_NO_ADDRESS;
    buf_text(&words, "no time left after the lookup of the name");
    int rc = connect_any(t, list, port, connect_ms, why);
    freeaddrinfo(list);
    return rc;
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

static bool is_link_local(const struct addrinfo *a)
{
    struct sockaddr_in6 v6;
    if (a->ai_family != AF_INET6)
        return false;
    memcpy(&v6, a->ai_addr, sizeof v6);
    return IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr);
}

int tcp_addresses(const char *host, struct tcp_addresses *list, struct net_words *why)
{
    struct addrinfo *found = look_up(host, 0, why);
    if (found == NULL)
        return NET_NO_ADDRESS;
    for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        char text[TCP_ADDRESS_SIZE] = "";
        struct buf b = BUF_OVER(text);
        put_address(&b, a->ai_addr, a->ai_family);
        if (b.used > 0 && !is_link_local(a))
            add_address(list, text);
    }
    freeaddrinfo(found);
    return 0;
}

void tcp_local(const struct tcp *t, struct buf *b)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(t->fd, (struct sockaddr *)&address, &size) == 0)
        put_address(b, &address, address.ss_family);
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
