/*
 * Settling: what a dead worker had answered and not yet taken is dropped, and what it had taken and not yet answered is
 * answered from the journal, at the first event of a connection that was taken over, before anything else is done to it.
 * The same is done where a call of a living worker failed in the middle of an answer.
 *
 * The kernel's sums say how much that is (position.h). May be cut short by the successor's own death and be
 * repeated: what was dropped or answered already is no longer owed or held.
 */
#ifndef WORKER_SETTLE_H
#define WORKER_SETTLE_H

struct worker;

enum settle_result {
    SETTLE_DONE,       /* goes on like any other connection */
    SETTLE_LINGERS,    /* we had ended it: what still comes is thrown away */
    SETTLE_LATER,      /* could not be told or done yet: ask again */
    SETTLE_BLOCKED,    /* the client's window is full: ask again when it is writable */
    SETTLE_CLOSED,     /* dead: close */
    SETTLE_IMPOSSIBLE, /* sums that do not fit: reset, never guess */
};

/* Drops from the receive queue what the dead worker had answered already, or answers what it could not any more. */
enum settle_result settle_connection(struct worker *w, int fd);

#endif
