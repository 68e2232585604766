#include "roll/world_local.h"

#include "base/buf.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/pause.h"
#include "roll/hook.h"
#include "roll/install.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names that one certificate is looked at for. */
#define HOSTS_MOST    64
#define RAM_DIRECTORY "/run/daneroll"
/* A state file is ours alone: it tells which keys are about to be used. */
#define STATE_MODE      0600
#define STATE_DIRECTORY 0700
/* A look's line has fewer octets. */
#define LOOK_SIZE 160

/* --- pairs ----------------------------------------------------------------------------------- */

static const struct conf_pair *pair_of(void *context, size_t pair)
{
    const struct world_directory *local = context;
    return &local->conf->pairs[pair];
}

static void local_read_pair(void *context, size_t pair, enum world_place place,
                            struct pair_found *found)
{
    struct world_directory *local = context;
    recall_read_pair(&local->recall, pair_of(context, pair), pair, place, found);
}

static void local_check_pair(void *context, size_t pair, struct pair_found *found)
{
    struct world_directory *local = context;
    const char *names[HOSTS_MOST];
    size_t count = 0;
    for (size_t h = 0; h < local->conf->hosts_count && count < HOSTS_MOST; h++) {
        const struct conf_host *host = &local->conf->hosts[h];
        for (size_t i = 0; i < host->pairs_count; i++) {
            if (host->pairs[i] == pair && count < HOSTS_MOST)
                names[count++] = host->name;
        }
    }
    verdict_check(&local->verdicts, pair_of(context, pair), names, count, local->conf->ca_file,
                  found);
}

static int local_install(void *context, size_t pair, const struct cert_digests *leaf,
                         char words[WORLD_WORDS_SIZE])
{
    return install_put(pair_of(context, pair), leaf, words);
}

static int local_put_back(void *context, size_t pair, const struct cert_digests *leaf,
                          char words[WORLD_WORDS_SIZE])
{
    return install_put_back(pair_of(context, pair), leaf, words);
}

static int local_drop_previous(void *context, size_t pair, char words[WORLD_WORDS_SIZE])
{
    return install_drop_previous(pair_of(context, pair), words);
}

/* --- state ----------------------------------------------------------------------------------- */

/*
 * Lock and look lie in RAM, by the state directory's name, so that flash is not written; where
 * there is no such place, in the state directory. A missing /run is not made: that would be flash.
 */
static int place_in_ram(const char *directory, const char *what, char path[PATH_MAX])
{
    struct buf b = buf_over(path, PATH_MAX);
    uint8_t digest[32];
    cert_sha256((const uint8_t *)directory, strlen(directory), digest);
    buf_text(&b, RAM_DIRECTORY "/");
    buf_hex(&b, digest, 8);
    buf_printf(&b, ".%s", what);
    return mkdir(RAM_DIRECTORY, STATE_DIRECTORY) == 0 || errno == EEXIST ? 0 : -1;
}

static int place(const char *directory, const char *what, char path[PATH_MAX])
{
    struct buf b = buf_over(path, PATH_MAX);
    buf_printf(&b, "%s/%s", directory, what);
    return buf_full(&b) ? -1 : 0;
}

static int set_paths(struct world_directory *local, const struct conf *conf)
{
    local->lock = -1;
    local->conf = conf;
    local->look[0] = '\0';
    local->verdicts = local->servers = (struct verdicts){.count = 0};
    return place(conf->state, "state", local->state);
}

static int take_lock(struct world_directory *local, const char *path)
{
    local->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, STATE_MODE);
    if (local->lock < 0)
        return WORLD_LOCK_FAILED;
    if (flock(local->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    int error = errno;
    world_local_close(local);
    errno = error;
    return error == EWOULDBLOCK ? WORLD_LOCK_HELD : WORLD_LOCK_FAILED;
}

int world_local_open(struct world_directory *local, const struct conf *conf,
                     char words[WORLD_WORDS_SIZE])
{
    char path[PATH_MAX];
    struct buf text = buf_over(words, WORLD_WORDS_SIZE);
    if (set_paths(local, conf) != 0 || place(conf->state, "look", local->look) != 0) {
        buf_text(&text, "its name is too long");
        return WORLD_LOCK_FAILED;
    }
    if (file_make_directory(conf->state, STATE_DIRECTORY) != 0) {
        buf_text(&text, fault_words(errno));
        return WORLD_LOCK_FAILED;
    }
    int rc = WORLD_LOCK_FAILED;
    if (place_in_ram(conf->state, "lock", path) == 0)
        rc = take_lock(local, path);
    if (rc != WORLD_LOCK_FAILED) {
        (void)place_in_ram(conf->state, "look", local->look);
        if (place_in_ram(conf->state, "good", local->verdicts.path) != 0 ||
            place_in_ram(conf->state, "servers", local->servers.path) != 0)
            local->verdicts.path[0] = local->servers.path[0] = '\0';
    } else {
        (void)place(conf->state, "lock", path);
        rc = take_lock(local, path);
    }
    if (rc != 0)
        buf_printf(&text, "lock: %s", fault_words(errno));
    return rc;
}

int world_local_open_to_read(struct world_directory *local, const struct conf *conf)
{
    return set_paths(local, conf) == 0 ? 0 : WORLD_LOCK_FAILED;
}

void world_local_close(struct world_directory *local)
{
    if (local->lock >= 0)
        (void)close(local->lock);
    local->lock = -1;
}

static int local_load_state(void *context, char *text, size_t size, char words[WORLD_WORDS_SIZE])
{
    struct world_directory *local = context;
    struct buf b = buf_over(words, WORLD_WORDS_SIZE);
    ssize_t n = file_read(local->state, text, size);
    if (n >= 0)
        return (int)n;
    if (n == FILE_ABSENT)
        return WORLD_STATE_ABSENT;
    buf_printf(&b, "%s: %s", local->state, file_error((int)n));
    return WORLD_STATE_FAILED;
}

static int local_save_state(void *context, const char *text, size_t length,
                            char words[WORLD_WORDS_SIZE])
{
    struct world_directory *local = context;
    struct buf b = buf_over(words, WORLD_WORDS_SIZE);
    int rc = file_replace(local->state, text, length, STATE_MODE);
    if (rc == 0)
        return 0;
    buf_printf(&b, "%s: %s", local->state, file_error(rc));
    return WORLD_STATE_FAILED;
}

static void local_set_state_aside(void *context)
{
    struct world_directory *local = context;
    char path[PATH_MAX];
    struct buf b = BUF_OVER(path);
    buf_printf(&b, "%s.damaged", local->state);
    if (!buf_full(&b))
        (void)rename(local->state, path);
}

static int local_load_look(void *context, char *text, size_t size)
{
    const struct world_directory *local = context;
    return (int)(local->look[0] == '\0' ? -1 : file_read(local->look, text, size));
}

static void local_save_look(void *context, const char *text, size_t length)
{
    const struct world_directory *local = context;
    char before[LOOK_SIZE];
    /* Where it lies in flash, a fault that lasts shall not write it at each call. */
    if (local_load_look(context, before, sizeof before) == (int)length &&
        memcmp(before, text, length) == 0)
        return;
    if (local->look[0] != '\0')
        (void)file_replace_brief(local->look, text, length, STATE_MODE);
}

/* --- hooks, clocks, messages ----------------------------------------------------------------- */

static void local_run_hook(void *context, const struct world_hook *hook,
                           struct world_hook_result *result)
{
    (void)context;
    /* What is told by a command was told in the log. */
    if (hook->message == NULL)
        log_say(LOG_LEVEL_NOTICE, "%s: %s: %s", hook->pair, hook->event, hook->command);
    hook_run(hook, result);
}

static void local_now(void *context, struct moment *now)
{
    (void)context;
    time_moment(now);
}

static void on_stop(int signal_number)
{
    (void)signal_number;
    pause_stop();
}

void world_local_catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop};
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

static bool local_stopped(void *context)
{
    (void)context;
    return pause_stopped();
}

static void show_countdown(const char *what, int64_t left)
{
    char text[640];
    struct buf b = BUF_OVER(text);
    buf_printf(&b, "\r\033[K%s: ", what);
    buf_duration(&b, left);
    (void)!write(STDERR_FILENO, b.data, b.used);
}

/*
 * Looks at the clock once a second, not once: a machine that slept meanwhile has waited all the
 * same.
 */
static bool local_wait(void *context, int64_t seconds, const char *what)
{
    bool shown = log_shows(LOG_LEVEL_NOTICE) && isatty(STDERR_FILENO), stopped = false;
    (void)context;
    /* One second more: the step compares whole seconds, rounded to the safe side. */
    int64_t now = time_ticks(), end = (now / 1000 + seconds + 1) * 1000;
    for (; !stopped && now < end; now = time_ticks()) {
        if (shown)
            show_countdown(what, (end - now) / 1000);
        stopped = pause_ms(1000 - now % 1000 + 1);
    }
    if (shown)
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
    return stopped;
}

static void local_say(void *context, enum log_level level, const char *text)
{
    (void)context;
    log_say(level, "%s", text);
}

const struct world_local world_local_functions = {
    .read_pair = local_read_pair,
    .check_pair = local_check_pair,
    .install = local_install,
    .put_back = local_put_back,
    .drop_previous = local_drop_previous,
    .load_state = local_load_state,
    .save_state = local_save_state,
    .set_state_aside = local_set_state_aside,
    .load_look = local_load_look,
    .save_look = local_save_look,
    .run_hook = local_run_hook,
    .now = local_now,
    .wait = local_wait,
    .stopped = local_stopped,
    .say = local_say,
};
