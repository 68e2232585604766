#include "net/judge.h"

#include "base/time.h"
#include "net/dn.h"
#include "net/net.h"

#include <mbedtls/platform_time.h>
#include <mbedtls/x509_crt.h>

#include <string.h>

/* Names of a certificate that a message lists. */
#define NAMES_SHOWN 4

/* Why Mbed TLS cannot read a certificate; the high half of its codes says what, the low half in
 * which call. */
static const struct {
    int code;
    const char *words;
} unreadable[] = {
    {MBEDTLS_ERR_PK_UNKNOWN_PK_ALG,
     "a certificate's key is of a kind not supported here (Ed25519?)"},
    {MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE, "a certificate's key is on a curve not supported here"},
    {MBEDTLS_ERR_PK_KEY_INVALID_FORMAT, "a certificate's key cannot be read"},
    {MBEDTLS_ERR_PK_INVALID_PUBKEY, "a certificate's key cannot be read"},
    {MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG,
     "a certificate is signed with an algorithm not supported here (MD5? Ed25519?)"},
};

const char *judge_unreadable(int code)
{
    for (size_t i = 0; i < sizeof unreadable / sizeof unreadable[0]; i++) {
        if (unreadable[i].code == code || unreadable[i].code == -(-code & 0xff80))
            return unreadable[i].words;
    }
    return NULL;
}

/* The clock of the whole program, which tests replace in one place. */
static mbedtls_time_t clock_of_base(mbedtls_time_t *t)
{
    mbedtls_time_t now = (mbedtls_time_t)time_wall();
    if (t != NULL)
        *t = now;
    return now;
}

void judge_start_clock(void)
{
    (void)mbedtls_platform_set_time(clock_of_base);
}

static void put_name(struct buf *b, const mbedtls_x509_buf *name)
{
    dn_print(b, name->p, name->len);
}

void judge_put_subject(struct buf *b, const mbedtls_x509_crt *certificate)
{
    put_name(b, &certificate->subject_raw);
}

static void put_date(struct buf *b, const mbedtls_x509_time *t)
{
    char text[TIME_TEXT_SIZE];
    time_text(time_from_civil(t->year, t->mon, t->day, t->hour, t->min, t->sec), text);
    buf_text(b, text);
}

void judge_put_clock(struct buf *b)
{
    char text[TIME_TEXT_SIZE];
    time_text(time_wall(), text);
    buf_printf(b, " (our clock says %s)", text);
}

void judge_put_trust(struct buf *b, const struct trust *trust)
{
    if (trust->path == NULL) {
        buf_text(b, "the built-in CA certificates (there is no CA bundle; name one by --ca-file)");
        return;
    }
    buf_clean(b, trust->path, strlen(trust->path));
}

static unsigned alternative_kind(const mbedtls_x509_sequence *name)
{
    return name->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK;
}

/* Appends one name that a server can be known by, as the COUNTth; false where it is of another
 * kind. */
static bool put_alternative(struct buf *b, const mbedtls_x509_sequence *name, unsigned count)
{
    unsigned kind = alternative_kind(name);
    if (name->buf.p == NULL ||
        (kind != MBEDTLS_X509_SAN_DNS_NAME && kind != MBEDTLS_X509_SAN_IP_ADDRESS))
        return false;
    if (count >= NAMES_SHOWN)
        return true;
    buf_text(b, count > 0 ? ", " : "");
    if (kind == MBEDTLS_X509_SAN_IP_ADDRESS)
        address_print(b, name->buf.p, name->buf.len);
    else
        dn_text(b, name->buf.p, name->buf.len);
    return true;
}

static void put_names(struct buf *b, const mbedtls_x509_crt *certificate)
{
    const mbedtls_x509_sequence *n = &certificate->subject_alt_names;
    unsigned count = 0;
    do {
        if (put_alternative(b, n, count))
            count++;
        n = n->next;
    } while (n != NULL);
    if (count == 0)
        judge_put_subject(b, certificate);
    if (count > NAMES_SHOWN)
        buf_printf(b, " and %u more", count - NAMES_SHOWN);
}

static void say_untrusted(struct judge *j, const mbedtls_x509_crt *certificate, int depth)
{
    struct buf *b = &j->words;
    bool own = certificate->issuer_raw.len == certificate->subject_raw.len &&
               memcmp(certificate->issuer_raw.p, certificate->subject_raw.p,
                      certificate->issuer_raw.len) == 0;
    if (depth < j->top) {
        buf_text(b, "the signature of ");
        judge_put_subject(b, certificate);
        buf_text(b, " is not its issuer's");
        return;
    }
    buf_text(b, own ? "the self-signed " : "the issuer ");
    put_name(b, &certificate->issuer_raw);
    buf_text(b, " is not among ");
    judge_put_trust(b, j->trust);
}

static void say_dated(struct judge *j, const mbedtls_x509_crt *certificate, bool expired)
{
    struct buf *b = &j->words;
    judge_put_subject(b, certificate);
    buf_text(b, expired ? " expired on " : " is not valid before ");
    put_date(b, expired ? &certificate->valid_to : &certificate->valid_from);
    judge_put_clock(b);
}

void judge_misnamed(struct judge *j, const mbedtls_x509_crt *leaf)
{
    buf_text(&j->words, "the certificate is for ");
    put_names(&j->words, leaf);
    buf_text(&j->words, ", not for ");
    buf_clean(&j->words, j->host, strlen(j->host));
}

void judge_part(struct judge *j)
{
    if (j->words.used > 0)
        buf_text(&j->words, "; ");
}

static void say_flag(struct judge *j, const mbedtls_x509_crt *certificate, int depth, uint32_t flag)
{
    struct buf *b = &j->words;
    judge_part(j);
    if (flag == MBEDTLS_X509_BADCERT_NOT_TRUSTED) {
        say_untrusted(j, certificate, depth);
    } else if (flag == MBEDTLS_X509_BADCERT_EXPIRED || flag == MBEDTLS_X509_BADCERT_FUTURE) {
        say_dated(j, certificate, flag == MBEDTLS_X509_BADCERT_EXPIRED);
    } else if (flag == MBEDTLS_X509_BADCERT_CN_MISMATCH) {
        judge_misnamed(j, certificate);
    } else {
        judge_put_subject(b, certificate);
        if (flag == MBEDTLS_X509_BADCERT_BAD_MD)
            buf_text(b, " is signed with a hash that is not SHA-2");
        else if (flag == MBEDTLS_X509_BADCERT_BAD_KEY)
            buf_text(b, " or its issuer has too short a key (RSA below 2048 bits)");
        else
            buf_printf(b, " is not acceptable (0x%x)", (unsigned)flag);
    }
}

static bool has_address(const struct judge *j, const mbedtls_x509_crt *certificate)
{
    const mbedtls_x509_sequence *n = &certificate->subject_alt_names;
    do {
        if (alternative_kind(n) == MBEDTLS_X509_SAN_IP_ADDRESS && n->buf.len == j->address_length &&
            memcmp(n->buf.p, j->address, n->buf.len) == 0)
            return true;
        n = n->next;
    } while (n != NULL);
    return false;
}

int judge_certificate(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
    struct judge *j = context;
    if (j->top < 0)
        j->top = depth;
    if (depth == 0 && j->address_length > 0 && !has_address(j, certificate))
        *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    if (j->dateless)
        *flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t flag = *flags & UINT32_C(1) << bit;
        if (flag != 0)
            say_flag(j, certificate, depth, flag);
    }
    return 0;
}

int judge_find(void *context, const mbedtls_x509_crt *child, mbedtls_x509_crt **candidates)
{
    struct judge *j = context;
    struct trust trust = *j->trust;
    j->trust_error = trust_find(&trust, child, candidates);
    return j->trust_error;
}
