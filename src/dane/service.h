/*
 * Services: a port with its protocol, and how TLS begins there. Adding one is adding a row.
 */
#ifndef DANE_SERVICE_H
#define DANE_SERVICE_H

#include <stddef.h>
#include <stdint.h>

/* How TLS begins on a connection. */
enum service_start {
    SERVICE_TLS,         /* with the first octet */
    SERVICE_SMTP,        /* STARTTLS of RFC 3207; also submission */
    SERVICE_IMAP,        /* STARTTLS of RFC 9051 section 6.2.1 */
    SERVICE_POP3,        /* STLS of RFC 2595 section 4 */
    SERVICE_SIEVE,       /* STARTTLS of RFC 5804 section 2.2 */
    SERVICE_XMPP_CLIENT, /* <starttls/> of RFC 6120 section 5, jabber:client */
    SERVICE_XMPP_SERVER  /* the same, jabber:server */
};

struct service {
    const char *name; /* smtp */
    uint16_t port;
    enum service_start start;
};

extern const struct service services[];
extern const size_t services_count;

enum { SERVICE_UNKNOWN = -1 };

/*
 * The service of a name of the table, or of "PORT/tls" (PORT from 1 to 65535 without leading
 * zeros; TLS begins at once). SERVICE->name is NAME itself. Returns 0 or SERVICE_UNKNOWN.
 */
int service_find(const char *name, struct service *service);
/* Its port, or SERVICE_UNKNOWN: for struct conf_tables. */
int service_port(const char *name);

#endif
