#include "base/buf.h"
#include "base/time.h"
#include "dns/update_server.h"
#include "net/tls.h"

#include <errno.h>

/* A question is answered from memory. */
#define ASK_MS 5000
/* An update is signed again, written to the journal and synced before it is answered. */
#define UPDATE_MS 15000
/* Longer updates go over TCP, whatever the configuration says (RFC 1035 section 4.2.1). */
#define UDP_MOST 512
/* TCP sends a message with its length before it, in the same memory. */
#define REQUEST_MOST (UPDATE_MESSAGE_SIZE - 2)

/* ---- one exchange ---- */

/* A wrong time is the one fault of signatures that its user must mend: whose clock is it? */
static void say_clocks(struct update *u, int64_t theirs)
{
    struct buf b = BUF_OVER(u->why);
    struct moment now;
    char text[TIME_TEXT_SIZE];
    time_moment(&now);
    if (theirs < 0 || theirs > UINT32_MAX) {
        buf_text(&b, "its clock says nothing that can be right");
        return;
    }
    int64_t ahead = theirs - now.wall;
    time_text(theirs, text);
    buf_printf(&b, "its clock says %s, ", text);
    buf_duration(&b, ahead < 0 ? -ahead : ahead);
    buf_printf(&b, " %s ours: ", ahead < 0 ? "behind" : "ahead of");
    if (theirs < TIME_RELEASE)
        buf_text(&b, "it cannot be right");
    else
        buf_text(&b, now.proven ? "ours is kept right by the kernel, so look at the server's"
                                : "ours is not kept right by the kernel, so look at it first");
}

static int judge(struct update *u, const struct tsig_request *request)
{
    static const char *const words[] = {
        [TSIG_ABSENT] = "it is not signed",
        [TSIG_OTHER_KEY] = "it is signed with another key",
        [TSIG_SHORT] = "its signature is cut short",
        [TSIG_FORGED] = "its signature is wrong",
        [TSIG_MALFORMED] = "its signature is malformed",
    };
    struct tsig_answer said;
    struct buf why = BUF_OVER(u->why);
    enum tsig_code code =
        tsig_verify(&u->key, request, u->answer.bytes, u->answer.length, time_wall(), &said);
    unsigned rcode = u->answer.message.rcode;
    switch (code) {
    case TSIG_GOOD:
        if (said.error == TSIG_BADTIME) {
            say_clocks(u, said.time);
            return TSIG_BADTIME;
        }
        u->time = said.time;
        u->time_ticks = time_ticks();
        return said.error != 0 ? said.error : (int)rcode;
    case TSIG_DENIED:
        return said.error;
    case TSIG_STALE:
        say_clocks(u, said.time);
        return UPDATE_UNVOUCHED;
    default:
        buf_text(&why, words[code]);
        if (code != TSIG_ABSENT || rcode == DNS_NOERROR)
            return UPDATE_UNVOUCHED;
        if (dns_rcode_words(rcode) != NULL)
            buf_printf(&why, ": %s", dns_rcode_words(rcode));
        return UPDATE_DENIED;
    }
}

/* Sends the LENGTH octets of the request. LOST is the result where it may have been received. */
static int exchange(struct update *u, size_t length, const struct tsig_request *request,
                    unsigned flags, int64_t ms, int lost)
{
    struct buf why = BUF_OVER(u->why);
    u->sent++;
    enum dns_outcome outcome = dns_send(&u->servers[u->server_at], u->request, length, flags,
                                        time_ticks() + ms, &u->answer);
    if (outcome == DNS_ANSWERED)
        return judge(u, request);
    buf_text(&why, dns_outcome_words(outcome, &u->answer));
    if (outcome == DNS_UNREADABLE)
        return lost == UPDATE_LOST ? UPDATE_UNVOUCHED : UPDATE_STRANGE;
    return outcome == DNS_UNREACHABLE && u->answer.error == ECONNREFUSED ? UPDATE_NOT_REACHED
                                                                         : lost;
}

static int begin(struct update *u, struct dns_builder *b, uint16_t flags)
{
    uint16_t id;
    if (tls_random(&id, sizeof id) != 0)
        return -1;
    dns_begin(b, u->request, REQUEST_MOST, id, flags);
    return 0;
}

/* Signs what was built: its length, or the error to return. */
static int sign(struct update *u, struct dns_builder *b, struct tsig_request *request, int *error)
{
    *error = 0;
    u->why[0] = '\0';
    if (!time_is_set()) {
        *error = UPDATE_CLOCK;
        return -1;
    }
    int length = tsig_sign(&u->key, b, time_wall(), request);
    if (length < 0)
        *error = length == DNS_TOO_LONG ? UPDATE_TOO_LONG : UPDATE_STRANGE;
    return length;
}

/* ---- looking ---- */

/* Asks the addresses of the server in turn; the first that answers is stayed with. */
static int ask(struct update *u, const char *name, uint16_t type)
{
    int rc = UPDATE_NOT_REACHED;
    for (size_t tried = 0; tried < u->servers_count && rc == UPDATE_NOT_REACHED; tried++) {
        struct dns_builder b;
        struct tsig_request request;
        if (tried > 0)
            u->server_at = (u->server_at + 1) % u->servers_count;
        if (begin(u, &b, 0) != 0)
            return UPDATE_NOT_REACHED;
        dns_put_question(&b, name, type, DNS_CLASS_IN);
        int length = sign(u, &b, &request, &rc);
        if (length < 0)
            return rc;
        rc = exchange(u, (size_t)length, &request, DNS_ASK_TCP, ASK_MS, UPDATE_NOT_REACHED);
    }
    if (rc == DNS_NXDOMAIN)
        rc = 0;
    /* Asked for a name that it does not hold, a server refuses, or points to others. */
    if (rc == DNS_REFUSED || rc == DNS_NOTAUTH ||
        (rc == 0 && (u->answer.message.flags & DNS_FLAG_AA) == 0))
        return UPDATE_ELSEWHERE;
    return rc;
}

/* Whether `owner` is an alias in the answer; then it becomes the target. -1: malformed. */
static int follow(struct update *u)
{
    struct dns_rr rr;
    char target[DNS_NAME_SIZE];
    dns_rewind(&u->answer.message);
    if (!dns_next_of(&u->answer.message, DNS_ANSWER, u->owner, DNS_TYPE_CNAME, &rr))
        return 0;
    if (dns_target(&u->answer.message, &rr, target) != 0)
        return -1;
    return name_canonical(target, u->owner, sizeof u->owner) == 0 ? 1 : -1;
}

static int ask_through(struct update *u, const char *owner, uint16_t type)
{
    if (name_canonical(owner, u->owner, sizeof u->owner) != 0)
        return UPDATE_STRANGE;
    for (unsigned aliases = 0; aliases <= UPDATE_ALIASES_MOST; aliases++) {
        int rc = update_find(u);
        if (rc == 0)
            rc = ask(u, u->owner, type);
        if (rc != 0)
            return rc;
        int followed = follow(u);
        if (followed <= 0)
            return followed == 0 ? 0 : UPDATE_STRANGE;
    }
    return UPDATE_ALIASES;
}

int update_look(struct update *u, const char *owner)
{
    int rc = ask_through(u, owner, DNS_TYPE_TLSA);
    dns_rewind(&u->answer.message);
    return rc;
}

int update_enter(struct update *u, const char *owner)
{
    int rc = ask_through(u, owner, DNS_TYPE_SOA);
    if (rc == 0 && !update_apex(u, NULL))
        rc = UPDATE_STRANGE;
    if (rc == 0)
        rc = ask(u, u->owner, DNS_TYPE_TLSA);
    /* An alias in this very moment: somebody else is at work there. */
    if (rc == 0 && follow(u) != 0)
        rc = UPDATE_STRANGE;
    dns_rewind(&u->answer.message);
    return rc;
}

/* ---- changing ---- */

/* Puts each record of the RRset seen into a section; how many. */
static size_t put_seen(struct update *u, struct dns_builder *b, enum dns_section section,
                       uint32_t ttl)
{
    struct dns_rr rr;
    size_t count = 0;
    dns_rewind(&u->answer.message);
    while (dns_next_of(&u->answer.message, DNS_ANSWER, u->owner, DNS_TYPE_TLSA, &rr)) {
        dns_put_rr(b, section, u->owner, DNS_TYPE_TLSA, DNS_CLASS_IN, ttl, rr.rdata, rr.length);
        count++;
    }
    return count;
}

static int begin_update(struct update *u, struct dns_builder *b, bool empty)
{
    if (begin(u, b, DNS_OPCODE_UPDATE) != 0)
        return UPDATE_NOT_REACHED;
    dns_put_question(b, u->apex, DNS_TYPE_SOA, DNS_CLASS_IN);
    if (empty || put_seen(u, b, DNS_PREREQUISITE, 0) == 0)
        dns_put_rr(b, DNS_PREREQUISITE, u->owner, DNS_TYPE_TLSA, DNS_CLASS_NONE, 0, NULL, 0);
    return 0;
}

static bool is_vouched(int rc)
{
    return rc != UPDATE_UNVOUCHED && rc != UPDATE_DENIED && rc != TSIG_BADSIG &&
           rc != TSIG_BADKEY && rc != TSIG_BADTRUNC;
}

static int send_update(struct update *u, struct dns_builder *b)
{
    struct tsig_request request;
    int rc, length = sign(u, b, &request, &rc);
    if (length < 0)
        return rc;
    if (u->udp && length <= UDP_MOST) {
        rc = exchange(u, (size_t)length, &request, DNS_ASK_ONCE, UPDATE_MS, UPDATE_LOST);
        /*
         * What nobody vouches for may come from anybody: asked again where it is harder to lie. Had
         * the first been carried out, the RRset is another, and nothing happens twice.
         */
        if (is_vouched(rc))
            return rc;
    }
    return exchange(u, (size_t)length, &request, DNS_ASK_TCP, UPDATE_MS, UPDATE_LOST);
}

int update_add(struct update *u, uint32_t ttl, const uint8_t *rdata, size_t length, bool whole)
{
    struct dns_builder b;
    int rc = begin_update(u, &b, whole);
    if (rc != 0)
        return rc;
    if (whole)
        (void)put_seen(u, &b, DNS_UPDATE, ttl);
    dns_put_rr(&b, DNS_UPDATE, u->owner, DNS_TYPE_TLSA, DNS_CLASS_IN, ttl, rdata, length);
    return send_update(u, &b);
}

int update_remove(struct update *u, const uint8_t *rdata, size_t length)
{
    struct dns_builder b;
    int rc = begin_update(u, &b, false);
    if (rc != 0)
        return rc;
    /* The TTL must be 0 (RFC 2136 section 2.5.4). */
    dns_put_rr(&b, DNS_UPDATE, u->owner, DNS_TYPE_TLSA, DNS_CLASS_NONE, 0, rdata, length);
    return send_update(u, &b);
}
