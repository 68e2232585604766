/*
 * The look in clear text and the lists of certificates: whatever a server sends, certificates are
 * visited if and only if the look is a success, and all within what was sent.
 */
#include "base/time.h"
#include "net/look.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define INPUT_MOST 65536

struct seen {
    size_t count, octets;
    const uint8_t *data; /* NULL where it is not known */
    size_t size;
};

static void see(void *context, const uint8_t *der, size_t length)
{
    struct seen *s = context;
    if (length == 0 || (s->data != NULL && (der < s->data || der + length > s->data + s->size)))
        abort();
    s->count++;
    s->octets += length + der[0] + der[length - 1];
}

static void list(const uint8_t *data, size_t size, bool tls13)
{
    struct seen s = {0, 0, data, size};
    int n = look_certificates(data, size, tls13, see, &s);
    if (n != (s.count > 0 ? (int)s.count : n) || (n < 0 && s.count > 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen s = {0, 0, NULL, 0};
    const struct look_question q = {"mail.example.org", LOOK_ECDSA, NULL, see, &s, false};
    struct net_words why = {""};
    int ends[2];
    if (size > INPUT_MOST)
        return 0;
    list(data, size, false);
    list(data, size, true);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0)
        abort();
    if ((size > 0 && send(ends[1], data, size, 0) != (ssize_t)size) ||
        shutdown(ends[1], SHUT_WR) != 0)
        abort();
    struct tcp tcp = {ends[0], time_ticks() + 10000};
    enum look result = tls_peek(&tcp, &q, &why);
    if ((result == LOOK_SHOWN) != (s.count > 0) || why.text[0] == '\0')
        abort();
    tcp_close(&tcp);
    (void)close(ends[1]);
    return 0;
}
