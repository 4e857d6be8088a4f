/* A keeper becomes another image of the program: the same process, with a table of its own, or it stays what it
 * was and says why. And a whole slot that goes over, with its client. */
/* wrap: syscall worker_prepare_table image_exec */
#include "tests/support/cmocka_all.h"

#include "tests/support/keeper_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void exec__ordered__same_process_goes_on_with_a_grown_table_of_its_own(void **state)
{
    pid_t pid;

    (void)state;
    kept_start_both();
    assert_true(kept_a_runs(1));
    pid = kept_pid_of(KEEPER_A);
    kept_order_exec(KEEPER_A, 1, 2);
    kept_wait_until(kept_a_runs, 2);
    assert_string_equal(kept.bend->role, "keeper:0:0:1:2");
    assert_int_equal(kept_pid_of(KEEPER_A), pid);
    assert_true(kept_status_of(pid, "FDSize") >= 2 * KEPT_TABLE_SIZE);
    assert_true(kept_status_of(kept_pid_of(KEEPER_B), "FDSize") < 2 * KEPT_TABLE_SIZE);
    assert_int_equal(atomic_load(&kept.board->keeper_image[KEEPER_B]), 1);
    assert_int_equal(atomic_load(&kept.board->exec_failed[KEEPER_A]), 0);
}

/* Keeper a makes two generations: when it makes the second one, its look for the first one is over. */
static void let_a_look(uint32_t *generation)
{
    for (int i = 0; i < 2; i++) {
        kept_order_worker(KEEPER_A, 1, ++*generation);
        kept_wait_until(kept_worker_is_ready, *generation);
        kept_kill_worker(*generation);
    }
}

static void exec__to_another_keeper_or_to_what_it_is__not_obeyed(void **state)
{
    const uint64_t orders[] = {keeper_order(KEEPER_A, 7, 2), keeper_order(KEEPER_B, 1, 2),
                               keeper_order(KEEPER_A, 1, 1), keeper_order(KEEPER_A, 1, 0)};
    uint32_t generation = 0;

    (void)state;
    kept_start_both();
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        atomic_store(&kept.board->order_exec, orders[i]);
        let_a_look(&generation);
        assert_int_equal(atomic_load(&kept.bend->exec_tries), 0);
    }
    assert_true(kept_a_runs(1));
}

static bool a_could_not_become(uint32_t image)
{
    return atomic_load(&kept.board->exec_failed[KEEPER_A]) == image;
}

static void exec__fails__told_with_the_reason_and_not_tried_again(void **state)
{
    uint32_t generation = 0;

    (void)state;
    kept_start_both();
    atomic_store(&kept.bend->exec_error, ENOEXEC);
    kept_order_exec(KEEPER_A, 1, 2);
    kept_wait_until(a_could_not_become, 2);
    assert_int_equal(atomic_load(&kept.board->exec_error[KEEPER_A]), ENOEXEC);
    let_a_look(&generation); /* the order still stands */
    assert_int_equal(atomic_load(&kept.bend->exec_tries), 1);
    assert_true(kept_a_runs(1));
}

static void exec__fails_and_then_another_image__that_one_is_tried(void **state)
{
    (void)state;
    kept_start_both();
    atomic_store(&kept.bend->exec_error, ENOEXEC);
    kept_order_exec(KEEPER_A, 1, 2);
    kept_wait_until(a_could_not_become, 2);
    atomic_store(&kept.bend->exec_error, 0);
    kept_order_exec(KEEPER_A, 1, 3);
    kept_wait_until(kept_a_runs, 3);
}

static void exec__then_a_twin__is_of_the_new_image(void **state)
{
    (void)state;
    kept_start_both();
    kept_order_exec(KEEPER_A, 1, 2);
    kept_wait_until(kept_a_runs, 2);
    kept_order_leave(KEEPER_B, 1);
    kept_wait_until(kept_b_is_dead, 1);
    kept_order_twin(KEEPER_A, 1, 2);
    kept_wait_until(kept_b_is_ready, 2);
    assert_int_equal(atomic_load(&kept.board->keeper_image[KEEPER_B]), 2);
    assert_true(kept_status_of(kept_pid_of(KEEPER_B), "FDSize") >= 2 * KEPT_TABLE_SIZE);
}

static void resumed__its_parent_is_not_the_master__leaves(void **state)
{
    (void)state;
    kept_start_both();
    kept.fixture.pages->orders.master_pid = 1;
    kept_order_exec(KEEPER_A, 1, 2);
    kept_wait_until(kept_a_is_dead, 1);
    assert_int_equal(atomic_load(&kept.board->keeper_deaths[KEEPER_A].code), CLD_EXITED);
    assert_int_equal(atomic_load(&kept.board->keeper_image[KEEPER_A]), 1);
}

static bool worker_is_made(uint32_t generation)
{
    return board_was_made(&kept.board->worker, generation);
}

/* The whole way: its worker has gone, one keeper goes over, makes a worker that waits, the other one leaves.
 */
static void slot_goes_over__its_client_types_on_and_is_told_of_the_end(void **state)
{
    int client = kept_start_with_client();

    (void)state;
    socket_send_text(client, "before");
    socket_expect_text(client, "BEFORE");
    kept_kill_worker(1);
    socket_send_text(client, "meanwhile");
    kept_order_exec(KEEPER_A, 1, 2);
    kept_wait_until(kept_a_runs, 2);
    kept.board->settings.gated = 1;
    kept_order_worker(KEEPER_A, 1, 2);
    kept_wait_until(worker_is_made, 2);
    kept_order_leave(KEEPER_B, 1);
    kept_wait_until(kept_b_is_dead, 1);
    assert_int_equal(atomic_load(&kept.board->ready_generation), 1);
    assert_int_equal(socket_queued(client), 0);
    atomic_store(&kept.board->go_generation, 2);
    kept_wait_until(kept_worker_is_ready, 2);
    socket_expect_text(client, "MEANWHILE");
    shutdown(client, SHUT_WR);
    socket_expect_end(client); /* no other table holds it open */
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, kept_begin, kept_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exec__ordered__same_process_goes_on_with_a_grown_table_of_its_own),
        TEST(exec__to_another_keeper_or_to_what_it_is__not_obeyed),
        TEST(exec__fails__told_with_the_reason_and_not_tried_again),
        TEST(exec__fails_and_then_another_image__that_one_is_tried),
        TEST(exec__then_a_twin__is_of_the_new_image),
        TEST(resumed__its_parent_is_not_the_master__leaves),
        TEST(slot_goes_over__its_client_types_on_and_is_told_of_the_end),
    };

    return cmocka_run_group_tests_name("keeper_exec", tests, NULL, NULL);
}
