#include "net/look.h"

#include "base/buf.h"
#include "base/cursor.h"
#include "base/fault.h"

#include <errno.h>

static size_t read_u24(struct cursor *c)
{
    size_t high = cursor_u8(c);
    return high << 16 | cursor_u16(c);
}

/* One walk over the list, with or without visits. -1 where it cannot be read. */
static int walk(struct cursor list, bool tls13, look_visit visit, void *context)
{
    int count = 0;
    while (cursor_left(&list) > 0) {
        size_t length = read_u24(&list);
        const uint8_t *der = cursor_take(&list, length);
        if (tls13)
            (void)cursor_take(&list, cursor_u16(&list)); /* extensions: OCSP, SCTs */
        if (list.failed || length == 0)
            return -1;
        if (visit != NULL)
            visit(context, der, length);
        count++;
    }
    return count;
}

int look_certificates(const uint8_t *body, size_t length, bool tls13, look_visit visit,
                      void *context)
{
    struct cursor c = cursor_over(body, length);
    if (tls13)
        (void)cursor_take(&c, cursor_u8(&c)); /* certificate_request_context */
    struct cursor list = cursor_part(&c, read_u24(&c));
    if (list.failed || c.failed || cursor_left(&c) > 0 || walk(list, tls13, NULL, NULL) < 0)
        return -1;
    return walk(list, tls13, visit, context);
}

enum look look_alert(unsigned alert)
{
    switch (alert) {
    case 40: /* handshake_failure */
    case 49: /* access_denied: rustls, where no certificate suits */
    case 71: /* insufficient_security */
        return LOOK_OTHER_KEY;
    case 70: /* protocol_version */
        return LOOK_OLD;
    default:
        return LOOK_BROKEN;
    }
}

enum look look_failed(int error, const char *work, struct net_words *why)
{
    const char *what = error == NET_TIMEOUT ? "no answer in time"
                       : error == NET_ENDED ? "the server ended the connection"
                                            : fault_words(errno);
    struct buf b = BUF_OVER(why->text);
    buf_printf(&b, "%s broke off: %s", work, what);
    return error == NET_TIMEOUT ? LOOK_LATE : LOOK_CUT;
}
