#include "net/alert.h"

#include <stddef.h>

static const struct {
    unsigned code;
    const char *words;
} alerts[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {22, "record_overflow"},
    {40, "handshake_failure: nothing of what we offer suits it"},
    {47, "illegal_parameter"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {70, "protocol_version: it knows neither TLS 1.2 nor 1.3"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {112, "unrecognized_name: it does not serve this name"},
    {116, "certificate_required: it wants a client certificate"},
    {120, "no_application_protocol: no HTTP/1.1"},
};

const char *alert_words(unsigned code)
{
    for (size_t i = 0; i < sizeof alerts / sizeof alerts[0]; i++) {
        if (alerts[i].code == code)
            return alerts[i].words;
    }
    return "";
}
