#include "dane/probe.h"

#include "base/buf.h"
#include "dane/starttls.h"
#include "net/look.h"

#include <string.h>

/* What is learnt by one connection. */
struct attempt {
    struct probe_result *result;
    size_t seen; /* certificates */
    bool unreadable;
};

typedef enum look (*look_way)(struct tcp *t, const struct look_question *q, struct net_words *why);

static void digest(const uint8_t *der, size_t length, const struct cert_part *spki,
                   struct cert_digests *d)
{
    cert_sha256(der, length, d->certificate256);
    cert_sha512(der, length, d->certificate512);
    if (spki->length > 0) {
        cert_sha256(spki->bytes, spki->length, d->spki256);
        cert_sha512(spki->bytes, spki->length, d->spki512);
    }
}

static void visit(void *context, const uint8_t *der, size_t length)
{
    struct attempt *a = context;
    struct probe_result *r = a->result;
    struct cert_part spki = {NULL, 0};
    int64_t not_before, not_after;
    bool read = cert_spki_of_certificate(der, length, &spki, &not_before, &not_after) == 0;
    if (!read)
        spki.length = 0;
    if (a->seen++ == 0) {
        a->unreadable = !read;
        digest(der, length, &spki, &r->leaf);
    } else if (r->issuers_count < PROBE_ISSUERS_MOST) {
        digest(der, length, &spki, &r->issuers[r->issuers_count++]);
    }
}

static enum probe_code code_of_look(enum look look)
{
    static const enum probe_code codes[] = {
        [LOOK_SERVED] = PROBE_SERVED,
        [LOOK_SHOWN] = PROBE_SERVED,
        [LOOK_OTHER_KEY] = PROBE_OTHER_ALGORITHM,
        [LOOK_OLD] = PROBE_OLD_TLS,
        [LOOK_BROKEN] = PROBE_NO_TLS,
        [LOOK_CUT] = PROBE_NO_TLS,
        [LOOK_LATE] = PROBE_UNSEEN,
        [LOOK_UNABLE] = PROBE_UNSEEN,
    };
    return codes[look];
}

static enum probe_code code_of_starttls(enum starttls s)
{
    return s == STARTTLS_UNSEEN        ? PROBE_UNSEEN
           : s == STARTTLS_NOT_OFFERED ? PROBE_NO_STARTTLS
                                       : PROBE_NO_TLS;
}

/* One connection, looked at this WAY. Whether TLS was tried; RESULT is filled in any case. */
static bool attempt(const struct probe_question *q, look_way way, struct probe_result *r)
{
    struct attempt a = {.result = r};
    const struct look_question look = {
        .name = q->domain,
        .key = q->algorithm == PROBE_RSA ? LOOK_RSA : LOOK_ECDSA,
        .farewell = starttls_farewell(q->start),
        .visit = visit,
        .context = &a,
        .prove = q->prove,
    };
    struct tcp tcp;
    memset(r, 0, sizeof *r);
    r->code = PROBE_UNSEEN;
    if (tcp_connect(&tcp, q->address, q->port, q->connect_ms, q->deadline, &r->words) != 0)
        return false;
    enum starttls begun = starttls(&tcp, q->start, q->domain, &r->words);
    r->code = code_of_starttls(begun);
    if (begun == STARTTLS_BEGIN) {
        r->words.text[0] = '\0';
        enum look seen = way(&tcp, &look, &r->words);
        r->code = code_of_look(seen);
        r->proven = q->prove && seen == LOOK_SERVED;
    }
    tcp_close(&tcp);
    if (r->code == PROBE_SERVED && a.unreadable) {
        memset(r, 0, sizeof *r);
        struct buf b = BUF_OVER(r->words.text);
        buf_text(&b, "the server's certificate cannot be read");
        r->code = PROBE_NO_TLS;
        return false; /* another look shows the same */
    }
    return begun == STARTTLS_BEGIN;
}

/* What the second attempt adds to the first, which was no success. */
static void merge(struct probe_result *first, const struct probe_result *second,
                  enum probe_algorithm algorithm)
{
    bool alert = first->code == PROBE_OTHER_ALGORITHM;
    struct buf b = BUF_BEHIND(first->words.text);
    if (second->code == PROBE_SERVED || second->code == PROBE_OTHER_ALGORITHM) {
        *first = *second;
    } else if (alert && (second->code == PROBE_UNSEEN || second->code == PROBE_NO_STARTTLS)) {
        /* Perhaps it has a key that only the second attempt would have seen. */
        *first = *second;
        first->code = PROBE_UNSEEN;
    } else if (alert && second->code == PROBE_OLD_TLS && algorithm == PROBE_ECDSA) {
        buf_text(&b, "; as it speaks TLS 1.3 only, an Ed25519 key would not be seen");
    }
}

void probe(const struct probe_question *question, struct probe_result *result)
{
    struct probe_result second;
    bool tls = true, absent = false;
    /* What it has not is found by asking alone; what it has is looked at. */
    if (question->unexpected) {
        tls = attempt(question, tls_ask, result) && result->code != PROBE_UNSEEN;
        absent = result->code == PROBE_OTHER_ALGORITHM;
    }
    if (tls && !absent)
        tls = attempt(question, tls_look, result);
    if (!tls || result->code == PROBE_SERVED || result->code == PROBE_UNSEEN ||
        (absent && question->absent))
        return;
    (void)attempt(question, tls_peek, &second);
    merge(result, &second, question->algorithm);
}

int probe_addresses(const char *const *names, size_t count, struct tcp_addresses *list,
                    struct net_words *why)
{
    int rc = 0;
    memset(list, 0, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        if (tcp_addresses(names[i], list, why) != 0)
            rc = NET_NO_ADDRESS;
    }
    return rc;
}
