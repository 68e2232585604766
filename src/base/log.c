#include "base/log.h"

#include "base/buf.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* RFC 3164: facility daemon (3) and the severities error, warning, notice, info. */
#define FACILITY_DAEMON (3 * 8)

static struct {
    enum log_level most;
    bool to_syslog;
} setup = {LOG_LEVEL_NOTICE, false};

void log_setup(enum log_level most, bool to_syslog)
{
    setup.most = most;
    setup.to_syslog = to_syslog;
}

/* Faults of a configuration come by the dozen. */
static char errors[4 * LOG_MESSAGE_SIZE];

const char *log_errors(void)
{
    return errors;
}

static void keep(const char *text)
{
    struct buf b = BUF_BEHIND(errors);
    if (b.size - b.used > strlen(text) + 1)
        buf_printf(&b, "%s\n", text);
}

bool log_shows(enum log_level level)
{
    return level <= setup.most;
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        ssize_t n = write(fd, text, length);
        if (n <= 0)
            return -1;
        text += n;
        length -= (size_t)n;
    }
    return 0;
}

/* A missing socket (early in boot, or in a chroot) loses the message, as syslog(3) does. */
static void to_syslog(enum log_level level, const char *message)
{
    static const int severity[] = {3, 4, 5, 6};
    char text[LOG_MESSAGE_SIZE + 64];
    struct buf b = BUF_OVER(text);
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    buf_printf(&b, "<%d>daneroll[%d]: %s", FACILITY_DAEMON + severity[level], (int)getpid(),
               message);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        (void)send(fd, b.data, b.used, MSG_NOSIGNAL);
    (void)close(fd);
}

void log_say(enum log_level level, const char *format, ...)
{
    char text[LOG_MESSAGE_SIZE];
    struct buf b = BUF_OVER(text);
    va_list arguments;
    if (!log_shows(level))
        return;
    va_start(arguments, format);
    buf_vprintf(&b, format, arguments);
    va_end(arguments);
    if (buf_full(&b))
        memcpy(text + sizeof text - 4, "...", 4);
    if (level == LOG_LEVEL_ERROR)
        keep(text);
    if (setup.to_syslog) {
        to_syslog(level, text);
        return;
    }
    /* One write a line, so that lines of several processes do not mix. */
    char line[LOG_MESSAGE_SIZE + 16];
    struct buf whole = BUF_OVER(line);
    buf_printf(&whole, "daneroll: %s\n", text);
    (void)write_all(STDERR_FILENO, whole.data, whole.used);
}

int log_out(const char *text)
{
    return write_all(STDOUT_FILENO, text, strlen(text));
}
