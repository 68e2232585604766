#include "net/dn.h"

#include "cert/der.h"

#include <string.h>

#define DER_SET 0x31

void dn_text(struct buf *b, const uint8_t *text, size_t length)
{
    buf_clean(b, (const char *)text, length < DN_VALUE_SHOWN ? length : DN_VALUE_SHOWN);
    if (length > DN_VALUE_SHOWN)
        buf_text(b, "...");
}

/* The attributes of one type; the string's own type does not matter for a message. */
static void print_type(struct buf *b, struct cursor names, uint8_t type, const char *label,
                       const char **comma)
{
    /* id-at and one octet (RFC 5280 appendix A.1) */
    const uint8_t wanted[] = {0x55, 0x04, type};
    while (cursor_left(&names) > 0) {
        struct cursor relative = der_enter(&names, DER_SET);
        while (cursor_left(&relative) > 0) {
            struct cursor attribute = der_enter(&relative, DER_SEQUENCE);
            struct cursor oid = der_enter(&attribute, DER_OID);
            struct cursor value = der_enter(&attribute, der_tag(&attribute));
            if (value.failed || cursor_left(&oid) != sizeof wanted ||
                memcmp(oid.at, wanted, sizeof wanted) != 0)
                continue;
            buf_printf(b, "%s%s=", *comma, label);
            dn_text(b, value.at, cursor_left(&value));
            *comma = ", ";
        }
    }
}

void dn_print(struct buf *b, const uint8_t *der, size_t length)
{
    static const struct {
        uint8_t type;
        const char *label;
    } shown[] = {{3, "CN"}, {11, "OU"}, {10, "O"}, {6, "C"}};
    const char *comma = "";
    struct cursor whole = cursor_over(der, length);
    struct cursor names = der_enter(&whole, DER_SEQUENCE);
    buf_char(b, '"');
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        print_type(b, names, shown[i].type, shown[i].label, &comma);
    buf_char(b, '"');
}
