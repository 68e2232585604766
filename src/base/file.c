#include "base/file.h"

#include "base/buf.h"
#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *file_error(int error)
{
    switch (error) {
    case FILE_ABSENT:
        return "no such file";
    case FILE_TOO_BIG:
        return "longer than such a file can be";
    case FILE_EXPOSED:
        return "others can read it; chmod 600 it";
    case FILE_NOT_PLAIN:
        return "not a plain file";
    default:
        return fault_words(errno);
    }
}

static ssize_t read_whole(int fd, uint8_t *bytes, size_t size)
{
    size_t used = 0;
    uint8_t extra;
    for (;;) {
        bool room = used < size;
        ssize_t n = read(fd, room ? bytes + used : &extra, room ? size - used : 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return FILE_FAILED;
        if (n == 0)
            return (ssize_t)used;
        if (!room)
            return FILE_TOO_BIG;
        used += (size_t)n;
    }
}

/* Who besides its owner may read the file. */
enum secrecy { ANYBODY, GROUP, NOBODY };

/* Whether every directory on the file's real path lets others through. */
static bool is_reachable(int fd)
{
    char link[40], real[PATH_MAX];
    struct buf b = BUF_OVER(link);
    struct stat status;
    char *slash;
    buf_printf(&b, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, real, sizeof real - 1);
    if (length < 0)
        return true;
    real[length] = '\0';
    while ((slash = strrchr(real, '/')) != NULL && slash != real) {
        *slash = '\0';
        if (stat(real, &status) == 0 && (status.st_mode & S_IXOTH) == 0)
            return false;
    }
    return true;
}

static bool is_exposed(int fd, const struct stat *status, enum secrecy secrecy)
{
    switch (secrecy) {
    case ANYBODY:
        return false;
    case GROUP:
        return (status->st_mode & (S_IROTH | S_IWOTH)) != 0 && is_reachable(fd);
    default:
        return (status->st_mode & (S_IRWXG | S_IRWXO)) != 0 ||
               (status->st_uid != geteuid() && status->st_uid != 0);
    }
}

static ssize_t read_opened(int fd, void *bytes, size_t size, enum secrecy secrecy)
{
    struct stat status;
    ssize_t result = FILE_FAILED;
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? FILE_ABSENT : FILE_FAILED;
    if (fstat(fd, &status) != 0)
        goto out;
    if (S_ISDIR(status.st_mode))
        result = FILE_NOT_PLAIN;
    else if (is_exposed(fd, &status, secrecy))
        result = FILE_EXPOSED;
    else
        result = read_whole(fd, bytes, size);
out:
    (void)close(fd);
    return result;
}

static ssize_t read_path(const char *path, void *bytes, size_t size, enum secrecy secrecy)
{
    return read_opened(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), bytes, size, secrecy);
}

ssize_t file_read(const char *path, void *bytes, size_t size)
{
    return read_path(path, bytes, size, ANYBODY);
}

ssize_t file_read_input(void *bytes, size_t size)
{
    return read_whole(STDIN_FILENO, bytes, size);
}

ssize_t file_read_secret(const char *path, void *bytes, size_t size)
{
    return read_path(path, bytes, size, NOBODY);
}

ssize_t file_read_key(const char *path, void *bytes, size_t size)
{
    return read_path(path, bytes, size, GROUP);
}

ssize_t file_read_in(int directory, const char *name, void *bytes, size_t size)
{
    /* Non-blocking, for a pipe that somebody put there. */
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ELOOP)
        return FILE_NOT_PLAIN;
    return read_opened(fd, bytes, size, ANYBODY);
}

int file_write(int fd, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    while (length > 0) {
        ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FILE_FAILED;
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

/* The directory part of a path, "." where there is none. */
static int directory_of(const char *path, struct buf *b)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        buf_char(b, '.');
    else
        buf_put(b, path, slash == path ? 1 : (size_t)(slash - path));
    return buf_full(b) ? FILE_FAILED : 0;
}

int file_sync_directory_of(const char *path)
{
    char text[PATH_MAX];
    struct buf b = BUF_OVER(text);
    if (directory_of(path, &b) != 0)
        return FILE_FAILED;
    int fd = open(text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return FILE_FAILED;
    int rc = fsync(fd) == 0 || errno == EINVAL ? 0 : FILE_FAILED;
    (void)close(fd);
    return rc;
}

static int replace(const char *path, const void *bytes, size_t length, mode_t mode, bool sync)
{
    char temporary[PATH_MAX];
    struct buf b = BUF_OVER(temporary);
    buf_printf(&b, "%s.new", path);
    if (buf_full(&b)) {
        errno = ENAMETOOLONG;
        return FILE_FAILED;
    }
    const int how = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    int fd = open(temporary, how, mode);
    /* What a killed run left is taken away, so that the mode is ours from the first byte. */
    if (fd < 0 && errno == EEXIST && unlink(temporary) == 0)
        fd = open(temporary, how, mode);
    if (fd < 0)
        return FILE_FAILED;
    int rc = file_write(fd, bytes, length);
    if (rc == 0 && (fchmod(fd, mode) != 0 || (sync && fsync(fd) != 0)))
        rc = FILE_FAILED;
    int cause = errno;
    if (close(fd) != 0 && rc == 0) {
        rc = FILE_FAILED;
        cause = errno;
    }
    if (rc == 0 && rename(temporary, path) != 0) {
        rc = FILE_FAILED;
        cause = errno;
    }
    if (rc != 0) {
        (void)unlink(temporary);
        errno = cause;
        return rc;
    }
    return sync ? file_sync_directory_of(path) : 0;
}

int file_replace(const char *path, const void *bytes, size_t length, mode_t mode)
{
    return replace(path, bytes, length, mode, true);
}

int file_replace_brief(const char *path, const void *bytes, size_t length, mode_t mode)
{
    return replace(path, bytes, length, mode, false);
}

int file_make_directory(const char *path, mode_t mode)
{
    char text[PATH_MAX];
    struct stat status;
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof text) {
        errno = ENAMETOOLONG;
        return FILE_FAILED;
    }
    memcpy(text, path, length + 1);
    for (size_t i = 1; i <= length; i++) {
        if (text[i] != '/' && text[i] != '\0')
            continue;
        char kept = text[i];
        text[i] = '\0';
        if (mkdir(text, mode) != 0 && errno != EEXIST &&
            (stat(text, &status) != 0 || !S_ISDIR(status.st_mode)))
            return FILE_FAILED;
        text[i] = kept;
    }
    if (stat(path, &status) != 0)
        return FILE_FAILED;
    if (!S_ISDIR(status.st_mode)) {
        errno = ENOTDIR;
        return FILE_FAILED;
    }
    return 0;
}
