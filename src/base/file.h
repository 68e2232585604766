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
    FILE_EXPOSED =
        -4, /* file_read_secret: others than its owner could read it, or owned by another user */
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
 * Replaces a file as a whole: a temporary file of the same directory is written, fsynced, given
 * MODE and renamed; the directory is fsynced. Whatever fails, the former file stays as it was.
 */
int file_replace(const char *path, const void *bytes, size_t length, mode_t mode);
/* Makes the directory and its parents, MODE for those made. 0 also when it is there. */
int file_make_directory(const char *path, mode_t mode);

#endif
