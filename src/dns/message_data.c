#include "dns/message.h"

#include <string.h>

static struct cursor data_of(const struct dns_rr *rr)
{
    return cursor_over(rr->rdata, rr->length);
}

/* A name of the data; its first labels must lie inside of the data, what a pointer leads to not. */
static bool ends_behind(const struct cursor *c)
{
    return !c->failed && cursor_left(c) == 0;
}

int dns_target(const struct dns_message *m, const struct dns_rr *rr, char name[DNS_NAME_SIZE])
{
    struct cursor c = data_of(rr);
    if (rr->type == DNS_TYPE_MX)
        (void)cursor_u16(&c);
    if (dns_read_name(m, &c, name) != 0 || !ends_behind(&c))
        return DNS_MALFORMED;
    return 0;
}

int dns_soa(const struct dns_message *m, const struct dns_rr *rr, struct dns_soa *soa)
{
    struct cursor c = data_of(rr);
    char responsible[DNS_NAME_SIZE];
    if (dns_read_name(m, &c, soa->mname) != 0 || dns_read_name(m, &c, responsible) != 0)
        return DNS_MALFORMED;
    soa->serial = cursor_u32(&c);
    soa->refresh = cursor_u32(&c);
    soa->retry = cursor_u32(&c);
    soa->expire = cursor_u32(&c);
    soa->minimum = cursor_u32(&c);
    return ends_behind(&c) ? 0 : DNS_MALFORMED;
}

int dns_rrsig(const struct dns_message *m, const struct dns_rr *rr, struct dns_rrsig *sig)
{
    struct cursor c = data_of(rr);
    sig->covered = cursor_u16(&c);
    sig->algorithm = cursor_u8(&c);
    sig->labels = cursor_u8(&c);
    sig->original_ttl = cursor_u32(&c);
    sig->expiration = cursor_u32(&c);
    sig->inception = cursor_u32(&c);
    sig->key_tag = cursor_u16(&c);
    if (dns_read_name(m, &c, sig->signer) != 0)
        return DNS_MALFORMED;
    /* A signature of no octets is none. */
    return cursor_left(&c) == 0 ? DNS_MALFORMED : 0;
}

int64_t dns_time(uint32_t serial, int64_t now)
{
    uint32_t ahead = serial - (uint32_t)now;
    return ahead <= INT32_MAX ? now + (int64_t)ahead : now + (int64_t)ahead - (INT64_C(1) << 32);
}

unsigned dns_labels(const char *name)
{
    unsigned labels = 0;
    for (const char *at = name; *at != '\0'; at++) {
        if (*at != '.' && (at == name || at[-1] == '.'))
            labels++;
    }
    return labels;
}

const char *dns_rcode_words(unsigned rcode)
{
    static const char *const words[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
                                        "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
                                        "NXRRSET", "NOTAUTH", "NOTZONE"};
    if (rcode < sizeof words / sizeof words[0])
        return words[rcode];
    return rcode == DNS_BADVERS ? "BADVERS" : NULL;
}
