#include "net/net.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

/* Kernels before 3.17 have no getrandom. A plain file of that name is no source of entropy. */
static int read_device(uint8_t *bytes, size_t length)
{
    struct stat status;
    int rc = NET_NO_ENTROPY;
    int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return NET_NO_ENTROPY;
    if (fstat(fd, &status) != 0 || !S_ISCHR(status.st_mode))
        goto out;
    while (length > 0) {
        ssize_t n = read(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            goto out;
        bytes += n;
        length -= (size_t)n;
    }
    rc = 0;
out:
    (void)close(fd);
    return rc;
}

int tls_random(void *bytes, size_t length)
{
    uint8_t *at = bytes;
    while (length > 0) {
        /* Waits until the kernel's pool is seeded, once after a boot: what came before is
         * guessable. */
        ssize_t n = getrandom(at, length, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return read_device(at, length);
        at += n;
        length -= (size_t)n;
    }
    return 0;
}
