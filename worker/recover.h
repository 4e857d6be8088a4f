/*
 * Recovery: a successor takes over the connections of the worker that died before it.
 *
 * It shares the dead one's descriptor table, so no socket was closed, and the epoll instance with its
 * registrations is still there, and the slot's journal (journal.h). The kernel is asked about each number:
 *
 *     EPOLL_CTL_MOD says   0       a connection: re-armed, and whatever is pending is reported anew
 *                          EBADF   not open
 *                          ENOENT  open and not registered: accepted a moment before the death. ADD
 *                          else    nothing that belongs here: closed
 *
 * How far the dead worker came on a connection is worked out at that connection's first event (settle.h), or at once
 * if the journal is its own; any other on which nothing is queued owes nothing. Recovery may itself be killed at any
 * point and be repeated.
 *
 * A question takes a microsecond or two, so a large table is gone through in slices, between which the caller may serve
 * those who were taken over. It must not accept before the last one: a number that is free now would be met again.
 */
#ifndef WORKER_RECOVER_H
#define WORKER_RECOVER_H

#include <stdbool.h>

struct worker;

/* Before the first slice: describes the suspect for the report, and ends a UNIX connection that was cut in mid-answer. */
void recover_begin(struct worker *w);

/* Takes over a number before its slice, since epoll tells of it: whoever has asked while nobody was there comes first.
 * Returns whether it is a connection of ours by now; the suspect waits for its turn. */
bool recover_out_of_turn(struct worker *w, int fd);

/* Takes over the next RECOVER_SLICE_COUNT numbers, with the last of them the suspect. Fills the board's recovery fields.
 * Returns whether any are left. */
bool recover_slice(struct worker *w);

#endif
