/* CA bundles: whatever the pieces they come in, the same certificates are seen. */
#include "net/bundle.h"

#include <stdlib.h>
#include <string.h>

struct seen {
    size_t count, octets;
};

static int see(void *context, const uint8_t *der, size_t length, const uint8_t *subject,
               size_t subject_length)
{
    struct seen *s = context;
    if (length < 2 || subject < der || subject_length > length ||
        subject + subject_length > der + length)
        abort();
    s->count++;
    s->octets += length;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct bundle b;
    struct seen whole = {0, 0}, pieces = {0, 0};
    bundle_init(&b, see, &whole);
    if (bundle_push(&b, data, size) != 0 || bundle_push(&b, "\n", 1) != 0)
        abort();
    bundle_init(&b, see, &pieces);
    for (size_t at = 0, step = 1; at < size; at += step, step = step * 3 % 127 + 1) {
        if (bundle_push(&b, data + at, step < size - at ? step : size - at) != 0)
            abort();
    }
    if (bundle_push(&b, "\n", 1) != 0 || memcmp(&whole, &pieces, sizeof whole) != 0)
        abort();
    return 0;
}
