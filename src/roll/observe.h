/*
 * What the world shows now: files, the providers' lists, DNS, services.
 */
#ifndef ROLL_OBSERVE_H
#define ROLL_OBSERVE_H

#include "roll/world.h"

/* PAIR_ABSENT: none, also where the configuration names none. */
struct observed_pair {
    struct pair_found source; /* checked: PAIR_READ means that it may be used */
    struct pair_found current, previous;
    struct pair_found next_key;
};

struct observed_host {
    bool wanted; /* to be looked at in this call */
    bool listed; /* sets are what the provider shows */
    struct provider_result result;
    struct provider_rrset *sets; /* by service; the owner is where the RRset is (its CNAME's end) */
    struct world_view *views;    /* likewise: what DNS shows */
    struct world_service *services; /* likewise: what the services show */
    unsigned kinds;                 /* WORLD_KIND of what any of them has shown in this call */
    const char *other_mx;           /* the MX hosts of its name, all others; NULL: nothing wrong */
    const char *alias_of;           /* what its name is a CNAME of; NULL: it is none */
    bool plain;                     /* neither, when it was asked in this call */
};

struct observation {
    struct moment now;
    struct observed_pair *pairs; /* by the configuration's order */
    struct observed_host *hosts; /* likewise */
};

/* Room for all of it; 0 or -1 without memory. All hosts are wanted. */
int observe_make(struct observation *seen, const struct conf *conf, struct arena *arena);
/* Reads every pair; CHECK: also looks whether each source may be used. */
void observe_pairs(struct observation *seen, const struct conf *conf, const struct world *world,
                   bool check);
/*
 * Asks DNS, then the providers, about every wanted host; ARENA holds what they say. The time of the
 * observation is the end of this. 0, or -1 without memory.
 */
int observe_records(struct observation *seen, const struct conf *conf, const struct world *world,
                    struct arena *arena);
/* Asks the services of every wanted host; ARENA must live as long as their answers count. */
int observe_services(struct observation *seen, const struct conf *conf, const struct world *world,
                     struct arena *arena);

#endif
