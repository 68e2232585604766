/* roll/pair.h with files of tests/data. */
#include "pair_files.h"

#include <sys/wait.h>

static struct pair_found found;
static struct conf_pair pair;

static const struct pair_found *read_pair(void)
{
    pair.label = "test";
    pair.certificate = at("cert");
    pair.private_key = at("key");
    pair_read(&pair, &found);
    return &found;
}

static void expect(enum pair_code code, const char *words)
{
    if (found.code != code || strstr(found.words, words) == NULL)
        fail_msg("code %d \"%s\", not %d \"%s\"", (int)found.code, found.words, (int)code, words);
    if (code == PAIR_READ)
        assert_string_equal(found.words, "");
}

static void digests_of(const char *name, struct cert_digests *digests)
{
    static struct cert_object object;
    static char text[32768];
    char path[160];
    (void)snprintf(path, sizeof path, DATA "%s", name);
    size_t length = read_text(path, text, sizeof text);
    assert_int_equal(cert_read((const uint8_t *)text, length, &object), 0);
    cert_digest(&object, digests);
}

static void is(const struct cert_digests *got, const char *name)
{
    struct cert_digests expected;
    digests_of(name, &expected);
    assert_memory_equal(got, &expected, sizeof expected);
}

static void a_good_pair(void **state)
{
    (void)state;
    put("cert", "vectors/leaf.pem vectors/ca-issuer.pem vectors/ca-root.pem", 0644);
    put("key", "vectors/leaf.key", 0600);
    read_pair();
    expect(PAIR_READ, "");
    is(&found.leaf, "vectors/leaf.pem");
    assert_int_equal(found.issuers_count, 2);
    is(&found.issuers[0], "vectors/ca-issuer.pem");
    is(&found.issuers[1], "vectors/ca-root.pem");
    assert_int_equal(found.algorithm, CERT_ECDSA);
    assert_int_equal(found.not_before, 1767225600);
    assert_int_equal(found.not_after, 4922899200);
    assert_null(found.warning);
    put_pair("leaf-rsa.pem", "leaf-rsa.key");
    read_pair();
    expect(PAIR_READ, "");
    assert_int_equal(found.algorithm, CERT_RSA);
    assert_int_equal(found.issuers_count, 1);
    is(&found.leaf, "vectors/leaf-rsa.pem");
}

static void one_file_for_both(void **state)
{
    (void)state;
    put("cert", "keys/p256-parameters.key vectors/kind-p256.pem vectors/ca-root.pem", 0600);
    pair = (struct conf_pair){.certificate = at("cert"), .private_key = at("cert")};
    pair_read(&pair, &found);
    expect(PAIR_READ, "");
    is(&found.leaf, "vectors/kind-p256.pem");
    is(&found.issuers[0], "vectors/ca-root.pem");
    pair.private_key = NULL;
    pair_read(&pair, &found);
    expect(PAIR_READ, "");
    pair = (struct conf_pair){0};
}

static void other_kinds_of_keys(void **state)
{
    (void)state;
    put("cert", "vectors/kind-p521.pem", 0644);
    put("key", "vectors/kind-p521.key", 0600);
    read_pair();
    expect(PAIR_READ, "");
    assert_int_equal(found.issuers_count, 0);
    put("cert", "vectors/kind-ed25519.pem", 0644);
    put("key", "keys/ed25519-v2.key", 0600);
    read_pair();
    assert_int_equal(found.algorithm, CERT_OTHER_ALGORITHM);
    assert_non_null(strstr(found.warning, "neither RSA nor ECDSA"));
    put("key", "vectors/kind-ed25519.key", 0600);
    read_pair();
    expect(PAIR_FAILED, "EdDSA");
}

static void a_key_that_does_not_fit(void **state)
{
    (void)state;
    put_pair("leaf.pem", "leaf-next.key");
    read_pair();
    expect(PAIR_LATER, "does not fit");
    assert_non_null(strstr(found.words, at("key")));
    assert_non_null(strstr(found.words, at("cert")));
}

/* The other file is written while the first try is being slept over. */
static void read_once_more(void **state)
{
    (void)state;
    put_pair("leaf.pem", "leaf-next.key");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct timespec t = {0, 150000000};
        (void)nanosleep(&t, NULL);
        put("cert.new", "vectors/leaf-next.pem", 0644);
        _exit(rename(at("cert.new"), at("cert")) == 0 ? 0 : 1);
    }
    read_pair();
    expect(PAIR_READ, "");
    is(&found.leaf, "vectors/leaf-next.pem");
    assert_int_equal(found.issuers_count, 0);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void damaged_files(void **state)
{
    static char text[32768];
    (void)state;
    put_pair("leaf.pem", "leaf.key");
    size_t length = read_text(at("cert"), text, sizeof text);
    put_text("cert", text, length - 60, 0644);
    read_pair();
    expect(PAIR_FAILED, "certificate 2: ");
    put_text("cert", text, length / 2 - 60, 0644);
    read_pair();
    expect(PAIR_FAILED, "certificate 1: ");
    put_text("cert", "", 0, 0644);
    read_pair();
    expect(PAIR_FAILED, "no certificate in it");
    put("cert", "vectors/leaf.key", 0600);
    read_pair();
    expect(PAIR_FAILED, "no certificate in it");
    put_pair("leaf.pem", "leaf.pem");
    read_pair();
    expect(PAIR_FAILED, "no private key in it");
    put("key", "keys/p256-encrypted.key", 0600);
    read_pair();
    expect(PAIR_FAILED, "encrypted");
    put_text("key", "", 0, 0600);
    read_pair();
    expect(PAIR_FAILED, "no private key in it");
    memset(text, ' ', sizeof text);
    FILE *f = fopen(at("key"), "w");
    assert_non_null(f);
    for (int i = 0; i < 5; i++)
        assert_int_equal(fwrite(text, 1, sizeof text, f), sizeof text);
    (void)fclose(f);
    read_pair();
    expect(PAIR_FAILED, "longer than");
    assert_int_equal(unlink(at("key")), 0);
    read_pair();
    expect(PAIR_FAILED, "key: no such file");
    assert_int_equal(unlink(at("cert")), 0);
    read_pair();
    expect(PAIR_ABSENT, "cert: no such file");
}

static void der_is_said(void **state)
{
    (void)state;
    put_pair("leaf.pem", "leaf.key");
    static struct cert_object object;
    static char text[32768];
    size_t length = read_text(at("cert"), text, sizeof text);
    assert_int_equal(cert_read((const uint8_t *)text, length, &object), 0);
    put_text("cert", (const char *)object.der, object.length, 0644);
    read_pair();
    expect(PAIR_UNFIT, "cert is DER");
    put_pair("leaf.pem", "leaf.key");
    char command[600];
    (void)snprintf(command, sizeof command,
                   "openssl pkey -in " DATA "vectors/leaf.key -outform DER -out %s", at("key"));
    assert_int_equal(system(command), 0);
    read_pair();
    expect(PAIR_READ, "");
    pair.install = at("dir");
    read_pair();
    expect(PAIR_UNFIT, "key is DER: a key to install must be PEM");
    pair.install = NULL;
}

static void too_many_certificates(void **state)
{
    (void)state;
    put("key", "vectors/leaf.key", 0600);
#define ISSUER " vectors/ca-issuer.pem"
    put("cert", "vectors/leaf.pem" ISSUER ISSUER ISSUER ISSUER ISSUER ISSUER ISSUER ISSUER ISSUER,
        0644);
    read_pair();
    expect(PAIR_READ, "");
    assert_int_equal(found.issuers_count, PAIR_ISSUERS_MOST);
    is(&found.issuers[PAIR_ISSUERS_MOST - 1], "vectors/ca-issuer.pem");
    static char text[32768];
    size_t length = read_text(at("cert"), text, sizeof text);
    size_t more = read_text(DATA "vectors/ca-issuer.pem", text + length, sizeof text - length);
    put_text("cert", text, length + more, 0644);
    read_pair();
    expect(PAIR_UNFIT, "more than 10 certificates");
}

static void keys_that_others_can_read(void **state)
{
    static const mode_t good[] = {0600, 0400, 0640, 0660, 0440};
    static const mode_t bad[] = {0644, 0604, 0602, 0666};
    (void)state;
    put_pair("leaf.pem", "leaf.key");
    assert_int_equal(chmod(directory, 0755), 0);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(chmod(at("key"), good[i]), 0);
        read_pair();
        expect(PAIR_READ, "");
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(chmod(at("key"), bad[i]), 0);
        read_pair();
        expect(PAIR_UNFIT, "key: others can read it; chmod 600 it");
    }
    /* Where they cannot get at it, its mode is no matter: the real path counts, not a link's. */
    assert_int_equal(mkdir(at("archive"), 0700), 0);
    assert_int_equal(rename(at("key"), at("archive/key")), 0);
    assert_int_equal(symlink("archive/key", at("key")), 0);
    read_pair();
    expect(PAIR_READ, "");
    assert_int_equal(chmod(at("archive"), 0755), 0);
    read_pair();
    expect(PAIR_UNFIT, "others can read it");
    assert_int_equal(chmod(directory, 0700), 0);
    read_pair();
    expect(PAIR_READ, "");
    assert_int_equal(unlink(at("key")), 0);
    assert_int_equal(unlink(at("archive/key")), 0);
}

/* ---- the look at it ---- */

static void check(const char *names)
{
    char words[256];
    const char *list[8];
    size_t count = 0;
    (void)snprintf(words, sizeof words, "%s", names);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
        list[count++] = word;
    read_pair();
    pair_check(&pair, list, count, NULL, &found);
}

static void pairs_that_are_fit(void **state)
{
    (void)state;
    put_pair("leaf.pem", "leaf.key");
    pair.chain = DATA "vectors/ca-root.pem";
    check("mail.example.org");
    expect(PAIR_READ, "");
    put_pair("leaf-wildcard.pem", "leaf.key");
    check("mail.example.org imap.example.org");
    expect(PAIR_READ, "");
    pair.chain = "none";
    put("cert", "vectors/leaf-wrongname.pem vectors/ca-root.pem", 0644);
    check("mail.example.org");
    expect(PAIR_READ, "");
    /* The system's. */
    assert_int_equal(setenv("SSL_CERT_FILE", DATA "vectors/ca-root.pem", 1), 0);
    put_pair("leaf.pem", "leaf.key");
    static const char *const chains[] = {"system", NULL};
    for (size_t i = 0; i < sizeof chains / sizeof chains[0]; i++) {
        pair.chain = chains[i];
        check("mail.example.org");
        expect(PAIR_READ, "");
    }
    assert_int_equal(unsetenv("SSL_CERT_FILE"), 0);
    const char *name = "mail.example.org";
    read_pair();
    pair_check(&pair, &name, 1, DATA "vectors/ca-root.pem", &found);
    expect(PAIR_READ, "");
    pair_check(&pair, &name, 1, DATA "chain/root.pem", &found);
    expect(PAIR_UNFIT, "is not among " DATA "chain/root.pem");
}

static void pairs_that_are_unfit(void **state)
{
    (void)state;
    pair.chain = DATA "vectors/ca-root.pem";
    put_pair("leaf.pem", "leaf.key");
    check("mail.example.org other.example.org");
    expect(PAIR_UNFIT, "cert: the certificate is for mail.example.org, not for other.example.org");
    put("cert", "vectors/leaf.pem vectors/ca-root.pem vectors/ca-issuer.pem", 0644);
    check("mail.example.org");
    expect(PAIR_UNFIT, "not in order");
    put("cert", "vectors/leaf.pem", 0644);
    check("mail.example.org");
    expect(PAIR_UNFIT, "is not among");
    expect(PAIR_UNFIT, "; there is no issuer behind the certificate");
    put_pair("leaf-expired.pem", "leaf.key");
    check("mail.example.org");
    expect(PAIR_UNFIT, "expired on 2021-01-01");
    pair.chain = "none";
    check("mail.example.org");
    expect(PAIR_UNFIT, "cert expired on 2021-01-01T00:00:00Z (our clock says 2026-11-25T");
    set_clock("1577836800"); /* before the release: it is not set */
    check("mail.example.org");
    expect(PAIR_READ, "");
    set_clock("4922899201");
    put_pair("leaf.pem", "leaf.key");
    check("mail.example.org");
    expect(PAIR_UNFIT, "expired on 2126-01-01");
    set_clock(NOW);
    pair.chain = "/nonexistent/ca.pem";
    check("mail.example.org");
    expect(PAIR_FAILED, "/nonexistent/ca.pem");
}

static void not_yet_valid(void **state)
{
    static const struct cert_digests none;
    struct pair_found future = {
        .code = PAIR_READ, .not_before = 1795600001, .not_after = INT64_MAX};
    (void)state;
    pair.chain = "none";
    pair.certificate = "cert";
    pair_check(&pair, NULL, 0, NULL, &future);
    assert_int_equal(future.code, PAIR_UNFIT);
    assert_string_equal(future.words, "cert is not valid before 2026-11-25T09:46:41Z "
                                      "(our clock says 2026-11-25T09:46:40Z)");
    future =
        (struct pair_found){.code = PAIR_READ, .not_before = INT64_MAX, .not_after = INT64_MIN};
    pair_check(&pair, NULL, 0, NULL, &future);
    assert_int_equal(future.code, PAIR_UNFIT);
    assert_string_equal(future.words, "cert: its dates cannot be read");
    /* What failed before stays so. */
    future = (struct pair_found){.code = PAIR_FAILED, .words = "x", .leaf = none};
    pair_check(&pair, NULL, 0, NULL, &future);
    assert_int_equal(future.code, PAIR_FAILED);
    assert_string_equal(future.words, "x");
}

static void changed_between(void **state)
{
    const char *name = "mail.example.org";
    (void)state;
    pair.chain = DATA "vectors/ca-root.pem";
    put_pair("leaf.pem", "leaf.key");
    read_pair();
    put_pair("leaf-next.pem", "leaf-next.key");
    pair_check(&pair, &name, 1, NULL, &found);
    expect(PAIR_LATER, "cert has just changed");
}

/* ---- the next key ---- */

static void next_key(const char *file, mode_t mode, enum pair_code code, const char *words)
{
    put("next", file, mode);
    pair_next_key(at("next"), &found);
    expect(code, words);
}

static void next_keys(void **state)
{
    static const struct cert_digests none;
    struct cert_digests expected;
    (void)state;
    digests_of("vectors/leaf-next.pem", &expected);
    next_key("vectors/leaf-next.key", 0600, PAIR_READ, "");
    assert_memory_equal(found.leaf.spki256, expected.spki256, 32);
    assert_memory_equal(found.leaf.spki512, expected.spki512, 64);
    assert_memory_equal(found.leaf.certificate256, none.certificate256, 32);
    assert_int_equal(found.algorithm, CERT_ECDSA);
    digests_of("vectors/kind-p384.pem", &expected);
    next_key("keys/p384.csr", 0644, PAIR_READ, "");
    assert_memory_equal(found.leaf.spki256, expected.spki256, 32);
    next_key("keys/rsa2048-pkcs1.pub", 0644, PAIR_READ, "");
    assert_int_equal(found.algorithm, CERT_RSA);
    next_key("vectors/leaf-next.pem", 0644, PAIR_UNFIT, "a certificate; the next key is");
    next_key("vectors/leaf-next.key vectors/leaf-next.pem", 0600, PAIR_UNFIT, "a certificate");
    next_key("keys/p256-encrypted.key", 0600, PAIR_FAILED, "encrypted");
    assert_int_equal(chmod(directory, 0755), 0);
    next_key("vectors/leaf-next.key", 0644, PAIR_UNFIT, "others can read it");
    assert_int_equal(chmod(directory, 0700), 0);
    assert_int_equal(unlink(at("next")), 0);
    pair_next_key(at("next"), &found);
    expect(PAIR_ABSENT, "no such file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_pair),
        cmocka_unit_test(one_file_for_both),
        cmocka_unit_test(other_kinds_of_keys),
        cmocka_unit_test(a_key_that_does_not_fit),
        cmocka_unit_test(read_once_more),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(der_is_said),
        cmocka_unit_test(too_many_certificates),
        cmocka_unit_test(keys_that_others_can_read),
        cmocka_unit_test(pairs_that_are_fit),
        cmocka_unit_test(pairs_that_are_unfit),
        cmocka_unit_test(not_yet_valid),
        cmocka_unit_test(changed_between),
        cmocka_unit_test(next_keys),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
