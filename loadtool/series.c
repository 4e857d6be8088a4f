#include "loadtool/series.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t second_ns = 1000000000;

int series_init(struct series *series)
{
    *series = (struct series){.rows = calloc(SERIES_ROWS_MAX, sizeof(*series->rows)), .seconds_per_row = 1};
    return series->rows == NULL ? -ENOMEM : 0;
}

void series_free(struct series *series)
{
    free(series->rows);
    *series = (struct series){.rows = NULL};
}

/* -- bands -- */

size_t series_band_of(uint64_t ns)
{
    if (ns < UINT64_C(1) << SERIES_FIRST_POWER)
        return 0;
    unsigned power = (unsigned)(63 - __builtin_clzll(ns));
    size_t band = (power - SERIES_FIRST_POWER) * SERIES_BANDS_PER_POWER + (ns >> (power - 2) & 3);
    return band < SERIES_BANDS ? band : SERIES_BANDS - 1;
}

uint64_t series_band_ns(size_t band)
{
    size_t power = band / SERIES_BANDS_PER_POWER + SERIES_FIRST_POWER;

    return band == 0 ? 0 : (4 + band % SERIES_BANDS_PER_POWER) << (power - 2);
}

static void count_bands(const struct histogram *latency, uint32_t bands[SERIES_BANDS])
{
    for (size_t i = 0; latency->count > 0 && i < HISTOGRAM_BUCKETS; i++) {
        uint32_t *band = &bands[series_band_of(histogram_bucket_top_ns(i))];
        uint64_t sum = *band + latency->buckets[i];
        *band = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
    }
}

/* -- rows -- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void add_row(struct series_row *into, const struct series_row *from)
{
    into->length_ns += from->length_ns;
    seconds_add_sums(&into->sums, &from->sums);
    into->p50_ns = larger(into->p50_ns, from->p50_ns);
    into->p99_ns = larger(into->p99_ns, from->p99_ns);
    into->max_ns = larger(into->max_ns, from->max_ns);
    into->modes |= from->modes;
    for (size_t i = 0; i < SERIES_BANDS; i++)
        into->bands[i] =
            from->bands[i] > UINT32_MAX - into->bands[i] ? UINT32_MAX : into->bands[i] + from->bands[i];
}

static void halve(struct series *series)
{
    for (size_t i = 0; i < series->count; i += 2) {
        struct series_row *into = &series->rows[i / 2];
        *into = series->rows[i];
        if (i + 1 < series->count)
            add_row(into, &series->rows[i + 1]);
    }
    series->count = (series->count + 1) / 2;
    series->seconds_per_row *= 2;
}

void series_add(struct series *series, const struct second *second)
{
    struct series_row row = {.begin_ns = second->begin_ns,
                             .length_ns = second->length_ns,
                             .sums = second->sums,
                             .p50_ns = histogram_percentile_ns(second->latency, 50),
                             .p99_ns = histogram_percentile_ns(second->latency, 99),
                             .max_ns = second->latency->max_ns,
                             .modes = second->modes};

    if (series->rows == NULL)
        return;
    count_bands(second->latency, row.bands);
    struct series_row *last = series->count == 0 ? NULL : &series->rows[series->count - 1];
    if (last != NULL && last->length_ns < series->seconds_per_row * second_ns) {
        add_row(last, &row);
        return;
    }
    if (series->count == SERIES_ROWS_MAX)
        halve(series);
    series->rows[series->count++] = row;
}

/* -- spread -- */

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return left < right ? -1 : left > right;
}

/* Between two values, in proportion. */
static double quantile(const double *sorted, size_t count, double share)
{
    double at = share * (double)(count - 1);
    size_t below = (size_t)at;
    double rest = at - (double)below;

    return below + 1 < count ? sorted[below] + rest * (sorted[below + 1] - sorted[below]) : sorted[below];
}

struct series_spread series_spread(const struct series *series,
                                   double (*measure)(const struct series_row *row))
{
    static double values[SERIES_ROWS_MAX]; /* large: not for the stack */
    struct series_spread spread = {.rows = 0};

    for (size_t i = 0; i < series->count; i++)
        if (series->rows[i].length_ns * 2 >= series->seconds_per_row * second_ns)
            values[spread.rows++] = measure(&series->rows[i]);
    if (spread.rows == 0)
        return spread;
    qsort(values, spread.rows, sizeof(*values), compare);
    spread.median = quantile(values, spread.rows, 0.5);
    spread.quartiles = quantile(values, spread.rows, 0.75) - quantile(values, spread.rows, 0.25);
    return spread;
}
