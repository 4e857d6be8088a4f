/*
 * A worker from its birth to its end: serves the connections of one slot.
 *
 * Runs in a process of its own, made by a clone of its parent, whose memory it keeps; it returns to nobody.
 * It opens nothing but by accept. All signals are blocked but the fatal ones: the signals of the service are
 * the master's alone.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdint.h>

struct shared_pages;

/* Exit codes of a worker; the log names them. */
enum worker_exit {
    WORKER_EXIT_LEFT = 0,   /* told to leave, and the last connection has ended */
    WORKER_EXIT_SETUP = 71, /* could not start: memory, epoll */
};

/*
 * Sets up the descriptor table of a slot in the calling process: epoll instance, timer, placeholders in every
 * unused number below FIRST_CONNECTION. Returns 0 or a negative errno.
 */
int worker_prepare_table(void);

/* Serves the slot as that generation, by the settings on its board. Does not return. */
_Noreturn void worker_main(struct shared_pages *pages, unsigned slot, uint32_t generation);

#endif
