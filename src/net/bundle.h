/*
 * The certificates of a CA bundle (PEM, RFC 7468), one after the other in constant memory.
 *
 * BearSSL's decoder, an interpreter, takes 40 ms for Debian's bundle on x86-64 and a second on a
 * router, and a bundle is read once for each certificate of a chain: this one takes a millisecond.
 */
#ifndef NET_BUNDLE_H
#define NET_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest certificate looked at; roots have 500 to 2000 octets. */
#define BUNDLE_CERTIFICATE_SIZE 8192
/* The longest bundle: twenty times that of a whole store. */
#define BUNDLE_SIZE (4 * 1024 * 1024)
/* "-----BEGIN CERTIFICATE-----", white space behind it, and one more to tell longer ones. */
#define BUNDLE_BANNER_SIZE 40

/*
 * Called with each certificate and, within it, its raw subject: 0 to go on, 1 to stop, or a
 * negative error.
 */
typedef int (*bundle_visit)(void *context, const uint8_t *der, size_t length,
                            const uint8_t *subject, size_t subject_length);

struct bundle {
    bundle_visit visit;
    void *context;
    bool line_started, in_banner, in_object;
    bool damaged;       /* not base64, or too long */
    size_t banner_used; /* saturates */
    unsigned digits, padding;
    uint32_t bits;
    size_t used;
    char banner[BUNDLE_BANNER_SIZE];
    uint8_t der[BUNDLE_CERTIFICATE_SIZE];
};

void bundle_init(struct bundle *b, bundle_visit visit, void *context);
/*
 * Takes the next octets of the bundle. 0, or what VISIT returned other than 0. The last line counts
 * when its newline was pushed. Objects of other labels, damaged ones and what is no certificate
 * within its banners are passed over.
 */
int bundle_push(struct bundle *b, const void *bytes, size_t length);
/*
 * The whole of a file. 0, what VISIT returned other than 0, or NET_NO_TRUST: it cannot be read, is
 * no plain file or is longer than BUNDLE_SIZE.
 */
int bundle_read(const char *path, bundle_visit visit, void *context);

#endif
