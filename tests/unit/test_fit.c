/* dane/fit.h: RFC 6698 section 4.1, RFC 7671 sections 4, 8 and 9 */
#include "dane/fit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Chains: leaf K1 by I1, leaf K2 by I2 (and its root I3), K2 alone. */
static struct cert_digests k1, k2, issuers1[1], issuers2[2];

static void make(struct cert_digests *d, const char *name)
{
    char text[32];
    int n = snprintf(text, sizeof text, "key %s", name);
    cert_sha256((const uint8_t *)text, (size_t)n, d->spki256);
    cert_sha512((const uint8_t *)text, (size_t)n, d->spki512);
    n = snprintf(text, sizeof text, "certificate %s", name);
    cert_sha256((const uint8_t *)text, (size_t)n, d->certificate256);
    cert_sha512((const uint8_t *)text, (size_t)n, d->certificate512);
}

static int set_up(void **state)
{
    (void)state;
    make(&k1, "K1");
    make(&k2, "K2");
    make(&issuers1[0], "I1");
    make(&issuers2[0], "I2");
    make(&issuers2[1], "I3");
    return 0;
}

static struct fit_chain chain_of(char which)
{
    if (which == '1')
        return (struct fit_chain){&k1, 1, issuers1};
    if (which == '2')
        return (struct fit_chain){&k2, 2, issuers2};
    return (struct fit_chain){&k2, 0, NULL};
}

/* "311K1": usage, selector, matching type and whose digest; "311--" is malformed. */
static struct tlsa record_of(const char *text)
{
    struct tlsa record;
    struct cert_digests d;
    struct tlsa_combination c = {(uint8_t)(text[0] - '0'), (uint8_t)(text[1] - '0'),
                                 (uint8_t)(text[2] - '0')};
    char name[3] = {text[3], text[4], '\0'};
    make(&d, name);
    const uint8_t *d256 = c.selector == 0 ? d.certificate256 : d.spki256;
    const uint8_t *d512 = c.selector == 0 ? d.certificate512 : d.spki512;
    size_t length = c.matching == 2 ? 64 : 32;
    tlsa_set(&record, c, c.matching == 2 ? d512 : d256, text[3] == '-' ? 20 : length);
    return record;
}

#define RECORDS_MOST 8

static size_t records_of(const char *text, struct tlsa records[RECORDS_MOST])
{
    size_t count = 0;
    for (; *text != '\0'; text += text[5] == ' ' ? 6 : 5) {
        assert_true(count < RECORDS_MOST);
        records[count++] = record_of(text);
    }
    return count;
}

static void test_matches(void **state)
{
    static const struct {
        const char *record;
        char chain;
        bool matches;
    } rows[] = {
        {"311K1", '1', true},
        {"311K1", '2', false},
        {"301K1", '1', true},
        {"312K1", '1', true},
        {"302K2", '2', true},
        {"111K1", '1', true},
        /* An issuer's record matches issuers only, a leaf's the leaf only. */
        {"211I1", '1', true},
        {"211K1", '1', false},
        {"311I1", '1', false},
        {"011I1", '1', true},
        {"201I3", '2', true},
        {"212I2", '2', true},
        {"211I2", '1', false},
        {"211I2", '-', false},
        /* Unusable ones match nothing. */
        {"311--", '1', false},
        {"411K1", '1', false},
        {"321K1", '1', false},
        {"313K1", '1', false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tlsa record = record_of(rows[i].record);
        struct fit_chain chain = chain_of(rows[i].chain);
        if (fit_matches(&record, &chain) != rows[i].matches)
            fail_msg("%s, chain %c", rows[i].record, rows[i].chain);
    }
}

/* Whether each kind of client accepts the chain, and which record lacks a match. */
static void test_accepts_and_lacks(void **state)
{
    static const struct {
        const char *records;
        char chain;
        bool accepts;
        int lack; /* index of the record; -1: none */
    } rows[] = {
        /* Nothing to authenticate by: whoever comes is taken. */
        {"", '1', true, -1},
        {"311--", '1', true, -1},
        {"311-- 411K2", '1', true, -1},
        /* Usages 0 and 1 count as unusable (RFC 7671 section 4, RFC 7672 section 3.1.3). */
        {"111K2", '1', true, -1},
        {"011I2", '1', true, -1},
        {"111K1 311K2", '1', false, 1},
        /* One of several. */
        {"311K1", '1', true, -1},
        {"311K2", '1', false, 0},
        {"311K2 311K1", '1', true, -1},
        {"311K1 311--", '1', true, -1},
        /* Combinations: any match is enough to be accepted, not to fit fully (section 8). */
        {"311K1 301K2", '1', true, 1},
        {"301K2 311K1", '1', true, 0},
        {"311K1 301K2 301K1", '1', true, -1},
        {"311K2 301K1", '1', true, 0},
        {"311K1 211I2", '1', true, 1},
        {"311K1 211I1", '1', true, -1},
        {"311K2 211I1", '1', true, 0},
        {"211I2", '1', false, 0},
        {"211I3", '2', true, -1},
        /* Digest agility (section 9): beside any usable 3 1 2 a 3 1 1 is not looked at... */
        {"311K1 312K2", '1', false, 1},
        {"312K2 311K1", '1', false, 0},
        {"311K1 312K1", '1', true, -1},
        {"311K1 312K2 312K1", '1', true, -1},
        /* ... by those that know SHA-512: others see the 3 1 1 alone. */
        {"311K2 312K1", '1', false, 0},
        /* SHA-512 alone: who does not know it has no usable record, and takes all. */
        {"312K1", '1', true, -1},
        {"312K2", '1', false, 0},
        /* Each usage and selector on its own. */
        {"311K1 302K2", '1', true, 1},
        {"311K2 301K1 302K1", '1', true, 0},
        {"311K1 212I2", '1', true, 1},
        {"211I1 212I2", '1', false, 1},
        /* What is malformed overrules nothing. */
        {"311K1 312--", '1', true, -1},
        /* Bare keys: nothing of the certificate matches, and nothing of an issuer. */
        {"311K2 211I2", '-', true, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tlsa records[RECORDS_MOST];
        struct fit_chain chain = chain_of(rows[i].chain);
        size_t count = records_of(rows[i].records, records);
        if (fit_accepts(records, count, sizeof records[0], &chain) != rows[i].accepts)
            fail_msg("accepts '%s', chain %c", rows[i].records, rows[i].chain);
        const struct tlsa *lack = fit_lack(records, count, sizeof records[0], &chain);
        if ((lack == NULL ? -1 : (int)(lack - records)) != rows[i].lack)
            fail_msg("lack of '%s', chain %c", rows[i].records, rows[i].chain);
    }
}

/* What fits fully is accepted, over all sets of up to four of these. */
static void test_fully_implies_accepted(void **state)
{
    static const char *const kinds[] = {"311K1", "311K2", "312K1", "312K2", "301K1", "302K2",
                                        "211I1", "211I2", "212I1", "111K2", "311--"};
    const size_t n = sizeof kinds / sizeof kinds[0];
    unsigned fully = 0;
    (void)state;
    for (size_t i = 0; i < n * n * n * n; i++) {
        const size_t which[4] = {i % n, i / n % n, i / n / n % n, i / n / n / n};
        struct tlsa records[4];
        struct fit_chain chain = chain_of('1');
        for (size_t k = 0; k < 4; k++)
            records[k] = record_of(kinds[which[k]]);
        if (fit_lack(records, 4, sizeof records[0], &chain) != NULL)
            continue;
        fully++;
        assert_true(fit_accepts(records, 4, sizeof records[0], &chain));
    }
    assert_true(fully > 100);
}

/* Records lie in other structures, too. */
static void test_stride(void **state)
{
    struct {
        struct tlsa tlsa;
        char other[40];
    } records[3];
    struct fit_chain one = chain_of('1'), two = chain_of('2');
    (void)state;
    memset(records, 0xee, sizeof records);
    records[0].tlsa = record_of("311K1");
    records[1].tlsa = record_of("301K1");
    records[2].tlsa = record_of("301K2");
    assert_true(fit_accepts(records, 3, sizeof records[0], &one));
    assert_null(fit_lack(records, 3, sizeof records[0], &one));
    assert_true(fit_accepts(records, 3, sizeof records[0], &two));
    assert_ptr_equal(fit_lack(records, 3, sizeof records[0], &two), &records[0].tlsa);
    assert_false(fit_accepts(records, 2, sizeof records[0], &two));
}

static void test_make(void **state)
{
    static const char *const made[] = {"311K1", "312K1", "301K1", "302K1",
                                       "211I1", "212I1", "201I1", "202I1"};
    static const char *const not_made[] = {"310K1", "210I1", "011I1", "321K1", "313K1", "411K1"};
    struct fit_chain one = chain_of('1'), bare = chain_of('-');
    struct tlsa record;
    (void)state;
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        struct tlsa expected = record_of(made[i]);
        if (fit_make(&record, expected.combination, &one) != 0 || !tlsa_equal(&record, &expected))
            fail_msg("%s", made[i]);
        assert_true(fit_matches(&record, &one));
    }
    for (size_t i = 0; i < sizeof not_made / sizeof not_made[0]; i++) {
        if (fit_make(&record, record_of(not_made[i]).combination, &one) == 0)
            fail_msg("made: %s", not_made[i]);
    }
    /* The leaf's issuer, not the root. */
    struct fit_chain two = chain_of('2');
    struct tlsa issuer = record_of("211I2");
    assert_int_equal(fit_make(&record, issuer.combination, &two), 0);
    assert_true(tlsa_equal(&record, &issuer));
    /* No issuer, no record of one; a bare key has no certificate. */
    assert_int_equal(fit_make(&record, issuer.combination, &bare), -1);
    memset(k2.certificate256, 0, sizeof k2.certificate256);
    memset(k2.certificate512, 0, sizeof k2.certificate512);
    assert_int_equal(fit_make(&record, (struct tlsa_combination){3, 0, 1}, &bare), -1);
    assert_int_equal(fit_make(&record, (struct tlsa_combination){3, 1, 1}, &bare), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_matches, set_up),
        cmocka_unit_test_setup(test_accepts_and_lacks, set_up),
        cmocka_unit_test_setup(test_fully_implies_accepted, set_up),
        cmocka_unit_test_setup(test_stride, set_up),
        cmocka_unit_test_setup(test_make, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
