/*
 * One slot's part of the policy: its worker, its two keepers, and what follows when any of them dies.
 *
 * Pure, and private to supervisor.c, which owns the stages of the whole service. A slot's life:
 *
 *     UNUSED -> KEEPING -> STARTING <-> SERVING -> LEAVING -> UNUSED
 *                             |
 *                             +-> RESTING -> KEEPING
 *
 * A slot may go out meanwhile (`out`): its worker accepts no more, and with its last connection the slot is
 * UNUSED again. SERVING to STARTING: a death, or the worker was told to make room (`handing`).
 *
 * SWAPPING, between SERVING and STARTING: its keepers go over to another image of the program (slot_swap.h).
 * LEAVING: both keepers died. RESTING: a crash loop. RETRYING, beside KEEPING: the first keeper died young.
 * And to ENDED from anywhere once the service stops.
 */
#ifndef MASTER_SLOT_H
#define MASTER_SLOT_H

#include "master/supervisor.h"

/* What one step works with. */
struct policy {
    struct supervisor *state;
    struct supervisor_actions *actions;
    int64_t now_ms;
};

struct supervisor_action *policy_add(struct policy *p, enum supervisor_action_kind kind, uint32_t slot);

/* Sets the slot up from nothing: a first keeper, or a worker where there are none. */
void slot_begin(struct policy *p, uint32_t slot);

/* Takes an unused slot and begins it. */
void slot_begin_another(struct policy *p);

/* Accepts no more, and is unused once its last client has left. */
void slot_send_out(struct policy *p, uint32_t slot);

/* Is a next generation due, though it serves? */
bool slot_is_outdated(const struct supervisor *s, const struct slot_memory *memory);

/* One that is going out stays. False: it is not going out, or not fit to stay. */
bool slot_take_back(struct policy *p, uint32_t slot);

/* The worker makes room for its next generation, which goes on with its connections. */
void slot_renew(struct policy *p, uint32_t slot);

/* No worker is wanted any more; keepers are told to leave. */
void slot_end(struct policy *p, uint32_t slot);

void slot_kill(struct policy *p, uint32_t slot, enum kill_reason reason);

/* One that is between two images gets a worker at once, of whichever image can make one. */
void slot_swap_abort(struct policy *p, uint32_t slot);

/* Can it be begun? */
bool slot_is_free(const struct slot_memory *memory);

/* Nothing of the slot is left: no worker, no keeper. */
bool slot_is_gone(const struct slot_memory *memory);

/* Events. Each has been checked to speak of the slot's current generation. */
void slot_worker_died(struct policy *p, const struct supervisor_event *event);
void slot_made(struct policy *p, uint32_t slot);
void slot_spawn_failed(struct policy *p, uint32_t slot);
void slot_first_keeper_failed(struct policy *p, uint32_t slot);
void slot_keeper_ready(struct policy *p, const struct supervisor_event *event);
void slot_keeper_died(struct policy *p, const struct supervisor_event *event);
void slot_exec_failed(struct policy *p, const struct supervisor_event *event);

/* Deadlines, and orders that were not obeyed yet. */
void slot_tick(struct policy *p, uint32_t slot);

/* All orders of which nobody knows whether they were given. */
void slot_resume(struct policy *p, uint32_t slot);

#endif
