/*
 * What the control group got while the load was on, 10 ms by 10 ms, of all loops of a run: it brings their
 * buckets together and hands them, in order, to those who look for something in them. From it follow the
 * outages and what each disturbance did.
 *
 * Loops deliver a bucket when it is over (tap.h); it goes on when all loops have. Only the latest buckets are
 * kept, so memory is bounded and a run may last for as long as it likes: a loop that is behind all others by
 * more than that is not waited for. Everything here takes the mutex; the limit alone is read without.
 */
#ifndef LOADTOOL_TIMELINE_H
#define LOADTOOL_TIMELINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "loadtool/bucket.h"
#include "loadtool/disturbances.h"
#include "loadtool/normality.h"
#include "loadtool/outages.h"

enum { TIMELINE_BUCKETS = 4096, TIMELINE_LOOPS_MAX = 64 };

struct timeline {
    pthread_mutex_t mutex;
    _Atomic uint64_t limit_ns; /* a reply slower than that is slow; 0 = not known yet */
    uint32_t loops;
    uint64_t begin_ns;                 /* 0 = the load is not on yet */
    uint64_t end_ns;                   /* of the loop that ended last; 0 = none has */
    uint64_t next;                     /* the first bucket that has not been handed on */
    uint64_t upto[TIMELINE_LOOPS_MAX]; /* the first bucket that the loop has not delivered */
    struct bucket *buckets;            /* owned: a ring */
    struct normality normality;
    struct outages_search outages;
    struct disturbances disturbances;
};

/* For so many loops. -ENOMEM. */
int timeline_init(struct timeline *timeline, uint32_t loops);
void timeline_free(struct timeline *timeline);

/* The load begins. Each loop says so, and all name the same time. */
void timeline_begin(struct timeline *timeline, uint64_t begin_ns);

/* The 99th percentile of undisturbed time is that high: half as much again is normal. */
void timeline_set_calm(struct timeline *timeline, uint64_t p99_ns);

/* A loop delivers a bucket, and will deliver no more before `upto`. */
void timeline_deliver(struct timeline *timeline, uint32_t loop, uint64_t number, const struct bucket *bucket,
                      uint64_t upto);

/* A loop has come to the end of the load. */
void timeline_end(struct timeline *timeline, uint64_t end_ns);

void timeline_disturb(struct timeline *timeline, uint64_t now_ns, int mode, uint64_t deaths);
void timeline_lose(struct timeline *timeline, uint64_t sent_ns, uint64_t now_ns);

/* All loops have ended: what was found. Nothing, if the load never began. */
void timeline_tell(struct timeline *timeline, struct outages *outages, struct disturbances_told *told);

#endif
