/*
 * identity: whom workers run as, by --user and --group.
 *
 * Names are looked up once, at the start, by whatever the machine uses for that (getpwnam(3)); workers get numbers.
 * Master, supervisor and keepers stay who they are: a keeper must be able to make a worker, and the supervisor to end it.
 */
#ifndef MASTER_IDENTITY_H
#define MASTER_IDENTITY_H

#include "worker/board.h"
#include <stddef.h>

/* A name or a number each, NULL: not asked for; a user's own group comes with it. Fills drops, uid and gid of the plan.
 * -ENOENT: no such user or group; -EPERM: this process may not change its ids; `*option` is then the option that is to
 * blame, and `why` says the rest. */
int identity_find(const char *user, const char *group, struct sandbox_plan *plan, const char **option,
                  char why[], size_t why_size);

#endif
