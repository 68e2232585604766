#include "net/trust.h"

#define ANCHOR(name, subject, spki, sha256, who)                                                   \
    {(const uint8_t *)(subject), sizeof(subject) - 1, (const uint8_t *)(spki), sizeof(spki) - 1},

const struct trust_anchor trust_anchors[] = {
#include "net/anchors.def"
};
const size_t trust_anchors_count = sizeof trust_anchors / sizeof trust_anchors[0];
