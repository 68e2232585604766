/*
 * Asks a service for its chain, as the engine does, and says what came of it.
 *
 *     probetool [--connect-ms N] [--total-ms N] ADDRESS PORT SERVICE DOMAIN ecdsa|rsa [unexpected]
 *     probetool --addresses NAME...
 *
 * SERVICE is a name of the table (its port does not count) or "tls"; DOMAIN "-" sends no server
 * name. Prints one line each: "code WORD", "proven 0|1", "leaf SHA256-OF-CERTIFICATE
 * SHA256-OF-SPKI", the same with "issuer", "words TEXT", and "VmHWM: N kB" where /proc has it.
 */
#include "base/time.h"
#include "dane/probe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const codes[] = {
    [PROBE_SERVED] = "served",           [PROBE_OTHER_ALGORITHM] = "other-algorithm",
    [PROBE_NO_STARTTLS] = "no-starttls", [PROBE_NO_TLS] = "no-tls",
    [PROBE_OLD_TLS] = "old-tls",         [PROBE_UNSEEN] = "unseen",
};

static void say_memory(void)
{
    char line[256];
    FILE *f = fopen("/proc/self/status", "r");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0)
            fputs(line, stdout);
    }
    (void)fclose(f);
}

static void say_digest(const uint8_t digest[32])
{
    putchar(' ');
    for (int i = 0; i < 32; i++)
        printf("%02x", (unsigned)digest[i]);
}

static void say_certificate(const char *word, const struct cert_digests *d)
{
    printf("%s", word);
    say_digest(d->certificate256);
    say_digest(d->spki256);
    putchar('\n');
}

static int say_addresses(int count, char **names)
{
    struct tcp_addresses list;
    struct net_words why = {""};
    int rc = probe_addresses((const char *const *)names, (size_t)count, &list, &why);
    for (size_t i = 0; i < list.count; i++)
        printf("%s\n", list.text[i]);
    if (rc != 0)
        printf("%s\n", why.text);
    return rc != 0;
}

int main(int argc, char **argv)
{
    int64_t connect_ms = 5000, total_ms = 20000;
    struct service service = {"tls", 0, SERVICE_TLS};
    struct probe_result r;
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i += 2) {
        if (strcmp(argv[i], "--addresses") == 0)
            return say_addresses(argc - i - 1, argv + i + 1);
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--connect-ms") == 0)
            connect_ms = atoll(value);
        else if (strcmp(argv[i], "--total-ms") == 0)
            total_ms = atoll(value);
    }
    bool unexpected = argc - i == 6 && strcmp(argv[i + 5], "unexpected") == 0;
    if ((argc - i != 5 && !unexpected) ||
        (strcmp(argv[i + 2], "tls") != 0 && service_find(argv[i + 2], &service) != 0)) {
        fputs("usage: probetool [OPTION...] ADDRESS PORT SERVICE DOMAIN ecdsa|rsa [unexpected]\n",
              stderr);
        return 2;
    }
    const struct probe_question q = {
        .address = argv[i],
        .port = (uint16_t)strtoul(argv[i + 1], NULL, 10),
        .start = service.start,
        .domain = strcmp(argv[i + 3], "-") == 0 ? NULL : argv[i + 3],
        .algorithm = strcmp(argv[i + 4], "rsa") == 0 ? PROBE_RSA : PROBE_ECDSA,
        .prove = true,
        .unexpected = unexpected,
        .connect_ms = connect_ms,
        .deadline = time_ticks() + total_ms,
    };
    probe(&q, &r);
    printf("code %s\nproven %d\n", codes[r.code], r.proven);
    if (r.code == PROBE_SERVED)
        say_certificate("leaf", &r.leaf);
    for (size_t n = 0; n < r.issuers_count; n++)
        say_certificate("issuer", &r.issuers[n]);
    printf("words %s\n", r.words.text);
    say_memory();
    return 0;
}
