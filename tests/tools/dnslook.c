/*
 * Prints what the program's DNS half finds of a name.
 *
 *     dnslook [--resolver ADDRESS[@PORT]]... [--port N] [--ms N] [--wall N] [MODE] NAME
 *
 * MODE is --servers (usual), --resolvers, --non-terminal (NAME is the host), or --mx. Without
 * --wall the machine's clock counts as proven. Authoritative servers are asked at --port.
 */
#include "base/time.h"
#include "dane/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOLVERS 8
#define LIMIT     1000000

static const char *const codes[] = {"rrset", "denial", "alias", "silent", "lame", "malformed"};
static const char *const zones[] = {"signed", "no-ds", "unsigned", "unknown", "bogus"};

static void print_server(const struct lookup_server *s)
{
    printf("server %s %s %s", s->name, s->address[0] == '\0' ? "-" : s->address, codes[s->code]);
    if (s->code == LOOKUP_RRSET)
        printf(" ttl=%u original=%u", (unsigned)s->ttl, (unsigned)s->original_ttl);
    if (s->code == LOOKUP_DENIAL)
        printf(" %s negative=%u most=%u serial=%u", s->nxdomain ? "nxdomain" : "nodata",
               (unsigned)s->negative_ttl, (unsigned)s->negative_most, (unsigned)s->serial);
    if (s->signature)
        printf(" signature=%lld..%lld", (long long)s->signature_start, (long long)s->signature_end);
    printf("%s%s%s%s\n", s->over ? " over" : "", s->wildcard ? " wildcard" : "",
           s->no_route ? " no-route" : "", s->authentic ? " authentic" : "");
    if (s->target != NULL)
        printf("  target %s\n", s->target);
    if (s->words != NULL)
        printf("  words %s\n", s->words);
    for (size_t i = 0; i < s->count; i++) {
        char text[TLSA_TEXT_SIZE];
        struct buf b = BUF_OVER(text);
        tlsa_print(&b, &s->records[i]);
        printf("  record %s\n", text);
    }
}

static void print_lookup(const struct lookup *l)
{
    printf("owner %s\n", l->owner);
    if (l->apex != NULL)
        printf("apex %s refresh=%u retry=%u%s\n", l->apex, (unsigned)l->refresh, (unsigned)l->retry,
               l->delegation ? " delegation" : "");
    printf("zone %s%s end=%lld\n", zones[l->zone], l->authentic ? " authentic" : "",
           (long long)l->signature_end);
    if (l->alias)
        printf("alias ttl=%u\n", (unsigned)l->alias_ttl);
    if (l->words != NULL)
        printf("words %s\n", l->words);
    for (size_t i = 0; i < l->count; i++)
        print_server(&l->servers[i]);
}

static int print_mx(struct dns_finder *f, const char *name, int64_t deadline)
{
    struct dns_mx_set found;
    int rc = lookup_mx(f, name, deadline, &found);
    if (rc < 0)
        printf("words %s\n", f->words);
    for (size_t i = 0; i < found.count; i++)
        printf("mx %u %s\n", (unsigned)found.list[i].preference, found.list[i].host);
    printf("itself %d exists %d authentic %d\n", rc, found.exists, found.authentic);
    return rc;
}

int main(int argc, char **argv)
{
    const char *given[RESOLVERS], *mode = "--servers", *port = "53";
    size_t count = 0;
    int64_t ms = 20000;
    struct lookup_clock clock = {time_wall(), true};
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--resolver") == 0 && count < RESOLVERS)
            given[count++] = argv[++i];
        else if (strcmp(argv[i], "--port") == 0)
            port = argv[++i];
        else if (strcmp(argv[i], "--ms") == 0)
            ms = (++i, atoll(value));
        else if (strcmp(argv[i], "--wall") == 0)
            clock.wall = (++i, atoll(value));
        else
            mode = argv[i];
    }
    if (argc - i != 1) {
        fputs("usage: dnslook [OPTION...] NAME\n", stderr);
        return 2;
    }
    struct arena arena = arena_make(LIMIT);
    struct dns_resolvers resolvers;
    struct dns_finder f;
    struct lookup found;
    const struct lookup_server *wrong = NULL;
    if (count == 0)
        dns_resolvers_file(&resolvers, DNS_RESOLV_CONF);
    else if (dns_resolvers_given(&resolvers, given, count) != 0)
        return 2;
    if (dns_finder_init(&f, &resolvers, &arena) != 0)
        return 1;
    f.port = (uint16_t)atoi(port);
    int64_t deadline = time_ticks() + ms;
    int rc;
    if (strcmp(mode, "--mx") == 0)
        rc = print_mx(&f, argv[i], deadline);
    else if (strcmp(mode, "--resolvers") == 0)
        rc = lookup_by_resolvers(&f, argv[i], &clock, deadline, &found);
    else if (strcmp(mode, "--non-terminal") == 0)
        rc = lookup_non_terminal(&f, argv[i], &clock, deadline, &found, &wrong);
    else
        rc = lookup_by_servers(&f, argv[i], &clock, deadline, &found);
    if (strcmp(mode, "--mx") != 0)
        print_lookup(&found);
    if (wrong != NULL)
        printf("wrong %s\n", wrong->name);
    arena_release(&arena);
    return rc < 0;
}
