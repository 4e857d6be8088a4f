/*
 * Every death of a victim, and what the control group missed at it. Pure.
 *
 * A disturbance is all deaths that fall into one bucket of 10 ms. The server may come to a death a moment
 * later than it was done, so the silence of a disturbance is the longest one that it fell into or that began
 * within 100 ms after it: a time between two right replies, of whomever, that were not in one bucket. Its
 * ends are the last good reply and the first good one. A request of the control group that got no reply is
 * lost to the first disturbance that came while it was outstanding, else to the last one within 100 ms before
 * it was sent. When the 99th percentile is normal again, normality.h tells.
 *
 * Memory is bounded: what is far in the past is counted and kept only if it is among the worst. Worse is who
 * lost more requests, and then who took longer.
 */
#ifndef LOADTOOL_DISTURBANCES_H
#define LOADTOOL_DISTURBANCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadtool/bucket.h"
#include "loadtool/histogram.h"
#include "loadtool/normality.h"

/* 41 s at least, since there is one in each bucket at most: longer than replies are waited for. */
enum { DISTURBANCES_RECENT = 4096, DISTURBANCES_KEPT = 32, DISTURBANCES_AFTER_BUCKETS = 10 };

/* Times are those of one clock; in what disturbances_tell gives, they count from the beginning of the load. */
struct disturbance {
    uint64_t at_ns; /* of the first death */
    uint64_t deaths;
    uint32_t modes; /* a bit each */
    bool has_silence;
    bool is_over; /* somebody was answered again */
    uint64_t last_good_ns, first_good_ns;
    uint64_t lost;       /* requests */
    bool is_judged;      /* it is known whether replies were normal again, */
    bool is_normal;      /* and they were, */
    uint64_t normal_ns;  /* so long after it */
    uint64_t watched_ns; /* so long after it the load went on */
};

struct disturbances_times {
    uint64_t count, p50_ns, p90_ns, p99_ns, max_ns;
    double sum_ns;
};

/* For a report. */
struct disturbances_told {
    uint64_t count, deaths;
    uint64_t lost, lost_apart;   /* requests: at disturbances, and when none was near */
    uint64_t not_normal, untold; /* disturbances: not normal again, and too late or too early to tell */
    struct disturbances_times silences; /* that were over */
    struct disturbances_times normals;  /* times until normal */
    size_t kept;
    struct disturbance worst[DISTURBANCES_KEPT]; /* the worst first */
};

struct disturbances {
    struct disturbance *recent; /* owned: a ring */
    uint64_t count;             /* all of them, of which */
    uint64_t folded;            /* so many are no longer in the ring, */
    uint64_t normal;            /* and so many are judged for good */
    uint64_t slow_bucket;       /* the latest one that was judged slow, */
    bool has_slow;              /* if any was */
    uint64_t last_good_ns;
    struct histogram silences, normals;
    struct disturbances_told told;
};

/* -ENOMEM. */
int disturbances_init(struct disturbances *all);
void disturbances_free(struct disturbances *all);

/* The load is on: until somebody is answered, its beginning counts as the last good reply. */
void disturbances_begin(struct disturbances *all, uint64_t now_ns);

/* So many victims died; a request that was sent then has been lost. In whatever order, at any time. */
void disturbances_note(struct disturbances *all, uint64_t now_ns, int mode, uint64_t deaths);
void disturbances_lose(struct disturbances *all, uint64_t sent_ns, uint64_t now_ns);

/* The next bucket; a bucket has been judged. */
void disturbances_take(struct disturbances *all, uint64_t number, const struct bucket *bucket);
void disturbances_judge(struct disturbances *all, uint64_t number, enum judgement judgement);

/* The load, which had begun then, has ended: tell of all. */
void disturbances_tell(struct disturbances *all, uint64_t begin_ns, uint64_t end_ns,
                       struct disturbances_told *told);

#endif
