/* The planner's middle part: installing and loading pairs. */
#include "roll/planning.h"

#include "base/buf.h"

#include <string.h>

/* --- what the configuration says of a pair --------------------------------------------------- */

static void put_list(struct buf *b, const struct conf_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        buf_printf(b, "%s\n", list->items[i]);
}

void plan_pair_conf(const struct conf *conf, size_t pair, uint8_t digest[32])
{
    char text[4096];
    struct buf b = BUF_OVER(text);
    const struct conf_pair *p = &conf->pairs[pair];
    buf_printf(&b, "%s\n%s\n%s\n", p->certificate, p->install == NULL ? "" : p->install,
               p->install_owner == NULL ? "" : p->install_owner);
    buf_printf(&b, "%u %s\n", (unsigned)p->install_mode, p->chain == NULL ? "" : p->chain);
    put_list(&b, &p->reload);
    put_list(&b, &p->restart);
    for (size_t h = 0; h < conf->hosts_count; h++) {
        if (!need_has_pair(&conf->hosts[h], pair))
            continue;
        buf_printf(&b, "%s\n", conf->hosts[h].name);
        put_list(&b, &conf->hosts[h].connect);
        for (size_t s = 0; s < conf->hosts[h].services_count; s++)
            buf_printf(&b, "%s\n", conf->hosts[h].services[s].name);
    }
    cert_sha256((const uint8_t *)b.data, b.used, digest);
}

/* --- due ------------------------------------------------------------------------------------- */

static bool same_chain(const struct pair_found *a, const struct pair_found *b)
{
    if (!state_same_leaf(&a->leaf, &b->leaf) || a->issuers_count != b->issuers_count)
        return false;
    for (size_t i = 0; i < a->issuers_count; i++) {
        if (!state_same_leaf(&a->issuers[i], &b->issuers[i]))
            return false;
    }
    return true;
}

static bool is_refused(const struct planning *p, size_t pair, const struct pair_view *view)
{
    uint8_t digest[32];
    if (view->state == NULL || !view->state->put_back ||
        memcmp(view->state->refused, view->seen->source.leaf.certificate256, 32) != 0)
        return false;
    plan_pair_conf(p->k->conf, pair, digest);
    return memcmp(view->state->refused_conf, digest, sizeof digest) == 0;
}

static bool is_due(struct planning *p, size_t pair, const struct pair_view *view)
{
    const struct cert_digests *last = view->state == NULL ? NULL : state_last_leaf(view->state);
    if (view->seen->source.code != PAIR_READ)
        return false;
    if (view->conf->install == NULL)
        return last != NULL && !state_same_leaf(last, &view->seen->source.leaf);
    if (view->seen->current.code == PAIR_READ &&
        same_chain(&view->seen->current, &view->seen->source))
        return false;
    if (!is_refused(p, pair, view))
        return true;
    (void)plan_pair_note(p->plan, PLAN_NOTE_PUT_BACK, pair);
    return false;
}

static void note_source(struct planning *p, size_t pair, const struct pair_view *view)
{
    enum pair_code code = view->seen->source.code;
    if (code == PAIR_LATER)
        (void)plan_pair_note(p->plan, PLAN_NOTE_LATER, pair);
    else if (code != PAIR_READ)
        (void)plan_pair_note(p->plan, PLAN_NOTE_UNFIT, pair);
    else if (view->seen->source.warning != NULL)
        (void)plan_pair_note(p->plan, PLAN_NOTE_WARNING, pair);
    /* ACME clients make the next key when they like: none is nothing wrong. */
    code = view->seen->next_key.code;
    if (code != PAIR_READ && code != PAIR_ABSENT)
        (void)plan_pair_note(p->plan, PLAN_NOTE_NEXT_KEY, pair);
}

/* --- ripe ------------------------------------------------------------------------------------ */

/* 3.3, 3.4: each usable combination has to match; whether one does not. */
static bool is_blocked(struct planning *p, size_t pair, size_t h, size_t s)
{
    const struct pair_found *source = &p->k->seen->pairs[pair].source;
    const struct fit_chain chain = {&source->leaf, source->issuers_count, source->issuers};
    const struct provider_rrset *set = &p->k->seen->hosts[h].sets[s];
    bool blocked = false;
    for (size_t i = 0; i < set->count; i++) {
        const struct tlsa *tlsa = &set->records[i].tlsa;
        if (!fit_lacks(&set->records[0].tlsa, set->count, sizeof set->records[0], i, &chain))
            continue;
        blocked = true;
        struct plan_note *note =
            plan_unblocks(p, h, s, tlsa) ? NULL : plan_note(p->plan, PLAN_NOTE_BLOCKED, h, s);
        if (note == NULL)
            continue;
        note->pair = pair;
        note->record = *tlsa;
    }
    return blocked;
}

/* At one owner name. */
static int64_t ripe_at(struct planning *p, size_t pair, size_t h, size_t s)
{
    bool cut_short = false;
    if (p->k->conf->hosts[h].leave)
        return plan_left_in(p, h, s);
    if (plan_skips(p, h, s))
        return 0;
    int64_t left =
        learn_left(p->k, h, s, &p->k->seen->pairs[pair].source.leaf, p->options->now, &cut_short);
    /* Unasked servers may show old data again, and nobody says how far they lag. */
    if (left < 0 || !p->k->seen->hosts[h].views[s].asked || plan_adds(p->plan, h, s, NULL))
        return -1;
    if (cut_short)
        (void)plan_pair_note(p->plan, PLAN_NOTE_SHORT, pair);
    return is_blocked(p, pair, h, s) ? -1 : left;
}

/* 3.7: one certificate waits for the slowest of all its owner names. */
static int64_t ripe_in(struct planning *p, size_t pair)
{
    int64_t longest = 0;
    bool unknown = false;
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        if (!need_has_pair(&p->k->conf->hosts[h], pair))
            continue;
        for (size_t s = 0; s < p->k->conf->hosts[h].services_count; s++) {
            if (!p->k->seen->hosts[h].listed || !plan_may_write(p, h, s))
                return -1;
            int64_t left = ripe_at(p, pair, h, s);
            unknown = unknown || left < 0;
            longest = left > longest ? left : longest;
        }
    }
    return unknown ? -1 : longest;
}

/* --- an empty folder (DESIGN.md, first run, 4) ----------------------------------------------- */

struct first {
    bool answered, served, others, recorded;
};

static void look_first(const struct planning *p, size_t pair, size_t h, size_t s,
                       struct first *first)
{
    const struct pair_found *source = &p->k->seen->pairs[pair].source;
    const struct observed_host *host = &p->k->seen->hosts[h];
    first->recorded =
        first->recorded || !host->listed || host->sets[s].count > 0 || !host->views[s].asked;
    for (size_t i = 0; i < host->views[s].servers_count; i++)
        first->recorded = first->recorded || host->views[s].servers[i].answer != WORLD_DENIAL;
    for (size_t i = 0; i < host->services[s].count; i++) {
        const struct world_shown *shown = &host->services[s].shown[i];
        first->answered = first->answered || shown->code != PROBE_UNSEEN;
        if (shown->code != PROBE_SERVED ||
            (shown->algorithm == PROBE_RSA) != (source->algorithm == CERT_RSA))
            continue;
        /* Another certificate of its key may need records of its own (facts 3.2). */
        if (state_same_leaf(&shown->leaf, &source->leaf))
            first->served = true;
        else
            first->others = true;
    }
}

/* The source is served already, or nobody serves or knows anything yet. */
static bool is_first(const struct planning *p, size_t pair)
{
    struct first first = {false, false, false, false};
    if (p->k->conf->pairs[pair].install == NULL ||
        p->k->seen->pairs[pair].current.code != PAIR_ABSENT)
        return false;
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        for (size_t s = 0;
             need_has_pair(&p->k->conf->hosts[h], pair) && s < p->k->conf->hosts[h].services_count;
             s++)
            look_first(p, pair, h, s, &first);
    }
    return (first.served && !first.others) || (!first.answered && !first.recorded);
}

/* --- load ------------------------------------------------------------------------------------ */

/* Services that read the sources of both load both by one command. */
static bool is_loaded_with(const struct planning *p, size_t pair, size_t other)
{
    return p->views[pair].conf->install == NULL && p->views[other].conf->install == NULL &&
           plan_share_command(p->views[pair].conf, p->views[other].conf);
}

/* Whether a pair that is being installed may still take its time: not for ever, but in an outage.
 */
static bool is_busy(const struct planning *p, size_t pair)
{
    struct verify_sum sum;
    bool looked;
    int64_t elapsed = state_elapsed(&p->views[pair].state->begin, &p->k->seen->now);
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        const struct conf_host *host = &p->k->conf->hosts[h];
        if (need_has_pair(host, pair) && elapsed < (int64_t)host->waits.unreachable)
            return true;
    }
    verify_pair(p->k, pair, &sum, &looked);
    return sum.others > 0;
}

/*
 * 3.5, 3.8: whether another pair is being installed. One at a time, over all hosts too: a mistake
 * costs one of them.
 */
static bool is_held(const struct planning *p, size_t pair)
{
    struct verify_sum sum;
    bool looked;
    verify_pair(p->k, pair, &sum, &looked);
    /* What is out of service now can only be cured by it: two pairs could wait for each other. */
    if (sum.others > 0)
        return false;
    for (size_t other = 0; other < p->k->conf->pairs_count; other++) {
        const struct state_pair *state = p->views[other].state;
        if (other == pair || state == NULL || !state->loading || state->verified ||
            is_loaded_with(p, pair, other))
            continue;
        bool busy = is_busy(p, other);
        plan_other_note(p->plan, busy ? PLAN_NOTE_ONE_AT_A_TIME : PLAN_NOTE_GOES_ON, pair, other);
        if (busy)
            return true;
    }
    return false;
}

static bool is_installing(const struct planning *p, size_t pair)
{
    for (size_t i = 0; i < p->plan->actions_count; i++) {
        const struct plan_action *a = &p->plan->actions[i];
        if ((a->kind == PLAN_INSTALL || a->kind == PLAN_RELOAD) &&
            !is_loaded_with(p, pair, a->pair))
            return true;
    }
    return false;
}

/*
 * 3.14: the user is in a hurry. What waiting costs, and what an immediate switch would: mail
 * deferred by those whose caches hold an RRset without the new key.
 */
static void note_hurry(struct planning *p, size_t pair)
{
    struct plan_note *note =
        p->options->now ? plan_pair_note(p->plan, PLAN_NOTE_NOT_RIPE, pair) : NULL;
    if (note == NULL)
        return;
    note->in = p->views[pair].ripe_in;
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        for (size_t s = 0;
             need_has_pair(&p->k->conf->hosts[h], pair) && s < p->k->conf->hosts[h].services_count;
             s++) {
            const struct state_owner *owner =
                state_owner(p->k->state, p->k->seen->hosts[h].sets[s].owner);
            if (owner != NULL && note->cost < owner->lifetime)
                note->cost = owner->lifetime;
        }
    }
}

static void install(struct planning *p, size_t pair)
{
    const struct pair_view *view = &p->views[pair];
    bool first = is_first(p, pair);
    if (!first && view->ripe_in != 0) {
        note_hurry(p, pair);
        plan_next(p->plan, view->ripe_in < 0 ? PLAN_STEP_VISIBLE : PLAN_STEP_INSTALL, pair,
                  view->ripe_in < 0 ? 0 : view->ripe_in);
        return;
    }
    if (!first && (is_installing(p, pair) || is_held(p, pair)))
        return;
    if (view->conf->install == NULL) {
        plan_reload(p, pair, false);
        return;
    }
    struct verify_sum sum;
    bool looked;
    struct plan_action *action = plan_action(p->plan, first ? PLAN_FILL : PLAN_INSTALL);
    if (action == NULL)
        return;
    verify_pair(p->k, pair, &sum, &looked);
    action->outage = sum.others > 0;
    action->pair = pair;
    action->leaf = &view->seen->source.leaf;
}

/* --------------------------------------------------------------------------------------------- */

static bool is_wanted(const struct planning *p, size_t pair)
{
    for (size_t h = 0; h < p->k->conf->hosts_count; h++) {
        if (p->k->seen->hosts[h].wanted && p->k->seen->hosts[h].other_mx == NULL &&
            need_has_pair(&p->k->conf->hosts[h], pair))
            return true;
    }
    return false;
}

static void plan_pair(struct planning *p, size_t pair)
{
    const struct pair_view *view = &p->views[pair];
    note_source(p, pair, view);
    if (view->conf->install == NULL && view->state != NULL)
        (void)plan_pair_note(p->plan, PLAN_NOTE_CLASSIC, pair);
    if (view->due)
        install(p, pair);
    bool empty = view->conf->install != NULL && view->seen->current.code == PAIR_ABSENT;
    if (empty || view->state == NULL || state_last_leaf(view->state) == NULL)
        return;
    if (!view->state->reload)
        plan_verify(p, pair);
    /* What is put back is not waited for. */
    else if (!plan_is_early(view) && (!view->state->loading || plan_is_vouched_for(p, pair)))
        plan_reload(p, pair, false);
}

void plan_installs(struct planning *p)
{
    for (size_t i = 0; i < p->k->conf->pairs_count; i++) {
        struct pair_view *view = &p->views[i];
        *view = (struct pair_view){&p->k->conf->pairs[i],
                                   &p->k->seen->pairs[i],
                                   state_pair(p->k->state, p->k->conf->pairs[i].label),
                                   is_wanted(p, i),
                                   false,
                                   -1};
        if (!view->wanted)
            continue;
        view->due = is_due(p, i, view);
        if (view->due)
            view->ripe_in = ripe_in(p, i);
        p->plan->pairs[i] = (struct plan_pair){view->due, view->ripe_in};
    }
    for (size_t i = 0; i < p->k->conf->pairs_count; i++) {
        if (p->views[i].wanted)
            plan_pair(p, i);
    }
}
