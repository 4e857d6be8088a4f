/*
 * reload: command line and configuration file are read anew, and the supervisor goes over to what they say.
 *
 * All or nothing: what is not good changes nothing. What the supervisor itself goes by holds at once; the
 * workers' part is on their boards from their next generation on, which the policy sees to by the number of
 * the settings. The caller feeds an event afterwards, so that the settings are stored; a supervisor that dies
 * before that has done nothing that its successor would not do again.
 */
#ifndef MASTER_RELOAD_H
#define MASTER_RELOAD_H

#include "master/settings.h"

struct reactor;

#define RELOAD_WHY_SIZE OPTIONS_ERROR_SIZE

/* Changes r->settings and says so in the log: what changed, and what needs a restart. 0, or a negative errno
 * after one line in the log, whose reason is in `why` too; *change is undefined then. Supervisor only. */
int reload(struct reactor *r, struct settings_change *change, char why[RELOAD_WHY_SIZE]);

#endif
