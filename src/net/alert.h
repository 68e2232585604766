/*
 * TLS alerts in words (RFC 8446 section 6, RFC 6066, RFC 7301).
 */
#ifndef NET_ALERT_H
#define NET_ALERT_H

/* The alert's name and, where it is not plain from that, what it means here; "" if unknown. */
const char *alert_words(unsigned code);

#endif
