/* Deaths in a slot: of the worker, of the keepers, of all three, and of the master; and what a client sees. */
/* wrap: syscall worker_prepare_table image_exec */
#include "tests/support/cmocka_all.h"

#include "tests/support/keeper_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- one at a time ---- */

static void worker_killed__ten_times__its_client_types_on(void **state)
{
    int client = kept_start_with_client();

    (void)state;
    for (uint32_t generation = 1; generation <= 10; generation++) {
        socket_send_text(client, "hello");
        socket_expect_text(client, "HELLO");
        kept_kill_worker(generation);
        socket_send_text(client, "while it is dead");
        kept_order_worker(generation % 2 ? KEEPER_B : KEEPER_A, 1, generation + 1);
        socket_expect_text(client, "WHILE IT IS DEAD");
        kept_wait_until(kept_worker_is_ready, generation + 1);
        assert_int_equal(atomic_load(&kept.board->recovered.continued), 1);
    }
    assert_int_equal(worker_fixture_counter(&kept.fixture, COUNTER_accepted), 1);
}

static void keepers_killed__one_after_the_other__each_makes_the_other_anew(void **state)
{
    int client = kept_start_with_client();

    (void)state;
    socket_send_text(client, "a");
    socket_expect_text(client, "A");
    assert_int_equal(kill(kept_pid_of(KEEPER_A), SIGKILL), 0);
    kept_wait_until(kept_a_is_dead, 1);
    kept_order_twin(KEEPER_B, 1, 2);
    kept_wait_until(kept_a_is_ready, 2);
    assert_int_equal(kill(kept_pid_of(KEEPER_B), SIGKILL), 0);
    kept_wait_until(kept_b_is_dead, 1);
    kept_kill_worker(1);
    kept_order_worker(KEEPER_A, 2, 2);
    socket_send_text(client, "b");
    socket_expect_text(client, "B");
}

/* ---- all three, and the master ---- */

static void all_three_killed__the_table_is_gone(void **state)
{
    int client = kept_start_with_client();
    char byte;

    (void)state;
    socket_send_text(client, "a");
    socket_expect_text(client, "A");
    kill(kept_pid_of(KEEPER_A), SIGKILL);
    kill(kept_pid_of(KEEPER_B), SIGKILL);
    kept_wait_until(kept_a_is_dead, 1);
    kept_wait_until(kept_b_is_dead, 1);
    socket_send_text(client, "b");
    socket_expect_text(client, "B"); /* the worker alone serves on */
    kept_kill_worker(1);
    /* By FIN or, had it not taken "b" yet, by RST. */
    assert_true(recv(client, &byte, 1, 0) == 0 || errno == ECONNRESET);
}

/* A slot without its master is drained, not kept. The master is a child here, and we inherit its orphan. */
static void master_died__keeper_follows(void **state)
{
    int status = -1;
    pid_t keeper, master;

    (void)state;
    assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
    master = fork();
    if (master == 0) {
        kept.fixture.pages->orders.master_pid = getpid();
        kept_make_first_keeper();
        for (;;)
            pause();
    }
    kept_wait_until(kept_a_is_ready, 1);
    keeper = kept_pid_of(KEEPER_A);
    kill(master, SIGKILL);
    assert_int_equal(waitpid(master, NULL, 0), master);
    assert_int_equal(waitpid(keeper, &status, 0), keeper);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, kept_begin, kept_finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(worker_killed__ten_times__its_client_types_on),
        TEST(keepers_killed__one_after_the_other__each_makes_the_other_anew),
        TEST(all_three_killed__the_table_is_gone),
        TEST(master_died__keeper_follows),
    };

    return cmocka_run_group_tests_name("keeper_deaths", tests, NULL, NULL);
}
