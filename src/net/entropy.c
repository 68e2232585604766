#include "net/tls.h"

#include <psa/crypto.h>

/* Where Mbed TLS takes its random numbers: MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG. */
psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                             uint8_t *output, size_t size, size_t *length)
{
    (void)context;
    *length = 0;
    if (tls_random(output, size) != 0)
        return PSA_ERROR_INSUFFICIENT_ENTROPY;
    *length = size;
    return PSA_SUCCESS;
}
