/* Lines over the time of a run, and what was done to the server meanwhile. */
#include "loadtool/chart.h"

#include <inttypes.h>
#include <math.h>

#include "loadtool/chart_parts.h"
#include "loadtool/plan.h"

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

static double middle_s(const struct series_row *row)
{
    return ((double)row->begin_ns + (double)row->length_ns / 2) / 1e9;
}

/* Room for all lines, from a whole power of ten to another when it is a time. */
static void find_room(struct chart_frame *frame, const struct chart_line *lines, size_t count)
{
    double least = INFINITY, most = 0;

    for (size_t i = 0; i < count; i++) {
        frame->x_max = fmax(frame->x_max, chart_end_s(lines[i].series));
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
static void write_line(const struct chart_frame *frame, const struct chart_line *line)
{
    bool is_on = false;

    fprintf(frame->out, "<path class=\"line %s\" d=\"", line->css);
    for (size_t i = 0; i < line->series->count; i++) {
        const struct series_row *row = &line->series->rows[i];
        double value = line->measure(row);
        bool is_shown = value > 0 || !frame->is_log;
        if (is_shown)
            fprintf(frame->out, "%c%.1f %.1f", is_on ? 'L' : 'M', chart_x(frame, middle_s(row)),
                    chart_y(frame, value));
        if (is_shown && !is_on)
            fputs("h.1", frame->out);
        is_on = is_shown;
    }
    fputs("\"/>\n", frame->out);
}

static void write_outages(const struct chart_frame *frame, const struct outages *outages)
{
    for (size_t i = 0; i < outages->kept; i++) {
        const struct outage *at = &outages->list[i];
        double from = chart_x(frame, (double)at->last_good_ms / 1e3);
        double to = chart_x(frame, (double)(at->last_good_ms + at->gap_ms) / 1e3);
        fprintf(frame->out,
                "<rect class=\"outage\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"><title>outage of "
                "%" PRIu64 " ms</title></rect>\n",
                from, CHART_TOP, fmax(to - from, 1), CHART_HEIGHT - CHART_TOP - CHART_BOTTOM, at->gap_ms);
    }
}

/* A tip above the place: such a moment is far narrower than a line. */
static void write_worst(const struct chart_frame *frame, const struct disturbances_told *told)
{
    char modes[256];

    for (size_t i = 0; i < told->kept && i < CHART_WORST_MAX; i++) {
        const struct disturbance *at = &told->worst[i];
        double seconds = (double)at->at_ns / 1e9;
        fprintf(frame->out,
                "<path class=\"worst\" d=\"M%.1f %dl-4 -8h8z\"><title>%.2f s: %" PRIu64 " left (%s), %" PRIu64
                " requests lost</title></path>\n",
                chart_x(frame, seconds), CHART_TOP - 1, seconds, at->deaths,
                plan_format_modes(modes, sizeof(modes), at->modes), at->lost);
    }
}

static void write_mark(const struct chart_frame *frame, const struct series_row *row, const char *css, int y)
{
    double from = chart_x(frame, (double)row->begin_ns / 1e9);
    double to = chart_x(frame, (double)(row->begin_ns + row->length_ns) / 1e9);

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
static void write_strips(const struct chart_frame *frame, const struct series *series)
{
    for (size_t i = 0; i < series->count; i++) {
        const struct series_row *row = &series->rows[i];
        if (row->sums.kills > 0)
            write_mark(frame, row, "kills", CHART_HEIGHT - CHART_BOTTOM + 3);
        if (row->sums.lost + row->sums.found_bytes > 0)
            write_mark(frame, row, "bad", CHART_HEIGHT - CHART_BOTTOM + 11);
    }
}

static void write_marks(const struct chart_frame *frame, const struct chart_marks *marks,
                        const struct series *series)
{
    write_outages(frame, marks->outages);
    write_worst(frame, marks->disturbances);
    write_strips(frame, series);
}

static void write_keys(FILE *out, const struct chart_line *lines, size_t count,
                       const struct chart_marks *marks)
{
    fputs("<p class=\"legend\">", out);
    for (size_t i = 0; i < count; i++)
        chart_write_key(out, lines[i].css, lines[i].label);
    if (marks != NULL)
        fputs("<span class=\"key\"><i class=\"kills\"></i> clients left on purpose</span>\n"
              "<span class=\"key\"><i class=\"bad\"></i> clients lost or bytes wrong</span>\n",
              out);
    if (marks != NULL && marks->outages->kept > 0)
        fputs("<span class=\"key\"><i class=\"outage\"></i> outage</span>\n", out);
    if (marks != NULL && marks->disturbances->kept > 0)
        fputs("<span class=\"key\"><svg viewBox=\"0 0 24 8\"><path class=\"worst\" d=\"M12 8l-4 "
              "-8h8z\"/></svg> "
              "what cost most</span>\n",
              out);
    fputs("</p>\n", out);
}

void chart_timeline(FILE *out, const char *title, const struct chart_line *lines, size_t count, bool is_time,
                    const struct chart_marks *marks)
{
    struct chart_frame frame = {.out = out, .is_log = is_time};

    find_room(&frame, lines, count);
    chart_begin(&frame, title);
    if (marks != NULL)
        write_marks(&frame, marks, lines[0].series);
    chart_write_y_axis(&frame, is_time);
    chart_write_time_axis(&frame);
    for (size_t i = 0; i < count; i++)
        write_line(&frame, &lines[i]);
    chart_finish(&frame);
    write_keys(out, lines, count, marks);
}
