/*
 * The check of a pair, without its chain's signatures where a good verdict on it is known
 * (net/verdicts.h): it stands for one day, one set of certificates, one set of names and one
 * `chain`.
 */
#ifndef ROLL_VERDICT_H
#define ROLL_VERDICT_H

#include "net/verdicts.h"
#include "roll/pair.h"

/* As pair_check; FOUND was read. Its leaf's own dates are looked at in any case. */
void verdict_check(struct verdicts *verdicts, const struct conf_pair *pair,
                   const char *const *names, size_t names_count, const char *ca_file,
                   struct pair_found *found);

#endif
