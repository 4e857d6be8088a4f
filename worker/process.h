/*
 * Making and ending processes of the server, with the board as the place where they are known.
 *
 * A raw clone instead of fork(), since only it can make a child of one's own parent (CLONE_PARENT) and have
 * the kernel store the pid where all can read it before the child runs (CLONE_PARENT_SETTID): a death that is
 * reaped before the cloner could speak is still known to be whose. Source: clone(2).
 */
#ifndef WORKER_PROCESS_H
#define WORKER_PROCESS_H

#include "worker/board.h"
#include <stdbool.h>
#include <sys/types.h>

/*
 * Notes the generation in the cell with pid 0, then clones. Returns 0 in the child, the pid in the caller, or
 * a negative errno and nobody made.
 */
int process_clone(unsigned long flags, struct birth_cell *cell, uint32_t generation);

/* Is that process a child of ours, or of our parent as the supervisor's kin are? A board is shared with workers, of which
 * one may be somebody else's by now, so what it says is held against what the kernel says. True also where the kernel
 * does not say: there is no /proc, or no descriptor to read it with. */
bool process_is_kin(pid_t pid);

/*
 * Sends a signal to the process of the cell if that generation still lives. By pidfd, with the death cell
 * read again in between: the number cannot have come to mean another process. Opens and closes a descriptor:
 * not for a process that shares its table. Where none is to be had, by number right after that reading: a death
 * is told before it is reaped, so only one that is told and reaped, and whose number the kernel deals anew, all
 * within that moment could lead it astray, and a supervisor that cannot order a successor for want of a
 * descriptor is worse. Returns 0, -ESRCH when it is dead already, -EPERM when it is no kin of ours, or another negative
 * errno.
 */
int process_signal(struct birth_cell *cell, struct death_cell *death, uint32_t generation, int signal_number);

#endif
