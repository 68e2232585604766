/*
 * The man pages and the rows of the program say the same: each key and each option has its entry
 * where it belongs, with its default, and no page names one that does not exist.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cmd/cmd.h"
#include "conf/conf.h"
#include "provider/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS_PAGE    "src/daneroll.conf.5"
#define OPTIONS_PAGE "src/daneroll.8"
#define PAGE_SIZE    65536

static char keys_page[PAGE_SIZE], options_page[PAGE_SIZE];

/* Tests run from the top of the checkout. */
static void read_page(const char *path, char *page)
{
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        fail_msg("cannot open %s: not at the top of the checkout?", path);
        return;
    }
    size_t length = fread(page, 1, PAGE_SIZE - 1, f);
    page[length] = '\0';
    assert_true(length > 1000 && length < PAGE_SIZE - 1);
    assert_int_equal(fclose(f), 0);
}

static int read_pages(void **state)
{
    (void)state;
    read_page(KEYS_PAGE, keys_page);
    read_page(OPTIONS_PAGE, options_page);
    return 0;
}

static struct conf_tables tables(void)
{
    static struct conf_provider_kind kinds[8];
    assert_true(provider_types_count <= 8);
    for (size_t i = 0; i < provider_types_count; i++)
        kinds[i] = (struct conf_provider_kind){provider_types[i]->name, provider_types[i]->keys,
                                               provider_types[i]->keys_count};
    return (struct conf_tables){.providers = kinds, .providers_count = provider_types_count};
}

/* The heading that a section's keys stand under. */
static const char *heading_of(const struct conf_row *row)
{
    static const char *const headings[][2] = {{"daneroll", "GLOBAL KEYS"},
                                              {"provider", "PROVIDER KEYS"},
                                              {"pair", "PAIR KEYS"},
                                              {"host", "HOST KEYS"}};
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(headings[i][0], row->section) == 0)
            return headings[i][1];
    }
    return "";
}

/* The text of a .Sh section, up to the next one, in a buffer of its own. */
static const char *section_text(const char *page, const char *heading)
{
    static char text[PAGE_SIZE];
    char line[64];
    (void)snprintf(line, sizeof line, "\n.Sh %s\n", heading);
    const char *start = strstr(page, line);
    if (start == NULL) {
        fail_msg("no section %s", heading);
        return "";
    }
    const char *end = strstr(start + 1, "\n.Sh ");
    size_t length = end == NULL ? strlen(start) : (size_t)(end - start);
    memcpy(text, start, length);
    text[length] = '\0';
    return text;
}

/* An entry's text, from its .It on to the next one's; "" if there is none. */
static const char *entry_text(const char *section, const char *item)
{
    static char text[PAGE_SIZE];
    char line[96];
    size_t length = (size_t)snprintf(line, sizeof line, "\n.It %s", item);
    const char *start = strstr(section, line);
    while (start != NULL && start[length] != '\n' && start[length] != ' ')
        start = strstr(start + 1, line);
    if (start == NULL)
        return "";
    const char *end = strstr(start + 1, "\n.It ");
    size_t whole = end == NULL ? strlen(start) : (size_t)(end - start);
    memcpy(text, start, whole);
    text[whole] = '\0';
    return text;
}

/* Whether a default stands in an entry as words of its own. */
static bool names_word(const char *text, const char *word)
{
    static const char *const macros[] = {".Cm ", ".Pa ", ".Li "};
    for (size_t i = 0; i < 3; i++) {
        char wanted[128];
        int length = snprintf(wanted, sizeof wanted, "\n%s%s", macros[i], word);
        const char *at = strstr(text, wanted);
        if (at != NULL && (at[length] == '\n' || at[length] == ' '))
            return true;
    }
    return false;
}

static void test_keys_have_entries(void **state)
{
    (void)state;
    const struct conf_tables t = tables();
    struct conf_row row;
    for (size_t i = 0; conf_row(&t, i, &row); i++) {
        if (row.section[0] == '\0')
            continue;
        char item[64];
        const char *heading = heading_of(&row);
        (void)snprintf(item, sizeof item, "Cm %s", row.key->name);
        const char *text = entry_text(section_text(keys_page, heading), item);
        if (text[0] == '\0')
            fail_msg("[%s] %s has no entry under %s", row.section, row.key->name, heading);
        if (row.key->preset != NULL && !names_word(text, row.key->preset))
            fail_msg("the entry of %s does not name its default %s", row.key->name,
                     row.key->preset);
    }
}

static bool is_key(const struct conf_tables *t, const char *heading, const char *name)
{
    struct conf_row row;
    for (size_t i = 0; conf_row(t, i, &row); i++) {
        if (strcmp(row.key->name, name) == 0 && strcmp(heading_of(&row), heading) == 0)
            return true;
    }
    return false;
}

static void test_entries_are_keys(void **state)
{
    (void)state;
    static const char *const headings[] = {"GLOBAL KEYS", "PROVIDER KEYS", "PAIR KEYS",
                                           "HOST KEYS"};
    const struct conf_tables t = tables();
    for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++) {
        size_t seen = 0;
        for (const char *at = section_text(keys_page, headings[i]);
             (at = strstr(at, "\n.It Cm ")) != NULL; seen++) {
            char name[64];
            at += strlen("\n.It Cm ");
            size_t length = strcspn(at, " \n");
            assert_true(length < sizeof name);
            memcpy(name, at, length);
            name[length] = '\0';
            if (!is_key(&t, headings[i], name))
                fail_msg("%s names '%s', which is no key of that section", headings[i], name);
        }
        assert_true(seen > 0);
    }
}

static const struct verb *const verbs[] = {&verb_run, &verb_status, &verb_digest, &verb_version};

static void test_options_have_entries(void **state)
{
    (void)state;
    const struct conf_tables t = tables();
    size_t count;
    const struct conf_key *common = conf_keys("", &count);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        char heading[64];
        (void)snprintf(heading, sizeof heading, "\n.Ss %s\n", verbs[i]->name);
        if (strstr(options_page, heading) == NULL)
            fail_msg("no section of the verb %s", verbs[i]->name);
        for (size_t j = 0; j < verbs[i]->options_count; j++) {
            char item[64];
            (void)snprintf(item, sizeof item, "Fl -%s", verbs[i]->options[j].name);
            if (entry_text(options_page, item)[0] == '\0')
                fail_msg("%s --%s has no entry", verbs[i]->name, verbs[i]->options[j].name);
        }
    }
    for (size_t i = 0; i < count; i++) {
        char item[64];
        (void)snprintf(item, sizeof item, "Fl -%s", common[i].name);
        assert_true(entry_text(options_page, item)[0] != '\0');
    }
    assert_true(t.providers_count > 0);
}

static bool is_option(const struct conf_tables *t, const char *name)
{
    struct conf_row row;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        for (size_t j = 0; j < verbs[i]->options_count; j++) {
            if (strcmp(verbs[i]->options[j].name, name) == 0)
                return true;
        }
    }
    return strcmp(name, "help") == 0 || strcmp(name, "version") == 0 || conf_option(t, name, &row);
}

/* Every --option that a page speaks of anywhere. */
static void test_named_options_exist(void **state)
{
    (void)state;
    const struct conf_tables t = tables();
    const char *const pages[] = {options_page, keys_page};
    for (size_t i = 0; i < 2; i++) {
        size_t seen = 0;
        for (const char *at = pages[i]; (at = strstr(at, "Fl -")) != NULL; seen++) {
            char name[64];
            at += strlen("Fl -");
            size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz-");
            if (length == 0)
                continue;
            assert_true(length < sizeof name);
            memcpy(name, at, length);
            name[length] = '\0';
            if (!is_option(&t, name))
                fail_msg("a page names --%s, which is no option", name);
        }
        assert_true(seen > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_have_entries),
        cmocka_unit_test(test_entries_are_keys),
        cmocka_unit_test(test_options_have_entries),
        cmocka_unit_test(test_named_options_exist),
    };
    return cmocka_run_group_tests(tests, read_pages, NULL);
}
