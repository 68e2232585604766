#include "base/fault.h"

#include "base/buf.h"

#include <errno.h>

static const struct {
    int error;
    const char *words;
} faults[] = {
    {EACCES, "Permission denied"},
    {EADDRNOTAVAIL, "Address not available"},
    {EAFNOSUPPORT, "Address family not supported"},
    {EAGAIN, "Resource temporarily unavailable"},
    {ECONNREFUSED, "Connection refused"},
    {ECONNRESET, "Connection reset by peer"},
    {EDQUOT, "Disk quota exceeded"},
    {EEXIST, "File exists"},
    {EHOSTUNREACH, "Host is unreachable"},
    {EINVAL, "Invalid argument"},
    {EIO, "I/O error"},
    {EISDIR, "Is a directory"},
    {ELOOP, "Too many levels of symbolic links"},
    {EMFILE, "Too many open files"},
    {ENAMETOOLONG, "File name too long"},
    {ENETUNREACH, "Network is unreachable"},
    {ENOENT, "No such file or directory"},
    {ENOMEM, "Out of memory"},
    {ENOSPC, "No space left on device"},
    {ENOTDIR, "Not a directory"},
    {ENOTEMPTY, "Directory not empty"},
    {EPERM, "Operation not permitted"},
    {EPIPE, "Broken pipe"},
    {EROFS, "Read-only file system"},
    {ETIMEDOUT, "Connection timed out"},
};

const char *fault_words(int error)
{
    static char text[32];
    struct buf b = BUF_OVER(text);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        if (faults[i].error == error)
            return faults[i].words;
    }
    buf_printf(&b, "system error %d", error);
    return text;
}
