/*
 * The network half of the real world: providers, DNS, services.
 */
#ifndef ROLL_WORLD_NET_H
#define ROLL_WORLD_NET_H

#include "roll/world_dns.h"

struct world_net {
    const struct conf *conf;    /* not owned */
    const struct trust *trust;  /* not owned */
    struct arena *arena;        /* for the providers' own memory */
    struct provider *providers; /* by the configuration's order */
    bool *open;
    bool *admitted; /* by host: the names above its owner names have been seen in this call */
    struct world_dns dns;
};

extern const struct world_network world_net_functions;

/*
 * 0, or -1: without memory, or *WORD is a word of `resolver` that is no address. Nothing is opened
 * before it is used.
 */
int world_net_init(struct world_net *net, const struct conf *conf, const struct trust *trust,
                   struct arena *arena, const char **word);
/* Closes every provider and wipes their secrets. */
void world_net_close(struct world_net *net);

#endif
