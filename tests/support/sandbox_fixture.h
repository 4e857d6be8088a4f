/*
 * Children that apply the sandbox (worker/sandbox.h) and try something in it; the board and the wait status say
 * what became of it. And kernels that do not know a step, or fail in it.
 *
 * A test that uses this replaces five calls, so it says so: wrap: syscall mprotect setrlimit prctl sysconf. They
 * are the kernel's own until the test bends them.
 *
 * Errors: confined_begin() fails if there is no memory; later failures fail the test. Owner: confined_finish()
 * unmaps the pages. Plan and permission stay as a test has left them: whoever changes them puts them back.
 */
#ifndef TESTS_SUPPORT_SANDBOX_FIXTURE_H
#define TESTS_SUPPORT_SANDBOX_FIXTURE_H

#include "worker/board.h"
#include "worker/sandbox.h"

#include <stdbool.h>

enum { CONFINED_SLOT = 1, CONFINED_GENERATION = 3, CONFINED_SURVIVED = 0 };

struct sandbox_fixture {
    struct shared_pages *pages;
    struct board *board; /* of the child's slot */
    struct sandbox_plan plan;
    bool core_allowed;
    struct {
        long number; /* of the system call that fails; 0: none */
        bool mprotect, setrlimit, prctl;
        int error;
        long page_size; /* 0: the true one */
    } bend;
};

extern struct sandbox_fixture confined;

/* Fresh pages, and nothing is bent. */
int confined_begin(void **state);
int confined_finish(void **state);

/* Are there lists of system calls here at all? */
bool confined_has_seccomp(void);

/* The signal that has ended a child which did this in its sandbox; 0: none. */
int confined_signal_of(int (*step)(void));

/* Its exit code, which is what the step returns; a negative signal number if it has not exited. */
int confined_code_of(int (*step)(void));

/* What the last child has told of that step. */
enum sandbox_result confined_result_of(enum sandbox_step step);

/* Something to try that is nothing. */
int confined_do_nothing(void);

#endif
