#include "net/chain.h"

#include "base/buf.h"
#include "base/time.h"
#include "net/judge.h"

#include <mbedtls/oid.h>
#include <mbedtls/platform.h>
#include <mbedtls/x509_crt.h>

#include <stdbool.h>
#include <string.h>

int chain_add(struct chain *chain, const uint8_t *der, size_t length, struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    if (chain->count == CHAIN_MOST) {
        buf_printf(&b, "more than %d certificates in the chain", CHAIN_MOST);
        return NET_UNTRUSTED;
    }
    mbedtls_x509_crt *one = mbedtls_calloc(1, sizeof *one);
    if (one == NULL) {
        buf_text(&b, "no memory");
        return NET_FAILED;
    }
    mbedtls_x509_crt_init(one);
    int rc = mbedtls_x509_crt_parse_der(one, der, length);
    if (rc == 0) {
        chain->certificates[chain->count++] = one;
        return 0;
    }
    mbedtls_x509_crt_free(one);
    mbedtls_free(one);
    if (rc == MBEDTLS_ERR_X509_ALLOC_FAILED) {
        buf_text(&b, "no memory");
        return NET_FAILED;
    }
    const char *words = judge_unreadable(rc);
    if (words != NULL)
        buf_text(&b, words);
    else
        buf_printf(&b, "certificate %zu of the chain cannot be read (-0x%04x)", chain->count + 1,
                   (unsigned)-rc);
    return NET_UNTRUSTED;
}

void chain_free(struct chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        mbedtls_x509_crt_free(chain->certificates[i]);
        mbedtls_free(chain->certificates[i]);
    }
    *chain = (struct chain){0};
}

/* ---- names ---------------------------------------------------------------------------------- */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Lengths are compared first: a NUL within a certificate's name ends nothing. */
static bool matches(const mbedtls_x509_buf *presented, const char *name)
{
    const uint8_t *at = presented->p;
    size_t length = presented->len;
    if (length > 2 && at[0] == '*' && at[1] == '.') {
        const char *rest = strchr(name, '.');
        if (rest == NULL || rest == name)
            return false;
        name = rest;
        at++;
        length--;
    }
    if (length == 0 || length != strlen(name))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (lower(at[i]) != lower((uint8_t)name[i]))
            return false;
    }
    return true;
}

/* Mbed TLS's own check takes the CN for nothing once there is any alternative name. */
static bool bears(const mbedtls_x509_crt *leaf, const char *name)
{
    bool has_dns_id = false;
    for (const mbedtls_x509_sequence *n = &leaf->subject_alt_names; n != NULL; n = n->next) {
        if (n->buf.p == NULL ||
            (n->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) != MBEDTLS_X509_SAN_DNS_NAME)
            continue;
        has_dns_id = true;
        if (matches(&n->buf, name))
            return true;
    }
    for (const mbedtls_x509_name *n = &leaf->subject; n != NULL && !has_dns_id; n = n->next) {
        if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &n->oid) == 0 && matches(&n->val, name))
            return true;
    }
    return false;
}

/* The first name that is missing says enough. */
static void judge_names(struct judge *j, const mbedtls_x509_crt *leaf, const char *const *names,
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (bears(leaf, names[i]))
            continue;
        j->host = names[i];
        judge_part(j);
        judge_misnamed(j, leaf);
        return;
    }
}

/* ---- issuers -------------------------------------------------------------------------------- */

/* By name, CA bit, key usage and signature: PARENT is handed over as the only trusted one. */
static bool has_issued(mbedtls_x509_crt *parent, mbedtls_x509_crt *child)
{
    uint32_t flags = 0;
    (void)mbedtls_x509_crt_verify(child, parent, NULL, NULL, &flags, NULL, NULL);
    return (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) == 0;
}

/* Out of order, whatever else was said would be wrong. The first ORDERED are not. */
static bool judge_order(struct judge *j, const struct chain *chain, size_t ordered)
{
    for (size_t i = ordered; i < chain->count; i++) {
        if (has_issued(chain->certificates[i], chain->certificates[i - 1]))
            continue;
        buf_reset(&j->words);
        buf_printf(&j->words, "the chain is not in order: certificate %zu, ", i + 1);
        judge_put_subject(&j->words, chain->certificates[i]);
        buf_text(&j->words, ", is not the issuer of the one before, ");
        judge_put_subject(&j->words, chain->certificates[i - 1]);
        return false;
    }
    return true;
}

static void judge_use(struct judge *j, const mbedtls_x509_crt *leaf)
{
    if (mbedtls_x509_crt_check_extended_key_usage(leaf, MBEDTLS_OID_SERVER_AUTH,
                                                  MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) == 0)
        return;
    judge_part(j);
    buf_text(&j->words, "the certificate cannot be used for a server");
}

/* A judge, and which certificates of the chain the path to a trusted one goes through, each in its
 * place. */
struct path {
    struct judge *judge;
    const struct chain *chain;
    bool in_place[CHAIN_MOST];
};

static bool is_same(const mbedtls_x509_buf *a, const mbedtls_x509_buf *b)
{
    return a->len == b->len && memcmp(a->p, b->p, a->len) == 0;
}

/* A trusted one comes from its file: known again by name and key. */
static int judge_step(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    struct path *p = context;
    size_t at = (size_t)depth;
    if (at < p->chain->count) {
        const mbedtls_x509_crt *own = p->chain->certificates[at];
        p->in_place[at] = is_same(&own->subject_raw, &certificate->subject_raw) &&
                          is_same(&own->pk_raw, &certificate->pk_raw);
    }
    return judge_certificate(p->judge, certificate, depth, flags);
}

/* How many certificates of the chain, the leaf being the first, are known to be in order. */
static size_t judge_path(struct judge *j, const struct chain *chain)
{
    struct path path = {.judge = j, .chain = chain};
    uint32_t flags = 0;
    size_t ordered = 1;
    for (size_t i = 1; i < chain->count; i++)
        chain->certificates[i - 1]->next = chain->certificates[i];
    int rc = mbedtls_x509_crt_verify_with_ca_cb(chain->certificates[0], judge_find, j,
                                                &mbedtls_x509_crt_profile_default, NULL, &flags,
                                                judge_step, &path);
    for (size_t i = 1; i < chain->count; i++)
        chain->certificates[i - 1]->next = NULL;
    /* What the judge found has words; a path that is too long, or no memory, has none. */
    if (rc != 0 && j->words.used == 0)
        buf_text(&j->words, "the chain cannot be verified");
    while (rc == 0 && ordered < chain->count && path.in_place[ordered])
        ordered++;
    return ordered;
}

int chain_check(const struct chain *chain, const struct trust *trust, const char *const *names,
                size_t names_count, struct net_words *why)
{
    struct judge j = {.trust = trust, .top = -1, .dateless = !time_is_set(), .host = ""};
    j.words = BUF_OVER(why->text);
    judge_start_clock();
    size_t ordered = judge_path(&j, chain);
    if (!judge_order(&j, chain, ordered))
        return NET_UNTRUSTED;
    if (j.trust_error != 0) {
        buf_reset(&j.words);
        judge_put_trust(&j.words, trust);
        buf_text(&j.words, j.trust_error == NET_NO_TRUST ? " cannot be read" : ": no memory");
        return j.trust_error;
    }
    judge_use(&j, chain->certificates[0]);
    judge_names(&j, chain->certificates[0], names, names_count);
    return j.words.used > 0 ? NET_UNTRUSTED : 0;
}
