/*
 * The verbs' table, the reading of the command line, and what the floors hand to each other.
 */
#include "base/buf.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "conf/read.h"
#include "conf/suggest.h"
#include "dane/combination.h"
#include "dane/service.h"
#include "provider/provider.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct verb *const verbs[] = {&verb_run, &verb_status, &verb_digest, &verb_version,
                                           NULL};

static const char *const later_verbs[] = {"check", "tlsrpt", "doctor", "init"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Rows of the two tables that conf gets copied; a build with more fails its tests. */
#define KINDS_MOST    8
#define SERVICES_MOST 32
/* Memory for the values of a verb's own options, which are checked and dropped. */
#define CHECK_MEMORY 4096

static struct conf_provider_kind kinds[KINDS_MOST];
static struct conf_service service_rows[SERVICES_MOST];

static struct conf_tables make_tables(void)
{
    struct conf_tables tables = {.providers = kinds,
                                 .services = service_rows,
                                 .service_port = service_port,
                                 .record_check = combination_check};
    for (size_t i = 0; i < provider_types_count && i < KINDS_MOST; i++) {
        const struct provider_type *t = provider_types[i];
        kinds[tables.providers_count++] =
            (struct conf_provider_kind){t->name, t->keys, t->keys_count};
    }
    for (size_t i = 0; i < services_count && i < SERVICES_MOST; i++)
        service_rows[tables.services_count++] =
            (struct conf_service){services[i].name, services[i].port};
    return tables;
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; verbs[i] != NULL; i++) {
        if (strcmp(verbs[i]->name, name) == 0)
            return verbs[i];
    }
    return NULL;
}

static int unknown_verb(const char *name)
{
    struct suggest near = suggest_for(name);
    for (size_t i = 0; i < COUNT(later_verbs); i++) {
        if (strcmp(later_verbs[i], name) == 0) {
            log_say(LOG_LEVEL_ERROR, "'%s' is not yet supported: it comes with a later release",
                    name);
            return EXIT_USAGE_FAULT;
        }
    }
    for (size_t i = 0; verbs[i] != NULL; i++)
        suggest_offer(&near, verbs[i]->name);
    if (name[0] == '-')
        log_say(LOG_LEVEL_ERROR, "options come after the verb: daneroll VERB %s", name);
    else if (near.best != NULL)
        log_say(LOG_LEVEL_ERROR, "unknown verb '%s'; did you mean '%s'?", name, near.best);
    else
        log_say(LOG_LEVEL_ERROR, "unknown verb '%s'; see daneroll --help", name);
    return EXIT_USAGE_FAULT;
}

/* The row of an option of this verb; NULL if there is none. */
static const struct conf_key *find_option(const struct call *call, const char *name)
{
    struct conf_row row;
    for (size_t i = 0; i < call->verb->options_count; i++) {
        if (strcmp(call->verb->options[i].name, name) == 0)
            return &call->verb->options[i];
    }
    return call->verb->configured && conf_option(call->tables, name, &row) ? row.key : NULL;
}

static bool is_own(const struct verb *verb, const struct conf_key *key)
{
    return key >= verb->options && key < verb->options + verb->options_count;
}

static void unknown_option(const struct call *call, const char *name)
{
    struct suggest near = suggest_for(name);
    struct conf_row row;
    for (size_t i = 0; i < call->verb->options_count; i++)
        suggest_offer(&near, call->verb->options[i].name);
    for (size_t i = 0; call->verb->configured && conf_row(call->tables, i, &row); i++) {
        if (!row.key->file_only && row.key->kind != CONF_SECRET)
            suggest_offer(&near, row.key->name);
    }
    suggest_offer(&near, "help");
    if (near.best != NULL)
        log_say(LOG_LEVEL_ERROR, "unknown option --%s; did you mean --%s?", name, near.best);
    else
        log_say(LOG_LEVEL_ERROR, "unknown option --%s; see daneroll %s --help", name,
                call->verb->name);
}

/* The verb's own options are checked here, those of the configuration by conf_load. */
static int check_own(const struct conf_key *key, const char *text)
{
    char reason[256];
    struct buf why = BUF_OVER(reason);
    struct arena arena = arena_make(CHECK_MEMORY);
    struct conf_value value = {.text = NULL};
    int rc = conf_read(key, text, &arena, &value, &why);
    if (rc != 0)
        log_say(LOG_LEVEL_ERROR, "option --%s: %s", key->name, reason);
    arena_release(&arena);
    return rc;
}

/* What the reading of the command line has come to. */
struct reading {
    struct call *call;
    char **words; /* what is not yet read, ends with NULL */
    char **kept;  /* where the next argument goes: over words that are read */
    bool help;
    int faults;
};

/* WORD is "--NAME" or "--NAME=VALUE"; it is cut at its '='. */
static void take_option(struct reading *r, char *word)
{
    char *name = word + 2, *value = strchr(name, '=');
    struct conf_given *given = &r->call->given;
    if (value != NULL)
        *value++ = '\0';
    if (strcmp(name, "help") == 0 && value == NULL) {
        r->help = true;
        return;
    }
    const struct conf_key *key = find_option(r->call, name);
    if (key == NULL) {
        unknown_option(r->call, name);
        r->faults++;
        return;
    }
    if (value == NULL && !key->needs_no_value) {
        value = *r->words;
        if (value == NULL) {
            log_say(LOG_LEVEL_ERROR, "option --%s: needs a value", name);
            r->faults++;
            return;
        }
        r->words++;
    }
    if (is_own(r->call->verb, key) && check_own(key, value) != 0) {
        r->faults++;
        return;
    }
    if (given->count == CONF_GIVEN_MOST) {
        log_say(LOG_LEVEL_ERROR, "more than %d options", CONF_GIVEN_MOST);
        r->faults++;
        return;
    }
    given->items[given->count].name = name;
    given->items[given->count++].value = value;
}

static void read_words(struct reading *r)
{
    bool options = true;
    while (*r->words != NULL) {
        char *word = *r->words++;
        if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options && strncmp(word, "--", 2) == 0) {
            take_option(r, word);
        } else if (options && word[0] == '-' && word[1] != '\0') {
            log_say(LOG_LEVEL_ERROR, "unknown option %s; options are long: --help", word);
            r->faults++;
        } else {
            *r->kept++ = word;
        }
    }
}

static int check_arguments(const struct call *call)
{
    const struct verb *verb = call->verb;
    if (call->arguments_count < verb->arguments_least) {
        log_say(LOG_LEVEL_ERROR, "%s: %s is missing; see daneroll %s --help", verb->name,
                verb->arguments, verb->name);
        return EXIT_USAGE_FAULT;
    }
    if (call->arguments_count > verb->arguments_most) {
        log_say(LOG_LEVEL_ERROR, "%s: '%s' is one argument too many; see daneroll %s --help",
                verb->name, call->arguments[verb->arguments_most], verb->name);
        return EXIT_USAGE_FAULT;
    }
    return EXIT_GOOD;
}

static int run_verb(const struct verb *verb, char **words)
{
    struct conf_tables tables = make_tables();
    struct call call = {.verb = verb, .tables = &tables};
    struct reading r = {.call = &call, .words = words, .kept = words};
    read_words(&r);
    call.arguments = (const char *const *)words;
    call.arguments_count = (size_t)(r.kept - words);
    if (r.help)
        return help_verb(verb, &tables);
    if (r.faults == 0 && check_arguments(&call) == EXIT_GOOD)
        return verb->run(&call);
    if (verb->refuse != NULL)
        verb->refuse(&call);
    return EXIT_USAGE_FAULT;
}

/*
 * A file that is opened must never become a standard stream that messages go to. In a chroot
 * without /dev, a socket that leads nowhere stands in.
 */
static int open_standard_streams(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
        if (fd < 0)
            fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    return fd < 0 ? fd : close(fd);
}

int main(int argc, char **argv)
{
    if (open_standard_streams() != 0)
        return EXIT_FAILED;
    if (geteuid() != getuid() || getegid() != getgid()) {
        log_say(LOG_LEVEL_ERROR, "does not run set-user-id or set-group-id");
        return EXIT_USAGE_FAULT;
    }
    if (argc < 2) {
        log_say(LOG_LEVEL_ERROR, "a verb is missing; see daneroll --help");
        return EXIT_USAGE_FAULT;
    }
    if (strcmp(argv[1], "--help") == 0)
        return help_all(verbs);
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const struct verb *verb = find_verb(name);
    return verb == NULL ? unknown_verb(name) : run_verb(verb, argv + 2);
}
