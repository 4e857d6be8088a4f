/*
 * Recovery: a successor takes over the connections of the worker that died before it.
 *
 * It shares the dead one's descriptor table, so no socket was closed, and the epoll instance with its
 * registrations is still there. Nothing else is handed over; the kernel is asked about each number:
 *
 *     EPOLL_CTL_MOD says   0       a connection: re-armed, and whatever is pending is reported anew
 *                          EBADF   not open
 *                          ENOENT  open and not registered: accepted a moment before the death. ADD
 *                          else    nothing that belongs here: closed
 *
 * How far the dead worker came on a connection is worked out at that connection's first event (settle.h);
 * one on which nothing is queued owes nothing. Recovery may itself be killed at any point and be repeated.
 */
#ifndef WORKER_RECOVER_H
#define WORKER_RECOVER_H

struct worker;

/* Takes over what the table of the slot holds. Fills the board's recovery fields. */
void recover_all(struct worker *w);

#endif
