/*
 * A pair's files: what the ACME client writes (the source) is read, and looked at as its clients
 * will, before anything of it is published or installed.
 */
#ifndef ROLL_PAIR_H
#define ROLL_PAIR_H

#include "cert/spki.h"
#include "conf/conf.h"
#include "net/trust.h"

#include <stddef.h>
#include <stdint.h>

/* Certificates after the leaf; as many as are sent and followed by anybody. */
#define PAIR_ISSUERS_MOST 9
#define PAIR_WORDS_SIZE   512

enum pair_code {
    PAIR_READ,
    PAIR_LATER,  /* it is being written: key and certificate do not fit, or it has just changed */
    PAIR_FAILED, /* it cannot be read, or is damaged */
    PAIR_UNFIT,  /* it could be read, but must not be used */
    PAIR_ABSENT  /* there is none (no certificate file; nothing installed) */
};

struct pair_found {
    enum pair_code code;
    struct cert_digests leaf;
    size_t issuers_count;
    struct cert_digests issuers[PAIR_ISSUERS_MOST]; /* in the order of the file */
    enum cert_algorithm algorithm;                  /* of the leaf's key */
    int64_t not_before, not_after;                  /* of the leaf: seconds since 1970 */
    char words[PAIR_WORDS_SIZE];                    /* why the code is not PAIR_READ */
    const char *warning; /* what should be known of a good pair; NULL: nothing; constant */
};

/*
 * Reads the source. Key and certificate that do not fit, or what cannot be read, are read once more
 * after half a second; ACME clients write the one after the other. Without `private-key` the
 * certificate alone is read. A private key that everybody can read is PAIR_UNFIT, as is a
 * certificate in DER, or, with `install`, a key in DER.
 */
void pair_read(const struct conf_pair *pair, struct pair_found *found);
/*
 * Looks at a pair that was read: whether its dates are good (if the clock is set) and, unless
 * `chain = none`, whether its names cover all NAMES and its chain is in order and leads to a
 * certificate of `chain`, or of the system (CA_FILE as trust_open takes it). FOUND's code becomes
 * PAIR_UNFIT, PAIR_FAILED (trusted certificates cannot be read, no memory) or PAIR_LATER (it is
 * another certificate by now). Costs some signature verifications: not for a call with nothing due.
 */
void pair_check(const struct conf_pair *pair, const char *const *names, size_t names_count,
                const char *ca_file, struct pair_found *found);
/* The last part of it where `chain = none`: the leaf's own dates, if the clock is set. */
void pair_check_dates(const struct conf_pair *pair, struct pair_found *found);
/* What the chain has to lead to. 0; 1: nothing (`chain = none`); NET_NO_TRUST as trust_open. */
int pair_trust(const struct conf_pair *pair, const char *ca_file, struct trust *trust);
/*
 * Reads the next key: a private key, public key or request, PEM or DER, of which only the SPKI
 * counts: leaf.spki256, leaf.spki512, algorithm and code are set. A certificate is PAIR_UNFIT.
 */
void pair_next_key(const char *path, struct pair_found *found);

/* ---- for roll/install.c ---- */

/* Called with each certificate; 0, or -1 when it has put code and words into FOUND. */
typedef int pair_visit(void *context, const struct cert_object *object, struct pair_found *found);

/*
 * Takes the leaf and its issuers out of the octets of a PEM file. NAME is for messages; VISIT may
 * be NULL. 0, or -1 with code and words in FOUND.
 */
int pair_take_chain(const char *name, const uint8_t *bytes, size_t length, pair_visit *visit,
                    void *context, struct pair_found *found);
/* Whether the first private key of these octets fits the leaf of FOUND. 0 or -1 likewise. */
int pair_take_key(const char *name, const uint8_t *bytes, size_t length, struct pair_found *found);
/* Puts code and words into FOUND, and returns -1. */
int pair_say(struct pair_found *found, enum pair_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The octets of a source file, CERT_FILE_SIZE at most; LENGTH is 0 after a failure. 0 or -1 with
 * code and words in FOUND. */
int pair_source_chain(const struct conf_pair *pair, uint8_t *bytes, size_t *length,
                      struct pair_found *found);
int pair_source_key(const struct conf_pair *pair, uint8_t *bytes, size_t *length,
                    struct pair_found *found);

#endif
