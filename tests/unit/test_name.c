/* base/name.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/name.h"

static void test_equal(void **state)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"mail.example.org", "mail.example.org", true},
        {"mail.example.org", "MAIL.Example.ORG.", true},
        {"mail.example.org.", "mail.example.org", true},
        {"_25._tcp.mail.example.org", "_25._TCP.mail.example.org", true},
        {"mail.example.org", "mail.example.or", false},
        {"mail.example.org", "amail.example.org", false},
        {"mail.example.org", "mail.example.org.uk", false},
        {"mail.example.org", "mail-example.org", false},
        {"mail.example.org", "", false},
        {"", ".", true},
        {"a[", "a{", false}, /* only letters fold */
        {"a@", "a`", false},
        {"\xc3\x89", "\xc3\xa9", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(name_equal(rows[i].a, rows[i].b), rows[i].equal);
        assert_int_equal(name_equal(rows[i].b, rows[i].a), rows[i].equal);
    }
}

static void test_within(void **state)
{
    static const struct {
        const char *name, *zone;
        bool within;
    } rows[] = {
        {"mail.example.org", "example.org", true},
        {"mail.example.org", "EXAMPLE.org.", true},
        {"example.org", "example.org", true},
        {"a.b.c.example.org.", "example.org", true},
        {"mail.example.org", "", true},
        {"mail.example.org", ".", true},
        {"notexample.org", "example.org", false},
        {"example.org", "mail.example.org", false},
        {"example.org.uk", "example.org", false},
        {"mail.example.org", "xample.org", false},
        {"", "example.org", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(name_within(rows[i].name, rows[i].zone), rows[i].within);
}

static void test_hosts(void **state)
{
    static const struct {
        const char *name;
        bool host;
    } rows[] = {
        {"mail.example.org", true},
        {"mail.example.org.", true},
        {"MAIL.EXAMPLE.ORG", true},
        {"a.b", true},
        {"1.example", true},
        {"xn--bcher-kva.example", true},
        {"a-b.c-d.example", true},
        {"", false},
        {".", false},
        {"localhost", false},
        {"localhost.", false},
        {".example.org", false},
        {"mail..example.org", false},
        {"mail.example.org..", false},
        {"-a.example", false},
        {"a-.example", false},
        {"a.-b", false},
        {"a_b.example", false},
        {"_25._tcp.a.example", false},
        {"*.example.org", false},
        {"a b.example", false},
        {"mail.example.org\n", false},
        {"b\xc3\xbc"
         "cher.example",
         false},
        {"a/b.example", false},
        {"[::1]", false},
        {"2001:db8::1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(name_is_host(rows[i].name), rows[i].host);
}

/* A name of LENGTH characters whose labels have up to LABEL characters. */
static void long_name(char *name, size_t length, size_t label)
{
    for (size_t i = 0; i < length; i++)
        name[i] = i % (label + 1) == label ? '.' : 'a';
    name[length] = '\0';
}

static void test_host_lengths(void **state)
{
    char name[300];
    (void)state;
    long_name(name, 63 + 2, 63);
    assert_true(name_is_host(name));
    long_name(name, 64 + 2, 64);
    assert_false(name_is_host(name));
    long_name(name, 253, 49);
    assert_true(name_is_host(name));
    long_name(name, 254, 49);
    assert_false(name_is_host(name));
    /* The final dot does not count. */
    long_name(name, 253, 49);
    name[253] = '.';
    name[254] = '\0';
    assert_true(name_is_host(name));
}

static void test_canonical(void **state)
{
    char name[NAME_SIZE], small[5] = "xxxx";
    (void)state;
    assert_int_equal(name_canonical("MAIL.Example.ORG.", name, sizeof name), 0);
    assert_string_equal(name, "mail.example.org");
    assert_int_equal(name_canonical("a.bc", small, sizeof small), 0);
    assert_string_equal(small, "a.bc");
    assert_int_equal(name_canonical("A.BC.", small, sizeof small), 0);
    assert_string_equal(small, "a.bc");
    assert_int_equal(name_canonical("a.bcd", small, sizeof small), -1);
    assert_int_equal(name_canonical("", small, 1), 0);
    assert_string_equal(small, "");
    assert_int_equal(name_canonical("a", small, 1), -1);
}

static void test_parent(void **state)
{
    const char *name = "a.b.c.";
    (void)state;
    name = name_parent(name);
    assert_string_equal(name, "b.c.");
    name = name_parent(name);
    assert_string_equal(name, "c.");
    assert_null(name_parent(name));
    assert_null(name_parent("c"));
    assert_null(name_parent(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal),     cmocka_unit_test(test_within),
        cmocka_unit_test(test_hosts),     cmocka_unit_test(test_host_lengths),
        cmocka_unit_test(test_canonical), cmocka_unit_test(test_parent),
    };
    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
