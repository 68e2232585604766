/* dane/tlsa.h */
#include "vectors.h"

#include "base/name.h"
#include "dane/tlsa.h"

#define NOTHING256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define NOTHING512                                                                                 \
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"                             \
    "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"
/* OpenSSL's example.com chain (facts/rollover.md 7). */
#define LEAF_311   "3111668338043de264d0256a702248696c9484b6221a42740f920187b4c61838"
#define LEAF_301   "bedc04764cecae80aee454d332758f50847dca424216466e4012e0deae1f2e5f"
#define ISSUER_211 "65a457617072da3e7f1152471eb3d406526530097d0a9aa34eb47c990a1fcda3"

static struct cert_object object;

static int parse(const char *text, struct tlsa *record)
{
    return tlsa_parse(text, strlen(text), record);
}

static void must_parse(const char *text, struct tlsa *record)
{
    if (parse(text, record) != 0)
        fail_msg("does not parse: %s", text);
}

static void leaf_digests(const char *name, struct cert_digests *digests)
{
    vector_certificate(name, &object);
    cert_digest(&object, digests);
}

/* ---- text ---- */

static void test_parse_and_print(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"3 1 1 " LEAF_311, "3 1 1 " LEAF_311},
        {"3\t1\t1\t31116683 38043de264d0256a702248 696c9484b6221a42740f920187b4c61838",
         "3 1 1 " LEAF_311},
        {" 3  1 1\r\n3111668338043DE264D0256A702248696C9484B6221A42740F920187B4C61838 ",
         "3 1 1 " LEAF_311},
        {"003 001 01 ab", "3 1 1 ab"},
        {"255 255 255 00", "255 255 255 00"},
        {"0 0 0 a b c d", "0 0 0 abcd"},
        {"3 1 2 " NOTHING512, "3 1 2 " NOTHING512},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tlsa record, again;
        char text[TLSA_TEXT_SIZE];
        struct buf b = BUF_OVER(text);
        must_parse(rows[i].in, &record);
        tlsa_print(&b, &record);
        assert_false(buf_full(&b));
        assert_string_equal(text, rows[i].out);
        must_parse(text, &again);
        assert_true(tlsa_equal(&record, &again));
    }
}

static void test_longest_text_fits(void **state)
{
    uint8_t data[1000];
    char text[TLSA_TEXT_SIZE];
    struct tlsa record;
    struct buf b = BUF_OVER(text);
    (void)state;
    memset(data, 0xee, sizeof data);
    tlsa_set(&record, (struct tlsa_combination){255, 255, 255}, data, TLSA_DATA_MOST);
    tlsa_print(&b, &record);
    assert_false(buf_full(&b));
    assert_int_equal(b.used, 12 + 2 * TLSA_DATA_MOST);
    buf_reset(&b);
    tlsa_set(&record, (struct tlsa_combination){255, 255, 255}, data, sizeof data);
    tlsa_print(&b, &record);
    assert_false(buf_full(&b));
    assert_memory_equal(text, "255 255 255 (sha256 ", 20);
    /* That form is for people; it never becomes a record again. */
    assert_int_equal(parse(text, &record), TLSA_MALFORMED);
}

static void test_malformed_text(void **state)
{
    static const char *const rows[] = {
        "",
        " ",
        "3",
        "3 1",
        "3 1 1",
        "3 1 1 ",
        "3 1 1 a",
        "3 1 1 abc",
        "3 1 1 ab c",
        "3 1 1 xy",
        "3 1 1 ab:cd",
        "3 1 256 ab",
        "256 1 1 ab",
        "99999999999999999999 1 1 ab",
        "-3 1 1 ab",
        "+3 1 1 ab",
        "3 1 1ab",
        "3,1,1,ab",
        "0x3 1 1 ab",
        "DANE-EE SPKI SHA2-256 ab",
        "\\# 35 030101ab",
        "3 1 1 ab;",
    };
    struct tlsa record;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(parse(rows[i], &record), TLSA_MALFORMED);
    /* A NUL within the text is no end of it. */
    assert_int_equal(tlsa_parse("3 1 1 ab\0cd", 11, &record), TLSA_MALFORMED);
    /* The length counts, not a NUL: here the digits end after "ab". */
    assert_int_equal(tlsa_parse("3 1 1 abcd", 8, &record), 0);
    assert_int_equal(record.length, 1);
}

static void test_every_truncation_of_text(void **state)
{
    static const char text[] = "3 1 1 " LEAF_311;
    struct tlsa record;
    (void)state;
    for (size_t length = 0; length < strlen(text); length++) {
        char *copy = test_malloc(length + 1);
        memcpy(copy, text, length);
        int rc = tlsa_parse(copy, length, &record);
        assert_int_equal(rc, length > 6 && length % 2 == 0 ? 0 : TLSA_MALFORMED);
        if (rc == 0)
            assert_false(tlsa_usable(&record));
        test_free(copy);
    }
}

static void test_too_long(void **state)
{
    static char text[6 + 2 * CERT_DER_SIZE + 2];
    struct tlsa record;
    (void)state;
    memset(text, 'a', sizeof text);
    memcpy(text, "3 0 0 ", 6);
    assert_int_equal(tlsa_parse(text, sizeof text - 2, &record), 0);
    assert_int_equal(record.length, CERT_DER_SIZE);
    assert_true(record.hashed);
    assert_int_equal(tlsa_parse(text, sizeof text, &record), TLSA_TOO_LONG);
}

static void test_brief(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"3 1 1 " LEAF_311, "3 1 1 311166833804..."},
        {"3 1 1 0102030405", "3 1 1 0102030405"},
        {"3 1 1 010203040506", "3 1 1 010203040506"},
        {"3 1 1 01020304050607", "3 1 1 010203040506..."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tlsa record;
        char text[64];
        struct buf b = BUF_OVER(text);
        must_parse(rows[i].in, &record);
        tlsa_brief(&b, &record);
        assert_string_equal(text, rows[i].out);
    }
}

/* ---- comparing ---- */

static void test_equal(void **state)
{
    struct tlsa a, b;
    (void)state;
    must_parse("3 1 1 " LEAF_311, &a);
    must_parse("3 1 1 3111668338043DE264D0256A702248696C9484B6221A42740F920187B4C61838", &b);
    assert_true(tlsa_equal(&a, &b));
    must_parse("2 1 1 " LEAF_311, &b);
    assert_false(tlsa_equal(&a, &b));
    must_parse("3 0 1 " LEAF_311, &b);
    assert_false(tlsa_equal(&a, &b));
    must_parse("3 1 2 " LEAF_311, &b);
    assert_false(tlsa_equal(&a, &b));
    must_parse("3 1 1 " LEAF_301, &b);
    assert_false(tlsa_equal(&a, &b));
    must_parse("3 1 1 " LEAF_311 "00", &b);
    assert_false(tlsa_equal(&a, &b));
    must_parse("3 1 1 31", &b);
    assert_false(tlsa_equal(&a, &b));
}

static void test_long_data_compares_by_hash(void **state)
{
    static uint8_t data[500];
    const struct tlsa_combination c = {3, 0, 0};
    struct tlsa a, b;
    (void)state;
    tlsa_set(&a, c, data, sizeof data);
    tlsa_set(&b, c, data, sizeof data);
    assert_true(a.hashed && tlsa_equal(&a, &b));
    data[499] = 1;
    tlsa_set(&b, c, data, sizeof data);
    assert_false(tlsa_equal(&a, &b));
    data[499] = 0;
    tlsa_set(&b, c, data, sizeof data - 1);
    assert_false(tlsa_equal(&a, &b));
    /* Data that is the other's hash is another record. */
    tlsa_set(&b, c, a.data, 32);
    assert_false(tlsa_equal(&a, &b));
    uint8_t wire[3 + TLSA_DATA_MOST];
    assert_int_equal(tlsa_wire(&a, wire), 0);
}

static void test_usable(void **state)
{
    static const struct {
        const char *text;
        bool usable;
    } rows[] = {
        {"3 1 1 " LEAF_311, true},    {"2 1 1 " ISSUER_211, true}, {"1 0 1 " LEAF_301, true},
        {"0 0 1 " LEAF_301, true},    {"3 1 2 " NOTHING512, true}, {"4 1 1 " LEAF_311, false},
        {"255 1 1 " LEAF_311, false}, {"3 2 1 " LEAF_311, false},  {"3 255 1 " LEAF_311, false},
        {"3 1 3 " LEAF_311, false},   {"3 1 2 " LEAF_311, false},  {"3 1 1 " NOTHING512, false},
        {"3 1 1 31", false},          {"3 1 0 3000", false},       {"3 0 0 " LEAF_301, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tlsa record;
        must_parse(rows[i].text, &record);
        assert_int_equal(tlsa_usable(&record), rows[i].usable);
    }
    struct tlsa empty;
    tlsa_set(&empty, (struct tlsa_combination){3, 1, 1}, NULL, 0);
    assert_false(tlsa_usable(&empty));
}

static void test_of_nothing(void **state)
{
    struct tlsa record;
    (void)state;
    must_parse("3 1 1 " NOTHING256, &record);
    assert_true(tlsa_of_nothing(&record));
    must_parse("3 1 2 " NOTHING512, &record);
    assert_true(tlsa_of_nothing(&record));
    must_parse("3 1 1 " LEAF_311, &record);
    assert_false(tlsa_of_nothing(&record));
    must_parse("3 1 1 e3b0c442", &record);
    assert_false(tlsa_of_nothing(&record));
}

/* ---- making and matching ---- */

static void test_known_records(void **state)
{
    struct cert_digests leaf;
    struct tlsa made, given;
    (void)state;
    leaf_digests("openssl-leaf.pem", &leaf);
    assert_int_equal(tlsa_make(&made, (struct tlsa_combination){3, 1, 1}, &leaf), 0);
    must_parse("3 1 1 " LEAF_311, &given);
    assert_true(tlsa_equal(&made, &given));
    assert_int_equal(tlsa_make(&made, (struct tlsa_combination){3, 0, 1}, &leaf), 0);
    must_parse("3 0 1 " LEAF_301, &given);
    assert_true(tlsa_equal(&made, &given));
}

static void test_make_covers_what_it_says(void **state)
{
    struct cert_digests leaf;
    (void)state;
    leaf_digests("kind-rsa2048.pem", &leaf);
    for (unsigned n = 0; n < 5 * 4 * 4; n++) {
        struct tlsa_combination c = {(uint8_t)(n / 16), (uint8_t)(n / 4 % 4), (uint8_t)(n % 4)};
        struct tlsa record;
        bool possible = (c.usage == 1 || c.usage == 3) && c.selector <= 1 &&
                        (c.matching == 1 || c.matching == 2);
        assert_int_equal(tlsa_make(&record, c, &leaf), possible ? 0 : -1);
        if (!possible)
            continue;
        assert_true(tlsa_usable(&record));
        assert_true(tlsa_matches(&record, &leaf));
        assert_true(tlsa_same_combination(record.combination, c));
        /* Every changed octet of the data unmatches it. */
        for (size_t i = 0; i < record.length; i++) {
            record.data[i] ^= 1;
            assert_false(tlsa_matches(&record, &leaf));
            record.data[i] ^= 1;
        }
        record.combination.usage = 2;
        assert_false(tlsa_matches(&record, &leaf));
    }
}

static void test_matches_the_right_leaf(void **state)
{
    struct cert_digests leaf, renewed, next;
    struct tlsa spki, whole;
    (void)state;
    leaf_digests("leaf.pem", &leaf);
    leaf_digests("leaf-renewed.pem", &renewed);
    leaf_digests("leaf-next.pem", &next);
    assert_int_equal(tlsa_make(&spki, (struct tlsa_combination){3, 1, 2}, &leaf), 0);
    assert_int_equal(tlsa_make(&whole, (struct tlsa_combination){3, 0, 2}, &leaf), 0);
    /* The same key in a new certificate: selector 1 stays, selector 0 does not. */
    assert_true(tlsa_matches(&spki, &renewed));
    assert_false(tlsa_matches(&whole, &renewed));
    assert_false(tlsa_matches(&spki, &next));
    assert_false(tlsa_matches(&whole, &next));
}

/* Rows of digests.tsv whose FILE is a certificate match it as 3 x x and as 1 x x. */
static void test_digests_of_vectors_match(void **state)
{
    char line[512], name[128], hex[256];
    int selector, matching, rows = 0;
    (void)state;
    FILE *file = fopen(VECTORS "digests.tsv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        struct cert_digests leaf;
        struct tlsa record;
        char text[320];
        assert_int_equal(sscanf(line, "%127s %d %d %255s", name, &selector, &matching, hex), 4);
        if (strstr(name, ".key") != NULL)
            continue;
        leaf_digests(name, &leaf);
        for (int usage = 0; usage <= 3; usage++) {
            (void)snprintf(text, sizeof text, "%d %d %d %s", usage, selector, matching, hex);
            must_parse(text, &record);
            assert_int_equal(tlsa_matches(&record, &leaf), usage == 1 || usage == 3);
        }
        rows++;
    }
    (void)fclose(file);
    assert_true(rows >= 72);
}

static void test_full_data(void **state)
{
    struct cert_digests rsa, ed25519, leaf;
    struct tlsa record;
    (void)state;
    leaf_digests("leaf.pem", &leaf);
    leaf_digests("kind-rsa2048.pem", &rsa);
    tlsa_set(&record, (struct tlsa_combination){3, 0, 0}, object.der, object.length);
    assert_true(record.hashed && tlsa_usable(&record) && tlsa_matches(&record, &rsa));
    assert_false(tlsa_matches(&record, &leaf));
    tlsa_set(&record, (struct tlsa_combination){3, 1, 0}, object.spki.bytes, object.spki.length);
    assert_true(record.hashed && tlsa_usable(&record) && tlsa_matches(&record, &rsa));
    /* The wrong selector's DER, and a certificate cut short: malformed, and matching nothing. */
    tlsa_set(&record, (struct tlsa_combination){3, 0, 0}, object.spki.bytes, object.spki.length);
    assert_false(tlsa_usable(&record));
    assert_false(tlsa_matches(&record, &rsa));
    tlsa_set(&record, (struct tlsa_combination){3, 0, 0}, object.der, object.length - 1);
    assert_false(tlsa_usable(&record));

    /* An Ed25519 SPKI has 44 octets: it is kept whole. */
    leaf_digests("kind-ed25519.pem", &ed25519);
    tlsa_set(&record, (struct tlsa_combination){3, 1, 0}, object.spki.bytes, object.spki.length);
    assert_int_equal(record.length, 44);
    assert_false(record.hashed);
    assert_true(tlsa_usable(&record) && tlsa_matches(&record, &ed25519));
    assert_false(tlsa_matches(&record, &rsa));
}

static void test_a_bare_key_has_no_certificate(void **state)
{
    struct cert_digests digests;
    struct tlsa record;
    (void)state;
    size_t length = vector_load(VECTORS, "leaf.key");
    assert_int_equal(cert_read(vector_bytes, length, &object), 0);
    cert_digest(&object, &digests);
    assert_int_equal(tlsa_make(&record, (struct tlsa_combination){3, 0, 1}, &digests), -1);
    assert_int_equal(tlsa_make(&record, (struct tlsa_combination){3, 1, 1}, &digests), 0);
    assert_true(tlsa_matches(&record, &digests));
    /* Thirty-two zeros are nobody's digest. */
    static const uint8_t zeros[32];
    tlsa_set(&record, (struct tlsa_combination){3, 0, 1}, zeros, sizeof zeros);
    assert_false(tlsa_matches(&record, &digests));
}

/* ---- wire form and owner names ---- */

static void test_wire(void **state)
{
    struct tlsa record;
    uint8_t wire[3 + TLSA_DATA_MOST];
    (void)state;
    must_parse("3 1 2 " NOTHING512, &record);
    assert_int_equal(tlsa_wire(&record, wire), 67);
    assert_memory_equal(wire, "\3\1\2\xcf\x83\xe1\x35", 7);
    must_parse("3 1 1 " LEAF_311, &record);
    assert_int_equal(tlsa_wire(&record, wire), 35);
}

static void test_owner(void **state)
{
    char owner[TLSA_OWNER_SIZE], host[NAME_SIZE + 2];
    (void)state;
    assert_int_equal(tlsa_owner(owner, 25, "mail.example.org"), 0);
    assert_string_equal(owner, "_25._tcp.mail.example.org");
    assert_int_equal(tlsa_owner(owner, 65535, "MAIL.Example.ORG."), 0);
    assert_string_equal(owner, "_65535._tcp.mail.example.org");
    /* "_25._tcp." takes 9 of the 253 characters of a name. */
    for (size_t i = 0; i < sizeof host; i++)
        host[i] = i % 50 == 49 ? '.' : 'a';
    host[244] = '\0';
    assert_int_equal(tlsa_owner(owner, 25, host), 0);
    assert_int_equal(strlen(owner), 253);
    assert_int_equal(tlsa_owner(owner, 443, host), -1);
    host[244] = 'a';
    host[253] = '\0';
    assert_int_equal(tlsa_owner(owner, 25, host), -1);
    host[253] = 'a';
    host[254] = '\0';
    assert_int_equal(tlsa_owner(owner, 25, host), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_and_print),
        cmocka_unit_test(test_longest_text_fits),
        cmocka_unit_test(test_malformed_text),
        cmocka_unit_test(test_every_truncation_of_text),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_brief),
        cmocka_unit_test(test_equal),
        cmocka_unit_test(test_long_data_compares_by_hash),
        cmocka_unit_test(test_usable),
        cmocka_unit_test(test_of_nothing),
        cmocka_unit_test(test_known_records),
        cmocka_unit_test(test_make_covers_what_it_says),
        cmocka_unit_test(test_matches_the_right_leaf),
        cmocka_unit_test(test_digests_of_vectors_match),
        cmocka_unit_test(test_full_data),
        cmocka_unit_test(test_a_bare_key_has_no_certificate),
        cmocka_unit_test(test_wire),
        cmocka_unit_test(test_owner),
    };
    return cmocka_run_group_tests_name("tlsa", tests, NULL, NULL);
}
