/*
 * The nearest known name, for messages about unknown ones.
 */
#ifndef CONF_SUGGEST_H
#define CONF_SUGGEST_H

#include <stddef.h>

struct suggest {
    const char *name; /* what was written */
    const char *best; /* the nearest name offered so far that is near enough, or NULL */
    size_t distance;  /* its distance */
};

struct suggest suggest_for(const char *name);
/*
 * Offers a known name. Near enough is: at most a third of the letters wrong, swapped, missing or
 * too many, or the name's beginning of three letters or more.
 */
void suggest_offer(struct suggest *s, const char *known);

#endif
