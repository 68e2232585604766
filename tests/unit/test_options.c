/* Options, variables and the file together: who beats whom, and what belongs where. */
#include "conf_trial.h"

#include "base/buf.h"
#include "cmd/cmd.h"
#include "conf/read.h"

#define BASE                                                                                       \
    "[daneroll]\n"                                                                                 \
    "retire-wait = 10m\n"                                                                          \
    "[provider cf]\n"                                                                              \
    "type = cloudflare\n"                                                                          \
    "token = fromfile\n"                                                                           \
    "[host m.example.org]\n"                                                                       \
    "certificate = /m.crt\n"

/* The options that --host needs. */
static void give_host(struct trial *t)
{
    trial_option(t, "host", "Mail.Example.ORG.");
    trial_option(t, "provider", "cloudflare");
    trial_option(t, "certificate", "m.crt");
}

static void test_alone(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    give_host(t);
    trial_option(t, "private-key", "m.key");
    trial_option(t, "service", "smtp submission");
    trial_option(t, "service", "443/tls");
    trial_option(t, "reload", "postfix reload");
    trial_option(t, "reload", "nginx -s reload");
    trial_option(t, "adopt", NULL);
    trial_option(t, "syslog", NULL);
    trial_option(t, "ttl", "2");
    trial_option(t, "retire-wait", "2");
    trial_option(t, "record", "3 1 1");
    trial_option(t, "record", "3 0 1");
    trial_option(t, "endpoint", "https://127.0.0.1:8443/client/v4");
    trial_variable(t, "DANEROLL_TOKEN=topsecret");
    trial_variable(t, "PATH=/bin");
    trial_load(t);
    expect_good(t);
    const struct conf *c = &t->conf;
    assert_null(c->path);
    assert_int_equal(c->hosts_count, 1);
    assert_int_equal(c->pairs_count, 1);
    assert_int_equal(c->providers_count, 1);
    assert_string_equal(c->hosts[0].name, "mail.example.org");
    assert_string_equal(c->providers[0].label, "cloudflare");
    assert_string_equal(c->providers[0].kind->name, "cloudflare");
    assert_string_equal(c->providers[0].values[0], "topsecret");
    assert_string_equal(c->providers[0].values[3], "https://127.0.0.1:8443/client/v4");
    assert_string_equal(c->providers[0].where, "the options");
    assert_string_equal(c->pairs[0].certificate, "m.crt");
    assert_string_equal(c->pairs[0].private_key, "m.key");
    assert_int_equal(c->pairs[0].reload.count, 2);
    assert_string_equal(c->pairs[0].reload.items[0], "postfix reload");
    assert_int_equal(c->hosts[0].services_count, 3);
    assert_int_equal(c->hosts[0].services[2].port, 443);
    assert_int_equal(c->hosts[0].records_count, 2);
    assert_true(c->hosts[0].adopt);
    assert_true(c->syslog);
    assert_int_equal(c->hosts[0].ttl, 2);
    assert_int_equal(c->hosts[0].waits.retire, 2);
    expect_shown(t, "[provider cloudflare] token = (set)  (variable DANEROLL_TOKEN)\n");
    expect_shown(t, "[provider cloudflare] type = cloudflare  (option --provider)\n");
    expect_shown(t, "[host Mail.Example.ORG.] adopt = yes  (option --adopt)\n");
    expect_shown(t, "[host Mail.Example.ORG.] retire-wait = 2  (option --retire-wait)\n");
    assert_null(strstr(t->shown, "topsecret"));
    /* The secret is wiped where it stood, in the environment. */
    conf_wipe(&t->conf);
    assert_string_equal(t->environment[0], "DANEROLL_TOKEN=");
    trial_end(t);
}

static void test_alone_by_variables(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_variable(t, "DANEROLL_HOST=mail.example.org");
    trial_variable(t, "DANEROLL_PROVIDER=cloudflare");
    trial_variable(t, "DANEROLL_CERTIFICATE=/m.crt");
    trial_variable(t, "DANEROLL_TOKEN_FILE=/token");
    trial_variable(t, "DANEROLL_SERVICE=smtp imaps");
    trial_variable(t, "DANEROLL_WAIT_MARGIN=0");
    trial_variable(t, "DANEROLL_SYSLOG=yes");
    trial_variable(t, "DANEROLL_RELOAD=");
    trial_variable(t, "DANEROLL_TOKEN=");
    trial_load(t);
    expect_good(t);
    assert_string_equal(t->conf.hosts[0].name, "mail.example.org");
    assert_string_equal(t->conf.providers[0].values[1], "/token");
    assert_null(t->conf.providers[0].values[0]);
    assert_int_equal(t->conf.hosts[0].services_count, 2);
    assert_int_equal(t->conf.hosts[0].waits.margin, 0);
    assert_int_equal(t->conf.pairs[0].reload.count, 0);
    assert_true(t->conf.syslog);
    expect_shown(t, "[provider cloudflare] type = cloudflare  (variable DANEROLL_PROVIDER)\n");
    trial_end(t);
}

static void test_precedence(void **state)
{
    (void)state;
    /* The file beats the default, a variable the file, an option the variable. */
    static const struct {
        const char *option, *variable;
        unsigned seconds;
        const char *from;
    } cases[] = {
        {NULL, NULL, 600, "(FILE:2)"},
        {NULL, "DANEROLL_RETIRE_WAIT=20m", 1200, "(variable DANEROLL_RETIRE_WAIT)"},
        {"30m", NULL, 1800, "(option --retire-wait)"},
        {"30m", "DANEROLL_RETIRE_WAIT=20m", 1800, "(option --retire-wait)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct trial *t = trial_begin();
        char line[128];
        if (cases[i].option != NULL)
            trial_option(t, "retire-wait", cases[i].option);
        if (cases[i].variable != NULL)
            trial_variable(t, cases[i].variable);
        trial_file(t, BASE);
        expect_good(t);
        assert_int_equal(t->conf.hosts[0].waits.retire, cases[i].seconds);
        (void)snprintf(line, sizeof line, "retire-wait = %um  %s\n", cases[i].seconds / 60,
                       cases[i].from);
        expect_shown(t, line);
        trial_end(t);
    }
}

static void test_list_precedence(void **state)
{
    (void)state;
    /* An option's list takes the place of the variable's, it is not added to it. */
    struct trial *t = trial_begin();
    give_host(t);
    trial_option(t, "service", "imaps");
    trial_option(t, "service", "https");
    trial_variable(t, "DANEROLL_SERVICE=smtp submission");
    trial_load(t);
    expect_good(t);
    assert_int_equal(t->conf.hosts[0].services_count, 2);
    assert_string_equal(t->conf.hosts[0].services[0].name, "imaps");
    trial_end(t);
}

static void test_host_keeps_its_wait(void **state)
{
    (void)state;
    /* An option says the default of all hosts; what a host says itself stays. */
    struct trial *t = trial_begin();
    trial_option(t, "retire-wait", "30m");
    trial_option(t, "wait-floor", "1");
    trial_file(t, BASE "retire-wait = 5m\n");
    expect_good(t);
    assert_int_equal(t->conf.hosts[0].waits.retire, 300);
    assert_int_equal(t->conf.hosts[0].waits.floor, 1);
    trial_end(t);
}

static void test_config_variable(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    char text[160];
    trial_write(t, BASE, strlen(BASE), 0600);
    (void)snprintf(text, sizeof text, "DANEROLL_CONFIG=%s", t->path);
    trial_variable(t, text);
    trial_load(t);
    expect_good(t);
    assert_string_equal(t->conf.path, t->path);
    trial_end(t);
}

/* A secret and its file are one thing said in two ways. */
static void test_secret_precedence(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_variable(t, "DANEROLL_TOKEN_FILE=/other");
    trial_file(t, BASE);
    expect_good(t);
    assert_null(t->conf.providers[0].values[0]);
    assert_string_equal(t->conf.providers[0].values[1], "/other");
    assert_null(strstr(t->shown, "] token ="));
    trial_end(t);

    t = trial_begin();
    trial_variable(t, "DANEROLL_TOKEN=fromenv");
    trial_file(t, BASE);
    expect_good(t);
    assert_string_equal(t->conf.providers[0].values[0], "fromenv");
    trial_end(t);

    t = trial_begin();
    give_host(t);
    trial_option(t, "token-file", "/file");
    trial_variable(t, "DANEROLL_TOKEN=fromenv");
    trial_load(t);
    expect_good(t);
    assert_null(t->conf.providers[0].values[0]);
    assert_string_equal(t->conf.providers[0].values[1], "/file");
    trial_end(t);

    t = trial_begin();
    give_host(t);
    trial_variable(t, "DANEROLL_TOKEN=fromenv");
    trial_variable(t, "DANEROLL_TOKEN_FILE=/file");
    trial_load(t);
    assert_string_equal(t->said, "variable DANEROLL_TOKEN_FILE: 'token-file' and 'token' are both "
                                 "given: leave one of them out\n");
    trial_end(t);
}

/* What stands beside BASE or, ALONE, beside give_host; and the whole of what is said. */
static const struct {
    bool alone;
    const char *option, *value, *variable, *said;
} faults[] = {
    {false, "service", "smtp", NULL,
     "option --service: needs --host NAME; beside a configuration file it belongs in its [host "
     "LABEL]\n"},
    {false, "provider", "cloudflare", NULL,
     "option --provider: needs --host NAME; beside a configuration file it belongs in its [host "
     "LABEL]\n"},
    {false, "certificate", "/x", NULL,
     "option --certificate: needs --host NAME; beside a configuration file it belongs in its "
     "[pair LABEL]\n"},
    {false, "token-file", "/x", NULL,
     "option --token-file: needs --host NAME; beside a configuration file it belongs in its "
     "[provider LABEL]\n"},
    {false, NULL, NULL, "DANEROLL_RELOAD=x",
     "variable DANEROLL_RELOAD: needs --host NAME; beside a configuration file it belongs in its "
     "[pair LABEL]\n"},
    {false, "token", "verysecret", NULL,
     "option --token: a secret is never an option: it would show in the list of processes: use the "
     "variable, a file of its own, or the configuration file\n"},
    {true, "token", "verysecret", NULL,
     "option --token: a secret is never an option: it would show in the list of processes: use the "
     "variable, a file of its own, or the configuration file\n"},
    {true, "install", "/x", NULL,
     "the options: 'install' needs 'private-key' beside 'certificate'\n"},
    {true, NULL, NULL, "DANEROLL_TOKNE=x",
     "variable DANEROLL_TOKNE: unknown; the nearest known is DANEROLL_TOKEN\n"},
    {true, NULL, NULL, "DANEROLL_QWERTZUIOP=x", "variable DANEROLL_QWERTZUIOP: unknown\n"},
    {true, NULL, NULL, "DANEROLL_=x", "variable DANEROLL_: unknown\n"},
    {true, NULL, NULL, "DANEROLL_token_file=x",
     "variable DANEROLL_token_file: unknown; the nearest known is DANEROLL_TOKEN_FILE\n"},
    {true, NULL, NULL, "DANEROLL_NAME=x.example.org", "variable DANEROLL_NAME: unknown\n"},
    {true, NULL, NULL, "DANEROLL_CONFIG=/x",
     "option --host: with it no file is read, but DANEROLL_CONFIG names one: leave one of them "
     "out\n"},
    {true, "config", "/x", NULL,
     "option --host: with it no file is read, but --config names one: leave one of them out\n"},
    {false, NULL, NULL, "DANEROLL_HOST=m.example.org",
     "variable DANEROLL_HOST: with it no file is read, but --config names one: leave one of them "
     "out\n"},
    {true, "host", "b.example.org", NULL, "option --host: given twice\n"},
    {true, "provider", "cloudflare", NULL, "option --provider: 'type' is given twice\n"},
    {true, "ttl", "x", NULL, "option --ttl: 'ttl = x': not a whole number from 1 to 2147483647\n"},
    {true, "reload", "a\nb", NULL,
     "option --reload: 'reload = a?b': a control character, or a line break, in the value\n"},
    {true, NULL, NULL, "DANEROLL_ENDPOINT=http://x",
     "variable DANEROLL_ENDPOINT: 'endpoint = http://x': not a URL that begins with https://\n"},
    {true, NULL, NULL, "DANEROLL_TOKEN=a\nb",
     "variable DANEROLL_TOKEN: 'token': a control character, or a line break, in the value\n"},
    {true, "ttl", "", NULL, "option --ttl: 'ttl': needs a value\n"},
    {true, "certificate", "two.crt", NULL, "option --certificate: 'certificate' is given twice\n"},
};

static void test_faults(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct trial *t = trial_begin();
        if (faults[i].alone)
            give_host(t);
        if (faults[i].option != NULL)
            trial_option(t, faults[i].option, faults[i].value);
        if (faults[i].variable != NULL)
            trial_variable(t, faults[i].variable);
        if (faults[i].alone)
            trial_load(t);
        else
            trial_file(t, BASE);
        if (strcmp(t->said, faults[i].said) != 0)
            fail_msg("number %zu: expected \"%s\", got \"%s\"", i, faults[i].said, t->said);
        trial_end(t);
    }
}

static void test_lacking(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_option(t, "host", "m.example.org");
    trial_option(t, "certificate", "/x");
    trial_load(t);
    assert_string_equal(t->said, "option --host: needs --provider TYPE beside it\n");
    trial_end(t);
    t = trial_begin();
    trial_option(t, "host", "localhost");
    trial_option(t, "provider", "cloudflair");
    trial_load(t);
    assert_int_equal(t->faults, 3);
    expect_said(t, "option --provider: unknown provider type 'cloudflair'; the nearest known is "
                   "'cloudflare'\n");
    expect_said(t, "the options: --host localhost: not a full DNS name");
    expect_said(t, "the options: --certificate FILE is missing\n");
    trial_end(t);
}

/* Variables of a provider's keys beside a file with several providers, and with none. */
static void test_provider_variables(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_variable(t, "DANEROLL_TOKEN=x");
    trial_file(t, BASE "provider = cf\n[provider b]\ntype = otherdns\n[host b.example.org]\n"
                       "certificate = /x\nprovider = b\n");
    assert_string_equal(t->said, "variable DANEROLL_TOKEN: there are several [provider LABEL] "
                                 "sections: it belongs in them\n");
    trial_end(t);
    t = trial_begin();
    trial_variable(t, "DANEROLL_TOKEN=x");
    trial_file(t, "[host b.example.org]\ncertificate = /x\n");
    expect_said(t, "variable DANEROLL_TOKEN: there is no [provider LABEL] section that it could "
                   "belong to\n");
    trial_end(t);
    /* A key of another type. */
    t = trial_begin();
    trial_variable(t, "DANEROLL_ACCOUNT=x");
    trial_file(t, BASE);
    assert_string_equal(t->said,
                        "variable DANEROLL_ACCOUNT: 'account' is a key of providers of type "
                        "otherdns\n");
    trial_end(t);
}

/* Options that are a verb's own are none of conf's business. */
static void test_verbs_own(void **state)
{
    (void)state;
    struct trial *t = trial_begin();
    trial_option(t, "wait", NULL);
    trial_option(t, "dry-run", NULL);
    trial_file(t, BASE);
    expect_good(t);
    trial_end(t);
}

static void test_rows(void **state)
{
    (void)state;
    const struct conf_tables tables = trial_tables();
    struct conf_row row, found;
    size_t count = 0, options = 0;
    for (; conf_row(&tables, count, &row); count++) {
        char variable[CONF_VARIABLE_SIZE];
        assert_non_null(row.key->name);
        assert_non_null(row.key->help);
        assert_true(strlen(row.key->name) < 30);
        conf_variable(row.key->name, variable);
        assert_true(strlen(variable) == strlen("DANEROLL_") + strlen(row.key->name));
        /* Half a line of help: it stands from column 28 on, with its default behind it. */
        assert_true(strlen(row.key->help) < 80);
        assert_int_equal(row.key->kind == CONF_CHOICE, row.key->choices != NULL);
        if (row.key->kind == CONF_WHOLE || row.key->kind == CONF_DURATION)
            assert_true(row.key->least < row.key->most);
        if (row.key->kind == CONF_YES_NO && !row.key->file_only)
            assert_true(row.key->needs_no_value);
        if (!row.key->file_only) {
            options++;
            /* No two options of one name. */
            assert_true(conf_option(&tables, row.key->name, &found));
            assert_ptr_equal(found.key, row.key);
        }
        /* Every default is good. */
        if (row.key->preset != NULL) {
            char reason[256];
            struct buf why = BUF_OVER(reason);
            struct arena arena = arena_make(4096);
            struct conf_value value = {.text = NULL};
            assert_int_equal(conf_read(row.key, row.key->preset, &arena, &value, &why), 0);
            arena_release(&arena);
        }
    }
    assert_int_equal(count, 2 + 12 + 1 + 12 + 16 + 4 + 1);
    assert_int_equal(options, count - 1 - 1 - 2 - 5);
    assert_false(conf_option(&tables, "type", &found));
    assert_false(conf_option(&tables, "name", &found));
    assert_false(conf_option(&tables, "", &found));
    size_t none = 1;
    assert_null(conf_keys("nothing", &none));
    assert_int_equal(none, 0);
}

static void test_call(void **state)
{
    (void)state;
    struct call call = {.verb = NULL};
    call.given.items[0].name = "wait";
    call.given.items[1].name = "ttl";
    call.given.items[1].value = "5";
    call.given.items[2].name = "ttl";
    call.given.items[2].value = "6";
    call.given.items[3].name = "quiet";
    call.given.items[3].value = "yes";
    call.given.items[4].name = "quiet";
    call.given.items[4].value = "no";
    call.given.count = 5;
    assert_string_equal(call_option(&call, "wait"), "yes");
    assert_string_equal(call_option(&call, "ttl"), "6");
    assert_null(call_option(&call, "verbose"));
    assert_true(call_flag(&call, "wait"));
    assert_false(call_flag(&call, "quiet"));
    assert_false(call_flag(&call, "verbose"));
}

/* The reader by itself, where the file cannot bring such text. */
static void test_read(void **state)
{
    (void)state;
    static const struct {
        enum conf_kind kind;
        const char *text;
        bool good;
    } cases[] = {
        {CONF_TEXT, "x", true},
        {CONF_TEXT, "", false},
        {CONF_TEXT, " \t", false},
        {CONF_TEXT, NULL, false},
        {CONF_TEXT, "a\x7f", false},
        {CONF_PATH, "/\xc3\xa4", true},
        {CONF_URL, "https://a", true},
        {CONF_URL, "https://", false},
        {CONF_URL, "https:///x", false},
        {CONF_URL, "https://:1", false},
        {CONF_URL, "HTTPS://a", false},
        {CONF_URL, "https://u@a", false},
        {CONF_URL, "https://a/b?c", false},
        {CONF_URL, "https://a/b#c", false},
        {CONF_URL, "https://a/ b", false},
        {CONF_URL, "https://a/\xc3", false},
        {CONF_URL, "https://[::1]:8443/v4", true},
        {CONF_NAME, "a.b", true},
        {CONF_NAME, "a..b", false},
        {CONF_NAME, "a_b.c", false},
        {CONF_YES_NO, "yes", true},
        {CONF_YES_NO, "no", true},
        {CONF_YES_NO, "YES", false},
        {CONF_YES_NO, "1", true},
        {CONF_YES_NO, "disabled", true},
        {CONF_YES_NO, "yes 1", false},
        {CONF_YES_NO, "2", false},
        {CONF_YES_NO, "o", false},
        {CONF_WHOLE, "0", false},
        {CONF_WHOLE, "1", true},
        {CONF_WHOLE, "100", true},
        {CONF_WHOLE, "101", false},
        {CONF_WHOLE, "0000000001", true},
        {CONF_WHOLE, "00000000001", false},
        {CONF_WHOLE, "1 ", false},
        {CONF_WHOLE, "+1", false},
        {CONF_DURATION, "1m", true},
        {CONF_DURATION, "2m", false},
        {CONF_DURATION, "m", false},
        {CONF_DURATION, "1s", false},
        {CONF_CHOICE, "all", true},
        {CONF_CHOICE, "time", true},
        {CONF_CHOICE, "all resolver", false},
        {CONF_CHOICE, "al", false},
        {CONF_CHOICE, "allo", false},
        {CONF_RECORDS, "3 1 1", true},
        {CONF_RECORDS, "3\t1  1", true},
        {CONF_RECORDS, "3 1 ", false},
        {CONF_RECORDS, "-3 1 1", false},
        {CONF_RECORDS, "3 1 256", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct conf_key key = {.name = "x",
                               .kind = cases[i].kind,
                               .least = 1,
                               .most = 100,
                               .choices = "all resolver time"};
        char reason[256];
        struct buf why = BUF_OVER(reason);
        struct arena arena = arena_make(4096);
        struct conf_value value = {.text = NULL};
        int rc = conf_read(&key, cases[i].text, &arena, &value, &why);
        if ((rc == 0) != cases[i].good || (rc == 0) != (why.used == 0))
            fail_msg("number %zu: %d, \"%s\"", i, rc, reason);
        arena_release(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_alone_by_variables),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_list_precedence),
        cmocka_unit_test(test_host_keeps_its_wait),
        cmocka_unit_test(test_config_variable),
        cmocka_unit_test(test_secret_precedence),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_lacking),
        cmocka_unit_test(test_provider_variables),
        cmocka_unit_test(test_verbs_own),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_call),
        cmocka_unit_test(test_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
