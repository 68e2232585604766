/*
 * Which parameter combinations a configuration may ask for (RFC 7671, RFC 7672).
 */
#ifndef DANE_COMBINATION_H
#define DANE_COMBINATION_H

#include "conf/conf.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Why record INDEX of a host's COUNT records may not be published, with the RFC's reason; NULL if
 * it may. The signature is struct conf_tables'.
 */
const char *combination_check(const struct conf_record *records, size_t count, size_t index);

#endif
