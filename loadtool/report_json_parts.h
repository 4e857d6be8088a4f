/*
 * What the files of the JSON report share: report_json.c, report_json_times.c and report_series.c; and merge.c, which
 * writes parts of several reports. NULL without memory.
 */
#ifndef LOADTOOL_REPORT_JSON_PARTS_H
#define LOADTOOL_REPORT_JSON_PARTS_H

#include <jansson.h>

#include "loadtool/report.h"

static inline json_t *report_json_number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *report_json_outages(const struct outages *outages);
json_t *report_json_disturbances(const struct outcome *outcome);

/* Whole: nothing is lost when it is read again. */
json_t *report_histogram_json(const struct histogram *histogram);

/* What a percentile is, of a histogram in ns: in us. */
json_t *report_latency_json(const struct histogram *latency);

json_t *report_series_json(const struct series *series);

#endif
