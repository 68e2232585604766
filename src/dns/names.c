#include "dns/names.h"

#include "base/name.h"
#include "base/time.h"
#include "dns/resolv.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOSTS     "/etc/hosts"
#define LINE_SIZE 1024
#define BLANKS    " \t\r"
/* As long as libc's takes at most. */
#define LOOK_UP_MS 10000
/* An answer with a hundred addresses; a longer one comes over TCP and is DNS_UNREADABLE. */
#define ANSWER_SIZE 4096

/* By family, IPv4's first. */
struct finding {
    const char *host;
    int64_t deadline;
    struct buf *why;
    struct address_list v4, v6;
};

static void add(struct finding *f, const uint8_t *octets, size_t length, uint32_t scope)
{
    struct address_list *list = length == ADDRESS_V4 ? &f->v4 : &f->v6;
    if (list->count == ADDRESS_LIST_MOST)
        return;
    struct address *a = &list->list[list->count++];
    *a = (struct address){.length = (uint8_t)length, .scope = scope};
    memcpy(a->octets, octets, length);
}

static bool found_any(const struct finding *f)
{
    return f->v4.count + f->v6.count > 0;
}

static void add_literal(struct finding *f, const char *text)
{
    uint8_t octets[ADDRESS_V6] = {0};
    uint32_t scope = 0;
    size_t length = address_read_scoped(text, octets, &scope);
    if (length != 0)
        add(f, octets, length, scope);
}

/* ---- /etc/hosts -------------------------------------------------------------------------------*/

/* hosts(5): an address and its names, a comment behind "#". */
static void read_hosts_line(struct finding *f, char *line)
{
    const char *address = NULL;
    line[strcspn(line, "#")] = '\0';
    for (char *at = line + strspn(line, BLANKS), *end; *at != '\0'; at = end) {
        end = at + strcspn(at, BLANKS);
        if (*end != '\0')
            *end++ = '\0';
        end += strspn(end, BLANKS);
        if (address == NULL)
            address = at;
        else if (name_equal(at, f->host)) {
            add_literal(f, address);
            return;
        }
    }
}

/* In pieces: it may be a list of a hundred thousand names that somebody blocks. */
static void read_hosts(struct finding *f)
{
    char bytes[LINE_SIZE];
    size_t used = 0;
    ssize_t n = 1;
    int fd = open(HOSTS, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && n > 0) {
        n = read(fd, bytes + used, sizeof bytes - 1 - used);
        char *at = bytes, *end = bytes + used + (n > 0 ? n : 0), *newline;
        /* The last line may lack its newline. */
        if (n <= 0)
            *end++ = '\n';
        while ((newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
            *newline = '\0';
            read_hosts_line(f, at);
            at = newline + 1;
        }
        used = (size_t)(end - at) < sizeof bytes - 1 ? (size_t)(end - at) : 0;
        memmove(bytes, at, used);
    }
    if (fd >= 0)
        (void)close(fd);
}

/* ---- DNS --------------------------------------------------------------------------------------*/

/*
 * Read anew each time, as libc does it: a run with --wait outlives a resolv.conf. Who answered last
 * is still asked first.
 */
static struct dns_resolvers *machine_resolvers(void)
{
    static struct dns_resolvers resolvers;
    size_t first = resolvers.first;
    dns_resolvers_file(&resolvers, DNS_RESOLV_CONF);
    resolvers.first = first < resolvers.count ? first : 0;
    return &resolvers;
}

/* 0, also where the name or such an address does not exist; or an error with the words. */
static int ask(struct finding *f, struct dns_resolvers *resolvers, const char *name, uint16_t type)
{
    size_t length = type == DNS_TYPE_A ? ADDRESS_V4 : ADDRESS_V6;
    uint8_t bytes[ANSWER_SIZE];
    char final[DNS_NAME_SIZE];
    struct dns_answer answer = {.bytes = bytes, .size = sizeof bytes};
    const struct dns_ask question = {name, type, DNS_ASK_PLAIN};
    struct buf b = BUF_OVER(final);
    struct dns_rr rr;
    enum dns_outcome outcome = dns_resolve(resolvers, &question, f->deadline, &answer);
    unsigned rcode = answer.message.rcode;
    if (outcome != DNS_ANSWERED || (rcode != DNS_NOERROR && rcode != DNS_NXDOMAIN)) {
        buf_text(f->why, " could not be looked up: ");
        dns_resolve_words(f->why, resolvers, outcome, &answer);
        return NET_NO_ADDRESS;
    }
    buf_text(&b, name);
    if (dns_follow(&answer.message, final, NULL) < 0)
        return 0;
    while (dns_next_of(&answer.message, DNS_ANSWER, final, type, &rr) > 0) {
        if (rr.length == length)
            add(f, rr.rdata, length, 0);
    }
    return 0;
}

static int ask_both(struct finding *f, struct dns_resolvers *resolvers, const char *name)
{
    int rc = ask(f, resolvers, name, DNS_TYPE_A);
    return rc != 0 ? rc : ask(f, resolvers, name, DNS_TYPE_AAAA);
}

/* A name without a dot is looked for in each domain of the search list, then as it is. */
static int ask_dns(struct finding *f)
{
    struct dns_resolvers *resolvers = machine_resolvers();
    const char *at = strchr(f->host, '.') == NULL ? resolvers->search : "";
    char name[NAME_SIZE];
    int rc = 0;
    for (size_t length; rc == 0 && !found_any(f) && *at != '\0'; at += length) {
        struct buf b = BUF_OVER(name);
        length = strcspn(at, BLANKS);
        buf_printf(&b, "%s.%.*s", f->host, (int)length, at);
        length += strspn(at + length, BLANKS);
        if (!buf_full(&b))
            rc = ask_both(f, resolvers, name);
    }
    return rc != 0 || found_any(f) ? rc : ask_both(f, resolvers, f->host);
}

/* ---- which first ------------------------------------------------------------------------------*/

/* RFC 4193 */
static bool is_private(const uint8_t *octets)
{
    return (octets[0] & 0xfe) == 0xfc;
}

/*
 * The part of RFC 6724 that matters where both families are tried in turn: IPv6 comes first, unless
 * there is no way to it, or only one from an address that is private to the site.
 */
static bool prefers_v6(const struct address *a)
{
    struct sockaddr_storage to;
    struct sockaddr_in6 own;
    socklen_t length = address_socket(&to, a->octets, a->length, DNS_PORT, a->scope);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool reached = fd >= 0 && connect(fd, (const struct sockaddr *)&to, length) == 0 &&
                   getsockname(fd, (struct sockaddr *)&own, &length) == 0;
    if (fd >= 0)
        (void)close(fd);
    return reached && is_private(own.sin6_addr.s6_addr) == is_private(a->octets);
}

static void append(struct address_list *to, const struct address_list *list)
{
    size_t room = ADDRESS_LIST_MOST - to->count, count = list->count < room ? list->count : room;
    memcpy(to->list + to->count, list->list, count * sizeof list->list[0]);
    to->count += count;
}

/* ---- all of it --------------------------------------------------------------------------------*/

int names_look_up(const char *host, int64_t deadline, struct address_list *found,
                  struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    struct finding f = {.host = host, .deadline = time_ticks() + LOOK_UP_MS, .why = &b};
    int rc = 0;
    if (deadline < f.deadline)
        f.deadline = deadline;
    buf_clean(&b, host, strlen(host));
    read_hosts(&f);
    if (!found_any(&f))
        rc = ask_dns(&f);
    if (rc == 0 && !found_any(&f)) {
        buf_text(&b, " has no address");
        rc = NET_NO_ADDRESS;
    }
    bool v6_first = f.v6.count > 0 && prefers_v6(&f.v6.list[0]);
    append(found, v6_first ? &f.v6 : &f.v4);
    append(found, v6_first ? &f.v4 : &f.v6);
    return rc;
}
