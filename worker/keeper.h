/*
 * A keeper: a process that shares its slot's descriptor table, so that the table outlives the worker, and
 * that makes the worker's successor. Two a slot; each can make the other anew.
 *
 * A keeper uses no descriptor and decides nothing. (A worker may close and reuse any number of the shared
 * table: what a keeper wrote to could come to be a client.) It waits for a signal, any signal from anybody,
 * which means only "look at your orders" on the board: make generation g of the worker, make the other
 * keeper, become another image of the program (image.h), leave. Whoever it makes is a child of the master
 * (CLONE_PARENT), and has its pid on the board before it runs.
 *
 * Sources: clone(2) on CLONE_FILES, CLONE_PARENT, CLONE_PARENT_SETTID; fs/file.c: a shared table that grows
 * waits for all its users, 8 to 36 ms, so the first keeper grows it to the limit before anybody shares it.
 */
#ifndef WORKER_KEEPER_H
#define WORKER_KEEPER_H

#include "worker/board.h"

/* The signal by which the supervisor wakes a keeper; any other would do. */
#define KEEPER_WAKE_SIGNAL SIGUSR1

/* Becomes the first keeper of a slot, in a process with a table of its own: sets the table up, then waits for
 * orders. `descriptor_count`: how far the table is grown. Every signal must be blocked already. Does not
 * return. */
_Noreturn void keeper_first_main(struct shared_pages *pages, unsigned slot, uint32_t generation,
                                 uint32_t descriptor_count);

/* Goes on as a keeper that has just become another image: same process, same place on the board, a table of
 * its own. `descriptor_count`: as above. Does not return. */
_Noreturn void keeper_resume_main(struct shared_pages *pages, unsigned slot, enum keeper_letter letter,
                                  uint32_t generation, uint32_t image, uint32_t descriptor_count);

/* Can this kernel, here, do what keepers need? Makes a child that shares the table and ends at once. Returns
 * 0 or a negative errno. */
int keeper_probe(void);

#endif
