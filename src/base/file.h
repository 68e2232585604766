/*
 * Whole small files: read with a bound, replaced atomically.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
    FILE_ABSENT = -1,  /* no such file */
    FILE_FAILED = -2,  /* errno says why */
    FILE_TOO_BIG = -3, /* longer than SIZE */
    /* a secret that others could read, or change; or, file_read_secret, of another user */
    FILE_EXPOSED = -4,
    FILE_NOT_PLAIN = -5 /* a directory, a device, ... */
};

/* A message's worth of words for one of these errors and the errno of that moment. */
const char *file_error(int error);

/* Reads a whole file of at most SIZE bytes. Returns its length. */
ssize_t file_read(const char *path, void *bytes, size_t size);
/* The same from standard input. */
ssize_t file_read_input(void *bytes, size_t size);
/* The same for a secret: refuses a file that its group or others may read. */
ssize_t file_read_secret(const char *path, void *bytes, size_t size);
/*
 * The same for a private key, which may be shared with a group: refuses a file that everybody may
 * read or write, if everybody can get at it: a directory on its real path may stand before it that
 * lets others not through (certbot's archive).
 */
ssize_t file_read_key(const char *path, void *bytes, size_t size);
/* The same of NAME in an open directory, if it is a plain file: a symbolic link is FILE_NOT_PLAIN.
 */
ssize_t file_read_in(int directory, const char *name, void *bytes, size_t size);
/* Writes all of it. 0 or FILE_FAILED. */
int file_write(int fd, const void *bytes, size_t length);
/*
 * Replaces a file as a whole: a temporary file of the same directory is written, fsynced, given
 * MODE and renamed; the directory is fsynced. Whatever fails, the former file stays as it was.
 */
int file_replace(const char *path, const void *bytes, size_t length, mode_t mode);
/* The same for what may be lost, or empty, after a crash of the machine: nothing is fsynced. */
int file_replace_brief(const char *path, const void *bytes, size_t length, mode_t mode);
/* Down to the disk with the names of the directory that PATH is in. 0 or FILE_FAILED. */
int file_sync_directory_of(const char *path);
/* Makes the directory and its parents, MODE for those made. 0 also when it is there. */
int file_make_directory(const char *path, mode_t mode);

#endif
