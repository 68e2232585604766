/*
 * What the files of conf/ share while a configuration is loaded; nothing of it is for others.
 *
 * Text becomes sections of raw values first, whatever it came from (file.c, given.c); the values
 * are then taken by rows (take.c) and assembled into struct conf (load.c, hosts.c).
 */
#ifndef CONF_LOADING_H
#define CONF_LOADING_H

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"
#include "conf/read.h"
#include "conf/suggest.h"

#include <stdbool.h>
#include <stddef.h>

#define CONF_VARIABLE_PREFIX "DANEROLL_"
#define CONF_FILE_USUAL      "/etc/daneroll/daneroll.conf"
#define CONF_FILE_UCI        "/etc/config/daneroll"
#define CONF_STATE_USUAL     "/var/lib/daneroll"
/* Where /var is lost at each boot, as on OpenWrt. */
#define CONF_STATE_FLASH "/etc/daneroll/state"
/* Bytes of a configuration file: thousands of hosts. */
#define CONF_FILE_MOST 262144
/* Sections of a file: bounds the look for duplicates. */
#define CONF_SECTIONS_MOST 2048
/* Values of one section: its keys, and some full lists. */
#define CONF_SECTION_VALUES_MOST 512

enum rank { RANK_PRESET, RANK_FILE, RANK_ENVIRONMENT, RANK_OPTION };

/* publish-wait, retire-wait, wait-margin, wait-floor */
#define WAITS_COUNT 5
extern const char *const wait_names[WAITS_COUNT];

/* One value as written. */
struct value {
    struct value *next;
    const char *name;    /* of the key */
    const char *spelled; /* of the option, "host" for the key name; NULL: as the key */
    const char *text;    /* NULL: none was given */
    enum rank rank;
    unsigned line;
    bool known; /* a row has taken it */
};

struct section {
    struct section *next;
    const char *type;  /* "daneroll", "provider", "pair", "host" */
    const char *label; /* "" of [daneroll] */
    unsigned line;     /* 0: not in a file */
    struct value *first, *last;
    size_t values_count;
    size_t index; /* in the array of struct conf */
    bool used;    /* somebody refers to it */
};

struct loading {
    struct conf *conf;
    const struct conf_tables *tables;
    const struct conf_given *given;
    char *const *environment;
    struct arena *arena;
    conf_complain *complain;
    void *context;
    int faults;
    bool exhausted;                /* the arena is; said once */
    bool alone;                    /* --host: options and variables only */
    bool exposed;                  /* others may read the file */
    bool uci;                      /* the file is written in UCI's way */
    bool provider_lost, pair_lost; /* some host's reference is wrong: who is unused is not known */
    struct section *first, *last;
    size_t sections_count;
    struct section *daneroll;
    struct section *host; /* alone: the one that takes everything of its pair and host */
    struct conf_line **lines_end;
    uint32_t waits[WAITS_COUNT]; /* of [daneroll], by wait_names */
    const struct value *waits_from[WAITS_COUNT];
};

/* One line of conf_show. */
struct conf_line {
    struct conf_line *next;
    const struct section *section;
    const struct conf_key *key;
    const struct value *value; /* NULL: the default */
    const char *preset;
};

/* keys.c */
const struct conf_key *key_of(const char *section, const char *name);
const struct conf_provider_kind *kind_of(const struct conf_tables *tables, const char *name);

/* take.c */
/* A value's items in the arena; the reader's array is the caller's. */
struct conf_list keep_list(struct loading *l, const struct conf_value *value);
void *take_memory(struct loading *l, size_t count, size_t size);
char *take_copy(struct loading *l, const char *text);
void fault(struct loading *l, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fault_in(struct loading *l, const struct section *s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void fault_at(struct loading *l, const struct value *v, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "FILE:LINE", "option --x" or "variable DANEROLL_X". */
void where_of(const struct conf *conf, const struct value *v, struct buf *b);
/* A key's name as it is written where V stands (NULL: in the file): token_file in UCI. */
const char *spell(struct loading *l, const struct value *v, const char *name);
/* "FILE:LINE" of a section, or "the options". */
void where_of_section(const struct conf *conf, const struct section *s, struct buf *b);
/* "[host mail.example.org]" */
void section_title(const struct section *s, struct buf *b);
struct section *section_add(struct loading *l, const char *type, const char *label, unsigned line);
/* TYPE is NULL for any. */
struct section *section_find(const struct loading *l, const char *type, const char *label);
struct value *value_add(struct loading *l, struct section *s, const char *name, const char *text,
                        enum rank rank);
/*
 * The first of the values that count for KEY, those of the highest rank, and marks all as known;
 * NULL if there is none. Complains of one that is given twice.
 */
struct value *values_for(struct loading *l, struct section *s, const struct conf_key *key);
/*
 * Reads KEY's value in S, else its preset. Returns the first value that it came from, NULL for the
 * preset or nothing; *THERE says whether OUT holds one that is good.
 */
struct value *take(struct loading *l, struct section *s, const struct conf_key *key,
                   struct conf_value *out, bool *there);
/* A line for conf_show; V is NULL for the preset. */
void add_line(struct loading *l, const struct section *s, const struct conf_key *key,
              const struct value *v);
/* Names every value of S that no row has taken. KIND: of a provider's section, else NULL. */
void complain_unknown(struct loading *l, const struct section *s,
                      const struct conf_provider_kind *kind);

/* uci.c: '_' becomes '-' in a key's name, and '-' becomes '_': the other spelling of it. */
void uci_swap(char *name);

/* file.c: reads the file into sections; false if what was read is not worth looking at. */
bool read_file(struct loading *l, const char *path);

/* given.c: options and variables. */
/* The value of an option or its variable; NULL if neither is given. */
const char *given_value(const struct loading *l, const char *name, const char **where);
/* Complains of what is no option or variable, or not yet; needs no sections. */
void refuse_given(struct loading *l);
/* Puts all others into the sections. */
void take_given(struct loading *l);

/* hosts.c */
void assemble_pairs(struct loading *l);
void assemble_hosts(struct loading *l);

#endif
