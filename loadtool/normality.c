#include "loadtool/normality.h"

#include <string.h>

/* A window is no longer than that, whatever the limit; the ring holds it, and a bucket more. */
enum { REPLIES_ENOUGH = 100, BUCKETS_LEAST = 5, BUCKETS_PATIENCE = 100, BUCKETS_MOST = 1000 };

_Static_assert(BUCKETS_MOST + 2 <= NORMALITY_BUCKETS, "the ring holds a window");

void normality_begin(struct normality *normality, uint64_t first)
{
    memset(normality, 0, sizeof(*normality));
    normality->begin = normality->end = first;
}

void normality_take(struct normality *normality, const struct bucket *bucket)
{
    normality->buckets[normality->end++ % NORMALITY_BUCKETS] = *bucket;
    normality->sum.replies += bucket->replies;
    normality->sum.slow += bucket->slow;
    normality->sum.unjudged += bucket->unjudged;
    normality->sum.overdue += bucket->overdue;
}

/* Can it be told by now? */
static bool is_enough(const struct normality *normality, uint64_t limit_ns)
{
    uint64_t length = normality->end - normality->begin;
    uint64_t need = limit_ns / BUCKET_NS + 2;

    need = need < BUCKETS_LEAST ? BUCKETS_LEAST : need > BUCKETS_MOST ? BUCKETS_MOST : need;
    return length >= need && (normality->sum.replies >= REPLIES_ENOUGH || length >= BUCKETS_PATIENCE);
}

static enum judgement judge(const struct normality *normality)
{
    uint64_t all = normality->sum.replies + normality->sum.overdue;
    uint64_t bad = normality->sum.slow + normality->sum.overdue;

    if (all == 0 || normality->sum.unjudged > 0)
        return JUDGED_UNTOLD;
    return bad * 100 <= all ? JUDGED_NORMAL : JUDGED_SLOW;
}

bool normality_judge(struct normality *normality, uint64_t limit_ns, uint64_t *number,
                     enum judgement *judgement)
{
    const struct bucket *first = &normality->buckets[normality->begin % NORMALITY_BUCKETS];

    if (!is_enough(normality, limit_ns))
        return false;
    *number = normality->begin++;
    *judgement = judge(normality);
    normality->sum.replies -= first->replies;
    normality->sum.slow -= first->slow;
    normality->sum.unjudged -= first->unjudged;
    normality->sum.overdue -= first->overdue;
    return true;
}
