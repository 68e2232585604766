/*
 * The one growing memory of a run.
 *
 * The few lists whose length the input decides come from an arena: they are made, used and
 * released together. Memory is zeroed, aligned for any object, and comes in blocks from malloc.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
    struct arena_block *last; /* owned */
    size_t taken;             /* bytes handed out now */
    size_t most;              /* the high-water mark of taken */
    size_t limit;             /* bytes that may be taken; the bound against hostile input */
};

/* An arena is a zeroed struct with its limit set. */
struct arena arena_make(size_t limit);
/* Memory of COUNT objects of SIZE bytes, zeroed; NULL when the limit or the machine says no. */
void *arena_take(struct arena *a, size_t count, size_t size);
/* A copy of LENGTH bytes of text with a NUL behind it. */
char *arena_text(struct arena *a, const char *text, size_t length);
/* Gives everything back. */
void arena_release(struct arena *a);

#endif
