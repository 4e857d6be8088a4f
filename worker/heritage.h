/*
 * The descriptors that the master makes and every other process of the server inherits, by fixed number.
 *
 * Fixed numbers, since a table may be shared by several processes (see README.md of this folder), be handed
 * from a dead process to its successor, or be met by a newer binary: nothing has to be told.
 *
 * Owner: the master makes all of them at start, before any fork, and keeps them until it exits. FD_EPOLL,
 * FD_TICK and FD_RULESET are the slot's own: made by whoever sets up the table of a slot. Numbers of this range that are
 * unused in a worker hold placeholders, so that accept never returns one.
 */
#ifndef WORKER_HERITAGE_H
#define WORKER_HERITAGE_H

#include "worker/limits.h"
#include <stdint.h>

enum heritage {
    FD_LISTENER = 3,   /* the one listener */
    FD_LOG = 4,        /* writing end of the log pipe, non-blocking */
    FD_LOG_READ = 5,   /* reading end; master and supervisor only */
    FD_MASTER = 6,     /* pidfd of the master: readable when it is dead */
    FD_SUPERVISOR = 7, /* eventfd: something for the supervisor to look at */
    FD_SHARED = 8,     /* memfd of the shared pages (board.h) */
    FD_EPOLL = 9,      /* the slot's epoll instance; its registrations outlive a worker */
    FD_TICK = 10,      /* the slot's timerfd for deadlines */
    FD_CONTROL =
        11, /* listening socket for commands; master and supervisor only, and not with --control off */
    FD_IMAGE_IN = 12,  /* where the master gets the program of an upgrade from; master and supervisor only */
    FD_IMAGE_OUT = 13, /* the other end */
    FD_IMAGE = 14,     /* FD_IMAGE + place: copies of programs (image.h); the master's */
    FD_POKE = 16,      /* FD_POKE + slot: the slot's eventfd, see POKE_ACCEPT and POKE_LOOK */
    FD_METRICS = FD_POKE +
                 SLOT_COUNT_MAX, /* where metrics are asked for; master and supervisor only, with --metrics */
    FD_RULESET = FD_METRICS + 1, /* the slot's Landlock rules, where there is Landlock (sandbox.h) */
};

/*
 * What may be added to a slot's eventfd. The kernel sums the values up, so the count of connections that
 * others handed on and the wish that the worker look at its board travel together and neither is lost.
 */
#define POKE_ACCEPT ((uint64_t)1)       /* accept one connection */
#define POKE_LOOK   ((uint64_t)1 << 32) /* look at orders and ping on the board */

/* Moves a fresh descriptor to that number. `fd` negative: the call that should have made it failed, and errno
 * says why. Returns 0 or a negative errno; `fd` is closed either way. The number is not close-on-exec. */
int heritage_place(int fd, int number);

/* Adds to a slot's eventfd. Never blocks and never fails for a reason that matters: the sum is full only if
 * nobody has read for 2^32 pokes, and such a worker hangs, which is seen elsewhere. */
void heritage_poke(unsigned slot, uint64_t value);

/* Wakes the supervisor: there is something for it to look at. */
void heritage_wake_supervisor(void);

#endif
