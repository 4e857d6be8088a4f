/* How latencies are spread: over all replies, and from second to second. */
#include <math.h>

#include "loadtool/chart_parts.h"
#include "loadtool/units.h"

enum { HEAT_COLUMNS = 240 };

/* -- percentiles -- */

static const struct {
    double percent;
    const char *name;
} ticks[] = {{0, "0"},         {50, "50 %"},       {90, "90 %"},        {99, "99 %"},
             {99.9, "99.9 %"}, {99.99, "99.99 %"}, {99.999, "99.999 %"}};

/* How far out a percentile lies: each nine is as wide as the one before. */
static double reach_of(double percent)
{
    return -log10(1 - percent / 100);
}

static void write_curve(const struct chart_frame *frame, const struct chart_curve *curve)
{
    enum { STEPS = 200 };

    fprintf(frame->out, "<path class=\"line %s\" d=\"", curve->css);
    for (int i = 0; i <= STEPS; i++) {
        double reach = frame->x_max * i / STEPS;
        double percent = 100 - 100 * pow(10, -reach);
        double ns = (double)histogram_percentile_ns(curve->times, fmax(percent, 1e-9));
        fprintf(frame->out, "%c%.1f %.1f", i == 0 ? 'M' : 'L', chart_x(frame, reach), chart_y(frame, ns));
    }
    fputs("\"/>\n", frame->out);
}

void chart_percentiles(FILE *out, const struct chart_curve *curves, size_t count)
{
    struct chart_frame frame = {.out = out, .is_log = true, .y_min = 12, .y_max = 1};
    uint64_t most = 0;

    for (size_t i = 0; i < count; i++) {
        const struct histogram *times = curves[i].times;
        most = times->count > most ? times->count : most;
        frame.y_max = fmax(frame.y_max, ceil(log10(fmax((double)times->max_ns, 10))));
        frame.y_min = fmin(frame.y_min, floor(log10(fmax((double)histogram_percentile_ns(times, 1e-9), 1))));
    }
    /* No further out than one reply of all lies. */
    frame.x_max = fmin(fmax(log10((double)most + 1), 1), 5);
    chart_begin(&frame, "Latency by percentile");
    chart_write_y_axis(&frame, true);
    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]) && reach_of(ticks[i].percent) <= frame.x_max; i++)
        chart_write_tick(&frame, chart_x(&frame, reach_of(ticks[i].percent)),
                         CHART_HEIGHT - CHART_BOTTOM + 24, ticks[i].name);
    for (size_t i = 0; i < count; i++)
        if (curves[i].times->count > 0)
            write_curve(&frame, &curves[i]);
    chart_finish(&frame);
    fputs("<p class=\"legend\">", out);
    for (size_t i = 0; i < count; i++)
        chart_write_key(out, curves[i].css, curves[i].label);
    fputs("</p>\n", out);
}

/* -- heat -- */

struct heat {
    size_t first, last; /* bands that have any reply */
    size_t rows_per_column;
    double most; /* replies in a cell */
};

static double cell_of(const struct series *series, const struct heat *heat, size_t column, size_t band)
{
    double sum = 0;

    for (size_t i = column * heat->rows_per_column;
         i < (column + 1) * heat->rows_per_column && i < series->count; i++)
        sum += series->rows[i].bands[band];
    return sum;
}

static struct heat measure_heat(const struct series *series)
{
    struct heat heat = {.first = SERIES_BANDS,
                        .rows_per_column = (series->count + HEAT_COLUMNS - 1) / HEAT_COLUMNS};

    for (size_t at = 0; at < series->count; at += heat.rows_per_column) {
        for (size_t band = 0; band < SERIES_BANDS; band++) {
            double cell = cell_of(series, &heat, at / heat.rows_per_column, band);
            if (cell == 0)
                continue;
            heat.first = band < heat.first ? band : heat.first;
            heat.last = band > heat.last ? band : heat.last;
            heat.most = fmax(heat.most, cell);
        }
    }
    return heat;
}

static void write_column(const struct chart_frame *frame, const struct series *series,
                         const struct heat *heat, size_t column)
{
    size_t from = column * heat->rows_per_column;
    size_t to = from + heat->rows_per_column < series->count ? from + heat->rows_per_column : series->count;
    double x = chart_x(frame, (double)series->rows[from].begin_ns / 1e9);
    double end =
        chart_x(frame, (double)(series->rows[to - 1].begin_ns + series->rows[to - 1].length_ns) / 1e9);

    for (size_t band = heat->first; band <= heat->last; band++) {
        double cell = cell_of(series, heat, column, band);
        double top = chart_y(frame, (double)series_band_ns(band + 1)),
               bottom = chart_y(frame, (double)series_band_ns(band));
        struct text at, replies;
        if (cell == 0)
            continue;
        fprintf(frame->out,
                "<rect class=\"heat\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                "fill-opacity=\"%.2f\"><title>from %s on: "
                "%s replies</title></rect>\n",
                x, top, fmax(end - x, 0.8), fmax(bottom - top, 0.5),
                0.15 + 0.85 * log1p(cell) / log1p(heat->most), units_format_ns(&at, series_band_ns(band)),
                units_format_count(&replies, (uint64_t)cell));
    }
}

void chart_heat(FILE *out, const struct series *series)
{
    struct heat heat = measure_heat(series);
    struct chart_frame frame = {.out = out, .is_log = true, .x_max = chart_end_s(series)};

    if (heat.most == 0)
        return;
    frame.y_min = floor(log10(fmax((double)series_band_ns(heat.first), 1000)));
    frame.y_max = ceil(log10((double)series_band_ns(heat.last + 1)));
    chart_begin(&frame, "Latencies second by second: the stronger the colour, the more replies");
    chart_write_y_axis(&frame, true);
    chart_write_time_axis(&frame);
    for (size_t column = 0; column * heat.rows_per_column < series->count; column++)
        write_column(&frame, series, &heat, column);
    chart_finish(&frame);
}
