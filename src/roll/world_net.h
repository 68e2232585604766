/*
 * The network half of the real world: providers, DNS, services.
 */
#ifndef ROLL_WORLD_NET_H
#define ROLL_WORLD_NET_H

#include "roll/world_dns.h"

/* Addresses that are remembered between two looks. */
#define WORLD_NET_ABSENT_MOST 16

/* An address of a service that has no key of a kind. */
struct world_absent {
    char address[WORLD_ADDRESS_SIZE];
    const char *host; /* the configuration's */
    uint16_t port;
    enum probe_algorithm algorithm;
};

struct world_net {
    const struct conf *conf;    /* not owned */
    const struct trust *trust;  /* not owned */
    struct arena *arena;        /* for the providers' own memory */
    struct provider *providers; /* by the configuration's order */
    bool *open;
    bool *admitted; /* by host: the names above its owner names have been seen in this call */
    struct world_dns dns;
    struct world_absent absent[WORLD_NET_ABSENT_MOST];
    size_t absent_count;
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
