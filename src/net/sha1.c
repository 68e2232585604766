/*
 * SHA-1 is known to Mbed TLS by name only, so that a certificate signed with it can be read (old
 * roots are, and servers send them along). No such signature is accepted, so nothing is ever hashed
 * with it; the function that would is this one, and 5 KB smaller.
 */
#include <mbedtls/platform_util.h>
#include <mbedtls/sha1.h>

#include <mbedtls/error.h>

int mbedtls_internal_sha1_process(mbedtls_sha1_context *context, const unsigned char data[64])
{
    (void)context;
    (void)data;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}
