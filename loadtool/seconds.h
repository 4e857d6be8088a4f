/*
 * The load cut into seconds: at the end of each, what happened in it goes to whoever keeps or writes it - the
 * series in memory, the lines of --csv, the intervals of --hdr.
 *
 * With `--csv-every` the load is cut finer, and all that is said here of a second goes for such a step.
 * The leader's loop alone calls. A second that nobody could look at in time holds what came in the next one too.
 */
#ifndef LOADTOOL_SECONDS_H
#define LOADTOOL_SECONDS_H

#include <stdint.h>
#include <stdio.h>

#include "loadtool/histogram.h"

/* Sums since the start of the run. */
struct seconds_sums {
    uint64_t sent, right, bytes_right, found_bytes, opened, ended, kills, lost, missed;
};

struct second {
    uint64_t number;                 /* from 1 */
    uint64_t begin_ns, length_ns;    /* after the load began; the last one may be shorter than a second */
    struct seconds_sums sums;        /* of this second alone */
    const struct histogram *latency; /* likewise, of the control group */
    uint32_t modes;                  /* a bit each: kill modes done in it */
};

struct series;
struct hdr_log;

struct seconds {
    /* Set by the caller before the run, not owned; NULL = nobody wants it. */
    FILE *csv;
    struct hdr_log *hdr;
    struct series *series;
    uint64_t step_ns; /* steps of this length instead of seconds (`--csv-every`); 0 = seconds */

    uint64_t begin_ns; /* 0 = the load is not on yet */
    uint64_t count;    /* that are over */
    struct seconds_sums before;
    struct histogram latency; /* of the present second */
    uint32_t modes;           /* likewise */
};

void seconds_add_sums(struct seconds_sums *into, const struct seconds_sums *from);

/* The load begins: nothing before it counts. */
void seconds_begin(struct seconds *seconds, const struct seconds_sums *sums, uint64_t now_ns);

/* Hand the second on if it is over. Several at once when nobody called for so long: what was counted stands
 * in the first. */
void seconds_step(struct seconds *seconds, const struct seconds_sums *sums, uint64_t now_ns);

/* The load is over: hand the begun second on, if anything happened in it (not to --csv, whose lines are whole seconds). */
void seconds_end(struct seconds *seconds, const struct seconds_sums *sums, uint64_t now_ns);

#endif
