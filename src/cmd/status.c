/* `daneroll status`: how things are, without doing anything about it. */
#include "cmd/status.h"

#include "base/log.h"
#include "base/name.h"
#include "cmd/engine.h"
#include "roll/world_local.h"

#include <string.h>

/* Configuration, state, what the network shows, and the plan. */
#define STATUS_MEMORY ((size_t)8 * 1024 * 1024)

struct looking {
    const struct call *call;
    bool offline, json;
    struct arena arena;
    struct conf conf;
    struct trust trust;
    struct world_net net;
    struct world_directory local;
    struct survey survey;
};

/* --- what both forms tell -------------------------------------------------------------------- */

const char *const status_zones[] = {
    [WORLD_ZONE_UNKNOWN] = "unknown", [WORLD_ZONE_UNSIGNED] = "unsigned",
    [WORLD_ZONE_NO_DS] = "no-ds",     [WORLD_ZONE_SIGNED] = "signed",
    [WORLD_ZONE_BOGUS] = "bogus",
};

const char *const status_answers[] = {
    [WORLD_RRSET] = "records",
    [WORLD_DENIAL] = "denial",
    [WORLD_SILENT] = "silent",
    [WORLD_LAME] = "lame",
};

const char *const status_results[] = {
    [PROBE_SERVED] = "served",           [PROBE_OTHER_ALGORITHM] = "no-such-key",
    [PROBE_NO_STARTTLS] = "no-starttls", [PROBE_NO_TLS] = "no-tls",
    [PROBE_OLD_TLS] = "old-tls",         [PROBE_UNSEEN] = "unseen",
};

const char *status_algorithm(enum cert_algorithm algorithm)
{
    return algorithm == CERT_RSA ? "rsa" : algorithm == CERT_ECDSA ? "ecdsa" : "other";
}

const char *const status_ownerships[] = {
    [STATUS_OURS] = "ours",
    [STATUS_ADOPTED] = "adopted",
    [STATUS_FOREIGN] = "foreign",
};

static enum status_ownership ownership(const struct survey *s, size_t h, size_t v,
                                       const struct tlsa *tlsa)
{
    const struct conf_host *conf = &s->conf->hosts[h];
    const struct observed_host *host = &s->seen.hosts[h];
    if (state_record(&s->state, host->sets[v].owner, tlsa) != NULL)
        return STATUS_OURS;
    /* Facts 3.9: other names may lead to the end of a CNAME. */
    return conf->adopt && !(host->views[v].alias && conf->shared) ? STATUS_ADOPTED : STATUS_FOREIGN;
}

void status_record(const struct survey *s, size_t h, size_t v, const struct tlsa *tlsa,
                   struct status_record *record)
{
    const struct observed_host *host = &s->seen.hosts[h];
    const struct provider_rrset *set = &host->sets[v];
    const struct world_view *view = &host->views[v];
    struct moment since;
    memset(record, 0, sizeof *record);
    record->tlsa = *tlsa;
    record->whose = survey_whose_record(s, h, v, tlsa, &record->pair);
    record->ownership = ownership(s, h, v, tlsa);
    for (size_t i = 0; host->listed && i < set->count; i++) {
        if (tlsa_equal(&set->records[i].tlsa, tlsa))
            record->listed = &set->records[i];
    }
    record->everywhere = record->listed != NULL || !host->listed;
    for (size_t i = 0; i < view->servers_count; i++) {
        const struct world_server *server = &view->servers[i];
        bool answers = server->answer == WORLD_RRSET || server->answer == WORLD_DENIAL;
        record->everywhere = record->everywhere && (!answers || survey_shows(server, tlsa));
    }
    record->since = record->age = -1;
    if (!record->everywhere || !survey_since(s, h, v, tlsa, &since))
        return;
    record->since = since.wall;
    record->age = state_elapsed(&since, &s->seen.now);
}

/* --- the verb -------------------------------------------------------------------------------- */

static int look(struct looking *l)
{
    const struct world world = {&world_net_functions, &l->net, &world_local_functions, &l->local};
    const struct survey_options options = {l->offline, l->call->arguments_count,
                                           l->call->arguments};
    int rc = survey_make(&l->survey, &l->conf, &world, &options, &l->arena);
    world_net_close(&l->net);
    if (rc != 0) {
        log_say(LOG_LEVEL_ERROR, "out of memory");
        return EXIT_FAILED;
    }
    const struct outcome outcome = survey_outcome(&l->survey);
    int code = engine_exit(&outcome);
    if ((l->json ? status_json(&l->survey, code) : status_text(&l->survey)) == 0)
        return code;
    log_say(LOG_LEVEL_ERROR, "standard output cannot be written");
    return EXIT_FAILED;
}

/* Until nothing can go wrong any more but the network. */
static int prepare(struct looking *l)
{
    int code = call_load(l->call, &l->conf, &l->arena);
    if (code == EXIT_GOOD)
        code = engine_hosts(l->call, &l->conf);
    if (code == EXIT_GOOD && !l->offline)
        code = engine_trust(&l->trust, &l->conf);
    if (code != EXIT_GOOD)
        return code;
    engine_raise_ttls(&l->conf);
    if (world_local_open_to_read(&l->local, &l->conf) != 0) {
        log_say(LOG_LEVEL_ERROR, "%s: its name is too long", l->conf.state);
        return EXIT_FAILED;
    }
    return engine_net(&l->net, &l->conf, &l->trust, &l->arena);
}

static int run_status(const struct call *call)
{
    struct looking l = {.call = call,
                        .offline = call_flag(call, "offline"),
                        .json = call_flag(call, "json"),
                        .arena = arena_make(STATUS_MEMORY),
                        .local = {.lock = -1}};
    log_setup(LOG_LEVEL_WARNING, false);
    int code = prepare(&l);
    bool told = code == EXIT_GOOD;
    if (told)
        code = look(&l);
    else if (l.json && status_json_error(code, log_errors()) != 0)
        code = EXIT_FAILED;
    conf_wipe(&l.conf);
    arena_release(&l.arena);
    return code;
}

static void refuse_status(const struct call *call)
{
    if (call_flag(call, "json"))
        (void)status_json_error(EXIT_USAGE_FAULT, log_errors());
}

static const struct conf_key options[] = {
    {.name = "json",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "one JSON object, for programs"},
    {.name = "offline",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "send nothing: what files and the state say"},
};

const struct verb verb_status = {
    .name = "status",
    .summary = "show keys, records, services and the next step",
    .arguments = "[HOST...]",
    .arguments_least = 0,
    .arguments_most = SIZE_MAX,
    .options = options,
    .options_count = sizeof options / sizeof options[0],
    .configured = true,
    .about =
        "Looks as `run` does and does nothing: which key each service serves, which records each "
        "name server shows and whose they are, how far each pair's rollover is, what comes next "
        "and when, and what is wrong. Takes no lock, writes nothing, runs no command. Exits 1 if "
        "something does not match. HOST limits it to these hosts, and those that share a pair "
        "with them.",
    .run = run_status,
    .refuse = refuse_status,
};
