/*
 * A whole struct conf as text, all but the places where it was written: two configurations are
 * equal if their texts are. For test_uci.c and fuzz_uci.c.
 */
#ifndef UNIT_CONF_DUMP_H
#define UNIT_CONF_DUMP_H

#include "conf/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct dump {
    char *text;
    size_t size, used;
};

static inline void dump_put(struct dump *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static inline void dump_put(struct dump *d, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(d->text + d->used, d->size - d->used, format, arguments);
    va_end(arguments);
    if (n < 0 || (size_t)n >= d->size - d->used)
        abort();
    d->used += (size_t)n;
}

static inline const char *dump_text(const char *text)
{
    return text == NULL ? "(null)" : text;
}

static inline void dump_list(struct dump *d, const char *name, const struct conf_list *list)
{
    dump_put(d, "  %s %zu\n", name, list->count);
    for (size_t i = 0; i < list->count; i++)
        dump_put(d, "    <%s>\n", list->items[i]);
}

static inline void dump_pair(struct dump *d, const struct conf_pair *p)
{
    dump_put(d, "pair <%s> <%s> <%s> <%s>\n", p->label, dump_text(p->certificate),
             dump_text(p->private_key), dump_text(p->next_key));
    dump_put(d, "  <%s> <%s> %o <%s> %u %u\n", dump_text(p->install), dump_text(p->install_owner),
             (unsigned)p->install_mode, dump_text(p->chain), (unsigned)p->renew_before,
             (unsigned)p->hook_timeout);
    dump_list(d, "renew", &p->renew);
    dump_list(d, "reload", &p->reload);
    dump_list(d, "restart", &p->restart);
}

static inline void dump_host(struct dump *d, const struct conf_host *h)
{
    dump_put(d, "host <%s> <%s> provider %zu ttl %u %d\n", h->label, h->name, h->provider,
             (unsigned)h->ttl, h->ttl_given);
    for (size_t i = 0; i < h->services_count; i++)
        dump_put(d, "  service <%s> %u\n", h->services[i].name, (unsigned)h->services[i].port);
    for (size_t i = 0; i < h->pairs_count; i++)
        dump_put(d, "  pair %zu\n", h->pairs[i]);
    for (size_t i = 0; i < h->records_count; i++)
        dump_put(d, "  record %u %u %u\n", (unsigned)h->records[i].usage,
                 (unsigned)h->records[i].selector, (unsigned)h->records[i].matching);
    dump_list(d, "connect", &h->connect);
    dump_put(d, "  adopt %d shared %d leave %d propagation %d\n", h->adopt, h->shared, h->leave,
             (int)h->propagation);
    dump_put(d, "  waits %u %u %u %u %u\n", (unsigned)h->waits.publish, (unsigned)h->waits.retire,
             (unsigned)h->waits.margin, (unsigned)h->waits.floor, (unsigned)h->waits.unreachable);
}

static inline void dump_conf(struct dump *d, const struct conf *c)
{
    dump_put(d, "state <%s> ca-file <%s> syslog %d notify <%s> check-interval %u\n",
             dump_text(c->state), dump_text(c->ca_file), c->syslog, dump_text(c->notify),
             (unsigned)c->check_interval);
    dump_list(d, "resolver", &c->resolvers);
    for (size_t i = 0; i < c->providers_count; i++) {
        const struct conf_provider *p = &c->providers[i];
        dump_put(d, "provider <%s> %s\n", p->label, p->kind->name);
        for (size_t j = 0; j < p->kind->keys_count; j++)
            dump_put(d, "  %s <%s>\n", p->kind->keys[j].name, dump_text(p->values[j]));
    }
    for (size_t i = 0; i < c->pairs_count; i++)
        dump_pair(d, &c->pairs[i]);
    for (size_t i = 0; i < c->hosts_count; i++)
        dump_host(d, &c->hosts[i]);
}

#endif
