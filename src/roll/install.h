/*
 * Staged installation: what services read of a pair with `install = DIR`, and nobody else writes.
 *
 *     DIR/current  -> pair-XXXX-a   a symbolic link, replaced by one rename
 *     DIR/previous -> pair-YYYY-a   likewise: the former pair, while its records are kept
 *     DIR/pair-XXXX-a/              fullchain.pem, privkey.pem, cert.pem, chain.pem (the issuers),
 *                                   combined.pem (the key first, then the chain)
 *
 * At every moment current leads to a complete, fitting pair; each function can be repeated after a
 * crash anywhere, and ends in the same place. What fails leaves current as it was. The files are
 * PEM laid out anew, so that nothing but key and certificates gets into them. Names in DIR that are
 * not of this form are never touched, links in it never followed but those two, and these only to
 * a directory of DIR of this form.
 *
 * PAIR has install, install_owner (NULL: left as it comes) and install_mode. All functions but
 * install_read change what is on disk; callers hold the program's lock.
 */
#ifndef ROLL_INSTALL_H
#define ROLL_INSTALL_H

#include "cert/spki.h"
#include "conf/conf.h"
#include "roll/pair.h"

enum install_place { INSTALL_CURRENT, INSTALL_PREVIOUS };

enum {
    INSTALL_CHANGED = 1, /* something else is current now */
    INSTALL_SAME = 0,    /* nothing had to be done */
    INSTALL_FAILED = -1, /* the words say why: a full or read-only disk, an owner not known, ... */
    INSTALL_LATER = -2,  /* the source is not, or no longer, the pair that is wanted */
    INSTALL_ABSENT = -3  /* there is no such pair to put back */
};

/*
 * Reads what is installed. PAIR_ABSENT: nothing (no DIR, or no such link); PAIR_FAILED: it is
 * damaged, not complete, or not ours; PAIR_UNFIT: the files are there but key and certificate do
 * not fit each other.
 */
void install_read(const struct conf_pair *pair, enum install_place place, struct pair_found *found);
/*
 * Makes the source current, if its leaf is still LEAF (all of its digests). DIR is made where it is
 * not there. The former current becomes previous if it can be read and its leaf is another one. If
 * current has the very same files, only owners and modes are set, where they differ.
 * INSTALL_CHANGED, _SAME, _FAILED or _LATER.
 */
int install_put(const struct conf_pair *pair, const struct cert_digests *leaf,
                char words[PAIR_WORDS_SIZE]);
/*
 * Makes the previous pair current again, if its leaf is LEAF; what was current becomes previous.
 * INSTALL_SAME if LEAF is current already; INSTALL_CHANGED, _FAILED, or _ABSENT if the previous
 * pair is another one or not whole.
 */
int install_put_back(const struct conf_pair *pair, const struct cert_digests *leaf,
                     char words[PAIR_WORDS_SIZE]);
/*
 * Takes the previous pair away, and what install_sweep does. INSTALL_CHANGED, _SAME (there was no
 * such link) or _FAILED.
 */
int install_drop_previous(const struct conf_pair *pair, char words[PAIR_WORDS_SIZE]);
/*
 * Takes away what killed runs left: pairs that neither link leads to, half-made links. If a link is
 * not of our form nothing is. INSTALL_SAME or _FAILED. install_put does this too.
 */
int install_sweep(const struct conf_pair *pair, char words[PAIR_WORDS_SIZE]);

#endif
