/*
 * descriptors: makes the limit of open descriptors and the wish for connections fit, before anything is
 * started.
 *
 * The soft limit (RLIMIT_NOFILE, getrlimit(2)) is raised as far as needed and the hard limit allows; it is
 * inherited by every process made later. The hard limit is the administrator's and stays.
 */
#ifndef MASTER_DESCRIPTORS_H
#define MASTER_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * How many of `wanted` connections a process can hold beside `reserved` other descriptors, into *granted.
 * When the limit is too low: with asked_for (the user named the number) -EMFILE, else *granted is lowered to
 * what fits; -EMFILE too when not a single one fits. Other failures of the kernel: their negative errno. On
 * failure `error` holds a sentence and *granted is untouched.
 */
int descriptors_fit(uint32_t wanted, bool asked_for, uint32_t reserved, uint32_t *granted, char error[],
                    size_t error_size);

#endif
