/* roll/state.h */
#include "roll/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MEMORY ((size_t)64 * 1024 * 1024)
#define BOOT   "b7a0fd5e-4a5e-4f5e-8b5c-0123456789ab"
#define SMTP   "_25._tcp.mail.example.org"
#define HTTPS  "_443._tcp.mail.example.org"

static struct arena memory;

static int set_up(void **state)
{
    (void)state;
    memory = arena_make(MEMORY);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_release(&memory);
    return 0;
}

/* Certificate number CERTIFICATE of key number KEY. */
static struct cert_digests leaf_of(unsigned key, unsigned certificate)
{
    char text[64];
    struct cert_digests d;
    int n = snprintf(text, sizeof text, "certificate %u of key %u", certificate, key);
    cert_sha256((const uint8_t *)text, (size_t)n, d.certificate256);
    cert_sha512((const uint8_t *)text, (size_t)n, d.certificate512);
    n = snprintf(text, sizeof text, "key %u", key);
    cert_sha256((const uint8_t *)text, (size_t)n, d.spki256);
    cert_sha512((const uint8_t *)text, (size_t)n, d.spki512);
    return d;
}

static struct tlsa record_of(unsigned key)
{
    struct tlsa record;
    struct cert_digests leaf = leaf_of(key, 1);
    tlsa_set(&record, (struct tlsa_combination){3, 1, 1}, leaf.spki256, 32);
    return record;
}

static struct moment moment_of(const char *boot, int64_t boottime, int64_t wall, bool proven)
{
    struct moment m;
    memset(&m, 0, sizeof m);
    memcpy(m.boot, boot, strlen(boot) + 1);
    m.boottime = boottime;
    m.wall = wall;
    m.proven = proven;
    return m;
}

static struct moment at(int64_t seconds)
{
    return moment_of(BOOT, 1000 + seconds, TIME_RELEASE + seconds, true);
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

static void assert_empty(const struct state *state)
{
    assert_null(state->pairs);
    assert_null(state->owners);
    assert_null(state->waits);
    assert_null(state->records);
    assert_null(state->said);
}

static void add_leaf(struct state *state, const char *label, unsigned key, unsigned certificate)
{
    struct cert_digests leaf = leaf_of(key, certificate);
    struct state_pair *pair = state_pair_make(state, label);
    assert_non_null(pair);
    assert_int_equal(state_note_leaf(state, pair, &leaf), 0);
}

/* --- one of everything ----------------------------------------------------------------------- */

static void make_pairs(struct state *state)
{
    add_leaf(state, "mail-ecdsa", 1, 1);
    add_leaf(state, "mail-ecdsa", 2, 1);
    struct state_pair *pair = state_pair(state, "mail-ecdsa");
    pair->reload = pair->began = pair->renewed = true;
    pair->tries = 2;
    pair->begin = at(77);
    pair->renewal = moment_of("", 12, 13, false);
    add_leaf(state, "mail-rsa", 3, 1);
    pair = state_pair(state, "mail-rsa");
    pair->loading = pair->verified = pair->put_back = true;
    pair->tries = UINT32_MAX;
    pair->verification = at(78);
    memset(pair->refused, 0xab, sizeof pair->refused);
    memset(pair->refused_conf, 0xcd, sizeof pair->refused_conf);
    assert_non_null(state_pair_make(state, "never-read"));
}

static void make_owners(struct state *state)
{
    struct state_owner *owner = state_owner_make(state, SMTP);
    owner->had = owner->lowered = owner->denied = true;
    owner->lifetime = UINT32_MAX;
    owner->since = at(1);
    owner->denial = at(2);
    assert_non_null(state_owner_make(state, HTTPS));
}

static void make_waits(struct state *state)
{
    struct cert_digests leaf = leaf_of(4, 1);
    struct state_wait *wait = state_wait_make(state, SMTP, &leaf);
    wait->misfit = wait->complete = wait->reached = true;
    wait->since = at(3);
    assert_non_null(state_wait_make(state, HTTPS, &leaf));
    memset(leaf.certificate256, 0, sizeof leaf.certificate256);
    wait = state_wait_make(state, SMTP, &leaf);
    wait->reached = true;
    wait->since = moment_of("", 0, 1, true);
}

static void make_records(struct state *state)
{
    static const uint8_t long_data[100] = {0x30, 0x62, 1, 2, 3};
    struct tlsa tlsa = record_of(1);
    struct state_record *record = state_record_make(state, SMTP, &tlsa);
    record->seen = true;
    tlsa = record_of(2);
    record = state_record_make(state, SMTP, &tlsa);
    record->seen = true;
    record->since = at(4);
    tlsa = record_of(3);
    record = state_record_make(state, SMTP, &tlsa);
    record->since = at(5);
    tlsa_set(&tlsa, (struct tlsa_combination){3, 1, 0}, long_data, sizeof long_data);
    assert_non_null(state_record_make(state, HTTPS, &tlsa));
    tlsa_set(&tlsa, (struct tlsa_combination){255, 9, 8}, long_data, 0);
    assert_non_null(state_record_make(state, HTTPS, &tlsa));
}

static void make_full(struct state *state)
{
    state_init(state, &memory);
    make_pairs(state);
    make_owners(state);
    make_waits(state);
    make_records(state);
    assert_false(state_said(state, "the zone is not signed"));
    assert_false(state_said(state, "ns2 lags"));
}

/* --- round trip ------------------------------------------------------------------------------ */

static void assert_same_time(bool counts, const struct moment *a, const struct moment *b)
{
    if (!counts)
        return;
    assert_string_equal(a->boot, b->boot);
    assert_int_equal(a->boottime, b->boottime);
    assert_int_equal(a->wall, b->wall);
    assert_int_equal(a->proven, b->proven);
}

static void assert_same_pair(const struct state_pair *p, const struct state_pair *q)
{
    assert_string_equal(p->label, q->label);
    assert_int_equal(p->reload, q->reload);
    assert_int_equal(p->loading, q->loading);
    assert_int_equal(p->tries, q->tries);
    assert_int_equal(p->began, q->began);
    assert_same_time(p->began, &p->begin, &q->begin);
    assert_int_equal(p->verified, q->verified);
    assert_same_time(p->verified, &p->verification, &q->verification);
    assert_int_equal(p->renewed, q->renewed);
    assert_same_time(p->renewed, &p->renewal, &q->renewal);
    assert_int_equal(p->put_back, q->put_back);
    if (p->put_back) {
        assert_memory_equal(p->refused, q->refused, sizeof p->refused);
        assert_memory_equal(p->refused_conf, q->refused_conf, sizeof p->refused_conf);
    }
    const struct state_leaf *l = p->leafs, *m = q->leafs;
    for (; l != NULL && m != NULL; l = l->next, m = m->next)
        assert_memory_equal(&l->digests, &m->digests, sizeof l->digests);
    assert_true(l == NULL && m == NULL);
}

static void assert_same_owner(const struct state_owner *o, const struct state_owner *p)
{
    assert_string_equal(o->name, p->name);
    assert_int_equal(o->had, p->had);
    assert_int_equal(o->lifetime, p->lifetime);
    assert_int_equal(o->lowered, p->lowered);
    assert_same_time(o->lowered, &o->since, &p->since);
    assert_int_equal(o->denied, p->denied);
    assert_same_time(o->denied, &o->denial, &p->denial);
}

static void assert_same_wait(const struct state_wait *v, const struct state_wait *w)
{
    assert_string_equal(v->owner, w->owner);
    assert_memory_equal(v->certificate, w->certificate, sizeof v->certificate);
    assert_memory_equal(v->key, w->key, sizeof v->key);
    assert_int_equal(v->misfit, w->misfit);
    assert_int_equal(v->complete, w->complete);
    assert_int_equal(v->reached, w->reached);
    assert_same_time(v->reached, &v->since, &w->since);
}

static void assert_same_record(const struct state_record *r, const struct state_record *s)
{
    assert_string_equal(r->owner, s->owner);
    assert_true(tlsa_equal(&r->tlsa, &s->tlsa));
    assert_int_equal(r->seen, s->seen);
    assert_same_time(true, &r->since, &s->since);
}

static void assert_same(const struct state *a, const struct state *b)
{
    const struct state_pair *p = a->pairs, *q = b->pairs;
    const struct state_owner *o = a->owners, *n = b->owners;
    const struct state_wait *v = a->waits, *w = b->waits;
    const struct state_record *r = a->records, *s = b->records;
    const struct state_said *t = a->said, *u = b->said;
    for (; p != NULL && q != NULL; p = p->next, q = q->next)
        assert_same_pair(p, q);
    for (; o != NULL && n != NULL; o = o->next, n = n->next)
        assert_same_owner(o, n);
    for (; v != NULL && w != NULL; v = v->next, w = w->next)
        assert_same_wait(v, w);
    for (; r != NULL && s != NULL; r = r->next, s = s->next)
        assert_same_record(r, s);
    for (; t != NULL && u != NULL; t = t->next, u = u->next)
        assert_memory_equal(t->digest, u->digest, sizeof t->digest);
    assert_true(p == NULL && q == NULL && o == NULL && n == NULL && v == NULL && w == NULL);
    assert_true(r == NULL && s == NULL && t == NULL && u == NULL);
}

static void test_round_trip(void **unused)
{
    struct state full, again;
    (void)unused;
    make_full(&full);
    size_t length = print(&full);
    char *copy = arena_text(&memory, printed, length);
    assert_int_equal(parse(&again, copy), 0);
    assert_same(&full, &again);
    assert_int_equal(print(&again), length);
    assert_string_equal(printed, copy);
}

static void test_empty_state(void **unused)
{
    struct state state;
    (void)unused;
    state_init(&state, &memory);
    char *copy = arena_text(&memory, printed, print(&state));
    assert_int_equal(parse(&state, copy), 0);
    assert_empty(&state);
}

/* A hundred hosts' worth fits. */
static void test_room(void **unused)
{
    struct state state;
    (void)unused;
    state_init(&state, &memory);
    for (unsigned i = 0; i < 100; i++) {
        char label[CONF_LABEL_MOST + 1], owner[64];
        (void)snprintf(label, sizeof label, "host%u.example.org", i);
        (void)snprintf(owner, sizeof owner, "_25._tcp.host%u.example.org", i);
        struct cert_digests leaf = leaf_of(i, 1);
        struct tlsa tlsa = record_of(i);
        add_leaf(&state, label, i, 1);
        state_owner_make(&state, owner)->lifetime = 3600;
        struct state_wait *wait = state_wait_make(&state, owner, &leaf);
        wait->reached = true;
        wait->since = at(i);
        state_record_make(&state, owner, &tlsa)->seen = true;
    }
    assert_true(print(&state) < STATE_TEXT_SIZE);
}

/* --- damage ---------------------------------------------------------------------------------- */

/* Whatever is cut off: an error, and then an empty state, never half of one. */
static void test_every_truncation(void **unused)
{
    struct state full, cut;
    (void)unused;
    make_full(&full);
    size_t length = print(&full);
    for (size_t i = 0; i < length; i++) {
        /* In memory of its own length, for the sanitizer. */
        char *copy = malloc(i == 0 ? 1 : i);
        assert_non_null(copy);
        memcpy(copy, printed, i);
        state_init(&cut, &memory);
        int rc = state_parse(&cut, copy, i);
        free(copy);
        if (rc != STATE_MALFORMED)
            fail_msg("cut after %zu of %zu octets: %d", i, length, rc);
        assert_empty(&cut);
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
            struct arena arena = arena_make(MEMORY);
            printed[i] = others[k];
            state_init(&damaged, &arena);
            int rc = state_parse(&damaged, printed, length);
            printed[i] = kept;
            if (rc == 0)
                fail_msg("octet %zu made %d: accepted", i, others[k]);
            assert_empty(&damaged);
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
    bool failed = false, succeeded = false;
    (void)unused;
    make_full(&full);
    size_t length = print(&full);
    for (size_t limit = 0; limit < 16000; limit += 100) {
        struct arena small = arena_make(limit);
        state_init(&state, &small);
        int rc = state_parse(&state, printed, length);
        assert_true(rc == STATE_NO_MEMORY || rc == 0);
        failed = failed || rc != 0;
        succeeded = succeeded || rc == 0;
        if (rc != 0)
            assert_empty(&state);
        arena_release(&small);
    }
    assert_true(failed && succeeded);
}

/* --- entries --------------------------------------------------------------------------------- */

static void test_leafs(void **unused)
{
    struct state state;
    struct cert_digests first = leaf_of(1, 1), renewed = leaf_of(1, 2), other = leaf_of(2, 1);
    (void)unused;
    state_init(&state, &memory);
    struct state_pair *pair = state_pair_make(&state, "a");
    assert_null(state_last_leaf(pair));
    add_leaf(&state, "a", 1, 1);
    add_leaf(&state, "a", 1, 1);
    assert_null(pair->leafs->next);
    /* The same key in a new certificate is another leaf: services are to load it. */
    assert_true(state_has_leaf(pair, &first));
    assert_false(state_has_leaf(pair, &renewed));
    assert_true(state_has_key(pair, &renewed));
    assert_false(state_has_key(pair, &other));
    add_leaf(&state, "a", 1, 2);
    add_leaf(&state, "a", 2, 1);
    assert_true(state_same_leaf(state_last_leaf(pair), &other));
    /* What is noted again becomes the last, and stands once. */
    assert_int_equal(state_note_leaf(&state, pair, &pair->leafs->digests), 0);
    assert_true(state_same_leaf(state_last_leaf(pair), &first));
    assert_true(state_same_leaf(&pair->leafs->digests, &renewed));
    assert_null(pair->leafs->next->next->next);
    /* The oldest go first. */
    for (unsigned i = 10; i < 10 + STATE_LEAFS_MOST; i++)
        add_leaf(&state, "a", i, 1);
    struct cert_digests tenth = leaf_of(10, 1);
    assert_true(state_same_leaf(&pair->leafs->digests, &tenth));
    size_t count = 0;
    for (const struct state_leaf *l = pair->leafs; l != NULL; l = l->next)
        count++;
    assert_int_equal(count, STATE_LEAFS_MOST);
}

static void test_labels(void **unused)
{
    struct state state;
    char label[CONF_LABEL_MOST + 2];
    (void)unused;
    state_init(&state, &memory);
    assert_null(state_pair(&state, "b"));
    memset(label, 'x', sizeof label);
    label[sizeof label - 1] = '\0';
    assert_null(state_pair_make(&state, label));
    label[sizeof label - 2] = '\0';
    struct state_pair *pair = state_pair_make(&state, label);
    assert_non_null(pair);
    assert_ptr_equal(state_pair_make(&state, label), pair);
    assert_ptr_equal(state_pair(&state, label), pair);
}

/* Names are DNS names; digests are bytes. */
static void test_records(void **unused)
{
    struct state state;
    struct tlsa one = record_of(1), two = record_of(2);
    (void)unused;
    state_init(&state, &memory);
    struct state_record *r = state_record_make(&state, "_25._tcp.Mail.Example.ORG.", &one);
    assert_string_equal(r->owner, SMTP);
    assert_ptr_equal(state_record(&state, "_25._TCP.mail.example.org", &one), r);
    assert_ptr_equal(state_record_make(&state, SMTP ".", &one), r);
    assert_null(state_record(&state, "_5._tcp.mail.example.org", &one));
    assert_null(state_record(&state, SMTP, &two));
    struct state_record *s = state_record_make(&state, SMTP, &two);
    struct state_record *t = state_record_make(&state, HTTPS, &two);
    state_record_drop(&state, s);
    assert_ptr_equal(state.records, r);
    assert_ptr_equal(r->next, t);
    state_record_drop(&state, r);
    state_record_drop(&state, r);
    assert_ptr_equal(state.records, t);
    state_record_drop(&state, t);
    assert_null(state.records);
}

static void test_owners_and_waits(void **unused)
{
    struct state state;
    struct cert_digests one = leaf_of(1, 1), renewed = leaf_of(1, 2);
    (void)unused;
    state_init(&state, &memory);
    struct state_owner *owner = state_owner_make(&state, "_25._tcp.Mail.example.org.");
    assert_string_equal(owner->name, SMTP);
    assert_ptr_equal(state_owner(&state, SMTP), owner);
    assert_ptr_equal(state_owner_make(&state, SMTP), owner);
    assert_null(state_owner(&state, HTTPS));
    struct state_wait *v = state_wait_make(&state, "_25._tcp.Mail.example.org.", &one);
    assert_ptr_equal(state_wait(&state, SMTP, &one), v);
    assert_ptr_equal(state_wait_make(&state, SMTP, &one), v);
    /* Another certificate of the key is another wait: selector 0 counts. */
    assert_null(state_wait(&state, SMTP, &renewed));
    assert_null(state_wait(&state, HTTPS, &one));
    struct state_wait *w = state_wait_make(&state, SMTP, &renewed);
    state_wait_drop(&state, v);
    assert_ptr_equal(state.waits, w);
    state_wait_drop(&state, v);
    state_wait_drop(&state, w);
    assert_null(state.waits);
}

/* What is told once, until it is over: then it is told again. */
static void test_said(void **unused)
{
    struct state state;
    (void)unused;
    state_init(&state, &memory);
    assert_false(state_said_now(&state, "a"));
    assert_false(state_said(&state, "a"));
    assert_true(state_said(&state, "a"));
    assert_true(state_said_now(&state, "a"));
    assert_false(state_said(&state, "b"));
    state_said_sweep(&state);
    /* The next look: only a is still so. */
    assert_false(state_said_now(&state, "a"));
    assert_true(state_said(&state, "a"));
    state_said_sweep(&state);
    assert_true(state_said(&state, "a"));
    assert_false(state_said(&state, "b"));
    state_said_sweep(&state);
    /* What may still hold is kept, and taken away when it is known to be over. */
    assert_true(state_said_keep(&state, "b"));
    assert_false(state_said_keep(&state, "c"));
    state_said_sweep(&state);
    state_said_forget(&state, "c");
    state_said_forget(&state, "b");
    assert_null(state.said);
    /* It is remembered over calls. */
    assert_false(state_said(&state, "c"));
    char *copy = arena_text(&memory, printed, print(&state));
    assert_int_equal(parse(&state, copy), 0);
    assert_false(state_said_now(&state, "c"));
    assert_true(state_said(&state, "c"));
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
        struct moment then = moment_of(rows[i].boot_then, rows[i].boottime_then, rows[i].wall_then,
                                       rows[i].proven_then);
        struct moment now =
            moment_of(rows[i].boot_now, rows[i].boottime_now, rows[i].wall_now, rows[i].proven_now);
        if (state_elapsed(&then, &now) != rows[i].elapsed)
            fail_msg("row %zu: %lld, not %lld", i, (long long)state_elapsed(&then, &now),
                     (long long)rows[i].elapsed);
    }
}

/* --- lines ----------------------------------------------------------------------------------- */

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

#define D256  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D512  D256 D256
#define TIME  BOOT " 1 2 1"
#define PAIR  "pair a loaded quiet 0\n"
#define OWNER "owner " SMTP " had 1800\n"

/* Lines made by hand that are right: what the next test changes in them is what makes them wrong.
 */
static void test_right_lines(void **unused)
{
    static const char *const lines[] = {
        "pair a loaded quiet 0",
        "pair a reload loading 4294967295",
        PAIR "began a " TIME,
        PAIR "verified a - 1 2 0",
        PAIR "renewed a " TIME,
        PAIR "refused a " D256 " " D256,
        PAIR "leaf a " D256 " " D512 " " D256 " " D512,
        "owner " SMTP " never 0",
        OWNER "lowered " SMTP " " TIME,
        OWNER "denied " SMTP " " TIME,
        "wait " SMTP " " D256 " " D256 " misfit complete " TIME,
        "wait " SMTP " " D256 " " D256 " fits partly -",
        "record " SMTP " 3 1 1 " D256 " sent -",
        "record " SMTP " 3 1 1 " D256 " sent " TIME,
        "record " SMTP " 3 1 1 abcd ours -",
        "record " SMTP " 3 1 1 abcd ours " TIME,
        "record " SMTP " 3 1 0 sha256:" D256 ":65535 sent -",
        "record " SMTP " 3 1 1 - sent -",
        ("said " D256),
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
        "pair a loaded quiet",
        "pair  a loaded quiet 0",
        "pair a loaded quiet 0 ",
        " pair a loaded quiet 0",
        "pair a loaded quiet 0 0",
        "pair a loaded loud 0",
        "pair a Loaded quiet 0",
        "pair a loaded quiet 4294967296",
        "pair a loaded quiet -1",
        "pair aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa loaded quiet 0",
        PAIR "pair a loaded quiet 0",
        "began a " TIME,
        PAIR "began a",
        PAIR "began a -",
        PAIR "began b " TIME,
        PAIR "began a " TIME "\nbegan a " TIME,
        PAIR "began a " BOOT " 1 2",
        PAIR "began a " BOOT " 1 2 2",
        PAIR "began a " BOOT " 1 2 1 1",
        PAIR "began a " BOOT "0 1 2 1",
        PAIR "began a " BOOT " -1 2 1",
        PAIR "verified a " BOOT " 1 2x 1",
        PAIR "renewed a " BOOT " 1 1234567890123 1",
        "refused a " D256 " " D256,
        PAIR "refused a " D256,
        PAIR "refused a " D256 " " D512,
        PAIR "refused a " D256 " " D256 " x",
        PAIR "refused a " D256 " " D256 "\nrefused a " D256 " " D256,
        "leaf a " D256 " " D512 " " D256 " " D512,
        PAIR "leaf a " D256 " " D512 " " D256,
        PAIR "leaf a " D256 " " D512 " " D256 " " D512 " x",
        PAIR "leaf a " D256 " " D256 " " D256 " " D512,
        PAIR "leaf a " D512 " " D512 " " D256 " " D512,
        "owner " SMTP " had",
        "owner " SMTP " had 4294967296",
        "owner " SMTP " has 1800",
        "owner " SMTP " had 1800 x",
        OWNER "owner " SMTP " had 1800",
        "lowered " SMTP " " TIME,
        OWNER "lowered " HTTPS " " TIME,
        OWNER "denied " SMTP " -",
        OWNER "denied " SMTP " " TIME "\ndenied " SMTP " " TIME,
        "wait " SMTP " " D256 " " D256 " misfit complete",
        "wait " SMTP " " D256 " " D256 " misfit complete - -",
        "wait " SMTP " " D256 " " D256 " misfit whole -",
        "wait " SMTP " " D256 " " D256 " fit complete -",
        "wait " SMTP " " D256 " misfit complete -",
        "wait " SMTP " " D512 " " D256 " misfit complete -",
        "wait " SMTP " " D256 " " D256 " fits partly -\nwait " SMTP " " D256 " " D256
        " fits partly -",
        "record " SMTP " 3 1 1 " D256 " ours",
        "record " SMTP " 3 1 1 " D256 " ours - -",
        "record " SMTP " 3 1 256 " D256 " sent -",
        "record " SMTP " 3 1 " D256 " sent -",
        "record " SMTP " 3 1 1 " D256 " mine -",
        "record " SMTP " 3 1 1 abc sent -",
        "record " SMTP " 3 1 1 sha256:" D256 " sent -",
        "record " SMTP " 3 1 1 sha256:" D256 ": sent -",
        "record " SMTP " 3 1 0 sha256:" D256 ":65536 sent -",
        "record " SMTP " 3 1 1 " D512 "00 sent -",
        "record " SMTP " 3 1 1 abcd sent -\nrecord " SMTP " 3 1 1 abcd sent -",
        "said",
        "said " D512,
        "said " D256 " x",
        "recorder x",
        "Pair a loaded quiet 0",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct state state;
        char text[2048];
        (void)snprintf(text, sizeof text, "daneroll state 1\n%s\n", lines[i]);
        seal(text, sizeof text);
        if (parse(&state, text) != STATE_MALFORMED)
            fail_msg("accepted: %s", lines[i]);
        assert_empty(&state);
    }
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(test_round_trip),
        ROW(test_empty_state),
        ROW(test_room),
        ROW(test_every_truncation),
        ROW(test_every_corruption),
        ROW(test_versions),
        ROW(test_no_memory),
        ROW(test_leafs),
        ROW(test_labels),
        ROW(test_records),
        ROW(test_owners_and_waits),
        ROW(test_said),
        ROW(test_elapsed),
        ROW(test_right_lines),
        ROW(test_wrong_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
