/*
 * The reader of a configuration file (file.c) and what it shares with UCI's half of it (uci.c).
 */
#ifndef CONF_READER_H
#define CONF_READER_H

#include "conf/loading.h"

#include <stdbool.h>
#include <stddef.h>

struct reader {
    struct loading *l;
    int fd;
    const char *at, *end;
    size_t total;
    unsigned line;
    bool failed;          /* said already; nothing more is read */
    bool begun;           /* a line that is neither empty nor a comment was seen */
    struct section *into; /* NULL: a section that was refused, its keys are passed over */
    bool before_sections; /* no section yet */
    char chunk[512];
};

/* file.c */
/* A fault of the present line. */
void fault_here(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A section whose type is the LENGTH characters at TEXT; its keys follow. */
void begin_section(struct reader *r, const char *text, size_t length, const char *label);
/* A key and its value, NULL if it has none, for the section begun last; both are copied. */
void take_line(struct reader *r, const char *name, const char *value);
/* Complains, with true, if a section before has this label. */
bool complain_twice(struct reader *r, const char *type, const char *label);

/*
 * uci.c: UCI is OpenWrt's way of writing a configuration. A line holds commands parted by ';', a
 * command words parted by blanks: config TYPE [NAME], option NAME VALUE, list NAME VALUE,
 * package NAME; each keyword may be cut to its first letter. '...' is raw, in "..." and outside
 * of quotes a backslash takes the next character as it is, parts without a blank between them
 * join, and # outside of quotes begins a comment. Of several options of one name the last counts;
 * a list adds to what is there. An empty value is none. A quote ends in its line, for no key's
 * value can hold a line break.
 */
/* Whether a line beginning at TEXT, after comments alone, says that the file is UCI. */
bool uci_begins(const char *text);
/* Takes the commands of a line, without its LF; LINE is changed. */
void uci_line(struct reader *r, char *line);
/* After the last line: a section without a name gets its label, a host's name or provider's type.
 */
void uci_labels(struct reader *r);

#endif
