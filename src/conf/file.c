/*
 * The file, by inih. inih cuts what is too long and passes over what it does not understand, so
 * every line is looked at before it gets there; a faulty one is replaced, and the numbers of the
 * others stay right. Lines of a UCI file go to uci.c and never reach inih.
 */
#include "base/file.h"
#include "base/fault.h"
#include "base/wipe.h"
#include "conf/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* inih's buffer holds a line with its CR, LF and NUL. */
#define LINE_MOST 1097
_Static_assert(INI_MAX_LINE == LINE_MOST + 3, "inih is built with another INI_MAX_LINE");

#define UTF8_BOM "\xef\xbb\xbf"

/* inih keeps 49 octets of what stands between the brackets. */
#define SECTION_MOST 49

/* Stands for a section that was refused; no line of a file can hold it. */
#define REFUSED "\x01"

#define LABEL_TOO_LONG                                                                             \
    "a label of more than 40 characters (a longer host name goes into the key 'name')"

void fault_here(struct reader *r, const char *format, ...)
{
    char where[512], text[512];
    struct buf w = BUF_OVER(where), t = BUF_OVER(text);
    va_list arguments;
    va_start(arguments, format);
    buf_vprintf(&t, format, arguments);
    va_end(arguments);
    buf_printf(&w, "%s:%u", r->l->conf->path, r->line);
    fault(r->l, where, "%s", text);
}

/* The next byte, or -1 at the end. */
static int next_byte(struct reader *r)
{
    if (r->at == r->end && !r->failed) {
        ssize_t n;
        do {
            n = read(r->fd, r->chunk, sizeof r->chunk);
        } while (n < 0 && errno == EINTR);
        if (n < 0) {
            fault(r->l, r->l->conf->path, "%s", fault_words(errno));
            r->failed = true;
        }
        r->at = r->chunk;
        r->end = r->chunk + (n > 0 ? n : 0);
    }
    if (r->failed || r->at == r->end)
        return -1;
    if (r->total++ == CONF_FILE_MOST) {
        fault(r->l, r->l->conf->path, "longer than %d bytes", CONF_FILE_MOST);
        r->failed = true;
        return -1;
    }
    return (unsigned char)*r->at++;
}

/* Says why a line's bytes are no text; NULL if they are. */
static const char *bad_bytes(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c == '\r' && i + 1 == length)
            continue;
        if (c == '\0')
            return "a NUL byte: this is no text file";
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "a control character";
    }
    return NULL;
}

/* A section's line must end with its bracket: inih would pass over what follows. */
static const char *bad_section(const char *text)
{
    const char *close = strchr(text, ']');
    if (close == NULL)
        return "a section without ']'";
    if (close[1 + strspn(close + 1, " \t\r")] != '\0')
        return "text after a section's ']'; a comment needs a line of its own";
    if (close - (text + 1) > SECTION_MOST)
        return LABEL_TOO_LONG;
    return NULL;
}

/* What is wrong with a line (without LF, with NUL) whose first word is at TEXT; NULL if nothing. */
static const char *look_at(struct reader *r, const char *line, const char *text, size_t length,
                           bool too_long)
{
    bool section = *text == '[', comment = *text == '#' || *text == ';';
    const char *bad = bad_bytes(line, length);
    if (bad == NULL && too_long)
        bad = "a line that is too long (1097 bytes are the most)";
    if (!r->begun && *text != '\0' && !comment) {
        r->begun = true;
        r->l->uci = r->l->uci || uci_begins(text);
    }
    if (bad != NULL || r->l->uci)
        return bad;
    if (section)
        return bad_section(text);
    /* inih would take it for '='; here it is more likely a line that lost its key. */
    if (!comment && text[strcspn(text, "=:")] == ':')
        return "a ':' before any '=': KEY = VALUE";
    return NULL;
}

/* Reads a line to its end and keeps what BUFFER holds of it; false after the last one. */
static bool read_line(struct reader *r, char *buffer, size_t size, size_t *used, bool *too_long)
{
    int c;
    *used = 0;
    *too_long = false;
    while ((c = next_byte(r)) >= 0 && c != '\n') {
        if (*used < LINE_MOST && *used + 2 < size)
            buffer[(*used)++] = (char)c;
        else
            *too_long = true;
    }
    buffer[*used] = '\0';
    r->line++;
    return !r->failed && (c >= 0 || *used > 0);
}

/* inih's reader: one line into BUFFER. */
static char *next_line(char *buffer, int size, void *stream)
{
    struct reader *r = stream;
    size_t used;
    bool too_long;
    while (read_line(r, buffer, (size_t)size, &used, &too_long)) {
        char *text = buffer;
        if (r->line == 1 && strncmp(text, UTF8_BOM, strlen(UTF8_BOM)) == 0)
            text += strlen(UTF8_BOM);
        text += strspn(text, " \t\r");
        const char *bad = look_at(r, buffer, text, used, too_long);
        const char *instead = *text == '[' ? "[" REFUSED "]\n" : "\n";
        if (bad != NULL)
            fault_here(r, "%s", bad);
        else if (r->l->uci)
            uci_line(r, text);
        else
            instead = NULL;
        if (instead == NULL) {
            memcpy(buffer + used, "\n", 2);
            return buffer;
        }
        wipe(buffer, used);
        if (!r->l->uci)
            return memcpy(buffer, instead, strlen(instead) + 1);
    }
    return NULL;
}

static const char *section_type(const char *text, size_t length)
{
    static const char *const types[] = {"daneroll", "provider", "pair", "host"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (strlen(types[i]) == length && strncmp(types[i], text, length) == 0)
            return types[i];
    }
    return NULL;
}

static void unknown_section(struct reader *r, const char *text, size_t length)
{
    char word[CONF_LABEL_MOST];
    struct buf b = BUF_OVER(word);
    buf_put(&b, text, length);
    struct suggest near = suggest_for(word);
    suggest_offer(&near, "daneroll");
    suggest_offer(&near, "provider");
    suggest_offer(&near, "pair");
    suggest_offer(&near, "host");
    if (near.best != NULL)
        fault_here(r, "unknown section '%s'; the nearest known is '%s'", word, near.best);
    else
        fault_here(r,
                   "unknown section '%s': there are [daneroll], [provider LABEL], [pair LABEL] "
                   "and [host LABEL]",
                   word);
}

/* What is wrong with a label, NULL if nothing. */
static const char *bad_label(const char *type, const char *label)
{
    bool labelled = strcmp(type, "daneroll") != 0;
    if (!labelled)
        return label[0] == '\0' ? NULL : "[daneroll] has no label";
    if (label[0] == '\0')
        return "a section without a label: [host mail.example.org], [pair mail], ...";
    if (strlen(label) > CONF_LABEL_MOST)
        return LABEL_TOO_LONG;
    if (strpbrk(label, " \t") != NULL)
        return "a label of several words";
    return NULL;
}

bool complain_twice(struct reader *r, const char *type, const char *label)
{
    char title[64];
    struct buf t = BUF_OVER(title);
    /* UCI's names are one space for all types. */
    const char *among = r->l->uci && label[0] != '\0' ? NULL : type;
    const struct section *former = section_find(r->l, among, label);
    if (former == NULL)
        return false;
    section_title(former, &t);
    fault_here(r, "%s is already at line %u%s", title, former->line,
               strcmp(former->type, type) == 0 ? "" : ", and UCI takes a name once");
    return true;
}

void begin_section(struct reader *r, const char *text, size_t length, const char *label)
{
    const char *type = section_type(text, length);
    r->before_sections = false;
    r->into = NULL;
    if (type == NULL) {
        unknown_section(r, text, length);
        return;
    }
    bool global = strcmp(type, "daneroll") == 0;
    if (r->l->uci && global)
        label = "";
    /* uci_labels does the rest. */
    bool later = r->l->uci && !global && label[0] == '\0';
    const char *bad = later ? NULL : bad_label(type, label);
    if (bad != NULL) {
        fault_here(r, "%s", bad);
        return;
    }
    bool twice = !later && complain_twice(r, type, label);
    r->into = section_add(r->l, type, label, r->line);
    /* Its keys are looked at all the same; that nobody refers to it is no fault of its own. */
    if (r->into != NULL)
        r->into->used = twice;
}

/* TEXT is what stood between the brackets, cut by inih at 49. */
static void begin_bracketed(struct reader *r, const char *text)
{
    char label[64];
    struct buf b = BUF_OVER(label);
    if (strcmp(text, REFUSED) == 0) {
        r->before_sections = false;
        r->into = NULL;
        return;
    }
    text += strspn(text, " \t");
    size_t length = strcspn(text, " \t");
    const char *behind = text + length;
    buf_text(&b, behind + strspn(behind, " \t"));
    while (b.used > 0 && (label[b.used - 1] == ' ' || label[b.used - 1] == '\t'))
        label[--b.used] = '\0';
    begin_section(r, text, length, label);
}

void take_line(struct reader *r, const char *name, const char *value)
{
    if (r->before_sections) {
        fault_here(r, "'%.*s' comes before the first section", 60, name);
        return;
    }
    if (r->into == NULL)
        return;
    if (value == NULL) {
        fault_here(r, "no '=' in this line: KEY = VALUE");
        return;
    }
    const char *key = take_copy(r->l, name), *text = take_copy(r->l, value);
    if (key == NULL || text == NULL)
        return;
    struct value *v = value_add(r->l, r->into, key, text, RANK_FILE);
    if (v != NULL)
        v->line = r->line;
    else
        r->into = NULL;
}

/* inih's handler. */
static int take_ini(void *context, const char *section, const char *name, const char *value,
                    int line)
{
    (void)line;
    if (name == NULL)
        begin_bracketed(context, section);
    else
        take_line(context, name, value);
    /* inih allows it: the text may be a secret, and is not needed there any more. */
    if (value != NULL)
        wipe((char *)(uintptr_t)value, strlen(value));
    return 1;
}

bool read_file(struct loading *l, const char *path)
{
    struct stat status;
    struct reader r = {.l = l, .at = r.chunk, .end = r.chunk, .failed = true};
    l->conf->path = path;
    l->uci = strcmp(path, CONF_FILE_UCI) == 0;
    r.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (r.fd < 0 || fstat(r.fd, &status) != 0) {
        fault(l, path, "%s", fault_words(errno));
        goto out;
    }
    if (S_ISDIR(status.st_mode)) {
        fault(l, path, "%s", file_error(FILE_NOT_PLAIN));
        goto out;
    }
    l->exposed = (status.st_mode & (S_IRWXG | S_IRWXO)) != 0 ||
                 (status.st_uid != geteuid() && status.st_uid != 0);
    r.failed = false;
    r.before_sections = true;
    (void)ini_parse_stream(next_line, &r, take_ini, &r);
    wipe(r.chunk, sizeof r.chunk);
    if (l->uci)
        uci_labels(&r);
out:
    if (r.fd >= 0)
        (void)close(r.fd);
    return !r.failed;
}
