#include "loadtool/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loadtool/limits.h"

enum { BUCKET_MS = 10, BEFORE_BUCKETS = 10, NORMAL_BUCKETS = 5 };

int timeline_init(struct timeline *timeline)
{
    *timeline = (struct timeline){.buckets = calloc(TIMELINE_BUCKETS, sizeof(*timeline->buckets))};
    return timeline->buckets == NULL ? -ENOMEM : 0;
}

void timeline_free(struct timeline *timeline)
{
    free(timeline->buckets);
    timeline->buckets = NULL;
}

void timeline_begin(struct timeline *timeline, uint64_t now_ns)
{
    timeline->begin_ns = now_ns;
}

void timeline_end(struct timeline *timeline, uint64_t now_ns)
{
    if (timeline->begin_ns != 0 && timeline->end_ns == 0)
        timeline->end_ns = now_ns;
}

static struct timeline_bucket *bucket_at(struct timeline *timeline, uint64_t now_ns)
{
    if (timeline->begin_ns == 0 || timeline->end_ns != 0 || now_ns < timeline->begin_ns)
        return NULL;
    uint64_t at = (now_ns - timeline->begin_ns) / TIMELINE_BUCKET_NS;
    return at < TIMELINE_BUCKETS ? &timeline->buckets[at] : NULL;
}

void timeline_reply(struct timeline *timeline, uint64_t now_ns, uint64_t latency_ns)
{
    struct timeline_bucket *bucket = bucket_at(timeline, now_ns);
    uint64_t us = latency_ns / 1000;

    if (bucket == NULL)
        return;
    bucket->replies++;
    if (us > bucket->max_us)
        bucket->max_us = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

void timeline_death(struct timeline *timeline, uint64_t now_ns, int mode)
{
    struct timeline_bucket *bucket = bucket_at(timeline, now_ns);

    if (bucket != NULL)
        bucket->modes |= UINT32_C(1) << mode;
}

void timeline_lost(struct timeline *timeline, uint64_t now_ns)
{
    struct timeline_bucket *bucket = bucket_at(timeline, now_ns);

    if (bucket != NULL)
        bucket->lost++;
}

void timeline_add(struct timeline *into, const struct timeline *from)
{
    for (size_t i = 0; i < TIMELINE_BUCKETS; i++) {
        struct timeline_bucket *to = &into->buckets[i];
        const struct timeline_bucket *add = &from->buckets[i];
        to->replies += add->replies;
        to->max_us = add->max_us > to->max_us ? add->max_us : to->max_us;
        to->modes |= add->modes;
        to->lost += add->lost;
    }
}

/* -- outages -- */

static size_t length_of(const struct timeline *timeline)
{
    if (timeline->begin_ns == 0 || timeline->end_ns <= timeline->begin_ns)
        return 0;
    uint64_t length =
        (timeline->end_ns - timeline->begin_ns) / TIMELINE_BUCKET_NS; /* the last, begun one is left out */
    return length < TIMELINE_BUCKETS ? (size_t)length : TIMELINE_BUCKETS;
}

/* How long nobody may be answered before it is called an outage, in buckets. */
static size_t patience(const struct timeline *timeline, size_t length)
{
    uint64_t replies = 0;
    size_t least = LIMIT_OUTAGE_MS / BUCKET_MS;

    for (size_t i = 0; i < length; i++)
        replies += timeline->buckets[i].replies;
    size_t slow = replies == 0 ? least : (size_t)(10 * length / replies);
    return slow > least ? slow : least;
}

static uint32_t modes_before(const struct timeline *timeline, size_t at)
{
    uint32_t modes = 0;

    for (size_t i = at > BEFORE_BUCKETS ? at - BEFORE_BUCKETS : 0; i <= at; i++)
        modes |= timeline->buckets[i].modes;
    return modes;
}

static void find_normal(const struct timeline *timeline, size_t from, size_t length, uint64_t limit_us,
                        struct timeline_outage *outage)
{
    unsigned good = 0;
    size_t first = from;

    for (size_t i = from; i < length; i++) {
        const struct timeline_bucket *bucket = &timeline->buckets[i];
        if (bucket->replies == 0)
            continue;
        good = bucket->max_us <= limit_us ? good + 1 : 0;
        if (good == 1)
            first = i;
        if (good < NORMAL_BUCKETS)
            continue;
        outage->is_normal = true;
        outage->normal_ms = (first - from) * BUCKET_MS;
        return;
    }
}

/* Keep the longest ones, in order of time. */
static void keep(struct timeline_outages *outages, const struct timeline_outage *outage)
{
    size_t shortest = 0;

    outages->count++;
    if (outages->kept == TIMELINE_OUTAGES_MAX) {
        for (size_t i = 1; i < outages->kept; i++)
            if (outages->list[i].gap_ms < outages->list[shortest].gap_ms)
                shortest = i;
        if (outages->list[shortest].gap_ms >= outage->gap_ms)
            return;
        memmove(&outages->list[shortest], &outages->list[shortest + 1],
                (outages->kept - shortest - 1) * sizeof(*outage));
        outages->kept--;
    }
    outages->list[outages->kept++] = *outage;
}

/* Nobody was answered in the buckets from .. to - 1. */
static void take_gap(const struct timeline *timeline, size_t from, size_t to, size_t length,
                     uint64_t limit_us, size_t least, struct timeline_outages *outages)
{
    struct timeline_outage outage = {.last_good_ms = from * BUCKET_MS,
                                     .gap_ms = (to - from) * BUCKET_MS,
                                     .is_over = to < length,
                                     .modes = modes_before(timeline, from)};

    if (outage.gap_ms > outages->longest_gap_ms) {
        outages->longest_gap_ms = outage.gap_ms;
        outages->longest_modes = outage.modes;
    }
    for (uint32_t left = outage.modes; left != 0; left &= left - 1) {
        uint64_t *longest_ms = &outages->gap_ms[__builtin_ctz(left)];
        *longest_ms = outage.gap_ms > *longest_ms ? outage.gap_ms : *longest_ms;
    }
    if (to - from < least)
        return;
    for (size_t i = from > 0 ? from - 1 : 0; i < to; i++)
        outage.lost += timeline->buckets[i].lost;
    if (outage.is_over)
        find_normal(timeline, to, length, limit_us, &outage);
    keep(outages, &outage);
}

void timeline_find_outages(const struct timeline *timeline, uint64_t normal_ns,
                           struct timeline_outages *outages)
{
    size_t length = length_of(timeline);
    size_t least = patience(timeline, length);
    uint64_t limit_us = 2 * normal_ns / 1000;

    memset(outages, 0, sizeof(*outages));
    for (size_t i = 0; i < length;) {
        size_t from = i;
        while (i < length && timeline->buckets[i].replies == 0)
            i++;
        if (i > from)
            take_gap(timeline, from, i, length, limit_us, least, outages);
        else
            i++;
    }
}
