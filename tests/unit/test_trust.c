/*
 * Bundles of CA certificates, the search in them, and the built-in anchors, to which this test adds
 * its own by the object that stands for src/net/anchors.c in build/test/daneroll-clock.
 */
#include "../clock/anchors.c"
#include "cert/spki.h"
#include "net/bundle.h"
#include "net/net.h"
#include "net/tls.h"

#include <mbedtls/platform.h>
#include <mbedtls/x509_crt.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define VECTORS  "tests/data/vectors/"
#define BUNDLE   "/etc/ssl/certs/ca-certificates.crt"
#define PEM_SIZE 32768

/* The committed lines once more, with what is not compiled into the program. */
static const struct {
    const char *name, *sha256, *who;
} lines[] = {
#undef ANCHOR
#define ANCHOR(name, subject, spki, sha256, who) {name, sha256, who},
#include "net/anchors.def"
};
#define LINES (sizeof lines / sizeof lines[0])

static char directory[64], path[96];

static int set_up(void **state)
{
    uint8_t byte;
    (void)state;
    /* The linker looks once at each library: this takes net/entropy.o, which Mbed TLS calls. */
    if (tls_random(&byte, 1) != 0)
        return -1;
    (void)snprintf(directory, sizeof directory, "/tmp/daneroll-test-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/bundle.pem", directory);
    return unsetenv("SSL_CERT_FILE");
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

static void write_bundle(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
}

/* Appends a file to TEXT, with CRLF if asked. */
static void append(char text[PEM_SIZE], const char *name, bool crlf)
{
    size_t used = strlen(text);
    FILE *f = fopen(name, "r");
    int c;
    assert_non_null(f);
    while ((c = fgetc(f)) != EOF) {
        assert_true(used + 3 < PEM_SIZE);
        if (c == '\n' && crlf)
            text[used++] = '\r';
        text[used++] = (char)c;
    }
    text[used] = '\0';
    (void)fclose(f);
}

struct seen {
    unsigned count, stop_at;
    size_t lengths[32];
    uint8_t sums[32][32];
};

static int see(void *context, const uint8_t *der, size_t length, const uint8_t *subject,
               size_t subject_length)
{
    struct seen *s = context;
    assert_true(subject > der && subject + subject_length < der + length);
    assert_true(s->count < 32);
    s->lengths[s->count] = length;
    cert_sha256(der, length, s->sums[s->count]);
    s->count++;
    return s->count == s->stop_at ? 1 : 0;
}

static struct seen read_text(const char *text)
{
    struct seen s = {0};
    write_bundle(text);
    assert_int_equal(bundle_read(path, see, &s), 0);
    return s;
}

static void bundle_in_all_forms(void **state)
{
    static char text[PEM_SIZE];
    (void)state;
    text[0] = '\0';
    append(text, VECTORS "ca-root.pem", false);
    struct seen once = read_text(text);
    assert_int_equal(once.count, 1);
    append(text, VECTORS "ca-issuer.pem", true);
    (void)strcat(text, "some words\n-----\n--- more ---\n# Root X\n");
    append(text, VECTORS "ca-issuer-reissued.pem", false);
    append(text, VECTORS "leaf.key", false);
    append(text, "tests/data/keys/p384.csr", false);
    append(text, "tests/data/keys/p256-trusted.pem", false);
    append(text, VECTORS "ca-root.pem", false);
    text[strlen(text) - 1] = '\0'; /* the last line without its newline */
    struct seen all = read_text(text);
    assert_int_equal(all.count, 4);
    assert_memory_equal(all.sums[0], once.sums[0], 32);
    assert_memory_equal(all.sums[3], once.sums[0], 32);
    assert_memory_not_equal(all.sums[1], all.sums[2], 32);
    /* Stopped by the caller. */
    struct seen two = {.stop_at = 2};
    assert_int_equal(bundle_read(path, see, &two), 1);
    assert_int_equal(two.count, 2);
}

/* Where the pieces end must not matter. */
static void bundle_in_pieces(void **state)
{
    static char text[PEM_SIZE];
    static struct bundle b;
    (void)state;
    text[0] = '\0';
    append(text, VECTORS "ca-root.pem", true);
    append(text, VECTORS "ca-issuer.pem", false);
    struct seen whole = read_text(text);
    const size_t length = strlen(text);
    for (size_t cut = 0; cut <= length; cut++) {
        struct seen s = {0};
        bundle_init(&b, see, &s);
        assert_int_equal(bundle_push(&b, text, cut), 0);
        assert_int_equal(bundle_push(&b, text + cut, length - cut), 0);
        assert_memory_equal(&s, &whole, sizeof s);
    }
    for (size_t cut = 0; cut < length; cut++) {
        struct seen s = {0};
        bundle_init(&b, see, &s);
        assert_int_equal(bundle_push(&b, text, cut), 0);
        assert_true(s.count < 2);
    }
}

#define BEGIN "-----BEGIN CERTIFICATE-----\n"
#define END   "-----END CERTIFICATE-----\n"

static void bundle_damaged(void **state)
{
    static char good[PEM_SIZE], text[2 * PEM_SIZE];
    (void)state;
    good[0] = '\0';
    append(good, VECTORS "ca-root.pem", false);
    char *body = strchr(good, '\n') + 1, *end = strstr(body, "-----END");
    char *const changes[] = {body + 10, end - 6, strchr(body, '\n')};
    static const char wrong[] = {'!', '=', '\001', '-'};
    /* One octet is wrong: that certificate is passed over, the next one is read. */
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        for (size_t k = 0; k < sizeof wrong; k++) {
            char former = *changes[i];
            *changes[i] = wrong[k];
            (void)snprintf(text, sizeof text, "%s", good);
            *changes[i] = former;
            (void)strcat(text, good);
            struct seen s = read_text(text);
            assert_int_equal(s.count, 1);
        }
    }
    static const char *const nothing[] = {
        "",
        "\n",
        "no PEM at all\n",
        BEGIN END,
        BEGIN "AAAA\n" END,
        BEGIN "MAA=\n" END,
        BEGIN "MAA\n" END,
        BEGIN "MA===\n" END,
        BEGIN BEGIN BEGIN,
        END END,
        BEGIN "MAMCAQE=\n" END,
        " " BEGIN "MAMCAQE=\n" END,
        "-----BEGIN CERTIFICATE----\n",
        "-----",
        "-----BEGIN ",
    };
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        struct seen s = read_text(nothing[i]);
        assert_int_equal(s.count, 0);
    }
    /* The other label, one banner too long, an END line of another object, no END line. */
    static const char *const banners[][2] = {
        {"-----BEGIN X509 CRL-----", "-----END X509 CRL-----"},
        {"-----BEGIN CERTIFICATE REQUEST-----", "-----END CERTIFICATE REQUEST-----"},
        {"-----BEGIN CERTIFICATE-----                             x", "-----END CERTIFICATE-----"},
        {"-----BEGIN CERTIFICATE-----", "-----END PRIVATE KEY-----"},
        {"-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----"},
    };
    for (size_t i = 0; i < sizeof banners / sizeof banners[0]; i++) {
        (void)snprintf(text, sizeof text, "%s\n%.*s%s\n%s", banners[i][0], (int)(end - body), body,
                       banners[i][1], good);
        struct seen s = read_text(text);
        assert_int_equal(s.count, 1);
    }
    /* All of it on one line is read too; a certificate that is too long is not. */
    size_t used = (size_t)snprintf(text, sizeof text, BEGIN);
    for (const char *at = body; at < end; at++) {
        if (*at != '\n')
            text[used++] = *at;
    }
    (void)snprintf(text + used, sizeof text - used, "\n" END BEGIN);
    used = strlen(text);
    memset(text + used, 'M', 12000);
    (void)snprintf(text + used + 12000, sizeof text - used - 12000, "\n" END "%s", good);
    assert_int_equal(read_text(text).count, 2);
}

static void bundle_that_is_no_file(void **state)
{
    struct seen s = {0};
    (void)state;
    assert_int_equal(bundle_read("/nonexistent/x", see, &s), NET_NO_TRUST);
    assert_int_equal(bundle_read(directory, see, &s), NET_NO_TRUST);
    assert_int_equal(bundle_read("/dev/zero", see, &s), NET_NO_TRUST);
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(bundle_read(path, see, &s), NET_NO_TRUST);
    assert_int_equal(unlink(path), 0);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, BUNDLE_SIZE + 4096), 0);
    (void)close(fd);
    assert_int_equal(bundle_read(path, see, &s), NET_NO_TRUST);
    assert_int_equal(s.count, 0);
}

static void trust_of_named_files(void **state)
{
    static char text[PEM_SIZE];
    struct trust t;
    (void)state;
    text[0] = '\0';
    append(text, VECTORS "ca-root.pem", false);
    write_bundle(text);
    assert_int_equal(trust_open(&t, path), 0);
    assert_ptr_equal(t.path, path);
    assert_int_equal(setenv("SSL_CERT_FILE", "/nonexistent/y", 1), 0);
    assert_int_equal(trust_open(&t, path), 0);
    assert_int_equal(trust_open(&t, NULL), NET_NO_TRUST);
    assert_string_equal(t.path, "/nonexistent/y");
    assert_int_equal(setenv("SSL_CERT_FILE", path, 1), 0);
    assert_int_equal(trust_open(&t, "/nonexistent/x"), NET_NO_TRUST);
    assert_string_equal(t.path, "/nonexistent/x");
    assert_int_equal(trust_open(&t, ""), NET_NO_TRUST);
    assert_int_equal(trust_open(&t, NULL), 0);
    assert_string_equal(t.path, path);
    write_bundle("no certificate here\n");
    assert_int_equal(trust_open(&t, NULL), NET_NO_TRUST);
    assert_int_equal(trust_open(&t, path), NET_NO_TRUST);
    /* An empty variable says nothing: a usual bundle of this machine, or the built-in anchors. */
    assert_int_equal(setenv("SSL_CERT_FILE", "", 1), 0);
    assert_int_equal(trust_open(&t, NULL), 0);
    assert_true(t.path == NULL || access(t.path, R_OK) == 0);
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
}

static void child_of(mbedtls_x509_crt *child, const uint8_t *issuer, size_t length)
{
    mbedtls_x509_crt_init(child);
    child->issuer_raw.p = (unsigned char *)(uintptr_t)issuer;
    child->issuer_raw.len = length;
}

static unsigned release(mbedtls_x509_crt *list)
{
    unsigned count = 0;
    for (const mbedtls_x509_crt *one = list; one != NULL; one = one->next)
        count++;
    mbedtls_x509_crt_free(list);
    mbedtls_free(list);
    return count;
}

static void parse(mbedtls_x509_crt *certificate, const char *name)
{
    static char text[PEM_SIZE];
    static struct cert_object object;
    text[0] = '\0';
    append(text, name, false);
    assert_int_equal(cert_read((const uint8_t *)text, strlen(text), &object), 0);
    mbedtls_x509_crt_init(certificate);
    assert_int_equal(mbedtls_x509_crt_parse_der(certificate, object.der, object.length), 0);
}

static void issuers_are_found(void **state)
{
    static char text[PEM_SIZE];
    mbedtls_x509_crt leaf, *found = NULL;
    struct trust t = {.path = path};
    (void)state;
    text[0] = '\0';
    append(text, VECTORS "ca-root.pem", false);
    append(text, VECTORS "ca-issuer.pem", false);
    append(text, VECTORS "ca-issuer-reissued.pem", false);
    write_bundle(text);
    parse(&leaf, VECTORS "leaf.pem");
    assert_int_equal(trust_find(&t, &leaf, &found), 0);
    for (const mbedtls_x509_crt *one = found; one != NULL; one = one->next) {
        assert_int_equal(one->subject_raw.len, leaf.issuer_raw.len);
        assert_memory_equal(one->subject_raw.p, leaf.issuer_raw.p, leaf.issuer_raw.len);
    }
    assert_int_equal(release(found), 2);
    /* Not a part of a name, nor a longer one. */
    leaf.issuer_raw.len--;
    assert_int_equal(trust_find(&t, &leaf, &found), 0);
    assert_null(found);
    leaf.issuer_raw.len++;
    /* As many of one subject as there is room for. */
    for (int i = 0; i < 10; i++)
        append(text, VECTORS "ca-issuer.pem", false);
    write_bundle(text);
    assert_int_equal(trust_find(&t, &leaf, &found), 0);
    assert_int_equal(release(found), TRUST_CANDIDATES_MOST);
    /* Gone since it was opened. */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(trust_find(&t, &leaf, &found), NET_NO_TRUST);
    assert_null(found);
    mbedtls_x509_crt_free(&leaf);
}

static int is_found(void *context, const uint8_t *der, size_t length, const uint8_t *subject,
                    size_t subject_length)
{
    mbedtls_x509_crt child, *found;
    unsigned *count = context;
    struct cert_part spki;
    int64_t from, to;
    bool same = false;
    child_of(&child, subject, subject_length);
    assert_int_equal(cert_spki_of_certificate(der, length, &spki, &from, &to), 0);
    assert_int_equal(trust_find(&(struct trust){.path = BUNDLE}, &child, &found), 0);
    for (const mbedtls_x509_crt *one = found; one != NULL; one = one->next)
        same |=
            one->pk_raw.len == spki.length && memcmp(one->pk_raw.p, spki.bytes, spki.length) == 0;
    assert_true(same);
    (void)release(found);
    ++*count;
    return 0;
}

/* Also those that signed themselves with SHA-1. */
static void every_root_of_the_machine_can_be_used(void **state)
{
    unsigned count = 0;
    (void)state;
    if (access(BUNDLE, R_OK) != 0)
        skip(); /* the quick tests need no ca-certificates */
    assert_int_equal(bundle_read(BUNDLE, is_found, &count), 0);
    assert_true(count > 50);
}

static void anchors_are_what_their_lines_say(void **state)
{
    (void)state;
    assert_int_equal(trust_anchors_count, LINES + 1);
    assert_in_range(LINES, 15, 24);
    for (size_t i = 0; i < LINES; i++) {
        uint8_t sum[32];
        char hex[65];
        struct cert_part spki;
        const struct trust_anchor *a = &trust_anchors[i];
        assert_int_equal(cert_spki_of_public_key(a->spki, a->spki_length, &spki), 0);
        assert_int_equal(spki.length, a->spki_length);
        cert_sha256(a->spki, a->spki_length, sum);
        for (size_t k = 0; k < sizeof sum; k++)
            (void)snprintf(hex + 2 * k, 3, "%02x", (unsigned)sum[k]);
        assert_string_equal(hex, lines[i].sha256);
        assert_true(lines[i].who[0] != '\0');
        assert_int_equal(a->subject[0], 0x30);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(lines[k].sha256, hex);
    }
}

static void anchors_are_found(void **state)
{
    struct trust t = {.path = NULL};
    mbedtls_x509_crt child, *found;
    (void)state;
    for (size_t i = 0; i < trust_anchors_count; i++) {
        const struct trust_anchor *a = &trust_anchors[i];
        child_of(&child, a->subject, a->subject_length);
        assert_int_equal(trust_find(&t, &child, &found), 0);
        assert_non_null(found);
        assert_int_equal(found->pk_raw.len, a->spki_length);
        assert_memory_equal(found->pk_raw.p, a->spki, a->spki_length);
        assert_memory_equal(found->subject_raw.p, a->subject, a->subject_length);
        assert_int_equal(found->version, 1);
        assert_int_equal(mbedtls_x509_time_is_past(&found->valid_to), 0);
        assert_int_equal(mbedtls_x509_time_is_future(&found->valid_from), 0);
        assert_int_equal(release(found), 1);
        child.issuer_raw.len--;
        assert_int_equal(trust_find(&t, &child, &found), 0);
        assert_null(found);
    }
}

/* A chain that ends at an anchor kept as name and key only is verified like any other. */
static void anchor_verifies(void **state)
{
    struct trust t = {.path = NULL};
    mbedtls_x509_crt leaf;
    uint32_t flags = 0;
    (void)state;
    parse(&leaf, "tests/data/anchor-leaf.pem");
    int rc =
        mbedtls_x509_crt_verify_with_ca_cb(&leaf, trust_find, &t, &mbedtls_x509_crt_profile_default,
                                           "anchored.example", &flags, NULL, NULL);
    assert_int_equal(flags, 0);
    assert_int_equal(rc, 0);
    /* With another signature it is not. */
    leaf.raw.p[leaf.raw.len - 1] ^= 1; /* its last octet */
    rc =
        mbedtls_x509_crt_verify_with_ca_cb(&leaf, trust_find, &t, &mbedtls_x509_crt_profile_default,
                                           "anchored.example", &flags, NULL, NULL);
    assert_int_equal(rc, MBEDTLS_ERR_X509_CERT_VERIFY_FAILED);
    assert_int_equal(flags, MBEDTLS_X509_BADCERT_NOT_TRUSTED);
    mbedtls_x509_crt_free(&leaf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bundle_in_all_forms),
        cmocka_unit_test(bundle_in_pieces),
        cmocka_unit_test(bundle_damaged),
        cmocka_unit_test(bundle_that_is_no_file),
        cmocka_unit_test(trust_of_named_files),
        cmocka_unit_test(issuers_are_found),
        cmocka_unit_test(every_root_of_the_machine_can_be_used),
        cmocka_unit_test(anchors_are_what_their_lines_say),
        cmocka_unit_test(anchors_are_found),
        cmocka_unit_test(anchor_verifies),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
