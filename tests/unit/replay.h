/*
 * The world of a replay file: what stands on disk and in DNS, what services have loaded, what time
 * it is, and what the engine did to it. replay_world.h puts it behind the seam, replay_script.h
 * reads the files.
 */
#ifndef TESTS_UNIT_REPLAY_H
#define TESTS_UNIT_REPLAY_H

#include "roll/install.h"
#include "roll/roll.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* More than any scenario needs. */
#define REPLAY_CHAINS   48
#define REPLAY_PAIRS    6
#define REPLAY_PLACES   16
#define REPLAY_OWNERS   12
#define REPLAY_RECORDS  24
#define REPLAY_SERVERS  6
#define REPLAY_COMMANDS 12
#define REPLAY_LOG      256
#define REPLAY_CONFS    8
#define REPLAY_NAME     128
#define REPLAY_MEMORY   ((size_t)16 * 1024 * 1024)
#define DAY             86400

/*
 * A chain by name: K2.3+I7 is certificate 3 of key 2 (ECDSA; R2: RSA), issued by CA key 7. ".1" may
 * be left out, and the issuer.
 */
struct replay_chain {
    char name[24];
    struct cert_digests leaf, issuer;
    bool issued;
    enum cert_algorithm algorithm;
};

struct replay_file {
    struct pair_found found; /* PAIR_ABSENT: none */
    char unfit[REPLAY_NAME]; /* what the check says of it; "": it is good */
};

struct replay_pair {
    char label[CONF_LABEL_MOST + 1];
    struct replay_file source, current, previous, next_key;
};

/* How a service comes by a pair. */
enum replay_mode {
    MODE_RELOADS,  /* at `reload` and `restart` */
    MODE_RESTARTS, /* at `restart` only */
    MODE_SLOW,     /* some time after either */
    MODE_LIVE,     /* it reads what stands there at each handshake */
    MODE_SOURCE,   /* likewise the source, whatever is installed */
    MODE_BREAKS, /* at the next reload: TLS, or (`breaks to`) its key; then at the next it heals */
    MODE_FIXED   /* never: it is another server's */
};

enum replay_fault {
    FAULT_NONE,
    FAULT_UNSEEN,
    FAULT_NO_STARTTLS,
    FAULT_NO_TLS,
    FAULT_OLD_TLS,
    FAULT_NOWHERE /* no address could be found */
};

/* A service at an address, with what it has loaded for each kind of key. */
struct replay_place {
    char host[NAME_SIZE], service[32], address[WORLD_ADDRESS_SIZE];
    enum replay_mode mode;
    enum replay_fault fault;
    bool pending; /* of MODE_SLOW */
    const struct replay_chain *breaks_to;
    struct pair_found loaded[2];
};

struct replay_rrset {
    char owner[TLSA_OWNER_SIZE];
    size_t count;
    struct provider_record records[REPLAY_RECORDS];
};

struct replay_zone {
    size_t count;
    struct replay_rrset sets[REPLAY_OWNERS];
};

struct replay_server {
    char name[32], address[WORLD_ADDRESS_SIZE];
    bool frozen;
    int64_t thaws;            /* BOOTTIME; 0: when it is told to */
    enum world_answer answer; /* WORLD_RRSET: it answers; WORLD_DENIAL: it denies everything */
    struct replay_zone zone;  /* of a frozen one */
};

struct replay_command {
    char text[REPLAY_NAME];
    bool fails;
    char label[CONF_LABEL_MOST + 1]; /* whose source it writes; "": none's */
    struct replay_file source, next_key;
};

/* What happens to the next call of one kind. */
enum replay_mishap {
    MISHAP_NONE,
    MISHAP_LOST,     /* done, and the answer is lost */
    MISHAP_VANISHED, /* not done, and the answer is lost */
    MISHAP_LATER,
    MISHAP_REFUSED,
    MISHAP_WRONG, /* refused: the configuration is at fault */
    MISHAP_CONFLICT
};

struct replay_message {
    enum log_level level;
    bool expected;
    char text[LOG_MESSAGE_SIZE];
};

struct replay_action {
    uint32_t ttl; /* of ADD */
    char text[1024];
    char words[LOG_MESSAGE_SIZE]; /* of NOTIFY */
};

struct replay {
    const char *path;
    FILE *file;
    unsigned line;
    char pushed[1024]; /* a line that was read too far */
    bool has_pushed;

    struct conf confs[REPLAY_CONFS];
    struct arena conf_arenas[REPLAY_CONFS];
    size_t confs_count;
    struct conf *conf; /* the last */
    struct conf_given given;

    size_t chains_count, pairs_count, places_count, servers_count, commands_count;
    struct replay_chain chains[REPLAY_CHAINS];
    struct replay_pair pairs[REPLAY_PAIRS];
    struct replay_place places[REPLAY_PLACES];
    struct replay_server servers[REPLAY_SERVERS];
    struct replay_command commands[REPLAY_COMMANDS];
    struct replay_zone provider, aliases; /* of an alias, the owner is "FROM TO" */
    struct replay_rrset wildcard;
    enum world_zone zone;
    char zone_words[REPLAY_NAME], blind[REPLAY_NAME], mx_host[NAME_SIZE], mx[REPLAY_NAME];
    uint32_t signed_ttl, settle;
    int64_t signature_life; /* left, seconds; -1: unsigned */
    enum replay_mishap add, remove, list, install;
    unsigned list_after; /* so many lists before */
    int64_t later;
    bool cannot_save;
    struct moment now;
    bool clock_by_network; /* an answer's Date proves it */
    unsigned boots;

    char state[STATE_TEXT_SIZE], look[512];
    int state_length, look_length;
    bool state_aside;

    /* What happens while a run waits, and when; "": nothing. */
    char pending[1024];
    int64_t pending_at; /* boottime */
    void (*happen)(struct replay *r, const char *line);

    /* Of the last run. */
    bool ran;
    unsigned run_line;
    struct outcome outcome;
    bool waits;
    unsigned network_calls, saves, looks, sleeps;
    int exit_expected;
    size_t actions_count, actions_expected, messages_count;
    struct replay_action actions[REPLAY_LOG];
    struct replay_message messages[REPLAY_LOG];
};

/* A text that must fit into the array TO. */
#define REPLAY_COPY(to, text) replay_copy((to), sizeof(to), (text))
static inline void replay_copy(char *to, size_t size, const char *text)
{
    assert_true(strlen(text) < size);
    memcpy(to, text, strlen(text) + 1);
}

/* What went wrong, with all that the last run did: how a scenario is written. */
static inline void replay_fail(struct replay *r, const char *why, const char *what)
{
    static const char *const levels[] = {"error", "warning", "notice", "detail"};
    print_error("%s:%u: %s%s%s\n", r->path, r->line, why, what[0] == '\0' ? "" : ": ", what);
    if (r->ran) {
        print_error("the run at line %u came to exit %d:\n", r->run_line,
                    r->outcome.failed  ? 1
                    : r->outcome.usage ? 2
                    : r->outcome.later ? 75
                                       : 0);
        for (size_t i = 0; i < r->actions_count; i++)
            print_error("    %c %s%s%s\n", i < r->actions_expected ? ' ' : '*', r->actions[i].text,
                        r->actions[i].words[0] == '\0' ? "" : ": ", r->actions[i].words);
        for (size_t i = 0; i < r->messages_count; i++)
            print_error("    %c %s: %s\n", r->messages[i].expected ? ' ' : '*',
                        levels[r->messages[i].level], r->messages[i].text);
    }
    fail();
}

/* --- names of chains and records ------------------------------------------------------------- */

static inline void replay_digest(const char *text, uint8_t d256[32], uint8_t d512[64])
{
    cert_sha256((const uint8_t *)text, strlen(text), d256);
    cert_sha512((const uint8_t *)text, strlen(text), d512);
}

static inline void replay_digests(char kind, unsigned key, unsigned certificate,
                                  struct cert_digests *d)
{
    char text[64];
    (void)snprintf(text, sizeof text, "key %c%u", kind, key);
    replay_digest(text, d->spki256, d->spki512);
    (void)snprintf(text, sizeof text, "certificate %u of key %c%u", certificate, kind, key);
    replay_digest(text, d->certificate256, d->certificate512);
}

/* The chain of that name; NULL: it is none. */
static inline const struct replay_chain *replay_chain(struct replay *r, const char *name)
{
    unsigned key, certificate = 1, issuer = 0;
    char kind, end;
    const char *dot = strchr(name, '.'), *plus = strchr(name, '+');
    if (sscanf(name, "%c%u%c", &kind, &key, &end) < 2 || strchr("KRI", kind) == NULL ||
        strlen(name) >= sizeof r->chains[0].name ||
        (dot != NULL && sscanf(dot, ".%u", &certificate) != 1) ||
        (plus != NULL && sscanf(plus, "+I%u", &issuer) != 1))
        return NULL;
    for (size_t i = 0; i < r->chains_count; i++) {
        if (strcmp(r->chains[i].name, name) == 0)
            return &r->chains[i];
    }
    assert_true(r->chains_count < REPLAY_CHAINS);
    /* The issuer's own name, for records of it. */
    if (plus != NULL)
        (void)replay_chain(r, plus + 1);
    struct replay_chain *chain = &r->chains[r->chains_count++];
    REPLAY_COPY(chain->name, name);
    replay_digests(kind, key, certificate, &chain->leaf);
    chain->algorithm = kind == 'R' ? CERT_RSA : CERT_ECDSA;
    chain->issued = plus != NULL;
    if (chain->issued)
        replay_digests('I', issuer, 1, &chain->issuer);
    return chain;
}

static inline const char *replay_leaf_name(const struct replay *r, const struct cert_digests *leaf)
{
    for (size_t i = 0; i < r->chains_count; i++) {
        if (memcmp(&r->chains[i].leaf, leaf, sizeof *leaf) == 0)
            return r->chains[i].name;
    }
    return "an unknown leaf";
}

/* What a pair's files hold, with a certificate that has so many seconds left of its life. */
static inline void replay_found(const struct replay *r, const struct replay_chain *chain,
                                int64_t left, int64_t life, struct pair_found *found)
{
    memset(found, 0, sizeof *found);
    found->code = PAIR_READ;
    found->leaf = chain->leaf;
    found->issuers_count = chain->issued ? 1 : 0;
    found->issuers[0] = chain->issuer;
    found->algorithm = chain->algorithm;
    found->not_after = r->now.wall + left;
    found->not_before = found->not_after - life;
}

/* "3 1 1 K2", "2 1 1 I7", "3 0 1 K2.3", "3 1 1 nothing", or the data in hex. */
static inline bool replay_record(struct replay *r, const char *text, struct tlsa *record)
{
    unsigned usage, selector, matching;
    char name[64];
    const struct replay_chain *chain;
    if (sscanf(text, "%u %u %u %63s", &usage, &selector, &matching, name) != 4)
        return false;
    struct tlsa_combination c = {(uint8_t)usage, (uint8_t)selector, (uint8_t)matching};
    struct cert_digests nothing;
    const struct cert_digests *leaf = &nothing;
    if (strcmp(name, "nothing") == 0) {
        replay_digest("", nothing.spki256, nothing.spki512);
        replay_digest("", nothing.certificate256, nothing.certificate512);
    } else if ((chain = replay_chain(r, name)) != NULL) {
        leaf = &chain->leaf;
    } else {
        return tlsa_parse(text, strlen(text), record) == 0;
    }
    const uint8_t *d256 = selector == 0 ? leaf->certificate256 : leaf->spki256;
    const uint8_t *d512 = selector == 0 ? leaf->certificate512 : leaf->spki512;
    tlsa_set(record, c, matching == 2 ? d512 : d256, matching == 2 ? 64 : 32);
    return true;
}

/* The same text back: the first name known that has this record. */
static inline void replay_print_record(struct replay *r, const struct tlsa *record, char *text,
                                       size_t size)
{
    const struct tlsa_combination c = record->combination;
    for (size_t i = 0; i < r->chains_count; i++) {
        struct tlsa other;
        (void)snprintf(text, size, "%d %d %d %s", c.usage, c.selector, c.matching,
                       r->chains[i].name);
        if (c.selector != 0)
            text[strcspn(text, ".+")] = '\0';
        text[strcspn(text, "+")] = '\0';
        if (replay_record(r, text, &other) && tlsa_equal(&other, record))
            return;
    }
    char plain[TLSA_TEXT_SIZE];
    struct buf b = BUF_OVER(plain);
    tlsa_print(&b, record);
    (void)snprintf(text, size, "%s", plain);
}

/* --- parts of the world by name -------------------------------------------------------------- */

static inline struct replay_pair *replay_pair(struct replay *r, const char *label)
{
    for (size_t i = 0; i < r->pairs_count; i++) {
        if (strcmp(r->pairs[i].label, label) == 0)
            return &r->pairs[i];
    }
    assert_true(r->pairs_count < REPLAY_PAIRS);
    struct replay_pair *pair = &r->pairs[r->pairs_count++];
    REPLAY_COPY(pair->label, label);
    pair->source.found.code = pair->current.found.code = PAIR_ABSENT;
    pair->previous.found.code = pair->next_key.found.code = PAIR_ABSENT;
    return pair;
}

static inline struct replay_rrset *replay_set(struct replay_zone *zone, const char *owner)
{
    for (size_t i = 0; i < zone->count; i++) {
        if (strcmp(zone->sets[i].owner, owner) == 0)
            return &zone->sets[i];
    }
    assert_true(zone->count < REPLAY_OWNERS);
    struct replay_rrset *set = &zone->sets[zone->count++];
    REPLAY_COPY(set->owner, owner);
    set->count = 0;
    return set;
}

static inline bool replay_set_add(struct replay_rrset *set, const struct tlsa *record, uint32_t ttl,
                                  bool automatic)
{
    for (size_t i = 0; i < set->count; i++) {
        if (tlsa_equal(&set->records[i].tlsa, record))
            return false;
    }
    assert_true(set->count < REPLAY_RECORDS);
    memset(&set->records[set->count], 0, sizeof set->records[0]);
    set->records[set->count].tlsa = *record;
    set->records[set->count].ttl = automatic ? 300 : ttl;
    set->records[set->count++].automatic = automatic;
    return true;
}

static inline bool replay_set_remove(struct replay_rrset *set, const struct tlsa *record)
{
    for (size_t i = 0; i < set->count; i++) {
        if (!tlsa_equal(&set->records[i].tlsa, record))
            continue;
        memmove(&set->records[i], &set->records[i + 1],
                (set->count - i - 1) * sizeof set->records[0]);
        set->count--;
        return true;
    }
    return false;
}

static inline struct replay_command *replay_command(struct replay *r, const char *text, bool make)
{
    for (size_t i = 0; i < r->commands_count; i++) {
        if (strcmp(r->commands[i].text, text) == 0)
            return &r->commands[i];
    }
    if (!make)
        return NULL;
    assert_true(r->commands_count < REPLAY_COMMANDS);
    (void)snprintf(r->commands[r->commands_count].text, REPLAY_NAME, "%s", text);
    return &r->commands[r->commands_count++];
}

static inline struct replay_action *replay_log(struct replay *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline struct replay_action *replay_log(struct replay *r, const char *format, ...)
{
    va_list arguments;
    assert_true(r->actions_count < REPLAY_LOG);
    struct replay_action *action = &r->actions[r->actions_count++];
    memset(action, 0, sizeof *action);
    va_start(arguments, format);
    (void)vsnprintf(action->text, sizeof action->text, format, arguments);
    va_end(arguments);
    return action;
}

/* --- services load --------------------------------------------------------------------------- */

static inline bool replay_lists(const struct conf_list *list, const char *command)
{
    for (size_t i = 0; i < list->count; i++) {
        if (command == NULL || strcmp(list->items[i], command) == 0)
            return true;
    }
    return false;
}

/* What stands where services read, of each pair of the place's host that COMMAND is for. */
static inline void replay_load(struct replay *r, struct replay_place *place, const char *command,
                               bool source)
{
    for (size_t h = 0; h < r->conf->hosts_count; h++) {
        const struct conf_host *host = &r->conf->hosts[h];
        for (size_t i = 0; strcmp(host->name, place->host) == 0 && i < host->pairs_count; i++) {
            const struct conf_pair *conf = &r->conf->pairs[host->pairs[i]];
            const struct replay_pair *pair = replay_pair(r, conf->label);
            const struct pair_found *stands =
                conf->install != NULL && !source ? &pair->current.found : &pair->source.found;
            if (command != NULL && !replay_lists(&conf->reload, command) &&
                !replay_lists(&conf->restart, command))
                continue;
            if (stands->code == PAIR_READ)
                place->loaded[stands->algorithm == CERT_RSA ? PROBE_RSA : PROBE_ECDSA] = *stands;
        }
    }
}

static inline void replay_break(struct replay *r, struct replay_place *place, const char *command)
{
    bool broken = place->fault != FAULT_NONE || place->pending;
    place->fault = FAULT_NONE;
    place->pending = false;
    replay_load(r, place, command, false);
    if (broken)
        return;
    if (place->breaks_to == NULL)
        place->fault = FAULT_NO_TLS;
    else
        replay_found(r, place->breaks_to, 80 * DAY, 90 * DAY, &place->loaded[PROBE_ECDSA]);
    place->pending = place->breaks_to != NULL;
}

static inline void replay_reload(struct replay *r, const char *command, bool restart)
{
    for (size_t i = 0; i < r->places_count; i++) {
        struct replay_place *place = &r->places[i];
        if (place->mode == MODE_RELOADS || (place->mode == MODE_RESTARTS && restart))
            replay_load(r, place, command, false);
        else if (place->mode == MODE_SLOW)
            place->pending = true;
        else if (place->mode == MODE_BREAKS)
            replay_break(r, place, command);
    }
}

static inline void replay_pass_time(struct replay *r, int64_t seconds)
{
    r->now.boottime += seconds;
    r->now.wall += seconds;
    for (size_t i = 0; i < r->servers_count; i++) {
        if (r->servers[i].thaws > 0 && r->now.boottime >= r->servers[i].thaws)
            r->servers[i].frozen = false;
    }
    for (size_t i = 0; i < r->places_count; i++) {
        if (r->places[i].mode == MODE_SLOW && r->places[i].pending && seconds > 60) {
            replay_load(r, &r->places[i], NULL, false);
            r->places[i].pending = false;
        }
    }
}

#endif
