#include "cmd/engine.h"

#include "base/log.h"
#include "roll/start.h"

void engine_raise_ttls(struct conf *conf)
{
    for (size_t i = 0; i < conf->hosts_count; i++) {
        struct conf_host *host = &conf->hosts[i];
        const struct provider_type *type =
            provider_type_named(conf->providers[host->provider].kind->name);
        if (!host->ttl_given && host->ttl < type->ttl_least)
            host->ttl = type->ttl_least;
    }
}

int engine_trust(struct trust *trust, const struct conf *conf)
{
    trust->verdicts = NULL;
    if (trust_open(trust, conf->ca_file) == 0)
        return EXIT_GOOD;
    log_say(LOG_LEVEL_ERROR, "%s: cannot be read, or holds no CA certificate",
            trust->path == NULL ? "CA certificates" : trust->path);
    return EXIT_USAGE_FAULT;
}

int engine_net(struct world_net *net, const struct conf *conf, const struct trust *trust,
               struct arena *arena)
{
    const char *word = NULL;
    int rc = world_net_init(net, conf, trust, arena, &word);
    if (word != NULL) {
        log_say(LOG_LEVEL_ERROR, "resolver: '%s' is no address (ADDRESS or ADDRESS@PORT)", word);
        return EXIT_USAGE_FAULT;
    }
    if (rc == 0)
        return EXIT_GOOD;
    log_say(LOG_LEVEL_ERROR, "out of memory");
    return EXIT_FAILED;
}

int engine_hosts(const struct call *call, const struct conf *conf)
{
    const char *unknown = start_unknown_host(conf, call->arguments, call->arguments_count);
    if (unknown == NULL)
        return EXIT_GOOD;
    log_say(LOG_LEVEL_ERROR, "%s: no such host in the configuration", unknown);
    return EXIT_USAGE_FAULT;
}

int engine_exit(const struct outcome *outcome)
{
    if (outcome->failed)
        return EXIT_FAILED;
    if (outcome->usage)
        return EXIT_USAGE_FAULT;
    return outcome->later ? EXIT_LATER : EXIT_GOOD;
}
