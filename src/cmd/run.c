/* `daneroll run`: takes every step that is safe now, for every host. */
#include "base/buf.h"
#include "base/log.h"
#include "cmd/engine.h"
#include "roll/roll.h"
#include "roll/world_dry.h"
#include "roll/world_local.h"

#include <string.h>

/* Configuration, state and the providers' own memory; what the lists need comes on top. */
#define RUN_MEMORY ((size_t)4 * 1024 * 1024)

/* Everything a run owns, so that it is given back in one place. */
struct running {
    const struct call *call;
    bool dry;
    struct arena arena;
    struct conf conf;
    struct trust trust;
    struct world_net net;
    struct world_directory local;
};

static void show_line(void *context, const char *line)
{
    (void)context;
    (void)log_out(line);
    (void)log_out("\n");
}

static int open_local(struct running *r)
{
    char words[WORLD_WORDS_SIZE] = "its name is too long";
    int rc = r->dry ? world_local_open_to_read(&r->local, &r->conf)
                    : world_local_open(&r->local, &r->conf, words);
    if (rc == 0)
        return EXIT_GOOD;
    if (rc == WORLD_LOCK_HELD) {
        log_say(LOG_LEVEL_ERROR, "another daneroll is at work with %s; try again later",
                r->conf.state);
        return EXIT_LATER;
    }
    log_say(LOG_LEVEL_ERROR, "%s: %s", r->conf.state, words);
    return EXIT_FAILED;
}

static int run_engine(struct running *r)
{
    struct world_dry dry;
    struct world rehearsal;
    struct world real = {&world_net_functions, &r->net, &world_local_functions, &r->local};
    struct roll_options options = {
        .wait = call_flag(r->call, "wait"),
        .no_renew = call_flag(r->call, "no-renew"),
        .now = call_flag(r->call, "now"),
        .retry = call_flag(r->call, "retry"),
        .rehearsal = r->dry,
        .hosts_count = r->call->arguments_count,
        .hosts = r->call->arguments,
    };
    int code = engine_hosts(r->call, &r->conf);
    if (code == EXIT_GOOD)
        code = engine_net(&r->net, &r->conf, &r->trust, &r->arena);
    if (code != EXIT_GOOD)
        return code;
    if (r->dry && world_dry_init(&dry, &r->conf, &real, &r->arena, &rehearsal) != 0) {
        log_say(LOG_LEVEL_ERROR, "out of memory");
        return EXIT_FAILED;
    }
    struct outcome outcome = roll_run(&r->conf, r->dry ? &rehearsal : &real, &options, &r->arena);
    world_net_close(&r->net);
    log_say(LOG_LEVEL_DETAIL, "memory taken for lists: %zu octets at most", r->arena.most);
    return engine_exit(&outcome);
}

static int run_opened(struct running *r)
{
    int code = engine_trust(&r->trust, &r->conf);
    if (code != EXIT_GOOD)
        return code;
    code = open_local(r);
    if (code != EXIT_GOOD)
        return code;
    r->trust.verdicts = &r->local.servers;
    world_local_catch_signals();
    code = run_engine(r);
    world_local_close(&r->local);
    return code;
}

static int run_run(const struct call *call)
{
    /* Not on the stack of a router. */
    static struct running r;
    r.call = call;
    r.dry = call_flag(call, "dry-run");
    r.arena = arena_make(RUN_MEMORY);
    r.local.lock = -1;
    enum log_level most = LOG_LEVEL_NOTICE;
    if (call_flag(call, "verbose"))
        most = LOG_LEVEL_DETAIL;
    else if (call_flag(call, "quiet"))
        most = LOG_LEVEL_WARNING;
    log_setup(most, false);
    int code = call_load(call, &r.conf, &r.arena);
    if (code == EXIT_GOOD) {
        log_setup(most, r.conf.syslog);
        if (r.dry && most == LOG_LEVEL_DETAIL)
            conf_show(&r.conf, show_line, NULL);
        engine_raise_ttls(&r.conf);
        code = run_opened(&r);
    }
    conf_wipe(&r.conf);
    arena_release(&r.arena);
    return code;
}

static const struct conf_key options[] = {
    {.name = "wait",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "run `renew` first, and stay until all is done"},
    {.name = "no-renew",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "do not run `renew`"},
    {.name = "now",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "run `renew` at once; publish-wait and retire-wait are 0"},
    {.name = "retry",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "install what was put back once more"},
    {.name = "dry-run",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "say every call it would make, change nothing"},
    {.name = "verbose",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "say more; with --dry-run first the effective configuration"},
    {.name = "quiet",
     .kind = CONF_YES_NO,
     .preset = "no",
     .needs_no_value = true,
     .help = "say only what is wrong"},
};

const struct verb verb_run = {
    .name = "run",
    .summary = "take every step that is safe now",
    .arguments = "[HOST...]",
    .arguments_least = 0,
    .arguments_most = SIZE_MAX,
    .options = options,
    .options_count = sizeof options / sizeof options[0],
    .configured = true,
    .about =
        "Publishes the TLSA records of a renewed key beside those of the key in use; when every "
        "name "
        "server shows them and no cache can hold records without them, installs the pair and "
        "reloads the services; sees by handshakes that all serve it; later retires the old "
        "records. Takes the steps that are due and ends, without a word if there are none; the "
        "state file keeps the times. Runs `renew` when a certificate nears its end, with --wait "
        "once at the start, and then stays until all is done. HOST limits it to these hosts, and "
        "those that share a pair with them.",
    .run = run_run,
};
