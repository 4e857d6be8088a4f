/*
 * A worker's whole life in a process of its own, on a worker fixture (worker_fixture.h), where it is slot 2 of
 * three; the test plays keeper, supervisor and client.
 *
 * What a test replaces is replaced in the worker, too: it notes what it has seen there in `seen`.
 *
 * Errors: whatever cannot be set up, and an end that does not come, fails the test. Owner: life_close() ends the
 * process, should the test not have come to its end.
 */
#ifndef TESTS_SUPPORT_LIFE_FIXTURE_H
#define TESTS_SUPPORT_LIFE_FIXTURE_H

#include "tests/support/worker_fixture.h"

/* Of both processes; 0 at first. */
struct life_notes {
    shared_u32 capacity;     /* of the worker's table of connections */
    shared_u32 pauses;       /* between its tries to start */
    shared_u32 second_slice; /* what the test says of it */
};

struct life_fixture {
    struct worker_fixture fixture;
    struct board *board; /* the worker's */
    struct life_notes *seen;
};

extern struct life_fixture life;

int life_open(void **state);
int life_close(void **state);

/* The worker's life begins, as generation FIXTURE_GENERATION. */
void life_start(void);

/* It has announced itself to the supervisor. */
void life_wait_ready(void);

void life_order_to_leave(void);

/* It has left in order, and says so on its board. */
void life_expect_left(void);

/* Its exit code, or the signal's number with a minus. */
int life_end(void);

#endif
