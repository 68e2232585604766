#include "cert/pem.h"

#include "base/base64.h"
#include "cert/spki.h"

#include <bearssl.h>
#include <string.h>

#define BEGIN     "-----BEGIN "
#define END       "-----END "
#define DASHES    "-----"
#define PROC_TYPE "Proc-Type:"
#define ENCRYPTED "ENCRYPTED"

static bool starts_with(const uint8_t *at, const uint8_t *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0;
}

static const uint8_t *line_end(const uint8_t *at, const uint8_t *end)
{
    const uint8_t *newline = memchr(at, '\n', (size_t)(end - at));
    return newline == NULL ? end : newline;
}

/* The label of a banner line whose first PREFIX octets are known; false if the line is no banner.
 */
static bool banner_label(const uint8_t *line, const uint8_t *end, size_t prefix, const char **label,
                         size_t *length)
{
    const size_t dashes = strlen(DASHES);
    const uint8_t *at = line + prefix;
    while (end > at && end[-1] <= ' ')
        end--;
    if ((size_t)(end - at) <= dashes || memcmp(end - dashes, DASHES, dashes) != 0)
        return false;
    *label = (const char *)at;
    *length = (size_t)(end - at) - dashes;
    return true;
}

bool pem_next(struct cursor *text, struct pem_object *object)
{
    while (cursor_left(text) > 0) {
        const uint8_t *line = text->at;
        const uint8_t *newline = line_end(line, text->end);
        text->at = newline < text->end ? newline + 1 : newline;
        if (!starts_with(line, newline, BEGIN))
            continue;
        *object = (struct pem_object){.start = line, .end = text->end, .label = ""};
        object->damaged =
            !banner_label(line, newline, strlen(BEGIN), &object->label, &object->label_length);
        return true;
    }
    return false;
}

bool pem_is(const struct pem_object *object, const char *label)
{
    return object->label_length == strlen(label) &&
           memcmp(object->label, label, object->label_length) == 0;
}

/* Whether this line is the END line of the object. */
static bool ends_object(const struct pem_object *object, const uint8_t *line, const uint8_t *end)
{
    const char *label;
    size_t length;
    return starts_with(line, end, END) && banner_label(line, end, strlen(END), &label, &length) &&
           length == object->label_length && memcmp(label, object->label, length) == 0;
}

/* The first line after the BEGIN line that has dashes where a banner has them; NULL: none. */
static const uint8_t *next_banner(const struct pem_object *object, const uint8_t *line)
{
    while (line < object->end && !starts_with(line, object->end, DASHES)) {
        line = line_end(line, object->end);
        line += line < object->end;
    }
    return line < object->end ? line : NULL;
}

/* Whether the line after the BEGIN line is an encrypted object's header. */
static bool says_encrypted(const struct pem_object *object)
{
    const uint8_t *line = line_end(object->start, object->end);
    if (line == object->end)
        return false;
    line++;
    const uint8_t *end = line_end(line, object->end);
    if (!starts_with(line, end, PROC_TYPE))
        return false;
    for (; line < end; line++) {
        if (starts_with(line, end, ENCRYPTED))
            return true;
    }
    return false;
}

int pem_decode(const struct pem_object *object, uint8_t *der, size_t size, size_t *length)
{
    const uint8_t *first = line_end(object->start, object->end);
    const uint8_t *last = object->damaged ? NULL : next_banner(object, first);
    if (last == NULL)
        return says_encrypted(object) ? CERT_ENCRYPTED : CERT_MALFORMED;
    int rc = base64_decode((const char *)first, (size_t)(last - first), der, size);
    if (rc == BASE64_MALFORMED && says_encrypted(object))
        return CERT_ENCRYPTED;
    if (rc == BASE64_MALFORMED || !ends_object(object, last, line_end(last, object->end)))
        return CERT_MALFORMED;
    if (rc == BASE64_TOO_LONG)
        return CERT_TOO_BIG;
    *length = (size_t)rc;
    return 0;
}

int pem_encode(const char *label, const uint8_t *der, size_t length, struct buf *text)
{
    /* BearSSL counts without the NUL that it writes. */
    size_t needed = br_pem_encode(NULL, der, length, label, BR_PEM_LINE64);
    if (text->full || needed >= text->size - text->used)
        return CERT_TOO_BIG;
    text->used += br_pem_encode(text->data + text->used, der, length, label, BR_PEM_LINE64);
    return 0;
}
