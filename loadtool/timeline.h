/*
 * What the control group got, 10 ms by 10 ms, while the load was on: from it follow the outages. Pure.
 *
 * An outage is a time in which nobody of the control group had a right reply: longer than LIMIT_OUTAGE_MS,
 * and than ten times the mean time between two replies, so that a slow load has none by chance. What a part
 * of the clients misses while others are answered is no outage: it shows as silence. Buckets are kept for the
 * first hour.
 */
#ifndef LOADTOOL_TIMELINE_H
#define LOADTOOL_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMELINE_BUCKET_NS UINT64_C(10000000)

enum { TIMELINE_BUCKETS = 360000, TIMELINE_OUTAGES_MAX = 8, TIMELINE_MODES_MAX = 32 };

struct timeline_bucket {
    uint32_t replies; /* right ones */
    uint32_t max_us;  /* the slowest of them */
    uint32_t modes;   /* a bit each: deaths that were done in it */
    uint32_t lost;    /* control clients that ended in it */
};

struct timeline {
    struct timeline_bucket *buckets; /* owned */
    uint64_t begin_ns;               /* 0 = the load is not on yet */
    uint64_t end_ns;                 /* 0 = it is on */
};

struct timeline_outage {
    uint64_t last_good_ms; /* after the load began: the last reply before, to 10 ms */
    uint64_t gap_ms;       /* from there to the first good reply after it, or to the end */
    bool is_over;          /* there was one */
    bool is_normal;        /* replies became as fast as before, */
    uint64_t normal_ms;    /* so long after the first good one */
    uint64_t lost;         /* control clients */
    uint32_t modes;        /* deaths within the 100 ms before it */
};

struct timeline_outages {
    uint64_t count;
    uint64_t longest_gap_ms; /* without a right reply of anybody, outage or not */
    uint32_t longest_modes;  /* deaths within the 100 ms before that gap */
    uint64_t
        gap_ms[TIMELINE_MODES_MAX]; /* likewise, the longest one with such a death of each mode before it */
    size_t kept;                    /* the longest ones, in order of time */
    struct timeline_outage list[TIMELINE_OUTAGES_MAX];
};

/* -ENOMEM. */
int timeline_init(struct timeline *timeline);
void timeline_free(struct timeline *timeline);

void timeline_begin(struct timeline *timeline, uint64_t now_ns);
void timeline_end(struct timeline *timeline, uint64_t now_ns);

/* Nothing before the beginning, after the end, or after the last bucket. */
void timeline_reply(struct timeline *timeline, uint64_t now_ns, uint64_t latency_ns);
void timeline_death(struct timeline *timeline, uint64_t now_ns, int mode);
void timeline_lost(struct timeline *timeline, uint64_t now_ns);

/* Add another loop's, which began at the same time. */
void timeline_add(struct timeline *into, const struct timeline *from);

/* `normal_ns`: the 99th percentile of the whole run. Replies are normal again from the first of five buckets
 * in a row that have any, and none slower than twice that. */
void timeline_find_outages(const struct timeline *timeline, uint64_t normal_ns,
                           struct timeline_outages *outages);

#endif
