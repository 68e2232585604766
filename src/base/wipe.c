#include "base/wipe.h"

#include <string.h>

void wipe(void *memory, size_t length)
{
    memset(memory, 0, length);
    /* The empty statement claims to read the memory: so the store cannot be dead. */
    __asm__ volatile("" : : "r"(memory) : "memory");
}
