#include "roll/verdict.h"

#include "base/file.h"
#include "base/time.h"
#include "cert/spki.h"
#include "net/trust.h"

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
}

static void tell(uint8_t digest[32], const struct conf_pair *pair, const char *const *names,
                 size_t names_count, const struct trust *trust, const struct pair_found *found)
{
    /* Without a clock dates are not looked at: what was good then need not be good now. */
    const int64_t day = time_is_set() ? time_wall() / DAY : -1;
    memset(digest, 0, 32);
    cert_mix(digest, &day, sizeof day);
    cert_mix(digest, &found->leaf, sizeof found->leaf);
    cert_mix(digest, found->issuers, found->issuers_count * sizeof found->issuers[0]);
    cert_mix(digest, pair->certificate, strlen(pair->certificate) + 1);
    for (size_t i = 0; i < names_count; i++)
        cert_mix(digest, names[i], strlen(names[i]) + 1);
    if (trust->path != NULL)
        cert_mix(digest, trust->path, strlen(trust->path));
    mix_file(digest, trust->path);
}

static void load(struct verdicts *v)
{
    ssize_t n = v->path[0] == '\0' ? 0 : file_read(v->path, v->digests, sizeof v->digests);
    v->count = n > 0 ? (size_t)n / sizeof v->digests[0] : 0;
    v->loaded = true;
}

static bool is_known(const struct verdicts *v, const uint8_t digest[32])
{
    for (size_t i = 0; i < v->count; i++) {
        if (memcmp(v->digests[i], digest, 32) == 0)
            return true;
    }
    return false;
}

/* The newest first; the oldest one goes. */
static void keep(struct verdicts *v, const uint8_t digest[32])
{
    memmove(v->digests[1], v->digests[0], sizeof v->digests - sizeof v->digests[0]);
    memcpy(v->digests[0], digest, 32);
    v->count += v->count < VERDICTS_MOST;
    if (v->path[0] != '\0')
        (void)file_replace(v->path, v->digests, v->count * sizeof v->digests[0], FILE_MODE);
}

void verdict_check(struct verdicts *verdicts, const struct conf_pair *pair,
                   const char *const *names, size_t names_count, const char *ca_file,
                   struct pair_found *found)
{
    uint8_t digest[32];
    struct trust trust;
    if (found->code != PAIR_READ)
        return;
    if (pair_trust(pair, ca_file, &trust) != 0) {
        pair_check(pair, names, names_count, ca_file, found);
        return;
    }
    if (!verdicts->loaded)
        load(verdicts);
    tell(digest, pair, names, names_count, &trust, found);
    if (is_known(verdicts, digest)) {
        pair_check_dates(pair, found);
        return;
    }
    pair_check(pair, names, names_count, ca_file, found);
    if (found->code == PAIR_READ)
        keep(verdicts, digest);
}
