/*
 * Staged installation by hand, for tests/e2e/test_install.py.
 *
 *     installtool VERB DIR CERTIFICATE KEY [OWNER [MODE]]
 *
 * put: makes the source current. put-back: makes the previous pair current if its leaf is that of
 * CERTIFICATE. drop, sweep: as roll/install.h. current, previous: prints the SHA-256 of the
 * installed certificate. check: looks at the source for mail.example.org, where DIR is `chain`.
 * Prints one line; the exit code is 0, or -rc of install.h, or 10 + the code of roll/pair.h.
 */
#include "roll/install.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pair_found found;

static int show(void)
{
    if (found.code != PAIR_READ) {
        puts(found.words);
        return 10 + (int)found.code;
    }
    for (size_t i = 0; i < sizeof found.leaf.certificate256; i++)
        printf("%02x", (unsigned)found.leaf.certificate256[i]);
    putchar('\n');
    return 0;
}

static int say(int rc, const char *words)
{
    static const char *const names[] = {"absent", "later", "failed", "same", "changed"};
    printf("%s%s%s\n", names[rc + 3], rc < 0 ? ": " : "", rc < 0 ? words : "");
    return rc < 0 ? -rc : 0;
}

static int check(struct conf_pair *pair)
{
    const char *name = "mail.example.org";
    pair->chain = pair->install;
    pair->install = NULL;
    pair_check(pair, &name, 1, NULL, &found);
    return show();
}

int main(int argc, char **argv)
{
    char words[PAIR_WORDS_SIZE] = "";
    struct conf_pair pair = {.label = "test", .install_mode = 0600};
    if (argc < 5) {
        fputs("usage: installtool VERB DIR CERTIFICATE KEY [OWNER [MODE]]\n", stderr);
        return 100;
    }
    const char *verb = argv[1];
    pair.install = argv[2];
    pair.certificate = argv[3];
    pair.private_key = argv[4];
    pair.install_owner = argc > 5 ? argv[5] : NULL;
    if (argc > 6)
        pair.install_mode = (uint32_t)strtoul(argv[6], NULL, 8);
    if (strcmp(verb, "current") == 0 || strcmp(verb, "previous") == 0) {
        install_read(&pair, verb[0] == 'c' ? INSTALL_CURRENT : INSTALL_PREVIOUS, &found);
        return show();
    }
    if (strcmp(verb, "drop") == 0)
        return say(install_drop_previous(&pair, words), words);
    if (strcmp(verb, "sweep") == 0)
        return say(install_sweep(&pair, words), words);
    pair_read(&pair, &found);
    if (found.code != PAIR_READ)
        return show();
    if (strcmp(verb, "check") == 0)
        return check(&pair);
    if (strcmp(verb, "put-back") == 0)
        return say(install_put_back(&pair, &found.leaf, words), words);
    return say(install_put(&pair, &found.leaf, words), words);
}
