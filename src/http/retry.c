#include "http/retry.h"

#define FIRST_PAUSE_MS INT64_C(1000)

struct retry retry_make(int64_t budget_ms)
{
    return (struct retry){0, budget_ms < 0 ? 0 : budget_ms};
}

bool retry_status(int status)
{
    switch (status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
        return true;
    default:
        return status >= 520 && status <= 530;
    }
}

/* The first pause doubled so many times: between half and the whole of it. */
static int64_t backoff_ms(unsigned doublings, uint32_t random)
{
    int64_t whole = FIRST_PAUSE_MS << doublings;
    return whole - (int64_t)(random % (uint32_t)(whole / 2 + 1));
}

int64_t retry_pause(struct retry *r, int64_t retry_after, uint32_t random, int64_t *later)
{
    unsigned doublings = r->attempts < RETRY_ATTEMPTS_MOST ? r->attempts : RETRY_ATTEMPTS_MOST - 1;
    int64_t pause = backoff_ms(doublings, random);
    if (retry_after > RETRY_AFTER_MOST)
        retry_after = RETRY_AFTER_MOST;
    if (retry_after > 0)
        pause = retry_after * 1000;
    r->attempts = doublings + 1;
    *later = 0;
    if (r->attempts < RETRY_ATTEMPTS_MOST && pause <= r->budget_ms) {
        r->budget_ms -= pause;
        return pause;
    }
    *later = (pause + 999) / 1000;
    return -1;
}
