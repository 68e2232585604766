#include "base/pause.h"

#include <signal.h>
#include <sys/select.h>
#include <time.h>

static volatile sig_atomic_t stopped;

void pause_stop(void)
{
    stopped = 1;
}

bool pause_stopped(void)
{
    return stopped != 0;
}

bool pause_ms(int64_t ms)
{
    struct timespec length = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
    sigset_t block, former;
    if (ms <= 0)
        return pause_stopped();
    /* Blocked but during pselect: a signal just before it cannot be missed. */
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    sigaddset(&block, SIGTERM);
    (void)sigprocmask(SIG_BLOCK, &block, &former);
    if (!pause_stopped())
        (void)pselect(0, NULL, NULL, NULL, &length, &former);
    (void)sigprocmask(SIG_SETMASK, &former, NULL);
    return pause_stopped();
}
