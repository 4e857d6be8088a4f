/*
 * Accepting: takes connections off the one listener that all workers share, evenly.
 *
 * The listener is in every worker's epoll set with EPOLLEXCLUSIVE. The kernel wakes the first of its wait
 * queue and never rotates it, so a worker that accepted takes the listener out and puts it back, which moves
 * it to the end of the queue. Bursts stay uneven with that alone; so a worker that holds more than the least
 * loaded one hands the wake-up on (accept_share.h): it pokes that worker's eventfd and leaves the listener
 * for SHARE_WAIT_MS or until the other has accepted. Stepping back without handing on would strand
 * connections; handing on without leaving would spin.
 *
 * Sources: epoll_ctl(2) on EPOLLEXCLUSIVE; accept(2) on errors that belong to the one connection.
 */
#ifndef WORKER_ACCEPTOR_H
#define WORKER_ACCEPTOR_H

#include <stdint.h>

struct worker;

/* From now on this worker accepts. The listener may be registered from an earlier life of the slot. */
void acceptor_start(struct worker *w);

/* The listener is readable. */
void acceptor_event(struct worker *w);

/* Another worker, or the supervisor, wants `count` connections accepted here. */
void acceptor_poked(struct worker *w, uint32_t count);

/* Says how many connections were accepted without a line of their own. Called when the worker looks at its
 * board. */
void acceptor_tick(struct worker *w);

/* Comes back to the listener when a pause is over, or when there is room again. Called once a turn of the
 * loop, and cheap while there is none. */
void acceptor_check(struct worker *w);

/* How long the loop may sleep for the acceptor's sake; -1: for ever. */
int acceptor_timeout_ms(const struct worker *w);

/* Accepts no more; the listener stays the others'. */
void acceptor_leave(struct worker *w);

/* Comes back to a listener that it left, or that was shut down and opened again. */
void acceptor_return(struct worker *w);

/* Accepts all that is queued, then shuts the listener down for everybody: the port is free for a new server.
 */
void acceptor_drain(struct worker *w);

#endif
