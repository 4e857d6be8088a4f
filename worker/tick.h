/*
 * The slot's timer: a descriptor that becomes readable every TICK_MS, and only while some deadline is armed,
 * so that neither messages nor idle times cost a look at the clock. FD_TICK belongs to the slot's table and
 * outlives a worker.
 */
#ifndef WORKER_TICK_H
#define WORKER_TICK_H

struct worker;

/* Brings now_tick up to date and lets the timer run; nothing when it runs. */
void tick_start(struct worker *w);

/* The timer fired: brings now_tick up to date. */
void tick_read(struct worker *w);

/* Nothing is waited for. */
void tick_stop(struct worker *w);

#endif
