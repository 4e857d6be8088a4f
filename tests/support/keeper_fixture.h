/*
 * A slot with real keepers and a real worker between them, on the table and the pages of a worker fixture. The
 * test itself stands in for the master (it reaps and tells deaths) and for the supervisor (it gives orders). An
 * exec is stood in for, too: the keeper goes on in this program, with a table of its own, twice as large.
 *
 * A test that uses this replaces three calls, so it says so: wrap: syscall worker_prepare_table image_exec.
 *
 * Errors: whatever cannot be set up, and what does not happen in time, fails the test at once. Owner:
 * kept_finish() ends all processes of the slot and closes everything.
 */
#ifndef TESTS_SUPPORT_KEEPER_FIXTURE_H
#define TESTS_SUPPORT_KEEPER_FIXTURE_H

#include "tests/support/worker_fixture.h"
#include "worker/image.h"
#include "worker/keeper.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { KEPT_TABLE_SIZE = 900 }; /* descriptors */

/* Seen by all processes of a test. */
struct keeper_bend {
    shared_i32 clone_error; /* of every clone that shares the table; 0: it works */
    shared_u32 clone_tries;
    shared_i32 table_error;
    shared_i32 exec_error; /* with which an exec fails; 0: it works */
    shared_u32 exec_tries;
    char role[IMAGE_ROLE_SIZE]; /* of the last try */
};

struct keeper_fixture {
    struct worker_fixture fixture;
    struct board *board; /* of the slot */
    struct keeper_bend *bend;
};

extern struct keeper_fixture kept;

/* A slot without anybody, and nothing is bent. */
int kept_begin(void **state);
int kept_finish(void **state);

/* ---- as the master ---- */

/* Reaps and tells deaths until that is so of the argument. */
void kept_wait_until(bool (*happened)(uint32_t), uint32_t argument);

/* Of keeper a or b of a generation; of keeper a and an image; of the worker of a generation. */
bool kept_a_is_ready(uint32_t generation);
bool kept_b_is_ready(uint32_t generation);
bool kept_a_is_dead(uint32_t generation);
bool kept_b_is_dead(uint32_t generation);
bool kept_a_runs(uint32_t image);
bool kept_worker_is_ready(uint32_t generation);

/* ---- as the supervisor ---- */

void kept_make_first_keeper(void);

/* Both keepers, each of generation 1, and ready. */
void kept_start_both(void);

/* Both, and a worker of generation 1 by keeper a; returns a client that is connected to it. */
int kept_start_with_client(void);

void kept_wake(enum keeper_letter letter);

/* Each writes its order on the board and wakes whom it is for. */
void kept_order_worker(enum keeper_letter letter, uint32_t keeper_generation, uint32_t generation);
void kept_order_twin(enum keeper_letter maker, uint32_t maker_generation, uint32_t generation);
void kept_order_exec(enum keeper_letter letter, uint32_t keeper_generation, uint32_t image);
void kept_order_leave(enum keeper_letter letter, uint32_t generation);

/* Ends the worker, which is of that generation, and tells its death. */
void kept_kill_worker(uint32_t generation);

/* ---- what is to be seen of a process ---- */

pid_t kept_pid_of(enum keeper_letter letter);

/* A number of /proc/PID/status. */
long kept_status_of(pid_t pid, const char *key);

#endif
