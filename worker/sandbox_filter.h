/*
 * sandbox_filter: the list of system calls that a worker may make, as a program for the kernel. Private to sandbox.c.
 */
#ifndef WORKER_SANDBOX_FILTER_H
#define WORKER_SANDBOX_FILTER_H

#include "worker/board.h"
#include <sys/types.h>

/* Compiles the list with libseccomp. SANDBOX_ON: any other call raises SIGSYS; SANDBOX_LOG: the kernel's audit log tells
 * of it, and it happens. Returns 0 or a negative errno. */
int sandbox_filter_build(enum sandbox_mode mode);

/* Hands the list to the kernel, for the calling process, whose pid is `self` and which is that slot's worker. Returns 0 or a negative errno: -ENODATA
 * when none was built. */
int sandbox_filter_install(pid_t self, unsigned slot);

#endif
