/* What health.c is made of, for its tests: the parts that read text and lists. */
#ifndef LOADTOOL_HEALTH_PARTS_H
#define LOADTOOL_HEALTH_PARTS_H

#include <stdio.h>

#include "loadtool/health.h"

enum { HEALTH_CLOSE_WAIT = 8 }; /* TCP_CLOSE_WAIT as /proc/net/tcp writes it */

struct health_process {
    pid_t pid, parent;
    char state;
    uint64_t cpu_ticks, start_ticks;
};

struct health_inodes {
    uint64_t *list; /* owned */
    size_t count, room;
};

/* A line of /proc/PID/stat. -EINVAL. */
int health_parse_stat(const char *line, struct health_process *process);

/* Bring a process and its descendants to the front, the process first. Returns how many. */
size_t health_keep_family(struct health_process *list, size_t count, pid_t root);

/* Rows of /proc/net/tcp in CLOSE-WAIT whose inode is listed. */
uint64_t health_count_close_wait(FILE *table, const struct health_inodes *sorted);

#endif
