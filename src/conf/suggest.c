#include "conf/suggest.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Longer names are not compared: no key, verb or label is longer. */
#define LENGTH_MOST 48

struct suggest suggest_for(const char *name)
{
    struct suggest s = {name, NULL, LENGTH_MOST};
    return s;
}

static uint8_t least(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

/* Wrong, missing, additional and swapped letters (optimal string alignment), row by row. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    uint8_t rows[3][LENGTH_MOST + 1];
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (uint8_t)j;
    for (size_t i = 1; i <= a_length; i++) {
        uint8_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        row[0] = (uint8_t)i;
        for (size_t j = 1; j <= b_length; j++) {
            bool same = a[i - 1] == b[j - 1];
            uint8_t cost = (uint8_t)(above[j - 1] + (same ? 0 : 1));
            cost = least(cost, (uint8_t)(above[j] + 1));
            cost = least(cost, (uint8_t)(row[j - 1] + 1));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                cost = least(cost, (uint8_t)(before[j - 2] + 1));
            row[j] = cost;
        }
    }
    return rows[a_length % 3][b_length];
}

void suggest_offer(struct suggest *s, const char *known)
{
    size_t a = strlen(s->name), b = strlen(known);
    if (a == 0 || b == 0 || a > LENGTH_MOST || b > LENGTH_MOST)
        return;
    size_t d = distance(s->name, a, known, b);
    /* A beginning comes behind every near name, the shorter completion first. */
    if (d > (a + 2) / 3)
        d = a >= 3 && strncmp(s->name, known, a) == 0 ? LENGTH_MOST / 2 + d : SIZE_MAX;
    if (d < s->distance) {
        s->distance = d;
        s->best = known;
    }
}
