/*
 * What DNS shows, for the network half of the real world: every address of every authoritative
 * server, or a resolver (facts 2.3), and the zone's own DNSSEC.
 */
#ifndef ROLL_WORLD_DNS_H
#define ROLL_WORLD_DNS_H

#include "dane/lookup.h"
#include "roll/world.h"

struct world_dns {
    struct dns_resolvers resolvers;
    struct dns_finder finder;
    struct arena arena; /* the finder's; what was found counts for one look */
    int64_t found;      /* time_ticks() of its beginning */
    int64_t silent;     /* until then nobody is asked: the resolvers have not answered */
};

/* 0, or -1: the configuration's `resolver` has a word (in *WORD) that is no address. */
int world_dns_init(struct world_dns *dns, const struct conf *conf, const char **word);
void world_dns_close(struct world_dns *dns);

/*
 * As struct world_network's look_up, other than for `propagation = time`. FAST: the provider's
 * servers are known to follow within seconds. 0, or -1 without memory.
 */
int world_dns_look_up(struct world_dns *dns, const struct conf_host *host, const char *owner,
                      bool fast, const struct lookup_clock *clock, struct world_view *view,
                      struct arena *arena);
/* REFRESH and RETRY of the zone that OWNER is in, together; 0 where that cannot be learnt. */
uint32_t world_dns_refresh(struct world_dns *dns, const char *owner);
/*
 * Looks for a server that denies _tcp.HOST and all below it though it shows the RRset there that
 * VIEW has (where no record is, such a denial is right): into VIEW's `denies`. True: every server
 * that answers admits those names, which need not be asked again in this call.
 */
bool world_dns_admits_below(struct world_dns *dns, const char *host,
                            const struct lookup_clock *clock, struct world_view *view,
                            struct arena *arena);
/* As struct world_network's other_mx. */
const char *world_dns_other_mx(struct world_dns *dns, const char *host, const char **alias_of,
                               struct arena *arena);

#endif
