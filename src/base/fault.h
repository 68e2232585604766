/*
 * Words for the errors of system calls: those that this program can meet, in a third of the space
 * of libc's whole list.
 */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

/*
 * Words for an errno, for a message; "system error N" for one not known here. Valid until the next
 * call.
 */
const char *fault_words(int error);

#endif
