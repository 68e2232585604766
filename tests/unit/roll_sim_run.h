/*
 * The local half of the simulated world, and one call of the engine: sim_run.
 */
#ifndef TESTS_UNIT_ROLL_SIM_RUN_H
#define TESTS_UNIT_ROLL_SIM_RUN_H

#include "roll_sim_memory.h"
#include "roll_sim_world.h"

#define SIM_LIFE (90 * 86400)

/* --- pairs ----------------------------------------------------------------------------------- */

static inline void sim_found(const struct sim *s, size_t pair, unsigned leaf,
                             struct pair_found *found)
{
    found->code = leaf == SIM_NO_LEAF ? PAIR_ABSENT : PAIR_READ;
    if (leaf == SIM_NO_LEAF)
        return;
    found->leaf = *sim_leaf(leaf);
    found->issuers_count = 1;
    found->issuers[0] = *sim_issuer(leaf);
    found->algorithm = pair == 1 ? CERT_RSA : CERT_ECDSA;
    found->not_before = TIME_RELEASE + s->issued[leaf];
    found->not_after = found->not_before + SIM_LIFE;
}

static inline void sim_read_pair(void *context, size_t pair, enum world_place place,
                                 struct pair_found *found)
{
    struct sim *s = context;
    memset(found, 0, sizeof *found);
    sim_point(s, false);
    (void)snprintf(found->words, sizeof found->words, "simulated");
    switch (place) {
    case WORLD_SOURCE:
        sim_found(s, pair, s->disk[pair], found);
        if (s->torn[pair] || s->hidden[pair])
            found->code = s->torn[pair] ? PAIR_LATER : PAIR_FAILED;
        s->read[pair] = found->code == PAIR_READ ? s->disk[pair] : SIM_NO_LEAF;
        break;
    case WORLD_CURRENT:
        sim_found(s, pair, s->current[pair], found);
        break;
    case WORLD_PREVIOUS:
        sim_found(s, pair, s->previous[pair], found);
        break;
    case WORLD_NEXT_KEY:
        sim_found(s, pair, s->next_key[pair], found);
        memset(found->leaf.certificate256, 0, sizeof found->leaf.certificate256);
        memset(found->leaf.certificate512, 0, sizeof found->leaf.certificate512);
        found->issuers_count = 0;
        break;
    }
}

static inline void sim_check_pair(void *context, size_t pair, struct pair_found *found)
{
    const struct sim *s = context;
    if ((s->unfit & sim_bit(s->disk[pair])) != 0)
        found->code = PAIR_UNFIT;
}

static inline void sim_make_current(struct sim *s, size_t pair, unsigned leaf)
{
    sim_tell(s, "pair %zu: leaf %u is current", pair, leaf);
    s->installs++;
    s->current[pair] = leaf;
    sim_live(s, pair, SIM_BY_US);
}

static inline bool sim_is_leaf(unsigned number, const struct cert_digests *leaf)
{
    return number != SIM_NO_LEAF && state_same_leaf(sim_leaf(number), leaf);
}

static inline int sim_install(void *context, size_t pair, const struct cert_digests *leaf,
                              char words[WORLD_WORDS_SIZE])
{
    struct sim *s = context;
    (void)snprintf(words, WORLD_WORDS_SIZE, "injected");
    sim_point(s, true);
    if (sim_takes(s, SIM_INSTALL_FAILS))
        return INSTALL_FAILED;
    if (s->torn[pair] || s->hidden[pair] || !sim_is_leaf(s->disk[pair], leaf))
        return INSTALL_LATER;
    if ((s->unfit & sim_bit(s->disk[pair])) != 0)
        sim_breach(s, "pair %zu: what must not be used is installed", pair);
    if (s->current[pair] == s->disk[pair])
        return INSTALL_SAME;
    if (s->current[pair] != SIM_NO_LEAF)
        s->previous[pair] = s->current[pair];
    sim_point(s, false);
    sim_make_current(s, pair, s->disk[pair]);
    sim_point(s, true);
    return INSTALL_CHANGED;
}

/* DNS does not vouch for what is installed: to put the former one back is then the lesser evil. */
static inline bool sim_is_outage(struct sim *s, size_t pair)
{
    for (size_t o = 0; o < s->owners_count; o++) {
        const struct sim_owner *owner = &s->owners[o];
        if (sim_host_has(s, owner->host, pair) &&
            (sim_accepted(&s->owners[o])->fits & sim_bit(s->current[pair])) == 0)
            return true;
    }
    return false;
}

static inline int sim_put_back(void *context, size_t pair, const struct cert_digests *leaf,
                               char words[WORLD_WORDS_SIZE])
{
    struct sim *s = context;
    (void)snprintf(words, WORLD_WORDS_SIZE, "injected");
    sim_point(s, true);
    if (sim_takes(s, SIM_INSTALL_FAILS))
        return INSTALL_FAILED;
    if (sim_is_leaf(s->current[pair], leaf))
        return INSTALL_SAME;
    if (!sim_is_leaf(s->previous[pair], leaf))
        return INSTALL_ABSENT;
    unsigned former = s->current[pair];
    sim_excuse(s, pair, sim_bit(s->previous[pair]), !sim_is_outage(s, pair));
    sim_make_current(s, pair, s->previous[pair]);
    sim_point(s, false);
    s->previous[pair] = former;
    sim_point(s, true);
    return INSTALL_CHANGED;
}

static inline int sim_drop_previous(void *context, size_t pair, char words[WORLD_WORDS_SIZE])
{
    struct sim *s = context;
    (void)snprintf(words, WORLD_WORDS_SIZE, "injected");
    sim_point(s, true);
    if (sim_takes(s, SIM_INSTALL_FAILS))
        return INSTALL_FAILED;
    if (s->previous[pair] == SIM_NO_LEAF)
        return INSTALL_SAME;
    s->previous[pair] = SIM_NO_LEAF;
    s->installs++;
    sim_point(s, true);
    return INSTALL_CHANGED;
}

/* --- state, hooks, clock --------------------------------------------------------------------- */

static inline int sim_load_state(void *context, char *text, size_t size,
                                 char words[WORLD_WORDS_SIZE])
{
    struct sim *s = context;
    (void)words;
    sim_point(s, true);
    if (s->state_length < 0)
        return WORLD_STATE_ABSENT;
    assert_true((size_t)s->state_length <= size);
    memcpy(text, s->state, (size_t)s->state_length);
    return s->state_length;
}

static inline int sim_save_state(void *context, const char *text, size_t length,
                                 char words[WORLD_WORDS_SIZE])
{
    struct sim *s = context;
    sim_point(s, true);
    bool fails_after = sim_takes(s, SIM_SAVE_FAILS_AFTER);
    (void)snprintf(words, WORLD_WORDS_SIZE, "injected");
    s->unsaved = sim_takes(s, SIM_SAVE_FAILS);
    if (s->unsaved)
        return WORLD_STATE_FAILED;
    assert_true(length < sizeof s->state);
    s->saves++;
    memcpy(s->state, text, length);
    s->state[length] = '\0';
    s->state_length = (int)length;
    sim_point(s, true);
    return fails_after ? WORLD_STATE_FAILED : 0;
}

static inline void sim_set_state_aside(void *context)
{
    struct sim *s = context;
    sim_breach(s, "the engine cannot read its own state");
    s->state_length = -1;
}

static inline int sim_load_look(void *context, char *text, size_t size)
{
    struct sim *s = context;
    if (s->look_length < 0 || (size_t)s->look_length > size)
        return -1;
    memcpy(text, s->look, (size_t)s->look_length);
    return s->look_length;
}

static inline void sim_save_look(void *context, const char *text, size_t length)
{
    struct sim *s = context;
    sim_point(s, true);
    if (sim_takes(s, SIM_SAVE_FAILS))
        return;
    assert_true(length < sizeof s->look);
    s->looks++;
    memcpy(s->look, text, length);
    s->look_length = (int)length;
    sim_point(s, true);
}

static inline void sim_renew_by_hook(struct sim *s, const char *command)
{
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        const struct conf_list *renew = &s->trial.pairs[p].renew;
        for (size_t k = 0; k < renew->count; k++) {
            if (strcmp(renew->items[k], command) == 0)
                sim_renew(s, p, SIM_RENEW_KEY);
        }
    }
}

static inline void sim_run_hook(void *context, const struct world_hook *hook,
                                struct world_hook_result *result)
{
    struct sim *s = context;
    sim_point(s, false);
    s->hooks++;
    (void)snprintf(result->words, sizeof result->words, "injected");
    bool fails = sim_takes(s, SIM_HOOK_FAILS), fails_after = sim_takes(s, SIM_HOOK_FAILS_AFTER);
    sim_tell(s, "hook %s '%s'%s", hook->event, hook->command, fails ? " fails" : "");
    if (!fails && strcmp(hook->event, "renew") == 0)
        sim_renew_by_hook(s, hook->command);
    else if (!fails)
        sim_command(s, hook->command);
    result->succeeded = !fails && !fails_after;
    sim_point(s, true);
}

static inline void sim_now(void *context, struct moment *now)
{
    const struct sim *s = context;
    char boot[TIME_BOOT_SIZE];
    (void)snprintf(boot, sizeof boot, "boot-%u", s->boot);
    *now = trial_moment(boot, s->now - s->boot_start, TIME_RELEASE + s->now + s->wall_error,
                        s->proven);
}

static inline bool sim_wait(void *context, int64_t seconds, const char *what)
{
    struct sim *s = context;
    (void)what;
    sim_point(s, true);
    if (++s->waits > SIM_WAITS_MOST)
        s->stopped = true;
    sim_pass(s, seconds + 1);
    sim_point(s, true);
    return s->stopped;
}

static inline bool sim_stopped(void *context)
{
    const struct sim *s = context;
    return s->stopped;
}

static inline void sim_say(void *context, enum log_level level, const char *text)
{
    sim_tell(context, "    %d %s", (int)level, text);
}

static const struct world_network sim_network = {sim_list,     sim_add,   sim_remove, sim_look_up,
                                                 sim_other_mx, sim_probe, sim_proves, sim_rest};
static const struct world_local sim_local = {
    .read_pair = sim_read_pair,
    .check_pair = sim_check_pair,
    .install = sim_install,
    .put_back = sim_put_back,
    .drop_previous = sim_drop_previous,
    .load_state = sim_load_state,
    .save_state = sim_save_state,
    .set_state_aside = sim_set_state_aside,
    .load_look = sim_load_look,
    .save_look = sim_save_look,
    .run_hook = sim_run_hook,
    .now = sim_now,
    .wait = sim_wait,
    .stopped = sim_stopped,
    .say = sim_say,
};

/* --- making and running ---------------------------------------------------------------------- */

/* An empty world; then its pairs and hosts are added, then sim_begin. */
static inline void sim_init(struct sim *s, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    trial_init(&s->trial);
    s->random = seed * UINT64_C(2654435769) + 88172645463325252U;
    s->now = 1000000;
    s->proven = s->dated = true;
    s->state_length = s->look_length = -1;
    s->late = 900;
    s->world = (struct world){&sim_network, s, &sim_local, s};
}

static inline void sim_add_address(struct sim *s, size_t o, enum sim_manner manner)
{
    struct sim_owner *owner = &s->owners[o];
    struct sim_address *address = &owner->addresses[owner->addresses_count++];
    address->manner = manner;
    if (manner == SIM_STRANGER) {
        address->slots[SIM_PAIRS] =
            (struct sim_slot){.there = true, .served = SIM_OURS + (unsigned)o % SIM_STRANGERS};
        return;
    }
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        if (sim_host_has(s, owner->host, p))
            address->slots[p] = (struct sim_slot){.there = true, .served = s->disk[p]};
    }
}

/*
 * Owner names from the configuration, empty; each pair's first leaf on disk, and served. INSTALLED:
 * it lies in the folders too.
 */
static inline void sim_begin(struct sim *s, bool installed)
{
    for (size_t p = 0; p < s->trial.conf.pairs_count; p++) {
        s->disk[p] = s->former[p] = (unsigned)p * SIM_KEYS * 2;
        s->current[p] = installed && sim_is_staged(s, p) ? s->disk[p] : SIM_NO_LEAF;
        s->previous[p] = s->next_key[p] = SIM_NO_LEAF;
        s->issued[s->disk[p]] = s->now;
    }
    for (size_t h = 0; h < s->trial.conf.hosts_count; h++) {
        for (size_t i = 0; i < s->trial.hosts[h].services_count; i++) {
            struct sim_owner *o = &s->owners[s->owners_count++];
            o->host = h;
            o->service = i;
            o->sets[0].fits = UINT32_MAX;
            assert_int_equal(
                tlsa_owner(o->owner, s->trial.hosts[h].services[i].port, s->trial.hosts[h].name),
                0);
        }
    }
}

/* One call of the engine. */
static inline void sim_run_with(struct sim *s, const struct roll_options *options)
{
    s->memory = arena_make(TRIAL_MEMORY);
    s->crashed = s->stopped = s->unsaved = false;
    for (size_t p = 0; p < SIM_PAIRS; p++)
        s->read[p] = SIM_NO_LEAF;
    s->waits = 0;
    memset(&s->outcome, 0, sizeof s->outcome);
    sim_tell(s, "run%s", options->wait ? " --wait" : "");
    if (setjmp(s->crash) == 0)
        s->outcome = roll_run(&s->trial.conf, &s->world, options, &s->memory);
    sim_free_memory();
}

static inline void sim_run(struct sim *s, bool wait)
{
    const struct roll_options options = {.wait = wait, .no_renew = true};
    sim_run_with(s, &options);
}

#endif
