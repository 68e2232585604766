/* The `endpoint` URL (RFC 3986, https only). */
#include "http/http.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define SCHEME     "https://"
#define HTTPS_PORT 443

static bool is_host_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

/* How much of AT is a name or an IPv4 address. */
static size_t name_span(const char *at)
{
    size_t length = 0;
    while (is_host_character(at[length]))
        length++;
    return length;
}

static bool has_empty_label(const char *name)
{
    bool empty = true;
    for (; *name != '\0'; name++) {
        if (*name == '.' && empty)
            return true;
        empty = *name == '.';
    }
    return false;
}

/* Copies the host; returns what stands behind it, or NULL. */
static const char *read_host(const char *at, struct http_base *base)
{
    bool literal = *at == '[';
    const char *start = literal ? at + 1 : at;
    size_t length = literal ? strcspn(start, "]") : name_span(start);
    const char *behind = start + length + (literal ? 1 : 0);
    unsigned char address[sizeof(struct in6_addr)];
    if (literal && start[length] != ']')
        return NULL;
    if (!literal && length > 1 && start[length - 1] == '.')
        length--;
    if (length == 0 || length >= sizeof base->host)
        return NULL;
    memcpy(base->host, start, length);
    base->host[length] = '\0';
    if (literal && inet_pton(AF_INET6, base->host, address) != 1)
        return NULL;
    if (!literal && has_empty_label(base->host))
        return NULL;
    return behind;
}

/* ":PORT" or nothing; returns what stands behind it, or NULL. */
static const char *read_port(const char *at, struct http_base *base)
{
    uint32_t port = 0;
    base->port = HTTPS_PORT;
    if (*at != ':')
        return at;
    for (at++; *at >= '0' && *at <= '9'; at++) {
        port = port * 10 + (uint32_t)(*at - '0');
        if (port > UINT16_MAX)
            return NULL;
    }
    base->port = (uint16_t)port;
    return port == 0 ? NULL : at;
}

int http_base_parse(const char *url, struct http_base *base)
{
    memset(base, 0, sizeof *base);
    if (strncasecmp(url, SCHEME, strlen(SCHEME)) != 0)
        return -1;
    const char *at = read_host(url + strlen(SCHEME), base);
    if (at != NULL)
        at = read_port(at, base);
    if (at == NULL || (*at != '/' && *at != '\0'))
        return -1;
    size_t length = strlen(at);
    while (length > 0 && at[length - 1] == '/')
        length--;
    if (length >= sizeof base->path)
        return -1;
    for (size_t i = 0; i < length; i++)
        if (at[i] <= 0x20 || at[i] > 0x7e || strchr("?#\"<>\\^`{|}", at[i]) != NULL)
            return -1;
    memcpy(base->path, at, length);
    base->path[length] = '\0';
    return 0;
}
