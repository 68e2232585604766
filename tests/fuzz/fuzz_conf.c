/*
 * The configuration: any file, options and variables. Parts of the input are parted by 0x1e: the
 * first is the file, then "--name=value" for an option, "NAME=value" for a variable; with an option
 * --host the file is not read.
 */
/* memfd_create: the file without a disk. */
#define _GNU_SOURCE
#include "base/arena.h"
#include "conf/conf.h"
#include "dane/combination.h"
#include "dane/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTING    0x1e
#define PARTS_MOST 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct conf_key cloud_keys[] = {
    {.name = "token", .kind = CONF_SECRET, .help = ""},
    {.name = "token-file", .kind = CONF_PATH, .help = ""},
    {.name = "zone", .kind = CONF_NAME, .help = ""},
    {.name = "endpoint", .kind = CONF_URL, .preset = "https://a.example/v4", .help = ""},
};
static const struct conf_provider_kind kinds[] = {{"cloudflare", cloud_keys, 4}};
static struct conf_service names[16];

static void check(bool good)
{
    if (!good)
        abort();
}

static void complain(void *context, const char *where, const char *text)
{
    check(where[0] != '\0' && text[0] != '\0');
    ++*(int *)context;
}

static void show(void *context, const char *line)
{
    (void)context;
    check(line[0] == '[' && strlen(line) < 4096);
}

/* What every accepted configuration promises to the engine. */
static void check_promises(const struct conf *conf)
{
    check(conf->hosts_count > 0 && conf->state != NULL);
    for (size_t i = 0; i < conf->hosts_count; i++) {
        const struct conf_host *h = &conf->hosts[i];
        check(strlen(h->name) < 254 && h->provider < conf->providers_count);
        check(h->services_count > 0 && h->pairs_count > 0 && h->records_count > 0 && h->ttl > 0);
        for (size_t j = 0; j < h->pairs_count; j++)
            check(h->pairs[j] < conf->pairs_count &&
                  conf->pairs[h->pairs[j]].certificate[0] != '\0');
        check(conf->providers[h->provider].kind == &kinds[0]);
    }
}

static void load(int fd, const struct conf_given *given, char *const environment[])
{
    struct conf_tables tables = {.providers = kinds,
                                 .providers_count = 1,
                                 .services = names,
                                 .services_count = services_count,
                                 .service_port = service_port,
                                 .record_check = combination_check};
    struct arena arena = arena_make((size_t)1 << 20);
    struct conf conf;
    int faults = 0;
    for (size_t i = 0; i < services_count; i++)
        names[i] = (struct conf_service){services[i].name, services[i].port};
    int rc = conf_load(&conf, &tables, given, environment, &arena, complain, &faults);
    check(rc == -faults);
    if (rc == 0)
        check_promises(&conf);
    conf_show(&conf, show, NULL);
    conf_wipe(&conf);
    arena_release(&arena);
    check(fd < 0 || close(fd) == 0);
}

static int make_file(const char *bytes, size_t length)
{
    int fd = memfd_create("conf", MFD_CLOEXEC);
    check(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, bytes, length) == (ssize_t)length);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], *environment[PARTS_MOST + 1] = {NULL};
    struct conf_given given = {.count = 0};
    size_t variables = 0;
    bool alone = false;
    char *copy = malloc(size + 1);
    check(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    copy[size] = '\0';
    char *parting = memchr(copy, PARTING, size);
    size_t file_length = parting == NULL ? size : (size_t)(parting - copy);
    int fd = make_file(copy, file_length);
    char *at = parting == NULL ? copy + size : parting + 1;
    for (size_t i = 0; i < PARTS_MOST && *at != '\0'; i++) {
        char *end = strchr(at, PARTING), *next = end == NULL ? at + strlen(at) : end + 1;
        if (end != NULL)
            *end = '\0';
        if (strncmp(at, "--", 2) == 0) {
            char *equals = strchr(at, '=');
            if (equals != NULL)
                *equals++ = '\0';
            alone = alone || strcmp(at, "--host") == 0;
            given.items[given.count].name = at + 2;
            given.items[given.count++].value = equals;
        } else {
            environment[variables++] = at;
        }
        at = next;
    }
    if (!alone) {
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        given.items[given.count].name = "config";
        given.items[given.count++].value = path;
    }
    load(fd, &given, environment);
    free(copy);
    return 0;
}
