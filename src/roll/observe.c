#include "roll/observe.h"

#include "base/name.h"
#include "roll/ripe.h"

#include <string.h>

int observe_make(struct observation *seen, const struct conf *conf, struct arena *arena)
{
    seen->pairs = arena_take(arena, conf->pairs_count, sizeof *seen->pairs);
    seen->hosts = arena_take(arena, conf->hosts_count, sizeof *seen->hosts);
    if (seen->pairs == NULL || seen->hosts == NULL)
        return -1;
    for (size_t i = 0; i < conf->hosts_count; i++)
        seen->hosts[i].wanted = true;
    return 0;
}

void observe_pairs(struct observation *seen, const struct conf *conf, const struct world *world)
{
    for (size_t i = 0; i < conf->pairs_count; i++)
        world->local->read_pair(world->local_context, &conf->pairs[i], &seen->pairs[i]);
}

static void observe_host(struct observed_host *seen, const struct conf_host *host,
                         const struct world *world, struct arena *arena)
{
    seen->listed = false;
    seen->result = (struct provider_result){.code = PROVIDER_REFUSED, .words = "out of memory"};
    seen->sets = arena_take(arena, host->services_count, sizeof *seen->sets);
    if (seen->sets == NULL)
        return;
    for (size_t i = 0; i < host->services_count; i++) {
        if (tlsa_owner(seen->sets[i].owner, host->services[i].port, host->name) != 0) {
            memcpy(seen->result.words, "name too long", sizeof "name too long");
            return;
        }
    }
    seen->result = world->network->list(world->network_context, host->provider, host->name,
                                        seen->sets, host->services_count, arena);
    seen->listed = seen->result.code == PROVIDER_DONE;
}

void observe_records(struct observation *seen, const struct conf *conf, const struct world *world,
                     struct arena *arena)
{
    for (size_t i = 0; i < conf->hosts_count; i++) {
        seen->hosts[i].listed = false;
        if (seen->hosts[i].wanted)
            observe_host(&seen->hosts[i], &conf->hosts[i], world, arena);
    }
    world_now(world, &seen->now);
}

int observe_learn_pairs(struct state *state, const struct conf *conf,
                        const struct observation *seen)
{
    for (size_t i = 0; i < conf->pairs_count; i++) {
        if (seen->pairs[i].code != WORLD_PAIR_READ)
            continue;
        struct state_pair *pair = state_pair_make(state, conf->pairs[i].label);
        if (pair == NULL || state_note_leaf(state, pair, &seen->pairs[i].leaf) != 0)
            return -1;
    }
    return 0;
}

static uint32_t longest_ttl(const struct provider_rrset *set)
{
    uint32_t most = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->records[i].ttl > most)
            most = set->records[i].ttl;
    }
    return most;
}

/* No list lags longer behind what was written. */
#define LIST_LAG_MOST 86400

/*
 * Whether a record of no key of ours that is not shown may be forgotten. Not one that we wrote and
 * that never showed: it is ours, however late it comes.
 */
static bool is_over(const struct state_record *r, const struct moment *now)
{
    return !r->ours || r->seen || r->since.wall == 0 ||
           state_elapsed(&r->since, now) > LIST_LAG_MOST;
}

static void learn_known(struct state *state, const struct conf *conf, const struct conf_host *host,
                        const struct provider_rrset *set, const struct moment *now)
{
    struct state_record *next;
    for (struct state_record *r = state->records; r != NULL; r = next) {
        next = r->next;
        if (!name_equal(r->owner, set->owner))
            continue;
        if (ripe_holds(set, &r->tlsa)) {
            if (!r->seen)
                r->since = *now;
            r->seen = true;
            /* The provider may give another TTL than was asked for. */
            if (longest_ttl(set) > r->lifetime)
                r->lifetime = longest_ttl(set);
            continue;
        }
        if (!state_fits(state, conf, host, &r->tlsa) && is_over(r, now)) {
            state_record_drop(state, r);
            continue;
        }
        /*
         * Somebody took it away. Caches may still hold an RRset that lacks it or not; when it is
         * published again it is never the first.
         */
        if (r->seen) {
            r->seen = false;
            r->first = false;
            memset(&r->since, 0, sizeof r->since);
        }
    }
}

/* Records that stand there already and fit a leaf of ours: visible since now, as far as we know. */
static int learn_new(struct state *state, const struct conf *conf, const struct conf_host *host,
                     const struct provider_rrset *set, const struct moment *now)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct tlsa *tlsa = &set->records[i].tlsa;
        if (state_record(state, set->owner, tlsa) != NULL || !state_fits(state, conf, host, tlsa))
            continue;
        struct state_record *record = state_record_make(state, set->owner, tlsa);
        if (record == NULL)
            return -1;
        record->seen = true;
        record->since = *now;
        record->lifetime = longest_ttl(set);
    }
    return 0;
}

/* A wait whose beginning cannot be told any more begins now. */
static void restart_waits(struct state *state, const struct moment *now)
{
    for (struct state_record *r = state->records; r != NULL; r = r->next) {
        if ((r->seen || r->since.wall != 0) && state_elapsed(&r->since, now) < 0)
            r->since = *now;
    }
    for (struct state_pair *p = state->pairs; p != NULL; p = p->next) {
        if (p->reloaded && state_elapsed(&p->reload, now) < 0)
            p->reload = *now;
    }
}

int observe_learn_records(struct state *state, const struct conf *conf,
                          const struct observation *seen)
{
    restart_waits(state, &seen->now);
    for (size_t i = 0; i < conf->hosts_count; i++) {
        const struct conf_host *host = &conf->hosts[i];
        if (!seen->hosts[i].listed)
            continue;
        for (size_t s = 0; s < host->services_count; s++) {
            const struct provider_rrset *set = &seen->hosts[i].sets[s];
            learn_known(state, conf, host, set, &seen->now);
            if (learn_new(state, conf, host, set, &seen->now) != 0)
                return -1;
        }
    }
    return 0;
}
