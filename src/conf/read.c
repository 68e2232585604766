#include "conf/read.h"

#include "base/name.h"

#include <string.h>

/* A number of four billion has ten digits; leading zeros count too. */
#define DIGITS_MOST 10

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static int wrong(struct buf *why, const char *reason)
{
    buf_text(why, reason);
    return CONF_READ_WRONG;
}

/* The number at the beginning of TEXT; returns how many characters it has, 0 for none. */
static size_t read_digits(const char *text, uint64_t *number)
{
    size_t length = 0;
    *number = 0;
    while (text[length] >= '0' && text[length] <= '9') {
        if (length == DIGITS_MOST)
            return 0;
        *number = *number * 10 + (uint64_t)(text[length++] - '0');
    }
    return length;
}

static int read_whole(const struct conf_key *key, const char *text, uint32_t *whole,
                      struct buf *why)
{
    uint64_t number;
    size_t length = read_digits(text, &number);
    if (length == 0 || text[length] != '\0' || number < key->least || number > key->most) {
        buf_printf(why, "not a whole number from %u to %u", (unsigned)key->least,
                   (unsigned)key->most);
        return CONF_READ_WRONG;
    }
    *whole = (uint32_t)number;
    return 0;
}

static uint64_t unit_of(const char *suffix)
{
    if (suffix[0] == '\0')
        return 1;
    if (suffix[1] != '\0')
        return 0;
    switch (suffix[0]) {
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    default:
        return 0;
    }
}

static int read_duration(const struct conf_key *key, const char *text, uint32_t *seconds,
                         struct buf *why)
{
    uint64_t number;
    size_t length = read_digits(text, &number);
    uint64_t unit = length == 0 ? 0 : unit_of(text + length);
    if (unit == 0)
        return wrong(why, "not a duration: seconds, or a number with m, h or d");
    /* Ten digits times a day stay far below 2^64. */
    number *= unit;
    if (number < key->least || number > key->most) {
        buf_text(why, "out of its limits: from ");
        buf_duration(why, key->least);
        buf_text(why, " to ");
        buf_duration(why, key->most);
        return CONF_READ_WRONG;
    }
    *seconds = (uint32_t)number;
    return 0;
}

/* Whether TEXT is one of WORDS, which are parted by blanks. */
static bool is_among(const char *words, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = words; *at != '\0';) {
        size_t word = strcspn(at, " ");
        if (word == length && strncmp(at, text, length) == 0)
            return true;
        at += word + (at[word] == ' ' ? 1 : 0);
    }
    return false;
}

/* UCI has ten words for them, and they mean the same everywhere. */
static int read_yes_no(const char *text, bool *yes, struct buf *why)
{
    *yes = is_among("yes 1 on true enabled", text);
    if (*yes || is_among("no 0 off false disabled", text))
        return 0;
    return wrong(why, "neither yes nor no");
}

static int read_url(const char *text, struct buf *why)
{
    static const char scheme[] = "https://";
    size_t length = sizeof scheme - 1;
    if (strncmp(text, scheme, length) != 0)
        return wrong(why, "not a URL that begins with https://");
    if (text[length] == '\0' || strchr("/:?#", text[length]) != NULL)
        return wrong(why, "a URL without a host");
    for (const char *at = text + length; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~')
            return wrong(why, "a URL with a character that must be percent-encoded");
        if (*at == '@' || *at == '?' || *at == '#')
            return wrong(why, "a URL with a user, a query or a fragment");
    }
    return 0;
}

static int read_name(const char *text, struct arena *arena, const char **name, struct buf *why)
{
    char canonical[NAME_SIZE];
    if (!name_is_host(text) || name_canonical(text, canonical, sizeof canonical) != 0)
        return wrong(why, "not a full DNS name (letters, digits, hyphens; at least two labels; "
                          "international names as xn--...)");
    *name = arena_text(arena, canonical, strlen(canonical));
    return *name == NULL ? wrong(why, "out of memory") : 0;
}

static int read_choice(const char *choices, const char *text, struct buf *why)
{
    if (is_among(choices, text))
        return 0;
    buf_text(why, "not one of: ");
    return wrong(why, choices);
}

static int append(struct conf_value *value, const char *item, struct buf *why)
{
    if (item == NULL)
        return wrong(why, "out of memory");
    if (value->items_count == CONF_LIST_MOST) {
        buf_printf(why, "a list of more than %d", CONF_LIST_MOST);
        return CONF_READ_WRONG;
    }
    value->items[value->items_count++] = item;
    return 0;
}

static int read_words(const char *text, struct arena *arena, struct conf_value *value,
                      struct buf *why)
{
    for (const char *at = text; *at != '\0';) {
        size_t length = strcspn(at, " \t");
        if (length > 0 && append(value, arena_text(arena, at, length), why) != 0)
            return CONF_READ_WRONG;
        at += length;
        while (is_blank(*at))
            at++;
    }
    return 0;
}

static int read_record(const char *text, struct conf_value *value, struct buf *why)
{
    uint8_t fields[3] = {0};
    const char *at = text;
    for (size_t i = 0; i < 3; i++) {
        uint64_t number;
        size_t length = read_digits(at, &number);
        bool ends = length > 0 && (i == 2 ? at[length] == '\0' : is_blank(at[length]));
        if (!ends || number > UINT8_MAX)
            return wrong(why, "not three numbers: usage, selector and matching type, as in 3 1 1");
        fields[i] = (uint8_t)number;
        at += length;
        while (is_blank(*at))
            at++;
    }
    if (value->records_count == CONF_RECORDS_MOST) {
        buf_printf(why, "a list of more than %d", CONF_RECORDS_MOST);
        return CONF_READ_WRONG;
    }
    value->records[value->records_count++] = (struct conf_record){fields[0], fields[1], fields[2]};
    return 0;
}

/* The file cannot hold such text, an option or a variable can. */
static bool has_control(const char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
            return true;
    }
    return false;
}

int conf_read(const struct conf_key *key, const char *text, struct arena *arena,
              struct conf_value *value, struct buf *why)
{
    if (text == NULL)
        text = key->needs_no_value ? "yes" : "";
    if (text[strspn(text, " \t")] == '\0')
        return wrong(why, "needs a value");
    if (has_control(text))
        return wrong(why, "a control character, or a line break, in the value");
    value->text = text;
    switch (key->kind) {
    case CONF_TEXT:
    case CONF_SECRET:
    case CONF_PATH:
        return 0;
    case CONF_URL:
        return read_url(text, why);
    case CONF_NAME:
        return read_name(text, arena, &value->text, why);
    case CONF_YES_NO:
        return read_yes_no(text, &value->yes, why);
    case CONF_WHOLE:
        return read_whole(key, text, &value->number, why);
    case CONF_DURATION:
        return read_duration(key, text, &value->number, why);
    case CONF_COMMANDS:
        return append(value, text, why);
    case CONF_WORDS:
        return read_words(text, arena, value, why);
    case CONF_RECORDS:
        return read_record(text, value, why);
    case CONF_CHOICE:
        return read_choice(key->choices, text, why);
    }
    return wrong(why, "of a kind unknown to this program");
}

const char *conf_metavariable(const struct conf_key *key)
{
    static const char *const names[] = {
        [CONF_TEXT] = "TEXT",    [CONF_SECRET] = "SECRET",   [CONF_PATH] = "FILE",
        [CONF_URL] = "URL",      [CONF_NAME] = "NAME",       [CONF_YES_NO] = "yes|no",
        [CONF_WHOLE] = "NUMBER", [CONF_DURATION] = "TIME",   [CONF_COMMANDS] = "COMMAND",
        [CONF_WORDS] = "WORDS",  [CONF_RECORDS] = "'3 1 1'", [CONF_CHOICE] = "WORD",
    };
    return names[key->kind];
}
