/* A provider's failures. */
#ifndef ROLL_ACT_REPORT_H
#define ROLL_ACT_REPORT_H

#include "roll/acting.h"

/* Says and notes a provider's failure at a host. */
void act_report(struct acting *acting, size_t host, const char *doing,
                const struct provider_result *result);

#endif
