/* The parts of the JSON that other runs are compared and merged with: whole histograms, and the rows of seconds. */
#include <stdlib.h>

#include "loadtool/hdr.h"
#include "loadtool/report_json_parts.h"

json_t *report_histogram_json(const struct histogram *histogram)
{
    char *words = hdr_format(histogram);
    json_t *object = json_pack("{sI sI sI sf ss*}", "count", (json_int_t)histogram->count, "over",
                               (json_int_t)histogram->over_count, "max_ns", (json_int_t)histogram->max_ns,
                               "sum_ns", histogram->sum_ns, "hdr", words);

    free(words);
    return object;
}

static double in_us(uint64_t ns)
{
    return (double)ns / 1e3;
}

json_t *report_series_json(const struct series *series)
{
    static const char *const names[] = {"length_s", "right",  "wrong_bytes", "kills",
                                        "lost",     "p50_us", "p99_us",      "max_us"};
    enum { COLUMNS = sizeof(names) / sizeof(names[0]) };
    json_t *columns[COLUMNS];
    json_t *object = json_pack("{sI}", "per_row", (json_int_t)series->seconds_per_row);

    for (size_t i = 0; i < COLUMNS; i++)
        json_object_set_new(object, names[i], columns[i] = json_array());
    for (size_t i = 0; i < series->count; i++) {
        const struct series_row *row = &series->rows[i];
        json_array_append_new(columns[0], json_real((double)row->length_ns / 1e9));
        json_array_append_new(columns[1], json_integer((json_int_t)row->sums.right));
        json_array_append_new(columns[2], json_integer((json_int_t)row->sums.found_bytes));
        json_array_append_new(columns[3], json_integer((json_int_t)row->sums.kills));
        json_array_append_new(columns[4], json_integer((json_int_t)row->sums.lost));
        json_array_append_new(columns[5], json_real(in_us(row->p50_ns)));
        json_array_append_new(columns[6], json_real(in_us(row->p99_ns)));
        json_array_append_new(columns[7], json_real(in_us(row->max_ns)));
    }
    return object;
}
