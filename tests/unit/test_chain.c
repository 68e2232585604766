/* net/chain.h with the certificates of tests/data: their keys are public, never use one. */
#include "../clock/time.c"
#include "cert/spki.h"
#include "net/chain.h"
#include "net/tls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CHAIN   "tests/data/chain/"
#define VECTORS "tests/data/vectors/"
#define ROOT    CHAIN "root.pem"
#define MAIL    "mail.example.org"
#define NOW     "1795600000" /* 2026-11-25 */

static char directory[64], clock_file[96];
static struct net_words why;

static void set_clock(const char *wall)
{
    FILE *f = fopen(clock_file, "w");
    assert_non_null(f);
    assert_true(fprintf(f, "wall %s\n", wall) > 0);
    assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
    uint8_t byte;
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/daneroll-test-XXXXXX");
    if (mkdtemp(directory) == NULL || tls_random(&byte, 1) != 0)
        return -1;
    (void)snprintf(clock_file, sizeof clock_file, "%s/clock", directory);
    set_clock(NOW);
    return setenv("DANE_TEST_CLOCK", clock_file, 1);
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(clock_file);
    return rmdir(directory);
}

static int add_file(struct chain *chain, const char *name)
{
    static struct cert_object object;
    static char text[32768];
    FILE *f = fopen(name, "r");
    assert_non_null(f);
    size_t length = fread(text, 1, sizeof text, f);
    (void)fclose(f);
    assert_int_equal(cert_read((const uint8_t *)text, length, &object), 0);
    return chain_add(chain, object.der, object.length, &why);
}

/* FILES are parted by blanks: those of tests/data/chain, without ".pem"; NAMES likewise. */
static int check_files(const char *files, const char *trusted, const char *names)
{
    char words[256], host[256], path[128];
    const char *list[8];
    size_t count = 0;
    struct chain chain = {0};
    struct trust trust;
    int rc = 0;
    why.text[0] = '\0';
    (void)snprintf(words, sizeof words, "%s", files);
    for (char *word = strtok(words, " "); word != NULL && rc == 0; word = strtok(NULL, " ")) {
        (void)snprintf(path, sizeof path, "%s%s.pem",
                       strchr(word, '/') == NULL ? CHAIN : "tests/data/", word);
        rc = add_file(&chain, path);
    }
    (void)snprintf(host, sizeof host, "%s", names);
    for (char *word = strtok(host, " "); word != NULL; word = strtok(NULL, " "))
        list[count++] = word;
    assert_int_equal(trust_open(&trust, trusted), 0);
    if (rc == 0)
        rc = chain_check(&chain, &trust, list, count, &why);
    chain_free(&chain);
    assert_int_equal(chain.count, 0);
    return rc;
}

static void good(const char *files, const char *trusted, const char *names)
{
    int rc = check_files(files, trusted, names);
    if (rc != 0)
        fail_msg("%s for %s: %d %s", files, names, rc, why.text);
    assert_string_equal(why.text, "");
}

static void bad(const char *files, const char *trusted, const char *names, const char *words)
{
    int rc = check_files(files, trusted, names);
    if (rc != NET_UNTRUSTED || strstr(why.text, words) == NULL)
        fail_msg("%s for %s: %d \"%s\" has no \"%s\"", files, names, rc, why.text, words);
}

static void chains_that_are_good(void **state)
{
    (void)state;
    good("no-dns-id issuer", ROOT, MAIL);
    good("no-dns-id issuer root", ROOT, MAIL);
    good("vectors/leaf vectors/ca-issuer", VECTORS "ca-root.pem", MAIL);
    good("vectors/leaf vectors/ca-issuer vectors/ca-root", VECTORS "ca-root.pem", MAIL);
    good("vectors/leaf vectors/ca-issuer-reissued", VECTORS "ca-root.pem", MAIL);
    good("vectors/leaf-rsa vectors/ca-issuer", VECTORS "ca-root.pem", MAIL);
    /* What is trusted may be any CA, and then leads no further. */
    good("no-dns-id", CHAIN "issuer.pem", MAIL);
    good("no-dns-id issuer", CHAIN "issuer.pem", MAIL);
    /* Self-signed and a CA, as `openssl req -x509` makes them. */
    good("root", ROOT, "");
}

static void chains_out_of_order(void **state)
{
    (void)state;
    bad("issuer no-dns-id", ROOT, MAIL, "not in order: certificate 2, \"CN=mail.example.org\"");
    bad("no-dns-id root issuer", ROOT, MAIL, "not in order: certificate 2, \"CN=Chain Root\"");
    bad("no-dns-id no-dns-id issuer", ROOT, MAIL, "not in order");
    bad("no-dns-id issuer vectors/ca-root", ROOT, MAIL, "not in order: certificate 3");
    /* The issuer's name, but not its key. */
    bad("no-dns-id impostor", ROOT, MAIL, "not in order: certificate 2, \"CN=Chain Issuer\"");
    /* Signed, but by no CA. */
    bad("by-leaf names issuer", ROOT, MAIL, "not in order: certificate 2, \"CN=cn.example.org\"");
}

static void chains_that_lead_nowhere(void **state)
{
    (void)state;
    bad("no-dns-id", ROOT, MAIL, "the issuer \"CN=Chain Issuer\" is not among " ROOT);
    bad("no-dns-id issuer", VECTORS "ca-root.pem", MAIL, "the issuer \"CN=Chain Root\" is not");
    bad("no-dns-id issuer root", VECTORS "ca-root.pem", MAIL, "the self-signed \"CN=Chain Root\"");
    bad("self", ROOT, MAIL, "the self-signed \"CN=mail.example.org\" is not among");
    bad("no-dns-id", CHAIN "impostor.pem", MAIL, "is not among");
}

static void names_that_are_borne(void **state)
{
    (void)state;
    good("names issuer", ROOT, MAIL);
    good("names issuer", ROOT, "mail.example.org a.wild.example.org B.Wild.example.org");
    good("vectors/leaf-wildcard vectors/ca-issuer", VECTORS "ca-root.pem", MAIL);
    good("vectors/leaf-cn-only vectors/ca-issuer", VECTORS "ca-root.pem", MAIL);
    good("no-dns-id issuer", ROOT, MAIL);
    good("names issuer", ROOT, "example.org");
}

static void names_that_are_not_borne(void **state)
{
    static const char *const names[] = {
        "wild.example.org",
        "a.b.wild.example.org",
        ".wild.example.org",
        "foo.part.example.org",
        "a.b.two.example.org",
        "cn.example.org",
        "192.0.2.1",
        "uri.example.org",
        "other.example.org",
        "ail.example.org",
        "mail.example.or",
        "xmail.example.org",
        "org",
        "a.wild.example.orgx",
        "mail.example.org.x",
    };
    char both[128];
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bad("names issuer", ROOT, names[i], "the certificate is for Mail.Example.ORG, ");
        (void)snprintf(both, sizeof both, "mail.example.org %s", names[i]);
        bad("names issuer", ROOT, both, names[i]);
    }
    /* A DNS-ID beside it: the CN is nothing. */
    bad("vectors/leaf-cn-san-differ vectors/ca-issuer", VECTORS "ca-root.pem", MAIL,
        "the certificate is for other.example.net, not for mail.example.org");
    bad("vectors/leaf-wrongname vectors/ca-issuer", VECTORS "ca-root.pem", MAIL, "not for mail");
    bad("no-dns-id issuer", ROOT, "postmaster.example.org", "not for postmaster");
}

static void dates(void **state)
{
    (void)state;
    bad("vectors/leaf-expired vectors/ca-issuer", VECTORS "ca-root.pem", MAIL,
        "\"CN=mail.example.org\" expired on 2021-01-01T00:00:00Z (our clock says 2026-11-");
    set_clock("4922899000"); /* 2125-12-31 */
    good("no-dns-id issuer", ROOT, MAIL);
    set_clock("4923000000"); /* 2126-01-01 */
    bad("no-dns-id issuer", ROOT, MAIL, "\"CN=Chain Issuer\" expired on 2126-01-01");
    /* Not set: nothing can be said of dates, all else is looked at. */
    set_clock("1577836800"); /* 2020 */
    good("no-dns-id issuer", ROOT, MAIL);
    good("vectors/leaf-expired vectors/ca-issuer", VECTORS "ca-root.pem", MAIL);
    bad("no-dns-id issuer", ROOT, "other.example.org", "not for other");
    bad("no-dns-id", ROOT, MAIL, "is not among");
    set_clock(NOW);
}

static void all_faults_are_said(void **state)
{
    (void)state;
    bad("vectors/leaf-expired", VECTORS "ca-root.pem", "other.example.org", "expired on");
    assert_non_null(strstr(why.text, "; the issuer \"CN=Test Issuer\" is not among"));
    assert_non_null(strstr(why.text, "; the certificate is for mail.example.org, not for other"));
}

static void unfit_certificates(void **state)
{
    (void)state;
    bad("client issuer", ROOT, MAIL, "cannot be used for a server");
    bad("short issuer", ROOT, MAIL, "RSA below 2048 bits");
    bad("sha1 issuer", ROOT, MAIL, "");
    bad("vectors/kind-ed25519", VECTORS "kind-ed25519.pem", "self.example", "Ed25519");
    bad("vectors/kind-ed448", VECTORS "kind-ed448.pem", "self.example", "not supported here");
}

static void a_long_chain(void **state)
{
    struct chain chain = {0};
    (void)state;
    for (int i = 0; i < CHAIN_MOST; i++)
        assert_int_equal(add_file(&chain, ROOT), 0);
    assert_int_equal(add_file(&chain, ROOT), NET_UNTRUSTED);
    assert_string_equal(why.text, "more than 10 certificates in the chain");
    assert_int_equal(chain.count, CHAIN_MOST);
    chain_free(&chain);
    /* A chain of as many copies of a root is silly, but nothing is wrong with it. */
    good("root root root root root root root root root root", ROOT, "");
}

static void trust_that_is_gone(void **state)
{
    struct chain chain = {0};
    struct trust trust = {.path = "/nonexistent/ca.pem"};
    const char *name = MAIL;
    (void)state;
    assert_int_equal(add_file(&chain, CHAIN "no-dns-id.pem"), 0);
    assert_int_equal(chain_check(&chain, &trust, &name, 1, &why), NET_NO_TRUST);
    assert_string_equal(why.text, "/nonexistent/ca.pem cannot be read");
    chain_free(&chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_that_are_good),
        cmocka_unit_test(chains_out_of_order),
        cmocka_unit_test(chains_that_lead_nowhere),
        cmocka_unit_test(names_that_are_borne),
        cmocka_unit_test(names_that_are_not_borne),
        cmocka_unit_test(dates),
        cmocka_unit_test(all_faults_are_said),
        cmocka_unit_test(unfit_certificates),
        cmocka_unit_test(a_long_chain),
        cmocka_unit_test(trust_that_is_gone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
