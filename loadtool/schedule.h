/*
 * When things are due: arrivals of an open loop, lives of victims, the budget of messages.
 *
 * Pure functions of seed, place and count: no clock is read here. In an open loop arrival k of all is due k /
 * rate seconds after the start and belongs to place k % clients. So a place knows its own due times without a
 * queue, and a late reply delays no arrival: it is only sent late, and its latency counts from the time when
 * it was due.
 */
#ifndef LOADTOOL_SCHEDULE_H
#define LOADTOOL_SCHEDULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* How long the n-th life of this place lasts, in ns: 50 to 1000 ms. */
uint64_t schedule_life_ns(uint64_t seed, uint32_t place, uint64_t life);

/* The number of the connection that the n-th life of this place has: never given twice in a run, and the same
 * whoever comes first. Connections without a place (new clients, churn) have numbers from SCHEDULE_SERIAL_*
 * on. */
#define SCHEDULE_SERIAL_CHURN (UINT64_C(1) << 48)
#define SCHEDULE_SERIAL_PROBE (UINT64_C(1) << 56)
static inline uint64_t schedule_serial(uint32_t places, uint32_t place, uint64_t life)
{
    return 1 + place + life * places;
}

/* When arrival k is due, in ns after the start. */
uint64_t schedule_due_ns(uint64_t rate_per_s, uint64_t k);

/* How many arrivals are due at `elapsed_ns` after the start: arrival 0 is due at 0. */
uint64_t schedule_arrivals(uint64_t rate_per_s, uint64_t elapsed_ns);

/* How many messages may still be begun, by everybody together: it lies in memory that child processes see
 * too. In the functions below NULL is a budget without a limit. */
struct budget {
    _Atomic uint64_t left;
    uint64_t reserved; /* of `left`, for control clients without a first message: none when children run */
};

/* -n MESSAGES for so many clients of the control group. */
void schedule_fill(struct budget *budget, uint64_t messages, uint64_t clients);

/* Take one message out of the budget; false if none is left. The first message of a control client is
 * reserved. */
bool schedule_take(struct budget *budget, bool is_reserved);

/* So many messages are sent in any case: take as many of them as there are. */
void schedule_spend(struct budget *budget, uint64_t count);

/* A client that will never send its first message gives its reservation back. */
void schedule_release(struct budget *budget);

/* The load of the whole run. */
struct load {
    bool flows;            /* new messages are begun at all */
    uint64_t rate_per_s;   /* 0 = closed loop: a client sends as soon as it has its reply */
    uint32_t places;       /* clients that share the rate */
    uint64_t begin_ns;     /* when arrival 0 is due */
    struct budget *budget; /* NULL = no limit */
    int budget_fd;         /* of its memory, if there is one */
};

/* One client's part of it. */
struct pace {
    uint32_t place;
    uint64_t due_count;   /* arrivals that were due */
    uint64_t begun_count; /* arrivals that were sent */
};

/* May a client that waits for nothing begin its next message? If so, take it, and tell when it was due. */
bool schedule_next(struct load *load, struct pace *pace, uint64_t now_ns, uint64_t *due_ns);

#endif
