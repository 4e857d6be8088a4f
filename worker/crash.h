/*
 * The fatal-signal handler of a worker: tells the board which signal and which address, then lets the signal
 * end the process as it would have without a handler.
 *
 * It runs on a stack of its own (a stack overflow is a crash like any other) and calls nothing that is not
 * async-signal-safe. The note holds even when the core dump that follows is cut short by a SIGKILL, which
 * would otherwise be all that the wait status says.
 */
#ifndef WORKER_CRASH_H
#define WORKER_CRASH_H

#include <signal.h>

struct board;

/* Installs the handler for SEGV, BUS, ILL, FPE, ABRT, SYS and TRAP. Returns 0 or a negative errno. */
int crash_handler_install(struct board *board, unsigned generation);

/* Fills the set with the signals that the handler takes. */
void crash_signals(sigset_t *set);

#endif
