/*
 * inherit: the descriptors that the master has from its parent, and those that all others have from it.
 *
 * The numbers are those of worker/heritage.h. Master only, at its start, in this order, before any fork.
 */
#ifndef MASTER_INHERIT_H
#define MASTER_INHERIT_H

/* Afterwards 0, 1 and 2 exist, *ready_fd has a number above all of ours (below 3: it stays, or there is
 * none), the first `passed_count` ones from 3 on are as they were (passed.h), and nothing else that our parent left
 * open is kept: a worker that lives for months must not hold somebody's pipe. Returns 0 or a negative errno. */
int inherit_tidy(int *ready_fd, int passed_count);

/* Makes everything of heritage.h but the shared pages, with the listener and the control socket (negative:
 * there is none) at their numbers; both are closed where they were, whatever comes of it. Returns 0 or a
 * negative errno. */
int inherit_make(int listener_fd, int control_fd);

#endif
