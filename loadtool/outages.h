/*
 * Times in which nobody of the control group had a right reply. Pure: buckets of 10 ms go in, in order.
 *
 * Such a time is an outage when it is longer than LIMIT_OUTAGE_MS, and than ten times the mean time between
 * two replies so far, so that a slow load has none by chance. What a part of the clients misses while others
 * are answered is no outage: it shows as silence. The longest ones are kept, all are counted.
 */
#ifndef LOADTOOL_OUTAGES_H
#define LOADTOOL_OUTAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loadtool/bucket.h"
#include "loadtool/normality.h"

enum { OUTAGES_MAX = 8, OUTAGES_MODES_MAX = 32, OUTAGES_BEFORE_BUCKETS = 10 };

struct outage {
    uint64_t last_good_ms; /* after the load began: the last reply before, to 10 ms */
    uint64_t gap_ms;       /* from there to the first good reply after it, or to the end */
    bool is_over;          /* there was one */
    bool is_normal;        /* replies became normal again, */
    uint64_t normal_ms;    /* so long after the first good one */
    uint64_t lost;         /* control clients */
    uint32_t modes;        /* deaths within the 100 ms before it */
};

struct outages {
    uint64_t count;
    uint64_t longest_gap_ms;            /* without a right reply of anybody, outage or not */
    uint32_t longest_modes;             /* deaths within the 100 ms before that gap */
    uint64_t gap_ms[OUTAGES_MODES_MAX]; /* likewise, the longest with such a death of each mode before it */
    size_t kept;                        /* the longest ones, in order of time */
    struct outage list[OUTAGES_MAX];
};

/* What is found so far, and what is needed to find more. */
struct outages_search {
    struct outages found;
    uint64_t length;                            /* buckets so far */
    uint64_t replies;                           /* in them */
    uint32_t modes[OUTAGES_BEFORE_BUCKETS + 1]; /* of the latest buckets, a ring */
    uint32_t lost_before;                       /* in the latest bucket */
    bool is_gap;                                /* nobody is answered, */
    uint64_t from;                              /* from this bucket on */
    struct outage gap;
};

/* The next bucket. */
void outages_take(struct outages_search *search, const struct bucket *bucket);

/* The bucket with that number, from the beginning on, has been judged. */
void outages_judge(struct outages_search *search, uint64_t number, enum judgement judgement);

/* There are no more. */
void outages_finish(struct outages_search *search);

#endif
