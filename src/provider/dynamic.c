#include "provider/dynamic.h"

#include "base/buf.h"
#include "base/pause.h"
#include "provider/rest.h"

#include <string.h>

/* Before each look at what was accepted: a server that signs in the background takes a moment. */
static const int64_t pauses[] = {0, 200, 800, 2000};

void dynamic_begin(struct dynamic *d, struct provider *p, const struct dynamic_row *rows,
                   size_t rows_count)
{
    d->p = p;
    d->rows = rows;
    d->rows_count = rows_count;
    memset(&d->ignored, 0, sizeof d->ignored);
}

/* ---- results ---- */

static struct provider_result make(const struct dynamic *d, enum provider_code code, bool usage,
                                   const char *meaning, const char *advice)
{
    struct provider_result result = {.code = code, .usage = usage};
    const struct update *u = &d->update;
    struct buf words = BUF_OVER(result.words);
    buf_printf(&words, "%s: %s", u->server[0] != '\0' ? u->server : "rfc2136", meaning);
    if (u->why[0] != '\0')
        buf_printf(&words, " (%s)", u->why);
    buf_printf(&words, ": %s", advice);
    return result;
}

/* What a failure at OWNER means; WROTE: it may have been an update that was carried out. */
static struct provider_result judge(const struct dynamic *d, int code, const char *owner,
                                    bool wrote)
{
    const struct update *u = &d->update;
    char text[PROVIDER_WORDS_SIZE];
    struct buf meaning = BUF_OVER(text);
    if (code == UPDATE_ELSEWHERE) {
        if (name_equal(owner, u->owner))
            buf_printf(&meaning, "it does not hold %s", owner);
        else
            buf_printf(&meaning, "%s is an alias of %s, which it does not hold", owner, u->owner);
        return make(d, PROVIDER_REFUSED, true, text,
                    "name the server that holds it and allows the key to ask");
    }
    for (size_t i = 0; i < d->rows_count; i++) {
        const struct dynamic_row *row = &d->rows[i];
        if (row->code == code)
            return make(d, wrote && code == UPDATE_UNVOUCHED ? PROVIDER_UNKNOWN : row->result,
                        row->usage, row->meaning, row->advice);
    }
    buf_printf(&meaning, "it answers with code %d", code);
    return make(d, PROVIDER_REFUSED, false, text, "see its log");
}

/* What a session learnt, for the caller: a signature that verifies proves the server's time. */
static void note(struct dynamic *d)
{
    d->p->requests = d->update.sent;
    d->p->date = d->update.time;
    d->p->date_ticks = d->update.time_ticks;
}

/* ---- looking ---- */

/* The next record of the RRset that was looked at. */
static bool next(struct update *u, struct dns_rr *rr, struct provider_record *record)
{
    struct tlsa_combination c = {UINT8_MAX, UINT8_MAX, UINT8_MAX};
    if (!dns_next_of(&u->answer.message, DNS_ANSWER, u->owner, DNS_TYPE_TLSA, rr))
        return false;
    memset(record, 0, sizeof *record);
    record->ttl = rr->ttl;
    bool whole = rr->length > 3;
    if (whole)
        c = (struct tlsa_combination){rr->rdata[0], rr->rdata[1], rr->rdata[2]};
    tlsa_set(&record->tlsa, c, rr->rdata + (whole ? 3 : 0), rr->length - (whole ? 3U : 0U));
    record->tlsa.malformed = record->tlsa.malformed || !whole;
    return true;
}

static struct provider_result look(struct dynamic *d, struct provider_rrset *set,
                                   struct arena *arena)
{
    struct update *u = &d->update;
    struct provider_record record;
    struct dns_rr rr;
    size_t count = 0;
    int code = update_look(u, set->owner);
    note(d);
    if (code != 0)
        return judge(d, code, set->owner, false);
    while (next(u, &rr, &record))
        count++;
    if (count > PROVIDER_RECORDS_MOST)
        return make(d, PROVIDER_REFUSED, false, "too many TLSA records",
                    "delete those nobody needs");
    set->records = arena_take(arena, count, sizeof *set->records);
    if (set->records == NULL && count > 0)
        return make(d, PROVIDER_LATER, false, "no memory for its records", "try again later");
    dns_rewind(&u->answer.message);
    while (set->count < count && next(u, &rr, &set->records[set->count]))
        set->count++;
    return rest_done();
}

struct provider_result dynamic_list(struct dynamic *d, struct provider_rrset *sets, size_t count,
                                    struct arena *arena)
{
    struct provider_result result = rest_done();
    for (size_t i = 0; i < count; i++)
        sets[i].count = 0;
    for (size_t i = 0; i < count && result.code == PROVIDER_DONE; i++)
        result = look(d, &sets[i], arena);
    for (size_t i = 0; i < count && result.code != PROVIDER_DONE; i++)
        sets[i].count = 0;
    return result;
}

/* Whether the RRset looked at has this record, and RR is it. */
static bool has(struct update *u, const struct tlsa *tlsa, struct dns_rr *rr)
{
    struct provider_record record;
    dns_rewind(&u->answer.message);
    while (next(u, rr, &record)) {
        if (tlsa_equal(&record.tlsa, tlsa))
            return true;
    }
    return false;
}

static bool as_seen(struct update *u, const struct provider_rrset *seen)
{
    struct provider_record record;
    struct dns_rr rr;
    size_t count = 0, known = 0;
    dns_rewind(&u->answer.message);
    for (; next(u, &rr, &record); count++) {
        for (size_t i = 0; i < seen->count; i++)
            known += tlsa_equal(&record.tlsa, &seen->records[i].tlsa);
    }
    return count == seen->count && known == count;
}

/* ---- changing ---- */

struct change {
    struct dynamic *d;
    const struct provider_rrset *seen;
    const struct tlsa *tlsa;
    bool add;
    uint32_t ttl;
};

/* Looks right before a change; RR is the record to remove. */
static struct provider_result enter(const struct change *c, struct dns_rr *rr)
{
    struct update *u = &c->d->update;
    int code = update_enter(u, c->seen->owner);
    note(c->d);
    if (code != 0)
        return judge(c->d, code, c->seen->owner, false);
    if (has(u, c->tlsa, rr) == c->add)
        return make(c->d, PROVIDER_ALREADY, false, "it is so already", "fine");
    return as_seen(u, c->seen) ? rest_done() : judge(c->d, DNS_NXRRSET, c->seen->owner, false);
}

static int send(const struct change *c, const struct dns_rr *rr, bool whole)
{
    struct update *u = &c->d->update;
    uint8_t rdata[3 + TLSA_DATA_MOST];
    if (!c->add)
        return update_remove(u, rr->rdata, rr->length);
    return update_add(u, c->ttl, rdata, tlsa_wire(c->tlsa, rdata), whole);
}

/* NOERROR is no proof: servers accept and then pass over what a limit or an alias forbids. */
static struct provider_result confirm(const struct change *c)
{
    struct dynamic *d = c->d;
    struct dns_rr rr;
    int code = 0;
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0] && code == 0; i++) {
        if (pauses[i] > d->p->patience_ms || pause_ms(pauses[i]))
            break;
        d->p->patience_ms -= pauses[i];
        code = update_look(&d->update, c->seen->owner);
        if (code == 0 && has(&d->update, c->tlsa, &rr) == c->add) {
            note(d);
            return rest_done();
        }
    }
    note(d);
    bool again = tlsa_equal(&d->ignored, c->tlsa);
    d->ignored = *c->tlsa;
    return make(d, again ? PROVIDER_REFUSED : PROVIDER_UNKNOWN, false,
                "it accepted the update but does not show it",
                "see what limits updates there (BIND: TLSA(n) in update-policy)");
}

static struct provider_result change(const struct change *c)
{
    struct dns_rr rr = {.length = 0};
    struct provider_result result = enter(c, &rr);
    if (result.code != PROVIDER_DONE)
        return result;
    int code = send(c, &rr, false);
    if (code == DNS_NXRRSET && c->seen->count > 0) {
        /* Not there, yet shown as before: it comes from a wildcard, which the new RRset hides. */
        result = enter(c, &rr);
        if (result.code != PROVIDER_DONE)
            return result;
        if (!c->add)
            return make(c->d, PROVIDER_REFUSED, false, "the TLSA records come from a wildcard",
                        "delete there by hand what is stale");
        code = send(c, &rr, true);
    }
    note(c->d);
    return code == 0 ? confirm(c) : judge(c->d, code, c->seen->owner, true);
}

struct provider_result dynamic_add(struct dynamic *d, const struct provider_rrset *seen,
                                   const struct tlsa *record, uint32_t ttl)
{
    const struct change c = {d, seen, record, true, ttl};
    if (record->hashed)
        return make(d, PROVIDER_REFUSED, false, "the record has too much data",
                    "a full certificate or key (matching type 0) is not written");
    return change(&c);
}

struct provider_result dynamic_remove(struct dynamic *d, const struct provider_rrset *seen,
                                      const struct tlsa *record)
{
    const struct change c = {d, seen, record, false, 0};
    return change(&c);
}
