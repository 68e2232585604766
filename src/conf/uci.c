#include "conf/reader.h"

#include <ctype.h>
#include <string.h>

/* No command has more words. */
#define WORDS_MOST 3

struct command {
    size_t count;
    char *words[WORDS_MOST + 1];
    bool open; /* a quote or a backslash without its end */
};

enum { PACKAGE, CONFIG, OPTION, LIST, KEYWORDS };

static int keyword(const char *text, size_t length)
{
    static const char words[KEYWORDS][8] = {"package", "config", "option", "list"};
    int i = 0;
    while (i < KEYWORDS && (strncmp(words[i], text, length) != 0 ||
                            (length != 1 && words[i][length] != '\0') || length == 0))
        i++;
    return i;
}

bool uci_begins(const char *text)
{
    size_t length = strcspn(text, " \t\r");
    return keyword(text, length) != KEYWORDS && text[length + strspn(text + length, " \t")] != '=';
}

void uci_swap(char *name)
{
    for (; *name != '\0'; name++)
        *name = *name == '_' ? '-' : *name == '-' ? '_' : *name;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts words out of AT where they stand. Returns where the next command begins; NULL: none does. */
static char *take_command(char *at, struct command *k)
{
    char quote = '\0', *to = at;
    bool inside = false;
    k->count = 0;
    for (size_t i = 0; i <= WORDS_MOST; i++)
        k->words[i] = at + strlen(at);
    for (; *at != '\0' && (quote != '\0' || (*at != ';' && *at != '#')); at++) {
        if (quote == '\0' && is_blank(*at)) {
            if (inside)
                *to++ = '\0';
            inside = false;
            continue;
        }
        if (!inside && k->count <= WORDS_MOST)
            k->words[k->count++] = to;
        inside = true;
        if (*at == quote) {
            quote = '\0';
        } else if (quote == '\0' && (*at == '\'' || *at == '"')) {
            quote = *at;
        } else if (*at == '\\' && quote != '\'' && *++at == '\0') {
            quote = '\\';
            break;
        } else {
            *to++ = *at;
        }
    }
    bool more = *at == ';';
    *to = '\0';
    k->open = quote != '\0';
    return more ? at + 1 : NULL;
}

static struct value *value_of(const struct section *s, const char *name)
{
    struct value *v = s->first;
    while (v != NULL && strcmp(v->name, name) != 0)
        v = v->next;
    return v;
}

static void set(struct reader *r, int word, char *name, const char *text)
{
    struct value *v;
    if (r->into != NULL) {
        uci_swap(name);
        if (text[0] == '\0')
            return;
        while (word == OPTION && (v = value_of(r->into, name)) != NULL) {
            v->name = "";
            v->known = true;
        }
    }
    take_line(r, name, text);
}

static void begin(struct reader *r, const char *type, const char *name)
{
    const char *c = name;
    while (isalnum((unsigned char)*c) || *c == '_')
        c++;
    if (*c != '\0')
        fault_here(r, "a section's name has letters, digits and _ alone: a host's name goes into "
                      "option name");
    begin_section(r, type, strlen(type), name);
}

static void obey(struct reader *r, struct command *k)
{
    static const unsigned char least[KEYWORDS] = {2, 2, 3, 3}, most[KEYWORDS] = {2, 3, 3, 3};
    if (k->open) {
        fault_here(r, "a quote or a backslash without its end in this line");
        return;
    }
    if (k->count == 0)
        return;
    int word = keyword(k->words[0], strlen(k->words[0]));
    if (word == KEYWORDS || k->count < least[word] || k->count > most[word])
        fault_here(r, "neither config TYPE ['NAME'] nor option NAME 'VALUE' nor list NAME 'VALUE'");
    else if (word == CONFIG)
        begin(r, k->words[1], k->count == 3 ? k->words[2] : "");
    else if (word != PACKAGE)
        set(r, word, k->words[1], k->words[2]);
}

void uci_line(struct reader *r, char *line)
{
    struct command k;
    for (char *at = line; at != NULL;) {
        at = take_command(at, &k);
        obey(r, &k);
    }
}

void uci_labels(struct reader *r)
{
    for (struct section *s = r->l->first; s != NULL; s = s->next) {
        bool host = strcmp(s->type, "host") == 0;
        if (s->label[0] != '\0' || strcmp(s->type, "daneroll") == 0)
            continue;
        const struct value *v = value_of(s, host ? "name" : "type");
        r->line = s->line;
        if (v != NULL && strlen(v->text) <= CONF_LABEL_MOST) {
            s->used = complain_twice(r, s->type, v->text);
            s->label = v->text;
        } else if (strcmp(s->type, "provider") != 0) {
            fault_here(r, "needs a name of at most 40 characters: config %s 'mail'", s->type);
            s->used = true;
        }
    }
}
