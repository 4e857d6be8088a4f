/*
 * One trial: the real worker code, from worker_main() on, on the model of the kernel, with clients that act
 * and workers that die between any two steps.
 *
 * A point is any place where a death or a step of the clients may fall: before and after the effect of each
 * system call, and every STEP of the worker. They are counted from 1 over the whole trial, all lives
 * together, so a number repeats a death exactly. A death is a jump out of the worker; its successor finds the
 * table, the epoll instance and the board as they were, and its own memory empty.
 *
 * Safety is judged at each call (socket_client.h). Liveness: when the worker sleeps with nothing to wake it,
 * every client must have had all that it is owed.
 */
#ifndef TESTS_MODEL_SOCKET_TRIAL_H
#define TESTS_MODEL_SOCKET_TRIAL_H

#include "tests/model/socket_client.h"
#include "worker/board.h"
#include "worker/steps.h"

enum { TRIAL_DEATH_COUNT_MAX = 4 };

struct trial_plan {
    const struct socket_client_plan *clients;
    unsigned client_count;
    bool is_unix;
    int64_t idle_timeout_ms;       /* 0: none */
    unsigned connection_count_max; /* of the worker; 0: enough for all */

    /* At that point the supervisor tells the worker to leave, or all to drain until so long after; 0: never.
     */
    uint32_t order_point;
    enum worker_order order;
    int64_t drain_ms;

    /* By plan: exact points, rising. */
    unsigned
        step_every; /* the clients make a step at every so many-th point; 0: only when the worker sleeps */
    bool step_at_death; /* ... and all they can between a death and the next life */
    uint32_t death_points[TRIAL_DEATH_COUNT_MAX];
    unsigned death_count;

    /* By chance, when seed is not 0: of 10,000 points so many see a step, a death, a call that fails. */
    uint64_t seed;
    unsigned step_chance, death_chance, fault_chance;
    unsigned death_count_max;
};

struct trial_result {
    bool passed;
    char why[512];                             /* not passed */
    uint32_t points, deaths;                   /* that it took */
    uint64_t owed, redone, adopted, continued; /* as the workers counted */
    uint64_t steps[STEP_COUNT];                /* passages */
};

/* `trace`: tell every call on standard output. */
void trial_run(const struct trial_plan *plan, bool trace, struct trial_result *result);

/* ---- for the calls of the model ---- */

/* A place where the world may go on and the worker may die. */
void trial_point(const char *where, int fd);

/* errno of a failure that strikes this call by chance, one of `errors` (0 ends them); 0: none. */
int trial_fault(const int *errors);

/* Lets something happen outside. False: the clients have nothing left to do for now. */
bool trial_step_clients(void);

/* The worker sleeps and nothing can wake it but time: judges, or returns if time may pass. */
void trial_rest(bool time_may_pass);

/* The worker left by itself. */
_Noreturn void trial_exited(int status);

/* Ends the trial: the worker did what it must not. */
__attribute__((format(printf, 1, 2))) _Noreturn void trial_fail(const char *format, ...);

bool trial_is_unix(void);

#endif
