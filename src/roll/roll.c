#include "roll/roll.h"

#include "base/name.h"

#include <string.h>

/* Looks in one pass without waiting; a rotation needs five. */
#define ROUNDS_MOST 32
/* With waiting: passes that end in a passing fault, one after the other, before giving up. */
#define FAULTS_MOST 3
/* The least pause after such a pass, when the provider asked for none. */
#define FAULT_PAUSE 30
/* One look's lists and plan; some 300 octets a record. */
#define LOOK_MEMORY ((size_t)4 * 1024 * 1024)

const char *roll_unknown_host(const struct roll_options *options, const struct conf *conf)
{
    for (size_t i = 0; i < options->hosts_count; i++) {
        bool known = false;
        for (size_t h = 0; h < conf->hosts_count; h++)
            known = known || name_equal(options->hosts[i], conf->hosts[h].name) ||
                    strcmp(options->hosts[i], conf->hosts[h].label) == 0;
        if (!known)
            return options->hosts[i];
    }
    return NULL;
}

struct rolling {
    struct acting acting;
    const struct roll_options *options;
    struct state state;
    struct observation seen;
    struct outcome pass; /* of the pass under way */
    bool lasting_failed; /* a hook failed, or the state: no later pass mends it */
    bool *host_wanted, *pair_wanted;
    bool *pair_said; /* its files' fault was told */
    struct arena look;
};

static bool named(const struct roll_options *options, const struct conf_host *host)
{
    for (size_t i = 0; i < options->hosts_count; i++) {
        if (name_equal(options->hosts[i], host->name) ||
            strcmp(options->hosts[i], host->label) == 0)
            return true;
    }
    return options->hosts_count == 0;
}

/*
 * The hosts asked for, and those that share a pair with one: a pair is rolled for all of its hosts
 * or for none.
 */
static void want_hosts(struct rolling *r, const struct conf *conf)
{
    bool grown = true;
    for (size_t h = 0; h < conf->hosts_count; h++)
        r->host_wanted[h] = named(r->options, &conf->hosts[h]);
    while (grown) {
        grown = false;
        for (size_t h = 0; h < conf->hosts_count; h++) {
            for (size_t i = 0; i < conf->hosts[h].pairs_count; i++) {
                size_t pair = conf->hosts[h].pairs[i];
                if (r->host_wanted[h] && !r->pair_wanted[pair])
                    grown = r->pair_wanted[pair] = true;
                else if (r->pair_wanted[pair] && !r->host_wanted[h])
                    grown = r->host_wanted[h] = true;
            }
        }
    }
}

static int prepare(struct rolling *r, const struct conf *conf, const struct world *world,
                   struct arena *arena)
{
    struct acting *a = &r->acting;
    memset(a, 0, sizeof *a);
    a->conf = conf;
    a->world = world;
    a->state = &r->state;
    a->seen = &r->seen;
    a->outcome = &r->pass;
    a->luck = arena_take(arena, conf->hosts_count, sizeof *a->luck);
    a->writes = arena_take(arena, conf->hosts_count, sizeof *a->writes);
    a->reload_failed = arena_take(arena, conf->pairs_count, sizeof *a->reload_failed);
    r->host_wanted = arena_take(arena, conf->hosts_count, sizeof *r->host_wanted);
    r->pair_wanted = arena_take(arena, conf->pairs_count, sizeof *r->pair_wanted);
    r->pair_said = arena_take(arena, conf->pairs_count, sizeof *r->pair_said);
    if (a->luck == NULL || a->writes == NULL || a->reload_failed == NULL ||
        r->host_wanted == NULL || r->pair_wanted == NULL || r->pair_said == NULL)
        return -1;
    state_init(&r->state, arena);
    want_hosts(r, conf);
    return observe_make(&r->seen, conf, arena);
}

/*
 * Reads the state. A lost one is an ordinary first run; one that cannot be parsed is set aside and
 * said. One of a later version, or one that cannot be read, ends the call: -1.
 */
static int load_state(struct rolling *r, struct buf *saved)
{
    const struct world *world = r->acting.world;
    char words[WORLD_WORDS_SIZE] = "";
    int length = world->local->load_state(world->local_context, saved->data, saved->size, words);
    int rc = 0;
    if (length == WORLD_STATE_FAILED) {
        world_say(world, LOG_LEVEL_ERROR, "cannot read the state: %s", words);
        return -1;
    }
    if (length > 0)
        rc = state_parse(&r->state, saved->data, (size_t)length);
    if (rc == STATE_VERSION || rc == STATE_NO_MEMORY) {
        world_say(world, LOG_LEVEL_ERROR,
                  "the state file is a later daneroll's; install that one again, or move it away");
        return -1;
    }
    if (rc == 0 && length > 0) {
        saved->used = (size_t)length;
        return 0;
    }
    buf_reset(saved);
    if (length < 0)
        return 0;
    world_say(world, LOG_LEVEL_ERROR,
              "the state file is damaged; it is set aside and its waits begin anew");
    world->local->set_state_aside(world->local_context);
    r->lasting_failed = true;
    return 0;
}

/* --- one look -------------------------------------------------------------------------------- */

static void report_pairs(struct rolling *r)
{
    const struct acting *a = &r->acting;
    for (size_t i = 0; i < a->conf->pairs_count; i++) {
        const struct world_pair *pair = &r->seen.pairs[i];
        if (!r->pair_wanted[i] || pair->code == WORLD_PAIR_READ)
            continue;
        if (pair->code == WORLD_PAIR_LATER)
            r->pass.later = true;
        else
            r->pass.failed = true;
        if (!r->pair_said[i])
            world_say(a->world, LOG_LEVEL_ERROR, "%s: %s", a->conf->pairs[i].label, pair->words);
        r->pair_said[i] = true;
    }
}

static void report_listings(struct rolling *r)
{
    for (size_t h = 0; h < r->acting.conf->hosts_count; h++) {
        const struct observed_host *host = &r->seen.hosts[h];
        if (host->wanted && !host->listed)
            act_report(&r->acting, h, "cannot list its TLSA records", &host->result);
    }
}

static void report_note(struct rolling *r, const struct plan_note *note)
{
    const struct acting *a = &r->acting;
    char text[TLSA_TEXT_SIZE];
    struct buf b = BUF_OVER(text);
    if (note->kind == PLAN_NOTE_HELD) {
        world_say(a->world, LOG_LEVEL_DETAIL,
                  "%s: its reload waits for %s, which shares a command and is not ready",
                  a->conf->pairs[note->pair].label, a->conf->pairs[note->other].label);
        return;
    }
    if (note->kind == PLAN_NOTE_NO_RELOAD) {
        world_say(a->world, r->pass.changed ? LOG_LEVEL_WARNING : LOG_LEVEL_DETAIL,
                  "%s: renewed, but it has no `reload`: the records of its former key stay",
                  a->conf->pairs[note->pair].label);
        return;
    }
    const struct conf_host *host = &a->conf->hosts[note->host];
    const char *owner = r->seen.hosts[note->host].sets[note->service].owner;
    struct state_record *known = state_record_make(a->state, owner, &note->record);
    /* Told once: a cron line would say it for ever. */
    enum log_level level = known != NULL && known->said ? LOG_LEVEL_DETAIL : LOG_LEVEL_WARNING;
    if (known != NULL)
        known->said = true;
    tlsa_brief(&b, &note->record);
    if (note->kind == PLAN_NOTE_STALE)
        world_say(a->world, level,
                  "%s: %s %s fits no key known here and is not ours: left alone; 'adopt = yes' "
                  "retires it",
                  host->name, owner, text);
    else
        world_say(
            a->world, level,
            "%s: %s %s names an issuer: left alone; see to it that the chain keeps fitting it",
            host->name, owner, text);
}

/*
 * Looks, learns and plans. The state is written before anything is done, so that a key that was
 * seen is never forgotten. 0, or -1 without memory.
 */
static int look(struct rolling *r, struct plan *plan)
{
    struct acting *a = &r->acting;
    arena_release(&r->look);
    for (size_t h = 0; h < a->conf->hosts_count; h++)
        r->seen.hosts[h].wanted = r->host_wanted[h] && a->luck[h] == HOST_GOOD;
    observe_pairs(&r->seen, a->conf, a->world);
    report_pairs(r);
    if (observe_learn_pairs(a->state, a->conf, &r->seen) != 0)
        return -1;
    observe_records(&r->seen, a->conf, a->world, &r->look);
    report_listings(r);
    if (observe_learn_records(a->state, a->conf, &r->seen) != 0 ||
        plan_make(plan, a->conf, a->state, &r->seen, &r->look) != 0)
        return -1;
    for (size_t i = 0; i < plan->notes_count; i++)
        report_note(r, &plan->notes[i]);
    (void)act_save(a);
    return 0;
}

/* Looks and acts until nothing is due. */
static enum act_result take_steps(struct rolling *r, struct plan *plan)
{
    for (size_t round = 0; round < ROUNDS_MOST; round++) {
        if (look(r, plan) != 0) {
            world_say(r->acting.world, LOG_LEVEL_ERROR, "out of memory");
            r->pass.failed = true;
            return ACT_NOTHING;
        }
        enum act_result rc = act_plan(&r->acting, plan);
        if (rc != ACT_LOOK)
            return rc;
    }
    world_say(r->acting.world, LOG_LEVEL_ERROR,
              "the records keep changing while they are looked at; the next run goes on");
    r->pass.later = true;
    return ACT_NOTHING;
}

/* --- waiting --------------------------------------------------------------------------------- */

static void say_next(struct rolling *r, const struct plan *plan, struct buf *what)
{
    const struct conf *conf = r->acting.conf;
    char text[64];
    struct buf in = BUF_OVER(text);
    if (plan->next == PLAN_STEP_RELOAD)
        buf_printf(what, "%s: reload, when no cache can hold records without the new key",
                   conf->pairs[plan->next_index].label);
    else
        buf_printf(what, "%s: retire stale records", conf->hosts[plan->next_index].name);
    buf_duration(&in, plan->next_in);
    world_say(r->acting.world,
              r->options->wait || r->pass.changed ? LOG_LEVEL_NOTICE : LOG_LEVEL_DETAIL,
              "%s, in %s", what->data, text);
}

/* How long until it is worth looking again; -1: there is nothing to wait for. */
static int64_t pause_length(struct rolling *r, const struct plan *plan, unsigned *faults)
{
    int64_t length = -1;
    if (plan->next != PLAN_STEP_NONE)
        length = plan->next_in;
    if (!r->pass.later)
        *faults = 0;
    else if (++*faults < FAULTS_MOST) {
        int64_t pause = r->acting.later > FAULT_PAUSE ? r->acting.later : FAULT_PAUSE;
        if (length < 0 || pause < length)
            length = pause;
    }
    return length;
}

/* Ready for the next pass: a passing fault may have passed. */
static void begin_pass(struct rolling *r)
{
    bool changed = r->pass.changed;
    r->pass = (struct outcome){.changed = changed};
    r->acting.later = 0;
    for (size_t h = 0; h < r->acting.conf->hosts_count; h++) {
        r->acting.writes[h] = 0;
        if (r->acting.luck[h] == HOST_LATER)
            r->acting.luck[h] = HOST_GOOD;
        else if (r->acting.luck[h] == HOST_OUT)
            r->lasting_failed = true;
    }
    for (size_t i = 0; i < r->acting.conf->pairs_count; i++)
        r->lasting_failed = r->lasting_failed || r->acting.reload_failed[i];
}

static void roll(struct rolling *r)
{
    const struct world *world = r->acting.world;
    unsigned faults = 0;
    for (;;) {
        char what[512] = "";
        struct buf b = BUF_OVER(what);
        struct plan plan = {0};
        enum act_result rc = take_steps(r, &plan);
        if (rc == ACT_END || world->local->stopped(world->local_context))
            break;
        if (plan.next != PLAN_STEP_NONE)
            say_next(r, &plan, &b);
        if (!r->options->wait)
            return;
        bool usage = r->pass.usage;
        int64_t length = pause_length(r, &plan, &faults);
        if (length < 0)
            return;
        if (plan.next == PLAN_STEP_NONE)
            buf_text(&b, "trying again");
        world->network->rest(world->network_context);
        if (world->local->wait(world->local_context, length, what))
            break;
        begin_pass(r);
        r->pass.usage = usage;
    }
    world_say(world, LOG_LEVEL_NOTICE, "stopped between two steps; the next run goes on");
    r->pass.later = true;
}

/*
 * `renew`, after what stands in `certificate` now was noted: that is the key in use until a reload
 * that comes after the replacement has succeeded.
 */
static void renew(struct rolling *r)
{
    struct acting *a = &r->acting;
    observe_pairs(&r->seen, a->conf, a->world);
    if (observe_learn_pairs(a->state, a->conf, &r->seen) != 0 || act_save(a) != 0) {
        world_say(a->world, LOG_LEVEL_ERROR,
                  "nothing is renewed: the key in use could not be noted");
        r->lasting_failed = true;
        return;
    }
    act_renew(a, r->pair_wanted);
    r->lasting_failed = r->lasting_failed || r->pass.failed;
}

struct outcome roll_run(const struct conf *conf, const struct world *world,
                        const struct roll_options *options, struct arena *arena)
{
    static char text[STATE_TEXT_SIZE];
    struct buf saved = BUF_OVER(text);
    struct rolling r = {.options = options, .look = arena_make(LOOK_MEMORY)};
    if (prepare(&r, conf, world, arena) != 0) {
        world_say(world, LOG_LEVEL_ERROR, "out of memory");
        r.pass.failed = true;
        return r.pass;
    }
    r.acting.saved = &saved;
    if (load_state(&r, &saved) != 0) {
        r.pass.failed = true;
        return r.pass;
    }
    if (options->renew)
        renew(&r);
    roll(&r);
    (void)act_save(&r.acting);
    r.pass.failed = r.pass.failed || r.lasting_failed;
    arena_release(&r.look);
    return r.pass;
}
