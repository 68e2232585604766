#include "base/name.h"

#include <string.h>

#define LABEL_MOST 63

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The length without a final dot. */
static size_t length_of(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && name[length - 1] == '.' ? length - 1 : length;
}

static bool equal_parts(const char *a, const char *b, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (lower(a[i]) != lower(b[i]))
            return false;
    }
    return true;
}

bool name_equal(const char *a, const char *b)
{
    size_t length = length_of(a);
    return length == length_of(b) && equal_parts(a, b, length);
}

bool name_within(const char *name, const char *zone)
{
    size_t length = length_of(name), tail = length_of(zone);
    if (tail > length || !equal_parts(name + (length - tail), zone, tail))
        return false;
    return length == tail || tail == 0 || name[length - tail - 1] == '.';
}

static bool is_label(const char *label, size_t length)
{
    if (length == 0 || length > LABEL_MOST || label[0] == '-' || label[length - 1] == '-')
        return false;
    for (size_t i = 0; i < length; i++) {
        char c = lower(label[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

static bool all_digits(const char *label, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (label[i] < '0' || label[i] > '9')
            return false;
    }
    return true;
}

bool name_is_host(const char *name)
{
    size_t length = length_of(name), labels = 0, start = 0;
    if (length == 0 || length >= NAME_SIZE)
        return false;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && name[i] != '.')
            continue;
        if (!is_label(name + start, i - start))
            return false;
        if (i == length && all_digits(name + start, i - start))
            return false;
        labels++;
        start = i + 1;
    }
    return labels >= 2;
}

int name_canonical(const char *name, char *canonical, size_t size)
{
    size_t length = length_of(name);
    if (length >= size)
        return -1;
    for (size_t i = 0; i < length; i++)
        canonical[i] = lower(name[i]);
    canonical[length] = '\0';
    return 0;
}

const char *name_parent(const char *name)
{
    const char *dot = strchr(name, '.');
    return dot == NULL || dot[1] == '\0' ? NULL : dot + 1;
}
