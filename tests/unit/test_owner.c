#define _GNU_SOURCE /* getpwent, getgrent */
/* base/owner.h, compared with libc's own lookup. */
#include "base/owner.h"

#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static uid_t user;
static gid_t group;

static void test_numbers(void **state)
{
    (void)state;
    assert_int_equal(owner_read("0:0", &user, &group), 0);
    assert_int_equal(user, 0);
    assert_int_equal(group, 0);
    assert_int_equal(owner_read("1234:2147483647", &user, &group), 0);
    assert_int_equal(user, 1234);
    assert_int_equal(group, 2147483647);
}

static void test_left_out(void **state)
{
    static const char *const texts[] = {"", ":"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(owner_read(texts[i], &user, &group), 0);
        assert_true(user == (uid_t)-1 && group == (gid_t)-1);
    }
    assert_int_equal(owner_read("7", &user, &group), 0);
    assert_true(user == 7 && group == (gid_t)-1);
    assert_int_equal(owner_read("7:", &user, &group), 0);
    assert_true(user == 7 && group == (gid_t)-1);
    assert_int_equal(owner_read(":7", &user, &group), 0);
    assert_true(user == (uid_t)-1 && group == 7);
}

static void test_unknown(void **state)
{
    static const char *const users[] = {"nobody-of-that-name:0", "roo:0", "rootx:0", "-1:0",
                                        "2147483648:0",          "0x0:0", " 0:0",    "1 :0",
                                        "99999999999999999999:0"};
    static const char *const groups[] = {
        "0:no-group-of-that-name", "0:-1", "0:0:0", "0:4294967295", "0:roo", "0:root:"};
    (void)state;
    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
        assert_int_equal(owner_read(users[i], &user, &group), OWNER_NO_USER);
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        assert_int_equal(owner_read(groups[i], &user, &group), OWNER_NO_GROUP);
}

/* Every user and group of this machine. */
static void test_all_names(void **state)
{
    char text[256];
    const struct passwd *p;
    const struct group *g;
    unsigned count = 0;
    (void)state;
    setpwent();
    while ((p = getpwent()) != NULL) {
        (void)snprintf(text, sizeof text, "%s:0", p->pw_name);
        assert_int_equal(owner_read(text, &user, &group), 0);
        assert_int_equal(user, p->pw_uid);
        count++;
    }
    endpwent();
    setgrent();
    while ((g = getgrent()) != NULL) {
        (void)snprintf(text, sizeof text, "0:%s", g->gr_name);
        assert_int_equal(owner_read(text, &user, &group), 0);
        assert_int_equal(group, g->gr_gid);
        count++;
    }
    endgrent();
    assert_true(count > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_all_names),
    };
    return cmocka_run_group_tests_name("owner", tests, NULL, NULL);
}
