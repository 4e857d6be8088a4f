/*
 * One loop's hand on the timeline: what its control clients send, get and lose, and its victims' deaths.
 *
 * The present bucket is filled here and delivered when it is over, so that a reply takes no lock and nothing
 * is allocated for it. Beside it stands how many requests are outstanding, by the bucket in which they were
 * sent: so it is known at any time how many wait for longer than is normal.
 */
#ifndef LOADTOOL_TAP_H
#define LOADTOOL_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "loadtool/timeline.h"

enum { TAP_BUCKETS = 1024 };

struct tap {
    struct timeline *timeline; /* not owned */
    uint32_t loop;             /* its number */
    uint64_t begin_ns;         /* 0 = the load is not on yet */
    uint64_t end_ns;           /* 0 = it is on */
    uint64_t number;           /* of the present bucket; 0 = none yet */
    struct bucket present;
    uint64_t limit_ns;             /* what is normal, as far as is known in this bucket */
    uint64_t outstanding;          /* requests in all, */
    uint64_t ancient;              /* those of them that are older than what follows, */
    uint32_t sent_in[TAP_BUCKETS]; /* and the others by the bucket that they were sent in: a ring */
};

void tap_init(struct tap *tap, struct timeline *timeline, uint32_t loop);

/* The load begins and ends: what is told at other times is no part of the timeline. */
void tap_begin(struct tap *tap, uint64_t begin_ns);
void tap_end(struct tap *tap, uint64_t now_ns);

/* To be called at every tick: a bucket in which nothing happens must be delivered too. */
void tap_tick(struct tap *tap, uint64_t now_ns);

/* A request was sent; it needs no more waiting for, answered or not; a right reply to it came. */
void tap_sent(struct tap *tap, uint64_t now_ns);
void tap_settled(struct tap *tap, uint64_t sent_ns);
void tap_reply(struct tap *tap, uint64_t now_ns, uint64_t latency_ns);

/* A request of then will have no reply. */
void tap_lost(struct tap *tap, uint64_t sent_ns, uint64_t now_ns);

/* A control client's connection ended. */
void tap_ended(struct tap *tap, uint64_t now_ns);

/* So many victims died. */
void tap_death(struct tap *tap, uint64_t now_ns, int mode, uint64_t deaths);

#endif
