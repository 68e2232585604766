/*
 * The state file's text. TIME is "-", or BOOT BOOTTIME WALL 0|1 (proven); BOOT is "-" where the
 * kernel gives no boot id. Labels have no blanks in them.
 *
 *     daneroll state 1
 *     pair LABEL loaded|reload quiet|loading TRIES
 *     began LABEL TIME
 *     verified LABEL TIME
 *     renewed LABEL TIME
 *     refused LABEL CERT256 CONF256
 *     leaf LABEL CERT256 CERT512 SPKI256 SPKI512
 *     owner NAME never|had LIFETIME
 *     lowered NAME TIME
 *     denied NAME TIME
 *     wait NAME CERT256 SPKI256 fits|misfit partly|complete TIME
 *     record NAME U S M HEX|sha256:HEX:LENGTH ours|sent TIME
 *     said SHA256
 *     end SHA256                                              (of all octets before this line)
 */
#include "base/hex.h"
#include "roll/state.h"

#include <string.h>

#define HEADER        "daneroll state "
#define VERSION       "1"
#define END           "end "
#define SUM_SIZE      32
#define WORDS_MOST    16
#define LINES_MOST    20000
#define HASHED_PREFIX "sha256:"

struct words {
    size_t count;
    const char *at[WORDS_MOST];
    size_t length[WORDS_MOST];
};

/* "-" where it does not count. */
static void put_moment(struct buf *b, bool counts, const struct moment *m)
{
    if (counts)
        buf_printf(b, " %s %lld %lld %d", m->boot[0] == '\0' ? "-" : m->boot,
                   (long long)m->boottime, (long long)m->wall, m->proven ? 1 : 0);
    else
        buf_text(b, " -");
}

/* "WORD NAME TIME", where it counts. */
static void put_time(struct buf *b, const char *word, const char *name, bool counts,
                     const struct moment *m)
{
    if (!counts)
        return;
    buf_printf(b, "%s %s", word, name);
    put_moment(b, true, m);
    buf_char(b, '\n');
}

static void put_digest(struct buf *b, const uint8_t *bytes, size_t length)
{
    buf_char(b, ' ');
    buf_hex(b, bytes, length);
}

static void print_pair(const struct state_pair *pair, struct buf *b)
{
    buf_printf(b, "pair %s %s %s %u\n", pair->label, pair->reload ? "reload" : "loaded",
               pair->loading ? "loading" : "quiet", (unsigned)pair->tries);
    put_time(b, "began", pair->label, pair->began, &pair->begin);
    put_time(b, "verified", pair->label, pair->verified, &pair->verification);
    put_time(b, "renewed", pair->label, pair->renewed, &pair->renewal);
    if (pair->put_back) {
        buf_printf(b, "refused %s", pair->label);
        put_digest(b, pair->refused, sizeof pair->refused);
        put_digest(b, pair->refused_conf, sizeof pair->refused_conf);
        buf_char(b, '\n');
    }
    for (const struct state_leaf *l = pair->leafs; l != NULL; l = l->next) {
        buf_printf(b, "leaf %s", pair->label);
        put_digest(b, l->digests.certificate256, sizeof l->digests.certificate256);
        put_digest(b, l->digests.certificate512, sizeof l->digests.certificate512);
        put_digest(b, l->digests.spki256, sizeof l->digests.spki256);
        put_digest(b, l->digests.spki512, sizeof l->digests.spki512);
        buf_char(b, '\n');
    }
}

static void print_owner(const struct state_owner *owner, struct buf *b)
{
    buf_printf(b, "owner %s %s %u\n", owner->name, owner->had ? "had" : "never",
               (unsigned)owner->lifetime);
    put_time(b, "lowered", owner->name, owner->lowered, &owner->since);
    put_time(b, "denied", owner->name, owner->denied, &owner->denial);
}

static void print_wait(const struct state_wait *wait, struct buf *b)
{
    buf_printf(b, "wait %s", wait->owner);
    put_digest(b, wait->certificate, sizeof wait->certificate);
    put_digest(b, wait->key, sizeof wait->key);
    buf_printf(b, " %s %s", wait->misfit ? "misfit" : "fits",
               wait->complete ? "complete" : "partly");
    put_moment(b, wait->reached, &wait->since);
    buf_char(b, '\n');
}

static void print_record(const struct state_record *r, struct buf *b)
{
    const struct tlsa *t = &r->tlsa;
    buf_printf(b, "record %s %d %d %d ", r->owner, t->combination.usage, t->combination.selector,
               t->combination.matching);
    if (t->hashed) {
        buf_text(b, HASHED_PREFIX);
        buf_hex(b, t->data, 32);
        buf_printf(b, ":%d", t->length);
    } else {
        buf_hex(b, t->data, t->length);
        if (t->length == 0)
            buf_char(b, '-');
    }
    buf_text(b, r->seen ? " ours" : " sent");
    put_moment(b, r->since.wall != 0, &r->since);
    buf_char(b, '\n');
}

/* The last line, about the text before it. */
static void put_sum(struct buf *b, const char *text, size_t length)
{
    uint8_t sum[SUM_SIZE];
    cert_sha256((const uint8_t *)text, length, sum);
    buf_text(b, END);
    buf_hex(b, sum, sizeof sum);
    buf_char(b, '\n');
}

void state_print(const struct state *state, struct buf *b)
{
    buf_text(b, HEADER VERSION "\n");
    for (const struct state_pair *p = state->pairs; p != NULL; p = p->next)
        print_pair(p, b);
    for (const struct state_owner *o = state->owners; o != NULL; o = o->next)
        print_owner(o, b);
    for (const struct state_wait *w = state->waits; w != NULL; w = w->next)
        print_wait(w, b);
    for (const struct state_record *r = state->records; r != NULL; r = r->next)
        print_record(r, b);
    for (const struct state_said *s = state->said; s != NULL; s = s->next) {
        buf_text(b, "said");
        put_digest(b, s->digest, sizeof s->digest);
        buf_char(b, '\n');
    }
    put_sum(b, b->data, b->used);
}

/*
 * The text before its last line, if that line is there and right: a file that was cut or changed is
 * seen, and with it that leafs which services may serve are missing. Returns its length, or -1.
 */
static int64_t checked_length(const char *text, size_t length)
{
    const size_t last = strlen(END) + 2 * SUM_SIZE + 1;
    char line[sizeof END + 2 * SUM_SIZE + 1];
    struct buf b = BUF_OVER(line);
    if (length <= last || text[length - last - 1] != '\n')
        return -1;
    put_sum(&b, text, length - last);
    return memcmp(text + (length - last), line, last) == 0 ? (int64_t)(length - last) : -1;
}

static int split(const char *line, size_t length, struct words *w)
{
    size_t i = 0;
    w->count = 0;
    while (i < length) {
        size_t start = i;
        while (i < length && line[i] != ' ')
            i++;
        if (i == start || w->count == WORDS_MOST)
            return STATE_MALFORMED;
        w->at[w->count] = line + start;
        w->length[w->count++] = i - start;
        if (i < length && ++i == length)
            return STATE_MALFORMED;
    }
    return 0;
}

static bool word_is(const struct words *w, size_t index, const char *text)
{
    return index < w->count && w->length[index] == strlen(text) &&
           memcmp(w->at[index], text, w->length[index]) == 0;
}

/* One of two words: 1, 0, or an error. */
static int either(const struct words *w, size_t index, const char *yes, const char *no)
{
    if (word_is(w, index, yes))
        return 1;
    return word_is(w, index, no) ? 0 : STATE_MALFORMED;
}

static int64_t number(const struct words *w, size_t index, int64_t most)
{
    int64_t value = 0;
    if (index >= w->count || w->length[index] > 12)
        return STATE_MALFORMED;
    for (size_t i = 0; i < w->length[index]; i++) {
        char c = w->at[index][i];
        if (c < '0' || c > '9')
            return STATE_MALFORMED;
        value = value * 10 + (c - '0');
    }
    return value <= most ? value : STATE_MALFORMED;
}

static int copy_word(const struct words *w, size_t index, char *text, size_t size)
{
    if (index >= w->count || w->length[index] >= size)
        return STATE_MALFORMED;
    memcpy(text, w->at[index], w->length[index]);
    text[w->length[index]] = '\0';
    return 0;
}

static int digest(const struct words *w, size_t index, uint8_t *bytes, size_t size)
{
    if (index >= w->count || hex_decode(w->at[index], w->length[index], bytes, size) != (int)size)
        return STATE_MALFORMED;
    return 0;
}

/* Four words from FIRST on, which are the line's last; or one "-". 1 with a moment, 0 without. */
static int read_moment(const struct words *w, size_t first, struct moment *m)
{
    const int64_t most = INT64_C(999999999999);
    if (w->count == first + 1 && word_is(w, first, "-"))
        return 0;
    memset(m, 0, sizeof *m);
    if (w->count != first + 4 || copy_word(w, first, m->boot, sizeof m->boot) != 0)
        return STATE_MALFORMED;
    if (strcmp(m->boot, "-") == 0)
        m->boot[0] = '\0';
    m->boottime = number(w, first + 1, most);
    m->wall = number(w, first + 2, most);
    int64_t proven = number(w, first + 3, 1);
    m->proven = proven == 1;
    return m->boottime < 0 || m->wall < 0 || proven < 0 ? STATE_MALFORMED : 1;
}

static struct state_pair *pair_of(struct state *state, const struct words *w)
{
    char label[CONF_LABEL_MOST + 1];
    return copy_word(w, 1, label, sizeof label) == 0 ? state_pair(state, label) : NULL;
}

static int read_pair(struct state *state, const struct words *w)
{
    char label[CONF_LABEL_MOST + 1];
    if (w->count != 5 || copy_word(w, 1, label, sizeof label) != 0 ||
        state_pair(state, label) != NULL)
        return STATE_MALFORMED;
    int reload = either(w, 2, "reload", "loaded"), loading = either(w, 3, "loading", "quiet");
    int64_t tries = number(w, 4, UINT32_MAX);
    if (reload < 0 || loading < 0 || tries < 0)
        return STATE_MALFORMED;
    struct state_pair *pair = state_pair_make(state, label);
    if (pair == NULL)
        return STATE_NO_MEMORY;
    pair->reload = reload == 1;
    pair->loading = loading == 1;
    pair->tries = (uint32_t)tries;
    return 0;
}

/* A moment of an entry that stands before it; each once. */
static int read_time(const struct words *w, bool *counts, struct moment *m)
{
    if (*counts || read_moment(w, 2, m) != 1)
        return STATE_MALFORMED;
    *counts = true;
    return 0;
}

static int read_pair_time(struct state *state, const struct words *w)
{
    struct state_pair *pair = pair_of(state, w);
    if (pair == NULL)
        return STATE_MALFORMED;
    if (word_is(w, 0, "began"))
        return read_time(w, &pair->began, &pair->begin);
    if (word_is(w, 0, "verified"))
        return read_time(w, &pair->verified, &pair->verification);
    return read_time(w, &pair->renewed, &pair->renewal);
}

static int read_refused(struct state *state, const struct words *w)
{
    struct state_pair *pair = pair_of(state, w);
    if (pair == NULL || w->count != 4 || pair->put_back ||
        digest(w, 2, pair->refused, sizeof pair->refused) != 0 ||
        digest(w, 3, pair->refused_conf, sizeof pair->refused_conf) != 0)
        return STATE_MALFORMED;
    pair->put_back = true;
    return 0;
}

static int read_leaf(struct state *state, const struct words *w)
{
    struct cert_digests d;
    struct state_pair *pair = pair_of(state, w);
    if (pair == NULL || w->count != 6 ||
        digest(w, 2, d.certificate256, sizeof d.certificate256) != 0 ||
        digest(w, 3, d.certificate512, sizeof d.certificate512) != 0 ||
        digest(w, 4, d.spki256, sizeof d.spki256) != 0 ||
        digest(w, 5, d.spki512, sizeof d.spki512) != 0)
        return STATE_MALFORMED;
    return state_note_leaf(state, pair, &d);
}

/* "sha256:HEX:LENGTH" of data that was too long to keep. */
static int read_hashed(const char *text, size_t length, struct tlsa *t)
{
    const size_t prefix = strlen(HASHED_PREFIX), hex = 64;
    struct words w = {1, {NULL}, {0}};
    if (length <= prefix + hex + 1 || memcmp(text, HASHED_PREFIX, prefix) != 0 ||
        text[prefix + hex] != ':' || hex_decode(text + prefix, hex, t->data, 32) != 32)
        return STATE_MALFORMED;
    w.at[0] = text + prefix + hex + 1;
    w.length[0] = length - prefix - hex - 1;
    int64_t value = number(&w, 0, UINT16_MAX);
    if (value < 0)
        return STATE_MALFORMED;
    t->hashed = true;
    t->length = (uint16_t)value;
    return 0;
}

static int read_tlsa(const struct words *w, size_t first, struct tlsa *t)
{
    uint8_t data[TLSA_DATA_MOST];
    int64_t usage = number(w, first, 255), selector = number(w, first + 1, 255),
            matching = number(w, first + 2, 255);
    if (usage < 0 || selector < 0 || matching < 0 || first + 3 >= w->count)
        return STATE_MALFORMED;
    struct tlsa_combination c = {(uint8_t)usage, (uint8_t)selector, (uint8_t)matching};
    memset(t, 0, sizeof *t);
    t->combination = c;
    if (read_hashed(w->at[first + 3], w->length[first + 3], t) == 0)
        return 0;
    int length = word_is(w, first + 3, "-")
                     ? 0
                     : hex_decode(w->at[first + 3], w->length[first + 3], data, sizeof data);
    if (length < 0)
        return STATE_MALFORMED;
    tlsa_set(t, c, data, (size_t)length);
    return 0;
}

static int read_owner(struct state *state, const struct words *w)
{
    char name[TLSA_OWNER_SIZE];
    if (w->count != 4 || copy_word(w, 1, name, sizeof name) != 0 ||
        state_owner(state, name) != NULL)
        return STATE_MALFORMED;
    int had = either(w, 2, "had", "never");
    int64_t lifetime = number(w, 3, UINT32_MAX);
    if (had < 0 || lifetime < 0)
        return STATE_MALFORMED;
    struct state_owner *owner = state_owner_make(state, name);
    if (owner == NULL)
        return STATE_NO_MEMORY;
    owner->had = had == 1;
    owner->lifetime = (uint32_t)lifetime;
    return 0;
}

static struct state_owner *owner_of(struct state *state, const struct words *w)
{
    char name[TLSA_OWNER_SIZE];
    return copy_word(w, 1, name, sizeof name) == 0 ? state_owner(state, name) : NULL;
}

static int read_owner_time(struct state *state, const struct words *w)
{
    struct state_owner *owner = owner_of(state, w);
    if (owner == NULL)
        return STATE_MALFORMED;
    return word_is(w, 0, "lowered") ? read_time(w, &owner->lowered, &owner->since)
                                    : read_time(w, &owner->denied, &owner->denial);
}

static int read_wait(struct state *state, const struct words *w)
{
    char owner[TLSA_OWNER_SIZE];
    struct cert_digests leaf = {0};
    struct moment since = {0};
    if (copy_word(w, 1, owner, sizeof owner) != 0 ||
        digest(w, 2, leaf.certificate256, sizeof leaf.certificate256) != 0 ||
        digest(w, 3, leaf.spki256, sizeof leaf.spki256) != 0)
        return STATE_MALFORMED;
    int misfit = either(w, 4, "misfit", "fits"), complete = either(w, 5, "complete", "partly");
    int moment = read_moment(w, 6, &since);
    if (misfit < 0 || complete < 0 || moment < 0 || state_wait(state, owner, &leaf) != NULL)
        return STATE_MALFORMED;
    struct state_wait *wait = state_wait_make(state, owner, &leaf);
    if (wait == NULL)
        return STATE_NO_MEMORY;
    wait->misfit = misfit == 1;
    wait->complete = complete == 1;
    wait->reached = moment == 1;
    wait->since = since;
    return 0;
}

static int read_record(struct state *state, const struct words *w)
{
    char owner[TLSA_OWNER_SIZE];
    struct tlsa tlsa;
    struct moment since = {0};
    if (copy_word(w, 1, owner, sizeof owner) != 0 || read_tlsa(w, 2, &tlsa) != 0 ||
        state_record(state, owner, &tlsa) != NULL)
        return STATE_MALFORMED;
    int seen = either(w, 6, "ours", "sent"), moment = read_moment(w, 7, &since);
    if (seen < 0 || moment < 0)
        return STATE_MALFORMED;
    struct state_record *record = state_record_make(state, owner, &tlsa);
    if (record == NULL)
        return STATE_NO_MEMORY;
    record->seen = seen == 1;
    record->since = since;
    return 0;
}

static int read_said(struct state *state, const struct words *w)
{
    struct state_said **end = &state->said;
    struct state_said *said = arena_take(state->arena, 1, sizeof *said);
    if (said == NULL)
        return STATE_NO_MEMORY;
    if (w->count != 2 || digest(w, 1, said->digest, sizeof said->digest) != 0)
        return STATE_MALFORMED;
    while (*end != NULL)
        end = &(*end)->next;
    *end = said;
    return 0;
}

static const struct {
    const char *word;
    int (*read)(struct state *state, const struct words *w);
} lines[] = {
    {"pair", read_pair},         {"began", read_pair_time},    {"verified", read_pair_time},
    {"renewed", read_pair_time}, {"refused", read_refused},    {"leaf", read_leaf},
    {"owner", read_owner},       {"lowered", read_owner_time}, {"denied", read_owner_time},
    {"wait", read_wait},         {"record", read_record},      {"said", read_said},
};

static int read_line(struct state *state, const char *line, size_t length)
{
    struct words w;
    if (split(line, length, &w) != 0 || w.count == 0)
        return STATE_MALFORMED;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (word_is(&w, 0, lines[i].word))
            return lines[i].read(state, &w);
    }
    return STATE_MALFORMED;
}

int state_parse(struct state *state, const char *text, size_t length)
{
    int64_t checked = checked_length(text, length);
    /* A later version's header counts without its end, which may be another. */
    const char *at = text, *end = text + (checked < 0 ? length : (size_t)checked);
    int rc = STATE_MALFORMED;
    for (size_t count = 0; at < end && count < LINES_MOST; count++) {
        /* Every line ends in a newline: a file cut short is seen. */
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = newline == NULL ? 0 : (size_t)(newline - at);
        if (newline == NULL || memchr(at, '\0', line) != NULL) {
            rc = STATE_MALFORMED;
            break;
        }
        if (count > 0)
            rc = read_line(state, at, line);
        else if (line == strlen(HEADER VERSION) && memcmp(at, HEADER VERSION, line) == 0)
            rc = checked < 0 ? STATE_MALFORMED : 0;
        else if (line > strlen(HEADER) && memcmp(at, HEADER, strlen(HEADER)) == 0)
            rc = STATE_VERSION;
        if (rc != 0)
            break;
        at = newline + 1;
    }
    if (rc == 0 && at < end)
        rc = STATE_MALFORMED;
    if (rc != 0)
        state_init(state, state->arena);
    return rc;
}
