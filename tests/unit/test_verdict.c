/* roll/verdict.h: what is looked at again, and what is not. */
#include "pair_files.h"
#include "roll/verdict.h"

#include <unistd.h>

static struct pair_found found;
static struct conf_pair pair;
static const char *const name = "mail.example.org";

/* A look by a call of its own, which knows what the file holds, or by one that is under way. */
static enum pair_code look(struct verdicts *v, const char *host)
{
    pair.label = "test";
    pair.certificate = at("cert");
    pair.private_key = at("key");
    pair.chain = at("trust");
    pair_read(&pair, &found);
    verdict_check(v, &pair, &host, 1, NULL, &found);
    return found.code;
}

static void new_call(struct verdicts *v)
{
    *v = (struct verdicts){.count = 0};
    (void)snprintf(v->path, sizeof v->path, "%s", at("good"));
}

static off_t kept(void)
{
    struct stat s;
    return stat(at("good"), &s) == 0 ? s.st_size : 0;
}

static void good_pair(void)
{
    put_pair("leaf.pem", "leaf.key");
    put("trust", "vectors/ca-root.pem", 0644);
    (void)unlink(at("good"));
}

static void a_good_one_is_kept(void **state)
{
    struct verdicts v;
    (void)state;
    good_pair();
    new_call(&v);
    assert_int_equal(look(&v, name), PAIR_READ);
    assert_int_equal(kept(), 32);
    assert_int_equal(look(&v, name), PAIR_READ);
    new_call(&v);
    assert_int_equal(look(&v, name), PAIR_READ);
    assert_int_equal(kept(), 32);
}

/* The trusted file changes in its place: looked at again, and the verdict is another one. */
static void trust_that_changed(void **state)
{
    struct verdicts v;
    (void)state;
    good_pair();
    new_call(&v);
    assert_int_equal(look(&v, name), PAIR_READ);
    put("trust", "chain/root.pem", 0644);
    assert_int_equal(look(&v, name), PAIR_UNFIT);
    new_call(&v);
    assert_int_equal(look(&v, name), PAIR_UNFIT);
    assert_int_equal(kept(), 32);
    (void)unlink(at("trust"));
    assert_int_equal(look(&v, name), PAIR_FAILED);
}

static void another_name_or_certificate(void **state)
{
    struct verdicts v;
    (void)state;
    good_pair();
    new_call(&v);
    assert_int_equal(look(&v, name), PAIR_READ);
    assert_int_equal(look(&v, "other.example.net"), PAIR_UNFIT);
    /* The same leaf without its issuer. */
    put("cert", "vectors/leaf.pem", 0644);
    assert_int_equal(look(&v, name), PAIR_UNFIT);
    put_pair("leaf-wrongname.pem", "leaf.key");
    assert_int_not_equal(look(&v, name), PAIR_READ);
    assert_int_equal(kept(), 32);
}

static void bad_ones_are_not_kept(void **state)
{
    struct verdicts v;
    (void)state;
    good_pair();
    put("trust", "chain/root.pem", 0644);
    new_call(&v);
    for (int i = 0; i < 3; i++)
        assert_int_equal(look(&v, name), PAIR_UNFIT);
    assert_int_equal(kept(), 0);
}

/* Another day, another look; and dates of the leaf are looked at whatever is known. */
static void days(void **state)
{
    struct verdicts v;
    (void)state;
    good_pair();
    new_call(&v);
    assert_int_equal(look(&v, name), PAIR_READ);
    set_clock("1795700000");
    assert_int_equal(look(&v, name), PAIR_READ);
    assert_int_equal(kept(), 64);
    set_clock("4922899201");
    assert_int_equal(look(&v, name), PAIR_UNFIT);
    assert_int_equal(kept(), 64);
    set_clock(NOW);
}

/* Whatever stands in the file: at most a look more. */
static void a_damaged_file(void **state)
{
    char text[2000];
    struct verdicts v;
    (void)state;
    memset(text, 'x', sizeof text);
    for (size_t length = 0; length <= sizeof text; length += 333) {
        good_pair();
        put_text("good", text, length, 0600);
        new_call(&v);
        assert_int_equal(look(&v, name), PAIR_READ);
        assert_true(v.count >= 1 && v.count <= VERDICTS_MOST);
        assert_int_equal(kept(), (off_t)(32 * v.count));
    }
    /* The oldest go. */
    good_pair();
    new_call(&v);
    for (int day = 0; day < VERDICTS_MOST + 3; day++) {
        (void)snprintf(text, sizeof text, "%ld", 1795600000L + 86400L * day);
        set_clock(text);
        assert_int_equal(look(&v, name), PAIR_READ);
    }
    set_clock(NOW);
    assert_int_equal(kept(), 32 * VERDICTS_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_is_kept),
        cmocka_unit_test(trust_that_changed),
        cmocka_unit_test(another_name_or_certificate),
        cmocka_unit_test(bad_ones_are_not_kept),
        cmocka_unit_test(days),
        cmocka_unit_test(a_damaged_file),
    };
    return cmocka_run_group_tests(tests, files_set_up, files_tear_down);
}
