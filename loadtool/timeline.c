#include "loadtool/timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int timeline_init(struct timeline *timeline, uint32_t loops)
{
    memset(timeline, 0, sizeof(*timeline));
    pthread_mutex_init(&timeline->mutex, NULL);
    timeline->loops = loops;
    timeline->buckets = calloc(TIMELINE_BUCKETS, sizeof(*timeline->buckets));
    int rc = disturbances_init(&timeline->disturbances);
    return timeline->buckets == NULL ? -ENOMEM : rc;
}

void timeline_free(struct timeline *timeline)
{
    free(timeline->buckets);
    timeline->buckets = NULL;
    disturbances_free(&timeline->disturbances);
    pthread_mutex_destroy(&timeline->mutex);
}

void timeline_begin(struct timeline *timeline, uint64_t begin_ns)
{
    pthread_mutex_lock(&timeline->mutex);
    if (timeline->begin_ns == 0) {
        timeline->begin_ns = begin_ns;
        timeline->next = bucket_of(begin_ns);
        normality_begin(&timeline->normality, timeline->next);
        disturbances_begin(&timeline->disturbances, begin_ns);
    }
    pthread_mutex_unlock(&timeline->mutex);
}

void timeline_set_calm(struct timeline *timeline, uint64_t p99_ns)
{
    atomic_store(&timeline->limit_ns, p99_ns + p99_ns / 2);
}

/* -- buckets -- */

static struct bucket *numbered(struct timeline *timeline, uint64_t number)
{
    return &timeline->buckets[number % TIMELINE_BUCKETS];
}

static void hand_on(struct timeline *timeline)
{
    struct bucket *bucket = numbered(timeline, timeline->next);
    uint64_t first = bucket_of(timeline->begin_ns);
    enum judgement judgement = JUDGED_UNTOLD;
    uint64_t number = 0;

    outages_take(&timeline->outages, bucket);
    disturbances_take(&timeline->disturbances, timeline->next, bucket);
    normality_take(&timeline->normality, bucket);
    while (normality_judge(&timeline->normality, atomic_load(&timeline->limit_ns), &number, &judgement)) {
        outages_judge(&timeline->outages, number - first, judgement);
        disturbances_judge(&timeline->disturbances, number, judgement);
    }
    memset(bucket, 0, sizeof(*bucket));
    timeline->next++;
}

static void add(struct bucket *into, const struct bucket *from)
{
    if (from->replies > 0) {
        into->first_ns =
            into->replies == 0 || from->first_ns < into->first_ns ? from->first_ns : into->first_ns;
        into->last_ns = from->last_ns > into->last_ns ? from->last_ns : into->last_ns;
    }
    into->replies += from->replies;
    into->slow += from->slow;
    into->unjudged += from->unjudged;
    into->overdue += from->overdue;
    into->modes |= from->modes;
    into->lost += from->lost;
}

/* What all loops have delivered goes on. */
static void hand_on_all(struct timeline *timeline)
{
    uint64_t upto = UINT64_MAX;

    for (uint32_t i = 0; i < timeline->loops; i++)
        upto = timeline->upto[i] < upto ? timeline->upto[i] : upto;
    while (timeline->next < upto)
        hand_on(timeline);
}

void timeline_deliver(struct timeline *timeline, uint32_t loop, uint64_t number, const struct bucket *bucket,
                      uint64_t upto)
{
    pthread_mutex_lock(&timeline->mutex);
    if (timeline->begin_ns != 0) {
        /* Room for it: who has not delivered what is so old is not waited for. */
        while (number >= timeline->next + TIMELINE_BUCKETS)
            hand_on(timeline);
        if (number >= timeline->next)
            add(numbered(timeline, number), bucket);
        timeline->upto[loop] = upto;
        hand_on_all(timeline);
    }
    pthread_mutex_unlock(&timeline->mutex);
}

void timeline_end(struct timeline *timeline, uint64_t end_ns)
{
    pthread_mutex_lock(&timeline->mutex);
    timeline->end_ns = end_ns > timeline->end_ns ? end_ns : timeline->end_ns;
    pthread_mutex_unlock(&timeline->mutex);
}

/* -- disturbances -- */

void timeline_disturb(struct timeline *timeline, uint64_t now_ns, int mode, uint64_t deaths)
{
    pthread_mutex_lock(&timeline->mutex);
    if (timeline->begin_ns != 0)
        disturbances_note(&timeline->disturbances, now_ns, mode, deaths);
    pthread_mutex_unlock(&timeline->mutex);
}

void timeline_lose(struct timeline *timeline, uint64_t sent_ns, uint64_t now_ns)
{
    pthread_mutex_lock(&timeline->mutex);
    disturbances_lose(&timeline->disturbances, sent_ns, now_ns);
    pthread_mutex_unlock(&timeline->mutex);
}

void timeline_tell(struct timeline *timeline, struct outages *outages, struct disturbances_told *told)
{
    memset(outages, 0, sizeof(*outages));
    memset(told, 0, sizeof(*told));
    if (timeline->begin_ns == 0 || timeline->end_ns <= timeline->begin_ns)
        return;
    /* The last bucket has only begun; it is handed on all the same, if somebody was answered in it. */
    uint64_t last = bucket_of(timeline->end_ns - 1);
    while (timeline->next < last || (timeline->next == last && numbered(timeline, last)->replies > 0))
        hand_on(timeline);
    outages_finish(&timeline->outages);
    *outages = timeline->outages.found;
    disturbances_tell(&timeline->disturbances, timeline->begin_ns, timeline->end_ns, told);
}
