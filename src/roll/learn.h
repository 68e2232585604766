/*
 * What the state learns from a look: pure, but for the state itself.
 */
#ifndef ROLL_LEARN_H
#define ROLL_LEARN_H

#include "roll/need.h"

/*
 * Notes what the look showed: leafs that services read, how long caches may keep each RRset, since
 * when the records of each next leaf are visible everywhere, which of our records showed; and
 * starts anew the waits whose beginning is no longer certain. Hosts that could not be looked at
 * stay as they were. 0 or STATE_NO_MEMORY.
 */
int learn(struct state *state, const struct conf *conf, const struct observation *seen);

/*
 * RECORD is about to be added for service S of host H: leafs that the RRset will not fit then have
 * to wait for it. TTL in seconds.
 */
void learn_write(struct state *state, const struct conf *conf, const struct observation *seen,
                 size_t h, size_t s, const struct tlsa *record, uint32_t ttl);

/*
 * RECORD is about to be removed there: leafs that it is for have to wait anew, however long it is
 * still shown.
 */
void learn_remove(struct state *state, const struct conf *conf, const struct observation *seen,
                  size_t h, size_t s, const struct tlsa *record);

/*
 * Seconds until the waiting rule is over for this leaf at service S of host H: T1 + 2·L + M, not
 * before T1 + F (facts 2.3; RFC 7671 section 8.1, RFC 6698 appendix A.4). -1: not known yet, its
 * records are not visible everywhere. *SHORT is set where `publish-wait` was left out because the
 * certificate in use would end before (facts 3.18); WITHOUT: leave `publish-wait` out anyway.
 */
int64_t learn_left(const struct knowledge *k, size_t h, size_t s, const struct cert_digests *leaf,
                   bool without, bool *cut_short);

#endif
