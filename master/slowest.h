/*
 * slowest: how long a worker's loop takes to come round, at its slowest in the last seconds. Pure.
 *
 * The supervisor asks each worker twice a second whether it lives; how long the answer takes is how long the
 * loop was busy with others. That costs the worker one look at the clock for each question, and none for a
 * message. It is a sample: a slow turn between two questions is not seen.
 */
#ifndef MASTER_SLOWEST_H
#define MASTER_SLOWEST_H

#include <stdint.h>

enum { SLOWEST_WINDOW_MS = 5000 }; /* of two windows the one that is over counts too: 5 to 10 seconds */

struct slowest {
    uint32_t generation; /* of whom we speak; another one begins anew */
    int64_t asked_ns;    /* 0: never */
    int64_t window;      /* number of the present one */
    int64_t in_window_ns, in_window_before_ns;
};

/* The worker of that generation is asked now. */
void slowest_asked(struct slowest *slowest, uint32_t generation, int64_t now_ns);

/* It has answered the question asked last, at that time; `answered_ns` 0: it has not yet, and so far that is
 * how long it takes. May be told again and again. */
void slowest_look(struct slowest *slowest, uint32_t generation, int64_t answered_ns, int64_t now_ns);

/* Nanoseconds; 0: nothing is known. */
int64_t slowest_ns(const struct slowest *slowest, uint32_t generation, int64_t now_ns);

#endif
