/*
 * What happens, second by second, as comma-separated lines (`--csv`): a header, then one line at the end of
 * each second of the load. Values are of that second alone.
 */
#ifndef LOADTOOL_CSV_H
#define LOADTOOL_CSV_H

#include <stdint.h>
#include <stdio.h>

#include "loadtool/histogram.h"

/* Sums since the start of the run. */
struct csv_sums {
    uint64_t sent, right, bytes_right, found_bytes, opened, ended, kills, lost, missed;
};

struct csv {
    FILE *out; /* not owned; NULL = nobody wants it */
    uint64_t begin_ns;
    uint64_t seconds; /* written so far */
    struct csv_sums before;
    struct histogram latency; /* of this second */
};

void csv_begin(struct csv *csv, FILE *out, const struct csv_sums *sums, uint64_t now_ns);

/* Write the second if it is over. Several at once when nobody called for so long: what was counted stands in
 * the first. */
void csv_step(struct csv *csv, const struct csv_sums *sums, uint64_t now_ns);

#endif
