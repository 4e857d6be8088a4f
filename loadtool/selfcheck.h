/*
 * Was the load tool itself in order? What it saw of itself during MAIN, and what is to be thought of it.
 *
 * A check that fails is a remark in a closed loop, whose clients wait for the server and for us alike. In an
 * open loop it makes the figures unreliable: they would be ours as much as the server's.
 */
#ifndef LOADTOOL_SELFCHECK_H
#define LOADTOOL_SELFCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Times of this process and of the machine, so far. */
struct selfcheck_clock {
    uint64_t waited_ns;   /* this process was ready to run, and waited for a processor (schedstat) */
    uint64_t steal_ticks; /* the hypervisor ran others (proc(5): steal) */
    uint64_t all_ticks;
};

struct selfcheck {
    bool is_open_loop;
    double busy_share;     /* of the loop, 0 to 1; the busiest of several */
    uint64_t lag_p99_ns;   /* how late arrivals were told */
    double asked_per_s;    /* 0 = closed loop */
    double achieved_per_s; /* arrivals that were sent in time to count */
    double
        little_ratio; /* messages outstanding, seen now and then, over rate x latency; 0 = too few to say */
    uint64_t ports;   /* that connections can come from, to one target; 0 = it is none of TCP */
    uint64_t connections; /* at once, at most */
    bool has_looked;      /* at descriptors */
    uint64_t descriptors_left;
    double waited_share; /* of MAIN, for a processor */
    double steal_share;  /* of all processors' time */
};

enum { SELFCHECK_FINDINGS_MAX = 8, SELFCHECK_FINDING_BYTES = 160 };

/* What is bad, a sentence each. Returns how many. Pure. */
size_t selfcheck_find(const struct selfcheck *check,
                      char findings[SELFCHECK_FINDINGS_MAX][SELFCHECK_FINDING_BYTES]);

/* From /proc; zeros where it does not say. */
void selfcheck_read_clock(struct selfcheck_clock *clock);
uint64_t selfcheck_count_ports(void);
uint64_t selfcheck_count_descriptors_left(void);

/* The shares of the time between two readings. */
void selfcheck_take_clock(struct selfcheck *check, const struct selfcheck_clock *from,
                          const struct selfcheck_clock *to, uint64_t elapsed_ns);

#endif
