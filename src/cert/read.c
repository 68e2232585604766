#include "base/wipe.h"
#include "cert/der.h"
#include "cert/key.h"
#include "cert/pem.h"
#include "cert/spki.h"
#include "cert/x509.h"

#include <string.h>

/* The longest private key: RSA-8192 in PKCS#8 has about 4700 octets. */
#define KEY_DER_SIZE 8192
/* The labels of private keys have at most 15 characters. */
#define LABEL_SIZE 32

enum form {
    FORM_UNKNOWN,
    FORM_CERTIFICATE,
    FORM_TRUSTED,
    FORM_REQUEST,
    FORM_PUBLIC,
    FORM_RSA_PUBLIC,
    FORM_PRIVATE,
    FORM_ENCRYPTED,
    FORM_OTHER_PRIVATE
};

static const struct {
    const char *label;
    enum form form;
} labels[] = {
    {"CERTIFICATE", FORM_CERTIFICATE},           {"X509 CERTIFICATE", FORM_CERTIFICATE},
    {"TRUSTED CERTIFICATE", FORM_TRUSTED},       {"CERTIFICATE REQUEST", FORM_REQUEST},
    {"NEW CERTIFICATE REQUEST", FORM_REQUEST},   {"PUBLIC KEY", FORM_PUBLIC},
    {"RSA PUBLIC KEY", FORM_RSA_PUBLIC},         {"PRIVATE KEY", FORM_PRIVATE},
    {"RSA PRIVATE KEY", FORM_PRIVATE},           {"EC PRIVATE KEY", FORM_PRIVATE},
    {"ENCRYPTED PRIVATE KEY", FORM_ENCRYPTED},   {"DSA PRIVATE KEY", FORM_OTHER_PRIVATE},
    {"OPENSSH PRIVATE KEY", FORM_OTHER_PRIVATE},
};

static enum form form_of(const struct pem_object *pem)
{
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++) {
        if (pem_is(pem, labels[i].label))
            return labels[i].form;
    }
    return FORM_UNKNOWN;
}

static bool is_certificate(enum form form)
{
    return form == FORM_CERTIFICATE || form == FORM_TRUSTED;
}

/* What stands in object->der, as a public object of this form. */
static int read_public(struct cert_object *object, enum form form)
{
    switch (form) {
    case FORM_TRUSTED:
        object->length = x509_trusted_length(object->der, object->length);
        object->kind = CERT_CERTIFICATE;
        return cert_spki_of_certificate(object->der, object->length, &object->spki,
                                        &object->not_before, &object->not_after);
    case FORM_CERTIFICATE:
        object->kind = CERT_CERTIFICATE;
        return cert_spki_of_certificate(object->der, object->length, &object->spki,
                                        &object->not_before, &object->not_after);
    case FORM_REQUEST:
        object->kind = CERT_REQUEST;
        return x509_request_spki(object->der, object->length, &object->spki);
    case FORM_PUBLIC:
        object->kind = CERT_PUBLIC_KEY;
        return cert_spki_of_public_key(object->der, object->length, &object->spki);
    case FORM_RSA_PUBLIC:
        object->kind = CERT_PUBLIC_KEY;
        object->spki.bytes = object->spki_made;
        return key_rsa_public_spki(object->der, object->length, object->spki_made,
                                   sizeof object->spki_made, &object->spki.length);
    default:
        return CERT_MALFORMED;
    }
}

/* A private key in DER, which may stand in object->der: that is wiped. */
static int read_private(struct cert_object *object, const uint8_t *der, size_t length)
{
    object->kind = CERT_PRIVATE_KEY;
    object->spki.bytes = object->spki_made;
    int rc = key_private_spki(der, length, object->spki_made, sizeof object->spki_made,
                              &object->spki.length);
    wipe(object->der, sizeof object->der);
    object->length = 0;
    return rc;
}

static int read_der(const uint8_t *bytes, size_t length, struct cert_object *object)
{
    static const enum form public_forms[] = {FORM_CERTIFICATE, FORM_REQUEST, FORM_PUBLIC,
                                             FORM_RSA_PUBLIC};
    if (key_is_encrypted(bytes, length))
        return CERT_ENCRYPTED;
    if (length > sizeof object->der)
        return CERT_TOO_BIG;
    int rc = read_private(object, bytes, length);
    if (rc != CERT_MALFORMED)
        return rc;
    memcpy(object->der, bytes, length);
    object->length = length;
    for (size_t i = 0; i < sizeof public_forms / sizeof public_forms[0] && rc != 0; i++) {
        object->not_before = object->not_after = 0;
        rc = read_public(object, public_forms[i]);
    }
    return rc;
}

/* The first object whose form is a certificate's, or else the first of any known form. */
static int find_object(struct cursor text, bool certificates, struct pem_object *pem,
                       enum form *form)
{
    while (pem_next(&text, pem)) {
        /* Nobody can tell what a broken banner began: perhaps the leaf. */
        if (pem->damaged)
            return CERT_MALFORMED;
        *form = form_of(pem);
        if (certificates ? is_certificate(*form) : *form != FORM_UNKNOWN)
            return 0;
    }
    return CERT_NOTHING;
}

static int read_pem(const uint8_t *bytes, size_t length, struct cert_object *object)
{
    struct cursor text = cursor_over(bytes, length);
    struct pem_object pem;
    enum form form = FORM_UNKNOWN;
    int rc = find_object(text, true, &pem, &form);
    if (rc == CERT_NOTHING)
        rc = find_object(text, false, &pem, &form);
    if (rc != 0)
        return rc;
    if (form == FORM_ENCRYPTED)
        return CERT_ENCRYPTED;
    if (form == FORM_OTHER_PRIVATE)
        return CERT_UNSUPPORTED;
    rc = pem_decode(&pem, object->der, sizeof object->der, &object->length);
    if (rc != 0)
        return rc;
    if (form == FORM_PRIVATE)
        return read_private(object, object->der, object->length);
    return read_public(object, form);
}

/* Whether it can be a text file: no control characters but white space. */
static bool is_text(const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] < ' ' && (bytes[i] < '\t' || bytes[i] > '\r'))
            return false;
    }
    return true;
}

int cert_read(const uint8_t *bytes, size_t length, struct cert_object *object)
{
    int rc;
    object->length = 0;
    object->spki = (struct cert_part){NULL, 0};
    object->not_before = object->not_after = 0;
    if (length > 0 && der_is_sequence(bytes, length))
        rc = read_der(bytes, length, object);
    else
        rc = read_pem(bytes, length, object);
    if (rc == CERT_NOTHING && !is_text(bytes, length))
        rc = CERT_MALFORMED;
    if (rc != 0)
        wipe(object, sizeof *object);
    return rc;
}

/* The first private key of PEM text, into SIZE octets at DER; PEM is where it stands. */
static int find_key(struct cursor text, struct pem_object *pem, uint8_t *der, size_t size,
                    size_t *length)
{
    while (pem_next(&text, pem)) {
        switch (form_of(pem)) {
        case FORM_PRIVATE:
            return pem_decode(pem, der, size, length);
        case FORM_ENCRYPTED:
            return CERT_ENCRYPTED;
        case FORM_OTHER_PRIVATE:
            return CERT_UNSUPPORTED;
        default:
            break;
        }
    }
    return CERT_NOTHING;
}

int cert_read_key_spki(const uint8_t *bytes, size_t length, uint8_t spki256[32])
{
    uint8_t der[KEY_DER_SIZE], spki[CERT_SPKI_MADE_SIZE];
    struct pem_object pem;
    size_t der_length, used;
    int rc;
    if (length > 0 && der_is_sequence(bytes, length)) {
        rc = key_is_encrypted(bytes, length)
                 ? CERT_ENCRYPTED
                 : key_private_spki(bytes, length, spki, sizeof spki, &used);
    } else {
        rc = find_key(cursor_over(bytes, length), &pem, der, sizeof der, &der_length);
        if (rc == 0)
            rc = key_private_spki(der, der_length, spki, sizeof spki, &used);
    }
    if (rc == 0)
        cert_sha256(spki, used, spki256);
    wipe(der, sizeof der);
    return rc;
}

int cert_write_key(const uint8_t *bytes, size_t length, struct buf *pem)
{
    uint8_t der[KEY_DER_SIZE];
    char label[LABEL_SIZE];
    struct buf banner = BUF_OVER(label);
    struct pem_object found;
    size_t der_length;
    /* What looks like a banner within DER is none. */
    if (length > 0 && der_is_sequence(bytes, length))
        return CERT_NOTHING;
    int rc = find_key(cursor_over(bytes, length), &found, der, sizeof der, &der_length);
    if (rc == 0) {
        buf_put(&banner, found.label, found.label_length);
        rc = pem_encode(label, der, der_length, pem);
    }
    wipe(der, sizeof der);
    return rc;
}

int cert_next(struct cursor *text, struct cert_object *object)
{
    struct pem_object pem;
    enum form form = FORM_UNKNOWN;
    int rc = CERT_NOTHING;
    while (rc == CERT_NOTHING && pem_next(text, &pem)) {
        form = form_of(&pem);
        if (pem.damaged)
            rc = CERT_MALFORMED;
        else if (is_certificate(form))
            rc = pem_decode(&pem, object->der, sizeof object->der, &object->length);
    }
    if (rc == 0)
        rc = read_public(object, form);
    return rc;
}

int cert_write(const struct cert_object *object, struct buf *pem)
{
    return pem_encode(labels[0].label, object->der, object->length, pem);
}
