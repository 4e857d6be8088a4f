/*
 * `--hdr FILE`: HdrHistogram's log (version 1.3), a line for each second with its whole histogram in
 * nanoseconds. Written while the run goes on, so that a run of any length costs no memory; all its lines
 * together hold exactly what the report's percentiles are made of.
 */
#ifndef LOADTOOL_HDR_LOG_H
#define LOADTOOL_HDR_LOG_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "loadtool/histogram.h"
#include "loadtool/seconds.h"

struct hdr_log {
    FILE *out;                /* not owned */
    struct histogram written; /* what the lines hold together */
    bool has_begun;
    int rc; /* the first error */
};

/* The header: times count from now on. */
void hdr_log_begin(struct hdr_log *log);

/* A line, if the second has any latency. */
void hdr_log_add(struct hdr_log *log, const struct second *second);

/* A last line at time 0 with what was measured outside of the seconds: the first replies of the control clients,
 * before the load began. A run without a load has the header alone. 0, or the first error: -ENOMEM, -EIO. */
int hdr_log_end(struct hdr_log *log, const struct histogram *all);

#endif
