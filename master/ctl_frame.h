/*
 * ctl_frame: one frame of `top`: the server's status as lines that fit a terminal. Pure.
 *
 * Rates are those between two statuses, by the server's own clock. No line is longer than `width`, there are
 * at most `height` lines, and what does not fit is said to be missing. From CTL_FRAME_WIDE columns on there
 * are more columns.
 */
#ifndef MASTER_CTL_FRAME_H
#define MASTER_CTL_FRAME_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum {
    CTL_FRAME_WIDTH_MIN = 40,
    CTL_FRAME_WIDE = 145,
    CTL_FRAME_LINE_SIZE = 512, /* wider terminals are not filled */
};

struct ctl_frame {
    unsigned width, height; /* height 0: as many lines as there are */
    bool colors;
    const json_t *now, *before; /* before NULL: no rates yet */
    const char *trouble;        /* NULL: none; else said in place of the operations */
    const char *hint;           /* last line; NULL: none */
};

/* `end_of_line` stands behind each line but the last one of a full screen: "\n", or what makes a terminal
 * forget what was in the next line before. (Clearing behind a line's own text would cost one that fills the
 * width its last character.) */
void ctl_frame_print(FILE *out, const struct ctl_frame *frame, const char *end_of_line);

#endif
