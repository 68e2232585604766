#include "roll/acting.h"

#include <string.h>

int act_save(struct acting *acting)
{
    /* Not on the stack of a router, and not re-entered: one engine a process. */
    static char text[STATE_TEXT_SIZE];
    struct buf b = BUF_OVER(text);
    char words[WORLD_WORDS_SIZE] = "it is longer than it may be";
    state_print(acting->state, &b);
    if (b.used == acting->saved->used && memcmp(text, acting->saved->data, b.used) == 0)
        return 0;
    if (!buf_full(&b) &&
        acting->world->local->save_state(acting->world->local_context, text, b.used, words) == 0) {
        buf_reset(acting->saved);
        buf_put(acting->saved, text, b.used);
        acting->cannot_save = false;
        return 0;
    }
    if (!acting->cannot_save)
        world_say(acting->world, LOG_LEVEL_ERROR, "cannot write the state: %s", words);
    acting->cannot_save = true;
    acting->outcome->failed = true;
    return -1;
}

bool act_settles(const struct acting *acting, size_t host)
{
    int64_t elapsed = state_elapsed(&acting->wrote[host], &acting->seen->now);
    return elapsed >= 0 && elapsed < (int64_t)acting->conf->hosts[host].waits.unreachable;
}
