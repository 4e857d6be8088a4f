/*
 * What the control group felt while a kill mode was at work: its latency in those moments beside its latency
 * in calm ones.
 *
 * A mode is at work from the beginning of a victim's death to FELT_AFTER_NS after its end. A reply that comes
 * then is recorded for each mode at work, or as calm when none is. Several modes at once are not parted from
 * each other: with a mix the figures of all modes rise together.
 */
#ifndef LOADTOOL_FELT_H
#define LOADTOOL_FELT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "loadtool/histogram.h"
#include "loadtool/plan.h"

#define FELT_AFTER_NS UINT64_C(10000000)

enum { FELT_REPLIES_MIN = 100 }; /* a p99 of fewer would be their maximum */

/* Which modes are at work: what all loops of a run share. */
struct felt_marks {
    _Atomic uint64_t changes;
    _Atomic uint32_t active[PLAN_MODE_COUNT];
    _Atomic uint64_t until_ns[PLAN_MODE_COUNT];
};

struct felt {
    struct felt_marks *marks; /* not owned: its own ones, or those of a team */
    struct felt_marks own_marks;
    uint64_t changes;                /* that the mask knows of */
    struct histogram *modes;         /* owned: one each, and the calm one behind them */
    uint64_t wrong[PLAN_MODE_COUNT]; /* replies that were not right */
    uint32_t mask;                   /* modes at work, */
    uint64_t mask_until_ns;          /* as long as nothing begins or ends */
};

/* What came of it, for a report. */
struct felt_result {
    uint64_t replies, p99_ns, wrong;
    double p99_ratio; /* to calm; 0 = too few replies to say */
};

/* -ENOMEM. */
int felt_init(struct felt *felt);
void felt_free(struct felt *felt);

/* A death of this mode begins; it ends, done or not. */
void felt_begin(struct felt *felt, enum plan_mode mode);
void felt_end(struct felt *felt, enum plan_mode mode, uint64_t now_ns);

/* A control client had its reply. */
void felt_reply(struct felt *felt, uint64_t now_ns, uint64_t latency_ns, bool is_right);

/* Add what another loop's control group felt. */
void felt_add(struct felt *into, const struct felt *from);

struct felt_result felt_result_of(const struct felt *felt, enum plan_mode mode);
uint64_t felt_calm_p99_ns(const struct felt *felt);

#endif
