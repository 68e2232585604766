/*
 * What `daneroll status` tells, against the files of tests/status: scenarios in the language of
 * tests/replay, in which
 *
 *     STATUS NAME [--offline] [HOST...]
 *     EXPECT EXIT CODE
 *
 * looks and compares with NAME.text and NAME.json beside it (the JSON as the pull parser reads it,
 * a token a line). A look must change nothing. With DANEROLL_TEST_WRITE=1 the files are written
 * instead; read the difference then.
 */
#include "replay_script.h"

#include "cmd/cmd.h"
#include "cmd/engine.h"
#include "cmd/status.h"
#include "http/json.h"

#include <glob.h>

#define OUTPUT_SIZE 262144

static char output[OUTPUT_SIZE], expected[OUTPUT_SIZE], shown[OUTPUT_SIZE];
static int exit_code;

/* --- the man page ---------------------------------------------------------------------------- */

static char page[131072];

static void read_page(void)
{
    FILE *file = fopen("src/daneroll.8", "r");
    assert_non_null(file);
    size_t length = fread(page, 1, sizeof page - 1, file);
    (void)fclose(file);
    assert_true(length < sizeof page - 1);
    page[length] = '\0';
}

/* Whether WORD stands in the man page behind a macro for words. */
static bool is_documented(const char *word)
{
    size_t length = strlen(word);
    if (page[0] == '\0')
        read_page();
    for (const char *at = page; (at = strstr(at, word)) != NULL; at += length) {
        const char *line = at;
        while (line > page && line[-1] != '\n')
            line--;
        bool macro = strncmp(line, ".Li ", 4) == 0 || strncmp(line, ".Cm ", 4) == 0 ||
                     strncmp(line, ".It ", 4) == 0 || strncmp(line, ".Pq ", 4) == 0;
        if (macro && at[-1] == ' ' && strchr(" \n", at[length]) != NULL)
            return true;
    }
    return false;
}

/* --- what was written ------------------------------------------------------------------------ */

/* Standard output goes to a file while a look is told. */
static int begin_capture(FILE *file)
{
    (void)fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    assert_true(saved >= 0);
    assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
    return saved;
}

static void end_capture(FILE *file, int saved)
{
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    (void)close(saved);
    rewind(file);
    size_t length = fread(output, 1, sizeof output - 1, file);
    assert_true(length < sizeof output - 1);
    output[length] = '\0';
    (void)fclose(file);
}

struct taken {
    const char *at;
};

static int take(void *context, void *bytes, size_t size)
{
    struct taken *taken = context;
    size_t length = strlen(taken->at);
    length = length < size ? length : size;
    memcpy(bytes, taken->at, length);
    taken->at += length;
    return (int)length;
}

/* What is written of a token; the version is another with each release. */
static const char *token_text(const struct json_token *token, bool version)
{
    static const char *const words[] = {
        [JSON_OBJECT_BEGIN] = "{", [JSON_OBJECT_END] = "}", [JSON_ARRAY_BEGIN] = "[",
        [JSON_ARRAY_END] = "]",    [JSON_TRUE] = "true",    [JSON_FALSE] = "false",
        [JSON_NULL] = "null"};
    if (version)
        return "VERSION";
    return token->kind == JSON_NAME || token->kind == JSON_STRING || token->kind == JSON_NUMBER
               ? token->text
               : words[token->kind];
}

/* The JSON of `output` into `shown`, a value a line. */
static void show_json(void)
{
    static struct json json;
    struct taken taken = {output};
    struct json_token token;
    struct buf b = BUF_OVER(shown);
    bool named = false, version = false;
    json_init(&json, take, &taken);
    for (;;) {
        assert_int_equal(json_next(&json, &token), 0);
        assert_false(token.cut);
        if (token.kind == JSON_END)
            break;
        bool begins = token.kind == JSON_OBJECT_BEGIN || token.kind == JSON_ARRAY_BEGIN;
        for (uint32_t i = begins ? 1 : 0; !named && i < json_depth(&json); i++)
            buf_text(&b, "  ");
        const char *quote = token.kind == JSON_STRING ? "\"" : "";
        buf_printf(&b, "%s%s%s%s", quote, token_text(&token, version), quote,
                   token.kind == JSON_NAME ? ": " : "\n");
        named = token.kind == JSON_NAME;
        if (named && !is_documented(token.text))
            fail_msg("daneroll.8 does not name the member %s", token.text);
        version = named && strcmp(token.text, "daneroll") == 0;
    }
    assert_false(buf_full(&b));
    assert_int_equal(json_depth(&json), 0);
    /* One line, and nothing behind it. */
    assert_ptr_equal(strchr(output, '\n'), output + strlen(output) - 1);
}

static void compare(struct replay *r, const char *name, const char *ending, const char *text)
{
    char path[512];
    (void)snprintf(path, sizeof path, "tests/status/%s.%s", name, ending);
    const char *writes = getenv("DANEROLL_TEST_WRITE");
    FILE *file = fopen(path, writes == NULL ? "r" : "w");
    if (file == NULL)
        replay_fail(r, "no such file", path);
    if (writes != NULL) {
        assert_int_equal(fputs(text, file) < 0, 0);
        assert_int_equal(fclose(file), 0);
        return;
    }
    size_t length = fread(expected, 1, sizeof expected - 1, file);
    expected[length] = '\0';
    (void)fclose(file);
    if (strcmp(expected, text) == 0)
        return;
    size_t same = 0, line = 1;
    while (text[same] != '\0' && text[same] == expected[same])
        line += text[same++] == '\n' ? 1 : 0;
    print_error("%s:%zu differs; it was told:\n%s", path, line, text);
    replay_fail(r, "it tells something else", name);
}

/* --- statements ------------------------------------------------------------------------------ */

static struct world world_of(struct replay *r)
{
    return (struct world){&replay_network, r, &replay_local, r};
}

static void tell(const struct survey *s, bool json)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    int saved = begin_capture(file);
    int rc = status_tell(s, json, exit_code);
    end_capture(file, saved);
    assert_int_equal(rc, 0);
}

static void status(struct replay *r, const char *at)
{
    const struct world world = world_of(r);
    struct arena arena = arena_make(REPLAY_MEMORY);
    struct survey s;
    char name[SCRIPT_WORD], words[4][SCRIPT_WORD];
    const char *hosts[4];
    struct survey_options options = {false, 0, hosts};
    (void)script_word(&at, name);
    options.offline = script_accept(&at, "--offline");
    while (options.hosts_count < 4 && *script_word(&at, words[options.hosts_count]) != '\0') {
        hosts[options.hosts_count] = words[options.hosts_count];
        options.hosts_count++;
    }
    r->network_calls = r->saves = r->looks = 0;
    r->actions_count = 0;
    assert_int_equal(survey_make(&s, r->conf, &world, &options, &arena), 0);
    /* Nothing is done, written or said by looking; nothing is asked offline. */
    assert_int_equal(r->saves + r->looks + r->actions_count, 0);
    assert_true(!options.offline || r->network_calls == 0);
    const struct outcome outcome = survey_outcome(&s);
    exit_code = engine_exit(&outcome);
    tell(&s, false);
    compare(r, name, "text", output);
    tell(&s, true);
    show_json();
    compare(r, name, "json", shown);
    arena_release(&arena);
}

static void run(struct replay *r, const char *at)
{
    const struct world world = world_of(r);
    struct roll_options options = {.now = script_accept(&at, "--now")};
    struct arena arena = arena_make(REPLAY_MEMORY);
    r->actions_count = r->messages_count = r->sleeps = 0;
    (void)roll_run(r->conf, &world, &options, &arena);
    arena_release(&arena);
}

static void expect(struct replay *r, const char *at)
{
    if (!script_accept(&at, "EXIT"))
        replay_fail(r, "no such statement", at);
    if (exit_code != atoi(at))
        replay_fail(r, "the exit code is another", at);
}

static void conf_statement(struct replay *r, const char *at)
{
    (void)at;
    script_conf(r);
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
    {"MX", script_mx},
    {"SETTLE", script_settle},
    {"BLIND", script_blind},
    {"MISHAP", script_mishap},
    {"COMMAND", script_command},
    {"CLOCK", script_clock},
    {"REBOOT", script_reboot},
    {"TIME PASSES", script_time},
    {"STATE", script_state},
    {"RUN", run},
    {"STATUS", status},
    {"EXPECT", expect},
};

static void statement(struct replay *r, const char *line)
{
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        const char *at = line;
        if (!script_accept(&at, statements[i].keyword))
            continue;
        statements[i].act(r, at);
        return;
    }
    replay_fail(r, "no such statement", line);
}

static void scenario_test(void **state)
{
    static struct replay r;
    char line[1024];
    unsigned looks = 0;
    memset(&r, 0, sizeof r);
    r.path = *state;
    r.zone = WORLD_ZONE_SIGNED;
    r.signature_life = 14 * DAY;
    r.now = (struct moment){"00000000-0000-4000-8000-000000000000", 100000, TIME_RELEASE + 1000000,
                            true};
    r.state_length = WORLD_STATE_ABSENT;
    r.look_length = -1;
    script_nameservers(&r, "ns1/192.0.2.53 ns2/192.0.2.54");
    r.file = fopen(r.path, "r");
    assert_non_null(r.file);
    while (script_line(&r, line)) {
        if (line[0] == '\0' || line[0] == '#')
            continue;
        looks += strncmp(line, "STATUS", 6) == 0 ? 1 : 0;
        statement(&r, line);
    }
    (void)fclose(r.file);
    for (size_t i = 0; i < r.confs_count; i++)
        arena_release(&r.conf_arenas[i]);
    assert_true(looks > 0);
}

/* --- faults, and words ----------------------------------------------------------------------- */

static void error_test(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    int saved = begin_capture(file);
    int rc = status_tell_error(2, "daneroll.conf:3: unknown key \"x\"\n1 fault\n");
    end_capture(file, saved);
    assert_int_equal(rc, 0);
    assert_string_equal(output,
                        "{\"version\":1,\"error\":{\"exit\":2,\"texts\":[\"daneroll.conf:3: "
                        "unknown key \\\"x\\\"\",\"1 fault\"]}}\n");
    show_json();
}

/* Each word is told to users: none is missing, or there twice. */
static void is_word(const char word[STAGE_WORD_SIZE])
{
    assert_int_not_equal(word[0], '\0');
    assert_non_null(memchr(word, '\0', STAGE_WORD_SIZE));
    if (!is_documented(word))
        fail_msg("daneroll.8 does not name the word %s", word);
}

static void words_test(void **state)
{
    (void)state;
    for (size_t i = 0; i <= STAGE_STEADY; i++) {
        is_word(stage_names[i]);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(stage_names[i], stage_names[k]);
    }
    for (size_t i = 0; i <= PLAN_NOTE_LEFT; i++) {
        bool of_pair;
        assert_non_null(report_name((enum plan_note_kind)i, &of_pair));
        if (!is_documented(report_name((enum plan_note_kind)i, &of_pair)))
            fail_msg("daneroll.8 does not name the kind %s",
                     report_name((enum plan_note_kind)i, &of_pair));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(report_name((enum plan_note_kind)i, &of_pair),
                                    report_name((enum plan_note_kind)k, &of_pair));
    }
    for (size_t i = 0; i <= STAGE_STEP_SHOW; i++) {
        if (i != STAGE_STEP_NONE)
            is_word(stage_step_names[i]);
    }
    for (size_t i = 0; i <= PROBE_UNSEEN; i++)
        is_word(status_results[i]);
    for (size_t i = 0; i <= WORLD_LAME; i++)
        is_word(status_answers[i]);
    for (size_t i = 0; i <= WORLD_ZONE_BOGUS; i++)
        is_word(status_zones[i]);
    for (size_t i = 0; i <= SURVEY_NOBODYS; i++)
        is_word(status_whose[i]);
    for (size_t i = 0; i <= SURVEY_FOREIGN; i++)
        is_word(status_ownerships[i]);
    for (size_t i = 0; i <= REPORT_USAGE; i++)
        is_word(status_meanings[i]);
}

int main(int count, char **names)
{
    glob_t found = {.gl_pathc = 0};
    if (count < 2 && glob("tests/status/*.txt", 0, NULL, &found) != 0)
        return 1;
    size_t tests_count = count < 2 ? found.gl_pathc : (size_t)count - 1;
    struct CMUnitTest *tests = calloc(tests_count + 2, sizeof *tests);
    if (tests == NULL)
        return 1;
    for (size_t i = 0; i < tests_count; i++) {
        char *path = count < 2 ? found.gl_pathv[i] : names[i + 1];
        const char *slash = strrchr(path, '/');
        tests[i] =
            (struct CMUnitTest){slash == NULL ? path : slash + 1, scenario_test, NULL, NULL, path};
    }
    tests[tests_count++] = (struct CMUnitTest)cmocka_unit_test(error_test);
    tests[tests_count++] = (struct CMUnitTest)cmocka_unit_test(words_test);
    int rc = _cmocka_run_group_tests("tests", tests, tests_count, NULL, NULL);
    free(tests);
    globfree(&found);
    return rc;
}
