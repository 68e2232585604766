/*
 * The network half of the real world: the providers of the configuration.
 */
#ifndef ROLL_WORLD_NET_H
#define ROLL_WORLD_NET_H

#include "roll/world.h"

struct world_net {
    const struct conf *conf;    /* not owned */
    const struct trust *trust;  /* not owned */
    struct arena *arena;        /* for the providers' own memory */
    struct provider *providers; /* by the configuration's order */
    bool *open;
};

extern const struct world_network world_net_functions;

/* 0, or -1 without memory. Nothing is opened before it is used. */
int world_net_init(struct world_net *net, const struct conf *conf, const struct trust *trust,
                   struct arena *arena);
/* Closes every provider and wipes their secrets. */
void world_net_close(struct world_net *net);

#endif
