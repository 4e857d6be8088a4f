/*
 * From what a run found to one word, one exit code, and the sentences that say why. Pure.
 *
 * Several findings: the first code in the order 130 (interrupted), 3 (wrong, missing or extra bytes), 4
 * (clients refused, ended or unanswered), 5 (no recovery), 6 (something is left in the server), 1 (a
 * threshold of the user's), 7 (the load tool does not trust its own figures). The sentences come in the same
 * order, and name every finding.
 */
#ifndef LOADTOOL_VERDICT_H
#define LOADTOOL_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "loadtool/outcome.h"
#include "loadtool/settings.h"

enum verdict_kind { VERDICT_PASS, VERDICT_FAIL, VERDICT_INTERRUPTED, VERDICT_UNRELIABLE };

enum {
    EXIT_PASS = 0,
    EXIT_THRESHOLD = 1,
    EXIT_USAGE = 2,
    EXIT_BYTES = 3,
    EXIT_CLIENTS = 4,
    EXIT_RECOVERY = 5,
    EXIT_RESIDUE = 6,
    EXIT_UNRELIABLE = 7,
    EXIT_INTERRUPTED = 130,
};

enum { VERDICT_REASONS_MAX = 40, VERDICT_REASON_BYTES = 200 };

struct verdict {
    enum verdict_kind kind;
    int exit_code;
    size_t reason_count;
    char reasons[VERDICT_REASONS_MAX][VERDICT_REASON_BYTES];
    int codes[VERDICT_REASONS_MAX]; /* the exit code that each stands for; 0 = a remark */
};

void verdict_judge(const struct settings *settings, const struct outcome *outcome, struct verdict *verdict);

/* "PASS", "FAIL", "INTERRUPTED", "UNRELIABLE". */
const char *verdict_name(enum verdict_kind kind);

/* Was the load tool itself the bottleneck? Then the server can do more than this run shows. */
bool verdict_is_client_bound(const struct outcome *outcome);

#endif
