/* Reading test data: files relative to the top of the checkout, where tests run. */
#ifndef TESTS_UNIT_VECTORS_H
#define TESTS_UNIT_VECTORS_H

#include "base/hex.h"
#include "cert/spki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define VECTORS "tests/data/vectors/"
#define KEYS    "tests/data/keys/"

static uint8_t vector_bytes[CERT_FILE_SIZE];

/* Reads a file into vector_bytes and returns its length; the test fails if it cannot be read. */
static inline size_t vector_load(const char *folder, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("%s cannot be read", path);
    size_t length = fread(vector_bytes, 1, sizeof vector_bytes, file);
    (void)fclose(file);
    assert_true(length > 0 && length < sizeof vector_bytes);
    return length;
}

/* Decodes hex that must be right; returns how many octets. */
static inline size_t vector_hex(const char *hex, uint8_t *out, size_t size)
{
    int n = hex_decode(hex, strlen(hex), out, size);
    assert_true(n >= 0);
    return (size_t)n;
}

/* The DER of a certificate file, in OBJECT. */
static inline void vector_certificate(const char *name, struct cert_object *object)
{
    size_t length = vector_load(VECTORS, name);
    assert_int_equal(cert_read(vector_bytes, length, object), 0);
    assert_int_equal(object->kind, CERT_CERTIFICATE);
}

#endif
