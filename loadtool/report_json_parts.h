/* What the files of the JSON report share: report_json.c and report_json_times.c. */
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

#endif
