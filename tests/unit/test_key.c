/* cert/key.h and cert_read_key_spki: private keys of every form to SPKIs. */
#include "vectors.h"

#include "cert/der.h"
#include "cert/key.h"
#include "cert/pem.h"

static struct cert_object object;

/* The DER of the last PEM object of a file (an EC PARAMETERS block may stand before the key). */
static size_t load_der(const char *folder, const char *name, uint8_t *der, size_t size)
{
    struct pem_object pem = {0};
    size_t length = vector_load(folder, name);
    struct cursor text = cursor_over(vector_bytes, length);
    while (pem_next(&text, &pem))
        continue;
    assert_int_equal(pem_decode(&pem, der, size, &length), 0);
    return length;
}

/* ---- every row of expect.tsv ---- */

static int error_of(const char *word)
{
    if (strcmp(word, "encrypted") == 0)
        return CERT_ENCRYPTED;
    if (strcmp(word, "unsupported") == 0)
        return CERT_UNSUPPORTED;
    return 0;
}

/* What PEM said must also come from the same octets in DER. */
static void check_der(const char *name, int expected, const uint8_t *spki256)
{
    static uint8_t der[CERT_DER_SIZE];
    struct cert_digests digests;
    /* Encryption by RFC 1421 headers exists in PEM only; aux data has no DER form of its own. */
    if (strcmp(name, "rsa2048-encrypted-pkcs1.key") == 0 || strstr(name, "trusted") != NULL)
        return;
    size_t length = load_der(KEYS, name, der, sizeof der);
    assert_int_equal(cert_read(der, length, &object), expected);
    if (expected != 0)
        return;
    cert_digest(&object, &digests);
    assert_memory_equal(digests.spki256, spki256, 32);
}

static void test_files(void **state)
{
    char line[256], name[128], word[128];
    size_t rows = 0;
    (void)state;
    FILE *file = fopen(KEYS "expect.tsv", "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        uint8_t expected[32] = {0}, alone[32];
        struct cert_digests digests;
        assert_int_equal(sscanf(line, "%127s %127s", name, word), 2);
        int error = error_of(word);
        if (error == 0)
            assert_int_equal(vector_hex(word, expected, sizeof expected), 32);
        size_t length = vector_load(KEYS, name);
        assert_int_equal(cert_read(vector_bytes, length, &object), error);
        bool private = strstr(name, ".key") != NULL;
        assert_int_equal(cert_read_key_spki(vector_bytes, length, alone),
                         private ? error : CERT_NOTHING);
        if (error == 0) {
            cert_digest(&object, &digests);
            assert_memory_equal(digests.spki256, expected, 32);
            if (private)
                assert_memory_equal(alone, expected, 32);
        }
        check_der(name, error, expected);
        rows++;
    }
    (void)fclose(file);
    assert_int_equal(rows, 21);
}

/* ---- key and certificate belong together ---- */

static void test_pairs_of_vectors(void **state)
{
    static const char *const names[] = {"kind-rsa2048", "kind-p256", "kind-p384", "kind-p521",
                                        "leaf",         "leaf-next", "leaf-rsa"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char name[64];
        uint8_t of_key[32], of_combined[32];
        struct cert_digests digests;
        static uint8_t combined[CERT_FILE_SIZE];
        (void)snprintf(name, sizeof name, "%s.pem", names[i]);
        vector_certificate(name, &object);
        cert_digest(&object, &digests);
        size_t certificate = vector_load(VECTORS, name);
        memcpy(combined, vector_bytes, certificate);
        assert_int_equal(cert_read_key_spki(combined, certificate, of_key), CERT_NOTHING);
        (void)snprintf(name, sizeof name, "%s.key", names[i]);
        size_t key = vector_load(VECTORS, name);
        assert_int_equal(cert_read_key_spki(vector_bytes, key, of_key), 0);
        assert_memory_equal(of_key, digests.spki256, 32);
        memcpy(combined + certificate, vector_bytes, key);
        assert_int_equal(cert_read_key_spki(combined, certificate + key, of_combined), 0);
        assert_memory_equal(of_combined, of_key, 32);
    }
}

static void test_no_private_key(void **state)
{
    uint8_t digest[32];
    (void)state;
    assert_int_equal(cert_read_key_spki((const uint8_t *)"", 0, digest), CERT_NOTHING);
    assert_int_equal(cert_read_key_spki((const uint8_t *)"text\n", 5, digest), CERT_NOTHING);
    vector_certificate("leaf.pem", &object);
    assert_int_equal(cert_read_key_spki(object.der, object.length, digest), CERT_MALFORMED);
    size_t length = vector_load(VECTORS, "kind-ed25519.key");
    assert_int_equal(cert_read_key_spki(vector_bytes, length, digest), CERT_NO_PUBLIC);
}

/* ---- malformed keys ---- */

static void test_every_truncation(void **state)
{
    static const struct {
        const char *folder, *name;
    } rows[] = {
        {KEYS, "rsa2048-pkcs1.key"}, {VECTORS, "kind-rsa2048.key"}, {KEYS, "p256-sec1.key"},
        {VECTORS, "kind-p384.key"},  {KEYS, "p521-no-point.key"},   {KEYS, "ed25519-v2.key"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static uint8_t der[CERT_DER_SIZE];
        uint8_t spki[CERT_SPKI_MADE_SIZE];
        size_t used, whole = load_der(rows[i].folder, rows[i].name, der, sizeof der);
        for (size_t length = 0; length < whole; length++) {
            uint8_t *copy = test_malloc(length + 1);
            memcpy(copy, der, length);
            assert_int_equal(key_private_spki(copy, length, spki, sizeof spki, &used),
                             CERT_MALFORMED);
            assert_false(key_is_encrypted(copy, length));
            test_free(copy);
        }
        der[whole] = 0;
        assert_int_equal(key_private_spki(der, whole + 1, spki, sizeof spki, &used),
                         CERT_MALFORMED);
        assert_int_equal(key_private_spki(der, whole, spki, sizeof spki, &used), 0);
    }
}

static void test_every_corrupted_octet(void **state)
{
    static const struct {
        const char *folder, *name;
    } rows[] = {
        {KEYS, "rsa2048-pkcs1.key"},
        {VECTORS, "kind-p256.key"},
        {KEYS, "p256-sec1.key"},
        {KEYS, "ed448-v2.key"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        static uint8_t der[CERT_DER_SIZE];
        uint8_t spki[CERT_SPKI_MADE_SIZE];
        struct cert_part part;
        size_t used, length = load_der(rows[i].folder, rows[i].name, der, sizeof der);
        for (size_t at = 0; at < length; at++) {
            for (unsigned change = 1; change < 256; change = change * 2 + 1) {
                der[at] = (uint8_t)(der[at] ^ change);
                /* Whatever comes out is an SPKI. */
                if (key_private_spki(der, length, spki, sizeof spki, &used) == 0)
                    assert_int_equal(cert_spki_of_public_key(spki, used, &part), 0);
                der[at] = (uint8_t)(der[at] ^ change);
            }
        }
    }
}

static int private_hex(const char *hex)
{
    uint8_t der[256], spki[CERT_SPKI_MADE_SIZE];
    size_t used, length = vector_hex(hex, der, sizeof der);
    return key_private_spki(der, length, spki, sizeof spki, &used);
}

/* Small keys by hand; the numbers are nonsense, only their form counts. */
static void test_rsa_forms(void **state)
{
    (void)state;
    assert_int_equal(private_hex("301b"
                                 "020100 020123 020103 020105 020107 020102 020102 020102 020102"),
                     0);
    /* Version 1: more than two primes. */
    assert_int_equal(private_hex("301b"
                                 "020101 020123 020103 020105 020107 020102 020102 020102 020102"),
                     CERT_MALFORMED);
    /* A negative modulus, and one with a needless zero. */
    assert_int_equal(private_hex("301b"
                                 "020100 0201f3 020103 020105 020107 020102 020102 020102 020102"),
                     CERT_MALFORMED);
    assert_int_equal(
        private_hex("301c"
                    "020100 02020023 020103 020105 020107 020102 020102 020102 020102"),
        CERT_MALFORMED);
    /* With the zero that a high bit needs it is right. */
    assert_int_equal(
        private_hex("301c"
                    "020100 020200f3 020103 020105 020107 020102 020102 020102 020102"),
        0);
    /* Eight numbers, and ten. */
    assert_int_equal(private_hex("3018"
                                 "020100 020123 020103 020105 020107 020102 020102 020102"),
                     CERT_MALFORMED);
    assert_int_equal(
        private_hex("301e"
                    "020100 020123 020103 020105 020107 020102 020102 020102 020102 020102"),
        CERT_MALFORMED);
    /* Zero as a modulus. */
    assert_int_equal(private_hex("301b"
                                 "020100 020100 020103 020105 020107 020102 020102 020102 020102"),
                     CERT_MALFORMED);
}

#define CURVE_P256 "06082a8648ce3d030107"
#define ONES32     "0101010101010101010101010101010101010101010101010101010101010101"
#define FULL32     "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
#define ZEROS32    "0000000000000000000000000000000000000000000000000000000000000000"

static void test_ec_forms(void **state)
{
    (void)state;
    assert_int_equal(private_hex("3031 020101 0420" ONES32 "a00a" CURVE_P256), 0);
    /* The secret must be from 1 to the order of the curve less 1, and not longer than the field. */
    assert_int_equal(private_hex("3031 020101 0420" FULL32 "a00a" CURVE_P256), CERT_MALFORMED);
    assert_int_equal(private_hex("3031 020101 0420" ZEROS32 "a00a" CURVE_P256), CERT_MALFORMED);
    assert_int_equal(private_hex("3032 020101 042101" ONES32 "a00a" CURVE_P256), CERT_MALFORMED);
    assert_int_equal(private_hex("3011 020101 0400 a00a" CURVE_P256), CERT_MALFORMED);
    /* Version 0, no curve, an empty [0], a point of no octets, a wrong point. */
    assert_int_equal(private_hex("3031 020100 0420" ONES32 "a00a" CURVE_P256), CERT_MALFORMED);
    assert_int_equal(private_hex("3025 020101 0420" ONES32), CERT_UNSUPPORTED);
    assert_int_equal(private_hex("3027 020101 0420" ONES32 "a000"), CERT_MALFORMED);
    assert_int_equal(private_hex("3036 020101 0420" ONES32 "a00a" CURVE_P256 "a103030100"),
                     CERT_MALFORMED);
    assert_int_equal(private_hex("3037 020101 0420" ONES32 "a00a" CURVE_P256 "a10403020004"),
                     CERT_MALFORMED);
    assert_int_equal(private_hex("3057 020101 0420" ONES32 "a00a" CURVE_P256 "a12403220004" ONES32),
                     CERT_MALFORMED);
    assert_int_equal(private_hex("3057 020101 0420" ONES32 "a00a" CURVE_P256 "a12403220002" ONES32),
                     0);
    assert_int_equal(private_hex("3057 020101 0420" ONES32 "a00a" CURVE_P256 "a12403220005" ONES32),
                     CERT_MALFORMED);
}

static void test_short_secret_is_padded(void **state)
{
    /* 1 as one octet, as some writers have it: the point is the generator of P-256. */
    static const char *const generator =
        "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f27703"
        "7d812deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51"
        "f5";
    uint8_t der[64], spki[CERT_SPKI_MADE_SIZE], expected[128];
    size_t used, length = vector_hex("3012 020101 040101 a00a" CURVE_P256, der, sizeof der);
    (void)state;
    assert_int_equal(key_private_spki(der, length, spki, sizeof spki, &used), 0);
    assert_int_equal(used, vector_hex(generator, expected, sizeof expected));
    assert_memory_equal(spki, expected, used);
}

static void test_pkcs8_forms(void **state)
{
    (void)state;
    /* Ed25519: version 2 with the public key; without; with one of 31 octets; a secret of 31. */
    assert_int_equal(private_hex("3051 020101 300506032b6570 04220420" ONES32 "812100" ONES32), 0);
    assert_int_equal(private_hex("302e 020100 300506032b6570 04220420" ONES32), CERT_NO_PUBLIC);
    assert_int_equal(private_hex("3050 020101 300506032b6570 04220420" ONES32 "812000"
                                 "01010101010101010101010101010101010101010101010101010101010101"),
                     CERT_MALFORMED);
    assert_int_equal(private_hex("302d 020100 300506032b6570 0421041f"
                                 "01010101010101010101010101010101010101010101010101010101010101"),
                     CERT_MALFORMED);
    /* Attributes are passed over. */
    assert_int_equal(private_hex("3053 020101 300506032b6570 04220420" ONES32 "a000 812100" ONES32),
                     0);
    /* Version 3; an algorithm without OID; an unknown algorithm. */
    assert_int_equal(private_hex("3051 020102 300506032b6570 04220420" ONES32 "812100" ONES32),
                     CERT_MALFORMED);
    assert_int_equal(private_hex("3029 020100 3000 04220420" ONES32), CERT_MALFORMED);
    assert_int_equal(private_hex("302e 020100 300506032b656e 04220420" ONES32), CERT_UNSUPPORTED);
    /* An EC key without a curve. */
    assert_int_equal(private_hex("3037 020100 3009 06072a8648ce3d0201"
                                 "0427 3025 020101 0420" ONES32),
                     CERT_UNSUPPORTED);
    /* An EC key whose public key stands outside, as PKCS#8 version 2 allows. */
    assert_int_equal(private_hex("3065 020101 301306072a8648ce3d0201" CURVE_P256
                                 "0427 3025 020101 0420" ONES32 "812203" /* compressed, 03 */
                                 "03" ONES32),
                     CERT_MALFORMED); /* unused bits */
    assert_int_equal(private_hex("3065 020101 301306072a8648ce3d0201" CURVE_P256
                                 "0427 3025 020101 0420" ONES32 "812200"
                                 "03" ONES32),
                     0);
}

static void test_what_does_not_fit(void **state)
{
    static uint8_t der[CERT_DER_SIZE];
    uint8_t spki[CERT_SPKI_MADE_SIZE];
    size_t used, length = load_der(VECTORS, "kind-rsa2048.key", der, sizeof der);
    (void)state;
    for (size_t size = 0; size < 294; size++)
        assert_int_equal(key_private_spki(der, length, spki, size, &used), CERT_UNSUPPORTED);
    assert_int_equal(key_private_spki(der, length, spki, 294, &used), 0);
    assert_int_equal(used, 294);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_pairs_of_vectors),
        cmocka_unit_test(test_no_private_key),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_corrupted_octet),
        cmocka_unit_test(test_rsa_forms),
        cmocka_unit_test(test_ec_forms),
        cmocka_unit_test(test_short_secret_is_padded),
        cmocka_unit_test(test_pkcs8_forms),
        cmocka_unit_test(test_what_does_not_fit),
    };
    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
