/*
 * A log-linear histogram of times: 1 ns to 1 h in fixed memory, with three digits: an error below 0.1 %
 * (1/1024).
 *
 * Values below 2048 ns have a bucket each; above, every power of two is cut into 1024 equal buckets. A value
 * above one hour is counted in the last bucket and in `over_count`; `max_ns` is exact always. Recording
 * allocates nothing. The idea is Gil Tene's HdrHistogram; the code is our own.
 */
#ifndef LOADTOOL_HISTOGRAM_H
#define LOADTOOL_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_NS_MAX (UINT64_C(3600) * 1000 * 1000 * 1000)

enum {
    HISTOGRAM_SUB_BUCKETS = 2048,               /* exact values at the low end */
    HISTOGRAM_HALF = HISTOGRAM_SUB_BUCKETS / 2, /* buckets of every further power of two */
    HISTOGRAM_BUCKETS = HISTOGRAM_SUB_BUCKETS + 31 * HISTOGRAM_HALF, /* up to 2^42 ns = 73 min */
};

struct histogram {
    uint64_t count;
    uint64_t over_count;
    uint64_t max_ns;
    double sum_ns;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_init(struct histogram *histogram);
void histogram_record(struct histogram *histogram, uint64_t ns);
void histogram_add(struct histogram *into, const struct histogram *from);

/* The largest value that falls into the bucket. */
uint64_t histogram_bucket_top_ns(size_t bucket);

/* Take away what was added before: `from` must hold all that `what` does. `max_ns` stays. */
void histogram_subtract(struct histogram *from, const struct histogram *what);

/* The time that `percent` of all values do not exceed (0 < percent <= 100), rounded up within its bucket but
 * never above max_ns; 0 for an empty histogram. */
uint64_t histogram_percentile_ns(const struct histogram *histogram, double percent);

/* Sort a list, for what is few enough to be kept. */
void histogram_sort(uint64_t *list, size_t count);

/* The value at that share of a sorted list (nearest rank), by the same rule: for what is few enough to be
 * kept. */
uint64_t histogram_sorted_percentile(const uint64_t *sorted, size_t count, double percent);

#endif
