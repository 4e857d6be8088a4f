/*
 * Making a worker: a raw clone whose child is the master's, whoever calls.
 *
 * The tree of processes is flat: the master is the parent of all and reaps all. Source: clone(2),
 * CLONE_PARENT and CLONE_PARENT_SETTID; the kernel stores the pid on the board before the child runs, so a
 * death that is reaped before the caller could speak is still known to be whose.
 */
#ifndef MASTER_SPAWN_H
#define MASTER_SPAWN_H

#include <stdint.h>

struct shared_pages;

/*
 * Makes that generation of the slot's worker, unless it has been made. The generation is noted on the board
 * with pid 0 first. Returns 0, or a negative errno and nothing made.
 */
int spawn_worker(struct shared_pages *pages, unsigned slot, uint32_t generation);

/*
 * Sends SIGKILL to the slot's worker if that generation still lives. By pidfd, with the death cell read again
 * in between: the number cannot have come to mean another process. Returns 0, or -ESRCH when it is dead
 * already.
 */
int spawn_kill_worker(struct shared_pages *pages, unsigned slot, uint32_t generation);

#endif
