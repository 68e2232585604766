/*
 * UCI, the second spelling of the configuration: the same structs as from daneroll.conf(5)'s form,
 * the same faults with their lines, and hostile files.
 */
#include "conf_trial.h"

#include "conf_dump.h"
#include "provider/provider.h"

#include <dirent.h>
#include <errno.h>

#define FOLDER     "tests/data/conf/"
#define DUMP_SIZE  32768
#define KINDS_MOST 8

static struct conf_provider_kind kinds[KINDS_MOST];

/* A trial with the provider types of the program in place of the made-up ones. */
static struct trial *begin(void)
{
    struct trial *t = trial_begin();
    t->tables.providers = kinds;
    t->tables.providers_count = provider_types_count;
    assert_true(provider_types_count <= KINDS_MOST);
    for (size_t i = 0; i < provider_types_count; i++)
        kinds[i] = (struct conf_provider_kind){provider_types[i]->name, provider_types[i]->keys,
                                               provider_types[i]->keys_count};
    return t;
}

static struct trial *load(const char *text)
{
    struct trial *t = begin();
    trial_file(t, text);
    return t;
}

static char *dump_of(const struct conf *conf)
{
    struct dump d = {malloc(DUMP_SIZE), DUMP_SIZE, 0};
    assert_non_null(d.text);
    dump_conf(&d, conf);
    return d.text;
}

/* Both load without a word, and to the same. */
static void expect_same(const char *name, const char *ini, const char *uci)
{
    struct trial *a = load(ini), *b = load(uci);
    if (a->rc != 0 || b->rc != 0)
        fail_msg("%s: INI says: %s\nUCI says: %s\nof\n%s", name, a->said, b->said, uci);
    char *from_ini = dump_of(&a->conf), *from_uci = dump_of(&b->conf);
    if (strcmp(from_ini, from_uci) != 0)
        fail_msg("%s: INI gives\n%s\nUCI gives\n%s", name, from_ini, from_uci);
    free(from_ini);
    free(from_uci);
    trial_end(a);
    trial_end(b);
}

static char *read_whole(const char *name, const char *ending)
{
    char path[256];
    (void)snprintf(path, sizeof path, FOLDER "%s%s", name, ending);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s: %s", path, strerror(errno));
    char *text = calloc(1, 65536);
    assert_non_null(text);
    assert_in_range(fread(text, 1, 65535, f), 1, 65534);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void test_files(void **state)
{
    (void)state;
    size_t count = 0;
    DIR *folder = opendir(FOLDER);
    assert_non_null(folder);
    for (const struct dirent *e; (e = readdir(folder)) != NULL;) {
        char name[256];
        size_t length = strlen(e->d_name);
        if (length < 5 || strcmp(e->d_name + length - 4, ".uci") != 0)
            continue;
        (void)snprintf(name, sizeof name, "%.*s", (int)length - 4, e->d_name);
        char *ini = read_whole(name, ".conf"), *uci = read_whole(name, ".uci");
        expect_same(name, ini, uci);
        free(ini);
        free(uci);
        count++;
    }
    assert_int_equal(closedir(folder), 0);
    assert_true(count >= 7);
}

static const char *sample(const struct conf_key *key)
{
    if (strcmp(key->name, "install-owner") == 0)
        return "7:8";
    if (strcmp(key->name, "install-mode") == 0)
        return "0640";
    if (strcmp(key->name, "service") == 0)
        return "imaps 8443/tls";
    switch (key->kind) {
    case CONF_PATH:
        return "/a path/file";
    case CONF_URL:
        return "https://127.0.0.1:8443/v4";
    case CONF_NAME:
        return "Mail.Example.org";
    case CONF_YES_NO:
        return key->preset != NULL && strcmp(key->preset, "yes") == 0 ? "no" : "yes";
    case CONF_WHOLE:
        return "4711";
    case CONF_DURATION:
        return "4711";
    case CONF_RECORDS:
        return "3 0 1";
    case CONF_CHOICE:
        return strcmp(key->name, "transport") == 0 ? "udp" : "time";
    default:
        return "some words";
    }
}

/* Both spellings of the line, at the ends of two texts. */
static void add_key(char *ini, char *uci, const struct conf_key *key, const char *value)
{
    char name[64];
    (void)snprintf(name, sizeof name, "%s", key->name);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '-' ? '_' : *c;
    (void)sprintf(ini + strlen(ini), "%s = %s\n", key->name, value);
    (void)sprintf(uci + strlen(uci), "\toption %s '%s'\n", name, value);
}

static void add_section(char *ini, char *uci, const char *type, const char *label)
{
    (void)sprintf(ini + strlen(ini), "[%s%s%s]\n", type, label[0] == '\0' ? "" : " ", label);
    (void)sprintf(uci + strlen(uci), "config %s '%s'\n", type, label);
}

/*
 * Each row of the tables on its own, and that it changes something: its value is not the default.
 */
static void test_every_key(void **state)
{
    (void)state;
    struct trial *tables = begin();
    struct conf_row row;
    size_t tried = 0;
    for (size_t i = 0; conf_row(&tables->tables, i, &row); i++) {
        static const char *const types[] = {"daneroll", "provider", "pair", "host"};
        const char *type = row.type == NULL ? kinds[0].name : row.type, *name = row.key->name;
        char ini[4096] = "", uci[4096] = "", plain[4096] = "", unused[4096] = "";
        bool known = strcmp(name, "type") == 0 || strcmp(name, "name") == 0 ||
                     strcmp(name, "certificate") == 0;
        bool reference = strcmp(name, "provider") == 0 || strcmp(name, "pair") == 0;
        if (row.section[0] == '\0' || known)
            continue;
        for (size_t s = 0; s < 4; s++) {
            const char *label = s == 0 ? "" : s == 1 ? "cf" : s == 2 ? "own" : "mx";
            const struct conf_key fixed[] = {
                {.name = "type"}, {.name = "certificate"}, {.name = "name"}, {.name = "pair"}};
            add_section(ini, uci, types[s], label);
            add_section(plain, unused, types[s], label);
            if (s > 0) {
                const char *value = s == 1 ? type : s == 2 ? "/c.pem" : "m.example.org";
                add_key(ini, uci, &fixed[s - 1], value);
                add_key(plain, unused, &fixed[s - 1], value);
            }
            if (s == 2 && strncmp(name, "install", 7) == 0) {
                const struct conf_key private_key = {.name = "private-key"};
                add_key(ini, uci, &private_key, "/k.pem");
                add_key(plain, unused, &private_key, "/k.pem");
            }
            if (strcmp(row.section, types[s]) == 0 && !reference) {
                add_key(ini, uci, row.key, sample(row.key));
                tried++;
            }
            if (s == 3) {
                add_key(ini, uci, &fixed[3], "own");
                add_key(plain, unused, &fixed[3], "own");
            }
        }
        expect_same(name, ini, uci);
        struct trial *with = load(uci), *without = load(plain);
        expect_good(without);
        char *a = dump_of(&with->conf), *b = dump_of(&without->conf);
        if (!reference && strcmp(name, "enabled") != 0 && strcmp(a, b) == 0)
            fail_msg("%s changes nothing:\n%s", name, a);
        free(a);
        free(b);
        trial_end(with);
        trial_end(without);
    }
    assert_true(tried > 40);
    trial_end(tables);
}

/* 9 lines. */
#define BASE                                                                                       \
    "config provider 'cf'\n"                                                                       \
    "\toption type 'cloudflare'\n"                                                                 \
    "\toption token_file '/etc/cf.token'\n"                                                        \
    "config pair 'mail'\n"                                                                         \
    "\toption certificate '/etc/m.crt'\n"                                                          \
    "\toption private_key '/etc/m.key'\n"                                                          \
    "config host 'mx'\n"                                                                           \
    "\toption name 'mail.example.org'\n"                                                           \
    "\toption pair 'mail'\n"
#define COMMAND "neither config TYPE ['NAME'] nor option NAME 'VALUE' nor list NAME 'VALUE'\n"
#define QUOTE   "a quote or a backslash without its end in this line\n"
#define NO_NAME "needs a name of at most 40 characters: config "
#define LETTERS                                                                                    \
    "a section's name has letters, digits and _ alone: a host's name goes into option name\n"
#define TEN(x) x x x x x x x x x x

static void test_booleans(void **state)
{
    (void)state;
    static const char *const words[] = {"1", "on",  "true",  "yes", "enabled",
                                        "0", "off", "false", "no",  "disabled"};
    for (size_t i = 0; i < 10; i++) {
        char text[1024];
        (void)snprintf(text, sizeof text,
                       BASE "option adopt '%s'\noption shared %s\nconfig daneroll\noption enabled "
                            "\"%s\"\noption syslog %s",
                       words[i], words[i], words[i], words[i]);
        struct trial *t = load(text);
        expect_good(t);
        assert_int_equal(t->conf.hosts[0].adopt, i < 5);
        assert_int_equal(t->conf.hosts[0].shared, i < 5);
        assert_int_equal(t->conf.syslog, i < 5);
        trial_end(t);
    }
}

/* The text is the whole of what is said. */
static const struct {
    const char *text, *said;
} faults[] = {
    /* commands */
    {BASE "optoin ttl '60'\n", "FILE:10: " COMMAND},
    {BASE "option\n", "FILE:10: " COMMAND},
    {BASE "option ttl\n", "FILE:10: " COMMAND},
    {BASE "option ttl 60 61\n", "FILE:10: " COMMAND},
    {BASE "option ttl 60 61 62 63 64 65 66\n", "FILE:10: " COMMAND},
    {BASE "list reload postfix reload\n", "FILE:10: " COMMAND},
    {BASE "config\n", "FILE:10: " COMMAND},
    {BASE "config host a b\n", "FILE:10: " COMMAND},
    {BASE "package\n", "FILE:10: " COMMAND},
    {BASE "op ttl 60\n", "FILE:10: " COMMAND},
    {BASE "options ttl 60\n", "FILE:10: " COMMAND},
    {BASE "x ttl 60\n", "FILE:10: " COMMAND},
    {BASE "'' ttl 60\n", "FILE:10: " COMMAND},
    {BASE "ttl = 60\n", "FILE:10: " COMMAND},
    {BASE "[host web]\n", "FILE:10: " COMMAND},
    {BASE "option ttl 60; x; option ttl\n", "FILE:10: " COMMAND "FILE:10: " COMMAND},
    {"\xef\xbb\xbf\n" BASE "x\n", "FILE:11: " COMMAND},
    /* quotes */
    {BASE "option ttl '60\noption adopt x\n",
     "FILE:10: " QUOTE "FILE:11: 'adopt = x': neither yes nor no\n"},
    {BASE "option ttl \"60'\n", "FILE:10: " QUOTE},
    {BASE "option ttl 60\\\n", "FILE:10: " QUOTE},
    {BASE "option ttl \"60\\\"\n", "FILE:10: " QUOTE},
    {BASE "option ttl \"60\\", "FILE:10: " QUOTE},
    {BASE "option reload 'a\nb'\n", "FILE:10: " QUOTE "FILE:11: " QUOTE},
    {BASE "option ttl '60", "FILE:10: " QUOTE},
    {BASE "# it's a comment\noption ttl x\n",
     "FILE:11: 'ttl = x': not a whole number from 1 to 2147483647\n"},
    {BASE "option ttl '#60'\n", "FILE:10: 'ttl = #60': not a whole number from 1 to 2147483647\n"},
    {BASE "option ttl 6'0 #;'\n",
     "FILE:10: 'ttl = 60 #;': not a whole number from 1 to 2147483647\n"},
    {BASE "option ttl 60\x01\n", "FILE:10: a control character\n"},
    {BASE "option ttl 60\r0\n", "FILE:10: a control character\n"},
    /* sections */
    {BASE "config hots 'x'\noption foo bar\n",
     "FILE:10: unknown section 'hots'; the nearest known is 'host'\n"},
    {BASE "config zzzzzzzz\noption foo bar\n",
     "FILE:10: unknown section 'zzzzzzzz': there are [daneroll], [provider LABEL], [pair LABEL] "
     "and [host LABEL]\n"},
    {BASE "config pair 'mail'\noption certificate /x\n",
     "FILE:10: [pair mail] is already at line 4\n"},
    {"config daneroll\nconfig daneroll 'b'\n" BASE, "FILE:2: [daneroll] is already at line 1\n"},
    {BASE "config host 'mail'\noption name b.example.org\noption pair mail\n",
     "FILE:10: [pair mail] is already at line 4, and UCI takes a name once\n"},
    {BASE "config host 'b.example.org'\noption pair mail\n", "FILE:10: " LETTERS},
    {BASE "config pair 'a-b'\noption certificate /x\nconfig host c\noption name c.example.org\n"
          "option pair 'a-b'\n",
     "FILE:10: " LETTERS},
    {BASE "config host\noption pair mail\n", "FILE:10: " NO_NAME "host 'mail'\n"},
    {BASE "config host\noption pair mail\noption name 'a123456789.b123456789.c123456789.d123456789'"
          "\n",
     "FILE:10: " NO_NAME "host 'mail'\n"},
    {BASE "config pair\noption certificate /x\n", "FILE:10: " NO_NAME "pair 'mail'\n"},
    {BASE "config pair a123456789b123456789c123456789d123456789e\noption certificate /x\n",
     "FILE:10: a label of more than 40 characters (a longer host name goes into the key 'name')\n"},
    {BASE "config host\noption name w.example.org\noption service https\noption pair mail\n"
          "config host\noption name w.example.org\noption service imaps\noption pair mail\n",
     "FILE:14: [host w.example.org] is already at line 10\n"},
    {"config provider\nconfig host\noption name a.example.org\noption certificate /x\n",
     "FILE:1: [provider ] has no 'type'\n"},
    {"option state '/x'\n" BASE, "FILE:1: 'state' comes before the first section\n"},
    {"list token-file '/x'\n" BASE, "FILE:1: 'token-file' comes before the first section\n"},
    {BASE "config pair 'other'\noption certificate /o\n",
     "FILE:10: no host refers to [pair other]\n"},
    {"config daneroll\n", "FILE: there is no [host NAME] section, so there is nothing to do\n"},
    {"package daneroll\n", "FILE: there is no [host NAME] section, so there is nothing to do\n"},
    /* keys, as the file spells them */
    {BASE "option retire_wiat 1h\n",
     "FILE:10: unknown key 'retire_wiat'; the nearest known is 'retire_wait'\n"},
    {BASE "option retire-wait 1h\n",
     "FILE:10: unknown key 'retire-wait'; the nearest known is 'retire_wait'\n"},
    {"config provider cf\noption type cloudflare\noption token-file /x\nconfig host a\n"
     "option name a.example.org\noption certificate /x\n",
     "FILE:3: unknown key 'token-file'; the nearest known is 'token_file'\n"},
    {BASE "option qqqqqqqqqq_q x\n", "FILE:10: unknown key 'qqqqqqqqqq_q'\n"},
    {BASE "option ca_file /x\n",
     "FILE:10: 'ca_file' is a key of [daneroll], not of [host LABEL]\n"},
    {BASE "option token_file /x\n",
     "FILE:10: 'token_file' is a key of providers of type cloudflare\n"},
    {"config provider cf\noption type cloudflare\noption token a\noption token_file /b\n"
     "config host a\noption name a.example.org\noption certificate /x\n",
     "FILE:4: 'token_file' and 'token' are both given: leave one of them out\n"},
    {BASE "list ttl 60\nlist ttl 60\n", "FILE:11: 'ttl' is given twice\n"},
    {BASE "list retire_wait 60\nlist retire_wait 60\n", "FILE:11: 'retire_wait' is given twice\n"},
    {BASE "option private_key /x\n", "FILE:10: 'private_key' belongs in the [pair LABEL] that this "
                                     "host names by 'pair'\n"},
    /* values */
    {BASE "option ttl ' '\n", "FILE:10: 'ttl =  ': needs a value\n"},
    {BASE "option retire_wait 1w\n",
     "FILE:10: 'retire_wait = 1w': not a duration: seconds, or a number with m, h or d\n"},
    {BASE "option service 'smtp imaqs'\n",
     "FILE:10: unknown service 'imaqs'; the nearest known is 'imaps'\n"},
    {BASE "list service smtp\nlist service 25/tls\n",
     "FILE:10: 'smtp' and '25/tls' are the same service, port 25\n"},
    {BASE "list record '3 1 1'\nlist record '1 1 1'\n",
     "FILE:10: 'record = 1 1 1': SMTP clients treat usages 0 and 1 as unusable (RFC 7672 section "
     "3.1.3): use 3 1 1\n"},
    {BASE "config daneroll\noption ca_file x.pem\n",
     "FILE:11: 'ca_file = x.pem': a path in the file must begin with /\n"},
    {BASE "config daneroll\noption enabled 2\n", "FILE:11: 'enabled = 2': neither yes nor no\n"},
    {BASE "config host c\noption name c.example.org\noption certificate /c\noption install_mode 7\n"
          "option private_key /k\n",
     "FILE:13: 'install_mode = 7': a mode such as 0600 or 0640, which lets the owner read and "
     "others neither write nor execute\n"},
    {BASE "config host c\noption name c.example.org\noption certificate /c\noption install /i\n",
     "FILE:10: 'install' needs 'private_key' beside 'certificate'\n"},
    {BASE "option provider cg\n", "FILE:10: there is no [provider cg]; the nearest is [provider "
                                  "cf]\n"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct trial *t = load(faults[i].text);
        if (strcmp(t->said, faults[i].said) != 0)
            fail_msg("number %zu: expected \"%s\", got \"%s\"", i, faults[i].said, t->said);
        trial_end(t);
    }
}

/* An option of the command line keeps its own spelling. */
static void test_options_beside(void **state)
{
    (void)state;
    struct trial *t = begin();
    trial_write(t, BASE, strlen(BASE), 0600);
    trial_option(t, "config", t->path);
    trial_option(t, "retire-wait", "1w");
    trial_variable(t, "DANEROLL_CHECK_INTERVAL=5");
    trial_load(t);
    expect_said(t, "option --retire-wait: 'retire-wait = 1w': not a duration");
    expect_said(t, "variable DANEROLL_CHECK_INTERVAL: 'check-interval = 5': out of its limits");
    assert_int_equal(t->faults, 2);
    trial_end(t);
    t = begin();
    trial_write(t, BASE, strlen(BASE), 0600);
    trial_option(t, "config", t->path);
    trial_option(t, "retire-wait", "30m");
    trial_load(t);
    expect_good(t);
    assert_int_equal(t->conf.hosts[0].waits.retire, 1800);
    expect_shown(t, "[provider cf] token-file = /etc/cf.token  (FILE:3)\n");
    expect_shown(t, "[host mx] retire-wait = 30m  (option --retire-wait)\n");
    trial_end(t);
}

/* Which of the two ways a file is written in. */
static void test_recognised(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } rows[] = {
        {"\n\r\n  # [daneroll]\n; comment\n\tconfig daneroll\n", "FILE: there is no [host NAME]"},
        {"\xef\xbb\xbf"
         "config daneroll\n",
         "FILE: there is no [host NAME]"},
        {"package x # = y\n", "FILE: there is no [host NAME]"},
        {"c daneroll", "FILE: there is no [host NAME]"},
        {"config daneroll # 'a = b: c'\noption x '", "FILE:2: " QUOTE},
        {"option x y", "FILE:1: 'x' comes before the first section\n"},
        {"[daneroll]\nconfig host\n", "FILE:2: no '=' in this line"},
        {"config = x\n[daneroll]\n", "FILE:1: 'config' comes before the first section\n"},
        {"c\t= x\n[daneroll]\n", "FILE:1: 'c' comes before the first section\n"},
        {"configs daneroll\n", "FILE:1: 'configs daneroll' comes before the first section\n"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct trial *t = load(rows[i].text);
        if (strstr(t->said, rows[i].said) != t->said)
            fail_msg("number %zu: expected \"%s\", got \"%s\"", i, rows[i].said, t->said);
        trial_end(t);
    }
}

static void test_secrets(void **state)
{
    (void)state;
    static const char good[] =
        "config provider cf\noption type cloudflare\noption token topsecret\n"
        "config host a\noption name a.example.org\noption certificate /c\n";
    /* Whatever is broken about its line, the secret is not repeated. */
    static const char *const broken[] = {
        "config provider cf\noption type 'cloudflare\n\toption token 'topsecret'\n",
        "config provider cf\noption token 'topsecret\n",
        "config provider cf\noption token topsecret\\\n",
        "config provider cf\noption token topsecret more\n",
        "config provider cf\noption type cloudflare; option token 'topsecret' x ;;\n",
        "config provider cf\ntoken topsecret\n",
        "config provider cf\noption type cloudflare\noption tokne 'topsecret'\nconfig host a\n",
        "option token topsecret\nconfig provider cf\n",
        ("config provider cf\noption type cloudflare\nlist token topsecret\nlist token topsecret\n"
         "config host a\n"),
    };
    struct trial *t = load(good);
    expect_good(t);
    const char *secret = t->conf.providers[0].values[0];
    assert_string_equal(secret, "topsecret");
    expect_shown(t, "[provider cf] token = (set)  (FILE:3)\n");
    assert_null(strstr(t->shown, "topsecret"));
    conf_wipe(&t->conf);
    assert_memory_equal(secret, "\0\0\0\0\0\0\0\0\0", 9);
    trial_end(t);
    for (mode_t mode = 0604; mode <= 0640; mode += 034) {
        t = begin();
        trial_write(t, good, strlen(good), mode);
        trial_option(t, "config", t->path);
        trial_load(t);
        assert_string_equal(t->said, "FILE:3: a file with a 'token' that others than its owner can "
                                     "read: chmod 600 it\n");
        trial_end(t);
    }
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        t = load(broken[i]);
        assert_true(t->rc < 0);
        if (strstr(t->said, "topsecret") != NULL)
            fail_msg("number %zu says %s", i, t->said);
        trial_end(t);
    }
}

static void test_long_lines(void **state)
{
    (void)state;
    for (size_t length = 1090; length < 1106; length++) {
        char text[4096];
        size_t used = (size_t)snprintf(text, sizeof text, BASE "config daneroll\n");
        size_t start = used;
        used += (size_t)snprintf(text + used, sizeof text - used, "option ca_file '/");
        while (used - start < length - 1)
            text[used++] = 'x';
        (void)snprintf(text + used, sizeof text - used, "'\noption syslog 1\n");
        struct trial *t = load(text);
        if (length <= 1097) {
            expect_good(t);
            assert_int_equal(strlen(t->conf.ca_file), length - strlen("option ca_file ''"));
            assert_true(t->conf.syslog);
        } else {
            assert_string_equal(t->said,
                                "FILE:11: a line that is too long (1097 bytes are the most)\n");
        }
        trial_end(t);
    }
}

static void test_nul(void **state)
{
    (void)state;
    static const char text[] = BASE "option ttl '6\0000'\noption adopt yes\n# \0";
    struct trial *t = begin();
    trial_write(t, text, sizeof text - 1, 0600);
    trial_option(t, "config", t->path);
    trial_load(t);
    assert_string_equal(t->said, "FILE:10: a NUL byte: this is no text file\n"
                                 "FILE:12: a NUL byte: this is no text file\n");
    trial_end(t);
}

static void test_many(void **state)
{
    (void)state;
    char *text = calloc(1, 262144);
    assert_non_null(text);
    size_t used = (size_t)sprintf(text, "%s", BASE);
    for (int i = 0; i < 2100; i++)
        used += (size_t)sprintf(text + used,
                                "config host h%d\noption name h%d.example.org\n"
                                "option pair mail\n",
                                i, i);
    struct trial *t = load(text);
    expect_said(t, "FILE: more than 2048 sections\n");
    trial_end(t);
    used = (size_t)sprintf(text, "%s", BASE);
    for (int i = 0; i < 600; i++)
        used += (size_t)sprintf(text + used, "option ttl %d\n", i + 1);
    t = load(text);
    assert_string_equal(t->said, "FILE:7: more than 512 lines in one section\n");
    trial_end(t);
    used = (size_t)sprintf(text, "%s", BASE);
    for (int i = 0; i < 65; i++)
        used += (size_t)sprintf(text + used, "list service %d/tls\n", i + 1000);
    t = load(text);
    assert_string_equal(t->said, "FILE:74: 'service = 1064/tls': a list of more than 64\n");
    trial_end(t);
    /* Words and commands without end, in lines that are short enough. */
    used = (size_t)sprintf(text, "%s", BASE);
    for (int i = 0; i < 100; i++)
        used += (size_t)sprintf(text + used, "o " TEN(TEN("x ")) TEN(TEN(";")) TEN(TEN("''")) "\n");
    t = load(text);
    assert_int_equal(t->faults, 200);
    trial_end(t);
    free(text);
}

/* A file cut anywhere is good or has a fault: never a crash (the sanitizers look on). */
static void test_cut(void **state)
{
    (void)state;
    char *whole = read_whole("quotes", ".uci");
    size_t length = strlen(whole);
    for (size_t i = 0; i < length; i++) {
        struct trial *t = begin();
        trial_write(t, whole, i, 0600);
        trial_option(t, "config", t->path);
        trial_load(t);
        trial_end(t);
    }
    free(whole);
}

static void test_small_arena(void **state)
{
    (void)state;
    /* Whatever does not fit: said once or more, never a crash, never a success. */
    for (size_t limit = 0; limit < 7000; limit += 16) {
        struct trial *t = begin();
        t->arena = arena_make(limit);
        trial_file(t, "config daneroll\noption ca_file /x\noption ca_file /y\n" BASE
                      "list service 'smtp 8443/tls'\nconfig host\noption name b.example.org\n"
                      "option certificate /x\noption reload a\n");
        if (t->rc == 0) {
            assert_int_equal(t->conf.hosts_count, 2);
            assert_string_equal(t->conf.hosts[1].label, "b.example.org");
            assert_string_equal(t->conf.ca_file, "/y");
        } else {
            expect_said(t, "memory");
        }
        trial_end(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_booleans),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_options_beside),
        cmocka_unit_test(test_recognised),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_nul),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_small_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
