/* The planner's first part: which records are to stand there. */
#include "roll/planning.h"

#include "base/name.h"

/* What one service shows, in short. */
struct showing {
    size_t ours, strangers, without_tls;
};

static struct showing showing_of(const struct planning *p, size_t h, size_t s)
{
    const struct world_service *service = &p->k->seen->hosts[h].services[s];
    struct showing showing = {0, 0, 0};
    for (size_t i = 0; i < service->count; i++) {
        const struct world_shown *shown = &service->shown[i];
        if (shown->code == PROBE_NO_STARTTLS)
            showing.without_tls++;
        else if (shown->code == PROBE_SERVED && need_owner(p->k, h, &shown->leaf) == NEED_STRANGER)
            showing.strangers++;
        else if (shown->code == PROBE_SERVED)
            showing.ours++;
    }
    return showing;
}

/*
 * 3.21: somebody stands in front of this service. Its key is none of ours, and another service of
 * the host shows that ours are in use. Not where records stand: clients go by them, and what is
 * served there must be vouched for, whosever it is.
 */
static bool is_front(const struct planning *p, size_t h, size_t s)
{
    struct showing showing = showing_of(p, h, s);
    const struct provider_rrset *set = &p->k->seen->hosts[h].sets[s];
    bool elsewhere = false, recorded = false;
    if (showing.strangers == 0 || showing.ours > 0)
        return false;
    for (size_t i = 0; i < set->count; i++)
        recorded = recorded || tlsa_usable(&set->records[i].tlsa);
    for (size_t i = 0; i < p->k->conf->hosts[h].services_count; i++)
        elsewhere = elsewhere || showing_of(p, h, i).ours > 0;
    return elsewhere && !recorded;
}

/* 3.1: all servers of the name must offer TLS to everyone before the first record. */
static bool is_without_tls(const struct planning *p, size_t h, size_t s)
{
    return p->k->seen->hosts[h].sets[s].count == 0 && showing_of(p, h, s).without_tls > 0;
}

bool plan_skips(const struct planning *p, size_t h, size_t s)
{
    return is_front(p, h, s) || is_without_tls(p, h, s);
}

/* A new record takes the TTL of its RRset (RFC 2181 section 5.2). */
static uint32_t ttl_of(const struct conf_host *host, const struct provider_rrset *set)
{
    uint32_t ttl = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->records[i].automatic)
            return 1;
        if (set->records[i].ttl > ttl)
            ttl = set->records[i].ttl;
    }
    return set->count == 0 ? host->ttl : ttl;
}

/*
 * The records of one chain. They are complete before the next chain's begin, so that the RRset in
 * between fits what is served.
 */
static void publish_chain(struct planning *p, size_t h, size_t s, const struct fit_chain *chain,
                          bool outage)
{
    const struct provider_rrset *set = &p->k->seen->hosts[h].sets[s];
    struct tlsa records[NEED_RECORDS_MOST];
    size_t count = need_records(p->k, h, s, chain, records);
    for (size_t i = 0; i < count; i++) {
        if (need_holds(set, &records[i]) || plan_adds(p->plan, h, s, &records[i]) ||
            tlsa_of_nothing(&records[i]))
            continue;
        struct plan_action *action = plan_action(p->plan, PLAN_ADD);
        if (action == NULL)
            return;
        action->host = h;
        action->service = s;
        action->record = records[i];
        action->ttl = ttl_of(&p->k->conf->hosts[h], set);
        action->outage = outage;
    }
}

/* A served key that DNS does not vouch for, while it says something (facts 2.4). */
static void note_outages(struct planning *p, size_t h, size_t s)
{
    const struct world_service *service = &p->k->seen->hosts[h].services[s];
    const struct provider_rrset *set = &p->k->seen->hosts[h].sets[s];
    for (size_t i = 0; set->count > 0 && i < service->count; i++) {
        const struct world_shown *shown = &service->shown[i];
        struct fit_chain chain = {&shown->leaf, shown->issuers_count, shown->issuers};
        enum plan_note_kind kind = PLAN_NOTE_OUTAGE;
        if (shown->code != PROBE_SERVED) {
            kind = PLAN_NOTE_OTHER;
            if (verify_shown(p->k, h, s, i) != VERDICT_OTHER)
                continue;
        } else if (need_fits(set, &chain)) {
            continue;
        }
        struct plan_note *note = plan_note(p->plan, kind, h, s);
        if (note == NULL)
            return;
        note->shown = i;
        note->pair = need_owner(p->k, h, &shown->leaf);
    }
}

/* 2.1 of the facts: a new combination has to match every chain that is served. */
static bool begins_combination(const struct planning *p, size_t h, size_t s)
{
    const struct conf_host *host = &p->k->conf->hosts[h];
    const struct provider_rrset *set = &p->k->seen->hosts[h].sets[s];
    for (size_t i = 0; i < host->records_count; i++) {
        const struct conf_record *r = &host->records[i];
        const struct tlsa_combination c = {r->usage, r->selector, r->matching};
        bool stands = false;
        for (size_t k = 0; !stands && k < set->count; k++)
            stands = tlsa_usable(&set->records[k].tlsa) &&
                     tlsa_same_combination(set->records[k].tlsa.combination, c);
        if (!stands)
            return true;
    }
    return false;
}

/*
 * 3.1, 3.5, 3.6: the union of what every address serves, with each algorithm, then what services
 * are meant to serve, then what comes next.
 */
void plan_publish(struct planning *p, size_t h, size_t s)
{
    const struct provider_rrset *set = &p->k->seen->hosts[h].sets[s];
    struct need needs[NEED_MOST];
    if (!plan_may_write(p, h, s) || p->k->conf->hosts[h].leave)
        return;
    if (is_front(p, h, s)) {
        (void)plan_note(p->plan, PLAN_NOTE_FRONT, h, s);
        return;
    }
    if (is_without_tls(p, h, s)) {
        (void)plan_note(p->plan, PLAN_NOTE_NO_STARTTLS, h, s);
        return;
    }
    size_t count = need_of(p->k, h, s, needs);
    for (size_t i = 0; i < count; i++) {
        bool fits = set->count > 0 && need_fits(set, &needs[i].chain);
        /* Another server's of this name: its operator sees to it, but for what we begin. */
        if (needs[i].why == NEED_FORMER ||
            (needs[i].pair == NEED_STRANGER && fits && !begins_combination(p, h, s)))
            continue;
        publish_chain(p, h, s, &needs[i].chain, needs[i].why == NEED_SERVED && !fits);
    }
    note_outages(p, h, s);
}
