/*
 * deadlines: which connections have been waiting for too long, for one constant timeout; every step O(1).
 *
 * All members of a list have the same timeout, so the order of arming is the order of falling due: a FIFO is
 * enough, where timeouts of many lengths would need a heap or a wheel. The links live inside the caller's
 * connection structs and name each other by index (an array of links is such an array with its own stride);
 * nothing is allocated.
 *
 * Pure. Time is a 32-bit tick of the caller's choice that wraps around: a timeout stays below 2^31 ticks and
 * lists are looked at more often than that. `now_tick` never goes back between calls on one list. A link is
 * in at most one list at a time; with several lists over the same links the caller knows in which, and
 * disarms it there first. A link of zero bytes is in no list, so fresh zeroed memory needs no initialisation.
 * Indexes are below 2^32 - 2.
 */
#ifndef WORKER_DEADLINES_H
#define WORKER_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEADLINES_NONE UINT32_MAX

struct deadline_link {
    uint32_t previous; /* 0: in no list; 1: no neighbour on that side; else the neighbour's index + 2 */
    uint32_t next;
    uint32_t due_tick;
};

struct deadlines {
    struct deadline_link *links; /* of connection 0; not owned */
    size_t stride_bytes;         /* from one connection's link to the next one's */
    uint32_t head, tail;         /* indexes; DEADLINES_NONE: empty */
    uint32_t timeout_ticks;      /* 0: off, nothing is ever armed */
    uint32_t count;              /* armed */
};

/* An empty list over links that start at first_link. */
void deadlines_init(struct deadlines *deadlines, struct deadline_link *first_link, size_t stride_bytes,
                    uint32_t timeout_ticks);

/* Due timeout_ticks from now; anew, when it is armed in this list already. With a timeout of 0 nothing
 * happens. */
void deadlines_arm(struct deadlines *deadlines, uint32_t index, uint32_t now_tick);

/* Never mind; nothing happens when it is not armed. */
void deadlines_disarm(struct deadlines *deadlines, uint32_t index);

/* Is its link in a list? (This one or another over the same links.) */
bool deadlines_armed(const struct deadlines *deadlines, uint32_t index);

/* Removes and returns one index that is due, the longest waiting first; DEADLINES_NONE when there is none. */
uint32_t deadlines_expired(struct deadlines *deadlines, uint32_t now_tick);

#endif
