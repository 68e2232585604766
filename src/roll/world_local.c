#include "roll/world_local.h"

#include "base/buf.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/pause.h"
#include "roll/hook.h"
#include "roll/pair.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* A state file is ours alone: it tells which keys are about to be used. */
#define STATE_MODE      0600
#define STATE_DIRECTORY 0700

/* --- pairs ----------------------------------------------------------------------------------- */

static void local_read_pair(void *context, const struct conf_pair *pair, struct world_pair *found)
{
    static struct pair_found read;
    struct buf words = BUF_OVER(found->words);
    (void)context;
    pair_read(pair, &read);
    found->code = read.code == PAIR_READ    ? WORLD_PAIR_READ
                  : read.code == PAIR_LATER ? WORLD_PAIR_LATER
                                            : WORLD_PAIR_FAILED;
    found->leaf = read.leaf;
    found->not_after = read.not_after;
    buf_text(&words, read.words);
}

/* --- state ----------------------------------------------------------------------------------- */

static int set_path(struct world_directory *local, const char *directory)
{
    struct buf b = BUF_OVER(local->state);
    local->lock = -1;
    buf_printf(&b, "%s/state", directory);
    return buf_full(&b) ? -1 : 0;
}

int world_local_open(struct world_directory *local, const char *directory,
                     char words[WORLD_WORDS_SIZE])
{
    char path[PATH_MAX];
    struct buf b = BUF_OVER(path), text = buf_over(words, WORLD_WORDS_SIZE);
    buf_printf(&b, "%s/lock", directory);
    if (set_path(local, directory) != 0 || buf_full(&b)) {
        buf_text(&text, "its name is too long");
        return WORLD_LOCK_FAILED;
    }
    if (file_make_directory(directory, STATE_DIRECTORY) != 0) {
        buf_text(&text, fault_words(errno));
        return WORLD_LOCK_FAILED;
    }
    local->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, STATE_MODE);
    if (local->lock < 0) {
        buf_printf(&text, "lock: %s", fault_words(errno));
        return WORLD_LOCK_FAILED;
    }
    if (flock(local->lock, LOCK_EX | LOCK_NB) == 0)
        return 0;
    int rc = errno == EWOULDBLOCK ? WORLD_LOCK_HELD : WORLD_LOCK_FAILED;
    buf_printf(&text, "lock: %s", fault_words(errno));
    world_local_close(local);
    return rc;
}

int world_local_open_to_read(struct world_directory *local, const char *directory)
{
    return set_path(local, directory) == 0 ? 0 : WORLD_LOCK_FAILED;
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

/* --- hooks, clocks, messages ----------------------------------------------------------------- */

static void local_run_hook(void *context, const struct world_hook *hook,
                           struct world_hook_result *result)
{
    (void)context;
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
    struct moment now;
    bool shown = log_shows(LOG_LEVEL_NOTICE) && isatty(STDERR_FILENO), stopped = false;
    (void)context;
    time_moment(&now);
    /* One second more: the step compares whole seconds, rounded to the safe side. */
    int64_t end = now.boottime + seconds + 1;
    while (!stopped && now.boottime < end) {
        if (shown)
            show_countdown(what, end - now.boottime);
        stopped = pause_ms(1000 - time_ticks() % 1000 + 1);
        time_moment(&now);
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
    .load_state = local_load_state,
    .save_state = local_save_state,
    .set_state_aside = local_set_state_aside,
    .run_hook = local_run_hook,
    .now = local_now,
    .wait = local_wait,
    .stopped = local_stopped,
    .say = local_say,
};
