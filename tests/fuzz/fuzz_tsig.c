/*
 * TSIG records in answers, and key files. The first octet says which: 'k' a key's file, else an
 * answer to a request that a fixed key signed.
 */
#include "dns/tsig.h"

#include <stdlib.h>
#include <string.h>

static void read_key(const uint8_t *data, size_t size)
{
    struct tsig_key key, again;
    struct net_words why = {""};
    char *text = malloc(size > 0 ? size : 1);
    if (text == NULL)
        abort();
    memcpy(text, data, size);
    int rc = tsig_key_parse(&key, text, size, &why);
    if (rc == 0 && (key.algorithm == NULL || key.length == 0 || key.length > TSIG_SECRET_MOST ||
                    strlen(key.name) == 0))
        abort();
    if (rc != 0 && why.text[0] == '\0')
        abort();
    if (tsig_key_parse(&again, text, size, &why) != rc || memcmp(&key, &again, sizeof key) != 0)
        abort();
    free(text);
}

static void verify(const uint8_t *data, size_t size)
{
    static const struct tsig_request request = {.length = 32};
    struct tsig_key key = {.name = "dr.key", .length = 4, .secret = {1, 2, 3, 4}};
    struct tsig_answer answer;
    key.algorithm = tsig_algorithm_named("hmac-sha256", 11);
    enum tsig_code code = tsig_verify(&key, &request, data, size, 1700000000, &answer);
    if (code == TSIG_GOOD && (answer.time < -1 || answer.time >= INT64_C(1) << 48))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'k')
        read_key(data, size);
    else
        verify(data + 1, size - 1);
    return 0;
}
