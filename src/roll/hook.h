/*
 * Runs a command of the user: sh -c, in a process group of its own, with a time limit, its output
 * logged line by line, nothing of ours inherited but the environment that DESIGN.md section 8
 * lists.
 */
#ifndef ROLL_HOOK_H
#define ROLL_HOOK_H

#include "roll/world.h"

void hook_run(const struct world_hook *hook, struct world_hook_result *result);

#endif
