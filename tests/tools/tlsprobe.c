/*
 * Connects as daneroll's API client does and says what came of it.
 *
 *     tlsprobe [--ca-file FILE] [--connect-ms N] [--total-ms N] [--get PATH] [--builtin]
 *         [--known FILE] HOST PORT
 *
 * Prints "connected", with --get the answer to an HTTP/1.0 request up to its end; or
 * "NET_UNTRUSTED: words" and the like on failure (exit 1). Last comes "VmHWM: N kB" where /proc has
 * it. With --builtin no bundle is looked for.
 */
#include "base/time.h"
#include "net/tls.h"
#include "net/trust.h"
#include "net/verdicts.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *error_name(int error)
{
    static const char *const names[] = {"0",
                                        "NET_FAILED",
                                        "NET_TIMEOUT",
                                        "NET_NO_ADDRESS",
                                        "NET_UNTRUSTED",
                                        "NET_PROTOCOL",
                                        "NET_CLOCK",
                                        "NET_NO_ENTROPY",
                                        "NET_NO_TRUST",
                                        "NET_ENDED"};
    return names[-error];
}

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

static int fail(int error, const char *words)
{
    printf("%s: %s\n", error_name(error), words);
    return 1;
}

static int get(struct tls *tls, const char *host, const char *path)
{
    char bytes[4096];
    int n = snprintf(bytes, sizeof bytes, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host);
    int rc = tls_write(tls, bytes, (size_t)n);
    if (rc != 0)
        return fail(rc, "write");
    while ((n = tls_read(tls, bytes, sizeof bytes)) > 0)
        (void)fwrite(bytes, 1, (size_t)n, stdout);
    putchar('\n');
    return n < 0 ? fail(n, "read") : 0;
}

int main(int argc, char **argv)
{
    const char *ca_file = NULL, *path = NULL;
    int64_t connect_ms = 5000, total_ms = 20000;
    bool builtin = false;
    struct trust trust = {.path = NULL};
    static struct verdicts known;
    struct tls tls;
    struct net_words why = {""};
    int i = 1, rc;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--builtin") == 0) {
            builtin = true;
            continue;
        }
        if (strcmp(argv[i], "--known") == 0) {
            (void)snprintf(known.path, sizeof known.path, "%s", argv[i + 1]);
            trust.verdicts = &known;
        } else if (strcmp(argv[i], "--ca-file") == 0)
            ca_file = value;
        else if (strcmp(argv[i], "--connect-ms") == 0)
            connect_ms = atoll(value);
        else if (strcmp(argv[i], "--total-ms") == 0)
            total_ms = atoll(value);
        else if (strcmp(argv[i], "--get") == 0)
            path = value;
        i++;
    }
    if (argc - i != 2) {
        fputs("usage: tlsprobe [OPTION...] HOST PORT\n", stderr);
        return 2;
    }
    rc = trust_open(&trust, ca_file);
    if (rc != 0)
        return fail(rc, trust.path);
    if (builtin)
        trust.path = NULL;
    rc = tls_connect(&tls, &trust, argv[i], (uint16_t)atoi(argv[i + 1]), connect_ms,
                     time_ticks() + total_ms, &why);
    if (rc != 0) {
        rc = fail(rc, why.text);
    } else {
        printf("connected\n");
        if (path != NULL)
            rc = get(&tls, argv[i], path);
        tls_close(&tls);
    }
    say_memory();
    return rc;
}
