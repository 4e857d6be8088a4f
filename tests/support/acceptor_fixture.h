/*
 * A worker that accepts (worker/acceptor.h), on a worker fixture: the other workers are figures on the loads
 * page, and the calls by which it accepts and watches the listener fail when the test says so.
 *
 * A test that uses this replaces both calls, so it says so: wrap: accept4 epoll_ctl.
 *
 * Errors: whatever cannot be set up fails the test at once. Owner: accepting_close() closes everything.
 */
#ifndef TESTS_SUPPORT_ACCEPTOR_FIXTURE_H
#define TESTS_SUPPORT_ACCEPTOR_FIXTURE_H

#include "tests/support/worker_fixture.h"
#include "worker/acceptor.h"

#include <stdint.h>

/* The worker under test, and the others of three. */
enum { SLOT_ME = 0, SLOT_OTHER = 1, SLOT_THIRD = 2 };

struct acceptor_fixture {
    struct worker_fixture fixture;
    int add_error;           /* with which the next registration of the listener fails; 0: none */
    int admit_error;         /* with which every registration of a connection fails; 0: none */
    char listener_calls[16]; /* what was done with the listener's registration: A(dd), D(el) */
};

extern struct acceptor_fixture accepting;

/* The acceptor has started, and no call was made yet. */
int accepting_open_alone(void **state);
int accepting_open_unix(void **state);
int accepting_open_among_three(void **state);
int accepting_close(void **state);

void accepting_forget_calls(void);

/* The next accepts fail, so many of them. */
void accepting_fail_accepts(int error, unsigned count);

/* ---- the others ---- */

/* The worker of that slot accepts, and has so many connections. */
void accepting_set_load(unsigned slot, uint32_t connection_count);
void accepting_set_full(unsigned slot);

/* What that worker was poked with since the last look. */
uint64_t accepting_pokes_of(unsigned slot);

/* ---- what happens, and what came of it ---- */

/* So many clients connect; returns when the first waits to be accepted. */
void accepting_connect(int count);

/* One client comes, and the worker has handed it on to the other one. */
void accepting_hand_on_to_other(void);

/* The state is that, and the listener is watched in LISTENER_IN and in no other. */
void accepting_expect_state(enum listener_state state);

uint64_t accepting_counter(enum counter which);

/* How many of the lines that were logged since the last look have that text. */
unsigned accepting_log_lines_with(const char *text);

#endif
