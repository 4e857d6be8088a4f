/*
 * accept_share: who takes the next connection, so that all workers end with nearly equal loads.
 *
 * The kernel wakes one worker for a connection, and not a fair one: see the chapter on accepting in README.
 * Each worker that is woken asks here, with what the loads page says of all slots, whether to accept or to
 * hand the wake-up on by poking another worker. Pure: the caller reads the page and does the poking. The
 * figures may be a moment old; every choice is right for the figures given, and a wrong one costs some
 * unevenness, never a connection.
 */
#ifndef WORKER_ACCEPT_SHARE_H
#define WORKER_ACCEPT_SHARE_H

#include <stdbool.h>
#include <stdint.h>

struct share_slot {
    uint32_t connection_count;
    uint32_t accept_count; /* for the caller, who sees by its change that a poke was heeded */
    bool accepting;        /* alive and taking new connections */
    bool full;             /* its connection table is */
};

enum share_verdict { SHARE_ACCEPT, SHARE_HAND_ON };

struct share_choice {
    enum share_verdict verdict;
    unsigned to_slot;    /* when handing on */
    uint32_t poke_count; /* when handing on: what the other should accept, 1 to SHARE_POKE_COUNT_MAX */
};

/*
 * What slot my_slot, woken by the listener, does about it.
 *
 * More than `slack` connections above the least loaded slot that accepts and is not full: hand half of the
 * difference on to that one (among equals the first after my_slot, going round), so that one poke moves
 * several.
 *
 * Full itself: hand on to the least loaded one that is not.
 *
 * All full: the least loaded accepts (lowest index among equals), and the caller resets what it accepts,
 * since a client that hears "no" is better off than one that waits. The others hand on to it.
 */
struct share_choice accept_share_choose(const struct share_slot *slots, unsigned slot_count, unsigned my_slot,
                                        uint32_t slack);

#endif
