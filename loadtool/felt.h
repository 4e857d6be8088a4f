/*
 * What the control group felt while a kill mode was at work: its latency beside that of calm moments, and the
 * bytes that were not as they must be.
 *
 * A mode is at work from the beginning of a victim's death to FELT_AFTER_NS after its end, to a bucket of
 * 10 ms. A reply counts for every mode that was at work within FELT_AFTER_NS from its sending on, until it
 * came at the latest, and as calm when none was: a reply that a death holds up is met by it, however late it
 * comes. (Were the whole of its life looked at, slow replies would meet more deaths for no other reason than
 * that they are slow.) What is wrong with a reply counts for every mode that was at work at any time between
 * its sending and its coming. With several modes at once a reply counts for each of them; how many counted for
 * one alone is told.
 */
#ifndef LOADTOOL_FELT_H
#define LOADTOOL_FELT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loadtool/histogram.h"
#include "loadtool/plan.h"

#define FELT_AFTER_NS  UINT64_C(10000000)
#define FELT_BUCKET_NS UINT64_C(10000000)

enum {
    FELT_REPLIES_MIN = 100, /* a p99 of fewer would be their maximum */
    FELT_BUCKETS = 8192,    /* so long ago is remembered: 82 s, more than replies wait */
};

/* Which modes are at work, and were: what all loops of a run share. Deaths take the mutex, replies do not. */
struct felt_marks {
    pthread_mutex_t mutex;
    uint32_t active[PLAN_MODE_COUNT];
    _Atomic uint64_t since_ns[PLAN_MODE_COUNT]; /* of a mode at work */
    _Atomic uint32_t at_work;                   /* a bit a mode */
    _Atomic uint64_t buckets[FELT_BUCKETS];     /* number of a bucket, and in the low half the modes in it */
};

/* What counted for a mode, or for calm. */
struct felt_counts {
    uint64_t replies_alone;
    uint64_t wrong_replies;
    uint64_t wrong_bytes, wrong_bytes_alone;
};

struct felt {
    struct felt_marks *marks; /* not owned */
    struct histogram *times;  /* owned: one a mode, and the calm one behind them */
    struct felt_counts counts[PLAN_MODE_COUNT + 1];
    uint64_t shared_replies; /* that counted for several modes */
};

/* What came of it, for a report. */
struct felt_result {
    uint64_t replies, replies_alone;
    uint64_t p99_ns;
    double p99_ratio; /* to calm; 0 = too few replies to say */
    uint64_t wrong_replies;
    uint64_t wrong_bytes, wrong_bytes_alone; /* of every kind */
};

void felt_marks_init(struct felt_marks *marks);
void felt_marks_free(struct felt_marks *marks);

/* -ENOMEM. The marks must outlive it. */
int felt_init(struct felt *felt, struct felt_marks *marks);
void felt_free(struct felt *felt);

/* Forget what was felt: the warm-up is over. */
void felt_forget(struct felt *felt);

/* A death of this mode begins; it ends, done or not. */
void felt_begin(struct felt *felt, enum plan_mode mode, uint64_t now_ns);
void felt_end(struct felt *felt, enum plan_mode mode, uint64_t now_ns);

/* A control client had its reply. */
void felt_reply(struct felt *felt, uint64_t sent_ns, uint64_t now_ns, bool is_right);

/* So many bytes are not as they must be, in the reply to what was sent then. */
void felt_found(struct felt *felt, uint64_t sent_ns, uint64_t now_ns, uint64_t bytes);

/* Add what another loop's control group felt. */
void felt_add(struct felt *into, const struct felt *from);

/* The p99 of calm is 0 when there were too few calm replies to say. */
struct felt_result felt_result_of(const struct felt *felt, enum plan_mode mode);
struct felt_result felt_calm(const struct felt *felt);
uint64_t felt_calm_count(const struct felt *felt);

#endif
