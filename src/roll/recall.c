#include "roll/recall.h"

#include "base/buf.h"
#include "base/time.h"
#include "roll/install.h"

#include <limits.h>
#include <string.h>

/*
 * Who may read a key depends on the directories above it as well, which nobody watches: so long may
 * a change there go unnoticed, in milliseconds.
 */
#define RECALL_MS 60000
/*
 * Flash file systems tell a change by whole seconds (FAT by two): one that follows another within
 * that time cannot be told from it.
 */
#define SETTLED_SECONDS 3

static void read_pair(const struct conf_pair *conf, enum world_place place,
                      struct pair_found *found)
{
    switch (place) {
    case WORLD_SOURCE:
        pair_read(conf, found);
        break;
    case WORLD_CURRENT:
        install_read(conf, INSTALL_CURRENT, found);
        break;
    case WORLD_PREVIOUS:
        install_read(conf, INSTALL_PREVIOUS, found);
        break;
    case WORLD_NEXT_KEY:
        pair_next_key(conf->next_key, found);
        break;
    }
}

static bool stat_installed(const struct conf_pair *conf, const char *link, const char *name,
                           struct stat *status)
{
    char path[PATH_MAX];
    struct buf b = BUF_OVER(path);
    buf_printf(&b, "%s/%s/%s", conf->install, link, name);
    return !buf_full(&b) && stat(path, status) == 0;
}

/* How the files are now. False: one is not there. */
static bool look(const struct conf_pair *conf, enum world_place place,
                 struct stat files[RECALL_FILES])
{
    memset(files, 0, RECALL_FILES * sizeof *files);
    if (place == WORLD_SOURCE)
        return stat(conf->certificate, &files[0]) == 0 &&
               (conf->private_key == NULL || stat(conf->private_key, &files[1]) == 0);
    const char *link = place == WORLD_CURRENT ? "current" : "previous";
    return stat_installed(conf, link, "fullchain.pem", &files[0]) &&
           stat_installed(conf, link, "privkey.pem", &files[1]) &&
           stat_installed(conf, link, ".", &files[2]);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

static bool all_same(const struct stat a[RECALL_FILES], const struct stat b[RECALL_FILES])
{
    bool good = true;
    for (size_t i = 0; i < RECALL_FILES; i++)
        good = good && same(&a[i], &b[i]);
    return good;
}

static bool is_settled(const struct stat files[RECALL_FILES])
{
    int64_t now = time_wall();
    bool settled = true;
    for (size_t i = 0; i < RECALL_FILES; i++)
        settled = settled && now - (int64_t)files[i].st_ctim.tv_sec >= SETTLED_SECONDS;
    return settled;
}

void recall_read_pair(struct recall *recall, const struct conf_pair *conf, size_t index,
                      enum world_place place, struct pair_found *found)
{
    struct stat files[RECALL_FILES];
    if (index >= RECALL_PAIRS_MOST || place == WORLD_NEXT_KEY || !look(conf, place, files)) {
        read_pair(conf, place, found);
        return;
    }
    int64_t now = time_ticks(), *since = &recall->entries[index][place].since;
    if (*since > 0 && now - *since < RECALL_MS &&
        all_same(recall->entries[index][place].files, files)) {
        *found = recall->entries[index][place].found;
        return;
    }
    /* Looked at before it is read: a change in between shows the next time. */
    read_pair(conf, place, found);
    *since = found->code == PAIR_READ && is_settled(files) ? now : 0;
    memcpy(recall->entries[index][place].files, files, sizeof files);
    recall->entries[index][place].found = *found;
}
