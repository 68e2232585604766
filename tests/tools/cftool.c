/*
 * Calls the Cloudflare provider as the engine does, for tests/e2e/test_cloudflare.py:
 *
 *     cftool ENDPOINT CAFILE HOST [list OWNER...] [add OWNER TTL 'U S M HEX'] [remove OWNER ID]
 *            [again] ...
 *
 * The words list, add, remove and again (close and open) begin the next step; all of them use one
 * session. From the environment: CFTOOL_TOKEN, CFTOOL_TOKEN_FILE, CFTOOL_ZONE, CFTOOL_ZONE_ID,
 * CFTOOL_PATIENCE (milliseconds). SIGTERM ends a pause. Each step prints
 *
 *     result CODE LATER USAGE WORDS
 *
 * and a list, before it, "rrset OWNER" and "record ID TTL AUTOMATIC MARKED USABLE U S M HEX" lines.
 */
#include "base/buf.h"
#include "base/pause.h"
#include "provider/provider.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_MOST  (256 * 1024)
#define OWNERS_MOST 32

static struct provider provider;
static struct arena arena;
static struct provider_rrset sets[OWNERS_MOST];
static size_t sets_count;

static void stop(int signal_number)
{
    (void)signal_number;
    pause_stop();
}

static void print(struct provider_result result)
{
    static const char *const codes[] = {"done",  "already", "conflict",
                                        "later", "refused", "unknown"};
    printf("result %s %lld %d %s\n", codes[result.code], (long long)result.later, result.usage,
           result.words);
    fflush(stdout);
}

static bool is_step(const char *word)
{
    return strcmp(word, "list") == 0 || strcmp(word, "add") == 0 || strcmp(word, "remove") == 0 ||
           strcmp(word, "again") == 0;
}

static void put_owner(struct provider_rrset *set, const char *owner)
{
    struct buf b = buf_over(set->owner, sizeof set->owner);
    buf_text(&b, owner);
}

static int list(char **words, const char *host)
{
    int used = 0;
    sets_count = 0;
    memset(sets, 0, sizeof sets);
    while (words[used] != NULL && !is_step(words[used]) && sets_count < OWNERS_MOST)
        put_owner(&sets[sets_count++], words[used++]);
    struct provider_result result = provider.type->list(&provider, host, sets, sets_count, &arena);
    for (size_t i = 0; result.code == PROVIDER_DONE && i < sets_count; i++) {
        printf("rrset %s\n", sets[i].owner);
        for (size_t j = 0; j < sets[i].count; j++) {
            const struct provider_record *r = &sets[i].records[j];
            char text[TLSA_TEXT_SIZE];
            struct buf b = BUF_OVER(text);
            tlsa_print(&b, &r->tlsa);
            printf("record %s %u %d %d %d %s\n", r->id, (unsigned)r->ttl, r->automatic, r->marked,
                   tlsa_usable(&r->tlsa), text);
        }
    }
    print(result);
    return used;
}

static struct provider_rrset *set_of(const char *owner)
{
    static struct provider_rrset unseen;
    for (size_t i = 0; i < sets_count; i++) {
        if (strcmp(sets[i].owner, owner) == 0)
            return &sets[i];
    }
    memset(&unseen, 0, sizeof unseen);
    put_owner(&unseen, owner);
    return &unseen;
}

static int add(char **words, const char *host)
{
    struct tlsa record;
    if (words[0] == NULL || words[1] == NULL || words[2] == NULL ||
        tlsa_parse(words[2], strlen(words[2]), &record) != 0)
        return -1;
    print(provider.type->add(&provider, host, set_of(words[0]), &record,
                             (uint32_t)strtoul(words[1], NULL, 10)));
    return 3;
}

static int remove_one(char **words, const char *host)
{
    struct provider_record record = {.ttl = 300};
    if (words[0] == NULL || words[1] == NULL)
        return -1;
    struct buf id = BUF_OVER(record.id);
    buf_text(&id, words[1]);
    print(provider.type->remove(&provider, host, set_of(words[0]), &record));
    return 2;
}

static int step(char **words, const char *host)
{
    int used = -1;
    if (strcmp(words[0], "list") == 0)
        used = list(words + 1, host);
    else if (strcmp(words[0], "add") == 0)
        used = add(words + 1, host);
    else if (strcmp(words[0], "remove") == 0)
        used = remove_one(words + 1, host);
    else if (strcmp(words[0], "again") == 0) {
        provider.type->close(&provider);
        print(provider.type->open(&provider, &arena));
        used = 0;
    }
    return used < 0 ? -1 : used + 1;
}

static int configure(struct conf_provider *conf, const char *endpoint)
{
    const struct provider_type *type = provider_type_named("cloudflare");
    static const char *const names[][2] = {{"token", "CFTOOL_TOKEN"},
                                           {"token-file", "CFTOOL_TOKEN_FILE"},
                                           {"zone", "CFTOOL_ZONE"},
                                           {"zone-id", "CFTOOL_ZONE_ID"}};
    for (size_t i = 0; i < type->keys_count; i++) {
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
            if (strcmp(type->keys[i].name, names[j][0]) == 0)
                conf->values[i] = getenv(names[j][1]);
        }
        if (strcmp(type->keys[i].name, "endpoint") == 0)
            conf->values[i] = endpoint;
    }
    conf->label = "cf";
    conf->where = "test:1";
    provider.type = type;
    provider.conf = conf;
    return 0;
}

int main(int argc, char **argv)
{
    struct trust trust = {.path = NULL};
    struct conf_provider conf = {0};
    const char *patience = getenv("CFTOOL_PATIENCE");
    struct sigaction action = {.sa_handler = stop};
    if (argc < 5 || trust_open(&trust, argv[2]) != 0 || configure(&conf, argv[1]) != 0)
        return 2;
    (void)sigaction(SIGTERM, &action, NULL);
    arena = arena_make(ARENA_MOST);
    provider.trust = &trust;
    provider.patience_ms = patience != NULL ? strtol(patience, NULL, 10) : 0;
    provider.date = -1;
    struct provider_result result = provider.type->open(&provider, &arena);
    if (result.code != PROVIDER_DONE) {
        print(result);
    } else {
        for (int at = 4; at < argc;) {
            int used = step(argv + at, argv[3]);
            if (used < 0)
                return 2;
            at += used;
        }
    }
    provider.type->close(&provider);
    printf("end requests=%u date=%lld patience=%lld memory=%zu\n", provider.requests,
           (long long)provider.date, (long long)provider.patience_ms, arena.most);
    arena_release(&arena);
    return 0;
}
