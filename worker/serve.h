/*
 * Connections from their first event to their end: what the kernel says about a descriptor becomes turns of
 * the answer loop, deadlines and closes.
 *
 * Every connection is registered once, edge-triggered, for input, output, half-close and urgent data. An edge
 * tells of a change and is not repeated, hence the rule when a turn must go on until the queue is empty: the
 * event carried EPOLLRDHUP (data and FIN together are one edge) or EPOLLPRI (a peek stops at an urgent mark),
 * or the connection comes from a blocked spell (an edge may have come during it) or from the ready list; or there is too
 * little room for an answer (no EPOLLOUT), so that it is looked at and may be blocked in the middle.
 * Otherwise one short chunk is the whole queue: later bytes make an edge of their own.
 *
 * EPOLLHUP and EPOLLERR are never acted on: recv and send alone say what state a connection is in, so a stale
 * event for a number that was reused does no harm.
 */
#ifndef WORKER_SERVE_H
#define WORKER_SERVE_H

#include "worker/context.h"

/* Takes over an accepted, non-blocking socket: registers and counts it. False: the kernel refused, the socket
 * is closed. */
bool serve_admit(struct worker *w, int fd);

/* Takes a connection over from a dead worker: `operation` is EPOLL_CTL_MOD or EPOLL_CTL_ADD. False, and errno
 * says why, when the kernel refuses. */
bool serve_rearm(struct worker *w, int fd, int operation);

/* The kernel reports `events` (epoll) for that number. */
void serve_event(struct worker *w, int fd, uint32_t events);

/* Writes the number of connections to the loads page, for those who share the listener. */
void serve_publish(struct worker *w);

/* One turn for the connections at the front of the ready list. */
void serve_ready(struct worker *w);

/* Ends what has been waiting for too long. Called on every tick. */
void serve_tick(struct worker *w);

/* The drain deadline: shuts down writing on every connection and lets it linger; serve_tick() closes it. */
void serve_end_all(struct worker *w);

/* Closes with a RST instead of a FIN. `fd` need not be a connection of the table. */
void serve_reset(int fd);

#endif
