/*
 * A file in the usual form, by inih. inih cuts what is too long and passes over what it does not understand, so
 * every line is looked at before it gets there; a faulty one is replaced, and the numbers of the
 * others stay right.
 */
#include "base/wipe.h"
#include "conf/reader.h"

#include <ini.h>
#include <string.h>

/* inih's buffer holds a line with its CR, LF and NUL. */
_Static_assert(INI_MAX_LINE == READER_LINE_MOST + 3, "inih is built with another INI_MAX_LINE");

#define UTF8_BOM "\xef\xbb\xbf"

/* inih keeps 49 octets of what stands between the brackets. */
#define SECTION_MOST 49

/* Stands for a section that was refused; no line of a file can hold it. */
#define REFUSED "\x01"

/* A section's line must end with its bracket: inih would pass over what follows. */
static const char *bad_section(const char *text)
{
    const char *close = strchr(text, ']');
    if (close == NULL)
        return "a section without ']'";
    if (close[1 + strspn(close + 1, " \t\r")] != '\0')
        return "text after a section's ']'; a comment needs a line of its own";
    if (close - (text + 1) > SECTION_MOST)
        return READER_LABEL_TOO_LONG;
    return NULL;
}

/* Nothing of ours can begin so: a key needs a section before it. */
static bool is_uci(const char *text)
{
    static const char *const words[] = {"config", "package", "c", "p"};
    size_t length = strcspn(text, " \t\r");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i]) == length && memcmp(text, words[i], length) == 0)
            return strchr(text, '=') == NULL;
    }
    return false;
}

/* Looks at a line (without LF, with NUL); returns what inih is to see instead, NULL for itself. */
static const char *look_at(struct reader *r, const char *line, size_t length, bool too_long)
{
    const char *text = line;
    if (r->line == 1 && strncmp(text, UTF8_BOM, strlen(UTF8_BOM)) == 0)
        text += strlen(UTF8_BOM);
    text += strspn(text, " \t\r");
    bool section = *text == '[', comment = *text == '#' || *text == ';';
    const char *bad = reader_bad_text(line, length);
    if (bad == NULL && !too_long && !comment && !r->begun && is_uci(text)) {
        r->uci = true;
        memcpy(r->first, text, strlen(text) + 1);
        return NULL;
    }
    if (bad == NULL && too_long)
        bad = "a line that is too long (1097 bytes are the most)";
    if (bad == NULL && section)
        bad = bad_section(text);
    /* inih would take it for '='; here it is more likely a line that lost its key. */
    else if (bad == NULL && !comment && text[strcspn(text, "=:")] == ':')
        bad = "a ':' before any '=': KEY = VALUE";
    if (bad != NULL) {
        reader_fault(r, "%s", bad);
        return section ? "[" REFUSED "]\n" : "\n";
    }
    r->begun = r->begun || (*text != '\0' && !comment);
    return NULL;
}

/* inih's reader: one line into BUFFER; longer ones are read to their end. */
static char *next_line(char *buffer, int size, void *stream)
{
    struct reader *r = stream;
    size_t used = 0;
    bool too_long = false;
    int c;
    while ((c = reader_next(r)) >= 0 && c != '\n') {
        if (used < READER_LINE_MOST && used + 2 < (size_t)size)
            buffer[used++] = (char)c;
        else
            too_long = true;
    }
    if (c < 0 && used == 0)
        return NULL;
    buffer[used] = '\0';
    r->line++;
    const char *instead = look_at(r, buffer, used, too_long);
    if (r->failed || r->uci)
        return NULL;
    if (instead != NULL) {
        wipe(buffer, used);
        memcpy(buffer, instead, strlen(instead) + 1);
        return buffer;
    }
    buffer[used] = '\n';
    buffer[used + 1] = '\0';
    return buffer;
}

/* TEXT is what stood between the brackets, cut by inih at 49. */
static void begin_section(struct reader *r, const char *text)
{
    char label[64];
    struct buf b = BUF_OVER(label);
    r->into = NULL;
    if (strcmp(text, REFUSED) == 0)
        return;
    text += strspn(text, " \t");
    size_t length = strcspn(text, " \t");
    const char *type = reader_type(r, text, length);
    if (type == NULL)
        return;
    text += length;
    buf_text(&b, text + strspn(text, " \t"));
    while (b.used > 0 && (label[b.used - 1] == ' ' || label[b.used - 1] == '\t'))
        label[--b.used] = '\0';
    reader_begin(r, type, label);
}

static int take_line(void *context, const char *section, const char *name, const char *value,
                     int line)
{
    struct reader *r = context;
    (void)line;
    if (name == NULL) {
        r->before_sections = false;
        begin_section(r, section);
        return 1;
    }
    if (value == NULL && r->into != NULL) {
        reader_fault(r, "no '=' in this line: KEY = VALUE");
        return 1;
    }
    (void)reader_key(r, name, value == NULL ? "" : value);
    /* inih allows it: the text may be a secret, and is not needed there any more. */
    if (value != NULL)
        wipe((char *)(uintptr_t)value, strlen(value));
    return 1;
}

void ini_read(struct reader *r)
{
    (void)ini_parse_stream(next_line, r, take_line, r);
}
