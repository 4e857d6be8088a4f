/*
 * What slot.c (a slot from begin to end), slot_worker.c (its worker), slot_keepers.c (its keepers) and
 * slot_swap.c (another image for both) share; private to these.
 *
 * A keeper's life ends or begins a worker's and the other way round, so the files call each other; nobody
 * else is to.
 */
#ifndef MASTER_SLOT_PARTS_H
#define MASTER_SLOT_PARTS_H

#include "master/slot.h"

static inline struct slot_memory *memory_of(struct policy *p, uint32_t slot)
{
    return &p->state->slots[slot];
}

static inline enum keeper_letter other_of(enum keeper_letter letter)
{
    return letter == KEEPER_A ? KEEPER_B : KEEPER_A;
}

static inline bool waited(const struct policy *p, int64_t since_ms, int64_t limit_ms)
{
    return p->now_ms - since_ms > limit_ms;
}

/* slot.c */

/* Nothing of it is wanted any more, or not for now: keepers leave. */
void slot_vacate(struct policy *p, uint32_t slot);

/* slot_worker.c */

/* Orders the next generation of the worker. */
void slot_spawn(struct policy *p, uint32_t slot, enum recover_how how, int32_t suspect, int64_t delay_ms);

/* That which slot_spawn() orders, of an image that can be had now. */
void slot_spawn_now(struct policy *p, uint32_t slot);

/* Gives the order for the current one (again): to whichever keeper waits for orders; to none now when the
 * only one is still being made, which gets it when it is ready. */
void slot_emit_spawn(struct policy *p, uint32_t slot);

/* Gives the order to end it (again). */
void slot_emit_kill(struct policy *p, uint32_t slot);

/* The table is gone, and all connections with it. */
void slot_table_lost(struct policy *p, uint32_t slot);

/* Both keepers are dead, and the table lives on in the worker alone. */
void slot_unprotected(struct policy *p, uint32_t slot);

/* slot_keepers.c */
bool keepers_gone(const struct slot_memory *memory);
bool keepers_ready(const struct slot_memory *memory); /* both */
void keepers_begin(struct policy *p, uint32_t slot);
void keepers_leave(struct policy *p, uint32_t slot);
void keeper_kill(struct policy *p, uint32_t slot, enum keeper_letter letter);

/* One keeper alone makes the other anew. */
void keepers_want_twin(struct policy *p, uint32_t slot);

/* Orders to keepers that were not obeyed yet are given again. */
void keepers_remind(struct policy *p, uint32_t slot);

/* Those that have not obeyed for too long are ended. */
void keepers_lose_patience(struct policy *p, uint32_t slot);

void keeper_leave(struct policy *p, uint32_t slot, enum keeper_letter letter);
void keeper_exec(struct policy *p, uint32_t slot, enum keeper_letter letter);

/*
 * slot_swap.c: a slot goes over to another image.
 *
 *     its worker makes room             both keepers hold the connections
 *     one keeper becomes the new image  with a table of its own, a copy: exec does that (execve(2)); the
 *                                       other one still holds the old table, and can take everything back
 *     it makes the next worker          which waits at a gate: while two tables hold a connection, closing
 *                                       it in one would end nothing
 *     the other keeper leaves           now the new table alone counts; the gate opens
 *     the new keeper makes a new twin   as ever
 *
 * So there are always two processes that hold every connection, but for the moment between the last two.
 */

/* Must the keepers go over before the next worker is made? */
bool swap_is_due(const struct policy *p, const struct slot_memory *memory);

/* SWAPPING: whatever can be done next. */
void swap_go_on(struct policy *p, uint32_t slot);

/* Does a keeper hold another table than the worker's? */
bool slot_has_stranger(const struct slot_memory *memory);

/* STARTING: sends away whoever holds another table than the worker's, then opens the gate. */
void gate_go_on(struct policy *p, uint32_t slot);

/* A keeper that was to become another image died. */
void swap_keeper_died(struct policy *p, uint32_t slot, const char *why);

#endif
