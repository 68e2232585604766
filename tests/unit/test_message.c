/* DNS messages: RFC 1035's own example, every cut, lying pointers, names with odd octets. */
#include "base/name.h"
#include "dns/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t bytes[DNS_MESSAGE_SIZE];
static struct dns_message m;
static struct dns_rr rr;

/* Name at OFFSET of a message of these octets behind an empty header. */
static int name_at(const void *octets, size_t length, size_t offset, char name[DNS_NAME_SIZE],
                   size_t *behind)
{
    memset(bytes, 0, DNS_HEADER_SIZE);
    memcpy(bytes + DNS_HEADER_SIZE, octets, length);
    m = (struct dns_message){.bytes = bytes, .length = DNS_HEADER_SIZE + length};
    struct cursor c = cursor_over(bytes + DNS_HEADER_SIZE + offset, length - offset);
    int rc = dns_read_name(&m, &c, name);
    *behind = (size_t)(c.at - bytes) - DNS_HEADER_SIZE;
    return rc;
}

/* RFC 1035 section 4.1.4: F.ISI.ARPA, FOO.F.ISI.ARPA, ARPA and the root, here at 12. */
static void compressed_names(void **state)
{
    static const uint8_t octets[] = "\x01"
                                    "F"
                                    "\x03"
                                    "ISI"
                                    "\x04"
                                    "ARPA"
                                    "\0" /* 12 */
                                    "\x03"
                                    "FOO"
                                    "\xc0\x0c" /* 24 */
                                    "\xc0\x12" /* 30 */
                                    "\0";      /* 32 */
    static const struct {
        size_t offset, behind;
        const char *name;
    } rows[] = {{0, 12, "F.ISI.ARPA"}, {12, 18, "FOO.F.ISI.ARPA"}, {18, 20, "ARPA"}, {20, 21, "."}};
    char name[DNS_NAME_SIZE];
    size_t behind;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(name_at(octets, 21, rows[i].offset, name, &behind), 0);
        assert_string_equal(name, rows[i].name);
        assert_int_equal(behind, rows[i].behind);
    }
}

static void lying_pointers(void **state)
{
    static const struct {
        const char *octets;
        size_t length, offset;
    } rows[] = {
        {"\xc0\x0c", 2, 0},         /* to itself */
        {"\xc0\x0e\xc0\x0c", 4, 0}, /* forwards */
        {"\x01"
         "a\xc0\x0c",
         4, 0}, /* to the name it stands in */
        {"\x01"
         "a\xc0\x0e\0",
         5, 0},             /* to itself behind a label */
        {"\xc0\xff", 2, 0}, /* behind the end */
        {"\xc0", 1, 0},     /* cut */
        {"\x01"
         "a",
         2, 0}, /* no end */
        {"\x05"
         "abc",
         4, 0}, /* a label longer than what is there */
        {"\x40"
         "a\0",
         3, 0}, /* 01: reserved */
        {"\x80"
         "a\0",
         3, 0}, /* 10: reserved */
        {"\x02"
         "a\0\xc0\x0c",
         5, 3}, /* into a name that swallows the pointer and has no end */
        {"", 0, 0},
    };
    char name[DNS_NAME_SIZE];
    size_t behind;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(name_at(rows[i].octets, rows[i].length, rows[i].offset, name, &behind),
                         DNS_MALFORMED);
}

/* Pointers in a row, each to the one before. */
static void many_pointers(void **state)
{
    uint8_t octets[2 + 2 * 300] = {0};
    char name[DNS_NAME_SIZE];
    size_t behind;
    (void)state;
    for (size_t i = 0; i < 300; i++) {
        size_t target = DNS_HEADER_SIZE + 2 * i;
        octets[2 + 2 * i] = (uint8_t)(0xc0 | target >> 8);
        octets[3 + 2 * i] = (uint8_t)target;
    }
    assert_int_equal(name_at(octets, 2 + 2 * 128, 2 * 128, name, &behind), 0);
    assert_string_equal(name, ".");
    assert_int_equal(name_at(octets, sizeof octets, 2 * 129, name, &behind), DNS_MALFORMED);
    assert_int_equal(name_at(octets, sizeof octets, 2 * 300, name, &behind), DNS_MALFORMED);
}

/* Of LABELS labels with LENGTH octets of VALUE each, the last with LAST. */
static size_t long_name(uint8_t *octets, size_t labels, size_t length, size_t last, uint8_t value)
{
    size_t used = 0;
    for (size_t i = 0; i < labels; i++) {
        size_t n = i + 1 == labels ? last : length;
        octets[used++] = (uint8_t)n;
        memset(octets + used, value, n);
        used += n;
    }
    octets[used++] = 0;
    return used;
}

static void longest_names(void **state)
{
    uint8_t octets[400], wire[DNS_NAME_WIRE];
    char name[DNS_NAME_SIZE];
    size_t behind;
    (void)state;
    size_t length = long_name(octets, 4, 63, 61, 0);
    assert_int_equal(length, DNS_NAME_WIRE);
    assert_int_equal(name_at(octets, length, 0, name, &behind), 0);
    assert_int_equal(strlen(name), 4 * 250 + 3);
    assert_int_equal(dns_name_wire(name, wire), DNS_NAME_WIRE);
    assert_memory_equal(wire, octets, DNS_NAME_WIRE);
    length = long_name(octets, 4, 63, 62, 'x');
    assert_int_equal(name_at(octets, length, 0, name, &behind), DNS_MALFORMED);
    length = long_name(octets, 127, 1, 1, 'x');
    assert_int_equal(length, DNS_NAME_WIRE);
    assert_int_equal(name_at(octets, length, 0, name, &behind), 0);
    assert_int_equal(dns_labels(name), 127);
    assert_int_equal(dns_name_wire(name, wire), DNS_NAME_WIRE);
    /* The same by way of a pointer: what counts is the whole name. */
    length = long_name(octets, 4, 63, 61, 'x');
    memcpy(octets + length,
           "\x01"
           "a\xc0\x0c",
           4);
    assert_int_equal(name_at(octets, length + 4, length, name, &behind), DNS_MALFORMED);
}

/* Each octet has one spelling, and reads back. */
static void odd_octets(void **state)
{
    char name[DNS_NAME_SIZE], seen[256][DNS_NAME_SIZE];
    size_t behind;
    (void)state;
    for (unsigned value = 0; value < 256; value++) {
        const uint8_t octets[] = {3, 'a', (uint8_t)value, 'b', 3, 'o', 'r', 'g', 0};
        uint8_t wire[DNS_NAME_WIRE];
        assert_int_equal(name_at(octets, sizeof octets, 0, name, &behind), 0);
        assert_int_equal(dns_labels(name), 2);
        assert_true(name_within(name, "org"));
        assert_false(name_within(name, "b.org"));
        assert_string_equal(name_parent(name), "org");
        assert_int_equal(dns_name_wire(name, wire), sizeof octets);
        assert_memory_equal(wire, octets, sizeof octets);
        for (const char *c = name; *c != '\0'; c++)
            assert_true(*c > ' ' && *c < 0x7f);
        memcpy(seen[value], name, sizeof name);
        for (unsigned i = 0; i < value; i++) {
            bool letters = (value ^ i) == 0x20 && value >= 'a' && value <= 'z';
            assert_int_equal(name_equal(seen[i], name), letters);
        }
    }
    assert_string_equal(seen['.'], "a\\046b.org");
    assert_string_equal(seen['\\'], "a\\092b.org");
    assert_string_equal(seen[0], "a\\000b.org");
    assert_string_equal(seen[255], "a\\255b.org");
    assert_string_equal(seen['*'], "a*b.org");
}

static void names_to_wire(void **state)
{
    static const struct {
        const char *name;
        int length;
        const char *wire;
    } good[] = {
        {".", 1, ""},
        {"org", 5,
         "\x03"
         "org"},
        {"org.", 5,
         "\x03"
         "org"},
        {"_25._TCP.Mail.org", 19,
         "\x03"
         "_25\x04"
         "_TCP\x04"
         "Mail\x03"
         "org"},
        {"a\\.b.org", 9,
         "\x03"
         "a.b\x03"
         "org"},
        {"a\\046b.org", 9,
         "\x03"
         "a.b\x03"
         "org"},
        {"\\000.org", 7,
         "\x01\0\x03"
         "org"},
    };
    static const char *const bad[] = {"",    "..",    ".org",    "a..b",   "org..",
                                      "a\\", "a\\25", "\\256.a", "a\\2x5", "\\999"};
    uint8_t wire[DNS_NAME_WIRE];
    char name[600];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(dns_name_wire(good[i].name, wire), good[i].length);
        assert_memory_equal(wire, good[i].wire, (size_t)good[i].length);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(dns_name_wire(bad[i], wire), DNS_BAD_NAME);
    memset(name, 'x', sizeof name);
    name[64] = '\0';
    assert_int_equal(dns_name_wire(name, wire), DNS_BAD_NAME);
    name[63] = '\0';
    assert_int_equal(dns_name_wire(name, wire), 65);
    for (size_t i = 1; i < sizeof name; i += 2) {
        memset(name, 'x', sizeof name);
        for (size_t k = 1; k < i; k += 2)
            name[k] = '.';
        name[i] = '\0';
        assert_int_equal(dns_name_wire(name, wire), i <= 253 ? (int)i + 2 : DNS_BAD_NAME);
    }
}

static void query_as_built(void **state)
{
    static const uint8_t expected[] = "\x12\x34\x01\0\0\x01\0\0\0\0\0\x01"
                                      "\x04"
                                      "mail\x07"
                                      "example\x03"
                                      "org\0\0\x34\0\x01"
                                      "\0\0\x29\x04\xd0\0\0\x80\0\0";
    struct dns_builder b;
    char name[DNS_NAME_SIZE];
    uint16_t type, klass;
    (void)state;
    for (size_t size = DNS_HEADER_SIZE; size <= sizeof expected; size++) {
        dns_begin(&b, bytes, size, 0x1234, DNS_FLAG_RD);
        dns_put_question(&b, "mail.example.org", DNS_TYPE_TLSA, DNS_CLASS_IN);
        dns_put_edns(&b, true);
        if (size < sizeof expected)
            assert_int_equal(dns_finish(&b), DNS_TOO_LONG);
    }
    assert_int_equal(dns_finish(&b), sizeof expected);
    assert_memory_equal(bytes, expected, sizeof expected);
    assert_int_equal(dns_open(&m, bytes, sizeof expected), 0);
    assert_int_equal(m.id, 0x1234);
    assert_int_equal(m.flags, DNS_FLAG_RD);
    assert_true(m.edns);
    assert_int_equal(dns_question(&m, name, &type, &klass), 1);
    assert_string_equal(name, "mail.example.org");
    assert_int_equal(type, DNS_TYPE_TLSA);
    assert_int_equal(klass, DNS_CLASS_IN);
    dns_begin(&b, bytes, 11, 0, 0);
    assert_int_equal(dns_finish(&b), DNS_TOO_LONG);
    dns_begin(&b, bytes, sizeof bytes, 0, 0);
    dns_put_question(&b, "a..b", DNS_TYPE_A, DNS_CLASS_IN);
    dns_put_edns(&b, false);
    assert_int_equal(dns_finish(&b), DNS_BAD_NAME);
    dns_begin(&b, bytes, sizeof bytes, 0, 0);
    dns_put_rr(&b, DNS_ANSWER, "a", DNS_TYPE_TLSA, DNS_CLASS_IN, 0, bytes, 65536);
    assert_int_equal(dns_finish(&b), DNS_TOO_LONG);
}

/* An answer with something of everything, some names compressed. */
static size_t rich_answer(void)
{
    static const uint8_t sig[] = "\0\x34\x0d\x05\0\0\x07\x08\x6a\xe8\x6c\0\x6a\xd0\x6c\0\x12\x34"
                                 "\x07"
                                 "example\x03"
                                 "org\0sig";
    static const uint8_t soa[] = "\x03"
                                 "ns1\xc0\x0c\x0a"
                                 "hostmaster\xc0\x0c"
                                 "\x78\xa4\x05\x2d\0\0\x0e\x10\0\0\x02\x58\0\x12\x75\0\0\0\x01\x2c";
    struct dns_builder b;
    dns_begin(&b, bytes, sizeof bytes, 7, DNS_FLAG_QR | DNS_FLAG_AA);
    dns_put_question(&b, "example.org", DNS_TYPE_TLSA, DNS_CLASS_IN);
    dns_put_rr(&b, DNS_ANSWER, "example.org", DNS_TYPE_TLSA, DNS_CLASS_IN, 1800, "\3\1\1xyz", 6);
    dns_put_rr(&b, DNS_ANSWER, "EXAMPLE.org", DNS_TYPE_TLSA, DNS_CLASS_IN, 0x80000000, "\3\1\2", 3);
    dns_put_rr(&b, DNS_ANSWER, "example.org", DNS_TYPE_RRSIG, DNS_CLASS_IN, 60, sig,
               sizeof sig - 1);
    dns_put_rr(&b, DNS_ANSWER, "alias.org", DNS_TYPE_CNAME, DNS_CLASS_IN, 60, "\1a\xc0\x0c", 4);
    dns_put_rr(&b, DNS_AUTHORITY, "example.org", DNS_TYPE_MX, DNS_CLASS_IN, 60, "\0\x0a\xc0\x0c",
               4);
    dns_put_rr(&b, DNS_AUTHORITY, "example.org", DNS_TYPE_SOA, DNS_CLASS_IN, 60, soa,
               sizeof soa - 1);
    dns_put_edns(&b, true);
    int length = dns_finish(&b);
    assert_true(length > 0);
    return (size_t)length;
}

static void records(void **state)
{
    struct dns_rrsig sig;
    struct dns_soa soa;
    char name[DNS_NAME_SIZE];
    (void)state;
    size_t length = rich_answer();
    assert_int_equal(dns_open(&m, bytes, length), 0);
    assert_int_equal(dns_next(&m, &rr), 1);
    assert_int_equal(rr.section, DNS_ANSWER);
    assert_string_equal(rr.name, "example.org");
    assert_int_equal(rr.start, 12 + 13 + 4);
    assert_int_equal(rr.type, DNS_TYPE_TLSA);
    assert_int_equal(rr.ttl, 1800);
    assert_int_equal(rr.length, 6);
    assert_memory_equal(rr.rdata, "\3\1\1xyz", 6);
    assert_int_equal(dns_next_of(&m, DNS_ANSWER, "example.ORG.", DNS_TYPE_TLSA, &rr), 1);
    assert_int_equal(rr.ttl, 0);
    assert_int_equal(dns_next(&m, &rr), 1);
    assert_int_equal(dns_rrsig(&m, &rr, &sig), 0);
    assert_int_equal(sig.covered, DNS_TYPE_TLSA);
    assert_int_equal(sig.algorithm, 13);
    assert_int_equal(sig.labels, 5);
    assert_int_equal(sig.original_ttl, 1800);
    assert_true(sig.expiration == 0x6ae86c00 && sig.inception == 0x6ad06c00);
    assert_int_equal(sig.key_tag, 0x1234);
    assert_string_equal(sig.signer, "example.org");
    assert_int_equal(dns_next(&m, &rr), 1);
    assert_int_equal(dns_target(&m, &rr, name), 0);
    assert_string_equal(name, "a.example.org");
    assert_int_equal(dns_next_of(&m, DNS_AUTHORITY, "example.org", DNS_TYPE_MX, &rr), 1);
    assert_int_equal(dns_target(&m, &rr, name), 0);
    assert_string_equal(name, "example.org");
    assert_int_equal(dns_next(&m, &rr), 1);
    assert_int_equal(dns_soa(&m, &rr, &soa), 0);
    assert_string_equal(soa.mname, "ns1.example.org");
    assert_int_equal(soa.serial, 2024015149);
    assert_int_equal(soa.refresh, 3600);
    assert_int_equal(soa.retry, 600);
    assert_int_equal(soa.expire, 1209600);
    assert_int_equal(soa.minimum, 300);
    assert_int_equal(dns_next(&m, &rr), 1);
    assert_int_equal(rr.section, DNS_ADDITIONAL);
    assert_int_equal(rr.type, DNS_TYPE_OPT);
    assert_int_equal(rr.ttl, 0x8000);
    assert_int_equal(dns_next(&m, &rr), 0);
    assert_int_equal(dns_next(&m, &rr), 0);
    dns_rewind(&m);
    assert_int_equal(dns_next_of(&m, DNS_AUTHORITY, "example.org", DNS_TYPE_TLSA, &rr), 0);
}

/* In a memory of exactly this length, so that a sanitizer sees one octet too far. */
static void every_cut(void **state)
{
    (void)state;
    size_t length = rich_answer();
    for (size_t cut = 0; cut <= length; cut++) {
        uint8_t *copy = malloc(cut + (cut == 0));
        assert_non_null(copy);
        memcpy(copy, bytes, cut);
        assert_int_equal(dns_open(&m, copy, cut), cut == length ? 0 : DNS_MALFORMED);
        free(copy);
    }
    assert_int_equal(dns_open(&m, NULL, 0), DNS_MALFORMED);
    /* What stands behind is passed over. */
    assert_int_equal(dns_open(&m, bytes, length + 100), 0);
}

static void cut_data(void **state)
{
    struct dns_rrsig sig;
    struct dns_soa soa;
    char name[DNS_NAME_SIZE];
    size_t length = rich_answer();
    (void)state;
    assert_int_equal(dns_open(&m, bytes, length), 0);
    while (dns_next(&m, &rr) > 0) {
        struct dns_rr cut = rr;
        for (cut.length = 0; cut.length < rr.length; cut.length++) {
            if (rr.type == DNS_TYPE_SOA)
                assert_int_equal(dns_soa(&m, &cut, &soa), DNS_MALFORMED);
            if (rr.type == DNS_TYPE_CNAME || rr.type == DNS_TYPE_MX)
                assert_int_equal(dns_target(&m, &cut, name), DNS_MALFORMED);
            if (rr.type == DNS_TYPE_RRSIG && cut.length + 3 <= rr.length)
                assert_int_equal(dns_rrsig(&m, &cut, &sig), DNS_MALFORMED);
        }
        cut.length = (uint16_t)(rr.length + 1);
        if (rr.type == DNS_TYPE_SOA)
            assert_int_equal(dns_soa(&m, &cut, &soa), DNS_MALFORMED);
        if (rr.type == DNS_TYPE_CNAME || rr.type == DNS_TYPE_MX)
            assert_int_equal(dns_target(&m, &cut, name), DNS_MALFORMED);
    }
}

static void any_octet_changed(void **state)
{
    struct dns_rrsig sig;
    struct dns_soa soa;
    char name[DNS_NAME_SIZE];
    uint8_t original[1024];
    size_t length = rich_answer();
    (void)state;
    memcpy(original, bytes, length);
    for (size_t i = 0; i < length * 256; i++) {
        memcpy(bytes, original, length);
        bytes[i / 256] = (uint8_t)i;
        if (dns_open(&m, bytes, length) != 0)
            continue;
        while (dns_next(&m, &rr) > 0) {
            (void)dns_soa(&m, &rr, &soa);
            (void)dns_rrsig(&m, &rr, &sig);
            (void)dns_target(&m, &rr, name);
        }
    }
}

static void headers(void **state)
{
    (void)state;
    size_t length = rich_answer();
    bytes[5] = 2;
    assert_int_equal(dns_open(&m, bytes, length), DNS_MALFORMED);
    bytes[5] = 0xff;
    assert_int_equal(dns_open(&m, bytes, length), DNS_MALFORMED);
    length = rich_answer();
    bytes[7]++;
    assert_int_equal(dns_open(&m, bytes, length), DNS_MALFORMED);
    /* An OPT record anywhere else, or two. */
    length = rich_answer();
    bytes[9]++;
    bytes[11]--;
    assert_int_equal(dns_open(&m, bytes, length), DNS_MALFORMED);
    length = rich_answer();
    memcpy(bytes + length, bytes + length - 11, 11);
    bytes[11]++;
    assert_int_equal(dns_open(&m, bytes, length + 11), DNS_MALFORMED);
    /* Its upper rcode bits: BADVERS is 1 << 4. */
    length = rich_answer();
    bytes[length - 6] = 1;
    assert_int_equal(dns_open(&m, bytes, length), 0);
    assert_int_equal(m.rcode, DNS_BADVERS);
    assert_string_equal(dns_rcode_words(m.rcode), "BADVERS");
    assert_string_equal(dns_rcode_words(DNS_REFUSED), "REFUSED");
    assert_string_equal(dns_rcode_words(DNS_NOTZONE), "NOTZONE");
    assert_null(dns_rcode_words(11));
}

static void times(void **state)
{
    const int64_t now = INT64_C(0x16ad06c00); /* beyond 2106 */
    (void)state;
    assert_true(dns_time(0x6ad06c00, now) == now);
    assert_true(dns_time(0x6ad06c00 + 10, now) == now + 10);
    assert_true(dns_time(0x6ad06c00 - 10, now) == now - 10);
    assert_true(dns_time(0xffffffff, INT64_C(0x100000000)) == 0xffffffff);
    assert_true(dns_time(5, 0xffffffff) == INT64_C(0x100000005));
    assert_true(dns_time(0x6ad06c00 + 0x7fffffffu, now) == now + 0x7fffffff);
    assert_true(dns_time(0x6ad06c00 + 0x80000000u, now) == now - INT64_C(0x80000000));
    assert_int_equal(dns_labels("."), 0);
    assert_int_equal(dns_labels("org"), 1);
    assert_int_equal(dns_labels("_25._tcp.mail.example.org"), 5);
    assert_int_equal(dns_labels("example.org."), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compressed_names),
        cmocka_unit_test(lying_pointers),
        cmocka_unit_test(many_pointers),
        cmocka_unit_test(longest_names),
        cmocka_unit_test(odd_octets),
        cmocka_unit_test(names_to_wire),
        cmocka_unit_test(query_as_built),
        cmocka_unit_test(records),
        cmocka_unit_test(every_cut),
        cmocka_unit_test(cut_data),
        cmocka_unit_test(any_octet_changed),
        cmocka_unit_test(headers),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
