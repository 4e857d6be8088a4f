/*
 * When things are due: arrivals of an open loop, lives of victims, the budget of messages.
 *
 * Pure functions of seed, place and count: no clock is read here. In an open loop arrival k of all belongs to
 * place k % clients, and is due k / rate seconds after the start, or, as a Poisson process, after k seeded
 * waits of 1 / rate on average. A late reply delays no arrival: the arrival waits in its place's queue, is
 * sent late, and its latency counts from the time when it was due. The queue is bounded; what finds it full
 * is missed, and counted.
 */
#ifndef LOADTOOL_SCHEDULE_H
#define LOADTOOL_SCHEDULE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
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

/* The arrivals of an open loop, one after the other. */
struct arrivals {
    uint64_t rate_per_s;
    bool is_poisson;
    uint64_t key;      /* of the seeded waits */
    uint64_t k;        /* the next arrival, */
    uint64_t due_ns;   /* and when it is due, in ns after the start */
    double elapsed_ns; /* the same, exactly */
};

/* The first arrival of a constant rate is due at once; `stream` parts the arrivals of one purpose from
 * another's. */
void schedule_begin(struct arrivals *arrivals, uint64_t rate_per_s, bool is_poisson, uint64_t seed,
                    uint64_t stream);
void schedule_advance(struct arrivals *arrivals);

/* How many messages may still be begun, by everybody together: it lies in memory that child processes see
 * too. In the functions below NULL is a budget without a limit. */
struct budget {
    _Atomic uint64_t left;
    _Atomic uint64_t
        reserved; /* of `left`, for control clients without a first message: none when children run */
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

struct think;

/* The load of the whole run. */
struct load {
    bool flows;            /* new messages are begun at all */
    uint64_t rate_per_s;   /* 0 = closed loop: a client sends as soon as it has its reply */
    bool is_poisson;       /* arrivals at seeded intervals, not even ones */
    struct think *think;   /* NULL = none: how a client rests between its reply and its next message */
    uint32_t depth;        /* messages that a client may have outstanding; 0 counts as 1 */
    uint32_t places;       /* clients that share the rate */
    uint64_t begin_ns;     /* when arrival 0 is due */
    struct budget *budget; /* NULL = no limit */
    int budget_fd;         /* of its memory, if there is one */
    struct {
        uint64_t due, sent, missed; /* missed: the queue was full, or nobody was there */
        uint64_t in_children;       /* of places that belong to a child, which keeps its own time */
    } arrivals;
};

/* One client's part of it: its place, and arrivals that were due and not sent yet. */
struct pace {
    uint32_t place;
    uint32_t capacity;  /* of the queue; 0 in a closed loop */
    uint64_t *due_ns;   /* the queue, not owned */
    uint64_t due_count; /* put into it */
    uint64_t begun_count;
};

/* May arrivals alone begin messages? */
static inline bool schedule_is_paced(const struct load *load)
{
    return load->rate_per_s > 0 || load->think != NULL;
}

/* How many arrivals a place may be behind: what comes due within the time-out, within LIMIT_CATCHUP_*. */
uint32_t schedule_capacity(const struct load *load, uint64_t timeout_ns);

/* An arrival is due. False: it is missed. */
bool schedule_arrive(struct load *load, struct pace *pace, uint64_t due_ns);

/* The client is there no more: what it has not sent is missed. */
void schedule_forget(struct load *load, struct pace *pace);

/* May a client with so many messages outstanding begin its next one? If so, take it, and tell when it was
 * due. */
bool schedule_next(struct load *load, struct pace *pace, uint64_t outstanding, uint64_t now_ns,
                   uint64_t *due_ns);

#endif
