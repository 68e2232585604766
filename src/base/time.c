/* syscall clocks beyond POSIX.1-2008: CLOCK_BOOTTIME and adjtimex. */
#define _GNU_SOURCE
#include "base/time.h"

#include <fcntl.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

/* Read once: a process does not outlive its boot. */
static void read_boot_id(char boot[TIME_BOOT_SIZE])
{
    static char known[TIME_BOOT_SIZE];
    memcpy(boot, known, TIME_BOOT_SIZE);
    if (known[0] != '\0')
        return;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (read(fd, boot, TIME_BOOT_SIZE - 1) != TIME_BOOT_SIZE - 1)
        memset(boot, 0, TIME_BOOT_SIZE);
    memcpy(known, boot, TIME_BOOT_SIZE);
    (void)close(fd);
}

static bool kernel_disciplined(void)
{
    struct timex t = {.modes = 0};
    return adjtimex(&t) != TIME_ERROR && (t.status & STA_UNSYNC) == 0;
}

void time_moment(struct moment *now)
{
    read_boot_id(now->boot);
    now->boottime = time_ticks() / 1000;
    now->wall = time_wall();
    now->proven = kernel_disciplined();
}

int64_t time_wall(void)
{
    return (int64_t)time(NULL);
}

int64_t time_ticks(void)
{
    struct timespec t = {0, 0};
    /* Kernels before 2.6.39 have no CLOCK_BOOTTIME. */
    if (clock_gettime(CLOCK_BOOTTIME, &t) != 0)
        (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
