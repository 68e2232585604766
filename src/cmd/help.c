/* Help texts, made from the rows. */
#include "base/buf.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "conf/read.h"

#include <string.h>

#define WIDTH       80
#define INDENT      2
#define HELP_COLUMN 28

/* Collects a text and writes it by pieces; a fault of writing is kept. */
struct page {
    struct buf text;
    char room[1024];
    int rc;
};

static void flush(struct page *p)
{
    if (log_out(p->room) != 0)
        p->rc = EXIT_FAILED;
    buf_reset(&p->text);
}

static void begin(struct page *p)
{
    p->text = BUF_OVER(p->room);
    p->rc = EXIT_GOOD;
}

static void spaces(struct page *p, size_t count)
{
    while (count-- > 0)
        buf_char(&p->text, ' ');
}

/* A line's words from COLUMN on, the first one where the line stands (AT). */
static void wrapped(struct page *p, const char *words, size_t at, size_t column)
{
    while (*words != '\0') {
        size_t length = strcspn(words, " \n");
        if (at > column && at + 1 + length > WIDTH) {
            buf_char(&p->text, '\n');
            flush(p);
            at = 0;
        } else if (at > column) {
            buf_char(&p->text, ' ');
            at++;
        }
        if (at < column) {
            spaces(p, column - at);
            at = column;
        }
        buf_put(&p->text, words, length);
        at += length;
        words += length;
        if (*words == '\n') {
            buf_char(&p->text, '\n');
            flush(p);
            at = 0;
            if (words[1] == '\n')
                buf_char(&p->text, '\n');
        }
        words += strspn(words, " \n");
    }
    buf_char(&p->text, '\n');
    flush(p);
}

static bool is_list(const struct conf_key *key)
{
    return key->kind == CONF_COMMANDS || key->kind == CONF_WORDS || key->kind == CONF_RECORDS;
}

/* "  --retire-wait TIME      half a line (default 1h)" */
static void option_line(struct page *p, const struct conf_key *key)
{
    char help[160];
    struct buf h = BUF_OVER(help);
    if (key->kind == CONF_SECRET) {
        char variable[CONF_VARIABLE_SIZE];
        conf_variable(key->name, variable);
        buf_printf(&p->text, "  %s", variable);
    } else {
        buf_printf(&p->text, "  --%s", key->name);
        if (!key->needs_no_value)
            buf_printf(&p->text, " %s", key->kind == CONF_CHOICE ? "WORD" : conf_metavariable(key));
    }
    buf_text(&h, key->help);
    if (key->kind == CONF_SECRET)
        buf_text(&h, " (a variable, never an option)");
    if (key->kind == CONF_CHOICE)
        buf_printf(&h, " (%s)", key->choices);
    if (is_list(key))
        buf_text(&h, "; may be repeated");
    if (key->preset != NULL && !(key->needs_no_value && strcmp(key->preset, "no") == 0))
        buf_printf(&h, " (default %s)", key->preset);
    size_t at = p->text.used;
    if (at + 2 > HELP_COLUMN) {
        buf_char(&p->text, '\n');
        at = 0;
    }
    wrapped(p, help, at, HELP_COLUMN);
}

static void heading(struct page *p, const char *words)
{
    buf_printf(&p->text, "\n%s\n", words);
    flush(p);
}

/* The options of one section's keys; TYPE is a provider's or NULL. */
static void section(struct page *p, const struct conf_tables *tables, const char *name,
                    const char *title)
{
    struct conf_row row;
    bool said = false;
    for (size_t i = 0; conf_row(tables, i, &row); i++) {
        if (strcmp(row.section, name) != 0 || row.key->file_only)
            continue;
        if (!said)
            heading(p, title);
        said = true;
        option_line(p, row.key);
    }
}

static void configuration(struct page *p, const struct conf_tables *tables)
{
    section(p, tables, "", "Configuration (each option is a variable too: --ttl is DANEROLL_TTL):");
    section(p, tables, "daneroll", "Global keys:");
    section(p, tables, "host", "Keys of the host, with --host only:");
    section(p, tables, "pair", "Keys of its certificate and key, with --host only:");
    section(p, tables, "provider", "Keys of its provider, with --host only:");
    heading(p, "Times are seconds, or end in m, h or d. See daneroll(8) and daneroll.conf(5).");
}

static const struct conf_key help_option = {
    .name = "help", .kind = CONF_YES_NO, .needs_no_value = true, .help = "print this"};

int help_verb(const struct verb *verb, const struct conf_tables *tables)
{
    struct page p;
    begin(&p);
    buf_printf(&p.text, "daneroll %s%s%s%s: %s\n\n", verb->name,
               verb->options_count > 0 || verb->configured ? " [OPTION...]" : "",
               verb->arguments[0] != '\0' ? " " : "", verb->arguments, verb->summary);
    flush(&p);
    wrapped(&p, verb->about, 0, 0);
    heading(&p, "Options:");
    for (size_t i = 0; i < verb->options_count; i++)
        option_line(&p, &verb->options[i]);
    option_line(&p, &help_option);
    if (verb->configured)
        configuration(&p, tables);
    return p.rc;
}

int help_all(const struct verb *const verbs[])
{
    struct page p;
    begin(&p);
    buf_text(&p.text, "daneroll keeps a server's DANE TLSA records and its TLS key in step.\n\n"
                      "daneroll VERB [OPTION...] [ARGUMENT...]\n\n");
    for (size_t i = 0; verbs[i] != NULL; i++) {
        size_t at = p.text.used;
        buf_printf(&p.text, "  %s%s%s", verbs[i]->name, verbs[i]->arguments[0] != '\0' ? " " : "",
                   verbs[i]->arguments);
        wrapped(&p, verbs[i]->summary, p.text.used - at, HELP_COLUMN);
    }
    heading(&p, "daneroll VERB --help says more of a verb; daneroll --version prints the version.");
    buf_text(&p.text, "Exit codes: 0 all is well, or a step waits for its time; 1 something failed "
                      "or does\nnot match; 2 the call or the configuration is wrong; 75 try again "
                      "later.\n");
    flush(&p);
    return p.rc;
}
