/* What verbs ask of their call. */
#include "base/log.h"
#include "cmd/cmd.h"

#include <string.h>

extern char **environ;

const char *call_option(const struct call *call, const char *name)
{
    for (size_t i = call->given.count; i-- > 0;) {
        if (strcmp(call->given.items[i].name, name) == 0)
            return call->given.items[i].value == NULL ? "yes" : call->given.items[i].value;
    }
    return NULL;
}

bool call_flag(const struct call *call, const char *name)
{
    const char *value = call_option(call, name);
    return value != NULL && strcmp(value, "yes") == 0;
}

static void complain(void *context, const char *where, const char *text)
{
    (void)context;
    log_say(LOG_LEVEL_ERROR, "%s: %s", where, text);
}

int call_load(const struct call *call, struct conf *conf, struct arena *arena)
{
    int faults = -conf_load(conf, call->tables, &call->given, environ, arena, complain, NULL);
    if (faults == 0)
        return EXIT_GOOD;
    log_say(LOG_LEVEL_ERROR, "%d fault%s in the configuration: nothing was done", faults,
            faults == 1 ? "" : "s");
    return EXIT_USAGE_FAULT;
}
