#include "net/bundle.h"

#include "cert/der.h"
#include "net/net.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGIN     "-----BEGIN CERTIFICATE-----"
#define END       "-----END CERTIFICATE-----"
#define READ_SIZE 2048

void bundle_init(struct bundle *b, bundle_visit visit, void *context)
{
    memset(b, 0, sizeof *b);
    b->visit = visit;
    b->context = context;
}

/* The raw subject; no octets where this is no certificate (RFC 5280 section 4.1). */
static struct cert_part subject_of(const uint8_t *der, size_t length)
{
    const struct cert_part none = {NULL, 0};
    struct cursor whole = cursor_over(der, length);
    struct cursor certificate = der_enter(&whole, DER_SEQUENCE);
    struct cursor c = der_enter(&certificate, DER_SEQUENCE);
    der_skip_optional(&c, DER_EXPLICIT(0)); /* version */
    (void)der_enter(&c, DER_INTEGER);       /* serialNumber */
    (void)der_enter(&c, DER_SEQUENCE);      /* signature */
    (void)der_enter(&c, DER_SEQUENCE);      /* issuer */
    (void)der_enter(&c, DER_SEQUENCE);      /* validity */
    struct cert_part subject = der_whole(&c, DER_SEQUENCE);
    (void)der_enter(&c, DER_SEQUENCE); /* subjectPublicKeyInfo */
    return der_done(&whole) && !c.failed ? subject : none;
}

static bool banner_is(const struct bundle *b, const char *text)
{
    size_t length = strlen(text), used = b->banner_used;
    if (used >= sizeof b->banner)
        return false;
    while (used > length && (b->banner[used - 1] == '\r' || b->banner[used - 1] == ' '))
        used--;
    return used == length && memcmp(b->banner, text, length) == 0;
}

static int end_object(struct bundle *b)
{
    if (b->damaged || b->padding > 2 || (b->digits + b->padding) % 4 != 0)
        return 0;
    struct cert_part subject = subject_of(b->der, b->used);
    if (subject.bytes == NULL)
        return 0;
    return b->visit(b->context, b->der, b->used, subject.bytes, subject.length);
}

static int end_banner(struct bundle *b)
{
    bool ends = b->in_object && banner_is(b, END);
    b->in_object = banner_is(b, BEGIN);
    if (ends)
        return end_object(b);
    b->damaged = false;
    b->digits = b->padding = 0;
    b->used = 0;
    return 0;
}

/*
 * The values of base64 digits from '+' to 'z' (RFC 4648 section 4). A table, as the 200,000 octets
 * of a bundle are read in each call that trusts anybody, and a branch for each kind of digit is
 * guessed wrong every other time.
 */
#define NO 64
static const uint8_t values[] = {62, NO, NO, NO, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO,
                                 NO, NO, NO, NO, NO, NO, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
                                 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25,
                                 NO, NO, NO, NO, NO, NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,
                                 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51};

static uint32_t digit_value(uint8_t c)
{
    uint8_t place = (uint8_t)(c - '+');
    return place < sizeof values ? values[place] : NO;
}

/* Whole groups of four digits; how many octets they were. */
static size_t take_groups(struct bundle *b, const uint8_t *at, size_t length)
{
    size_t taken = 0;
    if (b->digits % 4 != 0 || b->padding > 0)
        return 0;
    while (length - taken >= 4 && sizeof b->der - b->used >= 3) {
        const uint8_t *four = at + taken;
        uint32_t first = digit_value(four[0]), second = digit_value(four[1]),
                 third = digit_value(four[2]), fourth = digit_value(four[3]);
        if (((first | second | third | fourth) & NO) != 0)
            break;
        uint32_t bits = first << 18 | second << 12 | third << 6 | fourth;
        b->der[b->used++] = (uint8_t)(bits >> 16);
        b->der[b->used++] = (uint8_t)(bits >> 8);
        b->der[b->used++] = (uint8_t)bits;
        taken += 4;
    }
    b->digits += (unsigned)taken;
    return taken;
}

static void take_digit(struct bundle *b, uint8_t c)
{
    uint32_t value = digit_value(c);
    if (value == NO) {
        if (c == '=')
            b->padding++;
        else if (c != '\r' && c != ' ' && c != '\t')
            b->damaged = true;
        return;
    }
    if (b->padding > 0 || b->used >= sizeof b->der) {
        b->damaged = true;
        return;
    }
    b->bits = b->bits << 6 | value;
    /* Of four digits, each but the first completes an octet. */
    unsigned place = b->digits++ % 4;
    if (place > 0)
        b->der[b->used++] = (uint8_t)(b->bits >> (6 - 2 * place));
}

int bundle_push(struct bundle *b, const void *bytes, size_t length)
{
    const uint8_t *at = bytes, *end = at + length;
    while (at < end) {
        size_t taken = b->in_object && !b->in_banner ? take_groups(b, at, (size_t)(end - at)) : 0;
        if (taken > 0) {
            b->line_started = true;
            at += taken;
            continue;
        }
        const uint8_t c = *at++;
        if (c == '\n') {
            int rc = b->in_banner ? end_banner(b) : 0;
            b->line_started = b->in_banner = false;
            if (rc != 0)
                return rc;
            continue;
        }
        if (!b->line_started && c == '-') {
            b->in_banner = true;
            b->banner_used = 0;
        }
        b->line_started = true;
        if (b->in_banner) {
            if (b->banner_used < sizeof b->banner)
                b->banner[b->banner_used++] = (char)c;
        } else if (b->in_object) {
            take_digit(b, c);
        }
    }
    return 0;
}

static int read_all(struct bundle *b, int fd)
{
    uint8_t bytes[READ_SIZE];
    for (size_t total = 0; total <= BUNDLE_SIZE;) {
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return NET_NO_TRUST;
        if (n == 0)
            return bundle_push(b, "\n", 1);
        int rc = bundle_push(b, bytes, (size_t)n);
        if (rc != 0)
            return rc;
        total += (size_t)n;
    }
    return NET_NO_TRUST;
}

int bundle_read(const char *path, bundle_visit visit, void *context)
{
    struct bundle b;
    struct stat status;
    int rc = NET_NO_TRUST;
    /* Non-blocking, for a path that leads to a pipe; only a plain file can be read again. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NET_NO_TRUST;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        bundle_init(&b, visit, context);
        rc = read_all(&b, fd);
    }
    (void)close(fd);
    return rc;
}
