/* cert/pem.h: banners, damaged objects, files with several objects. */
#include "vectors.h"

#include "cert/pem.h"

static struct cert_object object, leaf;
static uint8_t text[CERT_FILE_SIZE];
static size_t used;

static void start_text(void)
{
    used = 0;
}

static void add(const char *more)
{
    size_t length = strlen(more);
    assert_true(used + length <= sizeof text);
    memcpy(text + used, more, length);
    used += length;
}

static void add_file(const char *folder, const char *name)
{
    size_t length = vector_load(folder, name);
    assert_true(used + length <= sizeof text);
    memcpy(text + used, vector_bytes, length);
    used += length;
}

/* Reads the text; what comes must be the certificate in `leaf`. */
static void expect_leaf(void)
{
    assert_int_equal(cert_read(text, used, &object), 0);
    assert_int_equal(object.kind, CERT_CERTIFICATE);
    assert_int_equal(object.length, leaf.length);
    assert_memory_equal(object.der, leaf.der, leaf.length);
}

static void to_crlf(void)
{
    static uint8_t out[sizeof text];
    size_t length = 0;
    for (size_t i = 0; i < used; i++) {
        assert_true(length + 2 <= sizeof out);
        if (text[i] == '\n')
            out[length++] = '\r';
        out[length++] = text[i];
    }
    memcpy(text, out, length);
    used = length;
}

static int load_leaf(void **state)
{
    (void)state;
    vector_certificate("leaf.pem", &leaf);
    start_text();
    return 0;
}

/* ---- what counts in a file ---- */

static void test_chain_gives_its_first(void **state)
{
    (void)state;
    add_file(VECTORS, "leaf.pem");
    add_file(VECTORS, "ca-issuer.pem");
    add_file(VECTORS, "ca-root.pem");
    expect_leaf();
    to_crlf();
    expect_leaf();
}

static void test_combined_files(void **state)
{
    (void)state;
    add_file(VECTORS, "leaf.key");
    add_file(VECTORS, "leaf.pem");
    add_file(VECTORS, "ca-issuer.pem");
    expect_leaf();
    to_crlf();
    expect_leaf();
    start_text();
    add_file(VECTORS, "leaf.pem");
    add_file(VECTORS, "leaf.key");
    expect_leaf();
    /* A request, parameters and an encrypted key before it are passed over as well. */
    start_text();
    add_file(KEYS, "p384.csr");
    add_file(KEYS, "p256-parameters.key");
    add_file(KEYS, "p256-encrypted.key");
    add_file(KEYS, "rsa2048-encrypted-pkcs1.key");
    add_file(VECTORS, "leaf.pem");
    expect_leaf();
    to_crlf();
    expect_leaf();
}

static void test_private_octets_are_wiped(void **state)
{
    static const uint8_t zeros[CERT_DER_SIZE];
    (void)state;
    add_file(VECTORS, "leaf.key");
    memset(&object, 0xa5, sizeof object);
    assert_int_equal(cert_read(text, used, &object), 0);
    assert_int_equal(object.kind, CERT_PRIVATE_KEY);
    assert_int_equal(object.length, 0);
    assert_memory_equal(object.der, zeros, sizeof zeros);
    assert_int_equal(object.spki.length, leaf.spki.length);
    assert_memory_equal(object.spki.bytes, leaf.spki.bytes, leaf.spki.length);
    /* A key cut off in the middle leaves nothing either. */
    memset(&object, 0xa5, sizeof object);
    assert_int_equal(cert_read(text, used - 40, &object), CERT_MALFORMED);
    assert_memory_equal(object.der, zeros, sizeof zeros);
    assert_null(object.spki.bytes);
}

static void test_first_request_or_key(void **state)
{
    (void)state;
    add_file(KEYS, "p384.csr");
    add_file(VECTORS, "leaf.key");
    assert_int_equal(cert_read(text, used, &object), 0);
    assert_int_equal(object.kind, CERT_REQUEST);
    start_text();
    add_file(VECTORS, "leaf.key");
    add_file(KEYS, "p384.csr");
    assert_int_equal(cert_read(text, used, &object), 0);
    assert_int_equal(object.kind, CERT_PRIVATE_KEY);
    start_text();
    add_file(KEYS, "p256-encrypted.key");
    add_file(VECTORS, "leaf.key");
    assert_int_equal(cert_read(text, used, &object), CERT_ENCRYPTED);
}

static void test_labels_not_known_here(void **state)
{
    (void)state;
    add("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n");
    assert_int_equal(cert_read(text, used, &object), CERT_NOTHING);
    add("-----BEGIN CERTIFICATES-----\nMAA=\n-----END CERTIFICATES-----\n");
    assert_int_equal(cert_read(text, used, &object), CERT_NOTHING);
    add_file(VECTORS, "leaf.pem");
    expect_leaf();
}

static void test_keys_not_known_here(void **state)
{
    (void)state;
    add("-----BEGIN OPENSSH PRIVATE KEY-----\nMAA=\n-----END OPENSSH PRIVATE KEY-----\n");
    assert_int_equal(cert_read(text, used, &object), CERT_UNSUPPORTED);
    start_text();
    add("-----BEGIN DSA PRIVATE KEY-----\nMAA=\n-----END DSA PRIVATE KEY-----\n");
    assert_int_equal(cert_read(text, used, &object), CERT_UNSUPPORTED);
}

/* ---- text around and within ---- */

static void test_text_around(void **state)
{
    (void)state;
    add("Certificate:\n    Data:\n -----BEGIN CERTIFICATE-----\n----BEGIN CERTIFICATE-----\n");
    add_file(VECTORS, "leaf.pem");
    add("trailing words without a newline");
    expect_leaf();
    to_crlf();
    expect_leaf();
}

static void test_no_final_newline(void **state)
{
    (void)state;
    add_file(VECTORS, "leaf.pem");
    while (text[used - 1] == '\n')
        used--;
    expect_leaf();
    /* One dash less, and the END line is none. */
    used--;
    assert_int_equal(cert_read(text, used, &object), CERT_MALFORMED);
}

static void test_spaces_behind_banners(void **state)
{
    (void)state;
    add_file(VECTORS, "leaf.pem");
    char *copy = test_malloc(used + 1);
    memcpy(copy, text, used);
    copy[used] = '\0';
    start_text();
    for (char *line = copy, *next; *line != '\0'; line = next) {
        next = strchr(line, '\n') + 1;
        next[-1] = '\0';
        add(line);
        add(" \t\r\n");
    }
    test_free(copy);
    expect_leaf();
}

static void test_one_long_line(void **state)
{
    (void)state;
    add_file(VECTORS, "leaf.pem");
    size_t out = 0, lines = 0;
    size_t first = (size_t)((uint8_t *)memchr(text, '\n', used) - text);
    for (size_t i = 0; i < used; i++) {
        bool inside = i > first && text[i] == '\n' && text[i + 1] != '-' && i + 1 < used;
        lines += inside;
        if (!inside)
            text[out++] = text[i];
    }
    used = out;
    assert_true(lines > 5);
    expect_leaf();
}

/* ---- damage ---- */

/* A damaged first certificate must never let its issuer, the second one, count. */
static void test_damage_is_never_passed_over(void **state)
{
    static const struct {
        const char *what, *with;
    } rows[] = {
        {"-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----"},
        {"-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----x"},
        {"-----BEGIN CERTIFICATE-----", "-----BEGIN -----"},
        {"-----END CERTIFICATE-----", "-----END CERTIFICATE----"},
        {"-----END CERTIFICATE-----", "-----END X509 CRL-----"},
        {"-----END CERTIFICATE-----", "-----end certificate-----"},
        {"-----END CERTIFICATE-----", ""},
        {"-----END CERTIFICATE-----", "=\n-----END CERTIFICATE-----"},
        {"-----END CERTIFICATE-----", "AAAA\n-----END CERTIFICATE-----"},
        {"\nMII", "\nM!I"},
        {"\nMII", "\nMI"},
        {"\nMII", "\nProc-Type: 4,MIC-ONLY\n\nMII"},
        {"\nMII", "\n\x80MII"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t length = vector_load(VECTORS, "leaf.pem");
        vector_bytes[length] = '\0';
        char *at = strstr((char *)vector_bytes, rows[i].what);
        assert_non_null(at);
        *at = '\0';
        start_text();
        add((char *)vector_bytes);
        add(rows[i].with);
        add(at + strlen(rows[i].what));
        add_file(VECTORS, "ca-issuer.pem");
        assert_int_equal(cert_read(text, used, &object), CERT_MALFORMED);
        assert_int_equal(object.length, 0);
    }
}

static void test_other_label_than_content(void **state)
{
    (void)state;
    add("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
    assert_int_equal(cert_read(text, used, &object), CERT_MALFORMED);
    start_text();
    add("-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n");
    assert_int_equal(cert_read(text, used, &object), CERT_MALFORMED);
    start_text();
    add("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n");
    assert_int_equal(cert_read(text, used, &object), CERT_MALFORMED);
    start_text();
    add("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n");
    assert_int_equal(cert_read(text, used, &object), CERT_MALFORMED);
}

static void test_every_truncation(void **state)
{
    (void)state;
    add_file(VECTORS, "leaf.key");
    add_file(VECTORS, "leaf.pem");
    size_t whole = used, key_end = 0, certificate_start = 0;
    for (size_t i = 0; i + 11 < whole; i++) {
        if (memcmp(text + i, "-----BEGIN ", 11) == 0)
            certificate_start = i;
    }
    key_end = certificate_start - 1;
    for (size_t length = 0; length < whole; length++) {
        uint8_t *copy = test_malloc(length + 1);
        memcpy(copy, text, length);
        int rc = cert_read(copy, length, &object);
        test_free(copy);
        if (length == whole - 1)
            assert_int_equal(rc, 0); /* only the newline is missing */
        else if (length >= key_end && length < certificate_start + 11)
            assert_int_equal(object.kind, CERT_PRIVATE_KEY);
        else
            assert_true(rc < 0);
    }
}

static void test_every_corrupted_octet(void **state)
{
    static const uint8_t values[] = {'\0', '\n', '\r', ' ', '-', '=', 'A', '/', 0x80, 0xff};
    size_t good = 0;
    (void)state;
    add_file(VECTORS, "leaf.pem");
    for (size_t at = 0; at < used; at++) {
        uint8_t kept = text[at];
        for (size_t i = 0; i < sizeof values; i++) {
            text[at] = values[i];
            int rc = cert_read(text, used, &object);
            assert_true(rc <= 0);
            if (rc == 0) {
                assert_true(object.length > 0 && object.length <= sizeof object.der);
                assert_true(object.spki.length > 0);
                good++;
            }
        }
        text[at] = kept;
    }
    assert_true(good > 0);
    expect_leaf();
}

/* ---- the reader itself ---- */

static void test_next(void **state)
{
    static const char lines[] = "x\n-----BEGIN A B-----\r\n-----BEGIN C-----";
    struct pem_object pem;
    struct cursor c = cursor_over(lines, strlen(lines));
    (void)state;
    assert_true(pem_next(&c, &pem));
    assert_true(pem_is(&pem, "A B"));
    assert_false(pem_is(&pem, "A "));
    assert_false(pem_is(&pem, "A B-"));
    assert_false(pem.damaged);
    assert_ptr_equal(pem.start, lines + 2);
    assert_true(pem_next(&c, &pem));
    assert_true(pem_is(&pem, "C"));
    assert_false(pem_next(&c, &pem));
    c = cursor_over("", 0);
    assert_false(pem_next(&c, &pem));
}

static void test_decode_bounds(void **state)
{
    static const char lines[] = "-----BEGIN X-----\nAAECAwQFBgcICQ==\n-----END X-----\n";
    static const uint8_t expected[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
    struct pem_object pem;
    uint8_t der[sizeof expected];
    size_t length = 0;
    struct cursor c = cursor_over(lines, strlen(lines));
    (void)state;
    assert_true(pem_next(&c, &pem));
    assert_int_equal(pem_decode(&pem, der, sizeof der, &length), 0);
    assert_int_equal(length, sizeof expected);
    assert_memory_equal(der, expected, sizeof expected);
    assert_int_equal(pem_decode(&pem, der, sizeof der - 1, &length), CERT_TOO_BIG);
}

static void test_too_big(void **state)
{
    (void)state;
    add("-----BEGIN CERTIFICATE-----\n");
    while (used < CERT_DER_SIZE * 3 / 2)
        add("MIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIBMIIB\n");
    add("-----END CERTIFICATE-----\n");
    assert_int_equal(cert_read(text, used, &object), CERT_TOO_BIG);
}

/* ---- several certificates, and writing ---- */

static void test_certificates_in_their_order(void **state)
{
    static const char *const names[] = {"leaf.pem", "ca-issuer.pem", "ca-root.pem"};
    static struct cert_object expected;
    (void)state;
    add_file(VECTORS, "leaf.key");
    add_file(VECTORS, names[0]);
    add("words\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n");
    add_file(VECTORS, names[1]);
    add_file(KEYS, "p384.csr");
    add_file(VECTORS, names[2]);
    to_crlf();
    struct cursor c = cursor_over(text, used);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(cert_next(&c, &object), 0);
        vector_certificate(names[i], &expected);
        assert_int_equal(object.kind, CERT_CERTIFICATE);
        assert_int_equal(object.length, expected.length);
        assert_memory_equal(object.der, expected.der, expected.length);
        assert_int_equal(object.not_after, expected.not_after);
    }
    assert_int_equal(cert_next(&c, &object), CERT_NOTHING);
    assert_int_equal(cert_next(&c, &object), CERT_NOTHING);
    /* The last one cut short: an error, not an end. */
    c = cursor_over(text, used - 100);
    assert_int_equal(cert_next(&c, &object), 0);
    assert_int_equal(cert_next(&c, &object), 0);
    assert_int_equal(cert_next(&c, &object), CERT_MALFORMED);
    start_text();
    add("-----BEGIN CERTIFICATE\n");
    c = cursor_over(text, used);
    assert_int_equal(cert_next(&c, &object), CERT_MALFORMED);
}

static void test_write(void **state)
{
    static char pem[4096];
    struct buf b = BUF_OVER(pem);
    (void)state;
    add_file(VECTORS, "leaf.pem");
    assert_int_equal(cert_write(&leaf, &b), 0);
    assert_int_equal(b.used, used);
    assert_memory_equal(pem, text, used);
    /* Exactly enough room, and an octet less. */
    b = buf_over(pem, used + 1);
    assert_int_equal(cert_write(&leaf, &b), 0);
    assert_int_equal(strlen(pem), used);
    b = buf_over(pem, used);
    assert_int_equal(cert_write(&leaf, &b), CERT_TOO_BIG);
    assert_int_equal(b.used, 0);
}

static void test_encode_every_length(void **state)
{
    uint8_t bytes[200], der[200];
    char pem[512];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t length = 1; length <= sizeof bytes; length++) {
        struct buf b = BUF_OVER(pem);
        struct pem_object found;
        size_t decoded;
        buf_text(&b, "words\n");
        assert_int_equal(pem_encode("X Y", bytes, length, &b), 0);
        assert_int_equal(strlen(pem), b.used);
        struct cursor c = cursor_over(pem, b.used);
        assert_true(pem_next(&c, &found));
        assert_true(pem_is(&found, "X Y"));
        assert_int_equal(pem_decode(&found, der, sizeof der, &decoded), 0);
        assert_int_equal(decoded, length);
        assert_memory_equal(der, bytes, length);
        /* Lines of 64 at most. */
        for (const char *line = pem; *line != '\0'; line = strchr(line, '\n') + 1)
            assert_true(strchr(line, '\n') - line <= 64);
    }
}

static void test_write_key(void **state)
{
    static const char *const keys[] = {"rsa2048-pkcs1.key", "p256-sec1.key", "ed25519-v2.key",
                                       "rsa8192.key"};
    static char pem[12288];
    uint8_t expected[32], got[32];
    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct buf b = BUF_OVER(pem);
        start_text();
        add_file(VECTORS, "leaf.pem");
        size_t start = used;
        add_file(KEYS, keys[i]);
        assert_int_equal(cert_write_key(text, used, &b), 0);
        assert_int_equal(b.used, used - start);
        assert_memory_equal(pem, text + start, b.used);
        assert_int_equal(cert_read_key_spki(text, used, expected), 0);
        assert_int_equal(cert_read_key_spki((const uint8_t *)pem, b.used, got), 0);
        assert_memory_equal(got, expected, 32);
        b = buf_over(pem, used - start);
        assert_int_equal(cert_write_key(text, used, &b), CERT_TOO_BIG);
    }
    struct buf b = BUF_OVER(pem);
    start_text();
    add_file(VECTORS, "leaf.pem");
    assert_int_equal(cert_write_key(text, used, &b), CERT_NOTHING);
    add_file(KEYS, "p256-encrypted.key");
    assert_int_equal(cert_write_key(text, used, &b), CERT_ENCRYPTED);
    assert_int_equal(b.used, 0);
}

static void test_algorithms(void **state)
{
    static const struct {
        const char *name;
        enum cert_algorithm algorithm;
    } rows[] = {
        {"kind-rsa2048.pem", CERT_RSA},
        {"kind-p256.pem", CERT_ECDSA},
        {"kind-p384.pem", CERT_ECDSA},
        {"kind-p521.pem", CERT_ECDSA},
        {"kind-ed25519.pem", CERT_OTHER_ALGORITHM},
        {"kind-ed448.pem", CERT_OTHER_ALGORITHM},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        vector_certificate(rows[i].name, &object);
        assert_int_equal(cert_algorithm(object.spki), rows[i].algorithm);
    }
    assert_int_equal(cert_algorithm((struct cert_part){NULL, 0}), CERT_OTHER_ALGORITHM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_chain_gives_its_first, load_leaf),
        cmocka_unit_test_setup(test_combined_files, load_leaf),
        cmocka_unit_test_setup(test_private_octets_are_wiped, load_leaf),
        cmocka_unit_test_setup(test_first_request_or_key, load_leaf),
        cmocka_unit_test_setup(test_labels_not_known_here, load_leaf),
        cmocka_unit_test_setup(test_keys_not_known_here, load_leaf),
        cmocka_unit_test_setup(test_text_around, load_leaf),
        cmocka_unit_test_setup(test_no_final_newline, load_leaf),
        cmocka_unit_test_setup(test_spaces_behind_banners, load_leaf),
        cmocka_unit_test_setup(test_one_long_line, load_leaf),
        cmocka_unit_test_setup(test_damage_is_never_passed_over, load_leaf),
        cmocka_unit_test_setup(test_other_label_than_content, load_leaf),
        cmocka_unit_test_setup(test_every_truncation, load_leaf),
        cmocka_unit_test_setup(test_every_corrupted_octet, load_leaf),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_decode_bounds),
        cmocka_unit_test_setup(test_too_big, load_leaf),
        cmocka_unit_test_setup(test_certificates_in_their_order, load_leaf),
        cmocka_unit_test_setup(test_write, load_leaf),
        cmocka_unit_test(test_encode_every_length),
        cmocka_unit_test_setup(test_write_key, load_leaf),
        cmocka_unit_test(test_algorithms),
    };
    return cmocka_run_group_tests_name("pem", tests, NULL, NULL);
}
