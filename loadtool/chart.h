/*
 * Charts as inline SVG: complete without script, style sheet or network, colours by the classes of the page around them
 * (html.h). Pure but for the stream.
 */
#ifndef LOADTOOL_CHART_H
#define LOADTOOL_CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "loadtool/disturbances.h"
#include "loadtool/histogram.h"
#include "loadtool/outages.h"
#include "loadtool/series.h"

/* What a line shows: a measure of each row, in ns or per second. */
struct chart_line {
    const struct series *series;
    double (*measure)(const struct series_row *row);
    const char *css, *label;
};

/* Measures: right replies per second; times in ns. */
double chart_rate(const struct series_row *row);
double chart_p50(const struct series_row *row);
double chart_p99(const struct series_row *row);
double chart_max(const struct series_row *row);

/* What was done to the server, and what it did to the clients, of a single run. */
struct chart_marks {
    const struct outages *outages;
    const struct disturbances_told *disturbances; /* the first CHART_WORST_MAX of the worst are marked */
};

enum { CHART_WORST_MAX = 8 };

/*
 * Lines over the time of the run; times on a logarithmic axis. With `marks` outages are shaded, the worst disturbances
 * stand above, and the first line's rows mark below it when disturbances were done and clients were lost; NULL where
 * several runs lie over each other.
 */
void chart_timeline(FILE *out, const char *title, const struct chart_line *lines, size_t count, bool is_time,
                    const struct chart_marks *marks);

struct chart_curve {
    const struct histogram *times;
    const char *css, *label;
};

/* Latency against the share of replies that were no slower, stretched towards 100 %. */
void chart_percentiles(FILE *out, const struct chart_curve *curves, size_t count);

/* How latencies lay, second by second: the stronger the colour, the more replies. */
void chart_heat(FILE *out, const struct series *series);

#endif
