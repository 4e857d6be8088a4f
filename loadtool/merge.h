/*
 * `loadtool merge A.json B.json...`: several load tools that loaded one server at the same time, as one report.
 *
 * Counts and histograms are added, the latter bucket by bucket, so that a percentile of the sum is exactly the one
 * that a single load tool would have found. Rows of seconds are added in their order. What cannot be added (outages,
 * silence, recovery, health, self-checks, what others felt) is left out.
 */
#ifndef LOADTOOL_MERGE_H
#define LOADTOOL_MERGE_H

#include <jansson.h>
#include <stddef.h>

#include "loadtool/result.h"

/* A new report. NULL without memory. Pure. */
json_t *merge_results(const struct result *results, size_t count);

/* The subcommand: writes the JSON to standard output. The exit code is 0, or 2 for usage and a file that cannot be read. */
int merge_main(int argc, char **argv);

#endif
