/*
 * A UCI file of any content, behind a line that makes it one. What is accepted is written again in
 * the form of daneroll.conf(5), from the lines of conf_show, and must give an equal configuration.
 */
/* memfd_create: the file without a disk. */
#define _GNU_SOURCE
#include "../unit/conf_dump.h"
#include "base/arena.h"
#include "conf/conf.h"
#include "dane/combination.h"
#include "dane/service.h"
#include "provider/provider.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE   "package daneroll\n"
#define KINDS_MOST   8
#define TITLES_MOST  64
#define TEXT_SIZE    (1U << 20)
#define INI_LINE     1097
#define MEMORY       ((size_t)1 << 20)
#define SECRET_SHOWN "(set)"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What conf_show says, sorted into sections. */
struct written {
    size_t count;
    char *titles[TITLES_MOST], *bodies[TITLES_MOST];
    bool lossy; /* daneroll.conf(5) cannot say it, or conf_show does not show it whole */
};

static struct conf_provider_kind kinds[KINDS_MOST];
static struct conf_service names[32];
static char first[TEXT_SIZE], second[TEXT_SIZE];

static void check(bool good)
{
    if (!good)
        abort();
}

static struct conf_tables make_tables(void)
{
    struct conf_tables t = {.providers = kinds,
                            .services = names,
                            .service_port = service_port,
                            .record_check = combination_check};
    for (size_t i = 0; i < provider_types_count && i < KINDS_MOST; i++)
        kinds[t.providers_count++] = (struct conf_provider_kind){
            provider_types[i]->name, provider_types[i]->keys, provider_types[i]->keys_count};
    for (size_t i = 0; i < services_count && i < 32; i++)
        names[t.services_count++] = (struct conf_service){services[i].name, services[i].port};
    return t;
}

static void complain(void *context, const char *where, const char *text)
{
    check(where[0] != '\0' && text[0] != '\0' && strchr(text, '\n') == NULL);
    ++*(int *)context;
}

/* The tables and what a configuration was read from must outlive it: one at a time. */
static int load(struct conf *conf, struct arena *arena, const char *bytes, size_t length)
{
    static char path[64];
    static struct conf_given given;
    static struct conf_tables tables;
    char *environment[] = {NULL};
    int faults = 0, fd = memfd_create("conf", MFD_CLOEXEC);
    check(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, bytes, length) == (ssize_t)length);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    tables = make_tables();
    given.count = 1;
    given.items[0].name = "config";
    given.items[0].value = path;
    *arena = arena_make(MEMORY);
    int rc = conf_load(conf, &tables, &given, environment, arena, complain, &faults);
    check(rc == -faults && close(fd) == 0);
    return rc;
}

/* "[host mx] ttl = 60  (/proc/self/fd/3:7)" becomes a line of the section's body. */
static void take_shown(void *context, const char *line)
{
    struct written *w = context;
    const char *close = strstr(line, "] "), *where = NULL;
    check(line[0] == '[' && close != NULL);
    for (const char *at = line; (at = strstr(at, "  (")) != NULL; at++)
        where = at;
    check(where != NULL);
    const char *equals = strstr(close, " = ");
    check(equals != NULL);
    const char *value = equals + 3;
    size_t title = (size_t)(close + 1 - line), length = (size_t)(where - close - 2), i = 0;
    bool blank = where <= value || value[0] == ' ' || where[-1] == ' ';
    if (strcmp(where, "  (default)") == 0)
        return;
    w->lossy = w->lossy || blank || length > INI_LINE || memchr(line, '?', strlen(line)) != NULL;
    while (i < w->count &&
           (strlen(w->titles[i]) != title || memcmp(w->titles[i], line, title) != 0))
        i++;
    if (i == TITLES_MOST) {
        w->lossy = true;
        return;
    }
    if (i == w->count) {
        w->titles[i] = strndup(line, title);
        w->bodies[i] = strdup("");
        w->count++;
    }
    size_t used = strlen(w->bodies[i]);
    w->bodies[i] = realloc(w->bodies[i], used + length + 2);
    check(w->bodies[i] != NULL && w->titles[i] != NULL);
    memcpy(w->bodies[i] + used, close + 2, length);
    memcpy(w->bodies[i] + used + length, "\n", 2);
}

/* Replaces secrets by what is shown of them. */
static void hide_secrets(struct conf *conf)
{
    for (size_t i = 0; i < conf->providers_count; i++) {
        struct conf_provider *p = &conf->providers[i];
        for (size_t j = 0; j < p->kind->keys_count; j++) {
            if (p->kind->keys[j].kind == CONF_SECRET && p->values[j] != NULL)
                p->values[j] = SECRET_SHOWN;
        }
    }
}

static void dump(char text[TEXT_SIZE], struct conf *conf)
{
    struct dump d = {text, TEXT_SIZE, 0};
    hide_secrets(conf);
    dump_conf(&d, conf);
}

static void write_again(struct written *w)
{
    struct conf conf;
    struct arena arena;
    struct dump ini = {malloc(TEXT_SIZE), TEXT_SIZE, 0};
    check(ini.text != NULL);
    for (size_t i = 0; i < w->count; i++)
        dump_put(&ini, "%s\n%s", w->titles[i], w->bodies[i]);
    check(load(&conf, &arena, ini.text, ini.used) == 0);
    dump(second, &conf);
    check(strcmp(first, second) == 0);
    arena_release(&arena);
    free(ini.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct written w = {.count = 0};
    struct conf conf;
    struct arena arena;
    char *text = malloc(strlen(FIRST_LINE) + size);
    check(text != NULL);
    memcpy(text, FIRST_LINE, strlen(FIRST_LINE));
    if (size > 0)
        memcpy(text + strlen(FIRST_LINE), data, size);
    int rc = load(&conf, &arena, text, strlen(FIRST_LINE) + size);
    if (rc == 0) {
        conf_show(&conf, take_shown, &w);
        dump(first, &conf);
        if (!w.lossy)
            write_again(&w);
    } else {
        conf_wipe(&conf);
    }
    for (size_t i = 0; i < w.count; i++) {
        free(w.titles[i]);
        free(w.bodies[i]);
    }
    arena_release(&arena);
    free(text);
    return 0;
}
