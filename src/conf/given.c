/*
 * Options and variables: which section their values go to.
 */
#include "conf/loading.h"

#include <string.h>

const char *given_value(const struct loading *l, const char *name, const char **where)
{
    char variable[CONF_VARIABLE_SIZE];
    for (size_t i = l->given->count; i-- > 0;) {
        if (strcmp(l->given->items[i].name, name) == 0) {
            *where = "option";
            return l->given->items[i].value == NULL ? "" : l->given->items[i].value;
        }
    }
    conf_variable(name, variable);
    size_t length = strlen(variable);
    for (char *const *e = l->environment; e != NULL && *e != NULL; e++) {
        if (strncmp(*e, variable, length) == 0 && (*e)[length] == '=' && (*e)[length + 1] != '\0') {
            *where = "variable";
            return *e + length + 1;
        }
    }
    return NULL;
}

/* The only provider section; NULL if there is none or several, *SEVERAL says which. */
static struct section *only_provider(const struct loading *l, bool *several)
{
    struct section *only = NULL;
    *several = false;
    for (struct section *s = l->first; s != NULL; s = s->next) {
        if (strcmp(s->type, "provider") != 0)
            continue;
        *several = only != NULL;
        if (*several)
            return NULL;
        only = s;
    }
    return only;
}

/* What is wrong with this row as an option or variable; NULL if nothing. */
static const char *refusal(const struct conf_row *row, enum rank rank)
{
    if (row->key->kind == CONF_SECRET && rank == RANK_OPTION)
        return "a secret is never an option: it would show in the list of processes: use the "
               "variable, "
               "a file of its own, or the configuration file";
    return NULL;
}

/* The section that takes ROW's value; NULL after a complaint. */
static struct section *section_for(struct loading *l, const struct conf_row *row,
                                   const struct value *v)
{
    bool several;
    if (strcmp(row->section, "daneroll") == 0)
        return l->daneroll;
    bool of_provider = strcmp(row->section, "provider") == 0;
    if (l->alone) {
        bool type = strcmp(row->section, "host") == 0 && strcmp(row->key->name, "provider") == 0;
        return of_provider || type ? only_provider(l, &several) : l->host;
    }
    if (of_provider && v->rank == RANK_ENVIRONMENT) {
        struct section *s = only_provider(l, &several);
        if (s == NULL && several)
            fault_at(l, v, "there are several [provider LABEL] sections: it belongs in them");
        else if (s == NULL && l->faults == 0)
            fault_at(l, v, "there is no [provider LABEL] section that it could belong to");
        return s;
    }
    fault_at(l, v, "needs --host NAME; beside a configuration file it belongs in its [%s LABEL]",
             row->section);
    return NULL;
}

static void place(struct loading *l, const struct conf_row *row, const char *text, enum rank rank)
{
    struct value probe = {.name = row->key->name, .rank = rank};
    struct section *s = refusal(row, rank) == NULL ? section_for(l, row, &probe) : NULL;
    if (s == NULL)
        return;
    const char *name = row->key->name;
    bool type = strcmp(s->type, "provider") == 0 && strcmp(name, "provider") == 0;
    struct value *v = value_add(l, s, type ? "type" : name, text, rank);
    if (v != NULL && type)
        v->spelled = name;
}

/* config and host say where to look, and are no keys. */
static bool is_place(const struct conf_row *row)
{
    return row->section[0] == '\0';
}

static bool stood_before(const struct conf_given *given, size_t item)
{
    for (size_t i = 0; i < item; i++) {
        if (strcmp(given->items[i].name, given->items[item].name) == 0)
            return true;
    }
    return false;
}

/* The row of a variable's name without its prefix, LENGTH characters. */
static bool row_of_variable(const struct loading *l, const char *name, size_t length,
                            struct conf_row *row)
{
    char variable[CONF_VARIABLE_SIZE];
    const size_t prefix = strlen(CONF_VARIABLE_PREFIX);
    for (size_t i = 0; conf_row(l->tables, i, row); i++) {
        if (row->key->file_only)
            continue;
        conf_variable(row->key->name, variable);
        if (strlen(variable) == prefix + length && strncmp(variable + prefix, name, length) == 0)
            return true;
    }
    return false;
}

static void unknown_variable(struct loading *l, const char *name, size_t length)
{
    char where[CONF_VARIABLE_SIZE * 2], as_key[CONF_VARIABLE_SIZE], nearest[CONF_VARIABLE_SIZE];
    struct buf w = BUF_OVER(where), k = BUF_OVER(as_key);
    struct conf_row row;
    for (size_t i = 0; i < length && i < CONF_VARIABLE_SIZE; i++) {
        char c = name[i];
        buf_char(&k, c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c);
    }
    struct suggest near = suggest_for(as_key);
    for (size_t i = 0; conf_row(l->tables, i, &row); i++) {
        if (!row.key->file_only)
            suggest_offer(&near, row.key->name);
    }
    buf_printf(&w, "variable " CONF_VARIABLE_PREFIX "%.*s",
               length < CONF_VARIABLE_SIZE ? (int)length : CONF_VARIABLE_SIZE, name);
    if (near.best == NULL) {
        fault(l, where, "unknown");
        return;
    }
    conf_variable(near.best, nearest);
    fault(l, where, "unknown; the nearest known is %s", nearest);
}

/* What is to be done with a row that was given. */
typedef void take_row(struct loading *l, const struct conf_row *row, const char *text,
                      enum rank rank);

static void each_variable(struct loading *l, take_row *take_one, bool unknown)
{
    const size_t prefix = strlen(CONF_VARIABLE_PREFIX);
    struct conf_row row;
    for (char *const *e = l->environment; e != NULL && *e != NULL; e++) {
        if (strncmp(*e, CONF_VARIABLE_PREFIX, prefix) != 0)
            continue;
        const char *name = *e + prefix, *equals = strchr(name, '=');
        if (equals == NULL)
            continue;
        size_t length = (size_t)(equals - name);
        bool known = row_of_variable(l, name, length, &row);
        if (!known && unknown)
            unknown_variable(l, name, length);
        /* An empty variable counts as not set. */
        if (known && !is_place(&row) && equals[1] != '\0')
            take_one(l, &row, equals + 1, RANK_ENVIRONMENT);
    }
}

static void each_option(struct loading *l, take_row *take_one)
{
    struct conf_row row;
    for (size_t i = 0; i < l->given->count; i++) {
        if (conf_option(l->tables, l->given->items[i].name, &row) && !is_place(&row))
            take_one(l, &row, l->given->items[i].value, RANK_OPTION);
    }
}

static void refuse(struct loading *l, const struct conf_row *row, const char *text, enum rank rank)
{
    const char *refused = refusal(row, rank);
    (void)text;
    if (refused != NULL)
        fault_at(l, &(struct value){.name = row->key->name, .rank = rank}, "%s", refused);
}

void refuse_given(struct loading *l)
{
    struct conf_row row;
    for (size_t i = 0; i < l->given->count; i++) {
        const char *name = l->given->items[i].name;
        if (conf_option(l->tables, name, &row) && is_place(&row) && stood_before(l->given, i))
            fault_at(l, &(struct value){.name = name, .rank = RANK_OPTION}, "given twice");
    }
    each_option(l, refuse);
    each_variable(l, refuse, true);
}

void take_given(struct loading *l)
{
    each_option(l, place);
    each_variable(l, place, false);
}
