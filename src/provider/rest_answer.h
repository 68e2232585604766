/*
 * Reads a JSON answer as it streams in: members go to where rows say, everything else is passed
 * over, whatever its size and depth. For rest.c.
 */
#ifndef PROVIDER_REST_ANSWER_H
#define PROVIDER_REST_ANSWER_H

#include "provider/rest.h"

/* The envelope, the errors, the chained errors, the items. */
#define REST_SINKS_MOST 4

enum { REST_SHAPE = -100 }; /* JSON, but not an object; beside json.h's errors */

/* Objects of one shape: read into one item, which is handed over at their end. */
struct rest_sink {
    struct rest_shape shape; /* path NULL: none */
    void *item;
    void (*take)(void *context); /* may be NULL */
    void *context;
    bool present; /* its member was there: an array, an object or null */
    int64_t taken;
};

/* 0 when the whole document was well-formed, REST_SHAPE or one of json.h's errors. */
int rest_answer_read(struct json *json, struct rest_sink *sinks, size_t count);

#endif
