/* base/file.h, in a directory of its own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static char directory[] = "/tmp/test_file.XXXXXX";
static int top; /* where the test was started */

static int enter(void **state)
{
    (void)state;
    top = open(".", O_RDONLY | O_DIRECTORY);
    return top >= 0 && mkdtemp(directory) != NULL && chdir(directory) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    static const char *const names[] = {"file", "file.new", "link", "d/file", "d/e/f", "d/e", "d"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (unlink(names[i]) != 0)
            (void)rmdir(names[i]);
    }
    int rc = fchdir(top) == 0 && rmdir(directory) == 0 ? 0 : -1;
    (void)close(top);
    return rc;
}

static void put(const char *path, const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

/* ---- reading ---- */

static void test_read(void **state)
{
    char bytes[8];
    (void)state;
    put("file", "12345", 0644);
    assert_int_equal(file_read("file", bytes, sizeof bytes), 5);
    assert_memory_equal(bytes, "12345", 5);
    assert_int_equal(file_read("file", bytes, 5), 5);
    assert_int_equal(file_read("file", bytes, 4), FILE_TOO_BIG);
    put("file", "", 0644);
    assert_int_equal(file_read("file", bytes, sizeof bytes), 0);
    assert_int_equal(file_read("file", bytes, 0), 0);
}

static void test_read_what_is_no_file(void **state)
{
    char bytes[8];
    (void)state;
    assert_int_equal(file_read("absent", bytes, sizeof bytes), FILE_ABSENT);
    assert_int_equal(file_read("absent/file", bytes, sizeof bytes), FILE_ABSENT);
    put("file", "x", 0644);
    assert_int_equal(file_read("file/below", bytes, sizeof bytes), FILE_ABSENT);
    assert_int_equal(file_read(".", bytes, sizeof bytes), FILE_NOT_PLAIN);
    assert_int_equal(file_read_secret(".", bytes, sizeof bytes), FILE_NOT_PLAIN);
}

static void test_read_standard_input(void **state)
{
    char bytes[16];
    int pipes[2], kept = dup(STDIN_FILENO);
    (void)state;
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], "from a pipe", 11), 11);
    assert_int_equal(close(pipes[1]), 0);
    assert_int_equal(dup2(pipes[0], STDIN_FILENO), STDIN_FILENO);
    assert_int_equal(file_read_input(bytes, sizeof bytes), 11);
    assert_memory_equal(bytes, "from a pipe", 11);
    assert_int_equal(file_read_input(bytes, sizeof bytes), 0);
    /* Only `digest` takes "-" for it: a pair is read more than once. */
    assert_int_equal(file_read("-", bytes, sizeof bytes), FILE_ABSENT);
    assert_int_equal(dup2(kept, STDIN_FILENO), STDIN_FILENO);
    (void)close(kept);
    (void)close(pipes[0]);
}

static void test_read_secret(void **state)
{
    static const mode_t exposed[] = {0640, 0604, 0660, 0610, 0601, 0602, 0644};
    char bytes[8];
    (void)state;
    put("file", "token", 0600);
    assert_int_equal(file_read_secret("file", bytes, sizeof bytes), 5);
    put("file", "token", 0400);
    assert_int_equal(file_read_secret("file", bytes, sizeof bytes), 5);
    for (size_t i = 0; i < sizeof exposed / sizeof exposed[0]; i++) {
        memset(bytes, 'x', sizeof bytes);
        assert_int_equal(chmod("file", exposed[i]), 0);
        assert_int_equal(file_read_secret("file", bytes, sizeof bytes), FILE_EXPOSED);
        assert_memory_equal(bytes, "xxxxxxxx", sizeof bytes);
    }
    assert_int_equal(file_read_secret("absent", bytes, sizeof bytes), FILE_ABSENT);
}

/* ---- replacing ---- */

static void test_replace(void **state)
{
    char bytes[16];
    (void)state;
    assert_int_equal(file_replace("file", "first", 5, 0600), 0);
    assert_int_equal(mode_of("file"), 0600);
    assert_int_equal(file_replace("file", "second one", 10, 0644), 0);
    assert_int_equal(mode_of("file"), 0644);
    assert_int_equal(file_read("file", bytes, sizeof bytes), 10);
    assert_memory_equal(bytes, "second one", 10);
    assert_int_equal(access("file.new", F_OK), -1);
    assert_int_equal(file_replace("file", "", 0, 0600), 0);
    assert_int_equal(file_read("file", bytes, sizeof bytes), 0);
}

static void test_replace_whatever_the_umask(void **state)
{
    (void)state;
    mode_t former = umask(0777);
    assert_int_equal(file_replace("file", "x", 1, 0640), 0);
    (void)umask(former);
    assert_int_equal(mode_of("file"), 0640);
}

static void test_replace_after_a_killed_run(void **state)
{
    char bytes[16];
    (void)state;
    put("file.new", "half a fi", 0666);
    assert_int_equal(file_replace("file", "whole", 5, 0600), 0);
    assert_int_equal(mode_of("file"), 0600);
    assert_int_equal(file_read("file", bytes, sizeof bytes), 5);
    /* A link that stands in the way is not followed. */
    put("file", "mine", 0600);
    assert_int_equal(symlink("file", "file.new"), 0);
    assert_int_equal(file_replace("link", "other", 5, 0600), 0);
    assert_int_equal(unlink("link"), 0);
    assert_int_equal(file_replace("file", "newer", 5, 0600), 0);
    assert_int_equal(file_read("file", bytes, sizeof bytes), 5);
    assert_memory_equal(bytes, "newer", 5);
}

static void test_failed_replace_leaves_the_former(void **state)
{
    char bytes[16], path[5000];
    (void)state;
    put("file", "former", 0600);
    /* A directory in the way of the temporary file. */
    assert_int_equal(mkdir("file.new", 0700), 0);
    assert_int_equal(file_replace("file", "next", 4, 0600), FILE_FAILED);
    assert_int_equal(rmdir("file.new"), 0);
    assert_int_equal(file_read("file", bytes, sizeof bytes), 6);
    assert_memory_equal(bytes, "former", 6);
    assert_int_equal(file_replace("absent/file", "x", 1, 0600), FILE_FAILED);
    assert_int_equal(errno, ENOENT);
    /* A directory in the file's own place: the temporary file does not stay. */
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(file_replace("d", "x", 1, 0600), FILE_FAILED);
    assert_int_equal(access("d.new", F_OK), -1);
    assert_int_equal(rmdir("d"), 0);
    memset(path, 'a', sizeof path);
    path[sizeof path - 1] = '\0';
    assert_int_equal(file_replace(path, "x", 1, 0600), FILE_FAILED);
    assert_int_equal(errno, ENAMETOOLONG);
}

/* ---- keys, and files of an open directory ---- */

static void test_read_key(void **state)
{
    char bytes[8];
    (void)state;
    put("file", "key", 0640);
    assert_int_equal(file_read_key("file", bytes, sizeof bytes), 3);
    assert_int_equal(chmod("file", 0644), 0);
    /* mkdtemp's directory lets nobody through, and so hides it; a link leads to where it is. */
    assert_int_equal(file_read_key("file", bytes, sizeof bytes), 3);
    assert_int_equal(chmod(directory, 0755), 0);
    assert_int_equal(file_read_key("file", bytes, sizeof bytes), FILE_EXPOSED);
    assert_int_equal(symlink("file", "link"), 0);
    assert_int_equal(file_read_key("link", bytes, sizeof bytes), FILE_EXPOSED);
    assert_int_equal(chmod("file", 0660), 0);
    assert_int_equal(file_read_key("link", bytes, sizeof bytes), 3);
    assert_int_equal(chmod("file", 0602), 0);
    assert_int_equal(file_read_key("file", bytes, sizeof bytes), FILE_EXPOSED);
    assert_int_equal(chmod(directory, 0700), 0);
    assert_int_equal(file_read_key("absent", bytes, sizeof bytes), FILE_ABSENT);
    assert_int_equal(unlink("link"), 0);
}

static void test_read_in(void **state)
{
    char bytes[8];
    int d = open(".", O_RDONLY | O_DIRECTORY);
    (void)state;
    assert_true(d >= 0);
    put("file", "12345", 0600);
    assert_int_equal(file_read_in(d, "file", bytes, sizeof bytes), 5);
    assert_memory_equal(bytes, "12345", 5);
    assert_int_equal(file_read_in(d, "file", bytes, 4), FILE_TOO_BIG);
    assert_int_equal(symlink("file", "link"), 0);
    assert_int_equal(file_read_in(d, "link", bytes, sizeof bytes), FILE_NOT_PLAIN);
    assert_int_equal(unlink("link"), 0);
    assert_int_equal(file_read_in(d, "absent", bytes, sizeof bytes), FILE_ABSENT);
    assert_int_equal(mkdir("d", 0700), 0);
    assert_int_equal(file_read_in(d, "d", bytes, sizeof bytes), FILE_NOT_PLAIN);
    assert_int_equal(rmdir("d"), 0);
    /* A pipe without a writer: it does not wait for one. */
    assert_int_equal(mkfifo("link", 0600), 0);
    assert_int_equal(file_read_in(d, "link", bytes, sizeof bytes), 0);
    assert_int_equal(unlink("link"), 0);
    assert_int_equal(close(d), 0);
}

static void test_sync(void **state)
{
    (void)state;
    assert_int_equal(file_sync_directory_of("whatever"), 0);
    assert_int_equal(file_sync_directory_of("/whatever"), 0);
    assert_int_equal(file_sync_directory_of("absent/whatever"), FILE_FAILED);
    assert_int_equal(errno, ENOENT);
}

/* ---- directories ---- */

static void test_make_directory(void **state)
{
    (void)state;
    assert_int_equal(file_make_directory("d/e/f", 0700), 0);
    assert_int_equal(mode_of("d"), 0700);
    assert_int_equal(mode_of("d/e/f"), 0700);
    assert_int_equal(file_make_directory("d/e/f", 0755), 0);
    assert_int_equal(mode_of("d/e/f"), 0700);
    assert_int_equal(file_make_directory("d/e/f/", 0700), 0);
    put("d/file", "x", 0600);
    assert_int_equal(file_make_directory("d/file", 0700), FILE_FAILED);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(file_make_directory("d/file/g", 0700), FILE_FAILED);
    assert_int_equal(file_make_directory("", 0700), FILE_FAILED);
}

static void test_words(void **state)
{
    (void)state;
    for (int error = FILE_NOT_PLAIN; error < 0; error++)
        assert_true(strlen(file_error(error)) > 0);
    errno = EACCES;
    assert_string_equal(file_error(FILE_FAILED), strerror(EACCES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_read_what_is_no_file),
        cmocka_unit_test(test_read_standard_input),
        cmocka_unit_test(test_read_secret),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_replace_whatever_the_umask),
        cmocka_unit_test(test_replace_after_a_killed_run),
        cmocka_unit_test(test_failed_replace_leaves_the_former),
        cmocka_unit_test(test_read_key),
        cmocka_unit_test(test_read_in),
        cmocka_unit_test(test_sync),
        cmocka_unit_test(test_make_directory),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests_name("file", tests, enter, leave);
}
