#include "cert/key.h"

#include "base/wipe.h"
#include "cert/der.h"

#include <psa/crypto.h>
#include <string.h>

/* Octets of the longest field element (P-521) and of an uncompressed point of that curve. */
#define FIELD_MOST 66
#define POINT_MOST (1 + 2 * FIELD_MOST)
/* AlgorithmIdentifier of a named curve: two headers, id-ecPublicKey, the curve's OID. */
#define ALGORITHM_MOST 64

static const uint8_t oid_rsa[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01};
static const uint8_t oid_rsa_pss[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
static const uint8_t oid_ec[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
static const uint8_t oid_ed25519[] = {0x2b, 0x65, 0x70};
static const uint8_t oid_ed448[] = {0x2b, 0x65, 0x71};

/* RFC 3279 section 2.3.1: the parameter of rsaEncryption is NULL. */
static const uint8_t rsa_algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                        0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};

/* The curves whose points can be computed; by the whole element of their OID. */
static const struct curve {
    struct cert_part oid;
    uint16_t bits;
    uint16_t field; /* octets */
} curves[] = {
    {{(const uint8_t[]){0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 10}, 256, 32},
    {{(const uint8_t[]){0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7}, 384, 48},
    {{(const uint8_t[]){0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}, 7}, 521, 66},
};

static bool part_is(struct cert_part part, const uint8_t *bytes, size_t length)
{
    return part.bytes != NULL && part.length == length && memcmp(part.bytes, bytes, length) == 0;
}

/* ---- writing ---- */

struct writer {
    uint8_t *bytes;
    size_t size, used;
    bool full;
};

static struct writer writer_over(uint8_t *bytes, size_t size)
{
    struct writer w = {.size = size};
    w.bytes = bytes;
    return w;
}

static void put(struct writer *w, const void *bytes, size_t length)
{
    if (w->full || length > w->size - w->used) {
        w->full = true;
        return;
    }
    memcpy(w->bytes + w->used, bytes, length);
    w->used += length;
}

/* Tag and length; keys are far shorter than 64 KB. */
static void put_header(struct writer *w, uint8_t tag, size_t length)
{
    uint8_t header[4] = {tag};
    size_t used = 1;
    if (length > 0xffff) {
        w->full = true;
        return;
    }
    if (length > 0xff) {
        header[used++] = 0x82;
        header[used++] = (uint8_t)(length >> 8);
    } else if (length > 0x7f) {
        header[used++] = 0x81;
    }
    header[used++] = (uint8_t)(length & 0xff);
    put(w, header, used);
}

static size_t header_size(size_t length)
{
    return length > 0xff ? 4 : length > 0x7f ? 3 : 2;
}

/* SubjectPublicKeyInfo up to where KEY_LENGTH octets of the public key follow. */
static void put_spki_head(struct writer *w, struct cert_part algorithm, size_t key_length)
{
    size_t bits = 1 + key_length;
    put_header(w, DER_SEQUENCE, algorithm.length + header_size(bits) + bits);
    put(w, algorithm.bytes, algorithm.length);
    put_header(w, DER_BIT_STRING, bits);
    put(w, "", 1); /* no unused bits */
}

static int finish(const struct writer *w, size_t *used)
{
    if (w->full)
        return CERT_UNSUPPORTED;
    *used = w->used;
    return 0;
}

static int make_spki(struct cert_part algorithm, struct cert_part key, struct writer *w,
                     size_t *used)
{
    put_spki_head(w, algorithm, key.length);
    put(w, key.bytes, key.length);
    return finish(w, used);
}

/* ---- RSA ---- */

/* A positive INTEGER in its shortest form, whole. */
static struct cert_part take_positive(struct cursor *c)
{
    struct cert_part whole = der_whole(c, DER_INTEGER);
    struct cursor copy = cursor_over(whole.bytes, whole.length);
    struct cursor number = der_enter(&copy, DER_INTEGER);
    size_t length = cursor_left(&number);
    uint8_t first = cursor_u8(&number);
    bool padded = first == 0 && (length == 1 || (cursor_u8(&number) & 0x80) == 0);
    if (number.failed || (first & 0x80) != 0 || padded)
        c->failed = true;
    return whole;
}

/* A small version number, or -1. */
static int take_version(struct cursor *c)
{
    struct cursor number = der_enter(c, DER_INTEGER);
    int version = cursor_u8(&number);
    return der_done(&number) && version < 0x80 ? version : -1;
}

static int make_rsa(struct cert_part algorithm, struct cert_part n, struct cert_part e,
                    struct writer *w, size_t *used)
{
    size_t numbers = n.length + e.length;
    put_spki_head(w, algorithm, header_size(numbers) + numbers);
    put_header(w, DER_SEQUENCE, numbers);
    put(w, n.bytes, n.length);
    put(w, e.bytes, e.length);
    return finish(w, used);
}

/* RSAPrivateKey, RFC 8017 appendix A.1.2; of two primes (version 0). */
static int rsa_private(struct cursor key, struct cert_part algorithm, struct writer *w,
                       size_t *used)
{
    enum { SECRET_NUMBERS = 6 }; /* d, p, q, d mod (p-1), d mod (q-1), 1/q mod p */
    struct cursor numbers = der_enter(&key, DER_SEQUENCE);
    int version = take_version(&numbers);
    struct cert_part n = take_positive(&numbers), e = take_positive(&numbers);
    for (int i = 0; i < SECRET_NUMBERS; i++)
        (void)take_positive(&numbers);
    if (version != 0 || !der_done(&numbers) || !der_done(&key))
        return CERT_MALFORMED;
    return make_rsa(algorithm, n, e, w, used);
}

int key_rsa_public_spki(const uint8_t *der, size_t length, uint8_t *spki, size_t size, size_t *used)
{
    struct writer w = writer_over(spki, size);
    struct cursor key = cursor_over(der, length);
    struct cursor numbers = der_enter(&key, DER_SEQUENCE);
    struct cert_part n = take_positive(&numbers), e = take_positive(&numbers);
    if (!der_done(&numbers) || !der_done(&key))
        return CERT_MALFORMED;
    return make_rsa((struct cert_part){rsa_algorithm, sizeof rsa_algorithm}, n, e, &w, used);
}

/* ---- EC ---- */

static const struct curve *curve_of(struct cert_part oid)
{
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        if (part_is(oid, curves[i].oid.bytes, curves[i].oid.length))
            return &curves[i];
    }
    return NULL;
}

/* Whether it can be a point of the curve, compressed or not (SEC 1 section 2.3.3). */
static bool is_point(struct cert_part point, const struct curve *curve)
{
    bool whole = point.bytes[0] == 4, compressed = point.bytes[0] == 2 || point.bytes[0] == 3;
    if (curve == NULL)
        return whole || compressed;
    return (whole && point.length == 1 + 2 * (size_t)curve->field) ||
           (compressed && point.length == 1 + (size_t)curve->field);
}

static int compute_point(const struct curve *curve, struct cert_part secret, uint8_t *point,
                         size_t *length)
{
    uint8_t number[FIELD_MOST] = {0};
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_key_id_t id;
    int rc = CERT_FAILED;
    if (secret.length == 0 || secret.length > curve->field)
        return CERT_MALFORMED;
    /* Some writers drop leading zeros; PSA wants the full length. */
    memcpy(number + curve->field - secret.length, secret.bytes, secret.length);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&attributes, curve->bits);
    if (psa_crypto_init() != PSA_SUCCESS)
        goto out;
    psa_status_t status = psa_import_key(&attributes, number, curve->field, &id);
    if (status != PSA_SUCCESS) {
        if (status == PSA_ERROR_INVALID_ARGUMENT)
            rc = CERT_MALFORMED; /* zero, or not below the order */
        goto out;
    }
    if (psa_export_public_key(id, point, POINT_MOST, length) == PSA_SUCCESS)
        rc = 0;
    (void)psa_destroy_key(id);
out:
    wipe(number, sizeof number);
    return rc;
}

/* An [n] EXPLICIT element's content, if it is there, as a cursor; failed and empty otherwise. */
static struct cursor enter_optional(struct cursor *c, unsigned n)
{
    uint8_t tag = (uint8_t)DER_EXPLICIT(n);
    return der_tag(c) == tag ? der_enter(c, tag) : cursor_over(NULL, 0);
}

struct ec_key {
    struct cert_part secret;
    struct cert_part curve; /* the parameters' element; empty when left out */
    struct cert_part point; /* empty when left out */
};

/* ECPrivateKey, RFC 5915 section 3. */
static int read_ec(struct cursor c, struct ec_key *key)
{
    struct cursor fields = der_enter(&c, DER_SEQUENCE);
    int version = take_version(&fields);
    struct cursor secret = der_enter(&fields, DER_OCTET_STRING);
    bool has_curve = der_tag(&fields) == DER_EXPLICIT(0);
    struct cursor curve = enter_optional(&fields, 0);
    bool has_point = der_tag(&fields) == DER_EXPLICIT(1);
    struct cursor point = enter_optional(&fields, 1);
    *key = (struct ec_key){{secret.at, cursor_left(&secret)}, {NULL, 0}, {NULL, 0}};
    if (has_curve)
        key->curve = der_whole(&curve, der_tag(&curve));
    if (has_point)
        key->point = der_bits(&point, DER_BIT_STRING);
    if (version != 1 || !der_done(&c) || !der_done(&fields) || (has_curve && !der_done(&curve)) ||
        (has_point && !der_done(&point)))
        return CERT_MALFORMED;
    return 0;
}

static int make_ec(struct cert_part algorithm, struct cert_part curve_oid, const struct ec_key *key,
                   struct writer *w, size_t *used)
{
    const struct curve *curve = curve_of(curve_oid);
    uint8_t computed[POINT_MOST];
    size_t length;
    if (key->point.length > 0) {
        if (!is_point(key->point, curve))
            return CERT_MALFORMED;
        return make_spki(algorithm, key->point, w, used);
    }
    if (curve == NULL)
        return CERT_UNSUPPORTED;
    int rc = compute_point(curve, key->secret, computed, &length);
    if (rc != 0)
        return rc;
    return make_spki(algorithm, (struct cert_part){computed, length}, w, used);
}

static int sec1_private(const uint8_t *der, size_t length, struct writer *w, size_t *used)
{
    uint8_t bytes[ALGORITHM_MOST];
    struct writer algorithm = writer_over(bytes, sizeof bytes);
    struct ec_key key;
    int rc = read_ec(cursor_over(der, length), &key);
    if (rc != 0)
        return rc;
    /* Explicit parameters and left out ones name no curve. */
    if (key.curve.length == 0 || key.curve.bytes[0] != DER_OID)
        return CERT_UNSUPPORTED;
    put_header(&algorithm, DER_SEQUENCE, 2 + sizeof oid_ec + key.curve.length);
    put_header(&algorithm, DER_OID, sizeof oid_ec);
    put(&algorithm, oid_ec, sizeof oid_ec);
    put(&algorithm, key.curve.bytes, key.curve.length);
    if (algorithm.full)
        return CERT_UNSUPPORTED;
    return make_ec((struct cert_part){bytes, algorithm.used}, key.curve, &key, w, used);
}

/* ---- PKCS#8 ---- */

struct pkcs8 {
    struct cert_part algorithm; /* the AlgorithmIdentifier, whole */
    struct cert_part oid;       /* content */
    struct cert_part parameter; /* whole; empty when left out */
    struct cursor key;          /* content of the OCTET STRING */
    struct cert_part point;     /* the public key; empty when left out */
};

/* OneAsymmetricKey, RFC 5958 section 2. */
static int read_pkcs8(struct cursor c, struct pkcs8 *p)
{
    enum { VERSION_1, VERSION_2 };
    struct cursor fields = der_enter(&c, DER_SEQUENCE);
    int version = take_version(&fields);
    *p = (struct pkcs8){.algorithm = der_whole(&fields, DER_SEQUENCE)};
    p->key = der_enter(&fields, DER_OCTET_STRING);
    der_skip_optional(&fields, DER_EXPLICIT(0)); /* attributes */
    if (der_tag(&fields) == DER_IMPLICIT(1))
        p->point = der_bits(&fields, DER_IMPLICIT(1));
    if ((version != VERSION_1 && version != VERSION_2) || !der_done(&c) || !der_done(&fields))
        return CERT_MALFORMED;

    struct cursor whole = cursor_over(p->algorithm.bytes, p->algorithm.length);
    struct cursor algorithm = der_enter(&whole, DER_SEQUENCE);
    struct cursor oid = der_enter(&algorithm, DER_OID);
    p->oid = (struct cert_part){oid.at, cursor_left(&oid)};
    if (der_tag(&algorithm) != 0)
        p->parameter = der_whole(&algorithm, der_tag(&algorithm));
    return der_done(&algorithm) ? 0 : CERT_MALFORMED;
}

/* RFC 8410: the secret is an OCTET STRING of as many octets as the public key has. */
static int make_eddsa(struct pkcs8 *p, size_t octets, struct writer *w, size_t *used)
{
    struct cursor secret = der_enter(&p->key, DER_OCTET_STRING);
    if (cursor_left(&secret) != octets || !der_done(&p->key))
        return CERT_MALFORMED;
    if (p->point.length == 0)
        return CERT_NO_PUBLIC;
    return p->point.length == octets ? make_spki(p->algorithm, p->point, w, used) : CERT_MALFORMED;
}

static int pkcs8_private(const uint8_t *der, size_t length, struct writer *w, size_t *used)
{
    enum { ED25519_OCTETS = 32, ED448_OCTETS = 57 };
    static const struct cert_part rsa = {rsa_algorithm, sizeof rsa_algorithm};
    struct pkcs8 p;
    struct ec_key ec;
    int rc = read_pkcs8(cursor_over(der, length), &p);
    if (rc != 0)
        return rc;
    if (part_is(p.oid, oid_rsa, sizeof oid_rsa))
        return rsa_private(p.key, rsa, w, used);
    if (part_is(p.oid, oid_rsa_pss, sizeof oid_rsa_pss))
        return rsa_private(p.key, p.algorithm, w, used);
    if (part_is(p.oid, oid_ed25519, sizeof oid_ed25519))
        return make_eddsa(&p, ED25519_OCTETS, w, used);
    if (part_is(p.oid, oid_ed448, sizeof oid_ed448))
        return make_eddsa(&p, ED448_OCTETS, w, used);
    if (!part_is(p.oid, oid_ec, sizeof oid_ec) || p.parameter.length == 0)
        return CERT_UNSUPPORTED;
    rc = read_ec(p.key, &ec);
    if (rc != 0)
        return rc;
    if (ec.point.length == 0)
        ec.point = p.point;
    return make_ec(p.algorithm, p.parameter, &ec, w, used);
}

/* ---- any ---- */

int key_private_spki(const uint8_t *der, size_t length, uint8_t *spki, size_t size, size_t *used)
{
    struct writer w = writer_over(spki, size);
    struct cursor c = cursor_over(der, length);
    struct cursor fields = der_enter(&c, DER_SEQUENCE);
    (void)take_version(&fields);
    switch (der_tag(&fields)) {
    case DER_INTEGER:
        return rsa_private(cursor_over(der, length),
                           (struct cert_part){rsa_algorithm, sizeof rsa_algorithm}, &w, used);
    case DER_SEQUENCE:
        return pkcs8_private(der, length, &w, used);
    case DER_OCTET_STRING:
        return sec1_private(der, length, &w, used);
    default:
        return CERT_MALFORMED;
    }
}

bool key_is_encrypted(const uint8_t *der, size_t length)
{
    struct cursor c = cursor_over(der, length);
    struct cursor fields = der_enter(&c, DER_SEQUENCE);
    (void)der_enter(&fields, DER_SEQUENCE);
    (void)der_enter(&fields, DER_OCTET_STRING);
    return der_done(&c) && der_done(&fields);
}

enum cert_algorithm cert_algorithm(struct cert_part spki)
{
    struct cursor c = cursor_over(spki.bytes, spki.length);
    struct cursor fields = der_enter(&c, DER_SEQUENCE);
    struct cursor algorithm = der_enter(&fields, DER_SEQUENCE);
    struct cursor oid = der_enter(&algorithm, DER_OID);
    struct cert_part part = {oid.at, cursor_left(&oid)};
    if (part_is(part, oid_rsa, sizeof oid_rsa))
        return CERT_RSA;
    return part_is(part, oid_ec, sizeof oid_ec) ? CERT_ECDSA : CERT_OTHER_ALGORITHM;
}
