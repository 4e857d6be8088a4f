/*
 * Several loops, each in a thread of its own with its share of the places, that go through a run together.
 *
 * One of them, number 0, leads: at every tick each posts what it sees, and when all are in the same phase the
 * leader decides from the sum whether the next one begins. Everybody enters it at a tick of his own, so
 * phases begin within a tick of each other. Beside what stands here the loops share nothing that changes but
 * the budget of messages, which is atomic. A team of one is the ordinary case, and goes the same way.
 */
#ifndef LOADTOOL_TEAM_H
#define LOADTOOL_TEAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loadtool/felt.h"
#include "loadtool/histogram.h"
#include "loadtool/seconds.h"

enum { TEAM_LOOPS_MAX = 64 };

/* What a loop sees at a tick; also the sum over all. */
struct team_report {
    int phase;                 /* that it is in */
    bool has_ramped;           /* in a sum: all have */
    bool is_alive, is_serving; /* in a sum: somebody is */
    bool is_pacing;            /* in a sum: all are */
    uint64_t control, answered, unanswered, connect_timeouts, gone, lacking, waiting; /* control clients */
    uint64_t victims, away, unexpected_ends, done;
    uint64_t opened, bytes_right, churning;
    uint64_t last_done_ns; /* in a sum: the latest */
    uint64_t seconds;      /* of the load that are over for it; in a sum: for all */
    struct seconds_sums sums;
};

/* What the leader says. */
struct team_orders {
    int phase;
    uint64_t begun_ns;     /* when the phase began */
    uint64_t done_count;   /* deaths of all loops by then, */
    uint64_t last_done_ns; /* and the last of them */
};

struct team {
    uint32_t count;
    pthread_mutex_t mutex; /* of what follows */
    struct team_orders orders;
    struct team_report reports[TEAM_LOOPS_MAX];
    struct histogram *second;  /* where the latencies of a second come together; NULL = nobody wants them */
    _Atomic uint32_t modes;    /* a bit each: kill modes done in the present second */
    _Atomic bool is_disturbed; /* a death has been done, somewhere */
    struct felt_marks marks;
};

void team_init(struct team *team, uint32_t count);
void team_free(struct team *team);

void team_post(struct team *team, uint32_t number, const struct team_report *report);

/* The sum of all reports; false while somebody has not entered the ordered phase. */
bool team_sum(struct team *team, struct team_report *sum);

void team_order(struct team *team, const struct team_orders *orders);
struct team_orders team_read_orders(struct team *team);

/* A second is over for this loop: its latencies join the others', and are forgotten here. */
void team_end_second(struct team *team, struct histogram *own);

#endif
