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

struct pacer {
    uv_poll_t poll;
    int fd; /* owned */
    bool is_open;
    uint64_t rate_per_s;
    uint64_t begin_ns;
    uint64_t told; /* arrivals told so far */
    void *owner;
    void (*arrival)(void *owner, uint64_t k);
};

/* Start: arrival 0 is due at begin_ns (uv_hrtime). `owner` and `arrival` are set by the caller before.
 * Negative errno. */
int pacer_start(struct pacer *pacer, uv_loop_t *loop, uint64_t rate_per_s, uint64_t begin_ns);

/* Stop and close; harmless when it is not open. The memory must stay till the loop has run once more. */
void pacer_stop(struct pacer *pacer);

#endif
