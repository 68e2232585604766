/* PEM and DER of certificates, requests and keys: whatever a file holds. */
#include "cert/spki.h"
#include "dane/tlsa.h"

#include <stdlib.h>

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
    if (tlsa_parse((const char *)data, size, &record) == 0)
        (void)tlsa_usable(&record);
    return 0;
}
