/*
 * The language of replay files: what the world is like, what happens to it, and runs. A line a
 * statement; '#' begins a comment line. tests/replay/README lists the statements.
 */
#ifndef TESTS_UNIT_REPLAY_SCRIPT_H
#define TESTS_UNIT_REPLAY_SCRIPT_H

#include "replay_world.h"

#include "conf/conf.h"
#include "dane/combination.h"
#include "dane/service.h"

#include <unistd.h>

#define SCRIPT_WORD 256

/* --- words ----------------------------------------------------------------------------------- */

/* The next word of a line, without the colon or comma at its end; "" at the end of the line. */
static inline const char *script_word(const char **at, char word[SCRIPT_WORD])
{
    size_t n = 0;
    while (**at == ' ')
        (*at)++;
    while (**at != ' ' && **at != '\0' && n < SCRIPT_WORD - 1)
        word[n++] = *(*at)++;
    if (n > 0 && (word[n - 1] == ':' || word[n - 1] == ','))
        n--;
    word[n] = '\0';
    return word;
}

/* Whether WORDS stand there next; then they are passed over. */
static inline bool script_accept(const char **at, const char *words)
{
    const char *from = *at;
    size_t length = strlen(words);
    while (*from == ' ')
        from++;
    if (strncmp(from, words, length) != 0 || strchr(" :,", from[length]) == NULL)
        return false;
    from += length;
    while (*from == ':' || *from == ' ' || *from == ',')
        from++;
    *at = from;
    return true;
}

static inline int64_t script_duration(struct replay *r, const char **at)
{
    char word[SCRIPT_WORD], unit = 's', end;
    long long number;
    int count = sscanf(script_word(at, word), "%lld%c%c", &number, &unit, &end);
    const int64_t factor = unit == 'd' ? DAY : unit == 'h' ? 3600 : unit == 'm' ? 60 : 1;
    if (count < 1 || count > 2 || strchr("smhd", unit) == NULL)
        replay_fail(r, "no duration", word);
    return (int64_t)number * factor;
}

static inline const struct replay_chain *script_chain(struct replay *r, const char **at)
{
    char word[SCRIPT_WORD];
    const struct replay_chain *chain = replay_chain(r, script_word(at, word));
    if (chain == NULL)
        replay_fail(r, "no chain", word);
    return chain;
}

/* One record: up to a comma, "ttl", "automatic" or the end. */
static inline struct tlsa script_record(struct replay *r, const char **at)
{
    char words[4][SCRIPT_WORD], text[4 * SCRIPT_WORD + 4];
    struct tlsa record;
    for (int i = 0; i < 4; i++)
        (void)script_word(at, words[i]);
    (void)snprintf(text, sizeof text, "%s %s %s %s", words[0], words[1], words[2], words[3]);
    if (!replay_record(r, text, &record))
        replay_fail(r, "no record", text);
    return record;
}

/* "REC, REC [ttl N|automatic]" into SET. */
static inline void script_records(struct replay *r, const char **at, struct replay_rrset *set)
{
    bool automatic = false;
    const size_t before = set->count;
    uint32_t ttl = before > 0 ? set->records[0].ttl : 3600;
    while (**at != '\0') {
        if (script_accept(at, "ttl"))
            ttl = (uint32_t)script_duration(r, at);
        else if (script_accept(at, "automatic"))
            automatic = true;
        else if (!script_accept(at, "none")) {
            struct tlsa record = script_record(r, at);
            (void)replay_set_add(set, &record, ttl, false);
        }
    }
    for (size_t i = before; i < set->count; i++) {
        set->records[i].ttl = automatic ? 300 : ttl;
        set->records[i].automatic = automatic;
    }
}

/* --- lines ----------------------------------------------------------------------------------- */

/* The next line without its newline; false at the end. */
static inline bool script_line(struct replay *r, char line[1024])
{
    if (r->has_pushed) {
        r->has_pushed = false;
        (void)strcpy(line, r->pushed);
        return true;
    }
    if (fgets(line, 1024, r->file) == NULL)
        return false;
    r->line++;
    size_t length = strcspn(line, "\n");
    if (line[length] == '\0')
        replay_fail(r, "a line is too long", "");
    line[length] = '\0';
    while (length > 0 && line[length - 1] == ' ')
        line[--length] = '\0';
    return true;
}

/* --- the configuration ----------------------------------------------------------------------- */

static inline void script_complain(void *context, const char *where, const char *text)
{
    (void)context;
    print_error("%s: %s\n", where, text);
}

/* The indented lines that follow are daneroll.conf's own; a provider is added. */
static inline void script_conf(struct replay *r)
{
    static const struct conf_provider_kind kinds[] = {{"test", NULL, 0}};
    static struct conf_service known[32];
    static char *environment[] = {NULL};
    char path[] = "/tmp/replay-XXXXXX", line[1024];
    int descriptor = mkstemp(path);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    assert_non_null(file);
    (void)fprintf(file, "[provider test]\ntype = test\n");
    while (script_line(r, line)) {
        if (line[0] != ' ' && line[0] != '\0') {
            r->has_pushed = true;
            (void)strcpy(r->pushed, line);
            break;
        }
        (void)fprintf(file, "%s\n", line + strspn(line, " "));
    }
    assert_int_equal(fclose(file), 0);
    for (size_t i = 0; i < services_count && i < 32; i++)
        known[i] = (struct conf_service){services[i].name, services[i].port};
    const struct conf_tables tables = {.providers = kinds,
                                       .providers_count = 1,
                                       .services = known,
                                       .services_count = services_count,
                                       .service_port = service_port,
                                       .record_check = combination_check};
    assert_true(r->confs_count < REPLAY_CONFS);
    r->conf_arenas[r->confs_count] = arena_make(REPLAY_MEMORY);
    r->conf = &r->confs[r->confs_count];
    r->given.count = 1;
    r->given.items[0].name = "config";
    r->given.items[0].value = arena_text(&r->conf_arenas[r->confs_count], path, strlen(path));
    int rc = conf_load(r->conf, &tables, &r->given, environment, &r->conf_arenas[r->confs_count++],
                       script_complain, NULL);
    (void)unlink(path);
    if (rc != 0)
        replay_fail(r, "the configuration is refused", "");
}

/* --- files ----------------------------------------------------------------------------------- */

static inline void script_file(struct replay *r, const char *at, struct replay_file *file)
{
    int64_t left = 80 * DAY, life = 90 * DAY;
    memset(file, 0, sizeof *file);
    file->found.code = PAIR_ABSENT;
    if (script_accept(&at, "none"))
        return;
    bool half = script_accept(&at, "half"), broken = script_accept(&at, "broken");
    if (half || broken) {
        file->found.code = half ? PAIR_LATER : PAIR_FAILED;
        REPLAY_COPY(file->found.words,
                    half ? "the key does not fit: it is being written" : "it cannot be read");
        return;
    }
    const struct replay_chain *chain = script_chain(r, &at);
    const char *warning = NULL;
    while (*at != '\0') {
        if (script_accept(&at, "ends"))
            left = script_duration(r, &at);
        else if (script_accept(&at, "life"))
            life = script_duration(r, &at);
        else if (script_accept(&at, "ed25519"))
            warning = "its key is neither RSA nor ECDSA";
        else if (script_accept(&at, "unfit")) {
            REPLAY_COPY(file->unfit, at);
            break;
        } else
            replay_fail(r, "what is this", at);
    }
    replay_found(r, chain, left, life, &file->found);
    file->found.warning = warning;
}

static inline void script_pair(struct replay *r, const char *at, enum world_place place)
{
    char label[SCRIPT_WORD];
    struct replay_pair *pair = replay_pair(r, script_word(&at, label));
    struct replay_file *const files[] = {&pair->source, &pair->current, &pair->previous,
                                         &pair->next_key};
    script_file(r, at, files[place]);
}

static inline void script_files(struct replay *r, const char *at)
{
    script_pair(r, at, WORLD_SOURCE);
}

static inline void script_installed(struct replay *r, const char *at)
{
    script_pair(r, at, WORLD_CURRENT);
}

static inline void script_previous(struct replay *r, const char *at)
{
    script_pair(r, at, WORLD_PREVIOUS);
}

static inline void script_next_key(struct replay *r, const char *at)
{
    script_pair(r, at, WORLD_NEXT_KEY);
}

/* --- services -------------------------------------------------------------------------------- */

static inline struct replay_place *script_place(struct replay *r, const char *host,
                                                const char *service, const char *address)
{
    for (size_t i = 0; i < r->places_count; i++) {
        struct replay_place *p = &r->places[i];
        if (strcmp(p->host, host) == 0 && strcmp(p->service, service) == 0 &&
            strcmp(p->address, address) == 0)
            return p;
    }
    assert_true(r->places_count < REPLAY_PLACES);
    struct replay_place *place = &r->places[r->places_count++];
    memset(place, 0, sizeof *place);
    REPLAY_COPY(place->host, host);
    REPLAY_COPY(place->service, service);
    REPLAY_COPY(place->address, address);
    place->loaded[0].code = place->loaded[1].code = PAIR_ABSENT;
    return place;
}

/* SERVE HOST SERVICE [at ADDRESS]: (CHAIN... | a word of the tables)... */
static inline void script_serve(struct replay *r, const char *at)
{
    static const char *const modes[] = {
        [MODE_RELOADS] = "reloads", [MODE_RESTARTS] = "restarts", [MODE_SLOW] = "slow",
        [MODE_LIVE] = "live",       [MODE_SOURCE] = "source",     [MODE_BREAKS] = "breaks",
        [MODE_FIXED] = "fixed"};
    static const char *const faults[] = {
        [FAULT_NONE] = "back",    [FAULT_UNSEEN] = "unseen",  [FAULT_NO_STARTTLS] = "nostarttls",
        [FAULT_NO_TLS] = "notls", [FAULT_OLD_TLS] = "oldtls", [FAULT_NOWHERE] = "nowhere"};
    char host[SCRIPT_WORD], service[SCRIPT_WORD], address[SCRIPT_WORD] = "192.0.2.1";
    char word[SCRIPT_WORD];
    bool fresh = true;
    (void)script_word(&at, host);
    (void)script_word(&at, service);
    if (script_accept(&at, "at"))
        (void)script_word(&at, address);
    struct replay_place *place = script_place(r, host, service, address);
    while (*script_word(&at, word) != '\0') {
        bool known = false;
        for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
            if (strcmp(word, modes[i]) == 0) {
                place->mode = (enum replay_mode)i;
                known = true;
            }
        }
        for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
            if (strcmp(word, faults[i]) == 0) {
                place->fault = (enum replay_fault)i;
                known = true;
            }
        }
        if (script_accept(&at, "to"))
            place->breaks_to = script_chain(r, &at);
        if (known)
            continue;
        if (strcmp(word, "starts") == 0) {
            place->fault = FAULT_NONE;
            replay_load(r, place, NULL, false);
            continue;
        }
        const struct replay_chain *chain = replay_chain(r, word);
        if (chain == NULL)
            replay_fail(r, "a service cannot be", word);
        if (fresh)
            place->loaded[0].code = place->loaded[1].code = PAIR_ABSENT;
        fresh = false;
        replay_found(r, chain, 80 * DAY, 90 * DAY,
                     &place->loaded[chain->algorithm == CERT_RSA ? PROBE_RSA : PROBE_ECDSA]);
    }
}

/* --- DNS ------------------------------------------------------------------------------------- */

static inline void script_set(struct replay *r, const char *at)
{
    char owner[SCRIPT_WORD];
    struct replay_rrset *set = replay_set(&r->provider, script_word(&at, owner));
    set->count = 0;
    script_records(r, &at, set);
}

static inline void script_somebody(struct replay *r, const char *at)
{
    char owner[SCRIPT_WORD];
    bool adds = script_accept(&at, "ADDS"), removes = script_accept(&at, "REMOVES"),
         sets = script_accept(&at, "SETS TTL");
    struct replay_rrset *set = replay_set(&r->provider, script_word(&at, owner));
    if (adds) {
        script_records(r, &at, set);
    } else if (removes) {
        struct tlsa record = script_record(r, &at);
        if (!replay_set_remove(set, &record))
            replay_fail(r, "there is no such record", owner);
    } else if (sets) {
        uint32_t ttl = (uint32_t)script_duration(r, &at);
        for (size_t i = 0; i < set->count; i++)
            set->records[i].ttl = ttl;
    } else {
        replay_fail(r, "somebody does what", at);
    }
}

/* NAMESERVERS NAME/ADDRESS... */
static inline void script_nameservers(struct replay *r, const char *at)
{
    char word[SCRIPT_WORD];
    r->servers_count = 0;
    while (*script_word(&at, word) != '\0') {
        char *slash = strchr(word, '/');
        assert_true(slash != NULL && r->servers_count < REPLAY_SERVERS);
        struct replay_server *server = &r->servers[r->servers_count++];
        memset(server, 0, sizeof *server);
        REPLAY_COPY(server->address, slash + 1);
        *slash = '\0';
        REPLAY_COPY(server->name, word);
    }
}

static inline void script_server_does(struct replay *r, struct replay_server *server,
                                      const char *at)
{
    char owner[SCRIPT_WORD];
    server->answer = WORLD_RRSET;
    if (script_accept(&at, "silent"))
        server->answer = WORLD_SILENT;
    else if (script_accept(&at, "lame"))
        server->answer = WORLD_LAME;
    else if (script_accept(&at, "denies"))
        server->answer = WORLD_DENIAL;
    else if (script_accept(&at, "follows"))
        server->frozen = false;
    else if (script_accept(&at, "lags")) {
        server->frozen = true;
        server->zone = r->provider;
        server->thaws = *at == '\0' ? 0 : r->now.boottime + script_duration(r, &at);
    } else if (script_accept(&at, "shows")) {
        if (!server->frozen)
            server->zone = r->provider;
        server->frozen = true;
        struct replay_rrset *set = replay_set(&server->zone, script_word(&at, owner));
        set->count = 0;
        script_records(r, &at, set);
    } else
        replay_fail(r, "a server cannot", at);
}

/* SERVER NAME[/ADDRESS]: ... */
static inline void script_server(struct replay *r, const char *at)
{
    char word[SCRIPT_WORD], both[SCRIPT_WORD];
    bool found = false;
    (void)script_word(&at, word);
    for (size_t i = 0; i < r->servers_count; i++) {
        struct replay_server *server = &r->servers[i];
        (void)snprintf(both, sizeof both, "%s/%s", server->name, server->address);
        if (strcmp(word, server->name) != 0 && strcmp(word, both) != 0)
            continue;
        found = true;
        script_server_does(r, server, at);
    }
    if (!found)
        replay_fail(r, "no such name server", word);
}

static inline void script_zone(struct replay *r, const char *at)
{
    static const char *const zones[] = {[WORLD_ZONE_UNKNOWN] = "unknown",
                                        [WORLD_ZONE_UNSIGNED] = "unsigned",
                                        [WORLD_ZONE_NO_DS] = "no-ds",
                                        [WORLD_ZONE_SIGNED] = "signed",
                                        [WORLD_ZONE_BOGUS] = "bogus"};
    char word[SCRIPT_WORD];
    (void)script_word(&at, word);
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (strcmp(word, zones[i]) == 0) {
            r->zone = (enum world_zone)i;
            REPLAY_COPY(r->zone_words, at + strspn(at, " "));
            return;
        }
    }
    replay_fail(r, "a zone cannot be", word);
}

/* ALIAS OWNER TARGET: the owner name becomes a CNAME; "ALIAS OWNER none" ends that. */
static inline void script_alias(struct replay *r, const char *at)
{
    size_t length = strcspn(at, " ");
    for (size_t i = 0; i < r->aliases.count; i++) {
        if (strncmp(r->aliases.sets[i].owner, at, length + 1) == 0)
            r->aliases.sets[i] = r->aliases.sets[--r->aliases.count];
    }
    if (strcmp(at + length, " none") != 0)
        (void)replay_set(&r->aliases, at);
}

static inline void script_wildcard(struct replay *r, const char *at)
{
    char owner[SCRIPT_WORD];
    memset(&r->wildcard, 0, sizeof r->wildcard);
    REPLAY_COPY(r->wildcard.owner, script_word(&at, owner));
    script_records(r, &at, &r->wildcard);
}

static inline void script_mx(struct replay *r, const char *at)
{
    char host[SCRIPT_WORD];
    REPLAY_COPY(r->mx_host, script_word(&at, host));
    REPLAY_COPY(r->mx, at + strspn(at, " "));
}

static inline void script_signatures(struct replay *r, const char *at)
{
    r->signature_life = script_accept(&at, "none") ? -1 : script_duration(r, &at);
}

static inline void script_signed_ttl(struct replay *r, const char *at)
{
    r->signed_ttl = (uint32_t)script_duration(r, &at);
}

static inline void script_settle(struct replay *r, const char *at)
{
    r->settle = (uint32_t)script_duration(r, &at);
}

static inline void script_blind(struct replay *r, const char *at)
{
    REPLAY_COPY(r->blind, script_accept(&at, "over") ? "" : at);
}

/* --- what happens ---------------------------------------------------------------------------- */

static inline void script_mishap(struct replay *r, const char *at)
{
    static const char *const kinds[] = {
        [MISHAP_NONE] = "none",        [MISHAP_LOST] = "lost",       [MISHAP_VANISHED] = "vanishes",
        [MISHAP_LATER] = "later",      [MISHAP_REFUSED] = "refused", [MISHAP_WRONG] = "wrong",
        [MISHAP_CONFLICT] = "conflict"};
    char call[SCRIPT_WORD], kind[SCRIPT_WORD];
    (void)script_word(&at, call);
    (void)script_word(&at, kind);
    if (strcmp(call, "save") == 0) {
        r->cannot_save = strcmp(kind, "none") != 0;
        return;
    }
    enum replay_mishap *mishap = strcmp(call, "add") == 0       ? &r->add
                                 : strcmp(call, "remove") == 0  ? &r->remove
                                 : strcmp(call, "list") == 0    ? &r->list
                                 : strcmp(call, "install") == 0 ? &r->install
                                                                : NULL;
    for (size_t i = 0; mishap != NULL && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kind, kinds[i]) != 0)
            continue;
        *mishap = (enum replay_mishap)i;
        r->later = i == MISHAP_LATER ? script_duration(r, &at) : 0;
        if (mishap == &r->list)
            r->list_after = script_accept(&at, "after") ? (unsigned)script_duration(r, &at) : 0;
        return;
    }
    replay_fail(r, "no such mishap", call);
}

/* COMMAND TEXT: fails | works | writes LABEL CHAIN ... [next-key CHAIN] */
static inline void script_command(struct replay *r, const char *at)
{
    char text[REPLAY_NAME], label[SCRIPT_WORD], file[512];
    const char *colon = strstr(at, ": ");
    if (colon == NULL || (size_t)(colon - at) >= sizeof text)
        replay_fail(r, "what does the command do", at);
    (void)snprintf(text, sizeof text, "%.*s", (int)(colon - at), at);
    struct replay_command *command = replay_command(r, text, true);
    at = colon + 2;
    command->fails = false;
    if (script_accept(&at, "writes")) {
        REPLAY_COPY(command->label, script_word(&at, label));
        REPLAY_COPY(file, at);
        char *next = strstr(file, " next-key ");
        if (next != NULL) {
            *next = '\0';
            script_file(r, next + strlen(" next-key "), &command->next_key);
        }
        script_file(r, file, &command->source);
    } else {
        command->fails = script_accept(&at, "fails");
    }
}

static inline void script_clock(struct replay *r, const char *at)
{
    if (script_accept(&at, "unproven"))
        r->now.proven = r->clock_by_network = false;
    else if (script_accept(&at, "proven by network"))
        r->clock_by_network = true;
    else if (script_accept(&at, "proven"))
        r->now.proven = true;
    else if (script_accept(&at, "jumps back"))
        r->now.wall -= script_duration(r, &at);
    else if (script_accept(&at, "jumps"))
        r->now.wall += script_duration(r, &at);
    else
        replay_fail(r, "a clock cannot", at);
}

/* What lies in RAM is lost, and a router's clock is not proven at once. */
static inline void script_reboot(struct replay *r, const char *at)
{
    (void)at;
    (void)snprintf(r->now.boot, sizeof r->now.boot, "00000000-0000-4000-8000-%012u", ++r->boots);
    r->now.boottime = 20;
    r->look_length = -1;
}

static inline void script_time(struct replay *r, const char *at)
{
    replay_pass_time(r, script_duration(r, &at));
}

static inline void script_state(struct replay *r, const char *at)
{
    if (script_accept(&at, "lost")) {
        r->state_length = WORLD_STATE_ABSENT;
    } else if (script_accept(&at, "damaged")) {
        r->state_length /= 2;
    } else if (script_accept(&at, "of a later version")) {
        r->state_length = snprintf(r->state, sizeof r->state, "daneroll state 9\nx\n");
    } else {
        replay_fail(r, "a state cannot be", at);
    }
}

#endif
