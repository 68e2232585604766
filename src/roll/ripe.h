/*
 * Which records a leaf needs in an RRset, and when caches have them: the waiting rule (RFC 7671
 * sections 8 and 8.1, RFC 6698 section A.4). Pure, as the planner is.
 */
#ifndef ROLL_RIPE_H
#define ROLL_RIPE_H

#include "roll/state.h"
#include "roll/world.h"

/* Usage 3 with selector 0 or 1 and matching type 1 or 2. */
#define RIPE_RECORDS_MOST 4

/*
 * The records that LEAF needs beside SET: one of each combination that the host's configuration
 * asks for, or that a usable record of the RRset has (RFC 7671 section 8: each combination must
 * match). So a combination that somebody else once set is rolled along. Returns their number.
 */
size_t ripe_records(const struct conf_host *host, const struct provider_rrset *set,
                    const struct cert_digests *leaf, struct tlsa records[RIPE_RECORDS_MOST]);
bool ripe_holds(const struct provider_rrset *set, const struct tlsa *record);
/*
 * Seconds until no cache can hold this RRset without what LEAF needs: from when each record was
 * first seen, max(publish-wait, 2 * L + wait-margin, wait-floor), or publish-wait alone where no
 * RRset was there before. 0: ripe; -1: a record is not there yet.
 */
int64_t ripe_in_rrset(const struct conf_host *host, const struct provider_rrset *set,
                      const struct state *state, const struct cert_digests *leaf,
                      const struct moment *now);

#endif
