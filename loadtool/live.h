/*
 * What is seen of a run while it lasts: a few lines that redraw themselves on a terminal, or one line a second
 * elsewhere. Pure: what it shows is given, and where it goes is the caller's (progress.h).
 */
#ifndef LOADTOOL_LIVE_H
#define LOADTOOL_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "loadtool/seconds.h"
#include "loadtool/series.h"

struct live_view {
    const char *phase;            /* "loading", ... */
    double elapsed_s, duration_s; /* 0 = ends by messages */
    uint64_t control, lost;       /* clients of the control group */
    uint64_t connections;         /* open now, of all clients */
    struct seconds_sums sums;     /* since the start */
    uint64_t errors;              /* clients that were refused or went unanswered, and unexpected ends */
    const struct series *series;  /* NULL = none yet */
    uint32_t modes;               /* done in this second */
};

struct live_style {
    int columns;
    bool has_colour; /* not with NO_COLOR, nor on a dumb terminal */
    bool has_blocks; /* the terminal shows UTF-8 */
};

/* What the environment says of the terminal. */
struct live_style live_style_of(int columns);

enum { LIVE_COLUMNS_MIN = 60, LIVE_LINES_MAX = 8 };

/* The view for a terminal of LIVE_COLUMNS_MIN columns or more, no line longer than that. Returns its lines. */
int live_write_view(FILE *out, const struct live_view *view, const struct live_style *style);

/* The line for a pipe, with its end. */
void live_write_line(FILE *out, const struct live_view *view);

#endif
