/* The key's file, in the syntax of named.conf. */
#include "base/base64.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/wipe.h"
#include "dns/tsig.h"

#include <string.h>

/* A key's statement has some 150 characters; this leaves room for comments. */
#define FILE_MOST 4096

enum token { TOKEN_END, TOKEN_WORD, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_SEMICOLON, TOKEN_BAD };

struct reading {
    const char *at, *end;
    unsigned line;
    const char *word; /* of the last TOKEN_WORD, without its quotes */
    size_t length;
    struct net_words *why;
};

static int fault(const struct reading *r, const char *what)
{
    struct buf b = BUF_OVER(r->why->text);
    buf_printf(&b, "line %u: %s", r->line, what);
    return -1;
}

static bool starts(const struct reading *r, const char *mark)
{
    size_t length = strlen(mark);
    return (size_t)(r->end - r->at) >= length && memcmp(r->at, mark, length) == 0;
}

static void skip_until(struct reading *r, const char *mark)
{
    while (r->at < r->end && !starts(r, mark)) {
        r->line += *r->at == '\n';
        r->at++;
    }
    if (r->at < r->end)
        r->at += strlen(mark) - (*mark == '\n'); /* the line's end is counted as white space */
}

/* White space and the three kinds of comments. */
static void skip(struct reading *r)
{
    while (r->at < r->end) {
        if (starts(r, "#") || starts(r, "//")) {
            skip_until(r, "\n");
        } else if (starts(r, "/*")) {
            r->at += 2;
            skip_until(r, "*/");
        } else if (strchr(" \t\r\n", *r->at) != NULL && *r->at != '\0') {
            r->line += *r->at == '\n';
            r->at++;
        } else {
            return;
        }
    }
}

static enum token quoted(struct reading *r)
{
    r->word = ++r->at;
    while (r->at < r->end && *r->at != '"' && *r->at != '\n')
        r->at++;
    r->length = (size_t)(r->at - r->word);
    if (r->at == r->end || *r->at != '"')
        return TOKEN_BAD;
    r->at++;
    return TOKEN_WORD;
}

static enum token next(struct reading *r)
{
    skip(r);
    if (r->at == r->end)
        return TOKEN_END;
    switch (*r->at) {
    case '{':
        r->at++;
        return TOKEN_OPEN;
    case '}':
        r->at++;
        return TOKEN_CLOSE;
    case ';':
        r->at++;
        return TOKEN_SEMICOLON;
    case '"':
        return quoted(r);
    default:
        break;
    }
    r->word = r->at;
    while (r->at<r->end && * r->at> ' ' && strchr("{};\"#", *r->at) == NULL)
        r->at++;
    r->length = (size_t)(r->at - r->word);
    return r->length > 0 ? TOKEN_WORD : TOKEN_BAD;
}

static bool is_word(const struct reading *r, const char *word)
{
    return r->length == strlen(word) && memcmp(r->word, word, r->length) == 0;
}

static int take_name(struct reading *r, struct tsig_key *key)
{
    char name[NAME_SIZE + 1];
    struct buf b = BUF_OVER(name);
    if (next(r) != TOKEN_WORD)
        return fault(r, "the key's name is missing");
    for (size_t i = 0; i < r->length; i++) {
        /* Those that dns/message.h writes with an escape would need it in the comparison too. */
        if (r->word[i] <= ' ' || r->word[i] > '~' || strchr("\"$();@\\", r->word[i]) != NULL)
            return fault(r, "the key's name has a character that is not supported");
    }
    buf_put(&b, r->word, r->length);
    if (buf_full(&b) || name_canonical(name, key->name, sizeof key->name) != 0 ||
        key->name[0] == '\0')
        return fault(r, "the key's name is not a DNS name");
    return 0;
}

static int take_algorithm(struct reading *r, struct tsig_key *key)
{
    if (key->algorithm != NULL)
        return fault(r, "a second 'algorithm'");
    if (next(r) == TOKEN_WORD)
        key->algorithm = tsig_algorithm_named(r->word, r->length);
    if (key->algorithm == NULL)
        return fault(r, "the algorithm must be hmac-sha256, hmac-sha384 or hmac-sha512: make "
                        "another key with 'tsig-keygen -a hmac-sha256 NAME'");
    return 0;
}

static int take_secret(struct reading *r, struct tsig_key *key)
{
    if (key->length > 0)
        return fault(r, "a second 'secret'");
    if (next(r) != TOKEN_WORD)
        return fault(r, "the secret is missing");
    int length = base64_decode(r->word, r->length, key->secret, sizeof key->secret);
    if (length <= 0)
        return fault(r, length == BASE64_TOO_LONG ? "the secret is too long"
                                                  : "the secret is not base64");
    key->length = (size_t)length;
    return 0;
}

/* What stands between the braces. */
static int take_clauses(struct reading *r, struct tsig_key *key)
{
    for (;;) {
        int rc;
        enum token token = next(r);
        if (token == TOKEN_CLOSE)
            break;
        if (token == TOKEN_WORD && is_word(r, "algorithm"))
            rc = take_algorithm(r, key);
        else if (token == TOKEN_WORD && is_word(r, "secret"))
            rc = take_secret(r, key);
        else
            return fault(r, "expected 'algorithm', 'secret' or '}'");
        if (rc != 0)
            return rc;
        if (next(r) != TOKEN_SEMICOLON)
            return fault(r, "expected ';'");
    }
    if (key->algorithm == NULL)
        return fault(r, "the key has no 'algorithm'");
    return key->length > 0 ? 0 : fault(r, "the key has no 'secret'");
}

static int take_key(struct reading *r, struct tsig_key *key)
{
    if (next(r) != TOKEN_WORD || !is_word(r, "key"))
        return fault(r, "expected 'key \"NAME\" {', as tsig-keygen writes it");
    if (take_name(r, key) != 0)
        return -1;
    if (next(r) != TOKEN_OPEN)
        return fault(r, "expected '{'");
    if (take_clauses(r, key) != 0)
        return -1;
    if (next(r) != TOKEN_SEMICOLON)
        return fault(r, "expected ';' behind '}'");
    if (next(r) != TOKEN_END)
        return fault(r, "something stands behind the key: the file must hold one key alone");
    return 0;
}

int tsig_key_parse(struct tsig_key *key, const char *text, size_t length, struct net_words *why)
{
    struct reading r = {.at = text, .end = text + length, .line = 1, .why = why};
    memset(key, 0, sizeof *key);
    int rc = take_key(&r, key);
    if (rc != 0)
        wipe(key, sizeof *key);
    return rc;
}

int tsig_key_read(struct tsig_key *key, const char *path, struct net_words *why)
{
    char text[FILE_MOST];
    struct buf b = BUF_OVER(why->text);
    int rc = -1;
    ssize_t length = file_read_secret(path, text, sizeof text);
    if (length < 0)
        buf_text(&b, file_error((int)length));
    else
        rc = tsig_key_parse(key, text, (size_t)length, why);
    wipe(text, sizeof text);
    return rc;
}
