/* What a run found: plain numbers, filled by the engine, judged by verdict.c, written by the reports. */
#ifndef LOADTOOL_OUTCOME_H
#define LOADTOOL_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtool/disturbances.h"
#include "loadtool/felt.h"
#include "loadtool/health.h"
#include "loadtool/histogram.h"
#include "loadtool/outages.h"
#include "loadtool/plan.h"
#include "loadtool/selfcheck.h"
#include "loadtool/series.h"
#include "loadtool/tally.h"

/* The control group: every count is a number of clients. */
struct outcome_control {
    uint64_t clients;
    uint64_t lost;    /* connections that ended: reset + closed */
    uint64_t refused; /* could not connect: never had a connection */
    uint64_t untried; /* never connected, since the run was given up or interrupted before */
    uint64_t reset;
    uint64_t closed;
    uint64_t unanswered; /* waited longer than the time-out, once or more */
    uint64_t silent_before, silent_between,
        silent_after; /* had no right reply then, though still connected */
};

struct outcome {
    struct tally tally;
    struct histogram latency;      /* of the control group: from due to answered, */
    struct histogram latency_sent; /* and from sent */
    struct histogram connects;     /* from connect to connected, of all clients of this process */
    struct histogram lag;          /* how long after it was due an arrival was told */
    struct {
        uint64_t due, sent, missed, late; /* late: due and not sent when the load ended */
        uint64_t in_children;             /* beside these: the business of child processes */
    } arrivals;
    struct {
        uint64_t due, done, failed, missed;
    } churn;
    uint64_t main_ns; /* how long MAIN lasted */
    struct outcome_control control;
    uint64_t victims; /* places */
    uint64_t unexpected_ends;
    uint64_t done[PLAN_MODE_COUNT];
    uint64_t not_done[PLAN_MODE_COUNT];
    uint64_t forestalled[PLAN_MODE_COUNT];      /* of those: the server had ended the connection before */
    uint64_t took[PLAN_MODE_COUNT][TOOK_COUNT]; /* of those done */
    struct felt_result felt[PLAN_MODE_COUNT];   /* by the control group */
    struct felt_result calm;                    /* when no mode was at work; p99 0 = too few replies */
    uint64_t shared_replies;                    /* that counted for several modes */
    uint64_t done_count;
    struct {
        bool is_checked;
        bool is_ok;
        uint64_t ns; /* from the last disturbance to a new client's right reply */
    } recovery;
    struct {
        uint64_t p50_ns, p99_ns, max_ns;
    } silence;
    double messages_per_s;
    double bytes_per_s; /* of replies */
    struct selfcheck self;
    struct outages outages;
    struct disturbances_told disturbances;
    uint64_t normal_limit_ns; /* a p99 up to that was called normal in the end; 0 = never known */
    struct series series;     /* owned by whoever gives the outcome to the engine */
    struct health health;
    uint64_t elapsed_ns;
    uint64_t begun_unix_ms; /* when MAIN began, by the wall clock; 0 = it did not */
    bool was_interrupted;
};

#endif
