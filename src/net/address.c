#include "net/address.h"

#include "base/name.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define GROUPS (ADDRESS_V6 / 2)
/* Of an address without its interface. */
#define TEXT_SIZE 46
/* Numbers of interfaces that are read. */
#define SCOPE_MOST 65535

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

/* ---- looking up -------------------------------------------------------------------------------*/

/* A name of an interface, or its number. 0 for neither. */
static uint32_t read_scope(const char *text)
{
    uint32_t number = if_nametoindex(text);
    for (const char *at = number == 0 ? text : ""; *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > SCOPE_MOST)
            return 0;
        number = number * 10 + (uint32_t)(*at - '0');
    }
    return number;
}

size_t address_read_scoped(const char *text, uint8_t octets[ADDRESS_V6], uint32_t *scope)
{
    char address[TEXT_SIZE];
    size_t length = strcspn(text, "%");
    *scope = 0;
    if (length >= sizeof address)
        return 0;
    memcpy(address, text, length);
    address[length] = '\0';
    size_t read = address_read(address, octets);
    if (text[length] == '\0')
        return read;
    *scope = read == ADDRESS_V6 ? read_scope(text + length + 1) : 0;
    return *scope != 0 ? read : 0;
}

static bool is_name(const char *host)
{
    const char *at = host;
    while (isalnum((unsigned char)*at) || *at == '-' || *at == '.' || *at == '_')
        at++;
    return *at == '\0' && at > host;
}

/* What connect(2) would be given, as ours; nothing of a family that is not ours. */
static void add(struct address_list *found, const struct addrinfo *info)
{
    struct address a = {.length = 0};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    if (info->ai_family == AF_INET) {
        memcpy(&v4, info->ai_addr, sizeof v4);
        memcpy(a.octets, &v4.sin_addr, ADDRESS_V4);
        a.length = ADDRESS_V4;
    } else if (info->ai_family == AF_INET6) {
        memcpy(&v6, info->ai_addr, sizeof v6);
        memcpy(a.octets, &v6.sin6_addr, ADDRESS_V6);
        a.length = ADDRESS_V6;
        a.scope = v6.sin6_scope_id;
    }
    if (a.length != 0 && found->count < ADDRESS_LIST_MOST)
        found->list[found->count++] = a;
}

/* 0, or what getaddrinfo says. */
static int ask_libc(const char *name, struct address_list *found)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    int rc = getaddrinfo(name, NULL, &hints, &list);
    if (rc != 0)
        return rc;
    for (const struct addrinfo *info = list; info != NULL; info = info->ai_next)
        add(found, info);
    freeaddrinfo(list);
    return found->count == 0 ? EAI_NONAME : 0;
}

/* That there is none is one thing, that nobody said so another. */
static void say_fault(struct net_words *why, const char *host, int fault)
{
    struct buf b = BUF_OVER(why->text);
    buf_clean(&b, host, strlen(host));
    if (fault == EAI_AGAIN || fault == EAI_FAIL)
        buf_text(&b, " could not be looked up: no resolver of /etc/resolv.conf has an answer");
    else if (fault == EAI_SYSTEM || fault == EAI_MEMORY)
        buf_text(&b, " could not be looked up: the system has no means left for it");
    else
        buf_text(&b, " has no address");
}

int address_look_up(const char *host, struct address_list *found, struct net_words *why)
{
    static const struct address loopback[] = {
        {.octets = {[ADDRESS_V6 - 1] = 1}, .length = ADDRESS_V6},
        {.octets = {127, 0, 0, 1}, .length = ADDRESS_V4}};
    struct address a = {.length = 0};
    found->count = 0;
    if (name_equal(host, "localhost")) {
        memcpy(found->list, loopback, sizeof loopback);
        found->count = sizeof loopback / sizeof loopback[0];
        return 0;
    }
    a.length = (uint8_t)address_read_scoped(host, a.octets, &a.scope);
    if (a.length != 0) {
        found->list[found->count++] = a;
        return 0;
    }
    int fault = is_name(host) ? ask_libc(host, found) : EAI_NONAME;
    if (fault == 0)
        return 0;
    say_fault(why, host, fault);
    return NET_NO_ADDRESS;
}
