/*
 * operation: what an operator asked for, until it is done or has failed. Pure; part of the supervisor's
 * memory, so that an outcome outlives the supervisor that was asked.
 *
 * Each has a number of its own, counted from 1 and never given twice; the last OPERATION_COUNT_MAX are
 * remembered. The policy (supervisor.h) begins and ends them; control clients are told by number.
 */
#ifndef MASTER_OPERATION_H
#define MASTER_OPERATION_H

#include <stdint.h>

enum {
    OPERATION_COUNT_MAX = 16, /* remembered; a client that waits asks several times a second */
    OPERATION_WHY_SIZE = 160, /* one line for people, NUL included */
};

#define OPERATION_KINDS(X)                                                                                   \
    X(RELOAD, "reload")     /* goal: settings number; done when every slot serves by it */                   \
    X(SCALE, "scale")       /* goal: slots; done when so many serve */                                       \
    X(RESTART, "restart")   /* goal: slot; done when its next generation serves */                           \
    X(UPGRADE, "upgrade")   /* goal: image number; done when all, the master too, run it */                  \
    X(DRAIN, "drain")       /* done when no connection is left */                                            \
    X(UNDRAIN, "drain_off") /* done when the listener is open again */

enum operation_kind {
#define X(name, word) OPERATION_##name,
    OPERATION_KINDS(X)
#undef X
};

enum operation_state { OPERATION_NONE, OPERATION_RUNNING, OPERATION_DONE, OPERATION_FAILED };

struct operation {
    uint32_t number;
    uint32_t kind;  /* enum operation_kind */
    uint32_t state; /* enum operation_state */
    uint32_t goal;
    char why[OPERATION_WHY_SIZE]; /* FAILED: the reason; DONE: a remark, or empty */
};

struct operations {
    uint32_t last_number;
    struct operation items[OPERATION_COUNT_MAX]; /* of number n: [n % OPERATION_COUNT_MAX] */
};

/* Begins one, running. Never fails: the oldest that has ended is forgotten; when all are running, the oldest.
 * So numbers may be left out. */
struct operation *operation_begin(struct operations *all, enum operation_kind kind, uint32_t goal);

/* Ends one that runs; `why` NULL: nothing to say. */
void operation_done(struct operation *operation, const char *why);
void operation_failed(struct operation *operation, const char *why);

/* The one of that number; NULL: never begun, or forgotten. */
struct operation *operation_find(struct operations *all, uint32_t number);

const char *operation_name(enum operation_kind kind);

#endif
