/*
 * The directories of one pair each below `install`: what roll/install.c links to. Nobody else
 * includes this.
 */
#ifndef ROLL_INSTALL_FILES_H
#define ROLL_INSTALL_FILES_H

#include "base/buf.h"
#include "cert/spki.h"
#include "conf/conf.h"
#include "roll/pair.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* "pair-", 16 hex digits, "-" and a letter; NUL. */
#define INSTALL_NAME_SIZE 24

/* `install` while it is open. */
struct install_directory {
    const char *path; /* for messages */
    int fd;           /* -1: not there */
    uid_t user;       /* (uid_t)-1: as it comes */
    gid_t group;
    mode_t mode;      /* of files; directories can be entered by whom files can be read */
    mode_t umask;     /* the caller's, to be set again */
    struct buf words; /* what went wrong */
};

/* A pair as it is to be written: PEM. */
struct install_text {
    const char *key;
    size_t key_length;
    const char *chain; /* the leaf first */
    size_t leaf_length, chain_length;
};

/* Whether a name is of our form. */
bool install_is_ours(const char *name);
/* Says "PATH/NAME/FILE: " (NAME and FILE may be NULL) and what errno means. Returns -1. */
int install_fail(struct install_directory *top, const char *name, const char *file);
/* Owner and mode of an open file or directory, where they differ. 0, or -1 with errno. */
int install_own(const struct install_directory *top, int fd, bool directory);
/* Down to the disk with the names of an open directory. 0, or -1 with errno. */
int install_sync(int directory);
/* Whether the directory of that name holds exactly these files; any failure is a no. */
bool install_files_are(const struct install_directory *top, const char *name,
                       const struct install_text *text);
/*
 * Writes the files of a pair into a new directory NAME, whatever half of it stands there, down to
 * the disk. 0, or -1 with the words; nothing of it is left behind then.
 */
int install_files_write(struct install_directory *top, const char *name,
                        const struct install_text *text);
/* Sets owners and modes of a directory that is whole. 0 or -1 with the words. */
int install_files_own(struct install_directory *top, const char *name);
/*
 * Takes a directory and our files in it away; links are not followed. 0 also where there is none;
 * -1 with errno: it holds something else too, which is left as it is.
 */
int install_files_remove(const struct install_directory *top, const char *name);
/* Reads a directory of that name as a pair. */
void install_files_read(const struct install_directory *top, const char *name,
                        struct pair_found *found);

#endif
