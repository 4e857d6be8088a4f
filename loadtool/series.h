/*
 * What happened second by second, kept in memory for the reports: counts, latency, and how the latencies lay.
 *
 * A run may last 1000 h and memory may not: there are SERIES_ROWS_MAX rows at most. A row is one second in the first hour;
 * when all are in use, each two become one and rows are twice as long from then on. Of a row that was two, the
 * counts are the sums, the percentiles and the maximum those of the worse one.
 */
#ifndef LOADTOOL_SERIES_H
#define LOADTOOL_SERIES_H

#include <stddef.h>
#include <stdint.h>

#include "loadtool/seconds.h"

enum {
    SERIES_ROWS_MAX = 3600,
    SERIES_BANDS = 128,         /* of latency: four to each power of two, */
    SERIES_BANDS_PER_POWER = 4, /* from 1024 ns on; the first holds what is faster */
    SERIES_FIRST_POWER = 10,
};

struct series_row {
    uint64_t begin_ns, length_ns; /* after the load began */
    struct seconds_sums sums;     /* of this row alone */
    uint64_t p50_ns, p99_ns, max_ns;
    uint32_t modes;               /* kill modes done in it */
    uint32_t bands[SERIES_BANDS]; /* replies whose latency lay in the band */
};

struct series {
    struct series_row *rows; /* owned; NULL = nothing is kept */
    size_t count;
    uint64_t seconds_per_row;
};

/* -ENOMEM. */
int series_init(struct series *series);
void series_free(struct series *series);

void series_add(struct series *series, const struct second *second);

/* The band of a latency, and the least latency of a band (0 for the first). */
size_t series_band_of(uint64_t ns);
uint64_t series_band_ns(size_t band);

/* How a measure of the rows lies: their median, and the distance from the first to the third quartile. Rows shorter
 * than half of the usual length are left out. `measure` looks at one row. */
struct series_spread {
    size_t rows;
    double median, quartiles;
};
struct series_spread series_spread(const struct series *series,
                                   double (*measure)(const struct series_row *row));

#endif
