#include "provider/provider.h"

#include <string.h>

extern const struct provider_type provider_cloudflare, provider_rfc2136;

const struct provider_type *const provider_types[] = {
    &provider_cloudflare,
    &provider_rfc2136,
};
const size_t provider_types_count = sizeof provider_types / sizeof provider_types[0];

const struct provider_type *provider_type_named(const char *name)
{
    for (size_t i = 0; i < provider_types_count; i++) {
        if (strcmp(provider_types[i]->name, name) == 0)
            return provider_types[i];
    }
    return NULL;
}
