/*
 * conflicts: two options that name one place, of which one would destroy what the other is for.
 *
 * A pid file is renamed over what is there and removed at the end; a log is written behind what is there; no two
 * sockets are bound at one address. Looks at the file system, changes nothing. Devices, such as /dev/null, may be
 * named as often as anybody likes.
 */
#ifndef MASTER_CONFLICTS_H
#define MASTER_CONFLICTS_H

#include "master/options.h"

#include <stddef.h>

/* 0; or -EINVAL, and `why` holds a sentence that names both options. */
int conflicts_find(const struct options *options, char why[], size_t why_size);

#endif
