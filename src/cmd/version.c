#include "base/log.h"
#include "cmd/cmd.h"

static int run(const struct call *call)
{
    (void)call;
    return log_out("daneroll " DANEROLL_VERSION "\n") == 0 ? EXIT_GOOD : EXIT_FAILED;
}

const struct verb verb_version = {
    .name = "version",
    .summary = "print the version",
    .arguments = "",
    .about = "Prints the program's name and version.",
    .run = run,
};
