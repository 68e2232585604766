#include "roll/install.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/owner.h"
#include "base/wipe.h"
#include "roll/install_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Keys are laid out anew: RSA-8192 has about 6400 characters. */
#define KEY_TEXT_SIZE 12288
/* The longest certificate file, laid out anew: a source of one long line gets its newlines. */
#define CHAIN_TEXT_SIZE (CERT_FILE_SIZE + CERT_FILE_SIZE / 32)
/* Names looked at by a sweep: there are four in a directory that is ours alone. */
#define SWEPT_MOST 1000

static const char *const links[] = {"current", "previous"};
static const char *const half_links[] = {"current.new", "previous.new"};

/* ---- the directory -------------------------------------------------------------------------- */

static int set_owner(struct install_directory *top, const struct conf_pair *pair)
{
    const char *owner = pair->install_owner != NULL ? pair->install_owner : "";
    int rc = owner_read(owner, &top->user, &top->group);
    top->mode = pair->install_mode & 0777;
    if (rc != 0)
        buf_printf(&top->words, "%s: no such %s as in \"%s\"", top->path,
                   rc == OWNER_NO_USER ? "user" : "group", owner);
    return rc == 0 ? 0 : -1;
}

static int open_at(struct install_directory *top)
{
    top->fd = open(top->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return top->fd;
}

/* Made beside and renamed: it never stands there with an owner and mode that nobody wanted. */
static int make_directory(struct install_directory *top)
{
    char path[PATH_MAX];
    struct buf b = BUF_OVER(path);
    size_t length = strlen(top->path);
    while (length > 1 && top->path[length - 1] == '/')
        length--;
    buf_put(&b, top->path, length);
    char *slash = strrchr(path, '/');
    if (slash != NULL && slash != path) {
        *slash = '\0';
        if (file_make_directory(path, 0755) != 0)
            return install_fail(top, NULL, NULL);
        *slash = '/';
    }
    buf_text(&b, ".new");
    if (buf_full(&b)) {
        errno = ENAMETOOLONG;
        return install_fail(top, NULL, NULL);
    }
    (void)rmdir(path);
    if (mkdir(path, S_IRWXU) != 0)
        return install_fail(top, NULL, NULL);
    top->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (top->fd < 0 || install_own(top, top->fd, true) != 0 || rename(path, top->path) != 0) {
        (void)install_fail(top, NULL, NULL);
        (void)rmdir(path);
        return -1;
    }
    return file_sync_directory_of(path) == 0 ? 0 : install_fail(top, NULL, NULL);
}

/* For functions that write; top->fd stays -1 where there is no directory and none is made. */
static int open_to_write(struct install_directory *top, const struct conf_pair *pair, bool make,
                         char words[PAIR_WORDS_SIZE])
{
    struct stat status;
    *top = (struct install_directory){.path = pair->install, .fd = -1};
    top->words = buf_over(words, PAIR_WORDS_SIZE);
    top->umask = umask(0); /* modes are what the configuration says */
    if (set_owner(top, pair) != 0)
        return -1;
    if (open_at(top) < 0) {
        if (errno != ENOENT)
            return install_fail(top, NULL, NULL);
        return make ? make_directory(top) : 0;
    }
    if (fstat(top->fd, &status) != 0)
        return install_fail(top, NULL, NULL);
    if ((status.st_mode & S_IWOTH) != 0) {
        buf_printf(&top->words, "%s: everybody can write to it; chmod o-w it", top->path);
        return -1;
    }
    return 0;
}

static void close_top(struct install_directory *top)
{
    if (top->fd >= 0)
        (void)close(top->fd);
    (void)umask(top->umask);
}

/* ---- links ---------------------------------------------------------------------------------- */

/*
 * The name that a link leads to, "" where there is none. -1 with the words where something else
 * stands there than a link of our form.
 */
static int read_link(struct install_directory *top, enum install_place place,
                     char name[INSTALL_NAME_SIZE])
{
    char target[INSTALL_NAME_SIZE + 1];
    ssize_t n = readlinkat(top->fd, links[place], target, sizeof target);
    name[0] = '\0';
    if (n < 0 && errno == ENOENT)
        return 0;
    if (n < 0 && errno != EINVAL)
        return install_fail(top, links[place], NULL);
    if (n == INSTALL_NAME_SIZE - 1) {
        target[n] = '\0';
        if (install_is_ours(target)) {
            memcpy(name, target, INSTALL_NAME_SIZE);
            return 0;
        }
    }
    buf_reset(&top->words);
    buf_printf(&top->words, "%s/%s was not made by daneroll; take it away", top->path,
               links[place]);
    return -1;
}

static int read_links(struct install_directory *top, char names[2][INSTALL_NAME_SIZE])
{
    if (read_link(top, INSTALL_CURRENT, names[INSTALL_CURRENT]) != 0)
        return -1;
    return read_link(top, INSTALL_PREVIOUS, names[INSTALL_PREVIOUS]);
}

static bool is_link(const struct install_directory *top, const char *name)
{
    struct stat status;
    return fstatat(top->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode);
}

/* NAMES is what the links lead to, and is kept so. */
static int set_link(struct install_directory *top, enum install_place place, const char *name,
                    char names[2][INSTALL_NAME_SIZE])
{
    const char *half = half_links[place];
    if (strcmp(names[place], name) == 0)
        return 0;
    if (is_link(top, half))
        (void)unlinkat(top->fd, half, 0);
    if (symlinkat(name, top->fd, half) != 0)
        return install_fail(top, half, NULL);
    if (renameat(top->fd, half, top->fd, links[place]) != 0 || install_sync(top->fd) != 0)
        return install_fail(top, links[place], NULL);
    memmove(names[place], name, INSTALL_NAME_SIZE);
    return 0;
}

/* ---- the sweep ------------------------------------------------------------------------------ */

static void sweep_name(const struct install_directory *top, const char *name,
                       char names[2][INSTALL_NAME_SIZE])
{
    if (install_is_ours(name)) {
        if (strcmp(name, names[INSTALL_CURRENT]) != 0 && strcmp(name, names[INSTALL_PREVIOUS]) != 0)
            (void)install_files_remove(top, name);
    } else if ((strcmp(name, half_links[0]) == 0 || strcmp(name, half_links[1]) == 0) &&
               is_link(top, name)) {
        (void)unlinkat(top->fd, name, 0);
    }
}

/* What cannot be taken away does no harm, and is tried again. */
static int sweep(struct install_directory *top, char names[2][INSTALL_NAME_SIZE])
{
    const struct dirent *entry;
    int fd = openat(top->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        (void)install_fail(top, NULL, NULL);
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    /* There is one thread. */
    /* cppcheck-suppress readdirCalled */
    for (int i = 0; i < SWEPT_MOST && (entry = readdir(directory)) != NULL; i++)
        sweep_name(top, entry->d_name, names);
    (void)closedir(directory);
    return 0;
}

/* ---- putting -------------------------------------------------------------------------------- */

struct source {
    struct buf chain, key;
    size_t leaf_length;              /* of chain */
    const struct cert_digests *leaf; /* wanted */
};

static int take_certificate(void *context, const struct cert_object *object,
                            struct pair_found *found)
{
    struct source *source = context;
    if (memcmp(&found->leaf, source->leaf, sizeof found->leaf) != 0)
        return pair_say(found, PAIR_LATER, "another certificate has been written since");
    if (cert_write(object, &source->chain) != 0)
        return pair_say(found, PAIR_UNFIT, "the chain is too long");
    if (source->leaf_length == 0)
        source->leaf_length = source->chain.used;
    return 0;
}

static int take_key(const struct conf_pair *pair, const uint8_t *bytes, size_t length,
                    struct source *source, struct pair_found *found)
{
    if (pair_take_key(pair->private_key, bytes, length, found) != 0)
        return -1;
    int rc = cert_write_key(bytes, length, &source->key);
    return rc == 0 ? 0 : pair_say(found, PAIR_FAILED, "%s: %s", pair->private_key, cert_error(rc));
}

/* Reads the source once more. 0, INSTALL_LATER or INSTALL_FAILED with the words. */
static int take_source(const struct conf_pair *pair, struct source *source, struct buf *words)
{
    static uint8_t bytes[CERT_FILE_SIZE];
    static struct pair_found found;
    size_t length = 0;
    int rc = -1;
    found = (struct pair_found){.code = PAIR_FAILED};
    if (pair->private_key == NULL)
        (void)pair_say(&found, PAIR_FAILED, "%s: no private-key to install with it",
                       pair->certificate);
    else if (pair_source_chain(pair, bytes, &length, &found) == 0)
        rc = pair_take_chain(pair->certificate, bytes, length, take_certificate, source, &found);
    wipe(bytes, length);
    length = 0;
    if (rc == 0) {
        rc = pair_source_key(pair, bytes, &length, &found);
        if (rc == 0)
            rc = take_key(pair, bytes, length, source, &found);
        wipe(bytes, length);
    }
    buf_text(words, found.words);
    return rc == 0 ? 0 : found.code == PAIR_LATER ? INSTALL_LATER : INSTALL_FAILED;
}

/* The name is that of the chain; a damaged current directory of that name keeps it. */
static void choose_name(const struct install_text *text, const char *current,
                        char name[INSTALL_NAME_SIZE])
{
    uint8_t digest[32];
    struct buf b = buf_over(name, INSTALL_NAME_SIZE);
    cert_sha256((const uint8_t *)text->chain, text->chain_length, digest);
    buf_text(&b, "pair-");
    buf_hex(&b, digest, 8);
    buf_text(&b, "-a");
    if (strcmp(name, current) == 0)
        name[INSTALL_NAME_SIZE - 2] = 'b';
}

static int unlink_previous(struct install_directory *top, char names[2][INSTALL_NAME_SIZE])
{
    if (unlinkat(top->fd, links[INSTALL_PREVIOUS], 0) != 0 || install_sync(top->fd) != 0)
        return install_fail(top, links[INSTALL_PREVIOUS], NULL);
    names[INSTALL_PREVIOUS][0] = '\0';
    return 0;
}

/* A directory NAME with these files: one that is there already (previous, or of a killed run) or a
 * new one, which is read back. */
static int stage(struct install_directory *top, const char *name, const struct install_text *text,
                 char names[2][INSTALL_NAME_SIZE])
{
    if (install_files_are(top, name, text))
        return install_files_own(top, name);
    /* The previous pair under this name is damaged: it could not be put back. */
    if (strcmp(name, names[INSTALL_PREVIOUS]) == 0 && unlink_previous(top, names) != 0)
        return -1;
    if (install_files_write(top, name, text) != 0)
        return -1;
    if (install_files_are(top, name, text))
        return 0;
    buf_printf(&top->words, "%s/%s: what was written reads back differently", top->path, name);
    (void)install_files_remove(top, name);
    return -1;
}

static int keep_former(struct install_directory *top, const struct cert_digests *leaf,
                       char names[2][INSTALL_NAME_SIZE])
{
    static struct pair_found former;
    if (names[INSTALL_CURRENT][0] == '\0')
        return 0;
    install_files_read(top, names[INSTALL_CURRENT], &former);
    if (former.code != PAIR_READ || memcmp(&former.leaf, leaf, sizeof *leaf) == 0)
        return 0;
    return set_link(top, INSTALL_PREVIOUS, names[INSTALL_CURRENT], names);
}

static int put_text(struct install_directory *top, const struct install_text *text,
                    const struct cert_digests *leaf)
{
    char names[2][INSTALL_NAME_SIZE], name[INSTALL_NAME_SIZE], former[INSTALL_NAME_SIZE];
    if (read_links(top, names) != 0 || sweep(top, names) != 0)
        return INSTALL_FAILED;
    memcpy(former, names[INSTALL_CURRENT], sizeof former);
    if (names[INSTALL_CURRENT][0] != '\0' && install_files_are(top, names[INSTALL_CURRENT], text))
        return install_files_own(top, names[INSTALL_CURRENT]) == 0 ? INSTALL_SAME : INSTALL_FAILED;
    choose_name(text, names[INSTALL_CURRENT], name);
    /* The former pair is kept before it is left: a crash between must not lose it. */
    if (stage(top, name, text, names) != 0 || keep_former(top, leaf, names) != 0 ||
        set_link(top, INSTALL_CURRENT, name, names) != 0)
        return INSTALL_FAILED;
    /* Somebody may be on the way through the link to the former one: if it is not kept, it goes
     * with the next sweep. */
    if (strcmp(former, names[INSTALL_PREVIOUS]) == 0)
        (void)sweep(top, names);
    return INSTALL_CHANGED;
}

int install_put(const struct conf_pair *pair, const struct cert_digests *leaf,
                char words[PAIR_WORDS_SIZE])
{
    static char chain[CHAIN_TEXT_SIZE], key[KEY_TEXT_SIZE];
    struct install_directory top;
    struct source source = {.leaf = leaf};
    struct buf b = buf_over(words, PAIR_WORDS_SIZE);
    source.chain = BUF_OVER(chain);
    source.key = BUF_OVER(key);
    int rc = take_source(pair, &source, &b);
    if (rc == 0) {
        const struct install_text text = {key, source.key.used, chain, source.leaf_length,
                                          source.chain.used};
        rc = open_to_write(&top, pair, true, words) == 0 ? put_text(&top, &text, leaf)
                                                         : INSTALL_FAILED;
        close_top(&top);
    }
    wipe(key, source.key.used);
    return rc;
}

/* ---- the other way, and away ---------------------------------------------------------------- */

static int put_back(struct install_directory *top, const struct cert_digests *leaf)
{
    static struct pair_found found;
    char names[2][INSTALL_NAME_SIZE], former[INSTALL_NAME_SIZE];
    if (read_links(top, names) != 0)
        return INSTALL_FAILED;
    memcpy(former, names[INSTALL_CURRENT], sizeof former);
    if (former[0] != '\0') {
        install_files_read(top, former, &found);
        if (found.code == PAIR_READ && memcmp(&found.leaf, leaf, sizeof *leaf) == 0)
            return INSTALL_SAME;
    }
    if (names[INSTALL_PREVIOUS][0] == '\0') {
        buf_printf(&top->words, "%s: no previous pair", top->path);
        return INSTALL_ABSENT;
    }
    install_files_read(top, names[INSTALL_PREVIOUS], &found);
    if (found.code != PAIR_READ || memcmp(&found.leaf, leaf, sizeof *leaf) != 0) {
        buf_printf(&top->words, "%s",
                   found.code != PAIR_READ ? found.words : "the previous pair is another one");
        return INSTALL_ABSENT;
    }
    if (set_link(top, INSTALL_CURRENT, names[INSTALL_PREVIOUS], names) != 0)
        return INSTALL_FAILED;
    if (former[0] != '\0' && set_link(top, INSTALL_PREVIOUS, former, names) != 0)
        return INSTALL_FAILED;
    return INSTALL_CHANGED;
}

int install_put_back(const struct conf_pair *pair, const struct cert_digests *leaf,
                     char words[PAIR_WORDS_SIZE])
{
    struct install_directory top;
    int rc = INSTALL_FAILED;
    if (open_to_write(&top, pair, false, words) == 0) {
        if (top.fd >= 0) {
            rc = put_back(&top, leaf);
        } else {
            buf_printf(&top.words, "%s: no such directory", top.path);
            rc = INSTALL_ABSENT;
        }
    }
    close_top(&top);
    return rc;
}

static int drop_previous(struct install_directory *top)
{
    char names[2][INSTALL_NAME_SIZE];
    if (read_links(top, names) != 0)
        return INSTALL_FAILED;
    bool was = names[INSTALL_PREVIOUS][0] != '\0';
    if (was && unlink_previous(top, names) != 0)
        return INSTALL_FAILED;
    /* Also where a killed call took the link away, and not yet what it led to. */
    (void)sweep(top, names);
    return was ? INSTALL_CHANGED : INSTALL_SAME;
}

int install_drop_previous(const struct conf_pair *pair, char words[PAIR_WORDS_SIZE])
{
    struct install_directory top;
    int rc = INSTALL_FAILED;
    if (open_to_write(&top, pair, false, words) == 0)
        rc = top.fd < 0 ? INSTALL_SAME : drop_previous(&top);
    close_top(&top);
    return rc;
}

int install_sweep(const struct conf_pair *pair, char words[PAIR_WORDS_SIZE])
{
    struct install_directory top;
    char names[2][INSTALL_NAME_SIZE];
    int rc = INSTALL_FAILED;
    if (open_to_write(&top, pair, false, words) == 0 &&
        (top.fd < 0 || (read_links(&top, names) == 0 && sweep(&top, names) == 0)))
        rc = INSTALL_SAME;
    close_top(&top);
    return rc;
}

void install_read(const struct conf_pair *pair, enum install_place place, struct pair_found *found)
{
    struct install_directory top = {.path = pair->install, .fd = -1};
    char name[INSTALL_NAME_SIZE], words[PAIR_WORDS_SIZE];
    top.words = BUF_OVER(words);
    *found = (struct pair_found){.code = PAIR_FAILED};
    if (open_at(&top) < 0) {
        (void)pair_say(found, errno == ENOENT ? PAIR_ABSENT : PAIR_FAILED, "%s: %s", top.path,
                       fault_words(errno));
        return;
    }
    if (read_link(&top, place, name) != 0)
        (void)pair_say(found, PAIR_FAILED, "%s", words);
    else if (name[0] == '\0')
        (void)pair_say(found, PAIR_ABSENT, "%s/%s: nothing is installed", top.path, links[place]);
    else
        install_files_read(&top, name, found);
    (void)close(top.fd);
}
