/*
 * The engine against the files of tests/replay: scenarios with canned answers and time that passes.
 * What it does in each run is compared exactly: an action, warning or error that the file does not
 * expect is a failure.
 */
#include "replay_script.h"

#include <glob.h>

/* --- a run ----------------------------------------------------------------------------------- */

static int exit_of(const struct outcome *outcome)
{
    if (outcome->failed)
        return 1;
    if (outcome->usage)
        return 2;
    return outcome->later ? 75 : 0;
}

/* RUN [--wait] [--no-renew] [--now] [--retry] [HOST...] */
static void run(struct replay *r, const char *at)
{
    const struct world world = {&replay_network, r, &replay_local, r};
    struct roll_options options = {.wait = script_accept(&at, "--wait")};
    struct arena arena = arena_make(REPLAY_MEMORY);
    char words[4][SCRIPT_WORD];
    const char *hosts[4];
    options.no_renew = script_accept(&at, "--no-renew");
    options.now = script_accept(&at, "--now");
    options.retry = script_accept(&at, "--retry");
    options.hosts = hosts;
    while (options.hosts_count < 4 && *script_word(&at, words[options.hosts_count]) != '\0') {
        hosts[options.hosts_count] = words[options.hosts_count];
        options.hosts_count++;
    }
    if (r->conf == NULL || roll_unknown_host(&options, r->conf) != NULL)
        replay_fail(r, "no such host, or no CONFIG", "");
    r->ran = true;
    r->run_line = r->line;
    r->waits = options.wait;
    r->network_calls = r->saves = r->looks = r->sleeps = 0;
    r->actions_count = r->actions_expected = r->messages_count = 0;
    r->exit_expected = 0;
    r->state_aside = false;
    r->outcome = roll_run(r->conf, &world, &options, &arena);
    arena_release(&arena);
}

/* --- what is expected of it ------------------------------------------------------------------ */

static void expect_message(struct replay *r, const char *text, bool told)
{
    for (size_t i = 0; i < r->messages_count; i++) {
        struct replay_message *m = &r->messages[i];
        bool warns = m->level == LOG_LEVEL_ERROR || m->level == LOG_LEVEL_WARNING;
        if (m->expected || warns == told || strstr(m->text, text) == NULL)
            continue;
        m->expected = true;
        return;
    }
    replay_fail(r, "it was not said", text);
}

static void expect_action(struct replay *r, const char *at)
{
    char text[sizeof r->actions[0].text], owner[SCRIPT_WORD], name[TLSA_TEXT_SIZE];
    const char *whole = at;
    const struct replay_action *action = &r->actions[r->actions_expected];
    int64_t ttl = -1;
    if (r->actions_expected == r->actions_count)
        replay_fail(r, "it was not done", whole);
    REPLAY_COPY(text, at);
    bool adds = script_accept(&at, "ADD"), removes = script_accept(&at, "REMOVE");
    if (adds || removes) {
        (void)script_word(&at, owner);
        struct tlsa record = script_record(r, &at);
        replay_print_record(r, &record, name, sizeof name);
        (void)snprintf(text, sizeof text, "%s %s %s", adds ? "ADD" : "REMOVE", owner, name);
        if (script_accept(&at, "ttl"))
            ttl = script_duration(r, &at);
    } else if (strncmp(at, "NOTIFY", 6) == 0) {
        text[strcspn(text, ":")] = '\0';
        const char *words = strstr(at, ": ");
        if (words != NULL && strstr(action->words, words + 2) == NULL)
            replay_fail(r, "it was not notified", words + 2);
    }
    if (strcmp(text, action->text) != 0 || (ttl >= 0 && ttl != (int64_t)action->ttl))
        replay_fail(r, "it was not done next", whole);
    r->actions_expected++;
}

/* EXPECT NEXT DURATION|now: when the next call has to look, by the word left in RAM. */
static void expect_next(struct replay *r, const char *at)
{
    char text[sizeof r->look + 1], boot[64], found[64];
    long long due = -1;
    int64_t expected = script_accept(&at, "now") ? 0 : script_duration(r, &at);
    if (r->look_length > 0) {
        memcpy(text, r->look, (size_t)r->look_length);
        text[r->look_length] = '\0';
        (void)sscanf(text, "1 %63s %lld", boot, &due);
    }
    /* 0 is over at any time. */
    due -= due == 0 ? 0 : (long long)r->now.boottime;
    (void)snprintf(found, sizeof found, "in %lld s", due);
    if (due != expected)
        replay_fail(r, "the next look is", found);
}

static void expect_records(struct replay *r, const char *at)
{
    static struct replay_rrset expected;
    char owner[SCRIPT_WORD];
    const struct replay_rrset *set = replay_set(&r->provider, script_word(&at, owner));
    memset(&expected, 0, sizeof expected);
    script_records(r, &at, &expected);
    for (size_t i = 0; i < set->count; i++) {
        char text[TLSA_TEXT_SIZE];
        replay_print_record(r, &set->records[i].tlsa, text, sizeof text);
        if (!replay_set_remove(&expected, &set->records[i].tlsa))
            replay_fail(r, "a record is there", text);
    }
    if (expected.count > 0)
        replay_fail(r, "a record is missing at", owner);
}

static void expect_idle(struct replay *r)
{
    if (r->network_calls + r->saves + r->looks > 0)
        replay_fail(r, "the call did more than look at the clock and files", "");
    for (size_t i = 0; i < r->messages_count; i++) {
        if (r->messages[i].level != LOG_LEVEL_DETAIL)
            replay_fail(r, "an idle call spoke", r->messages[i].text);
    }
}

static void expect(struct replay *r, const char *at)
{
    if (!r->ran)
        replay_fail(r, "nothing was run", "");
    if (script_accept(&at, "NOTHING")) {
        if (r->actions_count > 0)
            replay_fail(r, "something was done", "");
    } else if (script_accept(&at, "IDLE")) {
        expect_idle(r);
    } else if (script_accept(&at, "COUNT")) {
        r->actions_expected += (size_t)script_duration(r, &at);
        if (r->actions_expected > r->actions_count)
            replay_fail(r, "not so much was done", "");
    } else if (script_accept(&at, "UNWRITTEN")) {
        if (r->saves > 0)
            replay_fail(r, "the state was written", "");
    } else if (script_accept(&at, "ASIDE")) {
        if (!r->state_aside)
            replay_fail(r, "the state was not set aside", "");
    } else if (script_accept(&at, "EXIT")) {
        r->exit_expected = atoi(at);
    } else if (script_accept(&at, "SAY")) {
        expect_message(r, at, false);
    } else if (script_accept(&at, "TELL")) {
        expect_message(r, at, true);
    } else if (script_accept(&at, "NEXT")) {
        expect_next(r, at);
    } else if (script_accept(&at, "RECORDS")) {
        expect_records(r, at);
    } else {
        expect_action(r, at);
    }
}

/* After the last EXPECT of a run: nothing else was done or complained of. */
static void settle(struct replay *r)
{
    if (!r->ran)
        return;
    if (r->actions_expected < r->actions_count)
        replay_fail(r, "it was not expected", r->actions[r->actions_expected].text);
    for (size_t i = 0; i < r->messages_count; i++) {
        const struct replay_message *m = &r->messages[i];
        /* Quiet when nothing changes. */
        bool counts = m->level == LOG_LEVEL_ERROR || m->level == LOG_LEVEL_WARNING ||
                      (m->level == LOG_LEVEL_NOTICE && !r->outcome.changed && !r->waits);
        if (counts && !m->expected)
            replay_fail(r, "it was not to be said", m->text);
    }
    if (exit_of(&r->outcome) != r->exit_expected)
        replay_fail(r, "the exit code is another", "");
    r->ran = false;
}

/* --- a file ---------------------------------------------------------------------------------- */

static void conf_statement(struct replay *r, const char *at)
{
    (void)at;
    script_conf(r);
}

static void later(struct replay *r, const char *at)
{
    r->pending_at = r->now.boottime + script_duration(r, &at);
    REPLAY_COPY(r->pending, at + strspn(at, " "));
}

static const struct {
    const char *keyword;
    void (*act)(struct replay *r, const char *at);
} statements[] = {
    {"CONFIG", conf_statement},
    {"FILES", script_files},
    {"INSTALLED", script_installed},
    {"PREVIOUS", script_previous},
    {"NEXT-KEY", script_next_key},
    {"SERVE", script_serve},
    {"RECORDS", script_set},
    {"SOMEBODY", script_somebody},
    {"NAMESERVERS", script_nameservers},
    {"SERVER", script_server},
    {"ZONE", script_zone},
    {"ALIAS", script_alias},
    {"WILDCARD", script_wildcard},
    {"MX", script_mx},
    {"SIGNATURES END IN", script_signatures},
    {"SIGNED TTL", script_signed_ttl},
    {"SETTLE", script_settle},
    {"BLIND", script_blind},
    {"MISHAP", script_mishap},
    {"COMMAND", script_command},
    {"CLOCK", script_clock},
    {"REBOOT", script_reboot},
    {"TIME PASSES", script_time},
    {"LATER", later},
    {"STATE", script_state},
    {"RUN", run},
    {"EXPECT", expect},
};

static void statement(struct replay *r, const char *line)
{
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        const char *at = line;
        if (!script_accept(&at, statements[i].keyword))
            continue;
        if (statements[i].act != expect && line != r->pending)
            settle(r);
        statements[i].act(r, at);
        return;
    }
    replay_fail(r, "no such statement", line);
}

static void init(struct replay *r, const char *path)
{
    memset(r, 0, sizeof *r);
    r->path = path;
    r->happen = statement;
    r->zone = WORLD_ZONE_SIGNED;
    r->signature_life = 14 * DAY;
    r->now = (struct moment){"00000000-0000-4000-8000-000000000000", 100000, TIME_RELEASE + 1000000,
                             true};
    r->state_length = WORLD_STATE_ABSENT;
    r->look_length = -1;
    script_nameservers(r, "ns1/192.0.2.53 ns2/192.0.2.54");
}

static void replay_test(void **state)
{
    static struct replay r;
    char line[1024];
    unsigned runs = 0;
    init(&r, *state);
    r.file = fopen(r.path, "r");
    assert_non_null(r.file);
    while (script_line(&r, line)) {
        if (line[0] == '\0' || line[0] == '#')
            continue;
        runs += strncmp(line, "RUN", 3) == 0 ? 1 : 0;
        statement(&r, line);
    }
    settle(&r);
    (void)fclose(r.file);
    for (size_t i = 0; i < r.confs_count; i++)
        arena_release(&r.conf_arenas[i]);
    /* A scenario without a run proves nothing. */
    assert_true(runs > 0);
}

int main(int count, char **names)
{
    glob_t found = {.gl_pathc = 0};
    struct CMUnitTest *tests;
    /* A file of one's own may be named, to try it alone. */
    if (count < 2 && glob("tests/replay/*.txt", 0, NULL, &found) != 0)
        return 1;
    size_t tests_count = count < 2 ? found.gl_pathc : (size_t)count - 1;
    tests = calloc(tests_count, sizeof *tests);
    if (tests == NULL)
        return 1;
    for (size_t i = 0; i < tests_count; i++) {
        char *path = count < 2 ? found.gl_pathv[i] : names[i + 1];
        const char *slash = strrchr(path, '/');
        tests[i] =
            (struct CMUnitTest){slash == NULL ? path : slash + 1, replay_test, NULL, NULL, path};
    }
    int rc = _cmocka_run_group_tests("tests", tests, tests_count, NULL, NULL);
    free(tests);
    globfree(&found);
    return rc;
}
