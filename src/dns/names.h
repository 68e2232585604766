/*
 * The addresses of a name, for connections: those of /etc/hosts; else those that the resolvers of
 * /etc/resolv.conf know, a name without a dot in its search list first. The family that this
 * machine reaches best comes first. Takes ten seconds at most.
 *
 * Ours, as DNS is spoken here in any case: libc's getaddrinfo has a resolver of its own, sorting,
 * and stdio for three files, 15 KB.
 */
#ifndef DNS_NAMES_H
#define DNS_NAMES_H

#include "net/address.h"

/* For address_found_by. */
int names_look_up(const char *host, int64_t deadline, struct address_list *found,
                  struct net_words *why);

#endif
