/*
 * roll/install.h in a directory of its own, as whoever runs the tests. Crashes, full and read-only
 * disks, and other owners: tests/e2e/test_install.py.
 */
#include "pair_files.h"
#include "roll/install.h"

#include <dirent.h>
#include <sys/types.h>

static char words[PAIR_WORDS_SIZE], owner[64];
static struct pair_found found;
static struct conf_pair pair;
static char install_path[64], cert_path[64], key_path[64];

static int set_up(void **state)
{
    int rc = files_set_up(state);
    (void)snprintf(install_path, sizeof install_path, "%s/etc/pair", directory);
    (void)snprintf(cert_path, sizeof cert_path, "%s/cert", directory);
    (void)snprintf(key_path, sizeof key_path, "%s/key", directory);
    (void)snprintf(owner, sizeof owner, "%u:%u", (unsigned)geteuid(), (unsigned)getegid());
    return rc;
}

/* Each test starts with nothing installed. */
static int start(void **state)
{
    char command[300];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s/etc", directory);
    pair = (struct conf_pair){.label = "test",
                              .certificate = cert_path,
                              .private_key = key_path,
                              .install = install_path,
                              .install_owner = owner,
                              .install_mode = 0600};
    return system(command);
}

static void in(char path[256], const char *name)
{
    (void)snprintf(path, 256, "%s/%s", install_path, name);
}

static void source(const char *leaf, const char *key, struct cert_digests *digests)
{
    put_pair(leaf, key);
    pair_read(&pair, &found);
    assert_int_equal(found.code, PAIR_READ);
    *digests = found.leaf;
}

/* Puts a pair of the vectors. */
static struct cert_digests install(const char *leaf, const char *key, int expected)
{
    struct cert_digests digests;
    source(leaf, key, &digests);
    int rc = install_put(&pair, &digests, words);
    if (rc != expected)
        fail_msg("%s: %d \"%s\", not %d", leaf, rc, words, expected);
    return digests;
}

static void shows(enum install_place place, const struct cert_digests *leaf)
{
    install_read(&pair, place, &found);
    if (leaf == NULL) {
        assert_int_equal(found.code, PAIR_ABSENT);
        return;
    }
    if (found.code != PAIR_READ)
        fail_msg("place %d: %d %s", (int)place, (int)found.code, found.words);
    assert_memory_equal(&found.leaf, leaf, sizeof *leaf);
    assert_int_equal(found.issuers_count, 1);
}

/* Names in DIR besides "." and "..". */
static unsigned count_names(void)
{
    unsigned count = 0;
    DIR *d = opendir(install_path);
    const struct dirent *entry;
    assert_non_null(d);
    while ((entry = readdir(d)) != NULL)
        count += entry->d_name[0] != '.';
    (void)closedir(d);
    return count;
}

static mode_t mode_of(const char *name)
{
    char path[256];
    struct stat status;
    in(path, name);
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static void target_of(const char *name, char target[64])
{
    char path[256];
    in(path, name);
    ssize_t n = readlink(path, target, 63);
    assert_true(n > 0);
    target[n] = '\0';
}

static size_t file_of(const char *name, char *text, size_t size)
{
    char path[256];
    in(path, name);
    return read_text(path, text, size);
}

/* ---- putting ---- */

static void nothing_installed(void **state)
{
    static const struct cert_digests none;
    (void)state;
    shows(INSTALL_CURRENT, NULL);
    shows(INSTALL_PREVIOUS, NULL);
    assert_int_equal(install_sweep(&pair, words), INSTALL_SAME);
    assert_int_equal(install_drop_previous(&pair, words), INSTALL_SAME);
    assert_int_equal(install_put_back(&pair, &none, words), INSTALL_ABSENT);
    assert_non_null(strstr(words, "no such directory"));
    struct stat status;
    assert_int_equal(stat(install_path, &status), -1);
}

static void the_files(void **state)
{
    static char full[20000], leaf[20000], issuers[20000], key[20000], combined[20000], text[20000];
    (void)state;
    struct cert_digests digests = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &digests);
    shows(INSTALL_PREVIOUS, NULL);
    assert_int_equal(count_names(), 2);
    size_t full_length = file_of("current/fullchain.pem", full, sizeof full);
    size_t leaf_length = file_of("current/cert.pem", leaf, sizeof leaf);
    size_t issuers_length = file_of("current/chain.pem", issuers, sizeof issuers);
    size_t key_length = file_of("current/privkey.pem", key, sizeof key);
    size_t combined_length = file_of("current/combined.pem", combined, sizeof combined);
    /* The vectors are laid out as RFC 7468 likes it best: octet for octet the same. */
    assert_int_equal(full_length, read_text(cert_path, text, sizeof text));
    assert_memory_equal(full, text, full_length);
    assert_int_equal(key_length, read_text(key_path, text, sizeof text));
    assert_memory_equal(key, text, key_length);
    assert_int_equal(leaf_length + issuers_length, full_length);
    assert_memory_equal(full, leaf, leaf_length);
    assert_memory_equal(full + leaf_length, issuers, issuers_length);
    assert_int_equal(combined_length, key_length + full_length);
    assert_memory_equal(combined, key, key_length);
    assert_memory_equal(combined + key_length, full, full_length);
}

/* Whatever the source is made of, only the key and the certificates get through. */
static void sources_in_other_clothes(void **state)
{
    static char text[32768], crlf[65536];
    (void)state;
    put("cert", "keys/p256-parameters.key keys/p256-trusted.pem keys/p384.csr vectors/ca-root.pem",
        0600);
    size_t length = read_text(cert_path, text, sizeof text), used = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            crlf[used++] = '\r';
        crlf[used++] = text[i];
    }
    used -= 2; /* no newline at the end */
    put_text("cert", crlf, used, 0600);
    pair.private_key = cert_path;
    pair_read(&pair, &found);
    assert_int_equal(found.code, PAIR_READ);
    struct cert_digests digests = found.leaf;
    assert_int_equal(install_put(&pair, &digests, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &digests);
    size_t kept = file_of("current/combined.pem", text, sizeof text);
    text[kept] = '\0';
    assert_null(strchr(text, '\r'));
    assert_null(strstr(text, "TRUSTED"));
    assert_null(strstr(text, "PARAMETERS"));
    assert_null(strstr(text, "REQUEST"));
    assert_memory_equal(text, "-----BEGIN EC PRIVATE KEY-----\n", 31);
    assert_non_null(strstr(text, "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n"));
    assert_string_equal(text + kept - 26, "-----END CERTIFICATE-----\n");
    /* openssl reads them too. */
    char command[600];
    (void)snprintf(command, sizeof command,
                   "openssl x509 -noout -in %s/current/cert.pem && "
                   "openssl pkey -noout -in %s/current/privkey.pem",
                   install_path, install_path);
    assert_int_equal(system(command), 0);
}

static void without_issuers(void **state)
{
    char text[64];
    (void)state;
    put("cert", "vectors/kind-rsa2048.pem", 0644);
    put("key", "keys/rsa2048-pkcs1.key", 0600);
    pair_read(&pair, &found);
    struct cert_digests digests = found.leaf;
    assert_int_equal(install_put(&pair, &digests, words), INSTALL_CHANGED);
    install_read(&pair, INSTALL_CURRENT, &found);
    assert_int_equal(found.code, PAIR_READ);
    assert_int_equal(found.issuers_count, 0);
    assert_int_equal(found.algorithm, CERT_RSA);
    assert_int_equal(file_of("current/chain.pem", text, sizeof text), 0);
}

static void another_pair(void **state)
{
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    struct cert_digests two = install("leaf-next.pem", "leaf-next.key", INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &two);
    shows(INSTALL_PREVIOUS, &one);
    assert_int_equal(count_names(), 4);
    struct cert_digests three = install("leaf-rsa.pem", "leaf-rsa.key", INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &three);
    shows(INSTALL_PREVIOUS, &two);
    assert_int_equal(count_names(), 4);
    /* The source went back to what is previous. */
    two = install("leaf-next.pem", "leaf-next.key", INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &two);
    shows(INSTALL_PREVIOUS, &three);
    assert_int_equal(count_names(), 4);
}

static void renewed_with_the_same_key(void **state)
{
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    struct cert_digests two = install("leaf-renewed.pem", "leaf.key", INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &two);
    shows(INSTALL_PREVIOUS, &one);
}

/* Another chain for the same leaf: what would be put back is still the pair before. */
static void same_leaf_other_chain(void **state)
{
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    struct cert_digests two = install("leaf-next.pem", "leaf-next.key", INSTALL_CHANGED);
    put("cert", "vectors/leaf-next.pem vectors/ca-issuer-reissued.pem", 0644);
    assert_int_equal(install_put(&pair, &two, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &two);
    shows(INSTALL_PREVIOUS, &one);
    /* Somebody may just be reading the former one. */
    assert_int_equal(count_names(), 5);
    assert_int_equal(install_sweep(&pair, words), INSTALL_SAME);
    shows(INSTALL_CURRENT, &two);
    shows(INSTALL_PREVIOUS, &one);
    assert_int_equal(count_names(), 4);
}

static void the_same_again(void **state)
{
    struct stat before, after;
    char path[256];
    (void)state;
    install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    struct cert_digests two = install("leaf-next.pem", "leaf-next.key", INSTALL_CHANGED);
    in(path, ".");
    assert_int_equal(stat(path, &before), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(install_put(&pair, &two, words), INSTALL_SAME);
    assert_int_equal(install_sweep(&pair, words), INSTALL_SAME);
    assert_int_equal(stat(path, &after), 0);
    assert_memory_equal(&before.st_mtim, &after.st_mtim, sizeof before.st_mtim);
    assert_memory_equal(&before.st_ctim, &after.st_ctim, sizeof before.st_ctim);
}

static void a_source_that_changed(void **state)
{
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    struct cert_digests two;
    source("leaf-next.pem", "leaf-next.key", &two);
    put_pair("leaf-rsa.pem", "leaf-rsa.key");
    assert_int_equal(install_put(&pair, &two, words), INSTALL_LATER);
    assert_non_null(strstr(words, "another certificate"));
    /* The same key, but not the same certificate. */
    put_pair("leaf-renewed.pem", "leaf.key");
    assert_int_equal(install_put(&pair, &one, words), INSTALL_LATER);
    /* Half written. */
    put_pair("leaf-next.pem", "leaf.key");
    assert_int_equal(install_put(&pair, &two, words), INSTALL_LATER);
    assert_non_null(strstr(words, "does not fit"));
    assert_int_equal(unlink(cert_path), 0);
    assert_int_equal(install_put(&pair, &two, words), INSTALL_FAILED);
    assert_non_null(strstr(words, "cert: no such file"));
    pair.private_key = NULL;
    put_pair("leaf-next.pem", "leaf-next.key");
    assert_int_equal(install_put(&pair, &two, words), INSTALL_FAILED);
    assert_non_null(strstr(words, "no private-key"));
    shows(INSTALL_CURRENT, &one);
    shows(INSTALL_PREVIOUS, NULL);
    assert_int_equal(count_names(), 2);
}

/* ---- back, and away ---- */

static void put_back(void **state)
{
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    assert_int_equal(install_put_back(&pair, &one, words), INSTALL_SAME);
    struct cert_digests two = install("leaf-next.pem", "leaf-next.key", INSTALL_CHANGED);
    assert_int_equal(install_put_back(&pair, &one, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &one);
    shows(INSTALL_PREVIOUS, &two);
    /* Repeated, it does not swap again. */
    assert_int_equal(install_put_back(&pair, &one, words), INSTALL_SAME);
    shows(INSTALL_CURRENT, &one);
    assert_int_equal(install_put_back(&pair, &two, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &two);
    shows(INSTALL_PREVIOUS, &one);
    struct cert_digests other = two;
    other.certificate512[63] ^= 1;
    assert_int_equal(install_put_back(&pair, &other, words), INSTALL_ABSENT);
    assert_non_null(strstr(words, "another one"));
    shows(INSTALL_CURRENT, &two);
    assert_int_equal(install_drop_previous(&pair, words), INSTALL_CHANGED);
    assert_int_equal(install_drop_previous(&pair, words), INSTALL_SAME);
    shows(INSTALL_CURRENT, &two);
    shows(INSTALL_PREVIOUS, NULL);
    assert_int_equal(count_names(), 2);
    /* Killed between the link and what it led to: the next call does the rest. */
    one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    char path[256];
    in(path, "previous");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(count_names(), 3);
    assert_int_equal(install_drop_previous(&pair, words), INSTALL_SAME);
    shows(INSTALL_CURRENT, &one);
    assert_int_equal(count_names(), 2);
    two = install("leaf-next.pem", "leaf-next.key", INSTALL_CHANGED);
    assert_int_equal(install_drop_previous(&pair, words), INSTALL_CHANGED);
    assert_int_equal(install_put_back(&pair, &one, words), INSTALL_ABSENT);
    assert_non_null(strstr(words, "no previous pair"));
}

static void cut_short(const char *name)
{
    char path[256];
    in(path, name);
    assert_int_equal(truncate(path, 100), 0);
}

static void damaged_pairs(void **state)
{
    char former[64], now[64];
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    struct cert_digests two = install("leaf-next.pem", "leaf-next.key", INSTALL_CHANGED);
    cut_short("previous/privkey.pem");
    install_read(&pair, INSTALL_PREVIOUS, &found);
    assert_int_equal(found.code, PAIR_FAILED);
    assert_int_equal(install_put_back(&pair, &one, words), INSTALL_ABSENT);
    shows(INSTALL_CURRENT, &two);
    /* What is damaged is replaced by itself, beside it and by one rename; and is not kept. */
    cut_short("current/combined.pem");
    target_of("current", former);
    assert_int_equal(install_put(&pair, &two, words), INSTALL_CHANGED);
    target_of("current", now);
    assert_string_not_equal(former, now);
    shows(INSTALL_CURRENT, &two);
    assert_int_equal(install_sweep(&pair, words), INSTALL_SAME);
    assert_int_equal(count_names(), 4);
    cut_short("current/fullchain.pem");
    assert_int_equal(install_put(&pair, &two, words), INSTALL_CHANGED);
    target_of("current", now);
    assert_string_equal(former, now);
    shows(INSTALL_CURRENT, &two);
    /* The damaged previous one is wanted again. */
    one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &one);
    shows(INSTALL_PREVIOUS, &two);
    assert_int_equal(count_names(), 4);
}

static void pairs_that_do_not_fit(void **state)
{
    char from[256], to[256];
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    in(to, "current/privkey.pem");
    put("other", "vectors/leaf-next.key", 0600);
    (void)snprintf(from, sizeof from, "%s", at("other"));
    assert_int_equal(rename(from, to), 0);
    install_read(&pair, INSTALL_CURRENT, &found);
    assert_int_equal(found.code, PAIR_UNFIT);
    assert_non_null(strstr(found.words, "privkey.pem does not fit"));
    assert_int_equal(unlink(to), 0);
    install_read(&pair, INSTALL_CURRENT, &found);
    assert_int_equal(found.code, PAIR_FAILED);
    assert_non_null(strstr(found.words, "privkey.pem: no such file"));
    assert_int_equal(install_put(&pair, &one, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &one);
}

static void a_link_to_nothing(void **state)
{
    char path[256];
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    in(path, "current");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("pair-0123456789abcdef-a", path), 0);
    install_read(&pair, INSTALL_CURRENT, &found);
    assert_int_equal(found.code, PAIR_FAILED);
    assert_int_equal(install_put(&pair, &one, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &one);
    shows(INSTALL_PREVIOUS, NULL);
}

/* ---- what others put there ---- */

static void make_file(const char *name)
{
    char path[256];
    in(path, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fclose(f);
}

static void sweeping(void **state)
{
    static const char *const ours[] = {"pair-0123456789abcdef-a", "pair-fedcba9876543210-b"};
    static const char *const foreign[] = {"pair-0123456789abcdef", "pair-0123456789abcdef-c",
                                          "pair-0123456789abcdeg-a", "xpair-0123456789abcdef-a",
                                          "pair-0123456789abcdef-aa"};
    char path[256];
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    struct cert_digests two = install("leaf-next.pem", "leaf-next.key", INSTALL_CHANGED);
    for (size_t i = 0; i < 2; i++) {
        in(path, ours[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    make_file("pair-0123456789abcdef-a/privkey.pem");
    make_file("pair-0123456789abcdef-a/combined.pem");
    in(path, "current.new");
    assert_int_equal(symlink("pair-0123456789abcdef-a", path), 0);
    in(path, "previous.new");
    assert_int_equal(symlink("nowhere", path), 0);
    for (size_t i = 0; i < 5; i++) {
        in(path, foreign[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    make_file("notes.txt");
    assert_int_equal(install_sweep(&pair, words), INSTALL_SAME);
    assert_int_equal(count_names(), 4 + 5 + 1);
    shows(INSTALL_CURRENT, &two);
    shows(INSTALL_PREVIOUS, &one);
    /* One of ours with something foreign in it stays with that. */
    in(path, ours[0]);
    assert_int_equal(mkdir(path, 0700), 0);
    make_file("pair-0123456789abcdef-a/notes.txt");
    assert_int_equal(install_sweep(&pair, words), INSTALL_SAME);
    assert_int_equal(count_names(), 4 + 5 + 2);
}

/* Links that others planted are not followed, neither to read nor to write nor to delete. */
static void planted_links(void **state)
{
    static char text[20000];
    char path[256], target[64];
    struct stat status;
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    target_of("current", target);
    put("victim", "vectors/leaf.pem vectors/ca-issuer.pem", 0644);
    in(path, "current/fullchain.pem");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink(at("victim"), path), 0);
    install_read(&pair, INSTALL_CURRENT, &found);
    assert_int_equal(found.code, PAIR_FAILED);
    assert_non_null(strstr(found.words, "not a plain file"));
    assert_int_equal(install_put(&pair, &one, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &one);
    assert_int_equal(install_sweep(&pair, words), INSTALL_SAME);
    assert_int_equal(count_names(), 2);
    size_t length = read_text(at("victim"), text, sizeof text);
    assert_true(length > 1000);
    assert_int_equal(stat(at("victim"), &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
    /* A directory's name that is a link: neither written through nor taken away. */
    assert_int_equal(mkdir(at("elsewhere"), 0700), 0);
    put("elsewhere/fullchain.pem", "vectors/leaf.pem", 0644);
    in(path, target);
    assert_int_equal(stat(path, &status), -1);
    assert_int_equal(symlink(at("elsewhere"), path), 0);
    cut_short("current/fullchain.pem");
    assert_int_equal(install_put(&pair, &one, words), INSTALL_FAILED);
    assert_int_equal(stat(at("elsewhere/fullchain.pem"), &status), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(install_put(&pair, &one, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &one);
    /* A pipe does not hold it up. */
    in(path, "current/privkey.pem");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    install_read(&pair, INSTALL_CURRENT, &found);
    assert_int_equal(found.code, PAIR_FAILED);
    assert_int_equal(install_put(&pair, &one, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &one);
}

static void refused_with(const struct cert_digests *leaf, const char *part)
{
    assert_int_equal(install_put(&pair, leaf, words), INSTALL_FAILED);
    if (strstr(words, part) == NULL)
        fail_msg("\"%s\" has no \"%s\"", words, part);
}

static void what_is_not_ours(void **state)
{
    char path[256], absolute[256], target[64];
    (void)state;
    struct cert_digests one = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    target_of("current", target);
    in(absolute, target);
    in(path, "current");
    const char *const targets[] = {"/etc", "..", absolute, "pair-0123456789abcdef-a/x"};
    struct cert_digests two;
    source("leaf-next.pem", "leaf-next.key", &two);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink(targets[i], path), 0);
        refused_with(&two, "/current was not made by daneroll");
        install_read(&pair, INSTALL_CURRENT, &found);
        assert_int_equal(found.code, PAIR_FAILED);
        /* Nobody knows what the services read: nothing is taken away. */
        assert_int_equal(install_sweep(&pair, words), INSTALL_FAILED);
        assert_int_equal(install_drop_previous(&pair, words), INSTALL_FAILED);
        assert_int_equal(install_put_back(&pair, &one, words), INSTALL_FAILED);
        assert_int_equal(count_names(), 2);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0755), 0);
    refused_with(&two, "/current was not made by daneroll");
    assert_int_equal(rmdir(path), 0);
    make_file("current");
    refused_with(&two, "/current was not made by daneroll");
    assert_int_equal(unlink(path), 0);
    /* In the way of a link that is being made. */
    make_file("current.new");
    refused_with(&two, "current.new: File exists");
    in(path, "current.new");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(install_put(&pair, &two, words), INSTALL_CHANGED);
    shows(INSTALL_CURRENT, &two);
    assert_int_equal(chmod(install_path, 0777), 0);
    put_pair("leaf.pem", "leaf.key");
    refused_with(&one, "everybody can write to it");
    shows(INSTALL_CURRENT, &two);
}

/* ---- owners and modes ---- */

static void modes(void **state)
{
    static const struct {
        uint32_t file;
        mode_t directory;
    } rows[] = {{0600, 0700}, {0640, 0750}, {0644, 0755}, {0400, 0700}, {0440, 0750}};
    static const mode_t masks[] = {0, 022, 077, 0277};
    char target[64], path[128];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < sizeof masks / sizeof masks[0]; k++) {
            assert_int_equal(start(state), 0);
            pair.install_mode = rows[i].file;
            struct cert_digests digests;
            source("leaf.pem", "leaf.key", &digests);
            mode_t former = umask(masks[k]);
            int rc = install_put(&pair, &digests, words);
            assert_int_equal(umask(former), masks[k]);
            if (masks[k] == 0277 && rc != INSTALL_CHANGED)
                continue; /* the parents could not be made by others than root */
            assert_int_equal(rc, INSTALL_CHANGED);
            target_of("current", target);
            assert_int_equal(mode_of("."), rows[i].directory);
            assert_int_equal(mode_of(target), rows[i].directory);
            (void)snprintf(path, sizeof path, "%s/privkey.pem", target);
            assert_int_equal(mode_of(path), rows[i].file);
            (void)snprintf(path, sizeof path, "%s/chain.pem", target);
            assert_int_equal(mode_of(path), rows[i].file);
        }
    }
    /* Another mode later: set where it stands, nothing is written; a DIR of the user's stays. */
    assert_int_equal(start(state), 0);
    struct cert_digests digests = install("leaf.pem", "leaf.key", INSTALL_CHANGED);
    assert_int_equal(chmod(install_path, 0711), 0);
    pair.install_mode = 0640;
    assert_int_equal(install_put(&pair, &digests, words), INSTALL_SAME);
    assert_int_equal(mode_of("current/combined.pem"), 0640);
    target_of("current", target);
    assert_int_equal(mode_of(target), 0750);
    assert_int_equal(mode_of("."), 0711);
}

static void owners_not_known(void **state)
{
    struct cert_digests digests;
    (void)state;
    source("leaf.pem", "leaf.key", &digests);
    pair.install_owner = "nobody-of-that-name:0";
    refused_with(&digests, "no such user as in \"nobody-of-that-name:0\"");
    pair.install_owner = "0:no-group-of-that-name";
    refused_with(&digests, "no such group as in");
    struct stat status;
    assert_int_equal(stat(install_path, &status), -1);
    pair.install_owner = NULL;
    assert_int_equal(install_put(&pair, &digests, words), INSTALL_CHANGED);
}

/* ---- DIR itself ---- */

static void places(void **state)
{
    char path[256];
    struct stat status;
    (void)state;
    struct cert_digests digests;
    source("leaf.pem", "leaf.key", &digests);
    /* What a killed run left of making it. */
    (void)snprintf(path, sizeof path, "%s/etc", directory);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof path, "%s.new", install_path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(install_put(&pair, &digests, words), INSTALL_CHANGED);
    assert_int_equal(stat(path, &status), -1);
    assert_int_equal(start(state), 0);
    (void)snprintf(path, sizeof path, "%s///", install_path);
    pair.install = path;
    assert_int_equal(install_put(&pair, &digests, words), INSTALL_CHANGED);
    pair.install = install_path;
    shows(INSTALL_CURRENT, &digests);
    /* A file in its place, or above it. */
    pair.install = key_path;
    refused_with(&digests, "key: Not a directory");
    install_read(&pair, INSTALL_CURRENT, &found);
    assert_int_equal(found.code, PAIR_FAILED);
    (void)snprintf(path, sizeof path, "%s/x/y", key_path);
    pair.install = path;
    refused_with(&digests, "Not a directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_installed, start),
        cmocka_unit_test_setup(the_files, start),
        cmocka_unit_test_setup(sources_in_other_clothes, start),
        cmocka_unit_test_setup(without_issuers, start),
        cmocka_unit_test_setup(another_pair, start),
        cmocka_unit_test_setup(renewed_with_the_same_key, start),
        cmocka_unit_test_setup(same_leaf_other_chain, start),
        cmocka_unit_test_setup(the_same_again, start),
        cmocka_unit_test_setup(a_source_that_changed, start),
        cmocka_unit_test_setup(put_back, start),
        cmocka_unit_test_setup(damaged_pairs, start),
        cmocka_unit_test_setup(pairs_that_do_not_fit, start),
        cmocka_unit_test_setup(a_link_to_nothing, start),
        cmocka_unit_test_setup(sweeping, start),
        cmocka_unit_test_setup(planted_links, start),
        cmocka_unit_test_setup(what_is_not_ours, start),
        cmocka_unit_test_setup(modes, start),
        cmocka_unit_test_setup(owners_not_known, start),
        cmocka_unit_test_setup(places, start),
    };
    return cmocka_run_group_tests(tests, set_up, files_tear_down);
}
