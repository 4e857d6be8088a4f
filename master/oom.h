/*
 * oom: how many processes the kernel has ended for want of memory, on the whole machine, since it booted.
 *
 * A worker that the kernel ended looks like one that somebody killed: SIGKILL. What tells them apart is this
 * count: it rose just before. Source: proc(5), /proc/vmstat, oom_kill (Linux 4.13); it counts ends by the
 * limit of a memory control group too.
 */
#ifndef MASTER_OOM_H
#define MASTER_OOM_H

#include <stdint.h>

/* The count; -1 where the kernel does not tell. */
int64_t oom_kill_count(void);

#endif
