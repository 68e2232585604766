/*
 * Pairs and hosts, and what they refer to.
 */
#include "base/name.h"
#include "conf/loading.h"

#include <string.h>

#define WHERE_SIZE 320
/* More than the longest line of a file. */
#define PATH_SIZE 1200

static const char *place_of(struct loading *l, const struct section *s)
{
    char where[WHERE_SIZE];
    struct buf b = BUF_OVER(where);
    where_of_section(l->conf, s, &b);
    return take_copy(l, where);
}

static bool is_type(const struct section *s, const char *type)
{
    return strcmp(s->type, type) == 0;
}

static bool has(const struct section *s, const char *name)
{
    for (const struct value *v = s->first; v != NULL; v = v->next) {
        if (strcmp(v->name, name) == 0)
            return true;
    }
    return false;
}

/* "0640": three or four octal digits that let the owner read. */
static uint32_t take_mode(struct loading *l, const struct value *v, const char *text)
{
    uint32_t mode = 0;
    size_t digits = strspn(text, "01234567");
    for (size_t i = 0; i < digits && i < 4; i++)
        mode = mode * 8 + (uint32_t)(text[i] - '0');
    if (digits < 3 || digits > 4 || text[digits] != '\0' || (mode & 0400) == 0 ||
        (mode & 07117) != 0)
        fault_at(l, v,
                 "'%s = %.*s': a mode such as 0600 or 0640, which lets the owner read and "
                 "others neither write nor execute",
                 spell(l, v, "install-mode"), 20, text);
    return mode;
}

static void take_pair_key(struct loading *l, struct section *s, const struct conf_key *key,
                          struct conf_pair *pair)
{
    const struct {
        const char *name;
        const char **text;
        struct conf_list *list;
        uint32_t *number;
    } fields[] = {
        {"certificate", &pair->certificate, NULL, NULL},
        {"private-key", &pair->private_key, NULL, NULL},
        {"next-key", &pair->next_key, NULL, NULL},
        {"install", &pair->install, NULL, NULL},
        {"install-owner", &pair->install_owner, NULL, NULL},
        {"chain", &pair->chain, NULL, NULL},
        {"renew", NULL, &pair->renew, NULL},
        {"reload", NULL, &pair->reload, NULL},
        {"restart", NULL, &pair->restart, NULL},
        {"renew-before", NULL, NULL, &pair->renew_before},
        {"hook-timeout", NULL, NULL, &pair->hook_timeout},
    };
    struct conf_value value = {.text = NULL};
    bool there;
    const struct value *v = take(l, s, key, &value, &there);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (strcmp(fields[i].name, key->name) != 0)
            continue;
        if (fields[i].text != NULL && there)
            *fields[i].text = value.text;
        if (fields[i].list != NULL)
            *fields[i].list = keep_list(l, &value);
        if (fields[i].number != NULL)
            *fields[i].number = there ? value.number : 0;
    }
    if (strcmp(key->name, "install-mode") == 0 && there)
        pair->install_mode = take_mode(l, v, value.text);
}

/* The keys of a pair in S, a pair's section or its host's. */
static void take_pair(struct loading *l, struct section *s, struct conf_pair *pair)
{
    size_t count;
    const struct conf_key *keys = conf_keys("pair", &count);
    pair->label = s->label;
    pair->where = place_of(l, s);
    for (size_t i = 0; i < count; i++)
        take_pair_key(l, s, &keys[i], pair);
    if (pair->install != NULL && pair->private_key == NULL)
        fault_in(l, s, "'install' needs '%s' beside 'certificate'", spell(l, NULL, "private-key"));
    if (has(s, "certificate"))
        return;
    if (l->alone)
        fault_in(l, s, "--certificate FILE is missing");
    else if (is_type(s, "pair"))
        fault_in(l, s, "[pair %s] has no 'certificate'", s->label);
    else
        fault_in(l, s, "[host %s] has neither 'pair' nor 'certificate'", s->label);
}

void assemble_pairs(struct loading *l)
{
    struct conf *conf = l->conf;
    size_t count = 0;
    for (struct section *s = l->first; s != NULL; s = s->next) {
        if (is_type(s, "pair"))
            s->index = count++;
    }
    for (const struct section *s = l->first; s != NULL; s = s->next) {
        if (is_type(s, "host") && !has(s, "pair"))
            count++;
    }
    conf->pairs = take_memory(l, count, sizeof *conf->pairs);
    if (conf->pairs == NULL)
        return;
    for (struct section *s = l->first; s != NULL; s = s->next) {
        if (!is_type(s, "pair"))
            continue;
        take_pair(l, s, &conf->pairs[s->index]);
        complain_unknown(l, s, NULL);
        conf->pairs_count++;
    }
}

static void own_pair(struct loading *l, struct section *s, struct conf_host *host)
{
    struct conf *conf = l->conf;
    host->pairs = take_memory(l, 1, sizeof *host->pairs);
    if (host->pairs == NULL)
        return;
    host->pairs[0] = conf->pairs_count++;
    host->pairs_count = 1;
    take_pair(l, s, &conf->pairs[host->pairs[0]]);
}

static void unknown_label(struct loading *l, const struct value *v, const char *type,
                          const char *label)
{
    struct suggest near = suggest_for(label);
    for (const struct section *s = l->first; s != NULL; s = s->next) {
        if (is_type(s, type))
            suggest_offer(&near, s->label);
    }
    if (near.best != NULL)
        fault_at(l, v, "there is no [%s %.*s]; the nearest is [%s %s]", type, 60, label, type,
                 near.best);
    else
        fault_at(l, v, "there is no [%s %.*s]", type, 60, label);
}

/* A host that names its pairs has none of their keys itself. */
static void refuse_pair_keys(struct loading *l, struct section *s)
{
    size_t count;
    const struct conf_key *keys = conf_keys("pair", &count);
    for (struct value *v = s->first; v != NULL; v = v->next) {
        for (size_t i = 0; i < count; i++) {
            if (strcmp(v->name, keys[i].name) != 0)
                continue;
            fault_at(l, v, "'%s' belongs in the [pair LABEL] that this host names by 'pair'",
                     spell(l, v, v->name));
            v->known = true;
        }
    }
}

static void take_pairs(struct loading *l, struct section *s, struct conf_host *host)
{
    struct conf_value value;
    bool there;
    if (!has(s, "pair")) {
        own_pair(l, s, host);
        return;
    }
    refuse_pair_keys(l, s);
    const struct value *v = take(l, s, key_of("host", "pair"), &value, &there);
    l->pair_lost = l->pair_lost || !there;
    if (!there)
        return;
    host->pairs = take_memory(l, value.items_count, sizeof *host->pairs);
    if (host->pairs == NULL)
        return;
    for (size_t i = 0; i < value.items_count; i++) {
        struct section *pair = section_find(l, "pair", value.items[i]);
        if (pair == NULL) {
            l->pair_lost = true;
            unknown_label(l, v, "pair", value.items[i]);
            continue;
        }
        pair->used = true;
        for (size_t j = 0; j < host->pairs_count; j++) {
            if (host->pairs[j] == pair->index)
                fault_at(l, v, "pair '%s' is named twice", value.items[i]);
        }
        host->pairs[host->pairs_count++] = pair->index;
    }
}

static void take_provider(struct loading *l, struct section *s, struct conf_host *host)
{
    struct conf_value value;
    struct section *only = NULL;
    bool there;
    const struct value *v = take(l, s, key_of("host", "provider"), &value, &there);
    if (v != NULL) {
        only = there ? section_find(l, "provider", value.text) : NULL;
        if (there && only == NULL)
            unknown_label(l, v, "provider", value.text);
    } else if (l->conf->providers_count == 1) {
        for (only = l->first; !is_type(only, "provider"); only = only->next)
            continue;
    } else if (l->conf->providers_count == 0) {
        fault_in(l, s, "[host %s] needs a [provider LABEL] section, and there is none", s->label);
    } else {
        fault_in(l, s, "[host %s] must name its 'provider', as there are several", s->label);
    }
    if (only == NULL) {
        l->provider_lost = true;
        return;
    }
    only->used = true;
    host->provider = only->index;
}

static void take_name(struct loading *l, struct section *s, struct conf_host *host)
{
    const struct conf_key *key = key_of("host", "name");
    struct conf_value value = {.text = NULL};
    char reason[256];
    struct buf why = BUF_OVER(reason);
    bool there;
    if (take(l, s, key, &value, &there) == NULL) {
        there = conf_read(key, s->label, l->arena, &value, &why) == 0;
        if (!there && s->label[0] != '\0')
            fault_in(l, s,
                     l->alone ? "--host %s: %s" : "[host %s] has no 'name', and its label is %s",
                     s->label, reason);
    }
    host->label = s->label;
    host->name = there ? value.text : s->label;
}

static void unknown_service(struct loading *l, const struct value *v, const char *name)
{
    struct suggest near = suggest_for(name);
    for (size_t i = 0; i < l->tables->services_count; i++)
        suggest_offer(&near, l->tables->services[i].name);
    if (near.best != NULL)
        fault_at(l, v, "unknown service '%.*s'; the nearest known is '%s'", 60, name, near.best);
    else
        fault_at(l, v, "unknown service '%.*s': smtp, imaps, https, ... or PORT/tls", 60, name);
}

/* V is NULL where the preset stands, which is right. */
static void take_services(struct loading *l, struct section *s, struct conf_host *host)
{
    struct conf_value value;
    bool there;
    const struct value *v = take(l, s, key_of("host", "service"), &value, &there);
    if (!there)
        return;
    host->services = take_memory(l, value.items_count, sizeof *host->services);
    if (host->services == NULL)
        return;
    for (size_t i = 0; i < value.items_count; i++) {
        int port = l->tables->service_port(value.items[i]);
        if (port < 0 && v != NULL) {
            unknown_service(l, v, value.items[i]);
            continue;
        }
        for (size_t j = 0; v != NULL && j < host->services_count; j++) {
            if (host->services[j].port == port)
                fault_at(l, v, "'%s' and '%s' are the same service, port %d",
                         host->services[j].name, value.items[i], port);
        }
        host->services[host->services_count++] =
            (struct conf_service){value.items[i], (uint16_t)port};
    }
}

static void take_records(struct loading *l, struct section *s, struct conf_host *host)
{
    struct conf_value value;
    bool there;
    const struct value *v = take(l, s, key_of("host", "record"), &value, &there);
    if (!there)
        return;
    for (size_t i = 0; v != NULL && i < value.records_count; i++) {
        const struct conf_record *r = &value.records[i];
        const char *why = l->tables->record_check(value.records, value.records_count, i);
        if (why != NULL)
            fault_at(l, v, "'record = %u %u %u': %s", (unsigned)r->usage, (unsigned)r->selector,
                     (unsigned)r->matching, why);
    }
    host->records = take_memory(l, value.records_count, sizeof *host->records);
    if (host->records == NULL)
        return;
    memcpy(host->records, value.records, value.records_count * sizeof *host->records);
    host->records_count = value.records_count;
}

static void take_waits(struct loading *l, struct section *s, struct conf_host *host)
{
    uint32_t *const waits[WAITS_COUNT] = {&host->waits.publish, &host->waits.retire,
                                          &host->waits.margin, &host->waits.floor,
                                          &host->waits.unreachable};
    struct conf_value value;
    bool there;
    for (size_t i = 0; i < WAITS_COUNT; i++) {
        const struct conf_key *key = key_of("host", wait_names[i]);
        if (take(l, s, key, &value, &there) != NULL) {
            *waits[i] = value.number;
            continue;
        }
        *waits[i] = l->waits[i];
        add_line(l, s, key_of("daneroll", wait_names[i]), l->waits_from[i]);
    }
}

static bool take_yes(struct loading *l, struct section *s, const char *name)
{
    struct conf_value value;
    bool there;
    (void)take(l, s, key_of("host", name), &value, &there);
    return there && value.yes;
}

static void take_propagation(struct loading *l, struct section *s, struct conf_host *host)
{
    struct conf_value value;
    bool there;
    (void)take(l, s, key_of("host", "propagation"), &value, &there);
    host->propagation = CONF_PROPAGATION_ALL;
    if (there && strcmp(value.text, "resolver") == 0)
        host->propagation = CONF_PROPAGATION_RESOLVER;
    else if (there && strcmp(value.text, "time") == 0)
        host->propagation = CONF_PROPAGATION_TIME;
}

static void take_host(struct loading *l, struct section *s, struct conf_host *host)
{
    struct conf_value value;
    bool there;
    host->where = place_of(l, s);
    take_name(l, s, host);
    take_services(l, s, host);
    take_provider(l, s, host);
    take_pairs(l, s, host);
    take_records(l, s, host);
    host->ttl_given = take(l, s, key_of("host", "ttl"), &value, &there) != NULL;
    host->ttl = value.number;
    host->adopt = take_yes(l, s, "adopt");
    host->shared = take_yes(l, s, "shared");
    host->leave = take_yes(l, s, "leave");
    (void)take(l, s, key_of("host", "connect"), &value, &there);
    host->connect = keep_list(l, &value);
    take_propagation(l, s, host);
    take_waits(l, s, host);
    complain_unknown(l, s, NULL);
}

static bool share_service(const struct conf_host *a, const struct conf_host *b, const char **name)
{
    for (size_t i = 0; i < a->services_count; i++) {
        for (size_t j = 0; j < b->services_count; j++) {
            if (a->services[i].port == b->services[j].port) {
                *name = a->services[i].name;
                return true;
            }
        }
    }
    return false;
}

static void complain_shared(struct loading *l)
{
    const struct conf *conf = l->conf;
    const char *service;
    for (size_t i = 0; i < conf->hosts_count; i++) {
        for (size_t j = 0; j < i; j++) {
            const struct conf_host *a = &conf->hosts[j], *b = &conf->hosts[i];
            if (a->name != NULL && b->name != NULL && strcmp(a->name, b->name) == 0 &&
                share_service(a, b, &service))
                fault(l, b->where, "[host %s] and [host %s] are both %s with the service %s",
                      a->label, b->label, a->name, service);
        }
    }
}

/* The first LENGTH octets of a path, without the slashes and dots that lead nowhere. */
static void put_path(struct buf *b, const char *path, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t part = strcspn(path + i, "/");
        if (part > 1 || (part == 1 && path[i] != '.'))
            buf_printf(b, "/%.*s", (int)part, path + i);
        i += part + 1;
    }
}

/* Whether FILE lies where services read what stands in the folder INSTALL. */
static bool is_installed_to(const char *install, const char *file)
{
    static const char *const folders[] = {"", "/current", "/previous"};
    char own[PATH_SIZE], source[PATH_SIZE];
    struct buf b = BUF_OVER(source);
    const char *slash = file == NULL ? NULL : strrchr(file, '/');
    if (slash == NULL)
        return false;
    put_path(&b, file, (size_t)(slash - file));
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        b = BUF_OVER(own);
        put_path(&b, install, strlen(install));
        buf_text(&b, folders[i]);
        if (strcmp(own, source) == 0)
            return true;
    }
    return false;
}

/* Each pair has a folder of its own, and its source is elsewhere. */
static void complain_installs(struct loading *l)
{
    const struct conf *conf = l->conf;
    for (size_t i = 0; i < conf->pairs_count; i++) {
        const struct conf_pair *pair = &conf->pairs[i];
        char own[PATH_SIZE], other[PATH_SIZE];
        struct buf b = BUF_OVER(own);
        if (pair->install == NULL)
            continue;
        put_path(&b, pair->install, strlen(pair->install));
        for (size_t j = 0; j < i; j++) {
            b = BUF_OVER(other);
            if (conf->pairs[j].install != NULL)
                put_path(&b, conf->pairs[j].install, strlen(conf->pairs[j].install));
            if (conf->pairs[j].install != NULL && strcmp(own, other) == 0)
                fault(l, pair->where, "'install = %s' is the folder of the pair %s already",
                      pair->install, conf->pairs[j].label);
        }
        if (is_installed_to(pair->install, pair->certificate) ||
            is_installed_to(pair->install, pair->private_key))
            fault(l, pair->where,
                  "'install = %s' is where its own source lies: daneroll would replace what the "
                  "ACME client writes; name another folder",
                  pair->install);
    }
}

void assemble_hosts(struct loading *l)
{
    struct conf *conf = l->conf;
    size_t count = 0;
    for (const struct section *s = l->first; s != NULL; s = s->next)
        count += is_type(s, "host") ? 1 : 0;
    if (count == 0) {
        fault(l, conf->path == NULL ? "configuration" : conf->path,
              "there is no [host NAME] section, so there is nothing to do");
        l->provider_lost = l->pair_lost = true;
        return;
    }
    conf->hosts = take_memory(l, count, sizeof *conf->hosts);
    if (conf->hosts == NULL || conf->pairs == NULL)
        return;
    for (struct section *s = l->first; s != NULL; s = s->next) {
        if (is_type(s, "host"))
            take_host(l, s, &conf->hosts[conf->hosts_count++]);
    }
    complain_shared(l);
    complain_installs(l);
}
