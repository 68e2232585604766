/* roll/state.h */
#include "roll_trial.h"

static struct arena memory;

static int set_up(void **state)
{
    (void)state;
    memory = arena_make(TRIAL_MEMORY * 8);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&memory);
    return 0;
}

static char printed[STATE_TEXT_SIZE];

static size_t print(const struct state *state)
{
    struct buf b = BUF_OVER(printed);
    state_print(state, &b);
    assert_false(buf_full(&b));
    return b.used;
}

static int parse(struct state *state, const char *text)
{
    state_init(state, &memory);
    return state_parse(state, text, strlen(text));
}

static void add_leaf(struct state *state, const char *label, unsigned key, unsigned certificate)
{
    struct cert_digests leaf = trial_leaf(key, certificate);
    struct state_pair *pair = state_pair_make(state, label);
    assert_non_null(pair);
    assert_int_equal(state_note_leaf(state, pair, &leaf), 0);
}

/* One of everything. */
static void make_full(struct state *state)
{
    static const uint8_t long_data[100] = {0x30, 0x62, 1, 2, 3};
    struct cert_digests leaf = trial_leaf(1, 1);
    struct tlsa tlsa = trial_record(3, 1, 1, &leaf);
    struct state_record *record;
    state_init(state, &memory);
    add_leaf(state, "mail-ecdsa", 1, 1);
    add_leaf(state, "mail-ecdsa", 2, 1);
    add_leaf(state, "mail-rsa", 3, 1);
    state_pair(state, "mail-rsa")->reloaded = true;
    state_pair(state, "mail-rsa")->reload = trial_at(77);
    assert_non_null(state_pair_make(state, "never-read"));

    record = state_record_make(state, "_25._tcp.mail.example.org", &tlsa);
    record->ours = record->first = record->seen = true;
    record->since = trial_at(5);
    record->lifetime = 1800;
    tlsa = trial_record(3, 0, 2, &leaf);
    record = state_record_make(state, "_25._tcp.mail.example.org", &tlsa);
    record->said = true;
    record->lifetime = UINT32_MAX;
    tlsa_set(&tlsa, (struct tlsa_combination){3, 1, 0}, long_data, sizeof long_data);
    record = state_record_make(state, "_443._tcp.mail.example.org", &tlsa);
    record->seen = true;
    record->since = trial_moment("", 12, 13, false);
    tlsa_set(&tlsa, (struct tlsa_combination){255, 9, 8}, long_data, 0);
    assert_non_null(state_record_make(state, "_443._tcp.mail.example.org", &tlsa));
}

static void assert_same_moment(const struct moment *a, const struct moment *b)
{
    assert_string_equal(a->boot, b->boot);
    assert_int_equal(a->boottime, b->boottime);
    assert_int_equal(a->wall, b->wall);
    assert_int_equal(a->proven, b->proven);
}

static void assert_same_pairs(const struct state_pair *p, const struct state_pair *q)
{
    for (; p != NULL && q != NULL; p = p->next, q = q->next) {
        assert_string_equal(p->label, q->label);
        assert_int_equal(p->reloaded, q->reloaded);
        if (p->reloaded)
            assert_same_moment(&p->reload, &q->reload);
        const struct state_leaf *l = p->leafs, *m = q->leafs;
        for (; l != NULL && m != NULL; l = l->next, m = m->next)
            assert_memory_equal(&l->digests, &m->digests, sizeof l->digests);
        assert_true(l == NULL && m == NULL);
    }
    assert_true(p == NULL && q == NULL);
}

static void assert_same_records(const struct state_record *r, const struct state_record *s)
{
    for (; r != NULL && s != NULL; r = r->next, s = s->next) {
        assert_string_equal(r->owner, s->owner);
        assert_true(tlsa_equal(&r->tlsa, &s->tlsa));
        assert_int_equal(r->ours, s->ours);
        assert_int_equal(r->first, s->first);
        assert_int_equal(r->seen, s->seen);
        assert_int_equal(r->said, s->said);
        assert_int_equal(r->lifetime, s->lifetime);
        if (r->seen)
            assert_same_moment(&r->since, &s->since);
    }
    assert_true(r == NULL && s == NULL);
}

static void test_round_trip(void **unused)
{
    struct state full, again;
    (void)unused;
    make_full(&full);
    size_t length = print(&full);
    char *copy = arena_text(&memory, printed, length);
    state_init(&again, &memory);
    assert_int_equal(state_parse(&again, copy, length), 0);
    assert_same_pairs(full.pairs, again.pairs);
    assert_same_records(full.records, again.records);
    assert_int_equal(print(&again), length);
    assert_string_equal(printed, copy);
}

static void test_empty_state(void **unused)
{
    struct state state;
    (void)unused;
    state_init(&state, &memory);
    size_t length = print(&state);
    char *copy = arena_text(&memory, printed, length);
    assert_int_equal(parse(&state, copy), 0);
    assert_null(state.pairs);
    assert_null(state.records);
}

/* Whatever is cut off: an error, and then an empty state, never half of one. */
static void test_every_truncation(void **unused)
{
    struct state full, cut;
    (void)unused;
    make_full(&full);
    size_t length = print(&full);
    for (size_t i = 0; i < length; i++) {
        char *copy = malloc(i == 0 ? 1 : i);
        assert_non_null(copy);
        memcpy(copy, printed, i);
        state_init(&cut, &memory);
        int rc = state_parse(&cut, copy, i);
        free(copy);
        if (rc != STATE_MALFORMED)
            fail_msg("cut after %zu of %zu octets: %d", i, length, rc);
        assert_null(cut.pairs);
        assert_null(cut.records);
    }
}

/* Any one octet changed to any other of a choice: an error, and an empty state. */
static void test_every_corruption(void **unused)
{
    static const char others[] = {'0', '1', '9', 'a', 'f', '-', ' ', '\n', '\0', '\xff', 'A', ':'};
    struct state full, damaged;
    (void)unused;
    make_full(&full);
    size_t length = print(&full);
    for (size_t i = 0; i < length; i++) {
        for (size_t k = 0; k < sizeof others; k++) {
            char kept = printed[i];
            if (kept == others[k])
                continue;
            struct arena arena = arena_make(TRIAL_MEMORY);
            printed[i] = others[k];
            state_init(&damaged, &arena);
            int rc = state_parse(&damaged, printed, length);
            printed[i] = kept;
            if (rc == 0)
                fail_msg("octet %zu made %d: accepted", i, others[k]);
            assert_null(damaged.pairs);
            assert_null(damaged.records);
            arena_release(&arena);
        }
    }
}

static void test_versions(void **unused)
{
    struct state state;
    (void)unused;
    assert_int_equal(parse(&state, "daneroll state 2\n"), STATE_VERSION);
    assert_int_equal(parse(&state, "daneroll state 10\n"), STATE_VERSION);
    assert_int_equal(parse(&state, "daneroll state 2\nsomething new\n"), STATE_VERSION);
    assert_int_equal(parse(&state, "daneroll state \n"), STATE_MALFORMED);
    assert_int_equal(parse(&state, "daneroll state\n"), STATE_MALFORMED);
    assert_int_equal(parse(&state, "Daneroll state 1\n"), STATE_MALFORMED);
    assert_int_equal(parse(&state, "\n"), STATE_MALFORMED);
    assert_int_equal(parse(&state, ""), STATE_MALFORMED);
    assert_int_equal(parse(&state, "daneroll state 1"), STATE_MALFORMED);
    assert_int_equal(parse(&state, "daneroll state 1\n"), STATE_MALFORMED);
}

static void test_no_memory(void **unused)
{
    struct state full, state;
    (void)unused;
    make_full(&full);
    size_t length = print(&full);
    for (size_t limit = 0; limit < 4000; limit += 100) {
        struct arena small = arena_make(limit);
        state_init(&state, &small);
        int rc = state_parse(&state, printed, length);
        assert_true(rc == STATE_NO_MEMORY || rc == 0);
        if (rc != 0)
            assert_true(state.pairs == NULL && state.records == NULL);
        arena_release(&small);
    }
}

/* --- entries --------------------------------------------------------------------------------- */

static void test_leafs(void **unused)
{
    struct state state;
    struct cert_digests first = trial_leaf(1, 1), renewed = trial_leaf(1, 2),
                        other = trial_leaf(2, 1);
    (void)unused;
    state_init(&state, &memory);
    add_leaf(&state, "a", 1, 1);
    add_leaf(&state, "a", 1, 1);
    struct state_pair *pair = state_pair(&state, "a");
    assert_null(pair->leafs->next);
    assert_true(state_has_leaf(pair, &first));
    /* The same key in a new certificate is another leaf: services are to load it. */
    assert_false(state_has_leaf(pair, &renewed));
    assert_false(state_has_leaf(pair, &other));
    add_leaf(&state, "a", 1, 2);
    assert_true(state_same_leaf(&pair->leafs->digests, &first));
    assert_true(state_same_leaf(&pair->leafs->next->digests, &renewed));
    assert_null(state_pair(&state, "b"));
    char label[CONF_LABEL_MOST + 2];
    memset(label, 'x', sizeof label);
    label[sizeof label - 1] = '\0';
    assert_null(state_pair_make(&state, label));
    label[sizeof label - 2] = '\0';
    assert_non_null(state_pair_make(&state, label));
}

/* Names are DNS names; digests are bytes. */
static void test_records(void **unused)
{
    struct state state;
    struct tlsa one = trial_311(1), two = trial_311(2);
    (void)unused;
    state_init(&state, &memory);
    struct state_record *r = state_record_make(&state, "_25._tcp.Mail.Example.ORG.", &one);
    assert_string_equal(r->owner, "_25._tcp.mail.example.org");
    assert_ptr_equal(state_record(&state, "_25._TCP.mail.example.org", &one), r);
    assert_ptr_equal(state_record_make(&state, "_25._tcp.mail.example.org.", &one), r);
    assert_null(state_record(&state, "_5._tcp.mail.example.org", &one));
    assert_null(state_record(&state, "_25._tcp.mail.example.org", &two));
    struct state_record *s = state_record_make(&state, "_25._tcp.mail.example.org", &two);
    struct state_record *t = state_record_make(&state, "_443._tcp.mail.example.org", &two);
    state_record_drop(&state, s);
    assert_ptr_equal(state.records, r);
    assert_ptr_equal(r->next, t);
    state_record_drop(&state, r);
    state_record_drop(&state, r);
    assert_ptr_equal(state.records, t);
    state_record_drop(&state, t);
    assert_null(state.records);
}

/* --- time ------------------------------------------------------------------------------------ */

static void test_elapsed(void **unused)
{
    static const struct {
        const char *boot_then;
        int64_t boottime_then, wall_then;
        bool proven_then;
        const char *boot_now;
        int64_t boottime_now, wall_now;
        bool proven_now;
        int64_t elapsed;
    } rows[] = {
        /* One boot: only CLOCK_BOOTTIME counts, whatever the wall does; a second is in doubt. */
        {"a", 100, 5000, true, "a", 200, 5100, true, 99},
        {"a", 100, 5000, false, "a", 200, 999999, false, 99},
        {"a", 100, 5000, true, "a", 200, 10, true, 99},
        {"a", 100, 5000, true, "a", 101, 5001, true, 0},
        {"a", 100, 5000, true, "a", 100, 5000, true, 0},
        {"a", 100, 5000, true, "a", 99, 5000, true, -1},
        /* Another boot: the wall, if proven at both ends. */
        {"a", 100, 5000, true, "b", 3, 5100, true, 99},
        {"a", 100, 5000, false, "b", 300, 5100, true, -1},
        {"a", 100, 5000, true, "b", 300, 5100, false, -1},
        {"a", 100, 5000, false, "b", 300, 5100, false, -1},
        {"a", 100, 5000, true, "b", 300, 4999, true, -1},
        /* No boot id: never the same boot. */
        {"", 100, 5000, true, "", 200, 5050, true, 49},
        {"", 100, 5000, false, "", 200, 5050, false, -1},
        {"", 100, 5000, true, "a", 200, 5050, true, 49},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct moment then = trial_moment(rows[i].boot_then, rows[i].boottime_then,
                                          rows[i].wall_then, rows[i].proven_then);
        struct moment now = trial_moment(rows[i].boot_now, rows[i].boottime_now, rows[i].wall_now,
                                         rows[i].proven_now);
        if (state_elapsed(&then, &now) != rows[i].elapsed)
            fail_msg("row %zu: %lld, not %lld", i, (long long)state_elapsed(&then, &now),
                     (long long)rows[i].elapsed);
    }
}

/* A right sum below a text, so that what is wrong with the text itself shows. */
static void seal(char *text, size_t size)
{
    uint8_t sum[32];
    size_t length = strlen(text);
    struct buf b = buf_over(text + length, size - length);
    cert_sha256((const uint8_t *)text, length, sum);
    buf_text(&b, "end ");
    buf_hex(&b, sum, sizeof sum);
    buf_char(&b, '\n');
    assert_false(buf_full(&b));
}

/* --- lines that are wrong -------------------------------------------------------------------- */

#define D256  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D512  D256 D256
#define OWNER "_25._tcp.mail.example.org"
#define BOOT  "b7a0fd5e-4a5e-4f5e-8b5c-0123456789ab"

/* Lines made by hand that are right: what the next test changes in them is what makes them wrong.
 */
static void test_right_lines(void **unused)
{
    static const char *const lines[] = {
        "pair a -",
        "pair a " BOOT " 1 2 1",
        "pair a -\nleaf a " D256 " " D512 " " D256 " " D512,
        "record " OWNER " 3 1 1 " D256 " sent first told 1800 -",
        "record " OWNER " 3 1 1 abcd foreign beside untold 0 " BOOT " 1 2 0",
        "record " OWNER " 3 1 0 sha256:" D256 ":65535 sent first told 4294967295 -",
        "record " OWNER " 3 1 1 - sent first told 1800 -",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct state state;
        char text[2048];
        (void)snprintf(text, sizeof text, "daneroll state 1\n%s\n", lines[i]);
        seal(text, sizeof text);
        if (parse(&state, text) != 0)
            fail_msg("refused: %s", lines[i]);
    }
}

/* Each line is wrong by itself, whatever else the file has to hold. */
static void test_wrong_lines(void **unused)
{
    static const char *const lines[] = {
        "",
        " ",
        "pair",
        "pair a",
        "pair  a -",
        "pair a - ",
        " pair a -",
        "pair a - -",
        "pair a " BOOT " 1 2",
        "pair a " BOOT " 1 2 2",
        "pair a " BOOT " 1 2 1 1",
        "pair a " BOOT "0 1 2 1",
        "pair a " BOOT " -1 2 1",
        "pair a " BOOT " 1 2x 1",
        "pair a " BOOT " 1 1234567890123 1",
        "pair aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa -",
        "leaf a " D256 " " D512 " " D256 " " D512,
        "pair a -\nleaf a " D256 " " D512 " " D256,
        "pair a -\nleaf a " D256 " " D512 " " D256 " " D512 " x",
        "pair a -\nleaf a " D256 " " D256 " " D256 " " D512,
        "pair a -\nleaf a " D512 " " D512 " " D256 " " D512,
        "pair a -\npair a -",
        "record " OWNER " 3 1 1 " D256 " ours first told 1800",
        "record " OWNER " 3 1 1 " D256 " ours first told 1800 - -",
        "record " OWNER " 3 1 1 " D256 " ours first told - -",
        "record " OWNER " 3 1 1 " D256 " sent first told 4294967296 -",
        "record " OWNER " 3 1 256 " D256 " sent first told 1800 -",
        "record " OWNER " 3 1 " D256 " sent first told 1800 -",
        "record " OWNER " 3 1 1 " D256 " mine first told 1800 -",
        "record " OWNER " 3 1 1 " D256 " ours later told 1800 -",
        "record " OWNER " 3 1 1 " D256 " ours first said 1800 -",
        "record " OWNER " 3 1 1 abc sent first told 1800 -",
        "record " OWNER " 3 1 1 sha256:" D256 " sent first told 1800 -",
        "record " OWNER " 3 1 1 sha256:" D256 ": sent first told 1800 -",
        "record " OWNER " 3 1 0 sha256:" D256 ":65536 sent first told 1800 -",
        "record " OWNER " 3 1 1 " D512 "00 sent first told 1800 -",
        "recorder x",
        "Pair a -",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct state state;
        char text[2048];
        (void)snprintf(text, sizeof text, "daneroll state 1\n%s\n", lines[i]);
        seal(text, sizeof text);
        if (parse(&state, text) != STATE_MALFORMED)
            fail_msg("accepted: %s", lines[i]);
        assert_null(state.pairs);
        assert_null(state.records);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_empty_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_truncation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_every_corruption, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_versions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_leafs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_records, set_up, tear_down),
        cmocka_unit_test(test_elapsed),
        cmocka_unit_test_setup_teardown(test_right_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong_lines, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
