/*
 * `loadtool shrink ...`: the smallest set of clients and kill modes with which a run still fails as it did.
 *
 * First modes are left out one by one, then clients are halved, then the gap to what does not fail any more is halved. A
 * run fails "as it did" when its exit code is the same.
 */
#ifndef LOADTOOL_SHRINK_H
#define LOADTOOL_SHRINK_H

#include <stdint.h>
#include <stdio.h>

#include "loadtool/plan.h"

enum { SHRINK_TRIALS_MAX = 60, SHRINK_KILL_BYTES = 1024 };

struct shrink_set {
    uint32_t clients;
    uint32_t modes;                       /* a bit each */
    double share[PLAN_MODE_COUNT];        /* percent of all clients, */
    uint64_t rate_per_s[PLAN_MODE_COUNT]; /* or kills per second */
};

/* The set as a word of --kill. */
void shrink_format_kill(const struct shrink_set *set, char word[SHRINK_KILL_BYTES]);

/* Make it smaller. `fails` runs a set: 1 it fails as it did, 0 it does not, negative: give up. Returns the number of
 * trials, or the negative number. */
int shrink_search(struct shrink_set *set, int (*fails)(void *owner, const struct shrink_set *set),
                  void *owner);

/* The subcommand: 0 the smallest was found, 1 the run does not fail, 2 usage, 130 interrupted. */
int shrink_main(int argc, char **argv);

#endif
