/*
 * One result in two forms: a JSON object for programs, rows of aligned cells for people. Written to
 * standard output by pieces, whatever its length.
 *
 * In JSON an item is an object and its cells are members; in text an item is a row that begins with
 * a word, and names are not shown. What is not known is null, or an empty cell.
 */
#ifndef CMD_PAGE_H
#define CMD_PAGE_H

#include "base/log.h"
#include "dane/tlsa.h"
#include "http/json.h"

/* Rows up to here are laid out together; a message whose octets all become six fits behind it. */
#define PAGE_PIECE 8192
#define PAGE_SIZE  (PAGE_PIECE + 8 * LOG_MESSAGE_SIZE)

struct page {
    bool json;
    char room[PAGE_SIZE];
    struct buf text;
    struct json_writer w;
    bool row; /* one is begun */
    int rc;
};

/* JSON begins with "version": 1. */
void page_begin(struct page *p, bool json);
/* 0, or -1 when standard output could not be written. */
int page_end(struct page *p);

/* A list of items. In text its rows are laid out together. */
void page_list(struct page *p, const char *name);
void page_list_end(struct page *p);
/* An item: its row begins with INDENT blanks and WORD. */
void page_item(struct page *p, unsigned indent, const char *word);
void page_item_end(struct page *p);
/* The row of an item ends here, and lists of its own follow. */
void page_row_end(struct page *p);

/* A text; NULL: not known. */
void page_text(struct page *p, const char *name, const char *text);
/* NUMBER < 0: not known. In text behind its name. */
void page_number(struct page *p, const char *name, int64_t number);
/* The same of seconds, in text as people read them. */
void page_seconds(struct page *p, const char *name, int64_t seconds);
/* Seconds since 1970; < 0: not known. */
void page_time(struct page *p, const char *name, int64_t wall);
/* In text its name, or OTHERWISE. */
void page_flag(struct page *p, const char *name, bool known, bool value, const char *otherwise);
/* In full, in text shortened. */
void page_digest(struct page *p, const char *name, const uint8_t digest[32]);
void page_record(struct page *p, const char *name, const struct tlsa *tlsa);

#endif
