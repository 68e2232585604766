#include "conf/loading.h"

#include <string.h>

/* A value of the longest line, its section and its file. */
#define LINE_SIZE 2048

static void put_where(const struct conf *conf, const struct value *v, struct buf *b)
{
    if (v == NULL)
        buf_text(b, "default");
    else
        where_of(conf, v, b);
}

void conf_show(const struct conf *conf, conf_show_line *show, void *context)
{
    char text[LINE_SIZE];
    for (const struct conf_line *line = conf->lines; line != NULL; line = line->next) {
        struct buf b = BUF_OVER(text);
        const char *value = line->value == NULL ? line->preset : line->value->text;
        section_title(line->section, &b);
        buf_printf(&b, " %s = ", line->key->name);
        if (line->key->kind == CONF_SECRET)
            buf_text(&b, "(set)");
        else if (value == NULL)
            buf_text(&b, "yes");
        else
            buf_clean(&b, value, strlen(value));
        buf_text(&b, "  (");
        put_where(conf, line->value, &b);
        buf_char(&b, ')');
        show(context, text);
    }
}
