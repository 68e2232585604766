/*
 * The engine's memory, for crashes: a crash jumps out of the engine, whose arenas lie on its stack,
 * so every block is known here. This object's arena stands in for the library's.
 */
#ifndef TESTS_UNIT_ROLL_SIM_MEMORY_H
#define TESTS_UNIT_ROLL_SIM_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SIM_BLOCKS_MOST 4096

static void *sim_blocks[SIM_BLOCKS_MOST];
static size_t sim_blocks_count;

static inline void *sim_calloc(size_t count, size_t size)
{
    void *block = sim_blocks_count == SIM_BLOCKS_MOST ? NULL : calloc(count, size);
    if (block != NULL)
        sim_blocks[sim_blocks_count++] = block;
    return block;
}

static inline void sim_free(void *block)
{
    size_t i = sim_blocks_count;
    while (i > 0 && sim_blocks[i - 1] != block)
        i--;
    if (i > 0)
        sim_blocks[i - 1] = sim_blocks[--sim_blocks_count];
    free(block);
}

static inline void sim_free_memory(void)
{
    while (sim_blocks_count > 0)
        free(sim_blocks[--sim_blocks_count]);
}

#define calloc sim_calloc
#define free   sim_free
#include "base/arena.c"
#undef calloc
#undef free

#endif
