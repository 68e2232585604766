#include "base/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#define READ_SIZE 1024
/* -1 and what is near it mean something else to the kernel. */
#define NUMBER_MOST INT32_MAX

/* The number at the start of the text, and its digits; -1 if there is none or it is too large. */
static int64_t take_number(const char *text, size_t length)
{
    int64_t number = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
        if (number > NUMBER_MOST)
            return -1;
    }
    return length == 0 ? -1 : number;
}

/* A line of /etc/passwd or /etc/group as it goes by: NAME:PASSWORD:NUMBER:... */
struct line {
    const char *name; /* the one looked for */
    size_t length;
    unsigned field;
    size_t at;  /* within the field */
    bool other; /* another name */
    char digits[12];
};

/* Takes one octet more; the number when it has been read, else -1. */
static int64_t take_octet(struct line *l, char c)
{
    enum { NAME, PASSWORD, NUMBER };
    int64_t found = -1;
    if (c == ':' || c == '\n') {
        if (l->field == NAME && l->at != l->length)
            l->other = true;
        else if (l->field == NUMBER && !l->other && l->at < sizeof l->digits)
            found = take_number(l->digits, l->at);
        l->field = c == ':' ? l->field + 1 : NAME;
        l->other = c == ':' && l->other;
        l->at = 0;
        return found;
    }
    if (l->field == NAME && (l->at >= l->length || l->name[l->at] != c))
        l->other = true;
    if (l->field == NUMBER && l->at < sizeof l->digits)
        l->digits[l->at] = c;
    l->at++;
    return -1;
}

/* The number of the first line with that name, or -1. */
static int64_t look_up(const char *path, const char *name, size_t length)
{
    struct line l = {.name = name, .length = length};
    char bytes[READ_SIZE];
    int64_t found = -1;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -1;
    while (found < 0) {
        n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        for (ssize_t i = 0; i < n && found < 0; i++)
            found = take_octet(&l, bytes[i]);
    }
    (void)close(fd);
    return found;
}

static int64_t number_of(const char *path, const char *name, size_t length)
{
    /* Without a look: a chroot has no such files, and root:root is everybody's default. */
    if (length == 4 && memcmp(name, "root", 4) == 0)
        return 0;
    int64_t number = take_number(name, length);
    return number >= 0 ? number : look_up(path, name, length);
}

int owner_read(const char *text, uid_t *user, gid_t *group)
{
    const char *colon = strchr(text, ':');
    size_t length = colon == NULL ? strlen(text) : (size_t)(colon - text);
    *user = (uid_t)-1;
    *group = (gid_t)-1;
    if (length > 0) {
        int64_t number = number_of("/etc/passwd", text, length);
        if (number < 0)
            return OWNER_NO_USER;
        *user = (uid_t)number;
    }
    if (colon != NULL && colon[1] != '\0') {
        int64_t number = number_of("/etc/group", colon + 1, strlen(colon + 1));
        if (number < 0)
            return OWNER_NO_GROUP;
        *group = (gid_t)number;
    }
    return 0;
}
