/* Names of certificates and alerts in messages. */
#include "net/alert.h"
#include "net/dn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* C=US, O=Let's Try, CN=Root 1, CN=Root\n2, a street (not shown), by hand. */
static const uint8_t name[] = "\x30\x4d"
                              "\x31\x0b\x30\x09\x06\x03\x55\x04\x06\x13\x02US"
                              "\x31\x12\x30\x10\x06\x03\x55\x04\x0a\x0c\x09Let's Try"
                              "\x31\x1e\x30\x0d\x06\x03\x55\x04\x03\x0c\x06Root 1"
                              "\x30\x0d\x06\x03\x55\x04\x03\x13\x06Root\n2"
                              "\x31\x0a\x30\x08\x06\x03\x55\x04\x09\x0c\x01x";
#define LENGTH (sizeof name - 1)

static void name_in_order(void **state)
{
    char text[200];
    struct buf b = BUF_OVER(text);
    (void)state;
    assert_int_equal(LENGTH, 2 + name[1]);
    dn_print(&b, name, LENGTH);
    assert_string_equal(text, "\"CN=Root 1, CN=Root?2, O=Let's Try, C=US\"");
}

static void name_cut_anywhere(void **state)
{
    uint8_t copy[LENGTH];
    (void)state;
    for (size_t length = 0; length < LENGTH; length++) {
        char text[200];
        struct buf b = BUF_OVER(text);
        dn_print(&b, name, length);
        assert_string_equal(text, "\"\"");
    }
    for (size_t at = 0; at < LENGTH; at++) {
        for (unsigned value = 0; value < 256; value++) {
            char text[400];
            struct buf b = BUF_OVER(text);
            memcpy(copy, name, LENGTH);
            copy[at] = (uint8_t)value;
            dn_print(&b, copy, LENGTH);
            assert_false(buf_full(&b));
            assert_int_equal(text[0], '"');
            for (const char *c = text; *c != '\0'; c++)
                assert_in_range(*c, ' ', '~');
        }
    }
}

static void long_text_is_cut(void **state)
{
    uint8_t bytes[DN_VALUE_SHOWN + 1];
    char text[200];
    struct buf b = BUF_OVER(text);
    (void)state;
    memset(bytes, 'a', sizeof bytes);
    dn_text(&b, bytes, DN_VALUE_SHOWN);
    assert_int_equal(b.used, DN_VALUE_SHOWN);
    buf_reset(&b);
    dn_text(&b, bytes, DN_VALUE_SHOWN + 1);
    assert_int_equal(b.used, DN_VALUE_SHOWN + 3);
    assert_string_equal(text + DN_VALUE_SHOWN, "...");
}

static void alerts_have_words(void **state)
{
    (void)state;
    assert_string_equal(alert_words(0), "close_notify");
    assert_non_null(strstr(alert_words(70), "protocol_version"));
    assert_non_null(strstr(alert_words(112), "unrecognized_name"));
    assert_non_null(strstr(alert_words(120), "no_application_protocol"));
    assert_string_equal(alert_words(1), "");
    assert_string_equal(alert_words(255), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_in_order),
        cmocka_unit_test(name_cut_anywhere),
        cmocka_unit_test(long_text_is_cut),
        cmocka_unit_test(alerts_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
