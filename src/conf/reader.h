/*
 * What the two spellings of a configuration file share (ini.c, uci.c); nothing of it is for others.
 */
#ifndef CONF_READER_H
#define CONF_READER_H

#include "conf/loading.h"

/* Octets of a line of either spelling, and of a UCI value. */
#define READER_LINE_MOST 1097

#define READER_LABEL_TOO_LONG                                                                      \
    "a label of more than 40 characters (a longer host name goes into the key 'name')"

struct reader {
    struct loading *l;
    int fd;
    const char *at, *end;
    size_t total;
    unsigned line;        /* the one that is read, from 1 on */
    bool failed;          /* said already; nothing more is read */
    bool begun;           /* a line that is neither empty nor a comment was seen */
    bool uci;             /* it was one of UCI's: FIRST, less its LF; what follows is not yet read */
    struct section *into; /* NULL: a section that was refused, its keys are passed over */
    bool before_sections; /* no section yet */
    char chunk[512];
    char first[READER_LINE_MOST + 1];
};

/* A fault at the line that is read. */
void reader_fault(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The next octet, or -1 at the end. */
int reader_next(struct reader *r);
/* Says why octets are no text; NULL if they are. A CR may end them. */
const char *reader_bad_text(const char *text, size_t length);
/* The section type that WORD is; NULL, after a fault, if none. */
const char *reader_type(struct reader *r, const char *word, size_t length);
/* Makes the section the one that keys go to; a second one of that name is a fault. */
void reader_begin(struct reader *r, const char *type, const char *label);
/* A key of that section, copied. NULL: it is passed over, or there is no memory. */
struct value *reader_key(struct reader *r, const char *name, const char *text);

/* ini.c: reads all, or up to the first line of a UCI file. */
void ini_read(struct reader *r);
/* uci.c: reads what ini_read has found. */
void uci_read(struct reader *r);

#endif
