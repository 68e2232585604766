/*
 * For test_pair.c and test_install.c: a directory of its own with files put together from
 * tests/data, and the tests' clock.
 */
#ifndef TESTS_PAIR_FILES_H
#define TESTS_PAIR_FILES_H

#include "../clock/time.c"
#include "net/tls.h"
#include "roll/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define DATA "tests/data/"
#define NOW  "1795600000" /* 2026-11-25 */

static char directory[] = "/tmp/daneroll-test-XXXXXX";

/* A path in the directory; good for eight calls more. */
static inline const char *at(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    (void)snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static inline void put_text(const char *name, const char *text, size_t length, mode_t mode)
{
    FILE *f = fopen(at(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, length, f), length);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(at(name), mode), 0);
}

static inline size_t read_text(const char *path, char *text, size_t size)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t length = fread(text, 1, size, f);
    assert_true(length < size);
    (void)fclose(f);
    return length;
}

/* FILES of tests/data, parted by blanks, one behind the other. */
static inline void put(const char *name, const char *files, mode_t mode)
{
    static char text[100000];
    char words[256], path[160];
    size_t used = 0;
    (void)snprintf(words, sizeof words, "%s", files);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        (void)snprintf(path, sizeof path, DATA "%s", word);
        used += read_text(path, text + used, sizeof text - used);
    }
    put_text(name, text, used, mode);
}

/* Key and chain of a leaf of tests/data/vectors. */
static inline void put_pair(const char *leaf, const char *key)
{
    char files[160];
    (void)snprintf(files, sizeof files, "vectors/%s vectors/ca-issuer.pem", leaf);
    put("cert", files, 0644);
    (void)snprintf(files, sizeof files, "vectors/%s", key);
    put("key", files, 0600);
}

static inline void set_clock(const char *wall)
{
    char text[32];
    int length = snprintf(text, sizeof text, "wall %s\n", wall);
    put_text("clock", text, (size_t)length, 0600);
}

static inline int files_set_up(void **state)
{
    uint8_t byte;
    (void)state;
    if (mkdtemp(directory) == NULL || tls_random(&byte, 1) != 0)
        return -1;
    set_clock(NOW);
    return setenv("DANE_TEST_CLOCK", at("clock"), 1);
}

static inline int files_tear_down(void **state)
{
    char command[300];
    (void)state;
    (void)snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}

#endif
