/*
 * Reads standard input and says by its exit code whether it is JSON as http/json.h reads it:
 * 0 accepted, 1 rejected, 2 the input could not be read. So anybody can run a public suite of JSON
 * documents over our parser.
 */
#include "http/json.h"

#include <errno.h>
#include <unistd.h>

static int from_standard_input(void *context, void *bytes, size_t size)
{
    ssize_t got;
    (void)context;
    do
        got = read(STDIN_FILENO, bytes, size);
    while (got < 0 && errno == EINTR);
    return (int)got;
}

int main(void)
{
    static struct json j;
    struct json_token token = {.kind = JSON_NULL};
    int rc = 0;
    json_init(&j, from_standard_input, NULL);
    while (rc == 0 && token.kind != JSON_END)
        rc = json_next(&j, &token);
    return rc == JSON_STREAM ? 2 : rc == 0 ? 0 : 1;
}
