/* Keepers: whether there can be any here, what the first of a slot sets up, and which orders they obey. */
/* wrap: syscall worker_prepare_table image_exec */
#include "tests/support/cmocka_all.h"

#include "tests/support/keeper_fixture.h"
#include "worker/heritage.h"
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- can it be done here? ---- */

/* In a child, as the clone makes a sibling: its exit is reaped here. */
static int probe_result(void)
{
    int status = -1, result = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(-keeper_probe());
    while (waitpid(-1, &status, 0) > 0)
        if (WEXITSTATUS(status) || result < 0)
            result = WEXITSTATUS(status);
    return result;
}

static void probe__here__possible(void **state)
{
    (void)state;
    assert_int_equal(probe_result(), 0);
    assert_int_equal(atomic_load(&kept.bend->clone_tries), 1);
}

static void probe__forbidden__its_error(void **state)
{
    (void)state;
    atomic_store(&kept.bend->clone_error, EPERM);
    assert_int_equal(probe_result(), EPERM);
}

/* ---- the first of a slot ---- */

static bool has_descriptor(pid_t pid, int fd)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/fd/%d", pid, fd);
    return access(path, F_OK) == 0;
}

static void first__ready__table_grown_and_low_numbers_taken(void **state)
{
    (void)state;
    kept_make_first_keeper();
    kept_wait_until(kept_a_is_ready, 1);
    assert_true(kept_status_of(kept_pid_of(KEEPER_A), "FDSize") >= KEPT_TABLE_SIZE);
    for (int fd = 0; fd < FIRST_CONNECTION; fd++)
        assert_true(has_descriptor(kept_pid_of(KEEPER_A), fd));
    for (int fd = FIRST_CONNECTION; fd < KEPT_TABLE_SIZE; fd++)
        assert_false(has_descriptor(kept_pid_of(KEEPER_A), fd));
    assert_int_equal(getpgid(kept_pid_of(KEEPER_A)), kept_pid_of(KEEPER_A));
}

static void first__table_cannot_be_set_up__leaves_with_that_code(void **state)
{
    (void)state;
    atomic_store(&kept.bend->table_error, -EMFILE);
    kept_make_first_keeper();
    kept_wait_until(kept_a_is_dead, 1);
    assert_int_equal(atomic_load(&kept.board->keeper_deaths[KEEPER_A].status), WORKER_EXIT_SETUP);
    assert_int_equal(atomic_load(&kept.board->keeper_ready[KEEPER_A]), 0);
}

static void first__its_parent_is_not_the_master__leaves(void **state)
{
    (void)state;
    kept.fixture.pages->orders.master_pid = 1;
    kept_make_first_keeper();
    kept_wait_until(kept_a_is_dead, 1);
    assert_int_equal(atomic_load(&kept.board->keeper_deaths[KEEPER_A].code), CLD_EXITED);
    assert_int_equal(atomic_load(&kept.board->keeper_ready[KEEPER_A]), 0);
}

/* ---- orders ---- */

static void order__twin__made_on_the_same_table(void **state)
{
    (void)state;
    kept_start_both();
    assert_true(kept_status_of(kept_pid_of(KEEPER_B), "FDSize") >= KEPT_TABLE_SIZE);
    assert_int_equal(kept_status_of(kept_pid_of(KEEPER_B), "PPid"), getpid());
}

static void order__worker__a_child_of_the_master(void **state)
{
    (void)state;
    kept_start_both();
    kept_order_worker(KEEPER_B, 1, 1);
    kept_wait_until(kept_worker_is_ready, 1);
    assert_int_equal(kept_status_of(atomic_load(&kept.board->worker.pid), "PPid"), getpid());
    assert_int_equal(atomic_load(&kept.board->clone_error), 0);
}

/* Leaving comes after what was ordered before: who has left has looked at its orders. */
static void order__to_another_generation_or_letter__not_obeyed(void **state)
{
    (void)state;
    kept_make_first_keeper();
    kept_wait_until(kept_a_is_ready, 1);
    atomic_store(&kept.board->order_twin, keeper_order(KEEPER_B, 1, 1));
    kept_order_worker(KEEPER_A, 2, 1);
    kept_order_leave(KEEPER_A, 1);
    kept_wait_until(kept_a_is_dead, 1);
    assert_int_equal(atomic_load(&kept.bend->clone_tries), 0);
    assert_int_equal(atomic_load(&kept.board->worker.generation), 0);
}

static void order__seen_many_times__obeyed_once(void **state)
{
    (void)state;
    kept_start_both();
    kept_order_worker(KEEPER_A, 1, 1);
    kept_wait_until(kept_worker_is_ready, 1);
    for (int i = 0; i < 20; i++)
        kept_wake(KEEPER_A);
    kept_order_leave(KEEPER_A, 1);
    kept_wait_until(kept_a_is_dead, 1);
    assert_int_equal(atomic_load(&kept.bend->clone_tries), 2); /* the twin and the worker */
}

static void order__leave__exit_0_and_the_twin_stays(void **state)
{
    (void)state;
    kept_start_both();
    kept_order_leave(KEEPER_A, 1);
    kept_wait_until(kept_a_is_dead, 1);
    assert_int_equal(atomic_load(&kept.board->keeper_deaths[KEEPER_A].code), CLD_EXITED);
    assert_int_equal(atomic_load(&kept.board->keeper_deaths[KEEPER_A].status), 0);
    kept_order_worker(KEEPER_B, 1, 1);
    kept_wait_until(kept_worker_is_ready, 1);
}

static void order__leave_to_an_older_generation__not_obeyed(void **state)
{
    (void)state;
    kept_start_both();
    assert_int_equal(kill(kept_pid_of(KEEPER_A), SIGKILL), 0);
    kept_wait_until(kept_a_is_dead, 1);
    kept_order_twin(KEEPER_B, 1, 2);
    kept_wait_until(kept_a_is_ready, 2);
    kept_order_leave(KEEPER_A, 1);
    kept_order_worker(KEEPER_A, 2, 1);
    kept_wait_until(kept_worker_is_ready, 1);
}

/* Whatever anybody sends, it means only: look at your orders. */
static void signals__of_every_kind__harmless(void **state)
{
    const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR2, SIGALRM, SIGPIPE, SIGTSTP, SIGRTMIN};

    (void)state;
    kept_start_both();
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        assert_int_equal(kill(kept_pid_of(KEEPER_A), signals[i]), 0);
    kept_order_worker(KEEPER_A, 1, 1);
    kept_wait_until(kept_worker_is_ready, 1);
}

static bool clone_was_tried(uint32_t count)
{
    return atomic_load(&kept.bend->clone_tries) >= count;
}

static void clone__fails__noted_and_tried_again_unasked(void **state)
{
    (void)state;
    kept_start_both();
    atomic_store(&kept.bend->clone_error, EAGAIN);
    kept_order_worker(KEEPER_A, 1, 1);
    kept_wait_until(clone_was_tried, 4);
    assert_int_equal(atomic_load(&kept.board->clone_error), EAGAIN);
    assert_int_equal(atomic_load(&kept.board->worker.pid), 0);
    atomic_store(&kept.bend->clone_error, 0);
    kept_wait_until(kept_worker_is_ready, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, kept_begin, kept_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(probe__here__possible),
        TEST(probe__forbidden__its_error),
        TEST(first__ready__table_grown_and_low_numbers_taken),
        TEST(first__table_cannot_be_set_up__leaves_with_that_code),
        TEST(first__its_parent_is_not_the_master__leaves),
        TEST(order__twin__made_on_the_same_table),
        TEST(order__worker__a_child_of_the_master),
        TEST(order__to_another_generation_or_letter__not_obeyed),
        TEST(order__seen_many_times__obeyed_once),
        TEST(order__leave__exit_0_and_the_twin_stays),
        TEST(order__leave_to_an_older_generation__not_obeyed),
        TEST(signals__of_every_kind__harmless),
        TEST(clone__fails__noted_and_tried_again_unasked),
    };

    return cmocka_run_group_tests_name("keeper", tests, NULL, NULL);
}
