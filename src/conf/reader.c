#include "conf/reader.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/wipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void reader_fault(struct reader *r, const char *format, ...)
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

int reader_next(struct reader *r)
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

const char *reader_bad_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '\r' && i + 1 == length)
            continue;
        if (c == '\0')
            return "a NUL byte: this is no text file";
        if (c == '\n')
            return "a line break in the midst of a value";
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return "a control character";
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
        reader_fault(r, "unknown section '%s'; the nearest known is '%s'", word, near.best);
    else
        reader_fault(r,
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
        return READER_LABEL_TOO_LONG;
    if (strpbrk(label, " \t") != NULL)
        return "a label of several words";
    return NULL;
}

const char *reader_type(struct reader *r, const char *word, size_t length)
{
    const char *type = section_type(word, length);
    if (type == NULL)
        unknown_section(r, word, length);
    return type;
}

void reader_begin(struct reader *r, const char *type, const char *label)
{
    const char *bad = bad_label(type, label);
    r->into = NULL;
    if (bad != NULL) {
        reader_fault(r, "%s", bad);
        return;
    }
    const struct section *former = section_find(r->l, type, label);
    if (former != NULL) {
        char title[64];
        struct buf t = BUF_OVER(title);
        section_title(former, &t);
        reader_fault(r, "%s is already at line %u", title, former->line);
    }
    r->into = section_add(r->l, type, label, r->line);
    /* Its keys are looked at all the same; that nobody refers to it is no fault of its own. */
    if (r->into != NULL && former != NULL)
        r->into->used = true;
}

struct value *reader_key(struct reader *r, const char *name, const char *text)
{
    if (r->before_sections)
        reader_fault(r, "'%.*s' comes before the first section", 60, name);
    if (r->before_sections || r->into == NULL)
        return NULL;
    const char *key = take_copy(r->l, name), *copy = take_copy(r->l, text);
    if (key == NULL || copy == NULL)
        return NULL;
    struct value *v = value_add(r->l, r->into, key, copy, RANK_FILE);
    if (v != NULL)
        v->line = r->line;
    else
        r->into = NULL;
    return v;
}

bool read_file(struct loading *l, const char *path)
{
    struct stat status;
    struct reader r = {.l = l, .at = r.chunk, .end = r.chunk, .failed = true};
    l->conf->path = path;
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
    ini_read(&r);
    if (r.uci)
        uci_read(&r);
    wipe(r.chunk, sizeof r.chunk);
    wipe(r.first, sizeof r.first);
out:
    if (r.fd >= 0)
        (void)close(r.fd);
    return !r.failed;
}
