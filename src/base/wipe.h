/*
 * Wiping of secrets.
 */
#ifndef BASE_WIPE_H
#define BASE_WIPE_H

#include <stddef.h>

/* Overwrites memory with zeros; the optimiser cannot leave it out. */
void wipe(void *memory, size_t length);

#endif
