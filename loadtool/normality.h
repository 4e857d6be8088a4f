/*
 * From when on are replies as fast as in undisturbed time? Pure: buckets of 10 ms go in, and a judgement of
 * each comes out, in order and a little later.
 *
 * Replies are normal from a bucket on when, from there on, at most one in a hundred was slow: when the 99th
 * percentile is no higher than the limit by which slowness is told. That needs a hundred replies, 50 ms, and
 * as long as the limit itself, since what is slow shows no sooner; after a second it is judged by what there
 * is. A request that waits for longer than the limit counts as a slow reply in every bucket in which it
 * waits, so that a stall shows before it is over.
 */
#ifndef LOADTOOL_NORMALITY_H
#define LOADTOOL_NORMALITY_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtool/bucket.h"

enum { NORMALITY_BUCKETS = 1024 };

/* UNTOLD: nobody asked for anything, or it was not known yet what is normal. */
enum judgement { JUDGED_UNTOLD, JUDGED_SLOW, JUDGED_NORMAL };

struct normality {
    uint64_t begin, end; /* buckets that are looked at: the first one is judged next */
    struct {
        uint64_t replies, slow, unjudged, overdue;
    } sum;                                    /* over them */
    struct bucket buckets[NORMALITY_BUCKETS]; /* a ring */
};

/* The first bucket has that number. */
void normality_begin(struct normality *normality, uint64_t first);

/* The next bucket. The caller takes all judgements that there are before the next but one. */
void normality_take(struct normality *normality, const struct bucket *bucket);

/* Judge the oldest bucket that has not been judged; false when more must be known before. */
bool normality_judge(struct normality *normality, uint64_t limit_ns, uint64_t *number,
                     enum judgement *judgement);

#endif
