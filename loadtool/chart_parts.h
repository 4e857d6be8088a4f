/* What the files of chart.h share: the frame that every chart is drawn in (chart_frame.c). */
#ifndef LOADTOOL_CHART_PARTS_H
#define LOADTOOL_CHART_PARTS_H

#include "loadtool/chart.h"

/* In the units of the drawing, which is as wide as the page. */
enum {
    CHART_WIDTH = 680,
    CHART_HEIGHT = 220,
    CHART_LEFT = 80,
    CHART_RIGHT = 14,
    CHART_TOP = 12,
    CHART_BOTTOM = 44
};

struct chart_frame {
    FILE *out;
    double x_max;        /* from 0 */
    double y_min, y_max; /* logarithms, when is_log */
    bool is_log;
};

/* Where a value lies in the drawing; what is beyond the room of y lies on its edge. */
double chart_x(const struct chart_frame *frame, double x);
double chart_y(const struct chart_frame *frame, double y);

void chart_begin(const struct chart_frame *frame, const char *title);
void chart_finish(const struct chart_frame *frame);

/* A word below the place that it names, or beside it where the drawing ends. */
void chart_write_tick(const struct chart_frame *frame, double x, double y, const char *words);

void chart_write_text(const struct chart_frame *frame, double x, double y, const char *anchor,
                      const char *words);
void chart_write_y_axis(const struct chart_frame *frame, bool is_time);

/* Seconds, from 0 to x_max. */
void chart_write_time_axis(const struct chart_frame *frame);

/* Which line is which, below the drawing. */
void chart_write_key(FILE *out, const char *css, const char *label);

/* When the last row ends, in seconds. */
double chart_end_s(const struct series *series);

#endif
