#include "net/verdicts.h"

#include "base/file.h"
#include "base/time.h"
#include "cert/spki.h"

#include <string.h>
#include <sys/stat.h>

#define DAY       86400
#define FILE_MODE 0600

/* The state of a file, without the padding between a struct's fields. */
static void mix_file(uint8_t digest[32], const char *path)
{
    struct stat s;
    if (path == NULL || stat(path, &s) != 0)
        return;
    const int64_t state[] = {
        (int64_t)s.st_dev, (int64_t)s.st_ino,         (int64_t)s.st_size, (int64_t)s.st_mtim.tv_sec,
        s.st_mtim.tv_nsec, (int64_t)s.st_ctim.tv_sec, s.st_ctim.tv_nsec};
    cert_mix(digest, state, sizeof state);
    cert_mix(digest, path, strlen(path));
}

void verdicts_begin(uint8_t digest[32], const struct trust *trust)
{
    /* Without a clock dates are not looked at: what was good then need not be good now. */
    const int64_t day = time_is_set() ? time_wall() / DAY : -1;
    memset(digest, 0, 32);
    cert_mix(digest, &day, sizeof day);
    mix_file(digest, trust->path);
}

static void load(struct verdicts *v)
{
    ssize_t n = v->path[0] == '\0' ? 0 : file_read(v->path, v->digests, sizeof v->digests);
    v->count = n > 0 ? (size_t)n / sizeof v->digests[0] : 0;
    v->loaded = true;
}

bool verdicts_know(struct verdicts *v, const uint8_t digest[32])
{
    if (!v->loaded)
        load(v);
    for (size_t i = 0; i < v->count; i++) {
        if (memcmp(v->digests[i], digest, 32) == 0)
            return true;
    }
    return false;
}

/* The newest first; the oldest one goes. */
void verdicts_keep(struct verdicts *v, const uint8_t digest[32])
{
    memmove(v->digests[1], v->digests[0], sizeof v->digests - sizeof v->digests[0]);
    memcpy(v->digests[0], digest, 32);
    v->count += v->count < VERDICTS_MOST;
    if (v->path[0] != '\0')
        (void)file_replace_brief(v->path, v->digests, v->count * sizeof v->digests[0], FILE_MODE);
}
