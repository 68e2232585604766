/*
 * For update.c: which server takes the updates.
 */
#ifndef DNS_UPDATE_SERVER_H
#define DNS_UPDATE_SERVER_H

#include "dns/update.h"

/*
 * Finds the addresses of the configured server, or of the primary of the zone that `owner` is in;
 * then `owner` may become what it is an alias of. 0, UPDATE_NO_PRIMARY or UPDATE_NOT_REACHED.
 */
int update_find(struct update *u);
/*
 * Takes `apex` from the SOA record of the last answer: in the answer section at the apex itself,
 * else beside it. SOA may be NULL. False where there is none.
 */
bool update_apex(struct update *u, struct dns_soa *soa);

#endif
