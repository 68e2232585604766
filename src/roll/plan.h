/*
 * The planner: what is safe now, and when the next step is (facts 2 and 3; RFC 7671 section 8, RFC
 * 7672 section 4). A pure function: no input or output, no clock, nothing global.
 *
 * Order: publish beside what is there, wait until no cache can hold an RRset without it, install,
 * load, verify by handshakes, retire.
 */
#ifndef ROLL_PLAN_H
#define ROLL_PLAN_H

#include "roll/learn.h"
#include "roll/verify.h"

enum plan_kind {
    PLAN_FILL,          /* make the source current in an empty folder: nothing is loaded */
    PLAN_PUT_BACK,      /* make the previous pair current again */
    PLAN_ADD,           /* publish RECORD at service SERVICE of HOST */
    PLAN_INSTALL,       /* make the source current */
    PLAN_RELOAD,        /* let services load what is current */
    PLAN_ROUND,         /* ask the services once more, some seconds later */
    PLAN_VERIFIED,      /* note that the pair is served everywhere */
    PLAN_REMOVE,        /* retire TARGET */
    PLAN_DROP_PREVIOUS, /* the previous pair's records are gone: so may it */
    PLAN_KINDS
};

struct plan_action {
    enum plan_kind kind;
    size_t host, service; /* ADD, REMOVE: indices */
    size_t pair;          /* the others: index */
    struct tlsa record;   /* ADD */
    uint32_t ttl;         /* ADD: 1 is the provider's automatic one */
    bool outage; /* ADD, PUT_BACK: DNS does not vouch for what is served; INSTALL: no usable TLS now
                  */
    bool again;  /* RELOAD: after one that left a service with a former leaf */
    bool restart;                         /* RELOAD: `restart` as well */
    const struct cert_digests *leaf;      /* INSTALL, PUT_BACK; points into what was observed */
    const struct provider_record *target; /* REMOVE; likewise */
};

/* What the user is told; the numbers in brackets are sections of the facts. */
enum plan_note_kind {
    PLAN_NOTE_STALE,         /* a foreign record that fits no key known here stays: no adopt */
    PLAN_NOTE_BLOCKED,       /* RECORD cannot be made to fit the pair's next chain [3.3, 3.4] */
    PLAN_NOTE_UNFIT,         /* the source must not be used */
    PLAN_NOTE_WARNING,       /* what should be known of a good source [3.19] */
    PLAN_NOTE_NEXT_KEY,      /* the next key cannot be read: none is published */
    PLAN_NOTE_LATER,         /* the source is being written */
    PLAN_NOTE_OTHER_MX,      /* the host's MX hosts are others */
    PLAN_NOTE_NOT_IN_FORCE,  /* the zone is not signed, or the parent does not say so [3.16] */
    PLAN_NOTE_BOGUS,         /* every sender defers, whatever is published [3.16] */
    PLAN_NOTE_BLIND,         /* DNS could not be asked */
    PLAN_NOTE_SERVER,        /* an authoritative server is silent or lame */
    PLAN_NOTE_LAGS,          /* ... does not show what the provider holds */
    PLAN_NOTE_SIGNATURE,     /* signatures end before the wait does */
    PLAN_NOTE_DENIES,        /* a server denies all names below _tcp.HOST [3.17] */
    PLAN_NOTE_ALIAS,         /* the owner name is a CNAME: its target is edited [3.9] */
    PLAN_NOTE_HOST_ALIAS,    /* the host is a CNAME of a name that is not configured [3.11] */
    PLAN_NOTE_FRONT,         /* somebody else's key is served here: nothing is published [3.21] */
    PLAN_NOTE_NO_STARTTLS,   /* a service without TLS, and without a record: nothing is published */
    PLAN_NOTE_OUTAGE,        /* a key is served that DNS does not vouch for */
    PLAN_NOTE_OTHER,         /* no usable TLS at a service that has records */
    PLAN_NOTE_OLD,           /* a service still shows a former leaf */
    PLAN_NOTE_STUBBORN,      /* ... after three reloads */
    PLAN_NOTE_UNSEEN,        /* a service could not be reached: retiring waits */
    PLAN_NOTE_EARLY,         /* a service reads the source, not what is installed */
    PLAN_NOTE_NOWHERE,       /* no service shows the pair */
    PLAN_NOTE_PUT_BACK,      /* the source was put back before: it is not installed again */
    PLAN_NOTE_ONE_AT_A_TIME, /* the pair waits until another is verified [3.5, 3.8] */
    PLAN_NOTE_GOES_ON,       /* ... no longer: that takes longer than unreachable-after */
    PLAN_NOTE_HELD,          /* the reload would load another pair, which is not ripe, too */
    PLAN_NOTE_SHORT,         /* `publish-wait` was left out: the certificate ends before [3.18] */
    PLAN_NOTE_NO_RELOAD,     /* nothing tells the services */
    PLAN_NOTE_CLASSIC,       /* no `install`: what is renewed may be live before its time */
    PLAN_NOTE_MANY,          /* more records than some senders can take [3.12] */
    PLAN_NOTE_NOT_RIPE,      /* `run --now`: what waiting takes (`in`), what switching costs */
    PLAN_NOTE_LEAVING,       /* `leave`: keys may be changed freely in `in` seconds; -1: unknown */
    PLAN_NOTE_STAYS,         /* `leave`: RECORD is not ours */
    PLAN_NOTE_LEFT           /* `leave`: keys may be changed freely */
};

struct plan_note {
    enum plan_note_kind kind;
    size_t host, service, pair, other;
    size_t shown;  /* index of a handshake */
    size_t server; /* index of an authoritative server */
    struct tlsa record;
    int64_t in, cost; /* seconds */
};

enum plan_step { PLAN_STEP_NONE, PLAN_STEP_VISIBLE, PLAN_STEP_INSTALL, PLAN_STEP_RETIRE };

/* What is known of a pair: whether its source is to become what services serve, and when. */
struct plan_pair {
    bool due;
    int64_t ripe_in; /* of one that is due, seconds; -1: not known */
};

#define PLAN_ACTIONS_MOST 128
#define PLAN_NOTES_MOST   96

struct plan {
    size_t actions_count, notes_count;
    struct plan_action *actions; /* in the order in which they are safe */
    struct plan_note *notes;
    /* The earliest step that waits: what, where, and in how many seconds (VISIBLE: nobody knows).
     */
    enum plan_step next;
    size_t next_index; /* pair for INSTALL and VISIBLE, host for RETIRE */
    int64_t next_in;
    struct plan_pair *pairs; /* by the configuration's order */
    int64_t *retire_in;      /* by host: until the first of its records may go; -1: none waits */
    bool cut;                /* more actions than fit: plan again after these */
};

struct plan_options {
    bool now;           /* `run --now`: publish-wait and retire-wait are 0 */
    const bool *loaded; /* by pair: it was loaded in this call; a former leaf is no news yet */
    const bool *shown;  /* by pair: a first round has shown it everywhere */
};

/* 0, or -1 without memory. */
int plan_make(struct plan *plan, const struct knowledge *k, const struct plan_options *options,
              struct arena *arena);
/* SHA-256 of what of the configuration decides whether a pair's installation can succeed. */
void plan_pair_conf(const struct conf *conf, size_t pair, uint8_t digest[32]);

#endif
