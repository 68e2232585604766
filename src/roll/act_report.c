#include "roll/act_report.h"

#include "roll/act_command.h"

#include <string.h>

void act_report(struct acting *acting, size_t host, const char *doing,
                const struct provider_result *result)
{
    const char *name = acting->conf->hosts[host].name;
    char text[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(text);
    /* Without advice and the server's own words: they differ from answer to answer. */
    buf_printf(&b, "%s: %s: %.*s", name, doing, (int)strcspn(result->words, ":("), result->words);
    bool said = result->code == PROVIDER_REFUSED && state_said(acting->state, text);
    b = BUF_OVER(text);
    buf_printf(&b, "%s: %s: %s", name, doing, result->words);
    world_say(acting->world, LOG_LEVEL_ERROR, "%s", text);
    switch (result->code) {
    case PROVIDER_REFUSED:
        if (!said)
            act_notify(acting, "failure", name, SIZE_MAX, text);
        acting->luck[host] = HOST_OUT;
        if (result->usage)
            acting->outcome->usage = true;
        else
            acting->outcome->failed = true;
        break;
    default:
        acting->luck[host] = HOST_LATER;
        acting->outcome->later = true;
        if (result->later > acting->later)
            acting->later = result->later;
        break;
    }
}
