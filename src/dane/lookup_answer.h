/*
 * One answer to a question for TLSA records, read into a lookup_server. For dane/lookup.c.
 */
#ifndef DANE_LOOKUP_ANSWER_H
#define DANE_LOOKUP_ANSWER_H

#include "dane/lookup.h"

/* How an answer is to be read. */
struct lookup_reading {
    struct arena *arena;
    const char *name; /* the question's */
    const char *apex; /* whose server it is; NULL: a resolver, whose aliases are followed */
    const struct lookup_clock *clock;
};

/*
 * Sets all of SERVER but its name and address from the answer. A resolver's CNAMEs: `target` is
 * their end. 0 or LOOKUP_MEMORY.
 */
int lookup_read(struct lookup_server *server, const struct lookup_reading *reading,
                enum dns_outcome outcome, struct dns_answer *answer);

#endif
