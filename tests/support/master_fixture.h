/*
 * The master in a process of its own, with supervisors that are stood in for: each generation does what its
 * test says, the ones beyond finish the service. Time is the kernel's and what the test adds to it.
 *
 * A test that uses this replaces these calls, so it says so: wrap: reactor_main fork sigtimedwait clock_gettime.
 *
 * What supervisors may call is said; all else is the test's own process's. In a supervisor no assertion is of
 * use: it ends with a code of 97 or more, and the test sees another generation than it should.
 *
 * Errors: whatever cannot be set up fails the test at once. Owner: master_fixture_close() ends the master, with
 * it its supervisors, and removes the log.
 */
#ifndef TESTS_SUPPORT_MASTER_FIXTURE_H
#define TESTS_SUPPORT_MASTER_FIXTURE_H

#include "master/master.h"
#include "master/options.h"
#include "tests/support/worker_fixture.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MASTER_DEADLINE_MS = 10000, MASTER_GENERATIONS_MAX = 4, MASTER_WORKER_GENERATION = 5 };

/* Seen by all processes of a test. */
struct master_shared {
    shared_i64 clock_offset_ms;
    shared_u32 forks_that_fail;
    shared_u32 supervisors;  /* made so far */
    shared_u32 master_waits; /* 1: in the one place where it does */
    shared_u32 may_go_on;    /* what a supervisor waits for that lives until the test has seen something */
    shared_i32 sibling_pid;  /* of the last process that a supervisor has made */
    shared_u32 told_before_reaped; /* where waitid is replaced: deaths that stood on the board by then */
    shared_u32 images_tried;       /* where image_exec is replaced: so often, and as what the last time */
    char image_role[32];
};

struct master_fixture {
    struct worker_fixture worker;
    struct shared_pages *pages; /* the worker's */
    struct board *board;        /* likewise */
    struct master_shared *shared;
    struct options options;
    struct service_setup setup;
    pid_t pid;       /* 0: does not run */
    bool has_no_log; /* the master */
    char log_path[32], log_text[65536];

    /* What each generation of the supervisor does, counted from 1. */
    void (*script[MASTER_GENERATIONS_MAX])(void);
};

extern struct master_fixture master;

int master_fixture_open(void **state);
int master_fixture_close(void **state);

void master_fixture_start(void);

/* Its end comes by itself, with the exit code that the service was finished with, and what it and the
 * supervisors said stands in the log then. */
void master_fixture_expect_end(void);

/* Both of it. */
void master_fixture_run(void);

/* ---- waiting ---- */

/* Until that is true or the deadline has passed: false. In any process. */
bool master_fixture_wait_until(bool (*happened)(void));

bool master_fixture_first_supervisor_runs(void);
bool master_fixture_may_go_on(void);
bool master_fixture_worker_death_is_told(void);

/* A signal makes the master go round its loop: it counts it, looks, and waits again. */
void master_fixture_let_it_look(void);

/* ---- what supervisors do ---- */

_Noreturn void master_fixture_finish_service(void);
void master_fixture_exit_3(void);

/* With ticks, until the test lets it go on. */
void master_fixture_live_until_told(void);

/* As a keeper makes it: a child of the master, whose number stands in the cell before it runs. */
void master_fixture_make_sibling(struct birth_cell *cell, uint32_t generation, int exit_code);

/* The death of the worker; the test may call it, too. */
void master_fixture_take_death(void);

/* ---- the log, after the end ---- */

int master_fixture_count_in_log(const char *text);
void master_fixture_expect_in_log(const char *text);

#endif
