/*
 * The rows of all keys: the single source of the file's keys, the options, the variables, the help
 * and the man page's test. A provider type's own rows come from above by struct conf_tables.
 */
#include "conf/loading.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* No TTL and no patience is longer than a month. */
#define WAIT_MOST (30U * 86400U)
/* RFC 2181 section 8. */
#define TTL_MOST 2147483647U

static const struct conf_key option_keys[] = {
    {.name = "config",
     .kind = CONF_PATH,
     .help = "the configuration file (else /etc/daneroll/daneroll.conf)"},
    {.name = "host",
     .kind = CONF_NAME,
     .help = "one host, said by options and variables alone; no file is read"},
};

#define WAIT(key, usual, only_in_file, words)                                                      \
    {                                                                                              \
        .name = key, .kind = CONF_DURATION, .most = WAIT_MOST, .preset = usual,                    \
        .file_only = only_in_file, .help = words                                                   \
    }

static const struct conf_key daneroll_keys[] = {
    {.name = "state",
     .kind = CONF_PATH,
     .preset = CONF_STATE_USUAL,
     .help = "the folder of the state file (" CONF_STATE_FLASH " where /var is in RAM)"},
    {.name = "ca-file",
     .kind = CONF_PATH,
     .help = "trusted CA certificates, PEM (else the system's bundle)"},
    {.name = "resolver",
     .kind = CONF_WORDS,
     .help = "addresses of resolvers (else those of /etc/resolv.conf)"},
    {.name = "syslog",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "messages go to syslog, not to standard error"},
    {.name = "notify",
     .kind = CONF_TEXT,
     .help = "a command run on failure, completion and outage"},
    {.name = "check-interval",
     .kind = CONF_DURATION,
     .least = 60,
     .most = WAIT_MOST,
     .preset = "6h",
     .help = "time between two looks at DNS and services while nothing is due"},
    {.name = "enabled",
     .kind = CONF_YES_NO,
     .file_only = true,
     .help = "for OpenWrt's init script alone: the program reads past it"},
    WAIT("publish-wait", "0", false,
         "the least time that records are visible before their key is used"),
    WAIT("retire-wait", "1h", false, "the wait between verifying and the removal of old records"),
    WAIT("wait-margin", "300", false, "added to twice the TTL; lower it only in a lab"),
    WAIT("wait-floor", "900", false, "the least wait after an RRset; lower it only in a lab"),
    WAIT("unreachable-after", "1d", false,
         "how long a server may be out of reach before it no longer counts"),
};

static const struct conf_key provider_keys[] = {
    {.name = "type",
     .kind = CONF_TEXT,
     .file_only = true,
     .help = "which kind of provider: cloudflare, rfc2136 (the option is --provider)"},
};

static const struct conf_key pair_keys[] = {
    {.name = "certificate", .kind = CONF_PATH, .help = "the certificate, PEM, its chain after it"},
    {.name = "private-key",
     .kind = CONF_PATH,
     .help = "its private key, PEM; may be the same file"},
    {.name = "next-key",
     .kind = CONF_PATH,
     .help = "the key (or CSR) of the next certificate, published ahead"},
    {.name = "install", .kind = CONF_PATH, .help = "the folder where services read the pair"},
    {.name = "install-owner",
     .kind = CONF_TEXT,
     .preset = "root:root",
     .help = "owner and group of installed files"},
    {.name = "install-mode",
     .kind = CONF_TEXT,
     .preset = "0600",
     .help = "mode of installed files"},
    {.name = "chain",
     .kind = CONF_TEXT,
     .preset = "system",
     .help = "what the chain must lead to: system, a file of CA certificates; or none"},
    {.name = "renew",
     .kind = CONF_COMMANDS,
     .help = "a command that renews the certificate when it is time"},
    {.name = "renew-before",
     .kind = CONF_DURATION,
     .least = 1,
     .most = 366U * 86400U,
     .help = "how long before its end a certificate is renewed (else a third of its life)"},
    {.name = "reload",
     .kind = CONF_COMMANDS,
     .help = "a command that makes services read the pair again"},
    {.name = "restart",
     .kind = CONF_COMMANDS,
     .help = "a command for services that two reloads have not reached"},
    {.name = "hook-timeout",
     .kind = CONF_DURATION,
     .least = 1,
     .most = 86400,
     .preset = "5m",
     .help = "the longest that one command may take"},
};

static const struct conf_key host_keys[] = {
    {.name = "name",
     .kind = CONF_NAME,
     .file_only = true,
     .help = "the server's name, if the label is not (the option is --host)"},
    {.name = "service",
     .kind = CONF_WORDS,
     .preset = "smtp",
     .help = "services: smtp, submission, imaps, https, ... or PORT/tls"},
    {.name = "provider",
     .kind = CONF_TEXT,
     .help = "its provider's label; as an option the provider's type"},
    {.name = "pair",
     .kind = CONF_WORDS,
     .file_only = true,
     .help = "labels of its pairs, if they have sections of their own"},
    {.name = "connect",
     .kind = CONF_WORDS,
     .help = "the addresses at which services are asked (else the host's)"},
    {.name = "record",
     .kind = CONF_RECORDS,
     .preset = "3 1 1",
     .help = "usage, selector and matching type of a record"},
    {.name = "ttl",
     .kind = CONF_WHOLE,
     .least = 1,
     .most = TTL_MOST,
     .preset = "1800",
     .help = "TTL in seconds where no record is there yet"},
    {.name = "adopt",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "every TLSA record at its owner names is ours"},
    {.name = "shared",
     .kind = CONF_YES_NO,
     .preset = "yes",
     .needs_no_value = true,
     .help = "other names may lead to its owner names by CNAMEs"},
    {.name = "propagation",
     .kind = CONF_CHOICE,
     .choices = "all resolver time",
     .preset = "all",
     .help = "the proof that DNS shows a record"},
    {.name = "leave",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "our records are deleted, for good"},
    WAIT("publish-wait", NULL, true, "as in [daneroll], for this host"),
    WAIT("retire-wait", NULL, true, "as in [daneroll], for this host"),
    WAIT("wait-margin", NULL, true, "as in [daneroll], for this host"),
    WAIT("wait-floor", NULL, true, "as in [daneroll], for this host"),
    WAIT("unreachable-after", NULL, true, "as in [daneroll], for this host"),
};

static const struct {
    const char *section;
    const struct conf_key *keys;
    size_t count;
} groups[] = {
    {"", option_keys, LENGTH(option_keys)},
    {"daneroll", daneroll_keys, LENGTH(daneroll_keys)},
    {"provider", provider_keys, LENGTH(provider_keys)},
    {"pair", pair_keys, LENGTH(pair_keys)},
    {"host", host_keys, LENGTH(host_keys)},
};

const struct conf_key *conf_keys(const char *section, size_t *count)
{
    for (size_t i = 0; i < LENGTH(groups); i++) {
        if (strcmp(groups[i].section, section) == 0) {
            *count = groups[i].count;
            return groups[i].keys;
        }
    }
    *count = 0;
    return NULL;
}

const struct conf_key *key_of(const char *section, const char *name)
{
    size_t count;
    const struct conf_key *keys = conf_keys(section, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

const struct conf_provider_kind *kind_of(const struct conf_tables *tables, const char *name)
{
    for (size_t i = 0; i < tables->providers_count; i++) {
        if (strcmp(tables->providers[i].name, name) == 0)
            return &tables->providers[i];
    }
    return NULL;
}

/* Takes ROW from one provider type's rows if NUMBER is among them, else counts them off NUMBER. */
static bool row_of_kind(const struct conf_provider_kind *kind, size_t *number, struct conf_row *row)
{
    if (*number >= kind->keys_count) {
        *number -= kind->keys_count;
        return false;
    }
    *row = (struct conf_row){&kind->keys[*number], "provider", kind->name};
    return true;
}

bool conf_row(const struct conf_tables *tables, size_t number, struct conf_row *row)
{
    for (size_t i = 0; i < LENGTH(groups); i++) {
        if (number < groups[i].count) {
            *row = (struct conf_row){&groups[i].keys[number], groups[i].section, NULL};
            return true;
        }
        number -= groups[i].count;
    }
    for (size_t i = 0; i < tables->providers_count; i++) {
        if (row_of_kind(&tables->providers[i], &number, row))
            return true;
    }
    return false;
}

bool conf_option(const struct conf_tables *tables, const char *name, struct conf_row *row)
{
    for (size_t i = 0; conf_row(tables, i, row); i++) {
        if (!row->key->file_only && strcmp(row->key->name, name) == 0)
            return true;
    }
    return false;
}

void conf_variable(const char *name, char variable[CONF_VARIABLE_SIZE])
{
    struct buf b = buf_over(variable, CONF_VARIABLE_SIZE);
    buf_text(&b, CONF_VARIABLE_PREFIX);
    for (; *name != '\0'; name++) {
        char c = *name;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        buf_char(&b, c == '-' ? '_' : c);
    }
}
