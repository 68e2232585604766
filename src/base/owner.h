/*
 * Users and groups by name or number, without libc's own lookup, which drags sockets in.
 */
#ifndef BASE_OWNER_H
#define BASE_OWNER_H

#include <sys/types.h>

enum {
    OWNER_NO_USER = -1, /* no such user in /etc/passwd, and no number */
    OWNER_NO_GROUP = -2 /* no such group in /etc/group, and no number */
};

/*
 * Reads "USER:GROUP", each a name or a number (below 2^31; the files are not looked at then,
 * nor for "root", which is 0); either may be left out, and counts as (uid_t)-1 or (gid_t)-1, which
 * chown leaves as it is. 0 or an error above.
 */
int owner_read(const char *text, uid_t *user, gid_t *group);

#endif
