/* The limit of open descriptors: enough for the clients that were asked for, or a clear refusal. */
#ifndef LOADTOOL_DESCRIPTORS_H
#define LOADTOOL_DESCRIPTORS_H

#include <stdint.h>

/* Raise the soft limit so that `clients` connections fit. -EMFILE when the hard limit is too low; `needed`
 * and `hard_limit` are set then. */
int descriptors_provide(uint64_t clients, uint64_t *needed, uint64_t *hard_limit);

#endif
