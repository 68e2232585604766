/* Who renews, and when: DESIGN.md and the rule for cron calls. */
#include "roll/rolling.h"

#include "roll/act_command.h"

/* Between two tries of a renewal. */
#define TRY_AGAIN (12 * 3600)
/* So near to the end a certificate is renewed even if the next key is not ripe. */
#define LAST_DAYS (3 * 86400)

/* Whether the waiting rule is over for the pair's next key at every owner name. */
static bool next_key_is_ripe(struct rolling *r, size_t pair)
{
    const struct conf *conf = r->acting.conf;
    const struct knowledge k = {conf, &r->state, &r->seen};
    const struct pair_found *next = &r->seen.pairs[pair].next_key;
    bool cut_short;
    for (size_t h = 0; h < conf->hosts_count; h++) {
        for (size_t s = 0;
             need_has_pair(&conf->hosts[h], pair) && s < conf->hosts[h].services_count; s++) {
            /* Owner names as they were found last; a CNAME's end is learnt by the look after. */
            if (r->seen.hosts[h].sets[s].owner[0] == '\0' &&
                tlsa_owner(r->seen.hosts[h].sets[s].owner, conf->hosts[h].services[s].port,
                           conf->hosts[h].name) != 0)
                return false;
            if (learn_left(&k, h, s, &next->leaf, true, &cut_short) != 0)
                return false;
        }
    }
    return true;
}

/* A certificate whose dates cannot be read, or none, is renewed too. */
static bool is_time(struct rolling *r, size_t pair, const struct moment *now)
{
    const struct conf_pair *conf = &r->acting.conf->pairs[pair];
    const struct pair_found *source = &r->seen.pairs[pair].source;
    const struct state_pair *known = state_pair(&r->state, conf->label);
    if (source->code == PAIR_LATER || now->wall < TIME_RELEASE)
        return false;
    if (known != NULL && known->renewed) {
        int64_t elapsed = state_elapsed(&known->renewal, now);
        if (elapsed >= 0 && elapsed < TRY_AGAIN)
            return false;
    }
    if (source->code == PAIR_FAILED || source->code == PAIR_ABSENT)
        return true;
    int64_t left = source->not_after - now->wall;
    int64_t before = conf->renew_before > 0 ? (int64_t)conf->renew_before
                                            : (source->not_after - source->not_before) / 3;
    if (left >= before)
        return false;
    return r->seen.pairs[pair].next_key.code != PAIR_READ || left < LAST_DAYS ||
           next_key_is_ripe(r, pair);
}

/* 3.14: who wants another key at once, because somebody else has this one, has to know of it. */
static void tell_unchanged(struct rolling *r, const bool *wanted)
{
    const struct acting *a = &r->acting;
    const struct knowledge k = {a->conf, &r->state, &r->seen};
    struct fit_chain current;
    observe_pairs(&r->seen, a->conf, a->world, false);
    for (size_t i = 0; i < a->conf->pairs_count; i++) {
        const struct pair_found *source = &r->seen.pairs[i].source;
        if (!wanted[i] || source->code != PAIR_READ || !need_current(&k, i, &current) ||
            !state_same_key(&source->leaf, current.leaf))
            continue;
        world_say(a->world, LOG_LEVEL_ERROR,
                  "%s: 'renew' has brought no other key; see that it makes one now (certbot: "
                  "--force-renewal --new-key)",
                  a->conf->pairs[i].label);
        r->lasting_failed = true;
    }
}

void renew_pairs(struct rolling *r)
{
    struct acting *a = &r->acting;
    struct moment now;
    bool any = false;
    bool *wanted = arena_take(&r->look, a->conf->pairs_count, sizeof *wanted);
    if (wanted == NULL)
        return;
    world_now(a->world, &now);
    /* What is ripe is told by it. */
    r->seen.now = now;
    observe_pairs(&r->seen, a->conf, a->world, false);
    for (size_t i = 0; i < a->conf->pairs_count; i++) {
        if (!r->pair_wanted[i] || a->conf->pairs[i].renew.count == 0)
            continue;
        wanted[i] = r->options->wait || r->options->now || is_time(r, i, &now);
        if (!wanted[i])
            continue;
        any = true;
        struct state_pair *pair = state_pair_make(a->state, a->conf->pairs[i].label);
        if (pair == NULL)
            continue;
        pair->renewed = true;
        pair->renewal = now;
    }
    /* The try is noted before it is made: a renewer that kills the machine is not run every hour.
     */
    if (!any || act_save(a) != 0)
        return;
    act_renew(a, wanted);
    if (r->options->now && !r->options->rehearsal)
        tell_unchanged(r, wanted);
    r->lasting_failed = r->lasting_failed || r->pass.failed;
}
