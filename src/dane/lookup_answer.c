#include "dane/lookup_answer.h"

#include "base/buf.h"
#include "base/name.h"

#include <errno.h>
#include <string.h>

/* Two clocks that are right may still differ by so many seconds. */
#define SKEW 60

static int say(struct lookup_server *s, struct arena *arena, enum lookup_code code,
               const char *words)
{
    s->code = code;
    s->words = arena_text(arena, words, strlen(words));
    return s->words == NULL ? LOOKUP_MEMORY : 0;
}

/* ---- signatures -------------------------------------------------------------------------------*/

/*
 * One signature; any valid one is enough for a validator, so the one that is valid longest counts
 * (RFC 4035 section 5.3.3). One whose signer does not hold the name is none (section 5.3.1).
 */
static void take_signature(struct lookup_server *s, const struct dns_rrsig *sig, const char *owner,
                           const struct lookup_clock *clock)
{
    int64_t end = dns_time(sig->expiration, clock->wall);
    int64_t start = dns_time(sig->inception, clock->wall);
    unsigned labels = dns_labels(owner) - (owner[0] == '*' && owner[1] == '.');
    if (!name_within(owner, sig->signer) || sig->labels > labels || end < start)
        return;
    bool over = clock->proven && (end < clock->wall - SKEW || start > clock->wall + SKEW);
    if (!s->signature || end > s->signature_end) {
        s->signature_end = end;
        s->signature_start = start;
    }
    s->over = over && (!s->signature || s->over);
    s->signature = true;
    s->wildcard = s->wildcard || sig->labels < labels;
    if (sig->original_ttl > s->original_ttl)
        s->original_ttl = sig->original_ttl;
}

/* The signatures of the RRset of OWNER and TYPE in the answer section. */
static void read_signatures(struct lookup_server *s, struct dns_message *m, const char *owner,
                            uint16_t type, const struct lookup_clock *clock)
{
    struct dns_rrsig sig;
    struct dns_rr rr;
    dns_rewind(m);
    while (dns_next_of(m, DNS_ANSWER, owner, DNS_TYPE_RRSIG, &rr) > 0) {
        if (dns_rrsig(m, &rr, &sig) == 0 && sig.covered == type)
            take_signature(s, &sig, owner, clock);
    }
}

/* ---- a denial ---------------------------------------------------------------------------------*/

static bool proves_denial(uint16_t covered)
{
    return covered == DNS_TYPE_SOA || covered == DNS_TYPE_NSEC || covered == DNS_TYPE_NSEC3;
}

static void take_soa(struct lookup_server *s, const struct dns_rr *rr, const struct dns_soa *soa)
{
    s->serial = soa->serial;
    s->negative_most = soa->minimum;
    s->negative_ttl = rr->ttl < soa->minimum ? rr->ttl : soa->minimum;
}

/*
 * Without the zone's SOA it is a denial all the same (RFC 2308 section 2.2, type 3), but a referral
 * to a zone below is none.
 */
static int read_denial(struct lookup_server *s, const struct lookup_reading *reading,
                       struct dns_message *m, const char *name)
{
    struct dns_rrsig sig;
    struct dns_soa soa;
    struct dns_rr rr;
    bool referral = false, has_soa = false;
    dns_rewind(m);
    while (dns_next(m, &rr) > 0) {
        if (rr.section != DNS_AUTHORITY || rr.klass != DNS_CLASS_IN)
            continue;
        if (rr.type == DNS_TYPE_SOA && name_within(name, rr.name) && dns_soa(m, &rr, &soa) == 0) {
            take_soa(s, &rr, &soa);
            has_soa = true;
        } else if (rr.type == DNS_TYPE_NS) {
            referral = true;
        } else if (rr.type == DNS_TYPE_RRSIG && dns_rrsig(m, &rr, &sig) == 0 &&
                   proves_denial(sig.covered)) {
            take_signature(s, &sig, rr.name, reading->clock);
        }
    }
    s->wildcard = false;
    s->original_ttl = 0;
    s->nxdomain = m->rcode == DNS_NXDOMAIN;
    if (referral && !has_soa && !s->nxdomain)
        return say(s, reading->arena, LOOKUP_LAME, "it refers to other servers");
    s->code = LOOKUP_DENIAL;
    return 0;
}

/* ---- an RRset ---------------------------------------------------------------------------------*/

/* Records with the same data are one record (RFC 2181 section 5). */
static void add_record(struct lookup_server *s, const struct tlsa *record)
{
    for (size_t i = 0; i < s->count; i++) {
        if (tlsa_equal(&s->records[i], record))
            return;
    }
    s->records[s->count++] = *record;
}

static int read_rrset(struct lookup_server *s, const struct lookup_reading *reading,
                      struct dns_message *m, const char *name, size_t count)
{
    struct dns_rr rr;
    if (count > LOOKUP_RECORDS_MOST)
        return say(s, reading->arena, LOOKUP_MALFORMED, "it shows too many TLSA records");
    s->records = arena_take(reading->arena, count, sizeof *s->records);
    if (s->records == NULL)
        return LOOKUP_MEMORY;
    dns_rewind(m);
    while (dns_next_of(m, DNS_ANSWER, name, DNS_TYPE_TLSA, &rr) > 0) {
        struct tlsa record;
        if (rr.length <= 3) {
            s->count = 0;
            return say(s, reading->arena, LOOKUP_MALFORMED, "a TLSA record without data");
        }
        struct tlsa_combination c = {rr.rdata[0], rr.rdata[1], rr.rdata[2]};
        tlsa_set(&record, c, rr.rdata + 3, rr.length - 3u);
        add_record(s, &record);
        if (rr.ttl > s->ttl)
            s->ttl = rr.ttl;
    }
    read_signatures(s, m, name, DNS_TYPE_TLSA, reading->clock);
    s->code = LOOKUP_RRSET;
    return 0;
}

static size_t count_records(struct dns_message *m, const char *name, uint16_t type)
{
    struct dns_rr rr;
    size_t count = 0;
    dns_rewind(m);
    while (dns_next_of(m, DNS_ANSWER, name, type, &rr) > 0)
        count++;
    return count;
}

/* ---- an alias ---------------------------------------------------------------------------------*/

/*
 * A CNAME made from a DNAME is not signed itself: the DNAME above is (RFC 6672 section 5.3.1), and
 * its TTL may be the CNAME's, or 0.
 */
static void read_dname(struct lookup_server *s, const struct lookup_reading *reading,
                       struct dns_message *m)
{
    struct dns_rr rr;
    char owner[DNS_NAME_SIZE];
    dns_rewind(m);
    while (dns_next(m, &rr) > 0) {
        if (rr.section != DNS_ANSWER || rr.type != DNS_TYPE_DNAME || rr.klass != DNS_CLASS_IN ||
            !name_within(reading->name, rr.name))
            continue;
        if (rr.ttl > s->ttl)
            s->ttl = rr.ttl;
        memcpy(owner, rr.name, sizeof owner);
        read_signatures(s, m, owner, DNS_TYPE_DNAME, reading->clock);
        return;
    }
}

static const char *canonical_text(struct arena *arena, const char *name)
{
    char canonical[DNS_NAME_SIZE];
    if (name_canonical(name, canonical, sizeof canonical) != 0)
        return NULL;
    return arena_text(arena, canonical, strlen(canonical));
}

static int read_alias(struct lookup_server *s, const struct lookup_reading *reading,
                      struct dns_message *m)
{
    char target[DNS_NAME_SIZE] = "", other[DNS_NAME_SIZE];
    struct dns_rr rr;
    dns_rewind(m);
    while (dns_next_of(m, DNS_ANSWER, reading->name, DNS_TYPE_CNAME, &rr) > 0) {
        if (dns_target(m, &rr, other) != 0)
            return say(s, reading->arena, LOOKUP_MALFORMED, "a CNAME record that is no name");
        if (target[0] != '\0' && !name_equal(target, other))
            return say(s, reading->arena, LOOKUP_MALFORMED, "it shows several CNAME records");
        memcpy(target, other, sizeof target);
        s->ttl = rr.ttl;
    }
    s->code = LOOKUP_ALIAS;
    s->target = canonical_text(reading->arena, target);
    read_signatures(s, m, reading->name, DNS_TYPE_CNAME, reading->clock);
    if (!s->signature)
        read_dname(s, reading, m);
    return s->target == NULL ? LOOKUP_MEMORY : 0;
}

/* ---- all of it --------------------------------------------------------------------------------*/

/* This machine has no way there at all; another one may. */
static bool is_no_route(int error)
{
    return error == ENETUNREACH || error == EAFNOSUPPORT || error == EADDRNOTAVAIL;
}

static int read_failure(struct lookup_server *s, const struct lookup_reading *reading,
                        enum dns_outcome outcome, const struct dns_answer *answer)
{
    s->no_route = outcome == DNS_UNREACHABLE && is_no_route(answer->error);
    return say(s, reading->arena, outcome == DNS_UNREADABLE ? LOOKUP_MALFORMED : LOOKUP_SILENT,
               dns_outcome_words(outcome, answer));
}

static int read_refusal(struct lookup_server *s, const struct lookup_reading *reading,
                        unsigned rcode)
{
    char words[64];
    struct buf b = BUF_OVER(words);
    const char *known = dns_rcode_words(rcode);
    if (known != NULL)
        buf_printf(&b, "it answers %s", known);
    else
        buf_printf(&b, "it answers rcode %u", rcode);
    return say(s, reading->arena, LOOKUP_LAME, words);
}

/* What a resolver found behind all aliases. */
static int read_resolved(struct lookup_server *s, const struct lookup_reading *reading,
                         struct dns_message *m)
{
    char name[DNS_NAME_SIZE];
    uint32_t ttl;
    struct buf b = BUF_OVER(name);
    buf_text(&b, reading->name);
    int aliases = dns_follow(m, name, &ttl);
    if (aliases < 0)
        return say(s, reading->arena, LOOKUP_MALFORMED, "a circle of CNAME records");
    if (aliases > 0) {
        s->target = canonical_text(reading->arena, name);
        if (s->target == NULL)
            return LOOKUP_MEMORY;
    }
    s->authentic = (m->flags & DNS_FLAG_AD) != 0;
    size_t count = count_records(m, name, DNS_TYPE_TLSA);
    return count > 0 ? read_rrset(s, reading, m, name, count) : read_denial(s, reading, m, name);
}

int lookup_read(struct lookup_server *s, const struct lookup_reading *reading,
                enum dns_outcome outcome, struct dns_answer *answer)
{
    struct dns_message *m = &answer->message;
    s->signature_end = s->signature_start = -1;
    if (outcome != DNS_ANSWERED)
        return read_failure(s, reading, outcome, answer);
    if (m->rcode != DNS_NOERROR && m->rcode != DNS_NXDOMAIN)
        return read_refusal(s, reading, m->rcode);
    if (reading->apex == NULL)
        return read_resolved(s, reading, m);
    if ((m->flags & DNS_FLAG_AA) == 0)
        return say(s, reading->arena, LOOKUP_LAME, "it is not authoritative for the zone");
    size_t count = count_records(m, reading->name, DNS_TYPE_TLSA);
    bool alias = count_records(m, reading->name, DNS_TYPE_CNAME) > 0;
    /* A CNAME stands alone (RFC 2181 section 10.1). An answer behind it may well be NXDOMAIN. */
    if (count > 0 && (alias || m->rcode == DNS_NXDOMAIN))
        return say(s, reading->arena, LOOKUP_MALFORMED, "its answer contradicts itself");
    if (alias)
        return read_alias(s, reading, m);
    return count > 0 ? read_rrset(s, reading, m, reading->name, count)
                     : read_denial(s, reading, m, reading->name);
}
