/*
 * The clock of an open loop: says when arrivals are due.
 *
 * libuv's own timers have a grain of a millisecond, too coarse for pacing; this is a timerfd that the loop
 * watches. A late wake-up loses nothing: every arrival that became due is told, a bounded number a turn.
 */
#ifndef LOADTOOL_PACER_H
#define LOADTOOL_PACER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "loadtool/histogram.h"
#include "loadtool/schedule.h"

struct pacer {
    uv_poll_t poll;
    int fd; /* owned */
    bool is_open;
    struct arrivals arrivals; /* the next one to tell */
    uint64_t begin_ns;
    struct histogram *lag; /* how long after it was due each one was told; NULL = not wanted */
    void *owner;
    void (*arrival)(void *owner, uint64_t k, uint64_t due_ns);
};

/* Start: times count from begin_ns (uv_hrtime). `arrivals`, `lag`, `owner` and `arrival` are set by the
 * caller before. Negative errno. */
int pacer_start(struct pacer *pacer, uv_loop_t *loop, uint64_t begin_ns);

/* Stop and close; harmless when it is not open. The memory must stay till the loop has run once more. */
void pacer_stop(struct pacer *pacer);

#endif
