#include "dane/starttls.h"

#include "base/buf.h"
#include "base/fault.h"
#include "base/name.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define AHEAD_SIZE   512
#define COMMAND_SIZE 512
#define LINE_SHOWN   120 /* of the server's words in a message */
#define XMPP_NAME    32

/* What a reply says; talk->error counts first. */
enum answer {
    ANSWER_YES,
    ANSWER_NO,      /* 5xx, BAD, -ERR: it does not know the command, or will never do so */
    ANSWER_LATER,   /* 4xx, NO */
    ANSWER_GOODBYE, /* 421, BYE: and the connection ends */
    ANSWER_FOREIGN  /* not this protocol, or lines without end; or an error of the connection */
};

struct talk {
    struct tcp *tcp;
    const struct dialect *dialect;
    enum service_start start;
    const char *domain;
    bool offered; /* a line has named STARTTLS */
    int error;    /* of the connection: NET_..., and its errno */
    int fault;
    unsigned lines;
    size_t octets;
    size_t at, used; /* of ahead */
    uint8_t ahead[AHEAD_SIZE];
    size_t length; /* of line */
    char line[STARTTLS_LINE_SIZE];
};

struct dialect {
    const char *protocol;
    /* Each says what is the client's turn to say, if anything, and reads a whole reply. */
    enum answer (*greet)(struct talk *talk);
    enum answer (*hello)(struct talk *talk); /* NULL: the greeting is enough */
    enum answer (*reply)(struct talk *talk); /* to the command */
    bool announced;                          /* the command is only there if a line has named it */
    const char *command;
    const char *farewell;
};

/* ---- octets and lines ----------------------------------------------------------------------- */

/* The next octet, or -1 with talk->error set. */
static int next_octet(struct talk *talk)
{
    if (talk->at == talk->used) {
        int n = tcp_read(talk->tcp, talk->ahead, sizeof talk->ahead);
        if (n <= 0) {
            talk->error = n == 0 ? NET_ENDED : n;
            talk->fault = errno;
            return -1;
        }
        talk->at = 0;
        talk->used = (size_t)n;
    }
    talk->octets++;
    return talk->ahead[talk->at++];
}

/* One line without its end, in talk->line. False: an error of the connection, or a limit. */
static bool next_line(struct talk *talk)
{
    talk->length = 0;
    talk->line[0] = '\0';
    if (++talk->lines > STARTTLS_LINES_MOST)
        return false;
    for (;;) {
        int octet = next_octet(talk);
        if (octet < 0 || talk->octets > STARTTLS_OCTETS_MOST)
            return false;
        if (octet == '\n')
            break;
        if (talk->length + 1 == sizeof talk->line)
            return false;
        talk->line[talk->length++] = (char)octet;
        talk->line[talk->length] = '\0';
    }
    if (talk->length > 0 && talk->line[talk->length - 1] == '\r')
        talk->line[--talk->length] = '\0';
    return true;
}

/* Whether the line has this word, ASCII case aside, at AT, and behind it neither letter nor digit.
 */
static bool has_word(const struct talk *talk, size_t at, const char *word)
{
    size_t length = strlen(word);
    if (talk->length < at + length || strncasecmp(talk->line + at, word, length) != 0)
        return false;
    char next = talk->line[at + length];
    return !((next >= '0' && next <= '9') || (next >= 'A' && next <= 'Z') ||
             (next >= 'a' && next <= 'z'));
}

static bool send_text(struct talk *talk, const char *text)
{
    int rc = tcp_write(talk->tcp, text, strlen(text));
    if (rc == 0)
        return true;
    talk->error = rc;
    talk->fault = errno;
    return false;
}

/* ---- the dialects of lines ------------------------------------------------------------------ */

/* Of RFC 5321 section 4.2: "250-...", any number of them, then "250 ...". */
static enum answer smtp_reply(struct talk *talk)
{
    while (next_line(talk)) {
        const char *l = talk->line;
        bool digits = talk->length >= 3 && l[0] >= '2' && l[0] <= '5' && l[1] >= '0' &&
                      l[1] <= '9' && l[2] >= '0' && l[2] <= '9';
        if (!digits || (l[3] != '\0' && l[3] != ' ' && l[3] != '-'))
            return ANSWER_FOREIGN;
        if (l[0] == '2' && l[3] != '\0' && has_word(talk, 4, "STARTTLS"))
            talk->offered = true;
        if (l[3] == '-')
            continue;
        if (strncmp(l, "421", 3) == 0)
            return ANSWER_GOODBYE;
        return l[0] == '2' ? ANSWER_YES : l[0] == '4' ? ANSWER_LATER : ANSWER_NO;
    }
    return ANSWER_FOREIGN;
}

static enum answer smtp_hello(struct talk *talk)
{
    char command[COMMAND_SIZE], name[NAME_SIZE + 1] = "", address[TCP_ADDRESS_SIZE];
    struct buf b = BUF_OVER(command), a = BUF_OVER(address);
    if (gethostname(name, sizeof name - 1) == 0 && name_is_host(name)) {
        buf_printf(&b, "EHLO %s\r\n", name);
    } else {
        /* RFC 5321 section 4.1.3 */
        tcp_local(talk->tcp, &a);
        buf_printf(&b, "EHLO [%s%s]\r\n", strchr(address, ':') != NULL ? "IPv6:" : "", address);
    }
    talk->offered = false;
    return send_text(talk, command) ? smtp_reply(talk) : ANSWER_FOREIGN;
}

/* Of RFC 9051 section 7.1: "* OK" greets; later "a OK" answers, and what is untagged is passed
 * over.
 */
static enum answer imap_reply(struct talk *talk)
{
    const char *tag = talk->lines == 0 ? "* " : "a ";
    while (next_line(talk)) {
        if (has_word(talk, 0, "* BYE"))
            return ANSWER_GOODBYE;
        if (strncmp(talk->line, tag, 2) != 0) {
            if (strncmp(talk->line, "* ", 2) != 0)
                return ANSWER_FOREIGN;
            continue;
        }
        if (has_word(talk, 2, "OK"))
            return ANSWER_YES;
        if (has_word(talk, 2, "NO"))
            return ANSWER_LATER;
        /* PREAUTH: STARTTLS is for clients that are not authenticated. */
        return has_word(talk, 2, "BAD") || has_word(talk, 2, "PREAUTH") ? ANSWER_NO
                                                                        : ANSWER_FOREIGN;
    }
    return ANSWER_FOREIGN;
}

/* Of RFC 1939 section 3. */
static enum answer pop3_reply(struct talk *talk)
{
    if (!next_line(talk))
        return ANSWER_FOREIGN;
    if (has_word(talk, 0, "+OK"))
        return ANSWER_YES;
    return has_word(talk, 0, "-ERR") ? ANSWER_NO : ANSWER_FOREIGN;
}

/*
 * Passes over literals: after a line that ends in "{N}" or "{N+}" come N octets and the line's rest
 * (RFC 5804 section 1.2), which may end in another. False as next_line.
 */
static bool skip_literals(struct talk *talk)
{
    for (;;) {
        const char *open = strrchr(talk->line, '{');
        if (open == NULL || talk->line[talk->length - 1] != '}')
            return true;
        size_t n = 0;
        for (const char *c = open + 1; *c >= '0' && *c <= '9' && n <= STARTTLS_OCTETS_MOST; c++)
            n = n * 10 + (size_t)(*c - '0');
        for (; n > 0; n--) {
            if (next_octet(talk) < 0 || talk->octets > STARTTLS_OCTETS_MOST)
                return false;
        }
        if (!next_line(talk))
            return false;
    }
}

/* Of RFC 5804 section 1.3 and 1.7: lines of capabilities, then OK, NO or BYE. */
static enum answer sieve_reply(struct talk *talk)
{
    while (next_line(talk)) {
        bool yes = has_word(talk, 0, "OK"), later = has_word(talk, 0, "NO");
        bool goodbye = has_word(talk, 0, "BYE");
        if (!yes && !later && !goodbye && talk->line[0] != '"' && talk->line[0] != '{')
            return ANSWER_FOREIGN;
        if (strncasecmp(talk->line, "\"STARTTLS\"", 10) == 0)
            talk->offered = true;
        if (!skip_literals(talk))
            return ANSWER_FOREIGN;
        if (yes || later || goodbye)
            return yes ? ANSWER_YES : later ? ANSWER_LATER : ANSWER_GOODBYE;
    }
    return ANSWER_FOREIGN;
}

/* ---- XMPP ----------------------------------------------------------------------------------- */

struct tag {
    char name[XMPP_NAME]; /* without prefix; cut where it is longer */
    bool ends;            /* </name> or <name/> */
    bool begins;          /* <name> or <name/> */
};

/* The octets of a tag into talk->line, without its brackets; a '>' in quotes does not end it. */
static bool next_tag_text(struct talk *talk)
{
    int octet, quote = 0;
    talk->length = 0;
    talk->lines++;
    do
        octet = next_octet(talk);
    while (octet >= 0 && octet != '<' && talk->octets <= STARTTLS_OCTETS_MOST);
    for (;;) {
        octet = octet < 0 ? octet : next_octet(talk);
        if (octet < 0 || talk->octets > STARTTLS_OCTETS_MOST ||
            talk->length + 1 == sizeof talk->line)
            return false;
        if (octet == '>' && quote == 0)
            break;
        if (quote == 0 && (octet == '"' || octet == '\''))
            quote = octet;
        else if (octet == quote)
            quote = 0;
        talk->line[talk->length++] = (char)octet;
    }
    talk->line[talk->length] = '\0';
    return true;
}

/* The next tag. Declarations count as tags without begin or end. */
static bool next_tag(struct talk *talk, struct tag *tag)
{
    struct buf name = BUF_OVER(tag->name);
    if (!next_tag_text(talk))
        return false;
    const char *at = talk->line;
    bool closing = *at == '/', declaration = *at == '?' || *at == '!';
    bool empty = talk->length > 0 && talk->line[talk->length - 1] == '/';
    at += closing;
    size_t length = strcspn(at, " \t\r\n/");
    const char *colon = memchr(at, ':', length);
    if (colon != NULL) {
        length -= (size_t)(colon + 1 - at);
        at = colon + 1;
    }
    buf_put(&name, at, length);
    tag->begins = !closing && !declaration;
    tag->ends = (closing || empty) && !declaration;
    return true;
}

/* Reads up to the end of the element NAME: of the features, or of the go-ahead. */
static enum answer xmpp_until(struct talk *talk, const char *name)
{
    struct tag tag;
    bool failed = false;
    while (next_tag(talk, &tag)) {
        if (tag.begins && strcmp(tag.name, "starttls") == 0)
            talk->offered = true;
        if (tag.begins && strcmp(tag.name, "host-unknown") == 0)
            return ANSWER_NO;
        if (tag.begins && strcmp(tag.name, "failure") == 0)
            return ANSWER_LATER; /* RFC 6120 section 5.4.2.2 */
        if (tag.begins && strcmp(tag.name, "error") == 0)
            failed = true;
        if (tag.ends && (failed ? strcmp(tag.name, "error") == 0 : strcmp(tag.name, "stream") == 0))
            return ANSWER_GOODBYE;
        if (tag.ends && strcmp(tag.name, name) == 0)
            return ANSWER_YES;
        if (tag.begins && strcmp(tag.name, "html") == 0)
            return ANSWER_FOREIGN;
    }
    return ANSWER_FOREIGN;
}

/* The stream's header (RFC 6120 section 4.7), and the server's features. */
static enum answer xmpp_open(struct talk *talk)
{
    char header[COMMAND_SIZE], name[NAME_SIZE];
    struct buf b = BUF_OVER(header);
    /* A host name needs no quoting in XML, once it is one. */
    if (name_canonical(talk->domain, name, sizeof name) != 0 || !name_is_host(name))
        return ANSWER_FOREIGN;
    buf_printf(&b,
               "<?xml version='1.0'?><stream:stream xmlns='jabber:%s' "
               "xmlns:stream='http://etherx.jabber.org/streams' to='%s' version='1.0'>",
               talk->start == SERVICE_XMPP_SERVER ? "server" : "client", name);
    return send_text(talk, header) ? xmpp_until(talk, "features") : ANSWER_FOREIGN;
}

static enum answer xmpp_reply(struct talk *talk)
{
    return xmpp_until(talk, "proceed");
}

/* ---- the table, and what all have in common ------------------------------------------------- */

#define XMPP_COMMAND "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"

static const struct dialect dialects[] = {
    [SERVICE_SMTP] = {"SMTP", smtp_reply, smtp_hello, smtp_reply, true, "STARTTLS\r\n", "QUIT\r\n"},
    [SERVICE_IMAP] = {"IMAP", imap_reply, NULL, imap_reply, false, "a STARTTLS\r\n",
                      "b LOGOUT\r\n"},
    [SERVICE_POP3] = {"POP3", pop3_reply, NULL, pop3_reply, false, "STLS\r\n", "QUIT\r\n"},
    [SERVICE_SIEVE] = {"ManageSieve", sieve_reply, NULL, sieve_reply, true, "STARTTLS\r\n",
                       "LOGOUT\r\n"},
    [SERVICE_XMPP_CLIENT] = {"XMPP", xmpp_open, NULL, xmpp_reply, true, XMPP_COMMAND, NULL},
    [SERVICE_XMPP_SERVER] = {"XMPP", xmpp_open, NULL, xmpp_reply, true, XMPP_COMMAND, NULL},
};

static void say(const struct talk *talk, enum answer answer, struct net_words *why)
{
    struct buf b = BUF_OVER(why->text);
    const char *protocol = talk->dialect->protocol;
    if (talk->error == NET_TIMEOUT)
        buf_printf(&b, "the %s server does not answer in time", protocol);
    else if (talk->error == NET_ENDED)
        buf_printf(&b, "the %s server ended the connection", protocol);
    else if (talk->error != 0)
        buf_printf(&b, "the connection to the %s server broke: %s", protocol,
                   fault_words(talk->fault));
    else
        buf_printf(&b, "%s %s", answer == ANSWER_FOREIGN ? "this is not" : "the server says in",
                   protocol);
    if (talk->error != 0 || talk->length == 0)
        return;
    buf_text(&b, ": ");
    buf_clean(&b, talk->line, talk->length < LINE_SHOWN ? talk->length : LINE_SHOWN);
}

/* Before STARTTLS was asked for. STARTTLS_BEGIN where it may be. */
static enum starttls greet(struct talk *talk, struct net_words *why)
{
    const struct dialect *d = talk->dialect;
    bool greeted = false;
    enum answer answer = d->greet(talk);
    if (answer == ANSWER_YES && d->hello != NULL) {
        greeted = true;
        answer = d->hello(talk);
    }
    if (answer == ANSWER_YES && (talk->offered || !d->announced))
        return STARTTLS_BEGIN;
    if (answer == ANSWER_YES) {
        struct buf b = BUF_OVER(why->text);
        buf_printf(&b, "the %s server offers no STARTTLS", d->protocol);
        return STARTTLS_NOT_OFFERED;
    }
    say(talk, answer, why);
    if (talk->error == 0 && (answer == ANSWER_FOREIGN || (greeted && answer == ANSWER_NO)))
        return STARTTLS_NOT_OFFERED;
    return STARTTLS_UNSEEN;
}

static enum starttls ask(struct talk *talk, struct net_words *why)
{
    const struct dialect *d = talk->dialect;
    enum answer answer = send_text(talk, d->command) ? d->reply(talk) : ANSWER_FOREIGN;
    if (answer == ANSWER_YES && talk->at == talk->used)
        return STARTTLS_BEGIN;
    if (answer == ANSWER_YES) {
        struct buf b = BUF_OVER(why->text);
        buf_printf(&b, "the %s server sends more in clear text behind its go-ahead for TLS",
                   d->protocol);
        return STARTTLS_REFUSED;
    }
    say(talk, answer, why);
    if (talk->error == NET_TIMEOUT || answer == ANSWER_GOODBYE)
        return STARTTLS_UNSEEN;
    return answer == ANSWER_NO && !d->announced ? STARTTLS_NOT_OFFERED : STARTTLS_REFUSED;
}

enum starttls starttls(struct tcp *t, enum service_start start, const char *domain,
                       struct net_words *why)
{
    if (start == SERVICE_TLS)
        return STARTTLS_BEGIN;
    struct talk talk = {
        .tcp = t, .dialect = &dialects[start], .start = start, .domain = domain, .at = 0};
    enum starttls result = greet(&talk, why);
    return result == STARTTLS_BEGIN ? ask(&talk, why) : result;
}

const char *starttls_farewell(enum service_start start)
{
    return start == SERVICE_TLS ? NULL : dialects[start].farewell;
}
