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

/* The values of base64's digits (RFC 4648 section 4) plus 1; 0: no digit. */
static const uint8_t digit_values[128] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64};

/*
 * Four digits at a time, as most of a bundle is; without a loop over the four, which would be a
 * twentieth of a rotation. The octets used.
 */
static size_t take_fours(struct bundle *b, const uint8_t *at, size_t length)
{
    const uint8_t *const start = at, *const end = at + length;
    uint8_t *to = b->der + b->used, *const full = b->der + sizeof b->der;
    if (b->digits % 4 != 0 || b->padding > 0)
        return 0;
    for (; end - at >= 4 && full - to >= 3; at += 4, to += 3) {
        if ((at[0] | at[1] | at[2] | at[3]) >= 128)
            break;
        uint32_t one = digit_values[at[0]], two = digit_values[at[1]], three = digit_values[at[2]],
                 four = digit_values[at[3]];
        if (one == 0 || two == 0 || three == 0 || four == 0)
            break;
        /* Each value stands one too high. */
        uint32_t bits = (one << 18) + (two << 12) + (three << 6) + four - 0x41041;
        to[0] = (uint8_t)(bits >> 16);
        to[1] = (uint8_t)(bits >> 8);
        to[2] = (uint8_t)bits;
    }
    b->used = (size_t)(to - b->der);
    b->digits += (unsigned)(at - start);
    return (size_t)(at - start);
}

static void take_digit(struct bundle *b, uint8_t c)
{
    int value = c < 128 ? digit_values[c] - 1 : -1;
    if (value < 0) {
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
    b->bits = b->bits << 6 | (uint32_t)value;
    /* Of four digits, each but the first completes an octet. */
    unsigned place = b->digits++ % 4;
    if (place > 0)
        b->der[b->used++] = (uint8_t)(b->bits >> (6 - 2 * place));
}

int bundle_push(struct bundle *b, const void *bytes, size_t length)
{
    const uint8_t *at = bytes, *end = at + length;
    for (; at < end; at++) {
        if (*at == '\n') {
            int rc = b->in_banner ? end_banner(b) : 0;
            b->line_started = b->in_banner = false;
            if (rc != 0)
                return rc;
            continue;
        }
        if (!b->line_started && *at == '-') {
            b->in_banner = true;
            b->banner_used = 0;
        }
        b->line_started = true;
        if (b->in_banner) {
            if (b->banner_used < sizeof b->banner)
                b->banner[b->banner_used++] = (char)*at;
        } else if (b->in_object) {
            size_t taken = take_fours(b, at, (size_t)(end - at));
            if (taken > 0)
                at += taken - 1;
            else
                take_digit(b, *at);
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
