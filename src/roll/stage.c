#include "roll/stage.h"

const char stage_names[][STAGE_WORD_SIZE] = {
    [STAGE_OUTAGE] = "outage",         [STAGE_PUT_BACK] = "put-back",
    [STAGE_BLOCKED] = "blocked",       [STAGE_UNKNOWN] = "unknown",
    [STAGE_PUBLISHING] = "publishing", [STAGE_WAITING] = "waiting",
    [STAGE_READY] = "ready",           [STAGE_LOADING] = "loading",
    [STAGE_VERIFYING] = "verifying",   [STAGE_RETIRING] = "retiring",
    [STAGE_LEAVING] = "leaving",       [STAGE_LEFT] = "left",
    [STAGE_STEADY] = "steady",
};

const char stage_step_names[][STAGE_WORD_SIZE] = {
    [PLAN_FILL] = "install",
    [PLAN_PUT_BACK] = "put-back",
    [PLAN_ADD] = "publish",
    [PLAN_INSTALL] = "install",
    [PLAN_RELOAD] = "reload",
    [PLAN_ROUND] = "verify",
    [PLAN_VERIFIED] = "verify",
    [PLAN_REMOVE] = "retire",
    [PLAN_DROP_PREVIOUS] = "drop-former",
    [STAGE_STEP_NONE] = "",
    [STAGE_STEP_SEE] = "be-visible",
    [STAGE_STEP_SHOW] = "be-served",
};

/* --- the plan -------------------------------------------------------------------------------- */

static bool is_of_record(const struct plan_action *action)
{
    return action->kind == PLAN_ADD || action->kind == PLAN_REMOVE;
}

/* Whether an action is the pair's: of itself, or of a record of its keys. */
static bool is_of_pair(const struct survey *s, const struct plan_action *action, size_t pair)
{
    struct need needs[NEED_MOST];
    if (!is_of_record(action))
        return action->pair == pair;
    for (size_t i = need_own(&s->k, action->host, needs); i-- > 0;) {
        if (needs[i].pair == pair &&
            fit_matches(action->kind == PLAN_ADD ? &action->record : &action->target->tlsa,
                        &needs[i].chain))
            return true;
    }
    return false;
}

/* The first kind of action that the plan has for this pair; STAGE_STEP_NONE: none. */
static unsigned first_action(const struct survey *s, size_t pair)
{
    unsigned first = STAGE_STEP_NONE;
    for (size_t i = 0; i < s->plan.actions_count; i++) {
        const struct plan_action *action = &s->plan.actions[i];
        if (action->kind < first && is_of_pair(s, action, pair))
            first = action->kind;
    }
    return first;
}

static bool has_note(const struct survey *s, enum plan_note_kind kind, size_t pair)
{
    for (size_t i = 0; i < s->plan.notes_count; i++) {
        if (s->plan.notes[i].kind == kind && s->plan.notes[i].pair == pair)
            return true;
    }
    return false;
}

static bool is_outage_at(const struct survey *s, size_t h, size_t v)
{
    return survey_noted(s, PLAN_NOTE_OUTAGE, h, v) || survey_noted(s, PLAN_NOTE_OTHER, h, v) ||
           survey_noted(s, PLAN_NOTE_BOGUS, h, v);
}

static bool is_out(const struct survey *s, size_t pair)
{
    struct verify_sum sum;
    bool looked;
    verify_pair(&s->k, pair, &sum, &looked);
    return sum.others > 0 && is_outage_at(s, sum.host, sum.service);
}

/* --- times ----------------------------------------------------------------------------------- */

int64_t stage_ripe_in(const struct survey *s, size_t pair, const struct cert_digests *leaf)
{
    int64_t longest = 0;
    for (size_t h = 0; h < s->conf->hosts_count; h++) {
        const struct conf_host *host = &s->conf->hosts[h];
        for (size_t v = 0; need_has_pair(host, pair) && v < host->services_count; v++) {
            bool cut_short;
            int64_t left = learn_left(&s->k, h, v, leaf, false, &cut_short);
            /* What `propagation` adds is learnt by asking. */
            if (left < 0 ||
                !(s->seen.hosts[h].views[v].asked || host->propagation == CONF_PROPAGATION_ALL))
                return -1;
            longest = left > longest ? left : longest;
        }
    }
    return longest;
}

/* --- one pair -------------------------------------------------------------------------------- */

/* What its hosts say together. */
struct hosts_of {
    bool listed;     /* some provider was asked */
    bool misnamed;   /* the MX records of one name others */
    int64_t retires; /* seconds until the first record of a former key may go; -1: not known */
};

static struct hosts_of hosts_of(const struct survey *s, size_t pair, const struct state_pair *state)
{
    struct hosts_of of = {false, false, -1};
    for (size_t h = 0; h < s->conf->hosts_count; h++) {
        const struct conf_host *host = &s->conf->hosts[h];
        const struct observed_host *seen = &s->seen.hosts[h];
        int64_t left = s->plan.retire_in[h];
        if (!need_has_pair(host, pair))
            continue;
        of.listed = of.listed || seen->listed;
        of.misnamed = of.misnamed || seen->other_mx != NULL;
        if (!seen->listed && state != NULL)
            left = host->waits.retire - state_elapsed(&state->verification, &s->seen.now);
        if (left >= 0 && (of.retires < 0 || left < of.retires))
            of.retires = left;
    }
    return of;
}

/* The source is to be installed. */
static struct stage_of of_due(const struct survey *s, size_t pair, bool listed)
{
    const unsigned step = s->conf->pairs[pair].install == NULL ? PLAN_RELOAD : PLAN_INSTALL;
    int64_t in = listed ? s->plan.pairs[pair].ripe_in
                        : stage_ripe_in(s, pair, &s->seen.pairs[pair].source.leaf);
    if (in < 0)
        return (struct stage_of){STAGE_PUBLISHING, STAGE_STEP_SEE, -1};
    if (in > 0)
        return (struct stage_of){STAGE_WAITING, step, in};
    /* Where the plan has no action for it, another pair comes first; or nobody was asked. */
    return (struct stage_of){STAGE_READY, step, listed ? -1 : 0};
}

/* What services are meant to serve is what there is. */
static struct stage_of of_current(const struct survey *s, size_t pair,
                                  const struct state_pair *state, const struct hosts_of *hosts)
{
    if (state == NULL || state->leafs == NULL)
        return (struct stage_of){STAGE_UNKNOWN, STAGE_STEP_NONE, -1};
    if (state->reload)
        return (struct stage_of){STAGE_LOADING, PLAN_RELOAD, hosts->listed ? -1 : 0};
    if (!state->verified)
        return (struct stage_of){STAGE_VERIFYING, STAGE_STEP_SHOW, -1};
    if (state->leafs->next == NULL && s->seen.pairs[pair].previous.code == PAIR_ABSENT)
        return (struct stage_of){STAGE_STEADY, STAGE_STEP_NONE, -1};
    return (struct stage_of){STAGE_RETIRING,
                             hosts->retires < 0 ? (unsigned)STAGE_STEP_NONE : PLAN_REMOVE,
                             hosts->retires};
}

struct stage_of stage_of_pair(const struct survey *s, size_t pair)
{
    const struct state_pair *state = state_pair(&s->state, s->conf->pairs[pair].label);
    const struct hosts_of hosts = hosts_of(s, pair, state);
    const bool due = s->plan.pairs[pair].due;
    const unsigned action = first_action(s, pair);
    struct stage_of of = due ? of_due(s, pair, hosts.listed) : of_current(s, pair, state, &hosts);
    /* What is done meanwhile for a pair that is to be replaced is no step of its own. */
    if (action <= PLAN_RELOAD || (action != STAGE_STEP_NONE && !due)) {
        of.step = action;
        of.in = 0;
    }
    if (action == PLAN_FILL)
        of.stage = STAGE_READY;
    else if (action == PLAN_ADD && !due)
        of.stage = STAGE_PUBLISHING;
    /* Nothing more is done for it before somebody acts. */
    if (hosts.misnamed || has_note(s, PLAN_NOTE_BLOCKED, pair) ||
        has_note(s, PLAN_NOTE_UNFIT, pair)) {
        of.stage = STAGE_BLOCKED;
        if (of.step > STAGE_STEP_NONE)
            of.step = STAGE_STEP_NONE;
    }
    if (has_note(s, PLAN_NOTE_PUT_BACK, pair))
        of.stage = STAGE_PUT_BACK;
    if (action == PLAN_PUT_BACK || is_out(s, pair))
        of.stage = STAGE_OUTAGE;
    return of;
}

/* --- hosts ----------------------------------------------------------------------------------- */

static enum stage sooner(enum stage a, enum stage b)
{
    return a < b ? a : b;
}

/* What holds at one service, whatever the pairs. */
static enum stage stage_of_service(const struct survey *s, size_t h, size_t v)
{
    const struct world_view *view = &s->seen.hosts[h].views[v];
    for (size_t i = 0; i < view->servers_count; i++) {
        if (survey_misfit(s, h, v, &view->servers[i]) != NULL)
            return STAGE_OUTAGE;
    }
    if (is_outage_at(s, h, v))
        return STAGE_OUTAGE;
    if (survey_noted(s, PLAN_NOTE_NO_STARTTLS, h, v))
        return STAGE_BLOCKED;
    for (size_t i = 0; i < s->plan.actions_count; i++) {
        const struct plan_action *a = &s->plan.actions[i];
        if (is_of_record(a) && a->host == h && a->service == v)
            return a->kind == PLAN_ADD ? STAGE_PUBLISHING : STAGE_RETIRING;
    }
    return STAGE_STEADY;
}

enum stage stage_of_host(const struct survey *s, size_t h)
{
    const struct conf_host *host = &s->conf->hosts[h];
    enum stage stage = STAGE_STEADY, leaving = STAGE_LEFT;
    if (s->seen.hosts[h].other_mx != NULL)
        return STAGE_BLOCKED;
    for (size_t v = 0; v < host->services_count; v++) {
        stage = sooner(stage, stage_of_service(s, h, v));
        if (!survey_noted(s, PLAN_NOTE_LEFT, h, v))
            leaving = STAGE_LEAVING;
    }
    if (host->leave)
        return stage == STAGE_OUTAGE ? stage : leaving;
    for (size_t i = 0; i < host->pairs_count; i++)
        stage = sooner(stage, stage_of_pair(s, host->pairs[i]).stage);
    return stage;
}

enum stage stage_of_all(const struct survey *s)
{
    enum stage stage = STAGE_STEADY;
    for (size_t h = 0; h < s->conf->hosts_count; h++) {
        if (s->host_wanted[h])
            stage = sooner(stage, stage_of_host(s, h));
    }
    return stage;
}

/* --- what the TTL costs ---------------------------------------------------------------------- */

struct stage_cost stage_cost(const struct survey *s, size_t h)
{
    const struct conf_host *host = &s->conf->hosts[h];
    const struct observed_host *seen = &s->seen.hosts[h];
    struct stage_cost cost = {0, host->waits.margin, 0};
    uint32_t settle = 0;
    for (size_t v = 0; v < host->services_count; v++) {
        const struct state_owner *owner = state_owner(&s->state, seen->sets[v].owner);
        /* Nothing stood there yet: what is to stand there. */
        uint32_t lifetime = owner == NULL || owner->lifetime == 0 ? host->ttl : owner->lifetime;
        cost.lifetime = lifetime > cost.lifetime ? lifetime : cost.lifetime;
        settle = seen->views[v].settle > settle ? seen->views[v].settle : settle;
    }
    cost.seconds = 2 * (int64_t)cost.lifetime + cost.margin;
    if (cost.seconds < host->waits.floor)
        cost.seconds = host->waits.floor;
    cost.seconds += settle;
    if (cost.seconds < host->waits.publish)
        cost.seconds = host->waits.publish;
    return cost;
}
