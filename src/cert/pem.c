#include "cert/pem.h"

#include "base/wipe.h"
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

struct sink {
    uint8_t *der;
    size_t size, used;
    bool full;
};

static void take_piece(void *context, const void *piece, size_t length)
{
    struct sink *sink = context;
    if (sink->full || length > sink->size - sink->used) {
        sink->full = true;
        return;
    }
    memcpy(sink->der + sink->used, piece, length);
    sink->used += length;
}

/* Pushes up to the next event; an end of file in the middle of a line counts as its end. */
static int next_event(br_pem_decoder_context *decoder, struct cursor *c)
{
    while (cursor_left(c) > 0) {
        (void)cursor_take(c, br_pem_decoder_push(decoder, c->at, cursor_left(c)));
        int event = br_pem_decoder_event(decoder);
        if (event != 0)
            return event;
    }
    (void)br_pem_decoder_push(decoder, "\n", 1);
    return br_pem_decoder_event(decoder);
}

/* Whether the line that ends at BEHIND is the END line of the object. */
static bool ends_object(const struct pem_object *object, const uint8_t *behind)
{
    const uint8_t *end = behind[-1] == '\n' ? behind - 1 : behind, *line = end;
    const char *label;
    size_t length;
    while (line > object->start && line[-1] != '\n')
        line--;
    return starts_with(line, end, END) && banner_label(line, end, strlen(END), &label, &length) &&
           length == object->label_length && memcmp(label, object->label, length) == 0;
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
    br_pem_decoder_context decoder;
    struct sink sink = {.size = size};
    struct cursor c = cursor_over(object->start, (size_t)(object->end - object->start));
    int rc = CERT_MALFORMED;
    sink.der = der;
    /*
     * The decoder's own name of the object is not looked at: with CRLF it keeps the dashes, and
     * octets of the object before.
     */
    br_pem_decoder_init(&decoder);
    br_pem_decoder_setdest(&decoder, take_piece, &sink);
    if (object->damaged || next_event(&decoder, &c) != BR_PEM_BEGIN_OBJ)
        goto out;
    if (next_event(&decoder, &c) != BR_PEM_END_OBJ) {
        rc = says_encrypted(object) ? CERT_ENCRYPTED : CERT_MALFORMED;
        goto out;
    }
    if (!ends_object(object, c.at))
        goto out;
    if (sink.full) {
        rc = CERT_TOO_BIG;
        goto out;
    }
    *length = sink.used;
    rc = 0;
out:
    wipe(&decoder, sizeof decoder);
    return rc;
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
