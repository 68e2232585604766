/*
 * What the verbs that look at the configured hosts share.
 */
#ifndef CMD_ENGINE_H
#define CMD_ENGINE_H

#include "cmd/cmd.h"
#include "roll/acting.h"
#include "roll/world_net.h"

/* The default TTL is raised to what the provider takes; a given one is sent as it is. */
void engine_raise_ttls(struct conf *conf);
/* These say what is wrong, and return an exit code. */
int engine_trust(struct trust *trust, const struct conf *conf);
int engine_net(struct world_net *net, const struct conf *conf, const struct trust *trust,
               struct arena *arena);
int engine_hosts(const struct call *call, const struct conf *conf);
/* What an outcome is to the caller. */
int engine_exit(const struct outcome *outcome);

#endif
