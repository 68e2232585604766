#include "roll/pair.h"

#include "base/buf.h"
#include "base/file.h"
#include "base/pause.h"
#include "base/time.h"
#include "base/wipe.h"
#include "cert/der.h"
#include "net/chain.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

/* Between the two tries of reading a pair that is being written. */
#define WRITING_MS 500
/* No renewer takes so long between the two, seconds. */
#define WRITING_MOST 3600

int pair_say(struct pair_found *found, enum pair_code code, const char *format, ...)
{
    struct buf b = BUF_OVER(found->words);
    va_list arguments;
    va_start(arguments, format);
    buf_vprintf(&b, format, arguments);
    va_end(arguments);
    found->code = code;
    return -1;
}

/* ---- octets of a file ---- */

static void take_leaf(const struct cert_object *object, struct pair_found *found)
{
    cert_digest(object, &found->leaf);
    found->not_before = object->not_before;
    found->not_after = object->not_after;
    found->algorithm = cert_algorithm(object->spki);
    if (found->algorithm == CERT_OTHER_ALGORITHM)
        found->warning = "its key is neither RSA nor ECDSA: many senders cannot use it";
}

int pair_take_chain(const char *name, const uint8_t *bytes, size_t length, pair_visit *visit,
                    void *context, struct pair_found *found)
{
    static struct cert_object object;
    struct cursor text = cursor_over(bytes, length);
    size_t count = 0;
    int rc;
    if (length > 0 && der_is_sequence(bytes, length))
        return pair_say(found, PAIR_UNFIT, "%s is DER: certificate and chain must be PEM", name);
    while ((rc = cert_next(&text, &object)) == 0) {
        if (count > PAIR_ISSUERS_MOST)
            return pair_say(found, PAIR_UNFIT, "%s: more than %d certificates", name,
                            PAIR_ISSUERS_MOST + 1);
        if (count == 0)
            take_leaf(&object, found);
        else
            cert_digest(&object, &found->issuers[count - 1]);
        found->issuers_count = count++;
        if (visit != NULL && visit(context, &object, found) != 0)
            return -1;
    }
    if (rc != CERT_NOTHING)
        return pair_say(found, PAIR_FAILED, "%s: certificate %zu: %s", name, count + 1,
                        cert_error(rc));
    if (count == 0)
        return pair_say(found, PAIR_FAILED, "%s: no certificate in it", name);
    return 0;
}

int pair_take_key(const char *name, const uint8_t *bytes, size_t length, struct pair_found *found)
{
    uint8_t spki256[32];
    int rc = cert_read_key_spki(bytes, length, spki256);
    if (rc == CERT_NOTHING)
        return pair_say(found, PAIR_FAILED, "%s: no private key in it", name);
    if (rc != 0)
        return pair_say(found, PAIR_FAILED, "%s: %s", name, cert_error(rc));
    if (memcmp(spki256, found->leaf.spki256, sizeof spki256) != 0)
        return pair_say(found, PAIR_LATER, "%s does not fit its certificate", name);
    found->code = PAIR_READ;
    return 0;
}

/* ---- the source ---- */

int pair_source_chain(const struct conf_pair *pair, uint8_t *bytes, size_t *length,
                      struct pair_found *found)
{
    ssize_t n = file_read(pair->certificate, bytes, CERT_FILE_SIZE);
    *length = 0;
    if (n < 0)
        return pair_say(found, n == FILE_ABSENT ? PAIR_ABSENT : PAIR_FAILED, "%s: %s",
                        pair->certificate, file_error((int)n));
    *length = (size_t)n;
    return 0;
}

int pair_source_key(const struct conf_pair *pair, uint8_t *bytes, size_t *length,
                    struct pair_found *found)
{
    ssize_t n = file_read_key(pair->private_key, bytes, CERT_FILE_SIZE);
    *length = 0;
    if (n < 0)
        return pair_say(found, n == FILE_EXPOSED ? PAIR_UNFIT : PAIR_FAILED, "%s: %s",
                        pair->private_key, file_error((int)n));
    *length = (size_t)n;
    if (pair->install != NULL && n > 0 && der_is_sequence(bytes, *length)) {
        wipe(bytes, *length);
        return pair_say(found, PAIR_UNFIT, "%s is DER: a key to install must be PEM",
                        pair->private_key);
    }
    return 0;
}

/* The certificate file is wiped too: both may be one. */
static int read_chain(const struct conf_pair *pair, uint8_t *bytes, pair_visit *visit,
                      void *context, struct pair_found *found)
{
    size_t length;
    if (pair_source_chain(pair, bytes, &length, found) != 0)
        return -1;
    int rc = pair_take_chain(pair->certificate, bytes, length, visit, context, found);
    wipe(bytes, length);
    return rc;
}

static void read_once(const struct conf_pair *pair, uint8_t *bytes, struct pair_found *found)
{
    size_t length;
    *found = (struct pair_found){.code = PAIR_READ};
    if (read_chain(pair, bytes, NULL, NULL, found) != 0 || pair->private_key == NULL ||
        pair_source_key(pair, bytes, &length, found) != 0)
        return;
    if (pair_take_key(pair->private_key, bytes, length, found) != 0 && found->code == PAIR_LATER)
        pair_say(found, PAIR_LATER,
                 "%s does not fit %s: is it being written? The next run looks again",
                 pair->private_key, pair->certificate);
    wipe(bytes, length);
}

/* Since when the file is as it is, and every link that its name ends in. */
static int64_t changed(const char *path)
{
    struct stat file, name;
    if (stat(path, &file) != 0 || lstat(path, &name) != 0)
        return INT64_MAX;
    return file.st_ctim.tv_sec > name.st_ctim.tv_sec ? file.st_ctim.tv_sec : name.st_ctim.tv_sec;
}

/* What does not fit for an hour is no longer being written. */
static void give_up(const struct conf_pair *pair, struct pair_found *found)
{
    int64_t key = changed(pair->private_key), certificate = changed(pair->certificate);
    if (time_wall() - WRITING_MOST > (key > certificate ? key : certificate))
        pair_say(found, PAIR_UNFIT, "%s does not fit %s, and has not for an hour",
                 pair->private_key, pair->certificate);
}

/* One buffer for all: no two of these functions are under way at a time. */
static uint8_t file_bytes[CERT_FILE_SIZE];

void pair_read(const struct conf_pair *pair, struct pair_found *found)
{
    read_once(pair, file_bytes, found);
    if (found->code != PAIR_LATER && found->code != PAIR_FAILED)
        return;
    (void)pause_ms(WRITING_MS);
    read_once(pair, file_bytes, found);
    if (found->code == PAIR_LATER)
        give_up(pair, found);
}

/* ---- the look at it ---- */

void pair_check_dates(const struct conf_pair *pair, struct pair_found *found)
{
    const char *name = pair->certificate;
    char date[TIME_TEXT_SIZE], now[TIME_TEXT_SIZE];
    bool expired = found->not_after < time_wall();
    if (!time_is_set() || (!expired && found->not_before <= time_wall()))
        return;
    if (found->not_before == INT64_MAX || found->not_after == INT64_MIN) {
        pair_say(found, PAIR_UNFIT, "%s: its dates cannot be read", name);
        return;
    }
    time_text(expired ? found->not_after : found->not_before, date);
    time_text(time_wall(), now);
    pair_say(found, PAIR_UNFIT, "%s %s %s (our clock says %s)", name,
             expired ? "expired on" : "is not valid before", date, now);
}

struct checked {
    const char *name;
    struct chain chain;
    struct cert_digests leaf; /* as it was read */
};

static enum pair_code code_of(int net_error)
{
    return net_error == NET_UNTRUSTED ? PAIR_UNFIT : PAIR_FAILED;
}

static int check_certificate(void *context, const struct cert_object *object,
                             struct pair_found *found)
{
    struct checked *checked = context;
    struct net_words why = {""};
    if (memcmp(&found->leaf, &checked->leaf, sizeof found->leaf) != 0)
        return pair_say(found, PAIR_LATER, "%s has just changed; the next run looks again",
                        checked->name);
    int rc = chain_add(&checked->chain, object->der, object->length, &why);
    return rc == 0 ? 0 : pair_say(found, code_of(rc), "%s: %s", checked->name, why.text);
}

static void check_chain(const struct conf_pair *pair, const char *const *names, size_t count,
                        const struct trust *trust, struct pair_found *found)
{
    struct checked checked = {.name = pair->certificate, .leaf = found->leaf};
    struct net_words why = {""};
    if (read_chain(pair, file_bytes, check_certificate, &checked, found) == 0) {
        int rc = chain_check(&checked.chain, trust, names, count, &why);
        /* The two usual mistakes: cert.pem for fullchain.pem, and a self-signed certificate. */
        if (rc == NET_UNTRUSTED)
            pair_say(found, PAIR_UNFIT, "%s: %s%s", pair->certificate, why.text,
                     found->issuers_count > 0 ? "" : "; there is no issuer behind the certificate");
        else if (rc != 0)
            pair_say(found, PAIR_FAILED, "%s", why.text);
    }
    chain_free(&checked.chain);
}

int pair_trust(const struct conf_pair *pair, const char *ca_file, struct trust *trust)
{
    const char *chain = pair->chain != NULL ? pair->chain : "system";
    if (strcmp(chain, "none") == 0)
        return 1;
    return trust_open(trust, strcmp(chain, "system") == 0 ? ca_file : chain);
}

void pair_check(const struct conf_pair *pair, const char *const *names, size_t names_count,
                const char *ca_file, struct pair_found *found)
{
    struct trust trust;
    if (found->code != PAIR_READ)
        return;
    int rc = pair_trust(pair, ca_file, &trust);
    if (rc > 0)
        pair_check_dates(pair, found);
    else if (rc < 0)
        pair_say(found, PAIR_FAILED, "%s: cannot be read, or holds no CA certificate", trust.path);
    else
        check_chain(pair, names, names_count, &trust, found);
}

/* ---- the next key ---- */

void pair_next_key(const char *path, struct pair_found *found)
{
    static struct cert_object object;
    *found = (struct pair_found){.code = PAIR_READ};
    ssize_t n = file_read_key(path, file_bytes, sizeof file_bytes);
    /* Public keys may be read by everybody. */
    bool exposed = n == FILE_EXPOSED;
    if (exposed)
        n = file_read(path, file_bytes, sizeof file_bytes);
    if (n < 0) {
        pair_say(found, n == FILE_ABSENT ? PAIR_ABSENT : PAIR_FAILED, "%s: %s", path,
                 file_error((int)n));
        return;
    }
    int rc = cert_read(file_bytes, (size_t)n, &object);
    wipe(file_bytes, (size_t)n);
    if (rc != 0) {
        pair_say(found, PAIR_FAILED, "%s: %s", path, cert_error(rc));
    } else if (object.kind == CERT_CERTIFICATE) {
        pair_say(found, PAIR_UNFIT, "%s: a certificate; the next key is a key or a request", path);
    } else if (exposed && object.kind == CERT_PRIVATE_KEY) {
        pair_say(found, PAIR_UNFIT, "%s: %s", path, file_error(FILE_EXPOSED));
    } else {
        cert_digest(&object, &found->leaf);
        found->algorithm = cert_algorithm(object.spki);
    }
}
