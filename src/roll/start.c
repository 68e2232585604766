#include "roll/start.h"

#include "base/name.h"

#include <string.h>

static bool is_named(const struct conf_host *host, const char *name)
{
    return name_equal(name, host->name) || strcmp(name, host->label) == 0;
}

const char *start_unknown_host(const struct conf *conf, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (size_t h = 0; h < conf->hosts_count; h++)
            known = known || is_named(&conf->hosts[h], names[i]);
        if (!known)
            return names[i];
    }
    return NULL;
}

/* Marks what HOST and its pairs share with each other; whether something was new. */
static bool spread(const struct conf_host *host, bool *wanted, bool *pairs)
{
    bool grown = false;
    for (size_t i = 0; i < host->pairs_count; i++) {
        bool *pair = &pairs[host->pairs[i]];
        if (*wanted == *pair)
            continue;
        *wanted = *pair = grown = true;
    }
    return grown;
}

void start_mark(const struct conf *conf, const char *const *names, size_t count, bool *hosts,
                bool *pairs)
{
    bool grown = true;
    for (size_t h = 0; h < conf->hosts_count; h++) {
        hosts[h] = count == 0;
        for (size_t i = 0; i < count; i++)
            hosts[h] = hosts[h] || is_named(&conf->hosts[h], names[i]);
    }
    while (grown) {
        grown = false;
        for (size_t h = 0; h < conf->hosts_count; h++)
            grown = spread(&conf->hosts[h], &hosts[h], pairs) || grown;
    }
}

static enum start_state parse(struct state *state, const char *text, size_t length, struct buf *b)
{
    switch (length == 0 ? STATE_MALFORMED : state_parse(state, text, length)) {
    case 0:
        return START_STATE_READ;
    case STATE_VERSION:
        buf_text(b, "the state file is a later daneroll's; install that one again, or move it "
                    "away");
        return START_STATE_LATER;
    case STATE_NO_MEMORY:
        buf_text(b, "cannot read the state: out of memory");
        return START_STATE_UNREADABLE;
    default:
        buf_text(b, "the state file is damaged");
        return START_STATE_DAMAGED;
    }
}

enum start_state start_state(const struct world *world, struct state *state, struct buf *text,
                             char words[WORLD_WORDS_SIZE])
{
    char why[WORLD_WORDS_SIZE] = "";
    struct buf b = buf_over(words, WORLD_WORDS_SIZE);
    int length = world->local->load_state(world->local_context, text->data, text->size, why);
    enum start_state found = START_STATE_ABSENT;
    if (length >= 0)
        found = parse(state, text->data, (size_t)length, &b);
    if (length == WORLD_STATE_FAILED) {
        buf_printf(&b, "cannot read the state: %s", why);
        found = START_STATE_UNREADABLE;
    }
    if (found == START_STATE_READ)
        text->used = (size_t)length;
    else
        buf_reset(text);
    return found;
}
