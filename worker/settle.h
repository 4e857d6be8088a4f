/*
 * Settling: what a dead worker had answered and not yet taken is dropped, at the first event of a connection
 * that was taken over, before anything else is done to it.
 *
 * The kernel's sums say how much that is (position.h). May be cut short by the successor's own death and be
 * repeated: what was dropped already is no longer owed.
 */
#ifndef WORKER_SETTLE_H
#define WORKER_SETTLE_H

struct worker;

enum settle_result {
    SETTLE_DONE,       /* goes on like any other connection */
    SETTLE_LINGERS,    /* we had ended it: what still comes is thrown away */
    SETTLE_LATER,      /* could not be told yet: ask again */
    SETTLE_CLOSED,     /* dead: close */
    SETTLE_IMPOSSIBLE, /* sums that do not fit: reset, never guess */
};

/* Drops from the receive queue what the dead worker had answered already. */
enum settle_result settle_connection(struct worker *w, int fd);

#endif
