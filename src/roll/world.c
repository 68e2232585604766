#include "roll/world.h"

#include "base/buf.h"

void world_say(const struct world *world, enum log_level level, const char *format, ...)
{
    char text[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(text);
    va_list arguments;
    va_start(arguments, format);
    buf_vprintf(&b, format, arguments);
    va_end(arguments);
    world->local->say(world->local_context, level, text);
}

void world_now(const struct world *world, struct moment *now)
{
    world->local->now(world->local_context, now);
    if (!now->proven)
        now->proven = world->network->proves(world->network_context, now);
}
