/*
 * Bounded text and byte buffers.
 *
 * A buffer appends into memory that its caller owns, never grows and never writes past its size.
 * An append that does not fit leaves the buffer full and cut; `buf_full` says so afterwards, so
 * that a chain of appends needs one check at its end. The text is always terminated by NUL.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data;  /* owned by the caller */
    size_t size; /* bytes at data, the NUL included; at least 1 */
    size_t used; /* bytes before the NUL */
    bool full;   /* something did not fit */
};

/* A buffer over the array ARRAY (not a pointer). */
#define BUF_OVER(array) buf_over((array), sizeof(array))

struct buf buf_over(char *data, size_t size);
/* The same, but what stands in the array already, up to its NUL, stays: appends go behind it. */
#define BUF_BEHIND(array) buf_behind((array), sizeof(array))
struct buf buf_behind(char *data, size_t size);
void buf_reset(struct buf *b);
bool buf_full(const struct buf *b);

void buf_put(struct buf *b, const void *bytes, size_t length);
void buf_char(struct buf *b, char c);
void buf_text(struct buf *b, const char *text);
void buf_u64(struct buf *b, uint64_t number);
void buf_i64(struct buf *b, int64_t number);
/* Lower-case hex of bytes. */
void buf_hex(struct buf *b, const uint8_t *bytes, size_t length);
/* Foreign text for a message: control characters, DEL and bytes above 0x7e become '?'. */
void buf_clean(struct buf *b, const char *text, size_t length);
/* The seconds as people read them: 45s, 30m, 1h 5m, 2d 3h. */
void buf_duration(struct buf *b, int64_t seconds);

/*
 * The one formatter of the program (libc's drags floating point in). It knows %s %.*s %c %d %u %x
 * with the lengths none, l, ll and z, %% and a width with leading zeros (%02x); nothing else.
 */
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void buf_vprintf(struct buf *b, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
