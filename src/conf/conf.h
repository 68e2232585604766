/*
 * The configuration: one model, written as a file (inih), as options or as environment variables;
 * an option beats the environment, the environment the file, the file the default. Everything
 * lives in the arena given and does not change after conf_load.
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* inih cuts section names at 49 octets: TYPE, a space and the label. */
#define CONF_LABEL_MOST         40
#define CONF_PROVIDER_KEYS_MOST 12
/* Values of one list; nobody reloads that many services after a renewal. */
#define CONF_LIST_MOST 64
/* Parameter combinations of one host: more than RFC 7671 leaves usable. */
#define CONF_RECORDS_MOST 8

struct conf_list {
    size_t count;
    const char **items;
};

/* A row of a provider's own keys, and of every other key (conf/keys.c). */
enum conf_kind {
    CONF_TEXT,
    CONF_SECRET, /* has no option; its value is never shown */
    CONF_PATH,   /* a file's or directory's name */
    CONF_URL,    /* https://... */
    CONF_NAME,   /* a DNS name */
    CONF_YES_NO,
    CONF_WHOLE,    /* a whole number within the limits */
    CONF_DURATION, /* seconds, or with m, h, d */
    CONF_COMMANDS, /* a list: one command a line */
    CONF_WORDS,    /* a list: several words a line */
    CONF_RECORDS,  /* a list: usage, selector and matching type of one TLSA record a line */
    CONF_CHOICE    /* one of the words that stand in `choices` */
};

struct conf_key {
    const char *name; /* token-file; the option is --token-file, the variable DANEROLL_TOKEN_FILE */
    enum conf_kind kind;
    uint32_t least, most; /* of WHOLE and DURATION (seconds) */
    const char *choices;  /* "all resolver time" */
    const char *preset;   /* the default's text, NULL: none */
    const char *help;     /* half a line for --help and the man page */
    bool needs_no_value;  /* an option that stands alone means yes, and never takes the next word */
    bool file_only;       /* has no option and no variable of its own */
};

/* A service name (the table comes from dane/service.c by way of main.c). */
struct conf_service {
    const char *name; /* "smtp" or "8443/tls" */
    uint16_t port;
};

/* A record's parameter combination as configured. */
struct conf_record {
    uint8_t usage, selector, matching;
};

struct conf_waits {
    uint32_t publish;     /* publish-wait */
    uint32_t retire;      /* retire-wait */
    uint32_t margin;      /* wait-margin */
    uint32_t floor;       /* wait-floor */
    uint32_t unreachable; /* unreachable-after */
};

/* How it is seen that DNS shows a record. */
enum conf_propagation {
    CONF_PROPAGATION_ALL,      /* every authoritative server is asked */
    CONF_PROPAGATION_RESOLVER, /* the configured resolver is asked */
    CONF_PROPAGATION_TIME      /* nobody is asked: time passes */
};

struct conf_provider {
    const char *label;
    const struct conf_provider_kind *kind;
    const char *values[CONF_PROVIDER_KEYS_MOST]; /* by the kind's rows; NULL: not given */
    const char *where; /* "daneroll.conf:12" or "the options", for messages */
};

struct conf_pair {
    const char *label;
    const char *certificate;                        /* PEM, leaf first */
    const char *private_key;                        /* NULL: not given */
    const char *next_key, *install, *install_owner; /* "root:root" */
    uint32_t install_mode;
    const char *chain;     /* "system", "none" or a file */
    uint32_t renew_before; /* seconds; 0: a third of the life */
    struct conf_list renew, reload, restart;
    uint32_t hook_timeout; /* seconds */
    const char *where;
};

struct conf_host {
    const char *label;
    const char *name; /* canonical: lower case, no final dot */
    size_t services_count;
    struct conf_service *services;
    size_t provider; /* index */
    size_t pairs_count;
    size_t *pairs; /* indices */
    size_t records_count;
    struct conf_record *records;
    uint32_t ttl;
    bool ttl_given;           /* else the default is raised to the provider's least */
    struct conf_list connect; /* addresses or names at which services are asked; none: its own */
    bool adopt;
    bool shared; /* other names may lead to its records by CNAME */
    bool leave;
    enum conf_propagation propagation;
    struct conf_waits waits;
    const char *where;
};

struct conf {
    const char *path;    /* the file read; NULL with --host */
    const char *state;   /* directory */
    const char *ca_file; /* NULL: the usual places */
    bool syslog;
    struct conf_list resolvers; /* none: those of /etc/resolv.conf */
    const char *notify;         /* a command; NULL: none */
    uint32_t check_interval;    /* seconds */
    size_t providers_count, pairs_count, hosts_count;
    struct conf_provider *providers;
    struct conf_pair *pairs;
    struct conf_host *hosts;
    const struct conf_line *lines; /* for conf_show */
};

/* What the floors above hand down: conf includes nothing above it. */
struct conf_provider_kind {
    const char *name;
    const struct conf_key *keys;
    size_t keys_count;
};

struct conf_tables {
    const struct conf_provider_kind *providers;
    size_t providers_count;
    /* The named services, for "did you mean". */
    const struct conf_service *services;
    size_t services_count;
    /* The port of a service's name or of "PORT/tls"; -1 if it is neither. */
    int (*service_port)(const char *name);
    /* Checks one record among all of its host: NULL if it may be configured, else why not. */
    const char *(*record_check)(const struct conf_record *records, size_t count, size_t index);
};

/*
 * What stands on the command line: names without the leading "--", in their order. Both config
 * keys and a verb's own options come through here; conf_load takes the keys it knows.
 */
#define CONF_GIVEN_MOST 64

struct conf_given {
    size_t count;
    struct {
        const char *name;  /* "token-file" */
        const char *value; /* NULL: the option stood alone */
    } items[CONF_GIVEN_MOST];
};

/*
 * Takes each fault: WHERE is "FILE:LINE", "option --x" or "variable DANEROLL_X"; TEXT says what is
 * wrong with it and, where it helps, the nearest known name.
 */
typedef void conf_complain(void *context, const char *where, const char *text);

/*
 * Finds, reads and checks the configuration. Every fault goes to COMPLAIN; the result is 0 or the
 * negative number of faults, and CONF is of no use then (conf_wipe it all the same). With --host or
 * DANEROLL_HOST no file is read. ENVIRONMENT is environ (a fuzz target or test gives its own);
 * GIVEN, ENVIRONMENT and TABLES must outlive CONF. GIVEN may hold a verb's own options too.
 */
int conf_load(struct conf *conf, const struct conf_tables *tables, const struct conf_given *given,
              char *const environment[], struct arena *arena, conf_complain *complain,
              void *context);

/* Wipes the secrets of CONF and of the environment they came from. */
void conf_wipe(struct conf *conf);

/*
 * The effective configuration, a line a call: "[host mail.example.org] ttl = 1800  (default)",
 * with where each value came from; secrets are shown as "(set)".
 */
typedef void conf_show_line(void *context, const char *line);
void conf_show(const struct conf *conf, conf_show_line *show, void *context);

/*
 * The rows of a section ("daneroll", "provider", "pair", "host"; "" for `config` and `host`, which
 * are an option and a variable but no key); NULL and 0 for another word.
 */
const struct conf_key *conf_keys(const char *section, size_t *count);

/* Any row, one after the other: for the help, the man page's test, and nearest names. */
struct conf_row {
    const struct conf_key *key;
    const char *section; /* as of conf_keys */
    const char *type;    /* of the provider, where the row is one provider type's; else NULL */
};

/* The row of that number from 0 on; false past the last one. */
bool conf_row(const struct conf_tables *tables, size_t number, struct conf_row *row);
/*
 * The row that option --NAME says, secrets too, so that they can be refused by name; false if there
 * is none.
 */
bool conf_option(const struct conf_tables *tables, const char *name, struct conf_row *row);
/* DANEROLL_TOKEN_FILE and NUL of token-file. */
#define CONF_VARIABLE_SIZE 48
void conf_variable(const char *name, char variable[CONF_VARIABLE_SIZE]);

#endif
