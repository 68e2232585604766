/*
 * Finding the configuration, and the sections [daneroll] and [provider LABEL].
 */
#include "base/wipe.h"
#include "conf/loading.h"

#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

const char *const wait_names[WAITS_COUNT] = {"publish-wait", "retire-wait", "wait-margin",
                                             "wait-floor", "unreachable-after"};

/* Values of <linux/magic.h>, which musl's build does not need to have. */
#define MAGIC_TMPFS UINT32_C(0x01021994)
#define MAGIC_RAMFS UINT32_C(0x858458f6)

static bool in_ram(const char *path)
{
    struct statfs status;
    if (statfs(path, &status) != 0)
        return false;
    uint32_t type = (uint32_t)status.f_type;
    return type == MAGIC_TMPFS || type == MAGIC_RAMFS;
}

static bool find_file(struct loading *l)
{
    const char *where;
    const char *path = given_value(l, "config", &where);
    if (path != NULL && path[0] != '\0')
        return read_file(l, path);
    if (path != NULL)
        fault(l, "option --config", "needs a value");
    else if (access(CONF_FILE_USUAL, F_OK) == 0)
        return read_file(l, CONF_FILE_USUAL);
    else if (access(CONF_FILE_UCI, F_OK) == 0)
        return read_file(l, CONF_FILE_UCI);
    else
        fault(l, "configuration",
              "none found: write " CONF_FILE_USUAL " (daneroll.conf(5) has examples), name another "
              "file by --config FILE, or say everything by options with --host NAME");
    return false;
}

/* --host: the sections that the options fill. */
static void make_alone(struct loading *l, const char *host)
{
    const char *where;
    const char *type = given_value(l, "provider", &where);
    l->alone = true;
    l->conf->path = NULL;
    if (host[0] == '\0')
        fault(l, "option --host", "needs a value");
    if (type == NULL)
        fault(l, "option --host", "needs --provider TYPE beside it");
    (void)section_add(l, "provider", type == NULL ? "" : type, 0);
    l->host = section_add(l, "host", host, 0);
}

/* Sections from the file, or empty ones for the options; false if there is nothing to look at. */
static bool make_sections(struct loading *l)
{
    const char *host_where, *config_where;
    const char *host = given_value(l, "host", &host_where);
    const char *config = given_value(l, "config", &config_where);
    if (host != NULL && config != NULL) {
        fault(l, strcmp(host_where, "option") == 0 ? "option --host" : "variable DANEROLL_HOST",
              "with it no file is read, but %s names one: leave one of them out",
              strcmp(config_where, "option") == 0 ? "--config" : "DANEROLL_CONFIG");
        return false;
    }
    if (host != NULL)
        make_alone(l, host);
    else if (!find_file(l))
        return false;
    l->daneroll = section_find(l, "daneroll", "");
    if (l->daneroll == NULL)
        l->daneroll = section_add(l, "daneroll", "", 0);
    return l->daneroll != NULL;
}

/* The row of `state`; its preset is another where /var does not last. */
static const struct conf_key *state_row(struct loading *l, const struct conf_key *key)
{
    struct conf_key *row = in_ram("/var") ? take_memory(l, 1, sizeof *row) : NULL;
    if (row == NULL)
        return key;
    *row = *key;
    row->preset = CONF_STATE_FLASH;
    return row;
}

static void assemble_daneroll(struct loading *l)
{
    struct conf_value value;
    size_t count;
    bool there;
    const struct conf_key *keys = conf_keys("daneroll", &count);
    struct section *s = l->daneroll;
    for (size_t i = 0; i < count; i++) {
        bool state = strcmp(keys[i].name, "state") == 0;
        const struct conf_key *key = state ? state_row(l, &keys[i]) : &keys[i];
        const struct value *from = take(l, s, key, &value, &there);
        if (state && there)
            l->conf->state = value.text;
        else if (strcmp(key->name, "ca-file") == 0 && there)
            l->conf->ca_file = value.text;
        else if (strcmp(key->name, "syslog") == 0 && there)
            l->conf->syslog = value.yes;
        else if (strcmp(key->name, "notify") == 0 && there)
            l->conf->notify = value.text;
        else if (strcmp(key->name, "check-interval") == 0)
            l->conf->check_interval = value.number;
        else if (strcmp(key->name, "resolver") == 0)
            l->conf->resolvers = keep_list(l, &value);
        for (size_t j = 0; j < WAITS_COUNT; j++) {
            if (strcmp(key->name, wait_names[j]) == 0) {
                l->waits[j] = value.number;
                l->waits_from[j] = from;
            }
        }
    }
    complain_unknown(l, s, NULL);
}

/* The type of a provider section; NULL after a complaint. */
static const struct conf_provider_kind *take_kind(struct loading *l, struct section *s)
{
    struct conf_value value;
    bool there;
    const struct value *v = take(l, s, key_of("provider", "type"), &value, &there);
    if (v == NULL && !l->alone)
        fault_in(l, s, "[provider %s] has no 'type'", s->label);
    if (!there)
        return NULL;
    const struct conf_provider_kind *kind = kind_of(l->tables, value.text);
    if (kind != NULL)
        return kind;
    struct suggest near = suggest_for(value.text);
    for (size_t i = 0; i < l->tables->providers_count; i++)
        suggest_offer(&near, l->tables->providers[i].name);
    if (near.best == NULL && l->tables->providers_count > 0)
        near.best = l->tables->providers[0].name;
    fault_at(l, v, "unknown provider type '%.*s'; the nearest known is '%s'", 60, value.text,
             near.best == NULL ? "none" : near.best);
    return NULL;
}

static bool is_file_of(const char *name, const char *secret)
{
    size_t length = strlen(secret);
    return strncmp(name, secret, length) == 0 && strcmp(name + length, "-file") == 0;
}

/* The value of highest rank. */
static const struct value *highest(const struct section *s, const char *name)
{
    const struct value *found = NULL;
    for (const struct value *v = s->first; v != NULL; v = v->next) {
        if (strcmp(v->name, name) == 0 && (found == NULL || v->rank > found->rank))
            found = v;
    }
    return found;
}

/*
 * `token` and `token-file` are two ways of saying one thing: the one of higher rank counts (the
 * other is dropped and not shown), and both in one place are a fault.
 */
static void choose_one(struct loading *l, struct section *s, const char *secret, const char *file)
{
    const struct value *a = highest(s, secret), *b = highest(s, file);
    if (a == NULL || b == NULL)
        return;
    if (a->rank == b->rank) {
        fault_at(l, b, "'%s' and '%s' are both given: leave one of them out", spell(l, b, file),
                 spell(l, a, secret));
        return;
    }
    const char *dropped = a->rank > b->rank ? file : secret;
    for (struct value *v = s->first; v != NULL; v = v->next) {
        if (strcmp(v->name, dropped) == 0) {
            v->name = "";
            v->known = true;
        }
    }
}

static void choose_secrets(struct loading *l, struct section *s,
                           const struct conf_provider_kind *kind)
{
    for (size_t i = 0; i < kind->keys_count; i++) {
        for (size_t j = 0; j < kind->keys_count; j++) {
            if (kind->keys[i].kind == CONF_SECRET &&
                is_file_of(kind->keys[j].name, kind->keys[i].name))
                choose_one(l, s, kind->keys[i].name, kind->keys[j].name);
        }
    }
}

static void assemble_provider(struct loading *l, struct section *s, struct conf_provider *p)
{
    char where[320];
    struct buf b = BUF_OVER(where);
    struct conf_value value;
    bool there;
    where_of_section(l->conf, s, &b);
    p->label = s->label;
    p->where = take_copy(l, where);
    p->kind = take_kind(l, s);
    if (p->kind == NULL)
        return;
    choose_secrets(l, s, p->kind);
    for (size_t i = 0; i < p->kind->keys_count && i < CONF_PROVIDER_KEYS_MOST; i++) {
        (void)take(l, s, &p->kind->keys[i], &value, &there);
        if (there)
            p->values[i] = value.text;
    }
    complain_unknown(l, s, p->kind);
}

static void assemble_providers(struct loading *l)
{
    struct conf *conf = l->conf;
    size_t count = 0;
    for (struct section *s = l->first; s != NULL; s = s->next) {
        if (strcmp(s->type, "provider") == 0)
            s->index = count++;
    }
    conf->providers = take_memory(l, count, sizeof *conf->providers);
    if (conf->providers == NULL)
        return;
    conf->providers_count = count;
    for (struct section *s = l->first; s != NULL; s = s->next) {
        if (strcmp(s->type, "provider") == 0)
            assemble_provider(l, s, &conf->providers[s->index]);
    }
}

static void complain_unused(struct loading *l)
{
    for (const struct section *s = l->first; s != NULL; s = s->next) {
        bool provider = strcmp(s->type, "provider") == 0 && !l->provider_lost;
        bool pair = strcmp(s->type, "pair") == 0 && !l->pair_lost;
        if ((provider || pair) && !s->used)
            fault_in(l, s, "no host refers to [%s %s]", s->type, s->label);
    }
}

static void assemble(struct loading *l)
{
    take_given(l);
    assemble_daneroll(l);
    assemble_providers(l);
    assemble_pairs(l);
    assemble_hosts(l);
    complain_unused(l);
}

int conf_load(struct conf *conf, const struct conf_tables *tables, const struct conf_given *given,
              char *const environment[], struct arena *arena, conf_complain *complain,
              void *context)
{
    struct loading l = {.conf = conf,
                        .tables = tables,
                        .given = given,
                        .environment = environment,
                        .arena = arena,
                        .complain = complain,
                        .context = context};
    struct conf_line *lines = NULL;
    *conf = (struct conf){.path = NULL};
    l.lines_end = &lines;
    refuse_given(&l);
    if (make_sections(&l))
        assemble(&l);
    conf->lines = lines;
    return -l.faults;
}

void conf_wipe(struct conf *conf)
{
    for (size_t i = 0; i < conf->providers_count; i++) {
        struct conf_provider *p = &conf->providers[i];
        for (size_t j = 0; p->kind != NULL && j < p->kind->keys_count; j++) {
            if (p->kind->keys[j].kind == CONF_SECRET && p->values[j] != NULL) {
                /* It lies in the arena, or in the environment, which is the process's own. */
                wipe((char *)(uintptr_t)p->values[j], strlen(p->values[j]));
                p->values[j] = NULL;
            }
        }
    }
}
