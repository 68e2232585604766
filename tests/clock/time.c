/*
 * The clock that a test sets, in place of src/base/time.c (build/test/daneroll-clock is linked with
 * it). The file that DANE_TEST_CLOCK names is read anew at every call; its lines, in any order:
 *
 *     boot ID       the boot id, at most 36 characters; without this line it is empty (unknown)
 *     boottime N    CLOCK_BOOTTIME in seconds
 *     wall N        seconds since 1970, UTC
 *     proven 0|1    whether the kernel's clock is disciplined
 *
 * A line left out counts as 0. `boottime` and `wall` stand still until the file is changed. Only
 * time_ticks goes on by itself, from the file's boottime by the time this process has run, so that
 * deadlines pass; a test that sets boottime forward moves them too. Without the variable or the
 * file the program ends with signal ABRT: no test shall run on the real clock without noticing.
 * Change the file by renaming a new one over it.
 */
#define _GNU_SOURCE /* CLOCK_BOOTTIME, as in the file this stands for */
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FILE_SIZE 512

static void read_file(char text[FILE_SIZE])
{
    const char *path = getenv("DANE_TEST_CLOCK");
    size_t used = 0;
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        abort();
    while (used < FILE_SIZE - 1) {
        ssize_t n = read(fd, text + used, FILE_SIZE - 1 - used);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            abort();
        if (n == 0)
            break;
        used += (size_t)n;
    }
    text[used] = '\0';
    (void)close(fd);
}

/* What stands behind "NAME " on its line, up to the line's end; empty without such a line. */
static void value_of(const char *text, const char *name, char *value, size_t size)
{
    size_t length = strlen(name), used = 0;
    value[0] = '\0';
    while (text != NULL && (strncmp(text, name, length) != 0 || text[length] != ' ')) {
        text = strchr(text, '\n');
        if (text != NULL)
            text++;
    }
    if (text == NULL)
        return;
    for (text += length + 1; *text != '\0' && *text != '\n' && used < size - 1; text++)
        value[used++] = *text;
    value[used] = '\0';
}

static int64_t number_of(const char *text, const char *name)
{
    char value[24], *end;
    value_of(text, name, value, sizeof value);
    long long number = strtoll(value, &end, 10);
    if (*end != '\0')
        abort();
    return number;
}

static int64_t real_ticks(void)
{
    struct timespec t = {0, 0};
    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void time_moment(struct moment *now)
{
    char text[FILE_SIZE];
    read_file(text);
    value_of(text, "boot", now->boot, sizeof now->boot);
    now->boottime = number_of(text, "boottime");
    now->wall = number_of(text, "wall");
    now->proven = number_of(text, "proven") != 0;
}

int64_t time_wall(void)
{
    char text[FILE_SIZE];
    read_file(text);
    return number_of(text, "wall");
}

int64_t time_ticks(void)
{
    static int64_t start = -1;
    char text[FILE_SIZE];
    if (start < 0)
        start = real_ticks();
    read_file(text);
    return number_of(text, "boottime") * 1000 + real_ticks() - start;
}
