/*
 * Host names as DNS names: compared without regard to case and to the final dot, never as
 * substrings (RFC 1035 section 2.3.3, RFC 6698 section 3).
 */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* A name's most characters without the final dot (RFC 1035: 255 octets on the wire), and NUL. */
#define NAME_SIZE 254

/* Whether two names are the same DNS name. */
bool name_equal(const char *a, const char *b);
/* Whether NAME is ZONE or below it, label by label. */
bool name_within(const char *name, const char *zone);
/*
 * Whether it is a server's full name: at least two labels of letters, digits and hyphens, 1 to 63
 * octets, no hyphen at either end, at most 253 in all; the last label not all digits (that would be
 * an IPv4 address); a final dot is accepted. IDNs as A-labels.
 */
bool name_is_host(const char *name);
/* The name in lower case without the final dot; -1 when it does not fit into SIZE. */
int name_canonical(const char *name, char *canonical, size_t size);
/* What stands after the first label, or NULL at the last one. */
const char *name_parent(const char *name);

#endif
