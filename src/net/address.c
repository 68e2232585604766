#include "net/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define GROUPS (ADDRESS_V6 / 2)

static unsigned group(const uint8_t *octets, unsigned i)
{
    return (unsigned)octets[2 * i] << 8 | octets[2 * i + 1];
}

/* How many groups from I on are zero. */
static unsigned zeros(const uint8_t *octets, unsigned i)
{
    unsigned n = 0;
    while (i + n < GROUPS && group(octets, i + n) == 0)
        n++;
    return n;
}

/* The first of the longest runs of zeros, at least two, is left out (RFC 5952 section 4.2). */
static void print_v6(struct buf *b, const uint8_t *octets)
{
    unsigned start = GROUPS, length = 1;
    for (unsigned i = 0; i < GROUPS; i++) {
        if (zeros(octets, i) > length) {
            start = i;
            length = zeros(octets, i);
        }
    }
    for (unsigned i = 0; i < GROUPS; i++) {
        if (i == start) {
            buf_text(b, "::");
            i += length - 1;
            continue;
        }
        buf_printf(b, i == 0 || i == start + length ? "%x" : ":%x", group(octets, i));
    }
}

void address_print(struct buf *b, const uint8_t *octets, size_t length)
{
    if (length == ADDRESS_V4)
        buf_printf(b, "%u.%u.%u.%u", (unsigned)octets[0], (unsigned)octets[1], (unsigned)octets[2],
                   (unsigned)octets[3]);
    else if (length == ADDRESS_V6)
        print_v6(b, octets);
}

size_t address_read(const char *text, uint8_t octets[ADDRESS_V6])
{
    if (inet_pton(AF_INET, text, octets) == 1)
        return ADDRESS_V4;
    if (inet_pton(AF_INET6, text, octets) == 1)
        return ADDRESS_V6;
    return 0;
}

unsigned address_socket(struct sockaddr_storage *to, const uint8_t *octets, size_t length,
                        uint16_t port, uint32_t scope)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope};
    if (length == ADDRESS_V4) {
        memcpy(&v4.sin_addr, octets, sizeof v4.sin_addr);
        memcpy(to, &v4, sizeof v4);
        return sizeof v4;
    }
    memcpy(&v6.sin6_addr, octets, sizeof v6.sin6_addr);
    memcpy(to, &v6, sizeof v6);
    return sizeof v6;
}
