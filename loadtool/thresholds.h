/*
 * `--fail 'p99>5ms'`: what a run must not exceed, or fall below. Pure.
 *
 * A measure has a name, a unit and a sentence, in one table that --help shows. What could not be measured
 * fails a threshold: a limit that nobody looked at is not kept.
 */
#ifndef LOADTOOL_THRESHOLDS_H
#define LOADTOOL_THRESHOLDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "loadtool/outcome.h"

enum { THRESHOLDS_MAX = 16, THRESHOLDS_SENTENCE_BYTES = 160 };

struct threshold {
    size_t measure;   /* row of the table */
    bool is_below;    /* '<': fails below the limit; else above it */
    double limit;     /* times in ns */
    const char *word; /* as typed */
};

struct thresholds {
    size_t count;
    struct threshold list[THRESHOLDS_MAX];
};

/* Add one: a name, < or >, and a value with the unit of the measure (us, ms, s, m, h, % or none). -EINVAL,
 * -ERANGE when there are too many. */
int thresholds_add(struct thresholds *thresholds, const char *word);

bool thresholds_has_measure(const char *name, size_t length);

/* Is it kept? If not, `sentence` says why: the word and the value. */
bool thresholds_keeps(const struct threshold *threshold, const struct outcome *outcome,
                      char sentence[THRESHOLDS_SENTENCE_BYTES]);

/* The names with their sentences, a line each. */
void thresholds_write_names(FILE *out);

#endif
