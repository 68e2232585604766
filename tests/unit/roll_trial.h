/*
 * What the tests of src/roll build their worlds from: leafs by number, records of them, moments and
 * small configurations.
 */
#ifndef TESTS_UNIT_ROLL_TRIAL_H
#define TESTS_UNIT_ROLL_TRIAL_H

#include "roll/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* More than any test needs. */
#define TRIAL_PAIRS    3
#define TRIAL_HOSTS    3
#define TRIAL_SERVICES 2
#define TRIAL_MEMORY   ((size_t)8 * 1024 * 1024)

/* A configuration in one piece. */
struct trial {
    struct conf conf;
    struct conf_provider provider;
    struct conf_pair pairs[TRIAL_PAIRS];
    const char *reload[TRIAL_PAIRS][4], *restart[TRIAL_PAIRS][4], *renew[TRIAL_PAIRS][4];
    struct conf_host hosts[TRIAL_HOSTS];
    struct conf_service services[TRIAL_HOSTS][TRIAL_SERVICES];
    size_t host_pairs[TRIAL_HOSTS][TRIAL_PAIRS];
    struct conf_record records[TRIAL_HOSTS][4];
};

/* A leaf: certificate number CERTIFICATE of key number KEY. */
static inline struct cert_digests trial_leaf(unsigned key, unsigned certificate)
{
    char text[64];
    struct cert_digests d;
    int n = snprintf(text, sizeof text, "certificate %u of key %u", certificate, key);
    cert_sha256((const uint8_t *)text, (size_t)n, d.certificate256);
    cert_sha512((const uint8_t *)text, (size_t)n, d.certificate512);
    n = snprintf(text, sizeof text, "key %u", key);
    cert_sha256((const uint8_t *)text, (size_t)n, d.spki256);
    cert_sha512((const uint8_t *)text, (size_t)n, d.spki512);
    return d;
}

/* The record of a leaf, or one of that combination with the leaf's digest of that length. */
static inline struct tlsa trial_record(uint8_t usage, uint8_t selector, uint8_t matching,
                                       const struct cert_digests *leaf)
{
    struct tlsa record;
    struct tlsa_combination c = {usage, selector, matching};
    const uint8_t *d256 = selector == 0 ? leaf->certificate256 : leaf->spki256;
    const uint8_t *d512 = selector == 0 ? leaf->certificate512 : leaf->spki512;
    tlsa_set(&record, c, matching == 2 ? d512 : d256, matching == 2 ? 64 : 32);
    return record;
}

static inline struct tlsa trial_311(unsigned key)
{
    struct cert_digests leaf = trial_leaf(key, 1);
    return trial_record(3, 1, 1, &leaf);
}

static inline struct moment trial_moment(const char *boot, int64_t boottime, int64_t wall,
                                         bool proven)
{
    struct moment m;
    memset(&m, 0, sizeof m);
    (void)snprintf(m.boot, sizeof m.boot, "%s", boot);
    m.boottime = boottime;
    m.wall = wall;
    m.proven = proven;
    return m;
}

static inline struct moment trial_at(int64_t seconds)
{
    return trial_moment("b7a0fd5e-4a5e-4f5e-8b5c-0123456789ab", 1000 + seconds,
                        TIME_RELEASE + seconds, true);
}

/* --- configurations -------------------------------------------------------------------------- */

static inline void trial_init(struct trial *t)
{
    memset(t, 0, sizeof *t);
    t->provider.label = "p";
    t->conf.check_interval = 21600;
    t->conf.providers_count = 1;
    t->conf.providers = &t->provider;
    t->conf.pairs = t->pairs;
    t->conf.hosts = t->hosts;
}

/* A pair in the classic order; trial_install makes it a staged one. */
static inline size_t trial_pair(struct trial *t, const char *label, const char *reload)
{
    size_t p = t->conf.pairs_count++;
    assert_true(p < TRIAL_PAIRS);
    t->pairs[p] = (struct conf_pair){.label = label,
                                     .certificate = "/certificate",
                                     .private_key = "/private-key",
                                     .hook_timeout = 300,
                                     .reload = {0, t->reload[p]},
                                     .restart = {0, t->restart[p]},
                                     .renew = {0, t->renew[p]}};
    if (reload != NULL)
        t->reload[p][t->pairs[p].reload.count++] = reload;
    return p;
}

static inline void trial_install(struct trial *t, size_t pair)
{
    t->pairs[pair].install = "/install";
    t->pairs[pair].install_mode = 0600;
}

static inline void trial_reload(struct trial *t, size_t pair, const char *command)
{
    t->reload[pair][t->pairs[pair].reload.count++] = command;
}

static inline void trial_restart(struct trial *t, size_t pair, const char *command)
{
    t->restart[pair][t->pairs[pair].restart.count++] = command;
}

/* A host with service smtp and 3 1 1, the waits' defaults and TTL 1800. */
static inline size_t trial_host(struct trial *t, const char *name, size_t pair)
{
    size_t h = t->conf.hosts_count++;
    assert_true(h < TRIAL_HOSTS);
    t->services[h][0] = (struct conf_service){"smtp", 25};
    t->host_pairs[h][0] = pair;
    t->records[h][0] = (struct conf_record){3, 1, 1};
    t->hosts[h] = (struct conf_host){.label = name,
                                     .name = name,
                                     .services_count = 1,
                                     .services = t->services[h],
                                     .pairs_count = 1,
                                     .pairs = t->host_pairs[h],
                                     .records_count = 1,
                                     .records = t->records[h],
                                     .ttl = 1800,
                                     .shared = true,
                                     .propagation = CONF_PROPAGATION_ALL,
                                     .waits = {0, 3600, 300, 900, 86400}};
    return h;
}

static inline void trial_host_pair(struct trial *t, size_t host, size_t pair)
{
    t->host_pairs[host][t->hosts[host].pairs_count++] = pair;
}

static inline void trial_host_record(struct trial *t, size_t host, uint8_t usage, uint8_t selector,
                                     uint8_t matching)
{
    t->records[host][t->hosts[host].records_count++] =
        (struct conf_record){usage, selector, matching};
}

static inline void trial_host_service(struct trial *t, size_t host, const char *name, uint16_t port)
{
    t->services[host][t->hosts[host].services_count++] = (struct conf_service){name, port};
}

#endif
