/*
 * One run of the load tool as a process of its own, for the subcommands that need many: find and shrink. Each begins
 * with fresh memory, and one that goes wrong takes nobody with it.
 */
#ifndef LOADTOOL_TRIAL_H
#define LOADTOOL_TRIAL_H

#include <stdbool.h>
#include <stddef.h>

#include "loadtool/result.h"

enum { TRIAL_MORE_MAX = 8 };

struct trial {
    int exit_code; /* of the process; 128 + n for signal n */
    bool has_result;
    struct result result; /* owned */
};

/* Run this very program with `words`, and `more` behind them up to a NULL: of an option that is said twice the latter
 * counts. Its text is not shown, its stderr is. Negative errno when it could not be run, after a line on stderr. */
int trial_run(struct trial *trial, char *const *words, size_t count, const char *const *more);
void trial_free(struct trial *trial);

#endif
