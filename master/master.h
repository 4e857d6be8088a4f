/*
 * The master: the process that the user starts and whose exit status is the service's.
 *
 * It makes what all share, forks the supervisor, reaps, counts signals on the orders page, remakes the
 * supervisor. Nothing else: the less it does the less can end it, and its death is one that nobody can make
 * undone. The order on a death matters: first the death cell is written and the supervisor woken, only then
 * is the process reaped, so that its number cannot mean another process before its death is told.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "master/reactor.h"

/* Blocks every signal that the master waits for. Before the first fork, so that no process is ever without
 * the mask. */
void master_block_signals(void);

/* Runs until the service has ended. Returns its exit code. */
int master_run(struct service_setup *setup);

#endif
