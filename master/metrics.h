/*
 * metrics: what the service looks like from outside, as Prometheus' text and as two answers, ready and healthy.
 *
 * Reads the shared pages and writes nothing, so that no other process does anything for it. Source of the format:
 * Prometheus' "Text-based format", version 0.0.4. Names, units and sentences of the counters are those of
 * worker/counters.def. For whoever has the pages mapped, if only to be read: the process of metrics_server.h.
 *
 * What the supervisor remembers may change while it is read: one value may then be a moment newer than another.
 */
#ifndef MASTER_METRICS_H
#define MASTER_METRICS_H

#include "master/reactor_state.h"

#include <stdio.h>

enum {
    METRICS_TICK_MS_MAX = 3000
}; /* a supervisor that ticks less often is about to be replaced (master.c) */

struct metrics_view {
    struct shared_pages *pages;        /* read only */
    const struct service_setup *setup; /* of the start; its own `pages` are not used */
    int64_t now_ns;                    /* of CLOCK_MONOTONIC */
    bool has_memory;                   /* a supervisor has begun: the rest means something */
    struct supervisor_memory memory;   /* what it remembers; numbers that index are within bounds */
};

/* Looks at the pages now. */
void metrics_look(struct metrics_view *view, struct shared_pages *pages, const struct service_setup *setup,
                  int64_t now_ns);

/* NULL: at least one worker serves and new connections are taken; else why not, in a few words. */
const char *metrics_why_not_ready(struct metrics_view *view);

/* NULL: the supervisor goes round its loop; else why not. */
const char *metrics_why_not_healthy(const struct metrics_view *view);

/* All of it. Errors are those of the stream. */
void metrics_write(FILE *out, struct metrics_view *view);

#endif
