/* A worker's life: how it is born, by which settings, past which gate, and how it leaves. */
/* wrap: conn_table_init epoll_ctl */
#include "tests/support/cmocka_all.h"

#include "tests/support/life_fixture.h"
#include "worker/heritage.h"
#include "worker/recover.h"
#include "worker/service.h"
#include "worker/worker.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_MET, MET_BEFORE_READY, MET_READY };
enum { SECOND_SLICE = FIRST_CONNECTION + RECOVER_SLICE_COUNT };

/* ---- what the worker is seen to do ---- */

int __real_conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts);
int __wrap_conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts);

int __wrap_conn_table_init(struct conn_table *table, uint32_t capacity, struct conn_timeouts timeouts)
{
    atomic_store(&life.seen->capacity, capacity);
    return __real_conn_table_init(table, capacity, timeouts);
}

int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    if (fd == SECOND_SLICE && operation == EPOLL_CTL_MOD)
        atomic_store(&life.seen->second_slice,
                     atomic_load(&life.board->ready_generation) == FIXTURE_GENERATION ? MET_READY
                                                                                      : MET_BEFORE_READY);
    return __real_epoll_ctl(set, operation, fd, event);
}

/* ---- a life ---- */

static void life__serves_until_told_to_leave(void **state)
{
    (void)state;
    life_start();
    life_wait_ready();
    int client = worker_fixture_connect(&life.fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "HELLO");
    life_order_to_leave();
    close(client);
    life_expect_left();
    assert_int_equal(worker_fixture_counter(&life.fixture, COUNTER_accepted), 1);
    assert_int_equal(worker_fixture_counter(&life.fixture, COUNTER_closed_fin), 1);
}

static void life__told_to_leave_with_a_client__leaves_after_it(void **state)
{
    (void)state;
    life_start();
    life_wait_ready();
    int client = worker_fixture_connect(&life.fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "HELLO");
    life_order_to_leave();
    socket_send_text(client, "still there?");
    socket_expect_text(client, "STILL THERE?");
    assert_int_equal(waitpid(life.fixture.loop_pid, NULL, WNOHANG), 0);
    assert_int_equal(atomic_load(&life.board->left_generation), 0);
    close(client);
    life_expect_left();
}

/* Nobody pokes it: it looks by itself. */
static void birth__order_given_before__is_obeyed(void **state)
{
    (void)state;
    atomic_store(&life.board->order, ORDER_LEAVE);
    life_start();
    life_expect_left();
}

/* Whether this generation was of any use is judged by what was answered after its start. */
static void birth__announced__with_time_and_counts(void **state)
{
    (void)state;
    counter_add(life.fixture.worker.cell, COUNTER_answered, 41);
    atomic_store(&life.fixture.worker.cell->connection_count, 17); /* of the last one, who died */
    life_start();
    life_wait_ready();
    assert_true(atomic_load(&life.board->ready_ns) > 0);
    assert_int_equal(atomic_load(&life.board->answered_at_start), 41);
    assert_int_equal(atomic_load(&life.fixture.worker.cell->connection_count), 0);
    assert_int_equal(atomic_load(&life.fixture.worker.cell->accepting_generation), FIXTURE_GENERATION);
}

static void birth__settings_say_another_service__it_serves_that(void **state)
{
    (void)state;
    life.board->settings.service_index = 1;
    assert_string_equal(service_at(1)->name, "echo");
    life_start();
    life_wait_ready();
    int client = worker_fixture_connect(&life.fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "hello");
}

/* One number more than connections: the client too many is told so, not left waiting. */
static void birth__settings_say_one_connection__the_second_is_reset(void **state)
{
    (void)state;
    life.board->settings.connection_count_max = 1;
    life_start();
    life_wait_ready();
    int first = worker_fixture_connect(&life.fixture);
    socket_send_text(first, "one");
    socket_expect_text(first, "ONE");
    socket_expect_reset(worker_fixture_connect(&life.fixture));
    socket_send_text(first, "two");
    socket_expect_text(first, "TWO");
}

/* A reload may have lowered the limit: the connections of before still need their places. */
static void birth__settings_say_less_than_the_table_holds__room_for_all(void **state)
{
    (void)state;
    life.board->settings.connection_room = 20;
    life.board->settings.connection_count_max = 7;
    life_start();
    life_wait_ready();
    assert_int_equal(atomic_load(&life.seen->capacity), 20 + 1);
}

static void birth__settings_say_more_than_the_table_held__room_for_all(void **state)
{
    (void)state;
    life.board->settings.connection_room = 5;
    life.board->settings.connection_count_max = 7;
    life_start();
    life_wait_ready();
    assert_int_equal(atomic_load(&life.seen->capacity), 7 + 1);
}

static void live_on_large_table(enum recover_how how)
{
    life.board->settings.connection_room = 2 * RECOVER_SLICE_COUNT;
    life.board->settings.recover_how = how;
    atomic_store(&life.board->highest, SECOND_SLICE + 1);
    life_start();
    life_wait_ready();
    int client = worker_fixture_connect(&life.fixture);
    socket_send_text(client, "hello");
    socket_expect_text(client, "HELLO");
    life_order_to_leave();
    close(client);
    life_expect_left();
}

static void birth__large_table__ready_after_its_first_slice(void **state)
{
    (void)state;
    live_on_large_table(RECOVER_ALL);
    assert_int_equal(atomic_load(&life.seen->second_slice), MET_READY);
}

/* Should it die before it has obeyed, the next one must be told again: the policy does so for one that was not ready. */
static void birth__large_table_and_a_reset__ready_after_all(void **state)
{
    (void)state;
    live_on_large_table(RECOVER_RESET_SUSPECT);
    assert_int_equal(atomic_load(&life.seen->second_slice), MET_BEFORE_READY);
}

/* Who crashes it again must not be forgiven for what others were answered early. */
static void birth__large_table_and_a_suspect__ready_after_all(void **state)
{
    (void)state;
    life.board->settings.suspect = FIRST_CONNECTION;
    live_on_large_table(RECOVER_ALL);
    assert_int_equal(atomic_load(&life.seen->second_slice), MET_BEFORE_READY);
}

/* ---- the gate ---- */

static void arrange_gate(pid_t master_pid)
{
    life.board->settings.gated = 1;
    life.fixture.pages->orders.master_pid = master_pid;
    atomic_store(&life.board->go_generation, FIXTURE_GENERATION - 1); /* the last one's */
}

/* Somebody still holds a copy of the table: nothing of it may be touched, nor anybody accepted. */
static void gate__closed__nothing_is_done_until_it_opens(void **state)
{
    struct pollfd supervisor = {.fd = FD_SUPERVISOR, .events = POLLIN};

    (void)state;
    arrange_gate(getpid());
    life_start();
    int client = worker_fixture_connect(&life.fixture);
    socket_send_text(client, "hello");
    assert_int_equal(poll(&supervisor, 1, 50), 0);
    assert_int_equal(atomic_load(&life.board->ready_generation), 0);
    atomic_store(&life.board->go_generation, FIXTURE_GENERATION); /* without a wake-up: it looks by itself */
    life_wait_ready();
    socket_expect_text(client, "HELLO");
}

static void gate__opened_before__is_passed(void **state)
{
    (void)state;
    arrange_gate(0); /* waiting would end it */
    atomic_store(&life.board->go_generation, FIXTURE_GENERATION);
    life_start();
    life_wait_ready();
}

static void gate__master_is_dead__leaves(void **state)
{
    (void)state;
    arrange_gate(getppid());
    life_start();
    assert_int_equal(life_end(), WORKER_EXIT_SETUP);
    assert_int_equal(atomic_load(&life.board->ready_generation), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, life_open, life_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(life__serves_until_told_to_leave),
        TEST(life__told_to_leave_with_a_client__leaves_after_it),
        TEST(birth__order_given_before__is_obeyed),
        TEST(birth__announced__with_time_and_counts),
        TEST(birth__large_table__ready_after_its_first_slice),
        TEST(birth__large_table_and_a_reset__ready_after_all),
        TEST(birth__large_table_and_a_suspect__ready_after_all),
        TEST(birth__settings_say_another_service__it_serves_that),
        TEST(birth__settings_say_one_connection__the_second_is_reset),
        TEST(birth__settings_say_less_than_the_table_holds__room_for_all),
        TEST(birth__settings_say_more_than_the_table_held__room_for_all),
        TEST(gate__closed__nothing_is_done_until_it_opens),
        TEST(gate__opened_before__is_passed),
        TEST(gate__master_is_dead__leaves),
    };

    return cmocka_run_group_tests_name("worker", tests, NULL, NULL);
}
