#include "roll/report.h"

#include <string.h>

typedef void note_words(const struct acting *acting, const struct plan_note *note, struct buf *b);

static const struct observed_host *host_of(const struct acting *acting,
                                           const struct plan_note *note)
{
    return &acting->seen->hosts[note->host];
}

static const char *owner_of(const struct acting *acting, const struct plan_note *note)
{
    return host_of(acting, note)->sets[note->service].owner;
}

static const struct world_view *view_of(const struct acting *acting, const struct plan_note *note)
{
    return &host_of(acting, note)->views[note->service];
}

static const struct pair_found *source_of(const struct acting *acting, const struct plan_note *note)
{
    return &acting->seen->pairs[note->pair].source;
}

static const char *label_of(const struct acting *acting, size_t pair)
{
    return acting->conf->pairs[pair].label;
}

static void put_host(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: ", acting->conf->hosts[note->host].name);
}

/* "imaps at 192.0.2.1 (RSA)" */
static void put_shown(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const struct world_service *service = &host_of(acting, note)->services[note->service];
    buf_printf(b, "%s: %s", acting->conf->hosts[note->host].name,
               acting->conf->hosts[note->host].services[note->service].name);
    if (note->shown >= service->count)
        return;
    const struct world_shown *shown = &service->shown[note->shown];
    buf_printf(b, " at %s", shown->address);
    /* Where there is no TLS at all, the kind of key says nothing. */
    if (shown->code == PROBE_SERVED || shown->code == PROBE_OTHER_ALGORITHM)
        buf_text(b, shown->algorithm == PROBE_RSA ? " (RSA)" : " (ECDSA)");
    if (shown->words != NULL)
        buf_printf(b, ": %s", shown->words);
}

static void put_key(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const struct world_service *service = &host_of(acting, note)->services[note->service];
    if (note->shown < service->count) {
        buf_text(b, " ");
        buf_hex(b, service->shown[note->shown].leaf.spki256, 6);
        buf_text(b, "...");
    }
}

static void put_record(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b, "%s ", owner_of(acting, note));
    tlsa_brief(b, &note->record);
}

/* --- files ----------------------------------------------------------------------------------- */

static void say_unfit(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: %s; nothing of it is published or installed", label_of(acting, note->pair),
               source_of(acting, note)->words);
}

static void say_warning(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: %s", label_of(acting, note->pair), source_of(acting, note)->warning);
}

static void say_next_key(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: next-key: %s; it is not published", label_of(acting, note->pair),
               acting->seen->pairs[note->pair].next_key.words);
}

static void say_later(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: %s", label_of(acting, note->pair), source_of(acting, note)->words);
}

static void say_put_back(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(
        b,
        "%s: this certificate was put back, as a service showed what DNS does not vouch for; "
        "it is tried again when its files or the configuration change, or by 'daneroll run "
        "--retry HOST'",
        label_of(acting, note->pair));
}

static void say_classic(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b,
               "%s: no 'install': services read %s itself, so a renewed key may be live before DNS "
               "is ready; see INSTALL in daneroll.conf(5)",
               label_of(acting, note->pair), acting->conf->pairs[note->pair].certificate);
}

static void say_no_reload(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: it has no 'reload': nothing tells the services that their pair has changed",
               label_of(acting, note->pair));
}

/* --- DNS ------------------------------------------------------------------------------------- */

static void say_other_mx(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b,
               "its MX records name other hosts: senders look for TLSA records there, not here. "
               "Write a [host] for each of these that is yours: %s",
               host_of(acting, note)->other_mx);
}

static void say_not_in_force(const struct acting *acting, const struct plan_note *note,
                             struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b, "%s is not in force: %s", owner_of(acting, note),
               view_of(acting, note)->zone == WORLD_ZONE_NO_DS
                   ? "the zone is signed, but its parent has no DS record for it"
                   : "the zone is not signed with DNSSEC");
}

static void say_bogus(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const char *words = view_of(acting, note)->words;
    put_host(acting, note, b);
    buf_printf(b,
               "%s: DNSSEC is broken (%s): every sender that validates defers, whatever is "
               "published; nothing is changed until the zone is mended",
               owner_of(acting, note), words == NULL ? "bogus" : words);
}

static void say_blind(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const char *words = view_of(acting, note)->words;
    put_host(acting, note, b);
    buf_printf(b, "%s: DNS could not be asked: %s", owner_of(acting, note),
               words == NULL ? "no answer" : words);
}

static void say_server(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const struct world_server *server = &view_of(acting, note)->servers[note->server];
    put_host(acting, note, b);
    buf_printf(b, "name server %s (%s) %s for %s: %s", server->name, server->address,
               server->answer == WORLD_SILENT ? "does not answer" : "gives no answer",
               owner_of(acting, note), server->words == NULL ? "no answer" : server->words);
}

static void say_lags(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const struct world_server *server = &view_of(acting, note)->servers[note->server];
    put_host(acting, note, b);
    buf_printf(b, "name server %s (%s) does not show %s as its provider holds it: it lags behind",
               server->name, server->address, owner_of(acting, note));
    if (server->words != NULL)
        buf_printf(b, " (%s)", server->words);
}

static void say_signature(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    /* An absolute time: the text must stay the same, as it is told once. */
    char end[TIME_TEXT_SIZE];
    put_host(acting, note, b);
    if (note->in <= 0) {
        buf_printf(b, "%s: its signature has expired", owner_of(acting, note));
        return;
    }
    time_text(view_of(acting, note)->signature_end, end);
    buf_printf(b, "%s: its signature ends at %s: is the zone still being signed?",
               owner_of(acting, note), end);
}

static void say_alias(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b, "the owner name of its %s is a CNAME: records are kept at %s",
               acting->conf->hosts[note->host].services[note->service].name,
               owner_of(acting, note));
}

static void say_host_alias(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const char *target = host_of(acting, note)->alias_of;
    buf_printf(b,
               "%s is a CNAME of %s: clients go by that one's TLSA records, and by its own only "
               "where there are none (RFC 7672 section 2.2.2). Write a [host %s] with the same "
               "pair as well, or give the name addresses of its own",
               acting->conf->hosts[note->host].name, target, target);
}

static void say_denies(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b,
               "name server %s says that there is no name _tcp.%s, so resolvers that ask step by "
               "step find no record below it (RFC 8020): it is to answer NOERROR there",
               view_of(acting, note)->denies, acting->conf->hosts[note->host].name);
}

static void say_many(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b, "%s has %zu TLSA records: some senders fail above 12", owner_of(acting, note),
               host_of(acting, note)->sets[note->service].count);
}

static void say_stale(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_record(acting, note, b);
    buf_printf(b, " fits no key known here and is not ours: left alone; '%s' retires it",
               acting->conf->hosts[note->host].adopt ? "shared = no" : "adopt = yes");
}

static void say_blocked(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_record(acting, note, b);
    buf_printf(
        b,
        " is not matched by the next chain of %s, so it is not installed; remove the record, "
        "or 'adopt = yes'",
        label_of(acting, note->pair));
}

static void say_short(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: 'publish-wait' is left out: the certificate in use would end before",
               label_of(acting, note->pair));
}

static void say_leaving(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b, "%s: leaving DANE: ", owner_of(acting, note));
    if (note->in < 0) {
        buf_text(b, "the key must not change before its servers deny the records");
        return;
    }
    buf_text(b, "keys may be changed freely in ");
    buf_duration(b, note->in);
}

static void say_left(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b, "%s: has left DANE: keys may be changed freely", owner_of(acting, note));
}

static void say_stays(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_record(acting, note, b);
    buf_text(b, " is not ours: it stays, and the key must not change before it is gone; 'adopt = "
                "yes' deletes it");
}

static void say_not_ripe(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: the new key is not ripe. Waiting takes ", label_of(acting, note->pair));
    if (note->in < 0)
        buf_text(b, "until every name server shows its records, then some more");
    else
        buf_duration(b, note->in);
    buf_text(b, ", in which a stolen key is still good; an immediate switch would make senders "
                "defer whose caches hold the old records, for up to ");
    buf_duration(b, note->cost);
}

/* --- services -------------------------------------------------------------------------------- */

static void say_front(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b,
               "%s shows a key that is none of this host's (a proxy in front of it?): nothing is "
               "published for it",
               acting->conf->hosts[note->host].services[note->service].name);
}

static void say_no_starttls(const struct acting *acting, const struct plan_note *note,
                            struct buf *b)
{
    put_host(acting, note, b);
    buf_printf(b,
               "%s offers no STARTTLS: no record is published, as senders would then refuse to "
               "deliver",
               acting->conf->hosts[note->host].services[note->service].name);
}

static void say_outage(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_shown(acting, note, b);
    buf_text(b, " serves the key");
    put_key(acting, note, b);
    if (note->pair == NEED_STRANGER)
        buf_text(b, ", which is none of this host's (is it the right machine?) and");
    else
        buf_text(b, ", which");
    buf_printf(b,
               " %s does not vouch for: an outage; a run publishes its record at once, and "
               "it ends when caches forget the old ones",
               owner_of(acting, note));
}

static void say_other(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_shown(acting, note, b);
    buf_printf(b, ": no usable TLS, though %s has records: DANE senders do not deliver",
               owner_of(acting, note));
}

static void say_old(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    put_shown(acting, note, b);
    buf_printf(b, " still shows a former certificate of %s", label_of(acting, note->pair));
}

static void say_stubborn(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    say_old(acting, note, b);
    buf_text(b, " after three reloads: does it read the installed files? It may need 'restart = "
                "COMMAND'");
}

static void say_unseen(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const struct world_service *service = &host_of(acting, note)->services[note->service];
    put_host(acting, note, b);
    buf_text(b, acting->conf->hosts[note->host].services[note->service].name);
    /* The address cannot be reached, for whichever kind of key: told once. */
    if (note->shown < service->count)
        buf_printf(b, " at %s", service->shown[note->shown].address);
    const char *words =
        note->shown < service->count ? service->shown[note->shown].words : service->words;
    if (words != NULL)
        buf_printf(b, ": %s", words);
    buf_text(b, ": could not be seen, so no record is retired; ");
    buf_text(b, acting->conf->hosts[note->host].connect.count > 0
                    ? "is it up, and is 'connect' right?"
                    : "if it cannot be reached from here, say 'connect = 127.0.0.1' (or its inner "
                      "address)");
}

static void say_early(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const struct conf_pair *pair = &acting->conf->pairs[note->pair];
    put_shown(acting, note, b);
    buf_printf(b,
               " shows the certificate of %s, which is not installed yet: it should read "
               "%s/current/fullchain.pem",
               pair->certificate, pair->install == NULL ? "" : pair->install);
}

static void say_nowhere(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    const struct conf_pair *pair = &acting->conf->pairs[note->pair];
    buf_printf(b, "%s: no service shows this pair: do they read %s%s?", pair->label,
               pair->install == NULL ? pair->certificate : pair->install,
               pair->install == NULL ? "" : "/current/fullchain.pem");
}

static void say_one(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: waits until every service shows %s", label_of(acting, note->pair),
               label_of(acting, note->other));
}

static void say_goes_on(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: goes on, though not every service has shown %s within 'unreachable-after'",
               label_of(acting, note->pair), label_of(acting, note->other));
}

static void say_held(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    buf_printf(b, "%s: its reload waits for %s, which shares a command and is not ready",
               label_of(acting, note->pair), label_of(acting, note->other));
}

/* --------------------------------------------------------------------------------------------- */

static const struct {
    note_words *words;
    const char *name;
    enum report_weight weight;
    bool of_pair;
} notes[] = {
    [PLAN_NOTE_STALE] = {say_stale, "stale-record", REPORT_ONCE, false},
    [PLAN_NOTE_BLOCKED] = {say_blocked, "blocked", REPORT_FAILED, false},
    [PLAN_NOTE_UNFIT] = {say_unfit, "unfit-pair", REPORT_FAILED, true},
    [PLAN_NOTE_WARNING] = {say_warning, "pair-warning", REPORT_ONCE, true},
    [PLAN_NOTE_NEXT_KEY] = {say_next_key, "next-key-unreadable", REPORT_FAILED, true},
    [PLAN_NOTE_LATER] = {say_later, "pair-being-written", REPORT_PASSING, true},
    [PLAN_NOTE_OTHER_MX] = {say_other_mx, "other-mx", REPORT_WRONG, false},
    [PLAN_NOTE_NOT_IN_FORCE] = {say_not_in_force, "not-in-force", REPORT_ONCE, false},
    [PLAN_NOTE_BOGUS] = {say_bogus, "bogus", REPORT_DEFERRED, false},
    [PLAN_NOTE_BLIND] = {say_blind, "dns-not-asked", REPORT_PASSING, false},
    [PLAN_NOTE_SERVER] = {say_server, "server-fails", REPORT_ONCE, false},
    [PLAN_NOTE_LAGS] = {say_lags, "server-lags", REPORT_ONCE, false},
    [PLAN_NOTE_SIGNATURE] = {say_signature, "signature-ends", REPORT_FAILED, false},
    [PLAN_NOTE_DENIES] = {say_denies, "denies-below", REPORT_ONCE, false},
    [PLAN_NOTE_ALIAS] = {say_alias, "alias", REPORT_ONCE, false},
    [PLAN_NOTE_HOST_ALIAS] = {say_host_alias, "host-alias", REPORT_ONCE, false},
    [PLAN_NOTE_FRONT] = {say_front, "front", REPORT_ONCE, false},
    [PLAN_NOTE_NO_STARTTLS] = {say_no_starttls, "no-starttls", REPORT_FAILED, false},
    [PLAN_NOTE_OUTAGE] = {say_outage, "outage", REPORT_DEFERRED, false},
    [PLAN_NOTE_OTHER] = {say_other, "no-tls", REPORT_DEFERRED, false},
    [PLAN_NOTE_OLD] = {say_old, "former-served", REPORT_DETAIL, false},
    [PLAN_NOTE_STUBBORN] = {say_stubborn, "former-stays", REPORT_FAILED, false},
    [PLAN_NOTE_UNSEEN] = {say_unseen, "unseen", REPORT_ONCE, false},
    [PLAN_NOTE_EARLY] = {say_early, "source-served", REPORT_ONCE, false},
    [PLAN_NOTE_NOWHERE] = {say_nowhere, "nowhere-served", REPORT_ONCE, true},
    [PLAN_NOTE_PUT_BACK] = {say_put_back, "put-back", REPORT_FAILED, true},
    [PLAN_NOTE_ONE_AT_A_TIME] = {say_one, "one-at-a-time", REPORT_DETAIL, true},
    [PLAN_NOTE_GOES_ON] = {say_goes_on, "goes-on", REPORT_STEP, true},
    [PLAN_NOTE_HELD] = {say_held, "reload-held", REPORT_DETAIL, true},
    [PLAN_NOTE_SHORT] = {say_short, "short-life", REPORT_ONCE, true},
    [PLAN_NOTE_NO_RELOAD] = {say_no_reload, "no-reload", REPORT_STEP, true},
    [PLAN_NOTE_CLASSIC] = {say_classic, "no-install", REPORT_ONCE, true},
    [PLAN_NOTE_MANY] = {say_many, "many-records", REPORT_ONCE, false},
    [PLAN_NOTE_NOT_RIPE] = {say_not_ripe, "not-ripe", REPORT_EACH_TIME, true},
    [PLAN_NOTE_LEAVING] = {say_leaving, "leaving", REPORT_DETAIL, false},
    [PLAN_NOTE_STAYS] = {say_stays, "record-stays", REPORT_ONCE, false},
    [PLAN_NOTE_LEFT] = {say_left, "left", REPORT_ONCE, false},
};

void report_note(const struct acting *acting, const struct plan_note *note, struct buf *b)
{
    notes[note->kind].words(acting, note, b);
}

enum report_meaning report_meaning(enum plan_note_kind kind)
{
    static const enum report_meaning meanings[] = {
        [REPORT_DETAIL] = REPORT_NEWS,     [REPORT_EACH_TIME] = REPORT_WARNING,
        [REPORT_ONCE] = REPORT_WARNING,    [REPORT_STEP] = REPORT_WARNING,
        [REPORT_PASSING] = REPORT_LATER,   [REPORT_FAILED] = REPORT_FAILURE,
        [REPORT_DEFERRED] = REPORT_OUTAGE, [REPORT_WRONG] = REPORT_USAGE,
    };
    /* Told by a run once; as it should be all the same. */
    if (kind == PLAN_NOTE_ALIAS || kind == PLAN_NOTE_LEFT)
        return REPORT_NEWS;
    return meanings[notes[kind].weight];
}

enum report_weight report_weight(enum plan_note_kind kind)
{
    return notes[kind].weight;
}

const char *report_name(enum plan_note_kind kind, bool *of_pair)
{
    *of_pair = notes[kind].of_pair;
    return notes[kind].name;
}
