#include "loadtool/chart.h"

#include <inttypes.h>
#include <math.h>

#include "loadtool/markup.h"
#include "loadtool/plan.h"
#include "loadtool/units.h"

/* In the units of the drawing, which is as wide as the page. */
enum { WIDTH = 680, HEIGHT = 220, LEFT = 74, RIGHT = 14, TOP = 12, BOTTOM = 44, HEAT_COLUMNS = 240 };

struct frame {
    FILE *out;
    double x_max;        /* from 0 */
    double y_min, y_max; /* logarithms, when is_log */
    bool is_log;
};

/* -- axes -- */

static double x_of(const struct frame *frame, double x)
{
    return LEFT + (frame->x_max > 0 ? x / frame->x_max : 0) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct frame *frame, double y)
{
    double value = frame->is_log ? log10(y < 1 ? 1 : y) : y;
    double span = frame->y_max - frame->y_min;
    double share = span > 0 ? (value - frame->y_min) / span : 0;

    return HEIGHT - BOTTOM - fmin(fmax(share, 0), 1) * (HEIGHT - TOP - BOTTOM);
}

static void begin(struct frame *frame, const char *title)
{
    fprintf(frame->out,
            "<figure><figcaption>%s</figcaption><div class=\"wide\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-label=\"%s\">\n",
            title, WIDTH, HEIGHT, title);
}

static void finish(const struct frame *frame)
{
    fputs("</svg></div></figure>\n", frame->out);
}

static void write_text(const struct frame *frame, double x, double y, const char *anchor, const char *words)
{
    fprintf(frame->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    markup_write_xml(frame->out, words);
    fputs("</text>\n", frame->out);
}

static void write_grid_line(const struct frame *frame, double value, bool is_time)
{
    double y = y_of(frame, value);
    struct text words;

    fprintf(frame->out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", LEFT, y, WIDTH - RIGHT);
    write_text(frame, LEFT - 6, y + 4, "end",
               is_time ? units_format_ns(&words, (uint64_t)(value + 0.5))
                       : units_format_count(&words, (uint64_t)(value + 0.5)));
}

/* 1, 2 or 5 times a power of ten: about `parts` of it make `span`. */
static double nice_step(double span, double parts)
{
    double raw = span / parts;
    double power = pow(10, floor(log10(raw > 0 ? raw : 1)));

    return raw / power <= 1   ? power
           : raw / power <= 2 ? 2 * power
           : raw / power <= 5 ? 5 * power
                              : 10 * power;
}

static void write_y_axis(const struct frame *frame, bool is_time)
{
    if (frame->is_log) {
        for (int power = (int)frame->y_min; power <= (int)frame->y_max; power++)
            write_grid_line(frame, pow(10, power), is_time);
        return;
    }
    double step = nice_step(frame->y_max, 4);
    for (int i = 0; i * step <= frame->y_max * 1.001 && i < 20; i++)
        write_grid_line(frame, i * step, is_time);
}

static void write_time_axis(const struct frame *frame)
{
    double step = nice_step(frame->x_max, 8);
    char words[32];

    for (int i = 0; i * step <= frame->x_max * 1.001 && i < 40; i++) {
        snprintf(words, sizeof(words), "%g s", i * step);
        write_text(frame, x_of(frame, i * step), HEIGHT - BOTTOM + 30, "middle", words);
    }
}

/* -- measures -- */

double chart_rate(const struct series_row *row)
{
    return row->length_ns == 0 ? 0 : (double)row->sums.right * 1e9 / (double)row->length_ns;
}

double chart_p50(const struct series_row *row)
{
    return (double)row->p50_ns;
}

double chart_p99(const struct series_row *row)
{
    return (double)row->p99_ns;
}

double chart_max(const struct series_row *row)
{
    return (double)row->max_ns;
}

/* -- time lines -- */

static double end_s(const struct series *series)
{
    const struct series_row *last = series->count == 0 ? NULL : &series->rows[series->count - 1];

    return last == NULL ? 0 : (double)(last->begin_ns + last->length_ns) / 1e9;
}

static double middle_s(const struct series_row *row)
{
    return ((double)row->begin_ns + (double)row->length_ns / 2) / 1e9;
}

/* Room for all lines, from a whole power of ten to another when it is a time. */
static void find_room(struct frame *frame, const struct chart_line *lines, size_t count)
{
    double least = INFINITY, most = 0;

    for (size_t i = 0; i < count; i++) {
        frame->x_max = fmax(frame->x_max, end_s(lines[i].series));
        for (size_t k = 0; k < lines[i].series->count; k++) {
            double value = lines[i].measure(&lines[i].series->rows[k]);
            most = fmax(most, value);
            least = value > 0 ? fmin(least, value) : least;
        }
    }
    frame->y_max = frame->is_log ? ceil(log10(fmax(most, 10))) : fmax(most, 1) * 1.05;
    frame->y_min = frame->is_log ? fmin(floor(log10(fmax(fmin(least, most), 1))), frame->y_max - 1) : 0;
}

/* One path: rows in which nothing was measured are gaps of a time. A single row is a dot. */
static void write_line(const struct frame *frame, const struct chart_line *line)
{
    bool is_on = false;

    fprintf(frame->out, "<path class=\"line %s\" d=\"", line->css);
    for (size_t i = 0; i < line->series->count; i++) {
        const struct series_row *row = &line->series->rows[i];
        double value = line->measure(row);
        bool is_shown = value > 0 || !frame->is_log;
        if (is_shown)
            fprintf(frame->out, "%c%.1f %.1f", is_on ? 'L' : 'M', x_of(frame, middle_s(row)),
                    y_of(frame, value));
        if (is_shown && !is_on)
            fputs("h.1", frame->out);
        is_on = is_shown;
    }
    fputs("\"/>\n", frame->out);
}

static void write_outages(const struct frame *frame, const struct outages *outages)
{
    for (size_t i = 0; outages != NULL && i < outages->kept; i++) {
        const struct outage *at = &outages->list[i];
        double from = x_of(frame, (double)at->last_good_ms / 1e3);
        double to = x_of(frame, (double)(at->last_good_ms + at->gap_ms) / 1e3);
        fprintf(frame->out,
                "<rect class=\"outage\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"><title>outage of "
                "%" PRIu64 " ms</title></rect>\n",
                from, TOP, fmax(to - from, 1), HEIGHT - TOP - BOTTOM, at->gap_ms);
    }
}

static void write_mark(const struct frame *frame, const struct series_row *row, const char *css, int y)
{
    double from = x_of(frame, (double)row->begin_ns / 1e9);
    double to = x_of(frame, (double)(row->begin_ns + row->length_ns) / 1e9);

    fprintf(frame->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"6\"><title>", css,
            from, y, fmax(to - from - 1, 1));
    fprintf(frame->out, "%" PRIu64 " left on purpose", row->sums.kills);
    for (int mode = 0; mode < PLAN_MODE_COUNT; mode++)
        if (row->modes >> mode & 1)
            fprintf(frame->out, " %s", plan_mode_name((enum plan_mode)mode));
    fprintf(frame->out, ", %" PRIu64 " control clients lost, %" PRIu64 " bad bytes</title></rect>\n",
            row->sums.lost, row->sums.found_bytes);
}

/* Two strips below the lines: what was done to the server, and what went wrong. */
static void write_marks(const struct frame *frame, const struct series *series)
{
    for (size_t i = 0; i < series->count; i++) {
        const struct series_row *row = &series->rows[i];
        if (row->sums.kills > 0)
            write_mark(frame, row, "kills", HEIGHT - BOTTOM + 3);
        if (row->sums.lost + row->sums.found_bytes > 0)
            write_mark(frame, row, "bad", HEIGHT - BOTTOM + 11);
    }
}

static void write_legend(FILE *out, const char *css, const char *label)
{
    fprintf(out,
            "<span class=\"key\"><svg viewBox=\"0 0 24 8\"><path class=\"line %s\" d=\"M1 4H23\"/></svg> ",
            css);
    markup_write_xml(out, label);
    fputs("</span>\n", out);
}

void chart_timeline(FILE *out, const char *title, const struct chart_line *lines, size_t count, bool is_time,
                    const struct outages *outages)
{
    struct frame frame = {.out = out, .is_log = is_time};

    find_room(&frame, lines, count);
    begin(&frame, title);
    write_outages(&frame, outages);
    write_y_axis(&frame, is_time);
    write_time_axis(&frame);
    for (size_t i = 0; i < count; i++)
        write_line(&frame, &lines[i]);
    if (outages != NULL)
        write_marks(&frame, lines[0].series);
    finish(&frame);
    fputs("<p class=\"legend\">", out);
    for (size_t i = 0; i < count; i++)
        write_legend(out, lines[i].css, lines[i].label);
    if (outages != NULL)
        fputs("<span class=\"key\"><i class=\"kills\"></i> clients left on purpose</span> <span "
              "class=\"key\"><i "
              "class=\"bad\"></i> clients lost or bytes wrong</span> <span class=\"key\"><i "
              "class=\"outage\"></i> outage</span>",
              out);
    fputs("</p>\n", out);
}

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

static void write_curve(const struct frame *frame, const struct chart_curve *curve)
{
    enum { STEPS = 200 };

    fprintf(frame->out, "<path class=\"line %s\" d=\"", curve->css);
    for (int i = 0; i <= STEPS; i++) {
        double reach = frame->x_max * i / STEPS;
        double percent = 100 - 100 * pow(10, -reach);
        double ns = (double)histogram_percentile_ns(curve->times, fmax(percent, 1e-9));
        fprintf(frame->out, "%c%.1f %.1f", i == 0 ? 'M' : 'L', x_of(frame, reach), y_of(frame, ns));
    }
    fputs("\"/>\n", frame->out);
}

void chart_percentiles(FILE *out, const struct chart_curve *curves, size_t count)
{
    struct frame frame = {.out = out, .is_log = true, .y_min = 12, .y_max = 1};
    uint64_t most = 0;

    for (size_t i = 0; i < count; i++) {
        const struct histogram *times = curves[i].times;
        most = times->count > most ? times->count : most;
        frame.y_max = fmax(frame.y_max, ceil(log10(fmax((double)times->max_ns, 10))));
        frame.y_min = fmin(frame.y_min, floor(log10(fmax((double)histogram_percentile_ns(times, 1e-9), 1))));
    }
    /* No further out than one reply of all lies. */
    frame.x_max = fmin(fmax(log10((double)most + 1), 1), 5);
    begin(&frame, "Latency by percentile");
    write_y_axis(&frame, true);
    for (size_t i = 0; i < sizeof(ticks) / sizeof(ticks[0]) && reach_of(ticks[i].percent) <= frame.x_max; i++)
        write_text(&frame, x_of(&frame, reach_of(ticks[i].percent)), HEIGHT - BOTTOM + 18, "middle",
                   ticks[i].name);
    for (size_t i = 0; i < count; i++)
        if (curves[i].times->count > 0)
            write_curve(&frame, &curves[i]);
    finish(&frame);
    fputs("<p class=\"legend\">", out);
    for (size_t i = 0; i < count; i++)
        write_legend(out, curves[i].css, curves[i].label);
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

static void write_column(const struct frame *frame, const struct series *series, const struct heat *heat,
                         size_t column)
{
    size_t from = column * heat->rows_per_column;
    size_t to = from + heat->rows_per_column < series->count ? from + heat->rows_per_column : series->count;
    double x = x_of(frame, (double)series->rows[from].begin_ns / 1e9);
    double end = x_of(frame, (double)(series->rows[to - 1].begin_ns + series->rows[to - 1].length_ns) / 1e9);

    for (size_t band = heat->first; band <= heat->last; band++) {
        double cell = cell_of(series, heat, column, band);
        double top = y_of(frame, (double)series_band_ns(band + 1)),
               bottom = y_of(frame, (double)series_band_ns(band));
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
    struct frame frame = {.out = out, .is_log = true, .x_max = end_s(series)};

    if (heat.most == 0)
        return;
    frame.y_min = floor(log10(fmax((double)series_band_ns(heat.first), 1000)));
    frame.y_max = ceil(log10((double)series_band_ns(heat.last + 1)));
    begin(&frame, "Latencies second by second: the stronger the colour, the more replies");
    write_y_axis(&frame, true);
    write_time_axis(&frame);
    for (size_t column = 0; column * heat.rows_per_column < series->count; column++)
        write_column(&frame, series, &heat, column);
    finish(&frame);
}
