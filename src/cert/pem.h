/*
 * PEM (RFC 7468) out of text: finds BEGIN lines, and decodes an object; and into text. (BearSSL's
 * decoder, an interpreter, takes ten times as long.)
 *
 * Banners are taken as OpenSSL takes them: in column 1, upper case, white space behind them
 * ignored, the END line with the same label. Text around objects is ignored, CRLF is fine.
 */
#ifndef CERT_PEM_H
#define CERT_PEM_H

#include "base/buf.h"
#include "base/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pem_object {
    const char *label; /* within the text, no NUL: "CERTIFICATE" */
    size_t label_length;
    bool damaged;         /* the BEGIN line has no label or does not end in dashes */
    const uint8_t *start; /* of the BEGIN line */
    const uint8_t *end;   /* of the text */
};

/* Finds the next BEGIN line, which must start a line of TEXT; TEXT moves behind it. */
bool pem_next(struct cursor *text, struct pem_object *object);
/* Whether the label is this word. */
bool pem_is(const struct pem_object *object, const char *label);
/*
 * Decodes the object into DER. Returns 0, CERT_MALFORMED, CERT_TOO_BIG, or CERT_ENCRYPTED where its
 * headers say so (RFC 1421 "Proc-Type: 4,ENCRYPTED"). Octets may stand in DER also after an error.
 */
int pem_decode(const struct pem_object *object, uint8_t *der, size_t size, size_t *length);
/* Appends DER as PEM with lines of 64 characters. 0 or CERT_TOO_BIG: nothing was appended. */
int pem_encode(const char *label, const uint8_t *der, size_t length, struct buf *text);

#endif
