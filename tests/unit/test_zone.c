/* Resolvers, zones, name servers, MX hosts: in a small tree of the test's own. */
#include "dns_world.h"

#include <stdio.h>

#define LATER 20000
#define LIMIT 1000000

static struct arena arena;
static struct dns_resolvers resolvers;
static struct dns_finder finder;

static void begin(void)
{
    world_start();
    arena = arena_make(LIMIT);
    memset(&resolvers, 0, sizeof resolvers);
    resolvers.list[0] = world_fakes[RESOLVER].server;
    resolvers.count = 1;
    assert_int_equal(dns_finder_init(&finder, &resolvers, &arena), 0);
    finder.port = world_fakes[RESOLVER].server.port;
}

static void end(void)
{
    world_stop();
    arena_release(&arena);
}

/* ---- resolvers --------------------------------------------------------------------------------*/

static void check_file(const char *text, const char *expected)
{
    char path[] = "/tmp/daneroll-resolv-XXXXXX", all[512];
    struct dns_resolvers r;
    struct buf b = BUF_OVER(all);
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    dns_resolvers_file(&r, path);
    (void)unlink(path);
    for (size_t i = 0; i < r.count; i++) {
        buf_text(&b, i == 0 ? "" : " ");
        dns_server_print(&b, &r.list[i]);
    }
    assert_string_equal(all, expected);
}

static void resolv_conf(void **state)
{
    char big[9000];
    (void)state;
    check_file("", "127.0.0.1");
    check_file("nameserver 192.0.2.1\n", "192.0.2.1");
    check_file("nameserver 192.0.2.1", "192.0.2.1");
    check_file("# a comment\n; another\nsearch example.org\nnameserver\t \t192.0.2.1 \t\r\n"
               "options edns0 trust-ad\nnameserver 2001:db8::1 # mine\nnameserver fe80::1%lo\n"
               "nameserver 192.0.2.4\n",
               "192.0.2.1 2001:db8::1 fe80::1%1");
    check_file("nameserver\nnameserver \nnameserver x\nnameservers 192.0.2.1\n"
               "#nameserver 192.0.2.2\n nameserver 192.0.2.3\nnameserver 192.0.2.5\n",
               "192.0.2.5");
    check_file("nameserver 1111111111111111111111111111111111111111111111111111111111111111111\n",
               "127.0.0.1");
    memset(big, '#', sizeof big);
    big[sizeof big - 1] = '\0';
    check_file(big, "127.0.0.1");
    struct dns_resolvers r;
    dns_resolvers_file(&r, "/nonexistent/resolv.conf");
    assert_int_equal(r.count, 1);
    assert_int_equal(r.list[0].octets[0], 127);
}

static void resolvers_given(void **state)
{
    const char *good[] = {"192.0.2.1", "127.0.0.1@5300", "2001:db8::1@54"};
    const char *bad[] = {"192.0.2.1", "ns1.example.org"};
    const char *many[DNS_RESOLVERS_MOST + 1];
    struct dns_resolvers r;
    (void)state;
    assert_int_equal(dns_resolvers_given(&r, good, 3), 0);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.list[1].port, 5300);
    assert_int_equal(dns_resolvers_given(&r, bad, 2), 2);
    for (size_t i = 0; i <= DNS_RESOLVERS_MOST; i++)
        many[i] = "192.0.2.1";
    assert_int_equal(dns_resolvers_given(&r, many, DNS_RESOLVERS_MOST), 0);
    assert_int_equal(dns_resolvers_given(&r, many, DNS_RESOLVERS_MOST + 1), DNS_RESOLVERS_MOST + 1);
}

/* The tree's servers, asked as if they were resolvers: who is of no use is passed over. */
static void first_useful(void **state)
{
    const struct dns_ask ask = {"_25._tcp.mail.example.org", DNS_TYPE_TLSA, DNS_ASK_DO};
    (void)state;
    world_servers[NS1].fault = FAULT_SILENT;
    world_servers[NS2].fault = FAULT_SERVFAIL_ALL;
    world_servers[NS3].fault = FAULT_REFUSED;
    begin();
    struct dns_resolvers r = {.count = 4};
    r.list[0] = world_fakes[NS2].server;
    r.list[1] = world_fakes[NS1].server;
    r.list[2] = world_fakes[NS3].server;
    r.list[3] = world_fakes[RESOLVER].server;
    assert_int_equal(dns_resolve(&r, &ask, time_ticks() + LATER, &finder.answer), DNS_ANSWERED);
    assert_int_equal(finder.answer.message.rcode, DNS_NOERROR);
    assert_int_equal(r.first, 3);
    int before = world_fakes[NS2].asked_udp;
    assert_int_equal(dns_resolve(&r, &ask, time_ticks() + LATER, &finder.answer), DNS_ANSWERED);
    assert_int_equal(world_fakes[NS2].asked_udp, before);
    /* Nobody of use, but somebody answers: that is said, with no records. */
    r.count = 1;
    r.first = 0;
    struct dns_rr rr;
    assert_int_equal(dns_resolve(&r, &ask, time_ticks() + LATER, &finder.answer), DNS_ANSWERED);
    assert_int_equal(finder.answer.message.rcode, DNS_SERVFAIL);
    assert_int_equal(dns_next(&finder.answer.message, &rr), 0);
    r.list[0] = world_fakes[NS1].server;
    assert_int_equal(dns_resolve(&r, &ask, time_ticks() + 300, &finder.answer), DNS_TIMEOUT);
    end();
}

static void follows_aliases(void **state)
{
    const struct dns_ask ask = {"_25._tcp.Chain.example.org", DNS_TYPE_TLSA, 0};
    const struct dns_ask circle = {"circle.example.org", DNS_TYPE_TLSA, 0};
    char name[DNS_NAME_SIZE];
    uint32_t ttl;
    (void)state;
    begin();
    assert_int_equal(dns_resolve(&resolvers, &ask, time_ticks() + LATER, &finder.answer),
                     DNS_ANSWERED);
    strcpy(name, ask.name);
    assert_int_equal(dns_follow(&finder.answer.message, name, &ttl), 2);
    assert_true(name_equal(name, "tlsa.other.org"));
    assert_int_equal(ttl, 900);
    assert_int_equal(dns_follow(&finder.answer.message, name, &ttl), 0);
    assert_true(ttl == UINT32_MAX);
    assert_int_equal(dns_resolve(&resolvers, &circle, time_ticks() + LATER, &finder.answer),
                     DNS_ANSWERED);
    strcpy(name, circle.name);
    assert_int_equal(dns_follow(&finder.answer.message, name, &ttl), DNS_MALFORMED);
    end();
}

/* ---- zones ------------------------------------------------------------------------------------*/

static const struct dns_zone *find(const char *name)
{
    const struct dns_zone *zone = NULL;
    assert_int_equal(dns_zone_find(&finder, name, time_ticks() + LATER, &zone), 0);
    assert_non_null(zone);
    return zone;
}

/* "ns1.nic.org 127.0.0.3, ..." in the order found. */
static void check_servers(const struct dns_zone *zone, const char *expected)
{
    char text[512];
    struct buf b = BUF_OVER(text);
    for (size_t i = 0; i < zone->count; i++) {
        struct dns_server plain = zone->servers[i].server;
        assert_int_equal(plain.length == 0 ? finder.port : plain.port, finder.port);
        plain.port = DNS_PORT;
        buf_printf(&b, "%s%s ", i == 0 ? "" : ", ", zone->servers[i].name);
        if (plain.length == 0)
            buf_printf(&b, "(%s)", zone->servers[i].words);
        else
            dns_server_print(&b, &plain);
    }
    assert_string_equal(text, expected);
}

static void zones(void **state)
{
    (void)state;
    begin();
    const struct dns_zone *zone = find("_25._tcp.mail.Example.org");
    assert_string_equal(zone->apex, "example.org");
    assert_true(zone->delegation);
    assert_int_equal(zone->chain, DNS_CHAIN_WHOLE);
    assert_int_equal(zone->refresh, 3600);
    assert_int_equal(zone->retry, 600);
    check_servers(zone, "ns1.nic.org 127.0.0.3, ns2.nic.org 127.0.0.4, ns3.nic.org 127.0.0.5");
    assert_ptr_equal(find("example.org."), zone);
    assert_ptr_equal(find("nothing.there.example.org"), zone);
    /* Aliases are not followed. */
    assert_ptr_equal(find("_25._tcp.alias.example.org"), zone);
    assert_ptr_equal(find("circle.example.org"), zone);
    zone = find("x.plain.org");
    assert_string_equal(zone->apex, "plain.org");
    assert_int_equal(zone->chain, DNS_CHAIN_BROKEN);
    check_servers(zone, "ns2.nic.org 127.0.0.4, nowhere.nic.org (it has no address)");
    zone = find("other.org");
    assert_int_equal(zone->chain, DNS_CHAIN_BROKEN);
    zone = find("nosuch.org");
    assert_string_equal(zone->apex, "org");
    assert_int_equal(zone->chain, DNS_CHAIN_WHOLE);
    zone = find("nosuch");
    assert_string_equal(zone->apex, ".");
    assert_int_equal(zone->chain, DNS_CHAIN_WHOLE);
    assert_true(zone->delegation);
    check_servers(zone, "ns.nic.org 127.0.0.2");
    end();
}

/* Without the parent the zone's own list must do. */
static void parent_is_silent(void **state)
{
    (void)state;
    world_servers[PARENT].fault = FAULT_REFUSED;
    begin();
    const struct dns_zone *zone = find("example.org");
    assert_false(zone->delegation);
    assert_int_equal(zone->chain, DNS_CHAIN_WHOLE);
    check_servers(zone, "ns1.nic.org 127.0.0.3, ns2.nic.org 127.0.0.4");
    end();
}

static void resolver_shows_no_soa(void **state)
{
    (void)state;
    world_servers[RESOLVER].fault = FAULT_NO_SOA;
    begin();
    assert_string_equal(find("_25._tcp.mail.example.org")->apex, "example.org");
    assert_string_equal(find("nosuch")->apex, ".");
    end();
}

static void resolver_fails(void **state)
{
    static const struct {
        enum world_fault fault;
        const char *words;
    } rows[] = {
        {FAULT_SILENT, ": no answer"},
        {FAULT_SERVFAIL_ALL, " answers SERVFAIL"},
        {FAULT_REFUSED, " answers REFUSED"},
        {FAULT_GARBAGE, ": an answer that is no proper DNS message"},
    };
    const struct dns_zone *zone = NULL;
    struct dns_mx_set mx;
    char words[256];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        world_servers[RESOLVER].fault = rows[i].fault;
        begin();
        assert_int_equal(dns_zone_find(&finder, "example.org", time_ticks() + 500, &zone),
                         DNS_ZONE_FAILED);
        (void)snprintf(words, sizeof words, "the zone of example.org: the resolver 127.0.0.1@%u%s",
                       (unsigned)finder.port, rows[i].words);
        assert_string_equal(finder.words, words);
        assert_int_equal(dns_mx_find(&finder, "example.org", time_ticks() + 500, &mx),
                         DNS_ZONE_FAILED);
        assert_null(zone);
        end();
    }
    /* It validates, and the zone is bogus: found all the same. */
    world_servers[RESOLVER].fault = FAULT_SERVFAIL;
    begin();
    assert_string_equal(find("example.org")->apex, "example.org");
    end();
}

static void memory_ends(void **state)
{
    const struct dns_zone *zone = NULL;
    (void)state;
    begin();
    size_t enough = 0;
    for (size_t limit = arena.taken; enough == 0; limit += 8) {
        assert_true(limit < LIMIT);
        arena_release(&arena);
        arena = arena_make(limit);
        if (dns_finder_init(&finder, &resolvers, &arena) != 0)
            continue;
        finder.port = world_fakes[RESOLVER].server.port;
        int rc = dns_zone_find(&finder, "plain.org", time_ticks() + LATER, &zone);
        assert_true(rc == 0 || rc == DNS_ZONE_MEMORY);
        enough = rc == 0;
    }
    assert_string_equal(zone->apex, "plain.org");
    end();
}

/* ---- mail -------------------------------------------------------------------------------------*/

static void mail(void **state)
{
    struct dns_mx_set mx;
    (void)state;
    world_servers[RESOLVER].authentic = true;
    begin();
    for (int i = 0; i < 2; i++) {
        const char *domain = i == 0 ? "Example.org" : "named.example.org";
        assert_int_equal(dns_mx_find(&finder, domain, time_ticks() + LATER, &mx), 0);
        assert_true(mx.exists && mx.authentic);
        if (i == 0)
            assert_null(mx.target);
        else
            assert_string_equal(mx.target, "example.org");
        assert_int_equal(mx.count, 2);
        assert_string_equal(mx.list[0].host, "mail.example.org");
        assert_int_equal(mx.list[0].preference, 10);
        assert_string_equal(mx.list[1].host, "backup.example.org");
    }
    assert_int_equal(dns_mx_find(&finder, "null.example.org", time_ticks() + LATER, &mx), 0);
    assert_int_equal(mx.count, 1);
    assert_string_equal(mx.list[0].host, ".");
    assert_int_equal(dns_mx_find(&finder, "mail.example.org", time_ticks() + LATER, &mx), 0);
    assert_int_equal(mx.count, 0);
    assert_true(mx.exists);
    assert_int_equal(dns_mx_find(&finder, "nosuch.example.org", time_ticks() + LATER, &mx), 0);
    assert_int_equal(mx.count, 0);
    assert_false(mx.exists);
    assert_int_equal(dns_mx_find(&finder, "circle.example.org", time_ticks() + LATER, &mx),
                     DNS_ZONE_FAILED);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolv_conf),
        cmocka_unit_test(resolvers_given),
        cmocka_unit_test(first_useful),
        cmocka_unit_test(follows_aliases),
        cmocka_unit_test(zones),
        cmocka_unit_test(parent_is_silent),
        cmocka_unit_test(resolver_shows_no_soa),
        cmocka_unit_test(resolver_fails),
        cmocka_unit_test(memory_ends),
        cmocka_unit_test(mail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
