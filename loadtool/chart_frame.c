/* The frame of a chart: where values lie, axes, keys. */
#include <math.h>
#include <string.h>

#include "loadtool/chart_parts.h"
#include "loadtool/markup.h"
#include "loadtool/units.h"

double chart_x(const struct chart_frame *frame, double x)
{
    return CHART_LEFT + (frame->x_max > 0 ? x / frame->x_max : 0) * (CHART_WIDTH - CHART_LEFT - CHART_RIGHT);
}

double chart_y(const struct chart_frame *frame, double y)
{
    double value = frame->is_log ? log10(y < 1 ? 1 : y) : y;
    double span = frame->y_max - frame->y_min;
    double share = span > 0 ? (value - frame->y_min) / span : 0;

    return CHART_HEIGHT - CHART_BOTTOM - fmin(fmax(share, 0), 1) * (CHART_HEIGHT - CHART_TOP - CHART_BOTTOM);
}

void chart_begin(const struct chart_frame *frame, const char *title)
{
    fprintf(frame->out,
            "<figure><figcaption>%s</figcaption><div class=\"wide\"><svg viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-label=\"%s\">\n",
            title, CHART_WIDTH, CHART_HEIGHT, title);
}

void chart_finish(const struct chart_frame *frame)
{
    fputs("</svg></div></figure>\n", frame->out);
}

void chart_write_text(const struct chart_frame *frame, double x, double y, const char *anchor,
                      const char *words)
{
    fprintf(frame->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    markup_write_xml(frame->out, words);
    fputs("</text>\n", frame->out);
}

void chart_write_tick(const struct chart_frame *frame, double x, double y, const char *words)
{
    double half = 5 * (double)strlen(words); /* the widest that a window makes the letters */

    if (x + half > CHART_WIDTH)
        chart_write_text(frame, CHART_WIDTH, y, "end", words);
    else
        chart_write_text(frame, x, y, "middle", words);
}

/* In few letters: a grid has round numbers. */
static const char *format_value(char *out, size_t size, double value, bool is_time)
{
    static const struct {
        double ns;
        const char *name;
    } units[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
    struct text count;
    size_t i = 0;

    if (is_time) {
        while (value < units[i].ns && i + 1 < sizeof(units) / sizeof(units[0]))
            i++;
        snprintf(out, size, "%g %s", value / units[i].ns, units[i].name);
    } else if (value >= 1e6) {
        snprintf(out, size, "%g M", value / 1e6);
    } else {
        snprintf(out, size, "%s", units_format_count(&count, (uint64_t)(value + 0.5)));
    }
    return out;
}

static void write_grid_line(const struct chart_frame *frame, double value, bool is_time)
{
    double y = chart_y(frame, value);
    char words[32];

    fprintf(frame->out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", CHART_LEFT, y, CHART_WIDTH - CHART_RIGHT);
    chart_write_text(frame, CHART_LEFT - 6, y + 4, "end", format_value(words, sizeof(words), value, is_time));
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

void chart_write_y_axis(const struct chart_frame *frame, bool is_time)
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

void chart_write_time_axis(const struct chart_frame *frame)
{
    double step = nice_step(frame->x_max, 8);
    char words[32];

    for (int i = 0; i * step <= frame->x_max * 1.001 && i < 40; i++) {
        snprintf(words, sizeof(words), "%g s", i * step);
        chart_write_tick(frame, chart_x(frame, i * step), CHART_HEIGHT - CHART_BOTTOM + 30, words);
    }
}

void chart_write_key(FILE *out, const char *css, const char *label)
{
    fprintf(out,
            "<span class=\"key\"><svg viewBox=\"0 0 24 8\"><path class=\"line %s\" d=\"M1 4H23\"/></svg> ",
            css);
    markup_write_xml(out, label);
    fputs("</span>\n", out);
}

double chart_end_s(const struct series *series)
{
    const struct series_row *last = series->count == 0 ? NULL : &series->rows[series->count - 1];

    return last == NULL ? 0 : (double)(last->begin_ns + last->length_ns) / 1e9;
}
