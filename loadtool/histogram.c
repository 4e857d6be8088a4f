#include "loadtool/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static size_t bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_SUB_BUCKETS)
        return (size_t)ns;
    /* The top eleven bits pick the bucket: shift is how many bits lie below them. */
    unsigned shift = (unsigned)(63 - __builtin_clzll(ns)) - 10;
    return (size_t)shift * HISTOGRAM_HALF + (size_t)(ns >> shift);
}

uint64_t histogram_bucket_top_ns(size_t bucket)
{
    if (bucket < HISTOGRAM_SUB_BUCKETS)
        return bucket;
    unsigned shift = (unsigned)(bucket / HISTOGRAM_HALF) - 1;
    uint64_t top_bits = bucket - (size_t)shift * HISTOGRAM_HALF;
    return ((top_bits + 1) << shift) - 1;
}

void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof(*histogram));
}

void histogram_record(struct histogram *histogram, uint64_t ns)
{
    histogram->count++;
    histogram->sum_ns += (double)ns;
    if (ns > histogram->max_ns)
        histogram->max_ns = ns;
    if (ns > HISTOGRAM_NS_MAX) {
        histogram->over_count++;
        ns = HISTOGRAM_NS_MAX;
    }
    histogram->buckets[bucket_of(ns)]++;
}

void histogram_add(struct histogram *into, const struct histogram *from)
{
    into->count += from->count;
    into->over_count += from->over_count;
    into->sum_ns += from->sum_ns;
    into->max_ns = from->max_ns > into->max_ns ? from->max_ns : into->max_ns;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
}

void histogram_subtract(struct histogram *from, const struct histogram *what)
{
    from->count -= what->count;
    from->over_count -= what->over_count;
    from->sum_ns -= what->sum_ns;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        from->buckets[i] -= what->buckets[i];
}

/* How many values lie at or below the percentile: at least one. */
static uint64_t rank_of(double percent, uint64_t count)
{
    uint64_t rank = (uint64_t)ceil(percent / 100 * (double)count - 1e-9);

    return rank < 1 ? 1 : rank > count ? count : rank;
}

static uint64_t least_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t histogram_percentile_ns(const struct histogram *histogram, double percent)
{
    uint64_t seen = 0;

    if (histogram->count == 0)
        return 0;
    uint64_t rank = rank_of(percent, histogram->count);
    if (rank > histogram->count - histogram->over_count)
        return histogram->max_ns;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank)
            return least_of(histogram_bucket_top_ns(i), histogram->max_ns);
    }
    return histogram->max_ns;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

void histogram_sort(uint64_t *list, size_t count)
{
    qsort(list, count, sizeof(*list), compare);
}

uint64_t histogram_sorted_percentile(const uint64_t *sorted, size_t count, double percent)
{
    return count == 0 ? 0 : sorted[rank_of(percent, count) - 1];
}
