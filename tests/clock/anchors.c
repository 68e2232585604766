/*
 * The shipped trust anchors and the test's own: build/test/daneroll-clock is linked with this in
 * place of src/net/anchors.c. The root is tests/data/anchor-ca.pem, valid from 2026 to 2126; its
 * key lies beside it, public as all of this is. Made by tests/tools/anchor-line, then wrapped.
 */
#include "net/trust.h"

#define ANCHOR(name, subject, spki, sha256, who)                                                   \
    {(const uint8_t *)(subject), sizeof(subject) - 1, (const uint8_t *)(spki), sizeof(spki) - 1},

const struct trust_anchor trust_anchors[] = {
#include "net/anchors.def"
    ANCHOR("daneroll test anchor",
           "\x30\x38\x31\x17\x30\x15\x06\x03\x55\x04\x0a\x0c\x0e\x64\x61\x6e\x65\x72\x6f\x6c"
           "\x6c\x20\x74\x65\x73\x74\x73\x31\x1d\x30\x1b\x06\x03\x55\x04\x03\x0c\x14\x64\x61"
           "\x6e\x65\x72\x6f\x6c\x6c\x20\x74\x65\x73\x74\x20\x61\x6e\x63\x68\x6f\x72",
           "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d"
           "\x03\x01\x07\x03\x42\x00\x04\x59\x60\x3d\x85\xd1\x29\xe7\x27\x5d\xfc\x6c\xb7\x41"
           "\xb0\xed\x5f\x77\xe2\xe7\x8c\xae\x0f\x8a\x1d\x8f\x29\x27\xb4\xc6\x9e\x34\xdc\xfe"
           "\xe6\x8b\x8a\xb7\xbe\xad\x95\x69\x5c\x95\x5d\xb9\x8a\xf1\xf5\x75\xa3\x3e\x31\xb2"
           "\xbd\xb6\x44\x31\x2e\xfe\x86\xfb\xac\x86\x0a",
           "d5ca132e9c3a200c7d329a2e301a2bcdca4635aca14b837139614f04381fd676", "the tests")};
const size_t trust_anchors_count = sizeof trust_anchors / sizeof trust_anchors[0];
