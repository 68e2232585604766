/* What the servers of a small tree show of TLSA RRsets, and what they can do wrong. */
#include "dns_world.h"

#include "dane/lookup.h"

#include <stdio.h>

#define LATER 20000
#define LIMIT 2000000
#define MAIL  "_25._tcp.mail.example.org"

static struct arena arena;
static struct dns_resolvers resolvers;
static struct dns_finder finder;
static struct lookup found;
static const struct lookup_clock now = {WORLD_NOW, true};
static const struct lookup_clock unproven = {WORLD_NOW, false};

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

static int look_with(const char *owner, const struct lookup_clock *clock)
{
    return lookup_by_servers(&finder, owner, clock, time_ticks() + LATER, &found);
}

static void look(const char *owner)
{
    assert_int_equal(look_with(owner, &now), 0);
}

/* One world with one server that has a fault, one look. */
static void look_at(enum world_index index, enum world_fault fault, const char *owner)
{
    world_servers[index].fault = fault;
    begin();
    look(owner);
}

static const struct lookup_server *server(const char *name)
{
    for (size_t i = 0; i < found.count; i++) {
        if (strcmp(found.servers[i].name, name) == 0)
            return &found.servers[i];
    }
    fail_msg("no server %s", name);
    return NULL;
}

/* The records' first letters, in order. */
static void check_records(const struct lookup_server *s, const char *letters)
{
    assert_int_equal(s->code, LOOKUP_RRSET);
    assert_int_equal(s->count, strlen(letters));
    for (size_t i = 0; i < s->count; i++) {
        const struct tlsa *t = &s->records[i];
        assert_true(t->combination.usage == 3 && t->combination.selector == 1 &&
                    t->combination.matching == 1 && t->length == 32);
        assert_int_equal(t->data[0], letters[i]);
        assert_int_equal(t->data[31], letters[i]);
    }
}

static void rrset(void **state)
{
    (void)state;
    begin();
    look("_25._tcp.Mail.EXAMPLE.org.");
    assert_string_equal(found.owner, MAIL);
    assert_false(found.alias);
    assert_string_equal(found.apex, "example.org");
    assert_int_equal(found.zone, LOOKUP_ZONE_SIGNED);
    assert_true(found.delegation);
    assert_int_equal(found.refresh, 3600);
    assert_true(found.signature_end == WORLD_END);
    assert_null(found.words);
    assert_int_equal(found.count, 3);
    for (size_t i = 0; i < found.count; i++) {
        const struct lookup_server *s = &found.servers[i];
        check_records(s, "ab");
        assert_int_equal(s->ttl, WORLD_TTL);
        assert_int_equal(s->original_ttl, WORLD_TTL);
        assert_true(s->signature && !s->over && !s->wildcard);
        assert_true(s->signature_end == WORLD_END && s->signature_start < WORLD_NOW);
        assert_null(s->words);
    }
    char address[64];
    (void)snprintf(address, sizeof address, "127.0.0.5@%u", (unsigned)finder.port);
    assert_string_equal(server("ns3.nic.org")->address, address);
    end();
}

static void denial(void **state)
{
    (void)state;
    begin();
    look("_25._tcp.nosuch.example.org");
    assert_int_equal(found.zone, LOOKUP_ZONE_SIGNED);
    for (size_t i = 0; i < found.count; i++) {
        const struct lookup_server *s = &found.servers[i];
        assert_int_equal(s->code, LOOKUP_DENIAL);
        assert_true(s->nxdomain && s->signature && !s->wildcard);
        assert_int_equal(s->count, 0);
        assert_int_equal(s->negative_ttl, WORLD_NEG);
        assert_int_equal(s->negative_most, WORLD_NEG);
        assert_int_equal(s->serial, 7);
        assert_int_equal(s->original_ttl, 0);
    }
    look("mail.example.org");
    assert_int_equal(found.servers[0].code, LOOKUP_DENIAL);
    assert_false(found.servers[0].nxdomain);
    end();
    look_at(NS1, FAULT_NO_SOA, "_25._tcp.nosuch.example.org");
    assert_int_equal(server("ns1.nic.org")->code, LOOKUP_DENIAL);
    assert_int_equal(server("ns1.nic.org")->negative_ttl, 0);
    end();
}

static void lags(void **state)
{
    (void)state;
    begin();
    look("_25._tcp.lag.example.org");
    check_records(server("ns1.nic.org"), "ab");
    check_records(server("ns2.nic.org"), "a");
    assert_int_equal(server("ns1.nic.org")->ttl, 600);
    assert_int_equal(server("ns2.nic.org")->ttl, 7200);
    assert_int_equal(server("ns3.nic.org")->code, LOOKUP_DENIAL);
    /* The same data twice is one record; no data is none. */
    look("_25._tcp.same.example.org");
    check_records(&found.servers[0], "ab");
    look("_25._tcp.short.example.org");
    assert_int_equal(found.servers[0].code, LOOKUP_MALFORMED);
    assert_int_equal(found.servers[0].count, 0);
    look("_25._tcp.wild.example.org");
    check_records(&found.servers[0], "w");
    assert_true(found.servers[0].wildcard);
    end();
}

/* One server out of three is not to be had; the others are heard all the same. */
static void one_fails(void **state)
{
    static const struct {
        enum world_fault fault;
        enum lookup_code code;
        const char *words;
    } rows[] = {
        {FAULT_SILENT, LOOKUP_SILENT, "no answer"},
        {FAULT_REFUSED, LOOKUP_LAME, "it answers REFUSED"},
        {FAULT_SERVFAIL_ALL, LOOKUP_LAME, "it answers SERVFAIL"},
        {FAULT_NOT_AUTHORITATIVE, LOOKUP_LAME, "it is not authoritative for the zone"},
        {FAULT_UPWARD, LOOKUP_LAME, "it is not authoritative for the zone"},
        {FAULT_GARBAGE, LOOKUP_MALFORMED, "an answer that is no proper DNS message"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t start = time_ticks();
        look_at(NS2, rows[i].fault, MAIL);
        assert_true(time_ticks() - start < 10000);
        assert_int_equal(found.count, 3);
        assert_int_equal(server("ns2.nic.org")->code, rows[i].code);
        assert_string_equal(server("ns2.nic.org")->words, rows[i].words);
        assert_int_equal(server("ns2.nic.org")->count, 0);
        check_records(server("ns1.nic.org"), "ab");
        check_records(server("ns3.nic.org"), "ab");
        assert_int_equal(found.zone, LOOKUP_ZONE_SIGNED);
        end();
    }
}

/* A name server without an address is there to be named. */
static void no_address(void **state)
{
    (void)state;
    begin();
    look("_25._tcp.plain.org");
    assert_int_equal(found.count, 2);
    assert_int_equal(server("nowhere.nic.org")->code, LOOKUP_SILENT);
    assert_string_equal(server("nowhere.nic.org")->address, "");
    assert_string_equal(server("nowhere.nic.org")->words, "it has no address");
    assert_false(server("nowhere.nic.org")->no_route);
    end();
}

static void nobody_answers(void **state)
{
    (void)state;
    world_servers[NS1].fault = world_servers[NS2].fault = world_servers[NS3].fault = FAULT_REFUSED;
    look_at(RESOLVER, FAULT_NONE, MAIL);
    assert_int_equal(found.zone, LOOKUP_ZONE_UNKNOWN);
    assert_int_equal(found.count, 3);
    assert_true(found.signature_end == -1);
    for (size_t i = 0; i < found.count; i++)
        assert_int_equal(found.servers[i].code, LOOKUP_LAME);
    end();
}

static void no_zone(void **state)
{
    (void)state;
    world_servers[RESOLVER].fault = FAULT_REFUSED;
    begin();
    assert_int_equal(look_with(MAIL, &now), LOOKUP_FAILED);
    assert_int_equal(found.zone, LOOKUP_ZONE_UNKNOWN);
    assert_int_equal(found.count, 0);
    assert_null(found.apex);
    assert_non_null(strstr(found.words, "REFUSED"));
    end();
}

/* ---- DNSSEC -----------------------------------------------------------------------------------*/

static void dnssec(void **state)
{
    static const struct {
        enum world_fault fault;
        const char *owner;
        enum lookup_zone zone;
        const char *words; /* behind the address */
    } rows[] = {
        {FAULT_NONE, "_25._tcp.plain.org", LOOKUP_ZONE_UNSIGNED, NULL},
        {FAULT_NONE, "tlsa.other.org", LOOKUP_ZONE_NO_DS, NULL},
        {FAULT_NONE, "_25._tcp.lost.org", LOOKUP_ZONE_SIGNED, NULL},
        {FAULT_UNSIGNED, MAIL, LOOKUP_ZONE_BOGUS, "shows no signature"},
        {FAULT_UNSIGNED, "nosuch.example.org", LOOKUP_ZONE_BOGUS, "shows no signature"},
        {FAULT_NO_EDNS, MAIL, LOOKUP_ZONE_BOGUS, "shows no signature"},
        {FAULT_FOREIGN_SIGNER, MAIL, LOOKUP_ZONE_BOGUS, "shows no signature"},
        {FAULT_OLD_SIGNATURE, MAIL, LOOKUP_ZONE_BOGUS,
         "shows a signature that is not valid now; it ends at 2027-01-15T07:00:00Z"},
        {FAULT_TWO_SIGNATURES, MAIL, LOOKUP_ZONE_SIGNED, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char words[256];
        look_at(NS2, rows[i].fault, rows[i].owner);
        assert_int_equal(found.zone, rows[i].zone);
        (void)snprintf(words, sizeof words,
                       "there is a DS record, but ns2.nic.org (127.0.0.4@%u) %s",
                       (unsigned)finder.port, rows[i].words == NULL ? "" : rows[i].words);
        if (rows[i].words == NULL)
            assert_null(found.words);
        else
            assert_string_equal(found.words, words);
        if (rows[i].fault == FAULT_TWO_SIGNATURES)
            assert_true(server("ns2.nic.org")->signature_end == WORLD_END &&
                        !server("ns2.nic.org")->over);
        end();
    }
}

/* By a clock that nobody vouches for no signature is called over. */
static void clock_matters(void **state)
{
    (void)state;
    world_servers[NS2].fault = FAULT_OLD_SIGNATURE;
    begin();
    assert_int_equal(look_with(MAIL, &unproven), 0);
    assert_int_equal(found.zone, LOOKUP_ZONE_SIGNED);
    assert_true(found.signature_end == WORLD_NOW - 3600);
    end();
    begin();
    struct lookup_clock before = {WORLD_END - 1728000 - 61, true};
    assert_int_equal(look_with(MAIL, &before), 0);
    assert_int_equal(found.zone, LOOKUP_ZONE_BOGUS);
    before.wall += 60;
    assert_int_equal(look_with(MAIL, &before), 0);
    assert_int_equal(found.zone, LOOKUP_ZONE_SIGNED);
    end();
}

static void validator(void **state)
{
    (void)state;
    look_at(RESOLVER, FAULT_SERVFAIL, MAIL);
    assert_int_equal(found.zone, LOOKUP_ZONE_BOGUS);
    assert_string_equal(found.words,
                        "the resolver answers SERVFAIL, but not if told to leave DNSSEC unchecked");
    assert_false(found.authentic);
    end();
    world_servers[RESOLVER].authentic = true;
    begin();
    look(MAIL);
    assert_true(found.authentic);
    end();
}

/* ---- aliases ----------------------------------------------------------------------------------*/

static void alias(void **state)
{
    (void)state;
    begin();
    look("_25._tcp.alias.example.org");
    assert_string_equal(found.owner, "tlsa.other.org");
    assert_true(found.alias);
    assert_int_equal(found.alias_ttl, WORLD_TTL); /* the signature's Original TTL; its own is 900 */
    assert_string_equal(found.apex, "other.org");
    assert_int_equal(found.zone, LOOKUP_ZONE_NO_DS);
    assert_int_equal(found.count, 1);
    check_records(&found.servers[0], "o");
    look("_25._tcp.chain.example.org");
    assert_string_equal(found.owner, "tlsa.other.org");
    assert_int_equal(found.count, 1);
    end();
    /* Who does not confirm the alias stays on the list. */
    look_at(NS2, FAULT_REFUSED, "_25._tcp.alias.example.org");
    assert_string_equal(found.owner, "tlsa.other.org");
    assert_int_equal(found.count, 2);
    assert_int_equal(server("ns2.nic.org")->code, LOOKUP_LAME);
    check_records(server("ns1.nic.org"), "o");
    end();
}

/* Not all servers have the alias: it is not followed, and each server's own view is told. */
static void split_alias(void **state)
{
    (void)state;
    begin();
    look("_25._tcp.split.example.org");
    assert_string_equal(found.owner, "_25._tcp.split.example.org");
    assert_false(found.alias);
    assert_int_equal(found.count, 3);
    assert_int_equal(server("ns1.nic.org")->code, LOOKUP_ALIAS);
    assert_string_equal(server("ns1.nic.org")->target, "tlsa.other.org");
    check_records(server("ns2.nic.org"), "s");
    assert_int_equal(look_with("_25._tcp.loop.example.org", &now), LOOKUP_FAILED);
    assert_string_equal(found.words, "its CNAME records lead in a circle");
    end();
}

/* ---- the other ways ---------------------------------------------------------------------------*/

static void by_resolvers(void **state)
{
    (void)state;
    world_servers[NS1].fault = FAULT_REFUSED;
    world_servers[RESOLVER].authentic = true;
    begin();
    resolvers.list[1] = world_fakes[NS1].server;
    resolvers.count = 2;
    assert_int_equal(lookup_by_resolvers(&finder, "_25._tcp.alias.example.org", &now,
                                         time_ticks() + LATER, &found),
                     0);
    assert_string_equal(found.owner, "tlsa.other.org");
    assert_true(found.alias && found.authentic);
    assert_int_equal(found.zone, LOOKUP_ZONE_SIGNED);
    assert_int_equal(found.count, 2);
    check_records(&found.servers[0], "o");
    assert_string_equal(found.servers[0].target, "tlsa.other.org");
    assert_int_equal(found.servers[1].code, LOOKUP_LAME);
    assert_int_equal(lookup_by_resolvers(&finder, "_25._tcp.nosuch.example.org", &now,
                                         time_ticks() + LATER, &found),
                     0);
    assert_int_equal(found.servers[0].code, LOOKUP_DENIAL);
    assert_true(found.servers[0].nxdomain);
    assert_int_equal(lookup_by_resolvers(&finder, "_25._tcp.loop.example.org", &now,
                                         time_ticks() + LATER, &found),
                     0);
    assert_int_equal(found.servers[0].code, LOOKUP_MALFORMED);
    end();
    world_servers[RESOLVER].fault = FAULT_SERVFAIL;
    begin();
    assert_int_equal(lookup_by_resolvers(&finder, MAIL, &now, time_ticks() + LATER, &found), 0);
    assert_int_equal(found.zone, LOOKUP_ZONE_BOGUS);
    assert_int_equal(found.servers[0].code, LOOKUP_LAME);
    end();
}

static int admits(const struct lookup_server **wrong)
{
    return lookup_non_terminal(&finder, "mail.example.org", &now, time_ticks() + LATER, &found,
                               wrong);
}

static void non_terminal(void **state)
{
    const struct lookup_server *wrong;
    (void)state;
    begin();
    assert_int_equal(admits(&wrong), 1);
    assert_null(wrong);
    end();
    world_servers[NS3].fault = FAULT_NO_NON_TERMINAL;
    begin();
    assert_int_equal(admits(&wrong), 0);
    assert_string_equal(wrong->name, "ns3.nic.org");
    end();
}

static void mail_exchangers(void **state)
{
    static const struct {
        const char *host;
        int rc;
    } rows[] = {{"example.org", 0},        {"mail.example.org", 1},   {"self.example.org", 1},
                {"null.example.org", 1},   {"nosuch.example.org", 1}, {"named.example.org", 0},
                {"circle.example.org", -1}};
    struct dns_mx_set mx;
    (void)state;
    begin();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(lookup_mx(&finder, rows[i].host, time_ticks() + LATER, &mx), rows[i].rc);
    end();
}

/* Whatever memory there is: an answer or LOOKUP_MEMORY, never anything else. */
static void memory_ends(void **state)
{
    int rc = LOOKUP_MEMORY;
    (void)state;
    begin();
    for (size_t limit = DNS_MESSAGE_SIZE; rc != 0; limit += 24) {
        assert_true(limit < LIMIT);
        arena_release(&arena);
        arena = arena_make(limit);
        if (dns_finder_init(&finder, &resolvers, &arena) != 0)
            continue;
        finder.port = world_fakes[RESOLVER].server.port;
        rc = look_with("_25._tcp.alias.example.org", &now);
        assert_true(rc == 0 || rc == LOOKUP_MEMORY);
    }
    check_records(&found.servers[0], "o");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rrset),          cmocka_unit_test(denial),
        cmocka_unit_test(lags),           cmocka_unit_test(one_fails),
        cmocka_unit_test(nobody_answers), cmocka_unit_test(no_zone),
        cmocka_unit_test(dnssec),         cmocka_unit_test(clock_matters),
        cmocka_unit_test(validator),      cmocka_unit_test(alias),
        cmocka_unit_test(split_alias),    cmocka_unit_test(by_resolvers),
        cmocka_unit_test(non_terminal),   cmocka_unit_test(mail_exchangers),
        cmocka_unit_test(no_address),     cmocka_unit_test(memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
