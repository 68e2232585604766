/*
 * A row's value from text: the one reader for command line, environment and file.
 */
#ifndef CONF_READ_H
#define CONF_READ_H

#include "base/arena.h"
#include "base/buf.h"
#include "conf/conf.h"

enum { CONF_READ_WRONG = -1 };

/* What a text says; only the member of the row's kind is set. */
struct conf_value {
    const char *text; /* TEXT, SECRET, PATH, URL, CHOICE as given; NAME canonical */
    uint32_t number;  /* WHOLE; DURATION in seconds */
    bool yes;         /* YES_NO */
    size_t items_count;
    const char *items[CONF_LIST_MOST]; /* COMMANDS, WORDS */
    size_t records_count;
    struct conf_record records[CONF_RECORDS_MOST]; /* RECORDS */
};

/*
 * Reads TEXT as a value of KEY. Lists are appended to what VALUE holds, everything else is set;
 * start with a zeroed VALUE. TEXT must outlive VALUE; words and names are copied into ARENA.
 * Returns 0, or CONF_READ_WRONG with the reason in WHY, which never repeats a secret.
 */
int conf_read(const struct conf_key *key, const char *text, struct arena *arena,
              struct conf_value *value, struct buf *why);

/* What stands for a value in a help text: "FILE", "TIME", "yes|no". */
const char *conf_metavariable(const struct conf_key *key);

#endif
