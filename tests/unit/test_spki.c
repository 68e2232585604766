/* cert/spki.h: certificates, requests and bare public keys in DER; whole files in any form. */
#include "vectors.h"

#include "base/time.h"
#include "cert/der.h"

static struct cert_object object, other;

/* ---- the facts' digests ---- */

/* The four digests by selector and matching type; NULL for numbers that are none. */
static const uint8_t *digest_of(const struct cert_digests *d, int selector, int matching)
{
    if (selector == 0)
        return matching == 1 ? d->certificate256 : matching == 2 ? d->certificate512 : NULL;
    return matching == 1 ? d->spki256 : matching == 2 ? d->spki512 : NULL;
}

static void test_all_digests(void **state)
{
    char line[512], name[128], hex[256];
    int selector, matching, rows = 0;
    (void)state;
    FILE *file = fopen(VECTORS "digests.tsv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        uint8_t expected[64];
        struct cert_digests digests;
        assert_int_equal(sscanf(line, "%127s %d %d %255s", name, &selector, &matching, hex), 4);
        size_t length = vector_load(VECTORS, name);
        int rc = cert_read(vector_bytes, length, &object);
        size_t size = vector_hex(hex, expected, sizeof expected);
        rows++;
        if (strcmp(name, "kind-ed25519.key") == 0 || strcmp(name, "kind-ed448.key") == 0) {
            assert_int_equal(rc, CERT_NO_PUBLIC);
            continue;
        }
        assert_int_equal(rc, 0);
        assert_int_equal(object.kind,
                         strstr(name, ".key") == NULL ? CERT_CERTIFICATE : CERT_PRIVATE_KEY);
        cert_digest(&object, &digests);
        assert_int_equal(size, matching == 1 ? 32 : 64);
        assert_non_null(digest_of(&digests, selector, matching));
        assert_memory_equal(digest_of(&digests, selector, matching), expected, size);
    }
    (void)fclose(file);
    assert_int_equal(rows, 81);
}

static void test_hashes(void **state)
{
    /* FIPS 180-4's examples: "abc" and nothing. */
    static const char *const of_abc =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char *const of_nothing =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    static const char *const of_abc512 =
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
    uint8_t digest[64], expected[64];
    (void)state;
    cert_sha256((const uint8_t *)"abc", 3, digest);
    assert_int_equal(vector_hex(of_abc, expected, sizeof expected), 32);
    assert_memory_equal(digest, expected, 32);
    cert_sha256((const uint8_t *)"", 0, digest);
    (void)vector_hex(of_nothing, expected, sizeof expected);
    assert_memory_equal(digest, expected, 32);
    cert_sha512((const uint8_t *)"abc", 3, digest);
    assert_int_equal(vector_hex(of_abc512, expected, sizeof expected), 64);
    assert_memory_equal(digest, expected, 64);
}

static void test_digests_of_a_key_have_no_certificate(void **state)
{
    static const uint8_t zeros[64];
    struct cert_digests digests;
    (void)state;
    size_t length = vector_load(VECTORS, "leaf.key");
    assert_int_equal(cert_read(vector_bytes, length, &object), 0);
    memset(&digests, 0xff, sizeof digests);
    cert_digest(&object, &digests);
    assert_memory_equal(digests.certificate256, zeros, 32);
    assert_memory_equal(digests.certificate512, zeros, 64);
    assert_memory_not_equal(digests.spki256, zeros, 32);
}

/* ---- dates ---- */

static void test_dates(void **state)
{
    (void)state;
    vector_certificate("kind-p256.pem", &object);
    assert_true(object.not_before >= time_from_civil(2026, 1, 1, 0, 0, 0));
    assert_true(object.not_after >= time_from_civil(2125, 1, 1, 0, 0, 0));
    vector_certificate("leaf-expired.pem", &object);
    assert_true(object.not_before >= time_from_civil(2020, 1, 1, 0, 0, 0));
    assert_true(object.not_after <= time_from_civil(2022, 1, 1, 0, 0, 0));
}

/* Puts TIME over the first date of this type in the certificate; returns whether there was one. */
static bool replace_date(struct cert_object *o, uint8_t type, const char *time)
{
    size_t length = strlen(time);
    for (size_t i = 0; i + 2 + length <= o->length; i++) {
        if (o->der[i] == type && o->der[i + 1] == length && o->der[i + 1 + length] == 'Z') {
            memcpy(o->der + i + 2, time, length);
            return true;
        }
    }
    return false;
}

static void test_utc_times(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"260102030405Z", INT64_C(1767323045)},
        {"491231235959Z", INT64_C(2524607999)},
        {"500101000000Z", 0},
        {"691231235959Z", 0},
        {"700101000000Z", 0},
        {"700101000001Z", 1},
        {"240229000000Z", INT64_C(1709164800)},
        {"230229000000Z", INT64_MAX},
        {"261301000000Z", INT64_MAX},
        {"2601020304052", INT64_MAX},
        {"26010203040xZ", INT64_MAX},
        {"-60102030405Z", INT64_MAX},
        {"260102250405Z", INT64_MAX},
    };
    int64_t not_before, not_after;
    struct cert_part spki;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        vector_certificate("leaf-expired.pem", &object);
        assert_true(replace_date(&object, DER_UTC_TIME, rows[i].text));
        assert_int_equal(
            cert_spki_of_certificate(object.der, object.length, &spki, &not_before, &not_after), 0);
        assert_true(not_before == rows[i].seconds);
        assert_true(not_after > 0);
    }
}

static void test_generalized_times(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } rows[] = {
        {"20500101000000Z", INT64_C(2524608000)},
        {"99991231235959Z", INT64_C(253402300799)},
        {"19491231235959Z", 0},
        {"21000229000000Z", INT64_MIN},
        {"2126010203040xZ", INT64_MIN},
    };
    int64_t not_before, not_after;
    struct cert_part spki;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        vector_certificate("kind-p256.pem", &object);
        assert_true(replace_date(&object, DER_GENERALIZED_TIME, rows[i].text));
        assert_int_equal(
            cert_spki_of_certificate(object.der, object.length, &spki, &not_before, &not_after), 0);
        assert_true(not_after == rows[i].seconds);
    }
}

/* ---- the SPKI's exact octets ---- */

static void test_spki_is_cut_exactly(void **state)
{
    static const char *const names[] = {"kind-rsa2048.pem", "kind-ed25519.pem", "rfc6698-c.pem",
                                        "openssl-leaf.pem"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct cert_part again;
        vector_certificate(names[i], &object);
        assert_true(object.spki.bytes > object.der);
        assert_true(object.spki.bytes + object.spki.length < object.der + object.length);
        assert_true(der_is_sequence(object.spki.bytes, object.spki.length));
        assert_int_equal(cert_spki_of_public_key(object.spki.bytes, object.spki.length, &again), 0);
        assert_ptr_equal(again.bytes, object.spki.bytes);
        assert_int_equal(again.length, object.spki.length);
    }
}

static void test_der_is_found_by_itself(void **state)
{
    (void)state;
    vector_certificate("kind-p521.pem", &object);
    assert_int_equal(cert_read(object.der, object.length, &other), 0);
    assert_int_equal(other.kind, CERT_CERTIFICATE);
    assert_int_equal(other.length, object.length);
    assert_memory_equal(other.der, object.der, object.length);
    assert_int_equal(other.spki.length, object.spki.length);
    assert_true(other.not_before == object.not_before && other.not_after == object.not_after);

    assert_int_equal(cert_read(object.spki.bytes, object.spki.length, &other), 0);
    assert_int_equal(other.kind, CERT_PUBLIC_KEY);
    assert_int_equal(other.spki.length, object.spki.length);
    assert_true(other.not_before == 0 && other.not_after == 0);
}

static void test_request(void **state)
{
    (void)state;
    vector_certificate("kind-p384.pem", &other);
    size_t length = vector_load(KEYS, "p384.csr");
    assert_int_equal(cert_read(vector_bytes, length, &object), 0);
    assert_int_equal(object.kind, CERT_REQUEST);
    assert_int_equal(object.spki.length, other.spki.length);
    assert_memory_equal(object.spki.bytes, other.spki.bytes, other.spki.length);
    /* The same in DER. */
    assert_int_equal(cert_read(object.der, object.length, &other), 0);
    assert_int_equal(other.kind, CERT_REQUEST);
    assert_memory_equal(object.spki.bytes, other.spki.bytes, other.spki.length);
}

static void test_trusted_certificate(void **state)
{
    (void)state;
    vector_certificate("kind-p256.pem", &other);
    size_t length = vector_load(KEYS, "p256-trusted.pem");
    assert_int_equal(cert_read(vector_bytes, length, &object), 0);
    assert_int_equal(object.kind, CERT_CERTIFICATE);
    assert_int_equal(object.length, other.length);
    assert_memory_equal(object.der, other.der, other.length);
}

/* ---- malformed DER ---- */

static void test_every_truncation(void **state)
{
    static const char *const names[] = {"kind-rsa2048.pem", "kind-p256.pem", "kind-ed448.pem"};
    struct cert_part spki;
    int64_t not_before, not_after;
    (void)state;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        vector_certificate(names[n], &other);
        for (size_t length = 0; length < other.length; length++) {
            /* A heap-sized copy, so that ASan sees a read past its end. */
            uint8_t *copy = test_malloc(length + 1);
            memcpy(copy, other.der, length);
            assert_int_equal(cert_spki_of_certificate(copy, length, &spki, &not_before, &not_after),
                             CERT_MALFORMED);
            assert_true(cert_read(copy, length, &object) < 0);
            assert_int_equal(object.length, 0);
            test_free(copy);
        }
    }
}

static void test_every_corrupted_octet(void **state)
{
    struct cert_part spki;
    int64_t not_before, not_after;
    size_t refused = 0;
    (void)state;
    vector_certificate("kind-p256.pem", &other);
    for (size_t at = 0; at < other.length; at++) {
        for (unsigned change = 1; change < 256; change++) {
            other.der[at] = (uint8_t)(other.der[at] ^ change);
            int rc =
                cert_spki_of_certificate(other.der, other.length, &spki, &not_before, &not_after);
            if (rc == 0) {
                assert_true(spki.bytes > other.der && spki.length > 0);
                assert_true(spki.bytes + spki.length <= other.der + other.length);
            } else {
                assert_int_equal(rc, CERT_MALFORMED);
                refused++;
            }
            if (change == 0x80 || change == 1)
                (void)cert_read(other.der, other.length, &object);
            other.der[at] = (uint8_t)(other.der[at] ^ change);
        }
    }
    assert_true(refused > 0);
}

static void test_trailing_octets(void **state)
{
    struct cert_part spki;
    int64_t not_before, not_after;
    (void)state;
    vector_certificate("kind-p256.pem", &other);
    for (unsigned octet = 0; octet < 256; octet++) {
        other.der[other.length] = (uint8_t)octet;
        assert_int_equal(
            cert_spki_of_certificate(other.der, other.length + 1, &spki, &not_before, &not_after),
            CERT_MALFORMED);
        assert_int_equal(cert_read(other.der, other.length + 1, &object), CERT_MALFORMED);
    }
    assert_int_equal(cert_spki_of_public_key(other.spki.bytes, other.spki.length + 1, &spki),
                     CERT_MALFORMED);
}

/* An Ed25519 SPKI with its head spelt in other ways. */
static void test_length_forms(void **state)
{
    static const char *const key =
        "00d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    static const struct {
        const char *head;
        bool good;
    } rows[] = {
        {"302a300506032b65700321", true},
        {"30812a300506032b65700321", false},         /* not minimal */
        {"3082002a300506032b65700321", false},       /* not minimal */
        {"30840000002a300506032b65700321", false},   /* not minimal */
        {"3080300506032b65700321", false},           /* indefinite */
        {"30ff2a300506032b65700321", false},         /* 127 length octets */
        {"3085000000002a300506032b65700321", false}, /* 5 length octets */
        {"3084ffffffff300506032b65700321", false},   /* 4 GB */
        {"30847fffffff300506032b65700321", false},
        {"302b300506032b65700321", false},   /* one too long */
        {"3029300506032b65700321", false},   /* one too short */
        {"302a300606032b65700321", false},   /* the algorithm runs into the key */
        {"302a300406032b65700321", false},   /* the OID runs out of the algorithm */
        {"302b30810506032b65700321", false}, /* not minimal inside */
        {"302a308006032b65700321", false},   /* indefinite inside */
        {"302a300506032b65700322", false},   /* the key is one too long */
        {"302a300506032b65700320", false},   /* and one too short */
        {"302a300506032b65700421", false},   /* no BIT STRING */
        {"312a300506032b65700321", false},   /* a SET */
        {"3f2a300506032b65700321", false},   /* a tag of several octets */
        {"302a300500032b65700321", false},   /* tag 0 for the OID */
        {"3027300206000321", false},         /* an empty OID */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256];
        uint8_t der[128];
        struct cert_part spki;
        (void)snprintf(text, sizeof text, "%s%s", rows[i].head, key);
        size_t length = vector_hex(text, der, sizeof der);
        assert_int_equal(cert_spki_of_public_key(der, length, &spki),
                         rows[i].good ? 0 : CERT_MALFORMED);
        assert_int_equal(cert_read(der, length, &object) == 0, rows[i].good);
    }
}

static void test_bit_strings(void **state)
{
    static const struct {
        const char *hex;
        int rc;
    } rows[] = {
        {"300b300506032b6570030200ff", 0},
        {"300b300506032b6570030201fe", CERT_MALFORMED}, /* unused bits */
        {"300a300506032b6570030100", CERT_MALFORMED},   /* a key of nothing */
        {"3009300506032b65700300", CERT_MALFORMED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t der[32];
        struct cert_part spki;
        size_t length = vector_hex(rows[i].hex, der, sizeof der);
        assert_int_equal(cert_spki_of_public_key(der, length, &spki), rows[i].rc);
    }
}

static void test_der_reader(void **state)
{
    static const uint8_t nested[] = {0x30, 0x05, 0x02, 0x01, 0x07, 0x04, 0x00};
    (void)state;
    struct cursor c = cursor_over(nested, sizeof nested);
    assert_int_equal(der_tag(&c), DER_SEQUENCE);
    struct cursor inner = der_enter(&c, DER_SEQUENCE);
    assert_true(der_done(&c));
    assert_false(der_done(&inner));
    der_skip_optional(&inner, DER_OID); /* is not there */
    struct cursor number = der_enter(&inner, DER_INTEGER);
    assert_int_equal(cursor_u8(&number), 7);
    assert_true(der_done(&number));
    struct cert_part empty = der_whole(&inner, DER_OCTET_STRING);
    assert_int_equal(empty.length, 2);
    assert_true(der_done(&inner));
    assert_int_equal(der_tag(&inner), 0);
    /* At the end everything fails, and stays failed. */
    struct cert_part none = der_whole(&inner, DER_OCTET_STRING);
    assert_null(none.bytes);
    assert_false(der_done(&inner));

    /* 128 octets need one length octet after 0x81; 127 must not have it. */
    uint8_t big[3 + 128] = {0x04, 0x81, 0x80};
    c = cursor_over(big, sizeof big);
    struct cursor content = der_enter(&c, DER_OCTET_STRING);
    assert_int_equal(cursor_left(&content), 128);
    assert_true(der_done(&c));
    big[2] = 0x7f;
    c = cursor_over(big, sizeof big - 1);
    (void)der_enter(&c, DER_OCTET_STRING);
    assert_false(der_done(&c));
}

/* ---- files ---- */

static void test_what_is_no_object(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        int rc;
    } rows[] = {
        {"", 0, CERT_NOTHING},
        {"0", 1, CERT_NOTHING},
        {"hello\n", 6, CERT_NOTHING},
        {"3 1 1 00\r\n", 10, CERT_NOTHING},
        {"caf\xc3\xa9\n", 6, CERT_NOTHING},
        {"\0", 1, CERT_MALFORMED},
        {"\x7f"
         "ELF\1\1",
         6, CERT_MALFORMED},
        {"0\0", 2, CERT_MALFORMED},
        {"0\3\2\1\0", 5, CERT_MALFORMED},
        {"0\x80\2\1\0\0\0", 7, CERT_MALFORMED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(cert_read((const uint8_t *)rows[i].bytes, rows[i].length, &object),
                         rows[i].rc);
}

static void test_too_big(void **state)
{
    static uint8_t big[CERT_DER_SIZE + 64];
    const size_t content = sizeof big - 4;
    (void)state;
    memset(big, 0, sizeof big);
    big[0] = 0x30;
    big[1] = 0x82;
    big[2] = (uint8_t)(content >> 8);
    big[3] = (uint8_t)(content & 0xff);
    assert_int_equal(cert_read(big, sizeof big, &object), CERT_TOO_BIG);
}

static void test_words(void **state)
{
    (void)state;
    assert_string_equal(cert_kind_name(CERT_CERTIFICATE), "certificate");
    assert_string_equal(cert_kind_name(CERT_REQUEST), "certificate request");
    assert_string_equal(cert_kind_name(CERT_PUBLIC_KEY), "public key");
    assert_string_equal(cert_kind_name(CERT_PRIVATE_KEY), "private key");
    for (int error = CERT_MALFORMED; error >= CERT_FAILED; error--) {
        assert_true(strlen(cert_error(error)) > 10);
        for (int before = CERT_MALFORMED; before > error; before--)
            assert_string_not_equal(cert_error(error), cert_error(before));
    }
    assert_non_null(strstr(cert_error(CERT_ENCRYPTED), "encrypted"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_digests),
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_digests_of_a_key_have_no_certificate),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_utc_times),
        cmocka_unit_test(test_generalized_times),
        cmocka_unit_test(test_spki_is_cut_exactly),
        cmocka_unit_test(test_der_is_found_by_itself),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_trusted_certificate),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_corrupted_octet),
        cmocka_unit_test(test_trailing_octets),
        cmocka_unit_test(test_length_forms),
        cmocka_unit_test(test_bit_strings),
        cmocka_unit_test(test_der_reader),
        cmocka_unit_test(test_what_is_no_object),
        cmocka_unit_test(test_too_big),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("spki", tests, NULL, NULL);
}
