/*
 * What the network floor's functions return and the words they give for it.
 */
#ifndef NET_NET_H
#define NET_NET_H

/* Results of net/. Every function returns 0 (or a count) or one of these. */
enum {
    NET_FAILED = -1,     /* the connection broke, or could not be made */
    NET_TIMEOUT = -2,    /* the deadline passed */
    NET_NO_ADDRESS = -3, /* the name has no address, or could not be looked up */
    NET_UNTRUSTED = -4,  /* certificate chain or name not accepted; the words say why */
    NET_PROTOCOL = -5,   /* the peer broke TLS, or offers nothing we accept */
    NET_CLOCK = -6,      /* our clock cannot be right: certificates cannot be judged */
    NET_NO_ENTROPY = -7, /* neither getrandom nor /dev/urandom */
    NET_NO_TRUST = -8,   /* the named CA file cannot be read or holds no certificate */
    NET_ENDED = -9       /* the peer ended in the middle (no close_notify where one was needed) */
};

#define NET_WORDS_SIZE 320

/* The reason in words for a message: printable, never a secret. */
struct net_words {
    char text[NET_WORDS_SIZE];
};

#endif
