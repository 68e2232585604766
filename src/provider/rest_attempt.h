/*
 * One sending of a request and what it came to. For rest.c and rest_judge.c.
 */
#ifndef PROVIDER_REST_ATTEMPT_H
#define PROVIDER_REST_ATTEMPT_H

#include "provider/rest.h"

/* What one sending of a request came to. */
struct rest_attempt {
    struct provider_result result;
    bool passing; /* may go better another time */
    bool unsure;  /* it may have taken effect */
    int64_t retry_after;
    struct http_answer answer;
    size_t faults_count;
    struct rest_fault faults[REST_FAULTS_MOST];
    struct rest_fault fault, chained; /* being read */
};

/* The answer says no: its faults and status decide. */
void rest_judge_refusal(const struct rest *r, const struct rest_call *call, struct rest_attempt *a);
/* No answer, or none that can be understood, after something was sent. */
void rest_judge_lost(const struct rest *r, const struct rest_call *call, struct rest_attempt *a,
                     const char *why);
/* Nothing was sent. */
void rest_judge_unsent(const struct rest *r, struct rest_attempt *a);

#endif
