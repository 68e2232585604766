/*
 * The rehearsal of --dry-run: reads pass through to the real world, whatever would change something
 * is printed instead and remembered, so that the engine goes on as if it had been done; waits pass
 * at once, by a clock that is moved on.
 */
#ifndef ROLL_WORLD_DRY_H
#define ROLL_WORLD_DRY_H

#include "roll/world.h"

/* Changes remembered; a rehearsal with more says that it ends there. */
#define WORLD_DRY_CHANGES_MOST 128

struct world_dry_change {
    bool added; /* else removed */
    char owner[TLSA_OWNER_SIZE];
    struct provider_record record;
};

struct world_dry {
    struct world real; /* its functions are used for reading */
    struct world_dry_change *changes;
    size_t count;
    const struct conf *conf;      /* not owned */
    struct pair_found *installed; /* by pair: what would stand in its folder; else PAIR_ABSENT */
    int64_t slept;                /* seconds that the clock was moved on */
};

/* REAL behind a rehearsal; both must outlive it. 0, or -1 without memory. */
int world_dry_init(struct world_dry *dry, const struct conf *conf, const struct world *real,
                   struct arena *arena, struct world *rehearsal);

#endif
