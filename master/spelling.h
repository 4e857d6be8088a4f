/*
 * spelling: how near two words are, so that an error can name what was probably meant. Pure.
 */
#ifndef MASTER_SPELLING_H
#define MASTER_SPELLING_H

#include <stddef.h>

#define SPELLING_DISTANCE_MAX 2  /* letters wrong in what is still taken for a typing error */
#define SPELLING_WORD_SIZE    32 /* longer words are like none, NUL included */

/* How many letters must be changed, added or left out to make one word of the other. More than
 * SPELLING_DISTANCE_MAX where a word is too long. */
unsigned spelling_distance(const char *a, size_t a_length, const char *b);

/* The same where it can be taken for a typing error; else more than SPELLING_DISTANCE_MAX. In a word of four letters or
 * fewer two may not be wrong, the first among them: "port" is no "core". */
unsigned spelling_slip(const char *word, size_t word_length, const char *meant);

#endif
