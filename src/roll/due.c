/*
 * What one call leaves in RAM for the next: a line
 *
 *     1 BOOT BOOTTIME FINGERPRINT
 *
 * with the time of the next look, and a fingerprint of the configuration, the files and the state.
 * Anything else there, or nothing, means: look. Without a boot id none is left, as nobody could
 * tell whether it still holds. A BOOTTIME of 0 is always over: the line of a call that fails like
 * the one before it is the same.
 */
#include "base/hex.h"
#include "roll/rolling.h"

#include <string.h>

#define LINE_SIZE (2 + TIME_BOOT_SIZE + 20 + 64 + 2)

static void mix_line(void *context, const char *line)
{
    cert_mix(context, line, strlen(line));
}

static void mix_pair(uint8_t digest[32], const struct pair_found *found)
{
    uint8_t code = (uint8_t)found->code;
    cert_mix(digest, &code, 1);
    if (found->code != PAIR_READ)
        return;
    cert_mix(digest, &found->leaf, sizeof found->leaf);
    cert_mix(digest, found->issuers, found->issuers_count * sizeof found->issuers[0]);
}

static void fingerprint(struct rolling *r, uint8_t digest[32])
{
    const struct conf *conf = r->acting.conf;
    memset(digest, 0, 32);
    conf_show(conf, mix_line, digest);
    cert_mix(digest, r->acting.saved->data, r->acting.saved->used);
    for (size_t i = 0; i < conf->pairs_count; i++) {
        const struct observed_pair *pair = &r->seen.pairs[i];
        mix_pair(digest, &pair->source);
        mix_pair(digest, &pair->current);
        mix_pair(digest, &pair->previous);
        mix_pair(digest, &pair->next_key);
    }
}

bool due_nothing(struct rolling *r)
{
    const struct world *world = r->acting.world;
    char line[LINE_SIZE], expected[LINE_SIZE];
    struct buf b = BUF_OVER(expected);
    struct moment now;
    uint8_t digest[32];
    int length = world->local->load_look(world->local_context, line, sizeof line - 1);
    if (length <= 0)
        return false;
    line[length] = '\0';
    world->local->now(world->local_context, &now);
    if (now.boot[0] == '\0')
        return false;
    buf_printf(&b, "1 %s ", now.boot);
    if (strncmp(line, expected, b.used) != 0)
        return false;
    int64_t due = 0;
    const char *at = line + b.used;
    for (; *at >= '0' && *at <= '9' && due < INT64_C(1000000000000); at++)
        due = due * 10 + (*at - '0');
    if (now.boottime >= due)
        return false;
    observe_pairs(&r->seen, r->acting.conf, world, false);
    fingerprint(r, digest);
    buf_reset(&b);
    buf_char(&b, ' ');
    buf_hex(&b, digest, sizeof digest);
    buf_char(&b, '\n');
    return strcmp(at, expected) == 0;
}

void due_note(struct rolling *r, int64_t seconds)
{
    const struct world *world = r->acting.world;
    char line[LINE_SIZE];
    struct buf b = BUF_OVER(line);
    struct moment now;
    uint8_t digest[32];
    world->local->now(world->local_context, &now);
    if (now.boot[0] == '\0')
        return;
    /* As the next call will see the files: unchecked. */
    observe_pairs(&r->seen, r->acting.conf, world, false);
    fingerprint(r, digest);
    buf_printf(&b, "1 %s %lld ", now.boot, (long long)(seconds > 0 ? now.boottime + seconds : 0));
    buf_hex(&b, digest, sizeof digest);
    buf_char(&b, '\n');
    world->local->save_look(world->local_context, b.data, b.used);
}
