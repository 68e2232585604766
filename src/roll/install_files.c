#include "roll/install_files.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX     "pair-"
#define HEX_DIGITS 16

/* Pieces of a pair; in a file they stand in this order. */
enum { KEY = 1, LEAF = 2, ISSUERS = 4 };

static const struct {
    const char *name;
    unsigned pieces;
} files[] = {
    {"fullchain.pem", LEAF | ISSUERS},
    {"privkey.pem", KEY},
    {"cert.pem", LEAF},
    {"chain.pem", ISSUERS},
    {"combined.pem", KEY | LEAF | ISSUERS},
};
#define FILES     (sizeof files / sizeof files[0])
#define FULLCHAIN files[0].name
#define PRIVKEY   files[1].name

/* The longest file, as it is read back; it holds a key while it does. */
static uint8_t file_bytes[2 * CERT_FILE_SIZE];

bool install_is_ours(const char *name)
{
    const char *hex = name + strlen(PREFIX);
    if (strlen(name) != INSTALL_NAME_SIZE - 1 || strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return false;
    for (size_t i = 0; i < HEX_DIGITS; i++) {
        if (hex_digit(hex[i]) < 0)
            return false;
    }
    return hex[HEX_DIGITS] == '-' && (hex[HEX_DIGITS + 1] == 'a' || hex[HEX_DIGITS + 1] == 'b');
}

int install_fail(struct install_directory *top, const char *name, const char *file)
{
    int cause = errno;
    buf_reset(&top->words);
    buf_printf(&top->words, "%s%s%s%s%s: %s", top->path, name != NULL ? "/" : "",
               name != NULL ? name : "", file != NULL ? "/" : "", file != NULL ? file : "",
               fault_words(cause));
    return -1;
}

static int open_directory(const struct install_directory *top, const char *name)
{
    return openat(top->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The piece of that bit; no octets where it is not among PIECES. */
static struct cert_part piece_of(const struct install_text *text, unsigned pieces, unsigned piece)
{
    const uint8_t *chain = (const uint8_t *)text->chain;
    if ((pieces & piece) == 0)
        return (struct cert_part){NULL, 0};
    switch (piece) {
    case KEY:
        return (struct cert_part){(const uint8_t *)text->key, text->key_length};
    case LEAF:
        return (struct cert_part){chain, text->leaf_length};
    default:
        return (struct cert_part){chain + text->leaf_length,
                                  text->chain_length - text->leaf_length};
    }
}

/* ---- owner and mode ---- */

static mode_t mode_of(const struct install_directory *top, bool directory)
{
    mode_t mode = top->mode;
    return directory ? mode | S_IRWXU | (mode & (S_IRUSR | S_IRGRP | S_IROTH)) >> 2 : mode;
}

int install_own(const struct install_directory *top, int fd, bool directory)
{
    mode_t mode = mode_of(top, directory);
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -1;
    uid_t user = top->user == (uid_t)-1 ? status.st_uid : top->user;
    gid_t group = top->group == (gid_t)-1 ? status.st_gid : top->group;
    if ((user != status.st_uid || group != status.st_gid) && fchown(fd, user, group) != 0)
        return -1;
    return (status.st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
}

static int own_file(const struct install_directory *top, int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int rc = install_own(top, fd, false), cause = errno;
    (void)close(fd);
    errno = cause;
    return rc;
}

int install_files_own(struct install_directory *top, const char *name)
{
    int directory = open_directory(top, name);
    if (directory < 0)
        return install_fail(top, name, NULL);
    int rc = install_own(top, directory, true) == 0 ? 0 : install_fail(top, name, NULL);
    for (size_t i = 0; i < FILES && rc == 0; i++) {
        if (own_file(top, directory, files[i].name) != 0)
            rc = install_fail(top, name, files[i].name);
    }
    (void)close(directory);
    return rc;
}

/* ---- reading ---- */

static bool file_is(int directory, size_t index, const struct install_text *text)
{
    ssize_t n = file_read_in(directory, files[index].name, file_bytes, sizeof file_bytes);
    size_t used = 0;
    bool same = n >= 0;
    for (unsigned piece = KEY; piece <= ISSUERS && same; piece <<= 1) {
        struct cert_part part = piece_of(text, files[index].pieces, piece);
        same = part.length <= (size_t)n - used &&
               (part.length == 0 || memcmp(file_bytes + used, part.bytes, part.length) == 0);
        used += part.length;
    }
    if (n > 0)
        wipe(file_bytes, (size_t)n);
    return same && used == (size_t)n;
}

bool install_files_are(const struct install_directory *top, const char *name,
                       const struct install_text *text)
{
    int directory = open_directory(top, name);
    bool same = directory >= 0;
    for (size_t i = 0; i < FILES && same; i++)
        same = file_is(directory, i, text);
    if (directory >= 0)
        (void)close(directory);
    return same;
}

static int take_part(const struct install_directory *top, const char *name, int directory,
                     const char *file, struct pair_found *found)
{
    char path[PAIR_WORDS_SIZE / 2];
    struct buf b = BUF_OVER(path);
    ssize_t n = file_read_in(directory, file, file_bytes, CERT_FILE_SIZE);
    const char *why = n < 0 ? file_error((int)n) : "";
    buf_printf(&b, "%s/%s/%s", top->path, name, file);
    if (n < 0)
        return pair_say(found, PAIR_FAILED, "%s: %s", path, why);
    int rc = file == PRIVKEY ? pair_take_key(path, file_bytes, (size_t)n, found)
                             : pair_take_chain(path, file_bytes, (size_t)n, NULL, NULL, found);
    wipe(file_bytes, (size_t)n);
    return rc;
}

void install_files_read(const struct install_directory *top, const char *name,
                        struct pair_found *found)
{
    int directory = open_directory(top, name);
    *found = (struct pair_found){.code = PAIR_FAILED};
    if (directory < 0) {
        pair_say(found, PAIR_FAILED, "%s/%s: %s", top->path, name, fault_words(errno));
        return;
    }
    /* Nobody is writing it: what does not fit here stays so. */
    if (take_part(top, name, directory, FULLCHAIN, found) == 0 &&
        take_part(top, name, directory, PRIVKEY, found) != 0 && found->code == PAIR_LATER)
        found->code = PAIR_UNFIT;
    (void)close(directory);
}

/* ---- writing ---- */

static int fill_file(const struct install_directory *top, int fd, size_t index,
                     const struct install_text *text)
{
    for (unsigned piece = KEY; piece <= ISSUERS; piece <<= 1) {
        struct cert_part part = piece_of(text, files[index].pieces, piece);
        if (file_write(fd, part.bytes, part.length) != 0)
            return -1;
    }
    return install_own(top, fd, false) == 0 ? fsync(fd) : -1;
}

static int write_file(const struct install_directory *top, int directory, size_t index,
                      const struct install_text *text)
{
    int fd = openat(directory, files[index].name,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return -1;
    int rc = fill_file(top, fd, index, text), cause = errno;
    /* A full disk may show only now (NFS, quotas). */
    if (close(fd) != 0 && rc == 0)
        return -1;
    errno = cause;
    return rc;
}

int install_sync(int directory)
{
    /* Some file systems cannot, and need not. */
    return fsync(directory) == 0 || errno == EINVAL ? 0 : -1;
}

static int fill_directory(struct install_directory *top, const char *name, int directory,
                          const struct install_text *text)
{
    for (size_t i = 0; i < FILES; i++) {
        if (write_file(top, directory, i, text) != 0)
            return install_fail(top, name, files[i].name);
    }
    if (install_own(top, directory, true) != 0 || install_sync(directory) != 0 ||
        install_sync(top->fd) != 0)
        return install_fail(top, name, NULL);
    return 0;
}

int install_files_write(struct install_directory *top, const char *name,
                        const struct install_text *text)
{
    if (install_files_remove(top, name) != 0 || mkdirat(top->fd, name, S_IRWXU) != 0)
        return install_fail(top, name, NULL);
    int rc = -1, directory = open_directory(top, name);
    if (directory < 0)
        (void)install_fail(top, name, NULL);
    else
        rc = fill_directory(top, name, directory, text);
    if (directory >= 0)
        (void)close(directory);
    if (rc != 0)
        (void)install_files_remove(top, name);
    return rc;
}

int install_files_remove(const struct install_directory *top, const char *name)
{
    int directory = open_directory(top, name);
    if (directory < 0)
        return errno == ENOENT ? 0 : -1;
    for (size_t i = 0; i < FILES; i++)
        (void)unlinkat(directory, files[i].name, 0);
    (void)close(directory);
    return unlinkat(top->fd, name, AT_REMOVEDIR);
}
