/* Dynamic updates of the zone's primary (RFC 2136), signed with a key that it shares with us. */
#include "provider/dynamic.h"
#include "provider/rest.h"

#include <string.h>

enum { KEY_SERVER, KEY_TRANSPORT, KEY_FILE };

static const struct conf_key keys[] = {
    {.name = "server",
     .kind = CONF_TEXT,
     .help = "NAME or ADDRESS[@PORT] that takes updates (else the zone's primary)"},
    {.name = "transport",
     .kind = CONF_CHOICE,
     .choices = "udp tcp",
     .preset = "tcp",
     .help = "how updates travel"},
    {.name = "key-file", .kind = CONF_PATH, .help = "the TSIG key, as tsig-keygen writes it"},
};

#define LOOK "it is looked at again"

static const struct dynamic_row rows[] = {
    {DNS_NXRRSET, PROVIDER_CONFLICT, false, "the RRset was changed meanwhile", LOOK},
    {DNS_YXRRSET, PROVIDER_CONFLICT, false, "the RRset was changed meanwhile", LOOK},
    {DNS_REFUSED, PROVIDER_REFUSED, true, "it does not allow the key this change",
     "allow it the TLSA records of this owner name (BIND: update-policy)"},
    {DNS_NOTAUTH, PROVIDER_REFUSED, true, "it is not the zone's primary",
     "set server to the one that is"},
    {DNS_NOTZONE, PROVIDER_REFUSED, true, "it finds the name outside of the zone",
     "see how the zone is delegated"},
    {DNS_NOTIMP, PROVIDER_REFUSED, true, "it takes no updates",
     "set server to the zone's primary, one that takes updates"},
    {DNS_FORMERR, PROVIDER_REFUSED, false, "it does not understand the message",
     "report this with the server's kind and version"},
    {DNS_SERVFAIL, PROVIDER_LATER, false, "it has a fault", "see its log, and try again later"},
    {TSIG_BADSIG, PROVIDER_REFUSED, true, "it does not accept our signature (BADSIG)",
     "the key there has another secret or algorithm: copy it anew"},
    {TSIG_BADKEY, PROVIDER_REFUSED, true, "it does not accept the key (BADKEY)",
     "give it this key by this name; with Knot also an acl that allows this owner name"},
    {TSIG_BADTIME, PROVIDER_REFUSED, false, "it does not accept the time of our signature",
     "set the clock that is wrong"},
    {TSIG_BADTRUNC, PROVIDER_REFUSED, true, "it wants a longer signature (BADTRUNC)",
     "make a key with hmac-sha512"},
    {UPDATE_NOT_REACHED, PROVIDER_LATER, false, "not reached", "try again later"},
    {UPDATE_NO_PRIMARY, PROVIDER_LATER, false, "the zone's primary cannot be found out",
     "set server"},
    {UPDATE_CLOCK, PROVIDER_LATER, false, "clock not set", "no signature would be accepted"},
    {UPDATE_LOST, PROVIDER_UNKNOWN, false, "no answer to the update", LOOK},
    {UPDATE_UNVOUCHED, PROVIDER_REFUSED, false, "its answer cannot be trusted",
     "see who stands between, and that the key and both clocks are the same"},
    {UPDATE_DENIED, PROVIDER_REFUSED, true, "it refuses, and does not sign that",
     "check the key's name, secret and algorithm, what it may change, and both clocks"},
    {UPDATE_STRANGE, PROVIDER_REFUSED, false, "its answer cannot be used",
     "see what it answers for this name"},
    {UPDATE_ALIASES, PROVIDER_REFUSED, false, "too many aliases in a row",
     "end the loop of CNAMEs"},
    {UPDATE_TOO_LONG, PROVIDER_REFUSED, false, "its TLSA records are too long for one update",
     "delete those nobody needs"},
};

static struct provider_result open_session(struct provider *p, struct arena *arena)
{
    const char *const *values = p->conf->values;
    struct net_words why = {""};
    struct dynamic *d = p->own != NULL ? p->own : arena_take(arena, 1, sizeof *d);
    if (d == NULL)
        return rest_misconfigured(p, "no memory");
    struct update *u = &d->update;
    bool udp = values[KEY_TRANSPORT] != NULL && strcmp(values[KEY_TRANSPORT], "udp") == 0;
    p->own = d;
    dynamic_begin(d, p, rows, sizeof rows / sizeof rows[0]);
    if (update_open(u, values[KEY_SERVER], udp, p->resolvers) != 0)
        return rest_misconfigured(p, "server must be NAME, ADDRESS, NAME@PORT or ADDRESS@PORT");
    if (values[KEY_FILE] == NULL)
        return rest_misconfigured(p, "no key: set key-file to a file that holds it, mode 600");
    if (tsig_key_read(&u->key, values[KEY_FILE], &why) != 0)
        return rest_misconfigured(p, "key-file %s: %s", values[KEY_FILE], why.text);
    return rest_done();
}

static void close_session(struct provider *p)
{
    if (p->own != NULL)
        update_close(&((struct dynamic *)p->own)->update);
}

static struct provider_result list(struct provider *p, const char *host,
                                   struct provider_rrset *sets, size_t count, struct arena *arena)
{
    (void)host; /* the owner names say which zone it is */
    return dynamic_list(p->own, sets, count, arena);
}

static struct provider_result add(struct provider *p, const char *host,
                                  const struct provider_rrset *seen, const struct tlsa *record,
                                  uint32_t ttl)
{
    (void)host;
    return dynamic_add(p->own, seen, record, ttl);
}

static struct provider_result remove_record(struct provider *p, const char *host,
                                            const struct provider_rrset *seen,
                                            const struct provider_record *record)
{
    (void)host;
    return dynamic_remove(p->own, seen, &record->tlsa);
}

const struct provider_type provider_rfc2136 = {
    .name = "rfc2136",
    .keys = keys,
    .keys_count = sizeof keys / sizeof keys[0],
    .ttl_least = 1,
    .ttl_most = INT32_MAX,
    .open = open_session,
    .list = list,
    .add = add,
    .remove = remove_record,
    .close = close_session,
};
