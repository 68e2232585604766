/* dns/tsig.h: vectors that other software made, the key's file, and answers that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "dns/tsig.h"
#include "tsig_vectors.h"

#define TIME   INT64_C(1700000000)
#define SECRET "daneroll-test-secret-0123456789a"
#define BASE64 "ZGFuZXJvbGwtdGVzdC1zZWNyZXQtMDEyMzQ1Njc4OWE="
#define OWNER  "_25._tcp.mail.example.org"

#define BYTES(name) (const uint8_t *)name, name##_LENGTH

static struct tsig_key key_of(const char *name, const char *algorithm)
{
    struct tsig_key key = {.length = strlen(SECRET)};
    memcpy(key.secret, SECRET, strlen(SECRET));
    snprintf(key.name, sizeof key.name, "%s", name);
    key.algorithm = tsig_algorithm_named(algorithm, strlen(algorithm));
    assert_non_null(key.algorithm);
    return key;
}

static void record(uint8_t rdata[35])
{
    static const uint8_t head[3] = {3, 1, 1};
    memcpy(rdata, head, 3);
    for (uint8_t i = 0; i < 32; i++)
        rdata[3 + i] = i;
}

/* The update of the vectors: no TLSA there, then an add; or a removal alone. */
static void build(struct dns_builder *b, uint8_t *bytes, size_t size, uint16_t id, bool add)
{
    uint8_t rdata[35];
    record(rdata);
    dns_begin(b, bytes, size, id, DNS_OPCODE_UPDATE);
    dns_put_question(b, "example.org", DNS_TYPE_SOA, DNS_CLASS_IN);
    if (add)
        dns_put_rr(b, DNS_PREREQUISITE, OWNER, DNS_TYPE_TLSA, DNS_CLASS_NONE, 0, NULL, 0);
    dns_put_rr(b, DNS_UPDATE, OWNER, DNS_TYPE_TLSA, add ? DNS_CLASS_IN : DNS_CLASS_NONE,
               add ? 3600 : 0, rdata, sizeof rdata);
}

static struct tsig_request sign(const struct tsig_key *key, const char *expected, size_t length)
{
    uint8_t bytes[512];
    struct dns_builder b;
    struct tsig_request request;
    build(&b, bytes, sizeof bytes, 0x1234, true);
    assert_int_equal(dns_finish(&b), PLAIN_LENGTH);
    assert_memory_equal(bytes, PLAIN, PLAIN_LENGTH);
    int signed_length = tsig_sign(key, &b, TIME, &request);
    if (expected != NULL) {
        assert_int_equal(signed_length, length);
        assert_memory_equal(bytes, expected, length);
    }
    return request;
}

static enum tsig_code verify(const struct tsig_key *key, const struct tsig_request *request,
                             const uint8_t *bytes, size_t length, int64_t wall,
                             struct tsig_answer *answer)
{
    /* A copy of its very length, so that a sanitizer sees a read behind its end. */
    uint8_t *copy = malloc(length > 0 ? length : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, length);
    enum tsig_code code = tsig_verify(key, request, copy, length, wall, answer);
    assert_memory_equal(copy, bytes, length);
    free(copy);
    return code;
}

static void test_vectors(void **state)
{
    static const struct {
        const char *name, *algorithm, *sent;
        size_t sent_length;
        const char *answer;
        size_t answer_length;
    } rows[] = {
        {"dr.key", "hmac-sha256", SIGNED256, SIGNED256_LENGTH, ANSWERED256, ANSWERED256_LENGTH},
        {"dr384.key", "HMAC-SHA384.", SIGNED384, SIGNED384_LENGTH, ANSWERED384, ANSWERED384_LENGTH},
        {"dr512.key", "hmac-sha512", SIGNED512, SIGNED512_LENGTH, ANSWERED512, ANSWERED512_LENGTH},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct tsig_key key = key_of(rows[i].name, rows[i].algorithm);
        const struct tsig_request request = sign(&key, rows[i].sent, rows[i].sent_length);
        struct tsig_answer answer;
        const uint8_t *bytes = (const uint8_t *)rows[i].answer;
        assert_int_equal(verify(&key, &request, bytes, rows[i].answer_length, TIME + 6, &answer),
                         TSIG_GOOD);
        assert_int_equal(answer.error, 0);
        assert_int_equal(answer.time, TIME + 5);
    }
}

/* The MACs that BIND verified (it answered NOERROR to these messages). */
static void test_verified_by_bind(void **state)
{
    static const uint8_t first[] = "\x36\x01\xa9\xb6\xe6\x6f\x4c\xeb\xcd\x8a\xb3\x42\x7c\x31\x56"
                                   "\xc7\xb6\x8f\x5a\x52\x8d\x1b\x00\x8b\x35\x4b\xff\x25\x40\xd4"
                                   "\x00\xda";
    static const uint8_t second[] = "\x48\xb3\x57\xc4\x8d\xa6\x85\x37\x2e\x5b\x88\x0e\xe4\x6f\x51"
                                    "\xf3\x75\xea\x85\xa8\x5d\x7a\x40\x68\xa9\x6e\x68\x76\xb3\x53"
                                    "\xcd\x50";
    const struct tsig_key key = key_of("dr.key", "hmac-sha256");
    uint8_t bytes[512];
    struct dns_builder b;
    struct tsig_request request = sign(&key, NULL, 0);
    (void)state;
    assert_int_equal(request.length, 32);
    assert_memory_equal(request.mac, first, 32);
    build(&b, bytes, sizeof bytes, 0x1235, false);
    assert_int_equal(tsig_sign(&key, &b, TIME, &request), 180);
    assert_memory_equal(request.mac, second, 32);
}

static void test_answers(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        int64_t wall;
        enum tsig_code code;
        uint16_t error;
        int64_t time;
    } rows[] = {
        {UPPER, UPPER_LENGTH, TIME, TSIG_GOOD, 0, TIME},
        {FORWARDED, FORWARDED_LENGTH, TIME, TSIG_GOOD, 0, TIME},
        {ANSWERED256, ANSWERED256_LENGTH, TIME + 5 + 300, TSIG_GOOD, 0, TIME + 5},
        {ANSWERED256, ANSWERED256_LENGTH, TIME + 5 - 300, TSIG_GOOD, 0, TIME + 5},
        {ANSWERED256, ANSWERED256_LENGTH, TIME + 5 + 301, TSIG_STALE, 0, TIME + 5},
        {ANSWERED256, ANSWERED256_LENGTH, TIME + 5 - 301, TSIG_STALE, 0, TIME + 5},
        {ANSWERED256, ANSWERED256_LENGTH, 0, TSIG_STALE, 0, TIME + 5},
        {ANSWERED256, ANSWERED256_LENGTH, INT64_MAX, TSIG_STALE, 0, TIME + 5},
        {LOOSE, LOOSE_LENGTH, TIME + 10, TSIG_GOOD, 0, TIME},
        {LOOSE, LOOSE_LENGTH, TIME + 11, TSIG_STALE, 0, TIME},
        {BADTIME, BADTIME_LENGTH, TIME, TSIG_GOOD, TSIG_BADTIME, TIME + 4000},
        {BADKEY, BADKEY_LENGTH, TIME, TSIG_DENIED, TSIG_BADKEY, -1},
        {BADSIG, BADSIG_LENGTH, TIME, TSIG_DENIED, TSIG_BADSIG, -1},
        {SHORT, SHORT_LENGTH, TIME, TSIG_SHORT, 0, -1},
        {OTHER_REQUEST, OTHER_REQUEST_LENGTH, TIME, TSIG_FORGED, 0, -1},
        {OTHER_SECRET, OTHER_SECRET_LENGTH, TIME, TSIG_FORGED, 0, -1},
        {OTHER_KEY, OTHER_KEY_LENGTH, TIME, TSIG_OTHER_KEY, 0, -1},
        {ANSWERED384, ANSWERED384_LENGTH, TIME, TSIG_OTHER_KEY, 0, -1},
        {ANSWER, ANSWER_LENGTH, TIME, TSIG_ABSENT, 0, -1},
        {ANSWER, 11, TIME, TSIG_MALFORMED, 0, -1},
        {ANSWER, 0, TIME, TSIG_MALFORMED, 0, -1},
    };
    const struct tsig_key key = key_of("dr.key", "hmac-sha256");
    const struct tsig_request request = sign(&key, NULL, 0);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsig_answer answer = {99, 99};
        enum tsig_code code = verify(&key, &request, (const uint8_t *)rows[i].bytes, rows[i].length,
                                     rows[i].wall, &answer);
        if (code != rows[i].code || answer.error != rows[i].error || answer.time != rows[i].time)
            fail_msg("row %zu: code %d, error %u, time %lld", i, code, answer.error,
                     (long long)answer.time);
    }
}

/* Cut anywhere, or with any one bit changed, an answer is never taken for a good one. */
static void test_damage(void **state)
{
    const struct tsig_key key = key_of("dr.key", "hmac-sha256");
    const struct tsig_request request = sign(&key, NULL, 0);
    struct tsig_answer answer;
    uint8_t bytes[ANSWERED256_LENGTH];
    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        assert_int_not_equal(verify(&key, &request, (const uint8_t *)ANSWERED256, i, TIME, &answer),
                             TSIG_GOOD);
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(bytes, ANSWERED256, sizeof bytes);
            bytes[i] ^= (uint8_t)(1U << bit);
            enum tsig_code code = verify(&key, &request, bytes, sizeof bytes, TIME, &answer);
            /* The ID as sent is not signed, letters have two cases, a TTL with its first bit is 0.
             */
            bool letter = bit == 5 && i > ANSWER_LENGTH, ttl = bit == 7 && i == ANSWER_LENGTH + 12;
            if (code == TSIG_GOOD && i >= 2 && !letter && !ttl)
                fail_msg("octet %zu, bit %u", i, bit);
        }
    }
}

/* A TSIG record that is not the last, or stands in another section, or comes twice. */
static void test_places(void **state)
{
    const struct tsig_key key = key_of("dr.key", "hmac-sha256");
    struct tsig_request request = sign(&key, NULL, 0);
    struct tsig_answer answer;
    struct dns_builder b;
    uint8_t bytes[1024];
    (void)state;
    dns_begin(&b, bytes, sizeof bytes, 0x1234, DNS_FLAG_QR);
    int length = tsig_sign(&key, &b, TIME, &request);
    dns_put_rr(&b, DNS_ADDITIONAL, "a.example", DNS_TYPE_A, DNS_CLASS_IN, 1, "\1\2\3\4", 4);
    length = dns_finish(&b);
    assert_true(length > 0);
    assert_int_equal(verify(&key, &request, bytes, (size_t)length, TIME, &answer), TSIG_MALFORMED);

    dns_begin(&b, bytes, sizeof bytes, 0x1234, DNS_FLAG_QR);
    (void)tsig_sign(&key, &b, TIME, &request);
    length = tsig_sign(&key, &b, TIME, &request);
    assert_int_equal(verify(&key, &request, bytes, (size_t)length, TIME, &answer), TSIG_MALFORMED);

    for (unsigned fault = 0; fault < 3; fault++) {
        dns_begin(&b, bytes, sizeof bytes, 0x1234, DNS_FLAG_QR);
        dns_put_rr(&b, fault == 0 ? DNS_ANSWER : DNS_ADDITIONAL, "dr.key", DNS_TYPE_TSIG,
                   fault == 1 ? DNS_CLASS_IN : DNS_CLASS_ANY, fault == 2 ? 1 : 0, "", 0);
        length = dns_finish(&b);
        assert_int_equal(verify(&key, &request, bytes, (size_t)length, TIME, &answer),
                         TSIG_MALFORMED);
    }
    dns_begin(&b, bytes, sizeof bytes, 0x1234, DNS_FLAG_QR);
    dns_put_rr(&b, DNS_ADDITIONAL, "dr.key", DNS_TYPE_TSIG, DNS_CLASS_ANY, 0, "\0", 1);
    length = dns_finish(&b);
    assert_int_equal(verify(&key, &request, bytes, (size_t)length, TIME, &answer), TSIG_MALFORMED);
}

static void test_no_room(void **state)
{
    const struct tsig_key key = key_of("dr.key", "hmac-sha256");
    struct tsig_request request;
    struct dns_builder b;
    uint8_t bytes[SIGNED256_LENGTH];
    (void)state;
    for (size_t size = PLAIN_LENGTH; size < sizeof bytes; size++) {
        build(&b, bytes, size, 1, true);
        assert_int_equal(tsig_sign(&key, &b, TIME, &request), DNS_TOO_LONG);
    }
    build(&b, bytes, sizeof bytes, 1, true);
    assert_int_equal(tsig_sign(&key, &b, TIME, &request), SIGNED256_LENGTH);
}

/* ---- the key's file ---- */

static void test_key_good(void **state)
{
    static const char *const rows[] = {
        "key \"Dr.Key\" {\n\talgorithm hmac-sha256;\n\tsecret \"" BASE64 "\";\n};\n",
        "key dr.key{algorithm hmac-sha256;secret " BASE64 ";};",
        "# a comment\n// another } ;\n/* a\nthird \" */key\r\n\t\"dr.key.\"{secret\"" BASE64
        "\" ; algorithm\"HMAC-SHA256.\" ; } ; # end",
        ("key dr.key { /* key */ algorithm hmac-sha256 /**/ ; secret "
         "\"ZGFuZXJvbGwtdGVzdC1z ZWNyZXQtMDEyMzQ1Njc4OWE=\"; };"),
    };
    const struct tsig_key expected = key_of("dr.key", "hmac-sha256");
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsig_key key;
        struct net_words why = {""};
        if (tsig_key_parse(&key, rows[i], strlen(rows[i]), &why) != 0)
            fail_msg("row %zu: %s", i, why.text);
        assert_memory_equal(&key, &expected, sizeof key);
        /* Cut anywhere it is no key. */
        size_t end = (size_t)(strrchr(rows[i], '}') - rows[i]);
        for (size_t length = 0; length <= end; length++)
            assert_int_equal(tsig_key_parse(&key, rows[i], length, &why), -1);
    }
}

#define ALGORITHM "algorithm hmac-sha256;"
#define LONG64    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void test_key_bad(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "line 1: expected 'key \"NAME\" {', as tsig-keygen writes it"},
        {"\n\nzone x", "line 3: expected 'key"},
        {"/* never closed", "line 1: expected 'key"},
        {"key", "the key's name is missing"},
        {"key \"a\nb\" {", "line 1: the key's name is missing"},
        {"key \"\" {", "not a DNS name"},
        {"key \"a b\" {", "a character that is not supported"},
        {"key \"a\\.b\" {", "a character that is not supported"},
        {"key " LONG64 LONG64 LONG64 LONG64 " {", "not a DNS name"},
        {"key a\n{" ALGORITHM "\n\n", "line 4: expected 'algorithm', 'secret' or '}'"},
        {"key a {" ALGORITHM "};", "the key has no 'secret'"},
        {"key a {secret AAAA;};", "the key has no 'algorithm'"},
        {"key a {" ALGORITHM ALGORITHM, "a second 'algorithm'"},
        {"key a {secret AAAA; secret AAAA;", "a second 'secret'"},
        {"key a {secret ;", "the secret is missing"},
        {"key a {secret \"\";", "the secret is not base64"},
        {"key a {secret \"%%%%\";", "the secret is not base64"},
        {"key a {secret AAAA=;", "the secret is not base64"},
        {"key a {secret " LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 ";", "the secret is too long"},
        {"key a {algorithm hmac-md5;", "the algorithm must be hmac-sha256"},
        {"key a {algorithm hmac-sha25;", "the algorithm must be hmac-sha256"},
        {"key a {algorithm hmac-sha256;", "expected 'algorithm'"},
        {"key a {algorithm hmac-sha256 secret", "expected ';'"},
        {"key a {" ALGORITHM "secret AAAA;}", "expected ';' behind '}'"},
        {"key a {" ALGORITHM "secret AAAA;}; key b", "the file must hold one key alone"},
        {"key a [", "expected '{'"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tsig_key key;
        struct net_words why = {""};
        assert_int_equal(tsig_key_parse(&key, rows[i].text, strlen(rows[i].text), &why), -1);
        if (strstr(why.text, rows[i].words) == NULL)
            fail_msg("row %zu: %s", i, why.text);
        assert_null(strstr(why.text, "AAAA"));
        for (size_t k = 0; k < sizeof key.secret; k++)
            assert_int_equal(key.secret[k], 0);
    }
}

static void test_key_file(void **state)
{
    static const char text[] =
        "key \"dr.key\" { algorithm hmac-sha256; secret \"" BASE64 "\"; };\n";
    char path[] = "/tmp/daneroll-key-XXXXXX";
    struct tsig_key key;
    struct net_words why = {""};
    int fd = mkstemp(path);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    assert_int_equal(close(fd), 0);
    assert_int_equal(tsig_key_read(&key, path, &why), 0);
    assert_string_equal(key.name, "dr.key");
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(tsig_key_read(&key, path, &why), -1);
    assert_non_null(strstr(why.text, "600"));
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(tsig_key_read(&key, path, &why), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(tsig_key_read(&key, path, &why), -1);
    assert_true(why.text[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),  cmocka_unit_test(test_verified_by_bind),
        cmocka_unit_test(test_answers),  cmocka_unit_test(test_damage),
        cmocka_unit_test(test_places),   cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_key_good), cmocka_unit_test(test_key_bad),
        cmocka_unit_test(test_key_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
