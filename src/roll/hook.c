/* syscall is beyond POSIX.1-2008. */
#define _GNU_SOURCE
#include "roll/hook.h"

#include "base/buf.h"
#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL_PATH "/bin/sh"
/* Between TERM and KILL. */
#define GRACE_MS 5000
/* Lines of output logged of one command; more is passed over and said. */
#define LINES_MOST 200
#define LINE_SIZE  512
/* Descriptors that somebody may have left open for us: cron and inetd leave few. */
#define DESCRIPTORS_MOST 1024

#define VARIABLES_MOST     48
#define VARIABLE_TEXT_SIZE 8192
#define PATH_TEXT_SIZE     2048

/* --- environment ----------------------------------------------------------------------------- */

struct environment {
    size_t count;
    char *variables[VARIABLES_MOST + 1];
    size_t used;
    char text[VARIABLE_TEXT_SIZE];
};

static bool is_passed_on(const char *variable)
{
    static const char *const names[] = {
        "HOME=", "USER=", "LOGNAME=", "SHELL=", "TZ=", "LANG=", "LC_"};
    const char *equals = strchr(variable, '=');
    static const char tail[] = "_proxy";
    if (equals == NULL)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    }
    size_t length = (size_t)(equals - variable);
    return length > strlen(tail) && memcmp(equals - strlen(tail), tail, strlen(tail)) == 0;
}

static void set_variable(struct environment *e, const char *name, const char *value)
{
    struct buf b = buf_over(e->text + e->used, sizeof e->text - e->used);
    if (value == NULL || e->count == VARIABLES_MOST)
        return;
    buf_printf(&b, "%s=%s", name, value);
    /* What does not fit is left out whole: half a list of hosts would mislead the command. */
    if (buf_full(&b) || e->used + b.used + 1 >= sizeof e->text)
        return;
    e->variables[e->count++] = b.data;
    e->used += b.used + 1;
}

/* Whether FOLDER is one of those that PATH names. */
static bool names_folder(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    for (const char *at = path; at != NULL; at = strchr(at, ':')) {
        at += *at == ':' ? 1 : 0;
        if (strncmp(at, folder, length) == 0 && (at[length] == ':' || at[length] == '\0'))
            return true;
    }
    return false;
}

/* Cron's own PATH lacks the folders in which services and their commands lie. */
static void set_path(struct environment *e, const char *path)
{
    static const char *const folders[] = {"/usr/local/sbin", "/usr/sbin", "/sbin"};
    char text[PATH_TEXT_SIZE];
    struct buf b = BUF_OVER(text);
    if (path == NULL || *path == '\0')
        path = "/usr/local/bin:/usr/bin:/bin";
    buf_text(&b, path);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        if (!names_folder(path, folders[i]))
            buf_printf(&b, ":%s", folders[i]);
    }
    set_variable(e, "PATH", buf_full(&b) ? path : text);
}

static void make_environment(struct environment *e, const struct world_hook *hook)
{
    memset(e, 0, sizeof *e);
    for (size_t i = 0; environ[i] != NULL && e->count < VARIABLES_MOST - 16; i++) {
        if (is_passed_on(environ[i]))
            e->variables[e->count++] = environ[i];
    }
    set_path(e, getenv("PATH"));
    set_variable(e, "DANE_EVENT", hook->event);
    set_variable(e, "DANE_HOST", hook->hosts);
    set_variable(e, "DANE_PAIR", hook->pair);
    set_variable(e, "DANE_KEY", hook->key);
    set_variable(e, "DANE_CERTIFICATE", hook->certificate);
    set_variable(e, "DANE_PRIVATE_KEY", hook->private_key);
    set_variable(e, "DANE_MESSAGE", hook->message);
}

/* --- the child ------------------------------------------------------------------------------- */

static void reset_signals(void)
{
    sigset_t none;
    sigemptyset(&none);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* A thousand calls are a tenth of what a hook costs; kernels before 5.9 know no other way. */
static void close_others(void)
{
#ifdef SYS_close_range
    if (syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) == 0)
        return;
#endif
    for (int fd = STDERR_FILENO + 1; fd < DESCRIPTORS_MOST; fd++)
        (void)close(fd);
}

static _Noreturn void become_command(const struct world_hook *hook, int output)
{
    struct environment e;
    char shell[] = "sh", option[] = "-c", command[LOG_MESSAGE_SIZE * 2];
    struct buf b = BUF_OVER(command);
    char *arguments[] = {shell, option, command, NULL};
    (void)setpgid(0, 0);
    reset_signals();
    make_environment(&e, hook);
    buf_text(&b, hook->command);
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing > 0) {
        (void)dup2(nothing, STDIN_FILENO);
        (void)close(nothing);
    } else if (nothing < 0) {
        (void)close(STDIN_FILENO);
    }
    if (buf_full(&b) || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0)
        _exit(126);
    close_others();
    (void)execve(SHELL_PATH, arguments, e.variables);
    _exit(127);
}

/* --- the parent ------------------------------------------------------------------------------ */

struct running {
    pid_t pid;
    int output; /* -1 at its end */
    bool exited;
    bool lost; /* it ended, and nobody knows how */
    int status;
    int64_t deadline; /* time_ticks() */
    bool termed;      /* TERM was sent */
    bool timed_out;
    unsigned lines;
    size_t used;
    char line[LINE_SIZE];
};

static void on_child(int signal_number)
{
    (void)signal_number;
}

static void log_line(struct running *r)
{
    char text[LINE_SIZE];
    struct buf b = BUF_OVER(text);
    buf_clean(&b, r->line, r->used);
    r->used = 0;
    if (++r->lines <= LINES_MOST)
        log_say(LOG_LEVEL_NOTICE, "  | %s", text);
    else if (r->lines == LINES_MOST + 1)
        log_say(LOG_LEVEL_NOTICE, "  | (more output is not shown)");
}

/* Takes what is there. At the end of the output, or an error, the descriptor is closed. */
static void read_output(struct running *r)
{
    char bytes[LINE_SIZE];
    ssize_t n = read(r->output, bytes, sizeof bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        (void)close(r->output);
        r->output = -1;
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (bytes[i] == '\n' || r->used == sizeof r->line - 1)
            log_line(r);
        if (bytes[i] != '\n')
            r->line[r->used++] = bytes[i];
    }
}

/* The group gets TERM at the deadline, and KILL a little later. */
static void enforce_deadline(struct running *r)
{
    if (time_ticks() < r->deadline)
        return;
    r->timed_out = true;
    (void)kill(-r->pid, r->termed ? SIGKILL : SIGTERM);
    r->termed = true;
    r->deadline = time_ticks() + GRACE_MS;
}

/* Waits for output, the command's end or the deadline, whichever comes first. */
static void await(struct running *r, const sigset_t *mask)
{
    fd_set set;
    int64_t left = r->deadline - time_ticks();
    struct timespec limit = {0, 0};
    FD_ZERO(&set);
    if (r->output >= 0) {
        /* Unsigned: musl's macro divides it by a size_t. */
        size_t fd = (size_t)r->output;
        FD_SET(fd, &set);
    }
    if (left > 0) {
        limit.tv_sec = (time_t)(left / 1000);
        limit.tv_nsec = (long)(left % 1000) * 1000000;
    }
    if (pselect(r->output + 1, &set, NULL, NULL, &limit, mask) > 0 && r->output >= 0)
        read_output(r);
}

static void follow(struct running *r, const sigset_t *mask)
{
    while (!r->exited) {
        pid_t ended = waitpid(r->pid, &r->status, WNOHANG);
        r->lost = ended < 0 && errno != EINTR;
        r->exited = ended == r->pid || r->lost;
        if (r->exited)
            break;
        await(r, mask);
        enforce_deadline(r);
    }
    /* What the command has still in the pipe; a daemon that it left behind may hold the other end.
     */
    if (r->output >= 0 && fcntl(r->output, F_SETFL, O_NONBLOCK) == 0) {
        for (unsigned i = 0; r->output >= 0 && i < LINES_MOST; i++) {
            errno = 0;
            read_output(r);
            if (errno == EAGAIN)
                break;
        }
    }
    if (r->used > 0)
        log_line(r);
    if (r->output >= 0)
        (void)close(r->output);
    /* After a time-out nothing of the group may go on. */
    if (r->timed_out)
        (void)kill(-r->pid, SIGKILL);
}

static void judge(const struct running *r, uint32_t timeout, struct world_hook_result *result)
{
    struct buf b = BUF_OVER(result->words);
    if (r->timed_out)
        buf_printf(&b, "not done after %u s; it and its children were ended (hook-timeout)",
                   (unsigned)timeout);
    else if (r->lost)
        buf_text(&b, "its exit status could not be had");
    else if (WIFSIGNALED(r->status))
        buf_printf(&b, "ended by signal %d", WTERMSIG(r->status));
    else if (WEXITSTATUS(r->status) == 127)
        buf_text(&b, "exit status 127: no such command, or no " SHELL_PATH);
    else if (WEXITSTATUS(r->status) != 0)
        buf_printf(&b, "exit status %d", WEXITSTATUS(r->status));
    else
        result->succeeded = true;
}

/* Starts the command; false with RESULT's words when that cannot be done. */
static bool start(struct running *r, const struct world_hook *hook,
                  struct world_hook_result *result)
{
    struct buf words = BUF_OVER(result->words);
    int ends[2];
    if (pipe(ends) != 0) {
        buf_printf(&words, "no pipe: %s", fault_words(errno));
        return false;
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    r->pid = fork();
    if (r->pid == 0)
        become_command(hook, ends[1]);
    (void)close(ends[1]);
    if (r->pid < 0) {
        buf_printf(&words, "no process: %s", fault_words(errno));
        (void)close(ends[0]);
        return false;
    }
    /* Both sides set it: whichever comes first. */
    (void)setpgid(r->pid, r->pid);
    r->output = ends[0];
    return true;
}

void hook_run(const struct world_hook *hook, struct world_hook_result *result)
{
    struct running r = {.output = -1, .deadline = time_ticks() + (int64_t)hook->timeout * 1000};
    struct sigaction action = {.sa_handler = on_child}, former;
    sigset_t child, mask, waiting;
    result->succeeded = false;
    sigemptyset(&action.sa_mask);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    /* Before the child is there: its end is then seen, and only while it is waited for. */
    (void)sigprocmask(SIG_BLOCK, &child, &mask);
    (void)sigaction(SIGCHLD, &action, &former);
    waiting = mask;
    sigdelset(&waiting, SIGCHLD);
    if (start(&r, hook, result)) {
        follow(&r, &waiting);
        judge(&r, hook->timeout, result);
    }
    (void)sigaction(SIGCHLD, &former, NULL);
    (void)sigprocmask(SIG_SETMASK, &mask, NULL);
}
