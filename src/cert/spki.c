#include "cert/spki.h"

#include "base/time.h"
#include "cert/x509.h"

const char *cert_kind_name(enum cert_kind kind)
{
    switch (kind) {
    case CERT_CERTIFICATE:
        return "certificate";
    case CERT_REQUEST:
        return "certificate request";
    case CERT_PUBLIC_KEY:
        return "public key";
    default:
        return "private key";
    }
}

const char *cert_error(int error)
{
    switch (error) {
    case CERT_MALFORMED:
        return "damaged, or neither certificate, request nor key in PEM or DER";
    case CERT_ENCRYPTED:
        return "an encrypted private key; take its certificate or public key instead";
    case CERT_NOTHING:
        return "no certificate, request or key in PEM in it";
    case CERT_TOO_BIG:
        return "longer than a certificate or key can be";
    case CERT_NO_PUBLIC:
        return "an EdDSA private key without its public key; take its certificate or public key "
               "instead";
    case CERT_UNSUPPORTED:
        return "a private key of a kind not known here; take its certificate or public key instead";
    default:
        return "no memory or entropy to compute the public key with";
    }
}

/* AlgorithmIdentifier: an OID and at most one parameter of any type. */
static void pass_algorithm(struct cursor *c)
{
    struct cursor algorithm = der_enter(c, DER_SEQUENCE);
    struct cursor oid = der_enter(&algorithm, DER_OID);
    if (der_tag(&algorithm) != 0)
        (void)der_enter(&algorithm, der_tag(&algorithm));
    if (cursor_left(&oid) == 0 || !der_done(&algorithm))
        c->failed = true;
}

/* SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). */
static struct cert_part take_spki(struct cursor *c)
{
    struct cert_part part = der_whole(c, DER_SEQUENCE);
    struct cursor whole = cursor_over(part.bytes, part.length);
    struct cursor spki = der_enter(&whole, DER_SEQUENCE);
    pass_algorithm(&spki);
    (void)der_bits(&spki, DER_BIT_STRING);
    if (!der_done(&spki))
        c->failed = true;
    return part;
}

/* Two digits, or -1. */
static int two_digits(struct cursor *c)
{
    unsigned high = cursor_u8(c) - (unsigned)'0', low = cursor_u8(c) - (unsigned)'0';
    return high > 9 || low > 9 ? -1 : (int)(high * 10 + low);
}

#define UTC_TIME_LENGTH         13 /* YYMMDDHHMMSSZ */
#define GENERALIZED_TIME_LENGTH 15 /* YYYYMMDDHHMMSSZ */
#define UTC_TIME_PIVOT          50 /* RFC 5280 section 4.1.2.5.1: 50 to 99 are 1950 to 1999 */

/* RFC 5280 section 4.1.2.5; UNREADABLE is what a date that is none counts as. */
static int64_t take_time(struct cursor *c, int64_t unreadable)
{
    enum { MONTH, DAY, HOUR, MINUTE, SECOND, FIELDS };
    bool utc = der_tag(c) == DER_UTC_TIME;
    struct cursor t = der_enter(c, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME);
    int fields[FIELDS], year;
    if (cursor_left(&t) != (utc ? UTC_TIME_LENGTH : GENERALIZED_TIME_LENGTH))
        return unreadable;
    int century = utc ? 0 : two_digits(&t), of_century = two_digits(&t);
    if (century < 0 || of_century < 0)
        return unreadable;
    if (utc)
        century = of_century < UTC_TIME_PIVOT ? 20 : 19;
    year = century * 100 + of_century;
    for (size_t i = 0; i < FIELDS; i++) {
        fields[i] = two_digits(&t);
        if (fields[i] < 0)
            return unreadable;
    }
    if (cursor_u8(&t) != 'Z')
        return unreadable;
    if (year < 1970)
        return 0;
    int64_t seconds = time_from_civil(year, fields[MONTH], fields[DAY], fields[HOUR],
                                      fields[MINUTE], fields[SECOND]);
    return seconds < 0 ? unreadable : seconds;
}

/* RFC 5280 section 4.1; extensions are not looked into. */
static struct cert_part take_certificate(struct cursor *c, int64_t *not_before, int64_t *not_after)
{
    struct cursor certificate = der_enter(c, DER_SEQUENCE);
    struct cursor tbs = der_enter(&certificate, DER_SEQUENCE);
    pass_algorithm(&certificate);
    (void)der_bits(&certificate, DER_BIT_STRING);

    der_skip_optional(&tbs, DER_EXPLICIT(0)); /* version */
    (void)der_enter(&tbs, DER_INTEGER);       /* serial number */
    pass_algorithm(&tbs);
    (void)der_enter(&tbs, DER_SEQUENCE); /* issuer */
    struct cursor validity = der_enter(&tbs, DER_SEQUENCE);
    *not_before = take_time(&validity, INT64_MAX);
    *not_after = take_time(&validity, INT64_MIN);
    (void)der_enter(&tbs, DER_SEQUENCE); /* subject */
    struct cert_part spki = take_spki(&tbs);
    der_skip_optional(&tbs, DER_IMPLICIT(1)); /* issuer's and subject's unique identifiers */
    der_skip_optional(&tbs, DER_IMPLICIT(2));
    der_skip_optional(&tbs, DER_EXPLICIT(3)); /* extensions */
    if (!der_done(&certificate) || !der_done(&tbs) || !der_done(&validity))
        c->failed = true;
    return spki;
}

int cert_spki_of_certificate(const uint8_t *der, size_t length, struct cert_part *spki,
                             int64_t *not_before, int64_t *not_after)
{
    struct cursor c = cursor_over(der, length);
    *spki = take_certificate(&c, not_before, not_after);
    return der_done(&c) ? 0 : CERT_MALFORMED;
}

size_t x509_trusted_length(const uint8_t *der, size_t length)
{
    struct cursor c = cursor_over(der, length);
    int64_t not_before, not_after;
    (void)take_certificate(&c, &not_before, &not_after);
    size_t own = c.failed ? 0 : (size_t)(c.at - der);
    der_skip_optional(&c, DER_SEQUENCE); /* CertAux: uses, alias, ... */
    return der_done(&c) ? own : 0;
}

/* RFC 2986 section 4. */
int x509_request_spki(const uint8_t *der, size_t length, struct cert_part *spki)
{
    struct cursor c = cursor_over(der, length);
    struct cursor request = der_enter(&c, DER_SEQUENCE);
    struct cursor info = der_enter(&request, DER_SEQUENCE);
    pass_algorithm(&request);
    (void)der_bits(&request, DER_BIT_STRING);

    (void)der_enter(&info, DER_INTEGER);  /* version */
    (void)der_enter(&info, DER_SEQUENCE); /* subject */
    *spki = take_spki(&info);
    der_skip_optional(&info, DER_EXPLICIT(0)); /* attributes */
    return der_done(&c) && der_done(&request) && der_done(&info) ? 0 : CERT_MALFORMED;
}

int cert_spki_of_public_key(const uint8_t *der, size_t length, struct cert_part *spki)
{
    struct cursor c = cursor_over(der, length);
    *spki = take_spki(&c);
    return der_done(&c) ? 0 : CERT_MALFORMED;
}
