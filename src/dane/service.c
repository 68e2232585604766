#include "dane/service.h"

#include <string.h>

const struct service services[] = {
    {"smtp", 25, SERVICE_SMTP},
    {"submission", 587, SERVICE_SMTP},
    {"submissions", 465, SERVICE_TLS},
    {"imap", 143, SERVICE_IMAP},
    {"imaps", 993, SERVICE_TLS},
    {"pop3", 110, SERVICE_POP3},
    {"pop3s", 995, SERVICE_TLS},
    {"sieve", 4190, SERVICE_SIEVE},
    {"xmpp-client", 5222, SERVICE_XMPP_CLIENT},
    {"xmpp-server", 5269, SERVICE_XMPP_SERVER},
    {"https", 443, SERVICE_TLS},
};
const size_t services_count = sizeof services / sizeof services[0];

/* The port of "PORT/tls", 0 if it is none. */
static uint16_t read_port(const char *text)
{
    uint32_t port = 0;
    if (*text == '0')
        return 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        port = port * 10 + (uint32_t)(*text - '0');
        if (port > UINT16_MAX)
            return 0;
    }
    return strcmp(text, "/tls") == 0 ? (uint16_t)port : 0;
}

int service_find(const char *name, struct service *service)
{
    for (size_t i = 0; i < services_count; i++) {
        if (strcmp(services[i].name, name) == 0) {
            *service = services[i];
            service->name = name;
            return 0;
        }
    }
    uint16_t port = read_port(name);
    if (port == 0)
        return SERVICE_UNKNOWN;
    *service = (struct service){name, port, SERVICE_TLS};
    return 0;
}

int service_port(const char *name)
{
    struct service service;
    return service_find(name, &service) == 0 ? service.port : SERVICE_UNKNOWN;
}
