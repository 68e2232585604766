#include "dns/query.h"

#include "base/fault.h"

#include <string.h>

/* Five digits and nothing else, 1 to 65535; 0 otherwise. */
static uint16_t read_port(const char *text)
{
    unsigned value = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return 0;
        value = value * 10 + (unsigned)(*at - '0');
        if (value > UINT16_MAX)
            return 0;
    }
    return (uint16_t)value;
}

int dns_server_read(const char *text, struct dns_server *server)
{
    char address[DNS_SERVER_TEXT_SIZE];
    size_t length = strlen(text);
    memset(server, 0, sizeof *server);
    server->port = DNS_PORT;
    if (length >= sizeof address)
        return -1;
    memcpy(address, text, length + 1);
    char *at = strchr(address, '@');
    if (at != NULL) {
        *at = '\0';
        server->port = read_port(at + 1);
    }
    server->length = (uint8_t)address_read_scoped(address, server->octets, &server->scope);
    return server->length == 0 || server->port == 0 ? -1 : 0;
}

void dns_server_print(struct buf *b, const struct dns_server *server)
{
    address_print(b, server->octets, server->length);
    if (server->scope != 0)
        buf_printf(b, "%%%u", (unsigned)server->scope);
    if (server->length != 0 && server->port != DNS_PORT)
        buf_printf(b, "@%u", (unsigned)server->port);
}

const char *dns_outcome_words(enum dns_outcome outcome, const struct dns_answer *answer)
{
    switch (outcome) {
    case DNS_TIMEOUT:
        return "no answer";
    case DNS_UNREACHABLE:
        return fault_words(answer->error);
    case DNS_UNREADABLE:
        return "an answer that is no proper DNS message";
    default:
        return "answered";
    }
}
