#include "cmd/page.h"

#include "base/time.h"

#include <string.h>

#define COLUMNS_MOST 12
/* Between two cells. */
#define GAP 2
/* Digits of a key that people compare: those of the messages. */
#define KEY_OCTETS 6

/* --- rows: each cell ends in a tab, each row in a newline ------------------------------------ */

static void out(struct page *p, const char *text)
{
    if (log_out(text) != 0)
        p->rc = -1;
}

/* The cell at *ROW, which moves on behind it; its length. */
static size_t next_cell(const char **row)
{
    size_t length = strcspn(*row, "\t");
    *row += length + 1;
    return length;
}

static void print_row(struct page *p, const char *row, const size_t widths[COLUMNS_MOST])
{
    char line[2 * LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(line);
    size_t owed = 0;
    for (size_t column = 0; *row != '\n' && column < COLUMNS_MOST; column++) {
        const char *cell = row;
        size_t length = next_cell(&row);
        for (; length > 0 && owed > 0; owed--)
            buf_char(&b, ' ');
        buf_put(&b, cell, length);
        owed += widths[column] == 0 ? 0 : widths[column] - length + GAP;
    }
    buf_char(&b, '\n');
    out(p, line);
}

/* Each column as wide as its widest cell. */
static void print_rows(struct page *p)
{
    size_t widths[COLUMNS_MOST] = {0};
    for (const char *at = p->room; *at != '\0'; at++) {
        for (size_t column = 0; *at != '\n' && column < COLUMNS_MOST; column++) {
            size_t length = next_cell(&at);
            widths[column] = length > widths[column] ? length : widths[column];
        }
    }
    for (const char *at = p->room; *at != '\0'; at = strchr(at, '\n') + 1)
        print_row(p, at, widths);
}

/* What there is goes out: in text only between two rows. */
static void flush(struct page *p)
{
    if (buf_full(&p->text))
        p->rc = -1;
    else if (p->json)
        out(p, p->room);
    else
        print_rows(p);
    buf_reset(&p->text);
}

/* --- items ----------------------------------------------------------------------------------- */

void page_begin(struct page *p, bool json)
{
    memset(p, 0, sizeof *p);
    p->json = json;
    p->text = BUF_OVER(p->room);
    p->w = json_writer_over(&p->text);
    if (!json)
        return;
    json_put_begin_object(&p->w);
    page_number(p, "version", 1);
}

int page_end(struct page *p)
{
    if (p->json) {
        json_put_end_object(&p->w);
        buf_char(&p->text, '\n');
    }
    flush(p);
    return p->rc;
}

void page_list(struct page *p, const char *name)
{
    if (!p->json)
        return;
    json_put_name(&p->w, name);
    json_put_begin_array(&p->w);
}

void page_list_end(struct page *p)
{
    if (p->json)
        json_put_end_array(&p->w);
    else
        flush(p);
}

void page_item(struct page *p, unsigned indent, const char *word)
{
    if (p->json) {
        json_put_begin_object(&p->w);
        return;
    }
    while (indent-- > 0)
        buf_char(&p->text, ' ');
    buf_printf(&p->text, "%s\t", word);
    p->row = true;
}

void page_item_end(struct page *p)
{
    if (p->json)
        json_put_end_object(&p->w);
    else if (p->row)
        buf_char(&p->text, '\n');
    p->row = false;
    if (p->text.used > PAGE_PIECE)
        flush(p);
}

void page_row_end(struct page *p)
{
    if (p->json)
        return;
    buf_char(&p->text, '\n');
    p->row = false;
    flush(p);
}

/* --- cells ----------------------------------------------------------------------------------- */

void page_text(struct page *p, const char *name, const char *text)
{
    if (!p->json) {
        buf_printf(&p->text, "%s\t", text == NULL ? "" : text);
        return;
    }
    if (p->text.used > PAGE_PIECE)
        flush(p);
    json_put_name(&p->w, name);
    if (text == NULL)
        json_put_null(&p->w);
    else
        json_put_string(&p->w, text);
}

void page_number(struct page *p, const char *name, int64_t number)
{
    if (!p->json && number >= 0)
        buf_printf(&p->text, "%s %lld", name, (long long)number);
    if (!p->json || number < 0) {
        page_text(p, name, NULL);
        return;
    }
    json_put_name(&p->w, name);
    json_put_whole(&p->w, number);
}

void page_seconds(struct page *p, const char *name, int64_t seconds)
{
    if (p->json || seconds < 0) {
        page_number(p, name, seconds);
        return;
    }
    if (seconds == 0)
        buf_text(&p->text, "now");
    else
        buf_duration(&p->text, seconds);
    page_text(p, name, NULL);
}

void page_time(struct page *p, const char *name, int64_t wall)
{
    char text[TIME_TEXT_SIZE];
    if (wall >= 0)
        time_text(wall, text);
    page_text(p, name, wall < 0 ? NULL : text);
}

void page_flag(struct page *p, const char *name, bool known, bool value, const char *otherwise)
{
    if (!p->json || !known) {
        page_text(p, name, !known ? NULL : value ? name : otherwise);
        return;
    }
    json_put_name(&p->w, name);
    json_put_bool(&p->w, value);
}

void page_digest(struct page *p, const char *name, const uint8_t digest[32])
{
    char text[65];
    struct buf b = BUF_OVER(text);
    buf_hex(&b, digest, p->json ? 32 : KEY_OCTETS);
    if (!p->json)
        buf_text(&b, "...");
    page_text(p, name, text);
}

void page_record(struct page *p, const char *name, const struct tlsa *tlsa)
{
    char text[TLSA_TEXT_SIZE];
    struct buf b = BUF_OVER(text);
    if (p->json)
        tlsa_print(&b, tlsa);
    else
        tlsa_brief(&b, tlsa);
    page_text(p, name, text);
}
