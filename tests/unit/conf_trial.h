/*
 * Loading configurations in tests: the tables, a file in a temporary folder, and the complaints as
 * one text. For test_conf.c and test_options.c.
 */
#ifndef UNIT_CONF_TRIAL_H
#define UNIT_CONF_TRIAL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "conf/conf.h"
#include "dane/combination.h"
#include "dane/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct conf_key trial_cloud_keys[] = {
    {.name = "token", .kind = CONF_SECRET, .help = "the token"},
    {.name = "token-file", .kind = CONF_PATH, .help = "a file with the token"},
    {.name = "zone", .kind = CONF_NAME, .help = "the zone"},
    {.name = "endpoint",
     .kind = CONF_URL,
     .preset = "https://api.example.net/v4",
     .help = "the address of the API"},
};
static const struct conf_key trial_other_keys[] = {
    {.name = "account", .kind = CONF_TEXT, .help = "the account"},
};
static const struct conf_provider_kind trial_kinds[] = {
    {"cloudflare", trial_cloud_keys, 4},
    {"otherdns", trial_other_keys, 1},
};
static struct conf_service trial_services[16];

static inline struct conf_tables trial_tables(void)
{
    for (size_t i = 0; i < services_count && i < 16; i++)
        trial_services[i] = (struct conf_service){services[i].name, services[i].port};
    return (struct conf_tables){.providers = trial_kinds,
                                .providers_count = 2,
                                .services = trial_services,
                                .services_count = services_count,
                                .service_port = service_port,
                                .record_check = combination_check};
}

/* Texts of complaints, one a line, with the folder's name taken out. */
#define TRIAL_SAID_SIZE 65536
#define TRIAL_WORDS     24

struct trial {
    struct conf conf;
    struct conf_tables tables;
    struct conf_given given;
    char *environment[TRIAL_WORDS];
    size_t environment_count;
    struct arena arena;
    char folder[64], path[96];
    char said[TRIAL_SAID_SIZE];
    char shown[TRIAL_SAID_SIZE];
    int faults; /* as complained */
    int rc;     /* as returned */
};

/* "FILE:3" instead of "/tmp/conf-abc/daneroll.conf:3". */
static inline void trial_append(struct trial *t, char *to, const char *prefix, const char *text)
{
    size_t used = strlen(to), length = strlen(t->path);
    (void)snprintf(to + used, TRIAL_SAID_SIZE - used, "%s%s\n", prefix, text);
    for (char *at = to + used; length > 0 && (at = strstr(at, t->path)) != NULL;) {
        memcpy(at, "FILE", 4);
        memmove(at + 4, at + length, strlen(at + length) + 1);
    }
}

static inline void trial_complain(void *context, const char *where, const char *text)
{
    struct trial *t = context;
    char prefix[512];
    t->faults++;
    (void)snprintf(prefix, sizeof prefix, "%s: ", where);
    trial_append(t, t->said, prefix, text);
}

static inline void trial_show(void *context, const char *line)
{
    struct trial *t = context;
    trial_append(t, t->shown, "", line);
}

static inline struct trial *trial_begin(void)
{
    struct trial *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->tables = trial_tables();
    t->arena = arena_make((size_t)4 << 20);
    (void)strcpy(t->folder, "/tmp/test_conf-XXXXXX");
    assert_non_null(mkdtemp(t->folder));
    (void)snprintf(t->path, sizeof t->path, "%s/daneroll.conf", t->folder);
    return t;
}

static inline void trial_end(struct trial *t)
{
    conf_wipe(&t->conf);
    arena_release(&t->arena);
    (void)unlink(t->path);
    assert_int_equal(rmdir(t->folder), 0);
    for (size_t i = 0; i < t->environment_count; i++)
        free(t->environment[i]);
    free(t);
}

static inline void trial_option(struct trial *t, const char *name, const char *value)
{
    assert_true(t->given.count < CONF_GIVEN_MOST);
    t->given.items[t->given.count].name = name;
    t->given.items[t->given.count++].value = value;
}

/* Variables are copied: conf_wipe overwrites a secret where it stands. */
static inline void trial_variable(struct trial *t, const char *text)
{
    assert_true(t->environment_count + 1 < TRIAL_WORDS);
    t->environment[t->environment_count] = strdup(text);
    assert_non_null(t->environment[t->environment_count++]);
}

static inline void trial_write(struct trial *t, const void *text, size_t length, mode_t mode)
{
    FILE *f = fopen(t->path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, length, f), length);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(t->path, mode), 0);
}

static inline void trial_load(struct trial *t)
{
    t->rc =
        conf_load(&t->conf, &t->tables, &t->given, t->environment, &t->arena, trial_complain, t);
    assert_int_equal(t->rc, -t->faults);
    if (t->rc == 0)
        conf_show(&t->conf, trial_show, t);
}

/* A file with this text, mode 0600, by --config. */
static inline void trial_file(struct trial *t, const char *text)
{
    trial_write(t, text, strlen(text), 0600);
    trial_option(t, "config", t->path);
    trial_load(t);
}

static inline void expect_good(const struct trial *t)
{
    assert_string_equal(t->said, "");
    assert_int_equal(t->rc, 0);
}

static inline void expect_said(const struct trial *t, const char *said)
{
    if (strstr(t->said, said) == NULL)
        fail_msg("expected \"%s\" in:\n%s", said, t->said);
}

static inline void expect_shown(const struct trial *t, const char *line)
{
    if (strstr(t->shown, line) == NULL)
        fail_msg("expected \"%s\" in:\n%s", line, t->shown);
}

#endif
