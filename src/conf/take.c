/*
 * Raw values, where they stand, and how they are taken by a row.
 */
#include "conf/loading.h"

#include <string.h>

/* A path of PATH_MAX would be cut; it is only said. */
#define WHERE_SIZE 320
#define FAULT_SIZE 640

void *take_memory(struct loading *l, size_t count, size_t size)
{
    void *memory = arena_take(l->arena, count, size);
    if (memory == NULL && !l->exhausted) {
        l->exhausted = true;
        fault(l, "the configuration", "does not fit into memory");
    }
    return memory;
}

char *take_copy(struct loading *l, const char *text)
{
    size_t length = strlen(text);
    char *copy = take_memory(l, length + 1, 1);
    if (copy != NULL)
        memcpy(copy, text, length + 1);
    return copy;
}

static void vfault(struct loading *l, const char *where, const char *format, va_list arguments)
{
    char text[FAULT_SIZE], clean[FAULT_SIZE], place[WHERE_SIZE];
    struct buf b = BUF_OVER(text), c = BUF_OVER(clean), p = BUF_OVER(place);
    buf_vprintf(&b, format, arguments);
    buf_clean(&c, b.data, b.used);
    buf_clean(&p, where == NULL ? "" : where, where == NULL ? 0 : strlen(where));
    l->faults++;
    l->complain(l->context, p.data, c.data);
}

struct conf_list keep_list(struct loading *l, const struct conf_value *value)
{
    struct conf_list list = {0, NULL};
    if (value->items_count == 0)
        return list;
    list.items = take_memory(l, value->items_count, sizeof *list.items);
    if (list.items == NULL)
        return list;
    memcpy(list.items, value->items, value->items_count * sizeof *list.items);
    list.count = value->items_count;
    return list;
}

void fault(struct loading *l, const char *where, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfault(l, where, format, arguments);
    va_end(arguments);
}

void fault_in(struct loading *l, const struct section *s, const char *format, ...)
{
    char where[WHERE_SIZE];
    struct buf b = BUF_OVER(where);
    va_list arguments;
    where_of_section(l->conf, s, &b);
    va_start(arguments, format);
    vfault(l, where, format, arguments);
    va_end(arguments);
}

void fault_at(struct loading *l, const struct value *v, const char *format, ...)
{
    char where[WHERE_SIZE];
    struct buf b = BUF_OVER(where);
    va_list arguments;
    where_of(l->conf, v, &b);
    va_start(arguments, format);
    vfault(l, where, format, arguments);
    va_end(arguments);
}

void where_of(const struct conf *conf, const struct value *v, struct buf *b)
{
    const char *name = v->spelled != NULL ? v->spelled : v->name;
    char variable[CONF_VARIABLE_SIZE];
    switch (v->rank) {
    case RANK_OPTION:
        buf_printf(b, "option --%s", name);
        break;
    case RANK_ENVIRONMENT:
        conf_variable(name, variable);
        buf_printf(b, "variable %s", variable);
        break;
    case RANK_FILE:
    case RANK_PRESET:
        buf_printf(b, "%s:%u", conf->path, v->line);
        break;
    }
}

const char *spell(struct loading *l, const struct value *v, const char *name)
{
    bool other = l->uci && (v == NULL || v->rank == RANK_FILE);
    char *copy = other ? take_copy(l, name) : NULL;
    if (copy == NULL)
        return name;
    uci_swap(copy);
    return copy;
}

void where_of_section(const struct conf *conf, const struct section *s, struct buf *b)
{
    if (conf->path == NULL)
        buf_text(b, "the options");
    else if (s->line == 0)
        buf_text(b, conf->path);
    else
        buf_printf(b, "%s:%u", conf->path, s->line);
}

void section_title(const struct section *s, struct buf *b)
{
    buf_printf(b, s->label[0] == '\0' ? "[%s%s]" : "[%s %s]", s->type, s->label);
}

struct section *section_add(struct loading *l, const char *type, const char *label, unsigned line)
{
    if (l->sections_count == CONF_SECTIONS_MOST) {
        fault(l, l->conf->path, "more than %d sections", CONF_SECTIONS_MOST);
        return NULL;
    }
    struct section *s = take_memory(l, 1, sizeof *s);
    const char *copy = take_copy(l, label);
    if (s == NULL || copy == NULL)
        return NULL;
    s->type = type;
    s->label = copy;
    s->line = line;
    if (l->last == NULL)
        l->first = s;
    else
        l->last->next = s;
    l->last = s;
    l->sections_count++;
    return s;
}

struct section *section_find(const struct loading *l, const char *type, const char *label)
{
    for (struct section *s = l->first; s != NULL; s = s->next) {
        if ((type == NULL || strcmp(s->type, type) == 0) && strcmp(s->label, label) == 0)
            return s;
    }
    return NULL;
}

struct value *value_add(struct loading *l, struct section *s, const char *name, const char *text,
                        enum rank rank)
{
    if (s->values_count == CONF_SECTION_VALUES_MOST) {
        fault_in(l, s, "more than %d lines in one section", CONF_SECTION_VALUES_MOST);
        return NULL;
    }
    struct value *v = take_memory(l, 1, sizeof *v);
    if (v == NULL)
        return NULL;
    v->name = name;
    v->text = text;
    v->rank = rank;
    if (s->last == NULL)
        s->first = v;
    else
        s->last->next = v;
    s->last = v;
    s->values_count++;
    return v;
}

static bool is_list(const struct conf_key *key)
{
    return key->kind == CONF_COMMANDS || key->kind == CONF_WORDS || key->kind == CONF_RECORDS;
}

/* The next value of KEY with this rank, from V on. */
static struct value *next_of(struct value *v, const struct conf_key *key, enum rank rank)
{
    while (v != NULL && (v->rank != rank || strcmp(v->name, key->name) != 0))
        v = v->next;
    return v;
}

struct value *values_for(struct loading *l, struct section *s, const struct conf_key *key)
{
    struct value *first = NULL;
    for (struct value *v = s->first; v != NULL; v = v->next) {
        if (strcmp(v->name, key->name) != 0)
            continue;
        v->known = true;
        if (first != NULL && first->rank == v->rank && !is_list(key))
            fault_at(l, v, "'%s' is given twice", spell(l, v, key->name));
        if (first == NULL || v->rank > first->rank)
            first = v;
    }
    return first;
}

void add_line(struct loading *l, const struct section *s, const struct conf_key *key,
              const struct value *v)
{
    struct conf_line *line = take_memory(l, 1, sizeof *line);
    if (line == NULL)
        return;
    line->section = s;
    line->key = key;
    line->value = v;
    line->preset = v == NULL ? key->preset : NULL;
    *l->lines_end = line;
    l->lines_end = &line->next;
}

static bool read_one(struct loading *l, const struct section *s, const struct conf_key *key,
                     const struct value *v, struct conf_value *out)
{
    char reason[FAULT_SIZE / 2];
    struct buf why = BUF_OVER(reason);
    bool secret = key->kind == CONF_SECRET, file = v->rank == RANK_FILE;
    if (conf_read(key, v->text, l->arena, out, &why) == 0) {
        if (secret && file && l->exposed) {
            fault_at(l, v, "a file with a '%s' that others than its owner can read: chmod 600 it",
                     spell(l, v, key->name));
            return false;
        }
        if (key->kind != CONF_PATH || !file || v->text[0] == '/') {
            add_line(l, s, key, v);
            return true;
        }
        buf_text(&why, "a path in the file must begin with /");
    }
    const char *name = spell(l, v, key->name);
    if (secret || v->text == NULL || v->text[0] == '\0')
        fault_at(l, v, "'%s': %s", name, why.data);
    else
        fault_at(l, v, "'%s = %.*s': %s", name, 120, v->text, why.data);
    return false;
}

struct value *take(struct loading *l, struct section *s, const struct conf_key *key,
                   struct conf_value *out, bool *there)
{
    struct value *first = values_for(l, s, key);
    *out = (struct conf_value){.text = NULL};
    *there = false;
    if (first == NULL) {
        char unused[FAULT_SIZE / 2];
        struct buf why = BUF_OVER(unused);
        if (key->preset == NULL)
            return NULL;
        *there = conf_read(key, key->preset, l->arena, out, &why) == 0;
        add_line(l, s, key, NULL);
        return NULL;
    }
    bool good = true;
    for (struct value *v = first; v != NULL; v = next_of(v->next, key, first->rank))
        good = read_one(l, s, key, v, out) && good;
    *there = good;
    return first;
}

/* The provider type that has a row of that name, NULL if none. */
static const char *type_with(const struct loading *l, const char *name)
{
    struct conf_row row;
    for (size_t i = 0; conf_row(l->tables, i, &row); i++) {
        if (row.type != NULL && strcmp(row.key->name, name) == 0)
            return row.type;
    }
    return NULL;
}

/* Whether a row belongs in a section of that type (and kind). */
static bool belongs(const struct conf_row *row, const char *type,
                    const struct conf_provider_kind *kind)
{
    if (strcmp(row->section, type) != 0)
        return false;
    return row->type == NULL || (kind != NULL && strcmp(row->type, kind->name) == 0);
}

/* A section's name that has this key, NULL if none. */
static const char *section_with(const char *name)
{
    static const char *const types[] = {"daneroll", "provider", "pair", "host"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (key_of(types[i], name) != NULL)
            return types[i];
    }
    return NULL;
}

static void complain_of(struct loading *l, const struct section *s, const struct value *v,
                        const struct conf_provider_kind *kind)
{
    struct suggest near = suggest_for(v->name);
    struct conf_row row;
    const char *other = section_with(v->name), *type = type_with(l, v->name);
    const char *name = spell(l, v, v->name);
    if (other != NULL) {
        fault_at(l, v, "'%s' is a key of [%s%s], not of [%s%s]", name, other,
                 strcmp(other, "daneroll") == 0 ? "" : " LABEL", s->type,
                 s->label[0] == '\0' ? "" : " LABEL");
        return;
    }
    if (type != NULL) {
        fault_at(l, v, "'%s' is a key of providers of type %s", name, type);
        return;
    }
    for (size_t i = 0; conf_row(l->tables, i, &row); i++) {
        bool own_pair = strcmp(s->type, "host") == 0 && strcmp(row.section, "pair") == 0;
        if (own_pair || belongs(&row, s->type, kind))
            suggest_offer(&near, row.key->name);
    }
    if (near.best != NULL)
        fault_at(l, v, "unknown key '%.*s'; the nearest known is '%s'", 60, name,
                 spell(l, v, near.best));
    else
        fault_at(l, v, "unknown key '%.*s'", 60, name);
}

void complain_unknown(struct loading *l, const struct section *s,
                      const struct conf_provider_kind *kind)
{
    for (const struct value *v = s->first; v != NULL; v = v->next) {
        if (!v->known)
            complain_of(l, s, v, kind);
    }
}
