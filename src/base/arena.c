#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Small enough that a router does not notice it, large enough that most runs take one block. */
#define BLOCK_SIZE ((size_t)8192)

struct arena_block {
    struct arena_block *former;
    size_t size; /* bytes of memory */
    size_t used;
    _Alignas(max_align_t) unsigned char memory[];
};

struct arena arena_make(size_t limit)
{
    struct arena a = {NULL, 0, 0, limit};
    return a;
}

static struct arena_block *add_block(struct arena *a, size_t need)
{
    size_t size = need > BLOCK_SIZE ? need : BLOCK_SIZE;
    struct arena_block *block = calloc(1, sizeof *block + size);
    if (block == NULL)
        return NULL;
    block->former = a->last;
    block->size = size;
    a->last = block;
    return block;
}

void *arena_take(struct arena *a, size_t count, size_t size)
{
    const size_t step = _Alignof(max_align_t);
    size_t need;
    if (size != 0 && count > (SIZE_MAX / 2) / size)
        return NULL;
    need = (count * size + step - 1) / step * step;
    if (need > a->limit || a->taken > a->limit - need)
        return NULL;
    struct arena_block *block = a->last;
    if (block == NULL || block->size - block->used < need) {
        block = add_block(a, need);
        if (block == NULL)
            return NULL;
    }
    void *memory = block->memory + block->used;
    block->used += need;
    a->taken += need;
    if (a->taken > a->most)
        a->most = a->taken;
    return memory;
}

char *arena_text(struct arena *a, const char *text, size_t length)
{
    char *copy = arena_take(a, length + 1, 1);
    if (copy != NULL && length > 0)
        memcpy(copy, text, length);
    return copy;
}

void arena_release(struct arena *a)
{
    while (a->last != NULL) {
        struct arena_block *former = a->last->former;
        free(a->last);
        a->last = former;
    }
    a->taken = 0;
}
