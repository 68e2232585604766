#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/name.h"
#include "base/wipe.h"
#include "cmd/cmd.h"
#include "dane/tlsa.h"

#include <string.h>

/* Room for "_65535._tcp.HOST. IN TYPE52 \# 16387 030000". */
#define LINE_HEAD_SIZE (TLSA_OWNER_SIZE + 64)
/* Octets of data that one write prints: full data is far longer than a digest. */
#define PIECE_OCTETS 512

/* What to print, as the options say. */
struct form {
    struct tlsa_combination combination;
    bool generic;                /* RFC 3597 section 5 */
    char owner[TLSA_OWNER_SIZE]; /* empty: only the data */
};

/* One file at a time: it and the object in it are too large for a small stack. Not re-entrant. */
static struct {
    uint8_t file[CERT_FILE_SIZE];
    struct cert_object object;
} room;

/* ---- options ---- */

/* A one-digit option; -1 after saying what is wrong with it. */
static int take_digit(const struct call *call, const char *name, int most, int preset)
{
    const char *value = call_option(call, name);
    if (value == NULL)
        return preset;
    if (value[0] < '0' || value[0] > '0' + most || value[1] != '\0') {
        log_say(LOG_LEVEL_ERROR, "--%s %s: must be a number from 0 to %d", name, value, most);
        return -1;
    }
    return value[0] - '0';
}

/* A decimal port without leading zeros; 0: it is none. */
static uint16_t parse_port(const char *text)
{
    unsigned port = 0;
    if (text[0] == '0')
        return 0;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return 0;
        port = port * 10 + (unsigned)(*text - '0');
        if (port > UINT16_MAX)
            return 0;
    }
    return (uint16_t)port;
}

/* NAME:PORT into the owner name. */
static int take_owner(const char *record, char owner[TLSA_OWNER_SIZE])
{
    char name[TLSA_OWNER_SIZE];
    struct buf b = BUF_OVER(name);
    const char *colon = strrchr(record, ':');
    uint16_t port = colon == NULL ? 0 : parse_port(colon + 1);
    if (port == 0) {
        log_say(LOG_LEVEL_ERROR, "--record %s: must be NAME:PORT, the port from 1 to 65535",
                record);
        return -1;
    }
    buf_put(&b, record, (size_t)(colon - record));
    if (buf_full(&b) || !name_is_host(name) || tlsa_owner(owner, port, name) != 0) {
        log_say(LOG_LEVEL_ERROR,
                "--record %s: the name must be a server's full name, such as mail.example.org",
                record);
        return -1;
    }
    return 0;
}

static int take_form(const struct call *call, struct form *form)
{
    const char *record = call_option(call, "record");
    int usage = take_digit(call, "usage", TLSA_USAGE_DANE_EE, TLSA_USAGE_DANE_EE);
    int selector = take_digit(call, "selector", TLSA_SELECTOR_SPKI, TLSA_SELECTOR_SPKI);
    int matching = take_digit(call, "matching", TLSA_MATCHING_SHA512, TLSA_MATCHING_SHA256);
    if (usage < 0 || selector < 0 || matching < 0)
        return -1;
    form->combination =
        (struct tlsa_combination){(uint8_t)usage, (uint8_t)selector, (uint8_t)matching};
    form->generic = call_flag(call, "generic");
    form->owner[0] = '\0';
    return record == NULL ? 0 : take_owner(record, form->owner);
}

/* ---- printing ---- */

/* What stands before the data's hex. */
static void put_head(struct buf *b, const struct form *form, size_t length)
{
    struct tlsa_combination c = form->combination;
    if (form->owner[0] != '\0')
        buf_printf(b, "%s. IN %s ", form->owner, form->generic ? "TYPE52" : "TLSA");
    if (form->generic)
        buf_printf(b, "\\# %zu %02x%02x%02x", 3 + length, (unsigned)c.usage, (unsigned)c.selector,
                   (unsigned)c.matching);
    else
        buf_printf(b, "%u %u %u ", (unsigned)c.usage, (unsigned)c.selector, (unsigned)c.matching);
}

static int print_line(const struct form *form, const uint8_t *data, size_t length)
{
    char text[LINE_HEAD_SIZE + 2 * PIECE_OCTETS];
    struct buf b = BUF_OVER(text);
    put_head(&b, form, length);
    while (length > 0) {
        size_t piece = length < PIECE_OCTETS ? length : PIECE_OCTETS;
        buf_hex(&b, data, piece);
        data += piece;
        length -= piece;
        if (length == 0)
            buf_char(&b, '\n');
        if (buf_full(&b) || log_out(text) != 0)
            return -1;
        buf_reset(&b);
    }
    return 0;
}

/* ---- a file ---- */

/* Data of the object in `room`; the message names FILE. */
static int print_object(const char *file, const struct form *form)
{
    const struct cert_object *object = &room.object;
    struct cert_part part = object->spki;
    uint8_t digest[64];
    struct tlsa record;
    if (form->combination.selector == TLSA_SELECTOR_CERT) {
        if (object->kind != CERT_CERTIFICATE) {
            log_say(LOG_LEVEL_ERROR,
                    "%s: a %s has no data for selector 0, which is of the whole certificate", file,
                    cert_kind_name(object->kind));
            return -1;
        }
        part = (struct cert_part){object->der, object->length};
    }
    if (form->combination.matching == TLSA_MATCHING_SHA256) {
        cert_sha256(part.bytes, part.length, digest);
        part = (struct cert_part){digest, 32};
    } else if (form->combination.matching == TLSA_MATCHING_SHA512) {
        cert_sha512(part.bytes, part.length, digest);
        part = (struct cert_part){digest, 64};
    }
    tlsa_set(&record, form->combination, part.bytes, part.length);
    if (!tlsa_usable(&record) || tlsa_of_nothing(&record)) {
        log_say(LOG_LEVEL_ERROR, "%s: would make a record of nothing; not printed", file);
        return -1;
    }
    if (print_line(form, part.bytes, part.length) != 0) {
        log_say(LOG_LEVEL_ERROR, "standard output cannot be written");
        return -1;
    }
    return 0;
}

static int digest_file(const char *file, const struct form *form)
{
    bool input = strcmp(file, "-") == 0;
    const char *shown = input ? "standard input" : file;
    ssize_t length = input ? file_read_input(room.file, sizeof room.file)
                           : file_read(file, room.file, sizeof room.file);
    int rc = -1;
    if (length < 0) {
        log_say(LOG_LEVEL_ERROR, "%s: %s", shown, file_error((int)length));
        length = sizeof room.file; /* as much as may have been read */
        goto out;
    }
    if (length == 0) {
        log_say(LOG_LEVEL_ERROR, "%s: is empty", shown);
        goto out;
    }
    int error = cert_read(room.file, (size_t)length, &room.object);
    if (error != 0) {
        log_say(LOG_LEVEL_ERROR, "%s: %s", shown, cert_error(error));
        goto out;
    }
    rc = print_object(shown, form);
out:
    wipe(room.file, (size_t)length);
    return rc;
}

static int run_digest(const struct call *call)
{
    struct form form;
    int code = EXIT_GOOD;
    if (take_form(call, &form) != 0)
        return EXIT_USAGE_FAULT;
    for (size_t i = 0; i < call->arguments_count; i++) {
        if (digest_file(call->arguments[i], &form) != 0)
            code = EXIT_FAILED;
    }
    return code;
}

static const struct conf_key options[] = {
    {.name = "usage",
     .kind = CONF_WHOLE,
     .least = 0,
     .most = 3,
     .preset = "3",
     .help = "0 PKIX-TA, 1 PKIX-EE, 2 DANE-TA, 3 DANE-EE"},
    {.name = "selector",
     .kind = CONF_WHOLE,
     .least = 0,
     .most = 1,
     .preset = "1",
     .help = "0 the whole certificate, 1 its SPKI"},
    {.name = "matching",
     .kind = CONF_WHOLE,
     .least = 0,
     .most = 2,
     .preset = "1",
     .help = "0 the data itself, 1 SHA-256, 2 SHA-512"},
    {.name = "record",
     .kind = CONF_TEXT,
     .help = "NAME:PORT of the service, for a whole line of a zone file"},
    {.name = "generic",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "the form of RFC 3597, for servers that do not know TLSA"},
};

const struct verb verb_digest = {
    .name = "digest",
    .summary = "print TLSA data of a certificate or key",
    .arguments = "FILE...",
    .arguments_least = 1,
    .arguments_most = SIZE_MAX,
    .options = options,
    .options_count = sizeof options / sizeof options[0],
    .about = "Prints one line for each file, in their order: \"3 1 1 HEX\", or what the options "
             "say. A file holds a certificate (of a chain the first counts), a certificate "
             "request, a public key or an unencrypted private key, in PEM or DER; \"-\" is "
             "standard input. A file that cannot be read is named on standard error, the others "
             "are printed, and the exit code is 1.",
    .run = run_digest,
};
