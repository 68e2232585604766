#include "roll/rolling.h"

#include "roll/act.h"
#include "roll/act_command.h"
#include "roll/act_report.h"
#include "roll/report.h"
#include "roll/start.h"

#include <string.h>

/* Looks in one pass without waiting; a rotation needs five. */
#define ROUNDS_MOST 32
/* With waiting: passes that end in a passing fault, one after the other, before giving up. */
#define FAULTS_MOST 3
/* The least pause after such a pass, when the provider asked for none. */
#define FAULT_PAUSE 30
/* A step is awaited that DNS or a service decides: how often they are asked. */
#define POLL_PAUSE 5
/* A service that still shows a former leaf, asked again with waiting. */
#define OLD_PAUSE 30
#define OLDS_MOST 6
/* Connections outlive a pause of so many seconds; servers close idle ones after a minute or more,
 * and what was closed meanwhile is opened again. */
#define KEEP_OPEN 60
/* What providers and DNS showed serves so many seconds, unless something was written since. */
#define RECORDS_FRESH 5
/* While records are waited for, services are asked no more often. */
#define SERVICES_FRESH 60
/* What the pauses of a cron call may take together, seconds. */
#define PATIENCE 30
/* One look's lists and plan; some 300 octets a record. */
#define LOOK_MEMORY ((size_t)4 * 1024 * 1024)

const char *roll_unknown_host(const struct roll_options *options, const struct conf *conf)
{
    return start_unknown_host(conf, options->hosts, options->hosts_count);
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
    a->wrote = arena_take(arena, conf->hosts_count, sizeof *a->wrote);
    a->failed = arena_take(arena, conf->pairs_count, sizeof *a->failed);
    a->loaded = arena_take(arena, conf->pairs_count, sizeof *a->loaded);
    a->shown = arena_take(arena, conf->pairs_count, sizeof *a->shown);
    a->ask_services = a->ask_records = true;
    a->patience = r->options->wait ? INT64_MAX : PATIENCE;
    r->host_wanted = arena_take(arena, conf->hosts_count, sizeof *r->host_wanted);
    r->pair_wanted = arena_take(arena, conf->pairs_count, sizeof *r->pair_wanted);
    if (a->luck == NULL || a->writes == NULL || a->wrote == NULL || a->failed == NULL ||
        a->loaded == NULL || a->shown == NULL || r->host_wanted == NULL || r->pair_wanted == NULL)
        return -1;
    state_init(&r->state, arena);
    start_mark(conf, r->options->hosts, r->options->hosts_count, r->host_wanted, r->pair_wanted);
    return observe_make(&r->seen, conf, arena);
}

/*
 * Reads the state. A lost one is an ordinary first run; one that cannot be parsed is set aside and
 * said. One of a later version, or one that cannot be read, ends the call: -1.
 */
static int load_state(struct rolling *r, struct buf *saved)
{
    const struct world *world = r->acting.world;
    char words[WORLD_WORDS_SIZE];
    switch (start_state(world, &r->state, saved, words)) {
    case START_STATE_READ:
    case START_STATE_ABSENT:
        return 0;
    case START_STATE_DAMAGED:
        world_say(world, LOG_LEVEL_ERROR, "%s; it is set aside and its waits begin anew", words);
        world->local->set_state_aside(world->local_context);
        r->lasting_failed = true;
        return 0;
    case START_STATE_LATER:
    case START_STATE_UNREADABLE:
        break;
    }
    world_say(world, LOG_LEVEL_ERROR, "%s", words);
    return -1;
}

/* --- one look -------------------------------------------------------------------------------- */

static void report_listings(struct rolling *r)
{
    for (size_t h = 0; h < r->acting.conf->hosts_count; h++) {
        const struct observed_host *host = &r->seen.hosts[h];
        if (host->wanted && !host->listed && host->other_mx == NULL)
            act_report(&r->acting, h, "cannot list its TLSA records", &host->result);
    }
}

static int ask_services(struct rolling *r)
{
    if (!r->acting.ask_services)
        return 0;
    arena_release(&r->services);
    r->acting.ask_services = r->carried = false;
    world_now(r->acting.world, &r->services_asked);
    return observe_services(&r->seen, r->acting.conf, r->acting.world, &r->services);
}

static bool is_fresh(const struct moment *then, const struct moment *now, int64_t most)
{
    int64_t elapsed = state_elapsed(then, now);
    return elapsed >= 0 && elapsed < most;
}

/* Also where a host has come, or dropped out. */
static int ask_records(struct rolling *r, bool others)
{
    struct acting *a = &r->acting;
    struct moment now;
    world_now(a->world, &now);
    if (!a->ask_records && !others && is_fresh(&r->seen.now, &now, RECORDS_FRESH))
        return 0;
    arena_release(&r->records);
    a->ask_records = false;
    if (observe_records(&r->seen, a->conf, a->world, &r->records) != 0)
        return -1;
    report_listings(r);
    return 0;
}

/* A first round counts only if the second one follows it. */
static void drop_rounds(struct rolling *r, const struct plan *plan)
{
    for (size_t i = 0; i < r->acting.conf->pairs_count; i++) {
        bool goes_on = false;
        for (size_t k = 0; k < plan->actions_count; k++)
            goes_on =
                goes_on || (plan->actions[k].kind == PLAN_VERIFIED && plan->actions[k].pair == i);
        r->acting.shown[i] = r->acting.shown[i] && goes_on;
    }
}

/*
 * Looks, learns and plans. What was learnt is written before anything is done (act.h), so that a
 * key that was seen is never forgotten. 0, or -1 without memory.
 */
static int look(struct rolling *r, struct plan *plan)
{
    struct acting *a = &r->acting;
    const struct knowledge k = {a->conf, &r->state, &r->seen};
    const struct plan_options options = {r->options->now, a->loaded, a->shown};
    bool others = false;
    arena_release(&r->look);
    for (size_t h = 0; h < a->conf->hosts_count; h++) {
        bool wanted = r->host_wanted[h] && a->luck[h] == HOST_GOOD;
        others = others || wanted != r->seen.hosts[h].wanted;
        r->seen.hosts[h].wanted = wanted;
    }
    observe_pairs(&r->seen, a->conf, a->world, true);
    if (ask_services(r) != 0 || ask_records(r, others) != 0)
        return -1;
    if (learn(a->state, a->conf, &r->seen) != 0 || plan_make(plan, &k, &options, &r->look) != 0)
        return -1;
    drop_rounds(r, plan);
    return 0;
}

/* Whether every host was looked at: what was not said then no longer holds. */
static bool saw_all(const struct rolling *r)
{
    for (size_t h = 0; h < r->acting.conf->hosts_count; h++) {
        if (!r->seen.hosts[h].wanted || !r->seen.hosts[h].listed)
            return false;
    }
    return true;
}

/*
 * What services showed before a wait is good for waiting on, and for installing; before anything
 * else is done, above all before a record is retired (facts 2.4 b), they are asked.
 */
static bool is_to_ask(struct rolling *r, const struct plan *plan)
{
    bool ask = false;
    for (size_t i = 0; r->carried && i < plan->actions_count; i++)
        ask =
            ask || (plan->actions[i].kind != PLAN_INSTALL && plan->actions[i].kind != PLAN_RELOAD);
    r->acting.ask_services = r->acting.ask_services || ask;
    return ask;
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
        if (is_to_ask(r, plan))
            continue;
        report_plan(&r->acting, plan, REPORT_FIRST);
        enum act_result rc = act_plan(&r->acting, plan);
        if (rc == ACT_LOOK)
            continue;
        report_plan(&r->acting, plan, REPORT_REST);
        act_keep_failures(&r->acting);
        if (saw_all(r))
            state_said_sweep(&r->state);
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
    if (plan->next == PLAN_STEP_INSTALL)
        buf_printf(what, "%s: %s, when no cache can hold records without the new key",
                   conf->pairs[plan->next_index].label,
                   conf->pairs[plan->next_index].install == NULL ? "reload" : "install");
    else if (plan->next == PLAN_STEP_VISIBLE)
        buf_printf(what, "%s: waiting until every name server shows the new records",
                   conf->pairs[plan->next_index].label);
    else
        buf_printf(what, "%s: retire stale records", conf->hosts[plan->next_index].name);
    buf_duration(&in, plan->next_in);
    enum log_level level =
        r->options->wait || r->pass.changed ? LOG_LEVEL_NOTICE : LOG_LEVEL_DETAIL;
    if (plan->next == PLAN_STEP_VISIBLE)
        world_say(r->acting.world, level, "%s", what->data);
    else
        world_say(r->acting.world, level, "%s, in %s", what->data, text);
}

/* A pair that services have loaded, and that some of them do not show yet. */
static bool is_verifying(const struct rolling *r)
{
    for (size_t i = 0; i < r->acting.conf->pairs_count; i++) {
        const struct state_pair *pair = state_pair(&r->state, r->acting.conf->pairs[i].label);
        if (pair != NULL && r->pair_wanted[i] && pair->loading && !pair->verified)
            return true;
    }
    return false;
}

/* Name servers that do not show yet what this call wrote: all is done when they do. */
static bool is_settling(struct rolling *r, const struct plan *plan, struct buf *what)
{
    const struct conf *conf = r->acting.conf;
    for (size_t i = 0; i < plan->notes_count; i++) {
        size_t h = plan->notes[i].host;
        if (plan->notes[i].kind != PLAN_NOTE_LAGS || !act_settles(&r->acting, h) ||
            conf->hosts[h].propagation != CONF_PROPAGATION_ALL)
            continue;
        buf_printf(what, "%s: waiting until every name server shows what was written",
                   conf->hosts[h].name);
        world_say(r->acting.world, r->settling ? LOG_LEVEL_DETAIL : LOG_LEVEL_NOTICE, "%s",
                  what->data);
        r->settling = true;
        return true;
    }
    return false;
}

/* How long until it is worth looking again; -1: there is nothing to wait for. */
static int64_t pause_length(struct rolling *r, const struct plan *plan, unsigned *faults,
                            unsigned *olds)
{
    int64_t length = -1;
    if (plan->next != PLAN_STEP_NONE)
        length = plan->next == PLAN_STEP_VISIBLE ? POLL_PAUSE : plan->next_in;
    if (is_verifying(r) && ++*olds <= OLDS_MOST && (length < 0 || length > OLD_PAUSE))
        length = OLD_PAUSE;
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
static void begin_pass(struct rolling *r, const struct plan *plan)
{
    bool changed = r->pass.changed;
    struct moment now;
    world_now(r->acting.world, &now);
    r->carried = (plan->next == PLAN_STEP_VISIBLE || plan->next == PLAN_STEP_INSTALL) &&
                 !r->pass.later && !is_verifying(r) &&
                 is_fresh(&r->services_asked, &now, SERVICES_FRESH);
    r->pass = (struct outcome){.changed = changed};
    r->acting.later = 0;
    r->acting.ask_services = !r->carried;
    r->acting.ask_records = true;
    for (size_t h = 0; h < r->acting.conf->hosts_count; h++) {
        r->acting.writes[h] = 0;
        if (r->acting.luck[h] == HOST_LATER)
            r->acting.luck[h] = HOST_GOOD;
        else if (r->acting.luck[h] == HOST_OUT)
            r->lasting_failed = true;
    }
    for (size_t i = 0; i < r->acting.conf->pairs_count; i++) {
        r->lasting_failed = r->lasting_failed || r->acting.failed[i];
        r->acting.loaded[i] = false;
    }
}

/* When the next call has to look: at the next step, or for a look from time to time. */
static int64_t next_look(const struct rolling *r, const struct plan *plan)
{
    int64_t in = r->acting.conf->check_interval;
    if (r->pass.failed || r->pass.later || r->pass.usage || r->lasting_failed || is_verifying(r) ||
        !saw_all(r) || plan->next == PLAN_STEP_VISIBLE)
        return 0;
    return plan->next != PLAN_STEP_NONE && plan->next_in < in ? plan->next_in : in;
}

/* Passes until nothing is left to wait for. */
static void roll(struct rolling *r)
{
    const struct world *world = r->acting.world;
    unsigned faults = 0, olds = 0;
    for (;;) {
        char what[512] = "";
        struct buf b = BUF_OVER(what);
        struct plan plan = {0};
        enum act_result rc = take_steps(r, &plan);
        if (rc == ACT_END || world->local->stopped(world->local_context))
            break;
        if (plan.next != PLAN_STEP_NONE)
            say_next(r, &plan, &b);
        bool usage = r->pass.usage;
        int64_t length = r->options->wait ? pause_length(r, &plan, &faults, &olds) : -1;
        if (length < 0 && r->options->wait && is_settling(r, &plan, &b))
            length = POLL_PAUSE;
        if (length < 0) {
            (void)act_save(&r->acting);
            due_note(r, next_look(r, &plan));
            return;
        }
        if (b.used == 0)
            buf_text(&b, "looking again");
        (void)act_save(&r->acting);
        if (length > KEEP_OPEN)
            world->network->rest(world->network_context);
        if (world->local->wait(world->local_context, length, what))
            break;
        begin_pass(r, &plan);
        r->pass.usage = usage;
    }
    world_say(world, LOG_LEVEL_NOTICE, "stopped between two steps; the next run goes on");
    r->pass.later = true;
}

/* --------------------------------------------------------------------------------------------- */

/* `run --retry`: what was put back may be installed again. */
static void retry(struct rolling *r)
{
    for (size_t i = 0; i < r->acting.conf->pairs_count; i++) {
        struct state_pair *pair = state_pair(&r->state, r->acting.conf->pairs[i].label);
        if (pair == NULL || !r->pair_wanted[i])
            continue;
        pair->put_back = false;
        pair->tries = 0;
    }
}

/* Whether this call has to do more than look at the clock. */
static bool is_due(struct rolling *r)
{
    const struct roll_options *o = r->options;
    return o->wait || o->now || o->retry || o->hosts_count > 0 || !due_nothing(r);
}

struct outcome roll_run(const struct conf *conf, const struct world *world,
                        const struct roll_options *options, struct arena *arena)
{
    static char text[STATE_TEXT_SIZE];
    struct buf saved = BUF_OVER(text);
    struct rolling r = {.options = options,
                        .look = arena_make(LOOK_MEMORY),
                        .records = arena_make(LOOK_MEMORY),
                        .services = arena_make(LOOK_MEMORY)};
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
    if (options->retry)
        retry(&r);
    if (!options->no_renew)
        renew_pairs(&r);
    if (is_due(&r)) {
        roll(&r);
        (void)act_save(&r.acting);
    }
    r.pass.failed = r.pass.failed || r.lasting_failed;
    arena_release(&r.look);
    arena_release(&r.records);
    arena_release(&r.services);
    return r.pass;
}
