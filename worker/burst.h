/*
 * burst: at most so many lines a window for equal events; the rest are counted, and the count is told.
 *
 * Pure: times go in as arguments (any steady clock, milliseconds), nothing is called. A window opens with the
 * first line that is let through and lasts window_ms; a caller that flushes on its tick tells the last of a
 * burst too.
 */
#ifndef WORKER_BURST_H
#define WORKER_BURST_H

#include <stdbool.h>
#include <stdint.h>

struct burst {
    unsigned line_count_max; /* a window */
    int64_t window_ms;
    int64_t window_end_ms;
    unsigned line_count; /* in this window */
    uint64_t suppressed; /* swallowed and not told yet */
};

/* No window is open; the first event may be written whatever the time. */
void burst_init(struct burst *burst, unsigned line_count_max, int64_t window_ms);

/* One event happens. True: write its line, and *suppressed events were swallowed since the last line. False:
 * it is swallowed and counted, *suppressed stays as it was. */
bool burst_allow(struct burst *burst, int64_t now_ms, uint64_t *suppressed);

/* True when a window has ended with *suppressed swallowed events that nobody told: write one line for them
 * (it counts as the first line of the next window). False: nothing to say. */
bool burst_flush(struct burst *burst, int64_t now_ms, uint64_t *suppressed);

#endif
