/*
 * What the load left behind in the server: its process and all descendants, before the first connection and
 * after the last.
 *
 * Counted from /proc (proc(5)): descriptors and sockets in CLOSE-WAIT (the peer has closed, the process has
 * not), processes, zombies, resident memory, and processor time while nothing is asked. Processes that share
 * a descriptor table each count it. The server must be on this machine, and its /proc entries readable: as
 * root, or as the same user.
 */
#ifndef LOADTOOL_HEALTH_H
#define LOADTOOL_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct health_sample {
    bool is_there;        /* the process exists, and is the one that was meant */
    uint64_t start_ticks; /* of the process: tells it from a later one with the same number */
    uint64_t processes, zombies, descriptors, close_wait, rss_bytes;
    double idle_cpu; /* processor time over the time of looking, in cores */
};

struct health {
    bool is_watched;
    pid_t pid;
    struct health_sample before, after;
};

enum { HEALTH_RESIDUES_MAX = 8, HEALTH_RESIDUE_BYTES = 120 };

/* Look at the server for `idle_ms`, in which nobody must load it. -ESRCH: no such process; -EACCES: not ours
 * to look into; -EINTR: SIGINT or SIGTERM came, which were blocked meanwhile; other negative errno. */
int health_look(pid_t pid, uint64_t idle_ms, struct health_sample *sample);

/* Wait without looking. -EINTR as above. */
int health_wait(uint64_t ms);

/* What is left over, a sentence each. Returns how many. Pure. */
size_t health_find_residues(const struct health *health,
                            char residues[HEALTH_RESIDUES_MAX][HEALTH_RESIDUE_BYTES]);

#endif
