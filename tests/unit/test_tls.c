/*
 * What of TLS needs no server: the clock that cannot be right, and where random bytes come from.
 * The clock is the tests' own, tests/clock/time.c, and is tested here too. The rest:
 * tests/e2e/test_tls.py.
 */
#include "../clock/time.c"
#include "net/net.h"
#include "net/tls.h"

#if __has_include(<linux/seccomp.h>)
#include <linux/filter.h>
#include <linux/seccomp.h>
#define HAVE_SECCOMP
#endif
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

static char directory[64], path[96];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(directory, sizeof directory, "/tmp/daneroll-test-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    (void)snprintf(path, sizeof path, "%s/clock", directory);
    return setenv("DANE_TEST_CLOCK", path, 1);
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory);
}

static void set_clock(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void clock_of_a_file(void **state)
{
    struct moment now;
    (void)state;
    set_clock(
        "wall 1800000000\nproven 1\nboottime 1000\nboot 01234567-89ab-cdef-0123-456789abcdef\n");
    time_moment(&now);
    assert_string_equal(now.boot, "01234567-89ab-cdef-0123-456789abcdef");
    assert_int_equal(now.boottime, 1000);
    assert_int_equal(now.wall, 1800000000);
    assert_true(now.proven);
    assert_true(time_is_set());
    int64_t first = time_ticks();
    assert_in_range(first, 1000000, 1060000);
    while (time_ticks() == first)
        ; /* it goes on by itself, within a few milliseconds */
    set_clock("boottime 5000\nwall 0");
    assert_in_range(time_ticks(), 5000000, 5060000);
    time_moment(&now);
    assert_string_equal(now.boot, "");
    assert_int_equal(now.boottime, 5000);
    assert_false(now.proven);
    assert_false(time_is_set());
    assert_int_equal(time_wall(), 0);
}

static void clock_not_set(void **state)
{
    const struct trust trust = {.path = NULL};
    struct tls t;
    struct net_words why;
    char text[64];
    (void)state;
    (void)snprintf(text, sizeof text, "wall %lld\n", (long long)TIME_RELEASE - 1);
    set_clock(text);
    /* A name that cannot be looked up: had that been tried, it would be another error. */
    assert_int_equal(tls_connect(&t, &trust, "nowhere.invalid", 443, 1, time_ticks() + 10000, &why),
                     NET_CLOCK);
    assert_null(t.session);
    assert_int_equal(t.tcp.fd, -1);
    assert_non_null(strstr(why.text, "clock not set"));
    assert_null(strstr(why.text, "not yet valid"));
    tls_close(&t);
    (void)snprintf(text, sizeof text, "wall %lld\n", (long long)TIME_RELEASE);
    set_clock(text);
    assert_int_equal(tls_connect(&t, &trust, "1.2.3.4.5.6", 443, 1, time_ticks() + 10000, &why),
                     NET_NO_ADDRESS);
    assert_null(t.session);
}

static void random_bytes(void **state)
{
    uint8_t a[600], b[600];
    unsigned seen[256] = {0}, kinds = 0;
    (void)state;
    memset(a, 0, sizeof a);
    memset(b, 0, sizeof b);
    assert_int_equal(tls_random(a, sizeof a), 0);
    assert_int_equal(tls_random(b, sizeof b - 1), 0);
    assert_memory_not_equal(a, b, 32);
    assert_memory_not_equal(a + 568, b + 567, 32);
    assert_int_equal(b[599], 0);
    for (size_t i = 0; i < sizeof a; i++)
        kinds += seen[a[i]]++ == 0;
    /* 230 of 256 are expected; below 150 it is not chance. */
    assert_true(kinds > 150);
    assert_int_equal(tls_random(a, 0), 0);
}

/*
 * A target's unit tests are made with musl's headers alone, and qemu-user refuses every seccomp
 * filter, as it would hit qemu's own system calls: nothing to try there.
 */
#ifdef HAVE_SECCOMP
/* A kernel that answers ENOSYS to getrandom, and EACCES to the opening of files where asked. */
static bool old_kernel(bool without_files)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getrandom, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, without_files ? SECCOMP_RET_ERRNO | EACCES : SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum { CHILD_FILTER_FAILED = 100, CHILD_SAME = 101 };

/* What tls_random says in a child on such a kernel, as a positive number. */
static int random_on_old_kernel(bool without_files)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        uint8_t a[32] = {0}, b[32] = {0};
        if (!old_kernel(without_files))
            _exit(CHILD_FILTER_FAILED);
        int rc = tls_random(a, sizeof a);
        if (rc == 0)
            rc = tls_random(b, sizeof b);
        _exit(rc == 0 && memcmp(a, b, sizeof a) == 0 ? CHILD_SAME : -rc);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void random_without_getrandom(void **state)
{
    (void)state;
    assert_int_equal(random_on_old_kernel(false), 0);
    assert_int_equal(random_on_old_kernel(true), -NET_NO_ENTROPY);
}
#else
static void random_without_getrandom(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_of_a_file),
        cmocka_unit_test(clock_not_set),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(random_without_getrandom),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
