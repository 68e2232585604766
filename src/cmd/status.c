/* `daneroll status`: how things are, without doing anything about it. */
#include "cmd/status.h"

#include "base/log.h"
#include "cmd/engine.h"
#include "roll/world_local.h"

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
    if (status_tell(&l->survey, l->json, code) == 0)
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
    /* Not on the stack of a router. */
    static struct looking l;
    l.call = call;
    l.offline = call_flag(call, "offline");
    l.json = call_flag(call, "json");
    l.arena = arena_make(STATUS_MEMORY);
    l.local.lock = -1;
    log_setup(LOG_LEVEL_WARNING, false);
    int code = prepare(&l);
    bool told = code == EXIT_GOOD;
    if (told)
        code = look(&l);
    else if (l.json && status_tell_error(code, log_errors()) != 0)
        code = EXIT_FAILED;
    conf_wipe(&l.conf);
    arena_release(&l.arena);
    return code;
}

static void refuse_status(const struct call *call)
{
    if (call_flag(call, "json"))
        (void)status_tell_error(EXIT_USAGE_FAULT, log_errors());
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
    .summary = "show keys, records and the next step",
    .arguments = "[HOST...]",
    .arguments_least = 0,
    .arguments_most = SIZE_MAX,
    .options = options,
    .options_count = sizeof options / sizeof options[0],
    .configured = true,
    .about =
        "Looks as `run` does and does nothing: the keys that services serve, the records that "
        "name servers show, each pair's state, the next step, what is wrong. HOST limits it to "
        "these hosts, and those that share a pair with them.",
    .run = run_status,
    .refuse = refuse_status,
};
