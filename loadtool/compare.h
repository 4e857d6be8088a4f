/*
 * `loadtool compare [--html FILE] A.json B.json`: is the second run worse than the first?
 *
 * Compared are the medians of what the runs had second by second; a difference counts when it is larger than
 * the larger of both spreads, the distance from the first to the third quartile of those seconds.
 */
#ifndef LOADTOOL_COMPARE_H
#define LOADTOOL_COMPARE_H

#include <stdio.h>

#include "loadtool/result.h"

enum compare_kind { COMPARE_SAME, COMPARE_BETTER, COMPARE_WORSE };

/* Fewer seconds have no spread that means anything. */
enum { COMPARE_MEASURES = 3, COMPARE_SECONDS_MIN = 3 };

struct compare_row {
    const char *name;
    struct series_spread a, b;
    double spread; /* that a difference must exceed */
    enum compare_kind kind;
};

struct comparison {
    struct compare_row rows[COMPARE_MEASURES];
    int code_a, code_b;     /* exit codes; from 0 to another one is worse */
    enum compare_kind kind; /* worse if anything is; better if something is and nothing worse */
};

/* -ERANGE: one of them has too few seconds. Pure. */
int compare_results(const struct result *a, const struct result *b, struct comparison *comparison);

/* A row in words; `measure` is its number. */
enum { COMPARE_CELL_BYTES = 40 };
void compare_format_row(const struct compare_row *row, size_t measure, char a[COMPARE_CELL_BYTES],
                        char b[COMPARE_CELL_BYTES], char spread[COMPARE_CELL_BYTES],
                        char change[COMPARE_CELL_BYTES]);

void compare_write(FILE *out, const struct comparison *comparison);

/* The subcommand: 0 not worse, 1 worse, 2 usage or a file that cannot be read. */
int compare_main(int argc, char **argv);

#endif
