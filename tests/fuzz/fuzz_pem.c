/* PEM and DER of certificates, requests and keys: whatever a file holds. */
#include "cert/spki.h"
#include "dane/tlsa.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expect(int holds)
{
    if (!holds)
        abort();
}

/* Whatever was read has an SPKI that the strict reader takes, and makes usable records. */
static void check_object(const struct cert_object *object)
{
    struct cert_digests digests;
    struct cert_part part;
    struct tlsa record;
    expect(object->length <= sizeof object->der);
    expect(cert_spki_of_public_key(object->spki.bytes, object->spki.length, &part) == 0);
    expect((object->kind == CERT_PRIVATE_KEY) == (object->length == 0));
    cert_digest(object, &digests);
    expect(tlsa_make(&record, (struct tlsa_combination){3, 1, 1}, &digests) == 0);
    expect(tlsa_usable(&record) && tlsa_matches(&record, &digests) && !tlsa_of_nothing(&record));
    int made = tlsa_make(&record, (struct tlsa_combination){3, 0, 2}, &digests);
    expect((made == 0) == (object->kind == CERT_CERTIFICATE));
    tlsa_set(&record, (struct tlsa_combination){3, 1, 0}, object->spki.bytes, object->spki.length);
    expect(tlsa_usable(&record) && tlsa_matches(&record, &digests));
}

/* What is written is read back the same. */
static void check_written(const uint8_t *data, size_t size)
{
    static struct cert_object object, again;
    static char pem[2 * CERT_DER_SIZE];
    struct cursor text = cursor_over(data, size), written;
    uint8_t spki256[2][32];
    struct buf b;
    while (cert_next(&text, &object) == 0) {
        b = BUF_OVER(pem);
        expect(cert_write(&object, &b) == 0);
        written = cursor_over(pem, b.used);
        expect(cert_next(&written, &again) == 0 && again.length == object.length);
        expect(memcmp(again.der, object.der, object.length) == 0);
        (void)cert_algorithm(object.spki);
    }
    b = BUF_OVER(pem);
    if (cert_write_key(data, size, &b) != 0 || cert_read_key_spki(data, size, spki256[0]) != 0)
        return;
    expect(cert_read_key_spki((const uint8_t *)pem, b.used, spki256[1]) == 0);
    expect(memcmp(spki256[0], spki256[1], 32) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cert_object object;
    uint8_t spki256[32];
    struct tlsa record;
    int rc = cert_read(data, size, &object);
    expect(rc <= 0);
    if (rc == 0)
        check_object(&object);
    else
        expect(object.length == 0 && object.spki.length == 0);
    expect(cert_read_key_spki(data, size, spki256) <= 0);
    check_written(data, size);
    if (tlsa_parse((const char *)data, size, &record) == 0)
        (void)tlsa_usable(&record);
    return 0;
}
