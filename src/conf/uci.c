/*
 * A file in the form of OpenWrt's UCI: "config TYPE ['NAME']", then "option NAME 'VALUE'" and "list
 * NAME 'VALUE'". Libuci's rules of quoting: '...' as it stands, "..." and bare text with '\', what
 * touches is one word, '#' begins a comment outside quotes, ';' ends a line.
 */
#include "base/wipe.h"
#include "conf/reader.h"

#include <string.h>

/* "option", its name, its value. */
#define WORDS 3

struct uci {
    struct reader *r;
    const char *pending; /* of the reader's first line; NULL: all of it is used */
    int c;               /* the octet that is looked at; -1: the end */
    unsigned line;       /* where it stands */
    bool bad;            /* the rest of this line is passed over */
};

static void advance(struct uci *u)
{
    if (u->c == '\n')
        u->line++;
    if (u->pending == NULL) {
        u->c = reader_next(u->r);
        return;
    }
    u->c = *u->pending == '\0' ? '\n' : (unsigned char)*u->pending;
    u->pending = *u->pending == '\0' ? NULL : u->pending + 1;
}

static void complain(struct uci *u, const char *words)
{
    if (!u->bad)
        reader_fault(u->r, "%s", words);
    u->bad = true;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_end(int c)
{
    return c == '\n' || c == ';' || c < 0;
}

/* What stands behind a backslash; behind the end of a line, nothing: it goes on. */
static void read_escaped(struct uci *u, struct buf *word)
{
    advance(u);
    if (u->c >= 0 && u->c != '\n')
        buf_char(word, (char)u->c);
    advance(u);
}

static void read_quoted(struct uci *u, struct buf *word)
{
    int quote = u->c;
    advance(u);
    while (u->c >= 0 && u->c != quote) {
        if (quote == '"' && u->c == '\\') {
            read_escaped(u, word);
            continue;
        }
        buf_char(word, (char)u->c);
        advance(u);
    }
    if (u->c < 0)
        complain(u, "a quotation mark that nothing closes");
    advance(u);
}

/* The next word of this line into WORD; false: there is none. */
static bool read_word(struct uci *u, struct buf *word)
{
    while (is_blank(u->c))
        advance(u);
    while (u->c == '#' || (u->bad && !is_end(u->c))) {
        while (u->c >= 0 && u->c != '\n')
            advance(u);
    }
    if (is_end(u->c))
        return false;
    while (!is_blank(u->c) && !is_end(u->c) && u->c != '#') {
        if (u->c == '\'' || u->c == '"') {
            read_quoted(u, word);
        } else if (u->c == '\\') {
            read_escaped(u, word);
        } else {
            buf_char(word, (char)u->c);
            advance(u);
        }
    }
    const char *bad = reader_bad_text(word->data, word->used);
    if (buf_full(word))
        bad = "a word that is too long (1097 bytes are the most)";
    if (bad != NULL)
        complain(u, bad);
    return true;
}

/* Also in the short form, its first letter. */
static bool is_keyword(const struct buf *word, const char *keyword)
{
    return strcmp(word->data, keyword) == 0 || (word->used == 1 && word->data[0] == keyword[0]);
}

/* What libuci takes as a name. */
static bool is_name(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((*text < '0' || *text > '9') && (*text < 'A' || *text > 'Z') &&
            (*text < 'a' || *text > 'z') && *text != '_')
            return false;
    }
    return true;
}

/* LABEL becomes UCI's own name for a section without one. */
static void name_section(const struct uci *u, const char *type, struct buf *label)
{
    unsigned index = 0;
    for (const struct section *s = u->r->l->first; s != NULL; s = s->next)
        index += strcmp(s->type, type) == 0;
    buf_printf(label, "@%s[%u]", type, index);
}

static void begin_section(struct uci *u, const struct buf *word, struct buf *label)
{
    u->r->before_sections = false;
    u->r->into = NULL;
    const char *type = reader_type(u->r, word->data, word->used);
    if (type == NULL)
        return;
    if (!is_name(label->data)) {
        complain(u, "a section's name has only letters, digits and '_'; a host's own name is "
                    "written by 'option name'");
        return;
    }
    if (strcmp(type, "daneroll") == 0)
        buf_reset(label);
    else if (label->used == 0)
        name_section(u, type, label);
    reader_begin(u->r, type, label->data);
}

/* The value that an option of that name has in this section already; NULL: none. */
static struct value *former(const struct section *s, const char *name)
{
    struct value *v = s->first;
    while (v != NULL && (!v->option || strcmp(v->name, name) != 0))
        v = v->next;
    return v;
}

static void take_value(struct uci *u, bool option, struct buf *name, const char *text)
{
    if (!is_name(name->data)) {
        complain(u, "a name with other than letters, digits and '_' (for '-')");
        return;
    }
    for (char *at = name->data; *at != '\0'; at++) {
        if (*at == '_')
            *at = '-';
    }
    struct value *v = option && u->r->into != NULL ? former(u->r->into, name->data) : NULL;
    const char *copy = v == NULL ? NULL : take_copy(u->r->l, text);
    /* libuci takes an empty option for none. */
    if (v == NULL && (!option || text[0] != '\0')) {
        v = reader_key(u->r, name->data, text);
        if (v != NULL)
            v->option = option;
    } else if (copy != NULL) {
        v->text = copy;
        v->line = u->r->line;
    }
}

static void read_line(struct uci *u)
{
    char text[WORDS + 1][READER_LINE_MOST + 2];
    struct buf words[WORDS + 1];
    size_t count = 0;
    u->bad = false;
    u->r->line = u->line;
    for (size_t i = 0; i <= WORDS; i++)
        words[i] = buf_over(text[i], sizeof text[i]);
    while (count <= WORDS && read_word(u, &words[count]))
        count++;
    if (count > WORDS)
        complain(u, "too many words: a value with blanks needs quotation marks");
    bool config = count > 0 && is_keyword(&words[0], "config");
    bool option = count > 0 && is_keyword(&words[0], "option");
    bool list = count > 0 && is_keyword(&words[0], "list");
    if (count > 0 && count < (config ? 2 : WORDS) && (config || option || list))
        complain(u, config ? "config TYPE 'NAME'" : "a name and its value: option NAME 'VALUE'");
    else if (count > 0 && !config && !option && !list && !is_keyword(&words[0], "package"))
        complain(u, "neither 'config' nor 'option' nor 'list'");
    if (config && !u->bad)
        begin_section(u, &words[1], &words[2]);
    else if ((option || list) && !u->bad)
        take_value(u, option, &words[1], words[2].data);
    wipe(text, sizeof text);
    while (!is_end(u->c))
        advance(u);
}

void uci_read(struct reader *r)
{
    struct uci u = {.r = r, .pending = r->first, .line = r->line};
    advance(&u);
    for (;;) {
        read_line(&u);
        if (u.c < 0)
            return;
        advance(&u);
    }
}
