/*
 * duration: lengths of time as people write them.
 *
 * A decimal number and a unit: ms, s, m or h ("250ms", "1.5s", "2m"); without a unit it is seconds; 0 means
 * "off". No sign, no space, no exponent. What is not a whole number of milliseconds is rounded up, so that a
 * tiny length does not become "off". Pure.
 */
#ifndef MASTER_DURATION_H
#define MASTER_DURATION_H

#include <stdint.h>

#define DURATION_MS_MAX ((int64_t)365 * 24 * 3600 * 1000) /* longer is surely a slip of the pen */

/* The length into *ms, 0 to DURATION_MS_MAX. -EINVAL: not a duration; -ERANGE: negative or over 365 days. */
int duration_parse(const char *text, int64_t *ms);

#endif
