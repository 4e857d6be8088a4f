/* The event loop on its way out: told to drain or to leave, without a master, or making room for a successor. */
#include "tests/unit/test_loop.h"

#include "worker/log.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/wait.h>

static void expect_left_in_order(void)
{
    int status = worker_fixture_join_loop(&fixture);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static bool connect_is_refused(void)
{
    int fd = socket(fixture.address.ss_family, SOCK_STREAM, 0);
    bool refused =
        connect(fd, (struct sockaddr *)&fixture.address, fixture.address_length) < 0 && errno == ECONNREFUSED;

    close(fd);
    return refused;
}

/* That nothing happens takes time to see: the loop looks at its deadlines once a tick. */
static void expect_nothing_for_a_tick(int client)
{
    struct pollfd poller = {.fd = client, .events = POLLIN};

    assert_int_equal(poll(&poller, 1, 2 * TICK_MS), 0);
}

static void expect_not_watched(int fd)
{
    struct epoll_event event = {.events = EPOLLIN};

    assert_int_equal(epoll_ctl(FD_EPOLL, EPOLL_CTL_MOD, fd, &event), -1);
    assert_int_equal(errno, ENOENT);
}

/* ---- leaving ---- */

static void drain__nobody_connected__leaves_and_frees_the_port(void **state)
{
    (void)state;
    order(ORDER_DRAIN, 60000);
    worker_fixture_start_loop(&fixture);
    expect_left_in_order();
    assert_true(connect_is_refused());
}

static void drain__client_stays_a_while__served_to_its_end(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    order(ORDER_DRAIN, 60000);
    expect_served(client);
    assert_true(connect_is_refused());
    expect_nothing_for_a_tick(client);
    expect_served(client);
    close(client);
    expect_left_in_order();
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_closed_fin), 1);
}

static void drain__deadline__client_gets_fin(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    order(ORDER_DRAIN, 1);
    socket_expect_end(client);
    close(client);
    expect_left_in_order();
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_closed_drain), 1);
}

static void leave__client_stays_a_while__listener_untouched(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    order(ORDER_LEAVE, 0);
    expect_served(client);
    assert_false(connect_is_refused());
    close(client);
    expect_left_in_order();
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_accepted), 1);
}

static void leave__then_the_service_is_stopped__deadline_holds(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    order(ORDER_LEAVE, 0);
    expect_served(client);
    order(ORDER_DRAIN, 1);
    socket_expect_end(client);
    close(client);
    expect_left_in_order();
}

static void master_dies__port_free_at_once_and_clients_served_to_the_deadline(void **state)
{
    char line[LOG_TEXT_LENGTH_MAX + 1];

    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    while (worker_fixture_read_log(line, sizeof line))
        ;
    write_number(FD_MASTER, 1);
    expect_served(client);
    assert_true(connect_is_refused());
    expect_not_watched(FD_MASTER); /* it is readable for ever */
    assert_true(worker_fixture_read_log(line, sizeof line));
    assert_string_equal(line, "event=master_died slot=0 connections=1");
    socket_expect_end(client); /* after the drain timeout of its settings */
    close(client);
    expect_left_in_order();
}

static void run__log_pipe_full__lost_lines_counted(void **state)
{
    char junk[4096] = {0};

    (void)state;
    while (write(FD_LOG, junk, sizeof junk) > 0)
        ;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    write_number(FD_MASTER, 1);
    close(client);
    expect_left_in_order();
    assert_int_equal(atomic_load(&w->cell->log_lost), 2); /* accepted, master_died */
}

/* ---- making room for a successor, and coming back ---- */

static void order_handover(uint32_t generation)
{
    atomic_store(&w->board->handover_generation, generation);
    write_number(FD_POKE, POKE_LOOK);
}

/* Unlike leaving, which waits for the last client: a successor on the same table serves them on. */
static void handover__client_is_connected__ends_at_once_and_accepts_no_more(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    expect_served(worker_fixture_connect(&fixture));
    order_handover(FIXTURE_GENERATION);
    expect_left_in_order();
    assert_int_equal(atomic_load(&w->cell->accepting_generation), 0);
    assert_int_equal(atomic_load(&w->cell->connection_count), 1);
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_closed_fin), 0);
    expect_not_watched(FD_LISTENER);
}

static void handover__meant_for_the_generation_before__serves_on(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    order_handover(FIXTURE_GENERATION - 1);
    atomic_store(&w->board->ping_asked, 5);
    write_number(FD_POKE, POKE_LOOK);
    expect_served(client);
    assert_int_equal(atomic_load(&w->board->ping_answered), 5); /* it has looked */
    expect_served(worker_fixture_connect(&fixture));
}

static void leave__taken_back_in_time__accepts_again(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    order(ORDER_LEAVE, 0);
    expect_served(client);
    assert_int_equal(atomic_load(&w->cell->accepting_generation), 0);
    order(ORDER_SERVE, 0);
    expect_served(client);
    assert_int_equal(atomic_load(&w->cell->accepting_generation), FIXTURE_GENERATION);
    close(client);
    expect_served(worker_fixture_connect(&fixture));
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_accepted), 2);
}

/* The listener is shut down: there is nothing to come back to. */
static void drain__told_to_serve_again__goes_on_leaving(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    order(ORDER_DRAIN, 60000);
    expect_served(client);
    order(ORDER_SERVE, 0);
    expect_served(client);
    close(client);
    expect_left_in_order();
    assert_int_equal(atomic_load(&w->cell->accepting_generation), 0);
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_all)
    const struct CMUnitTest tests[] = {
        PLAIN(drain__nobody_connected__leaves_and_frees_the_port),
        PLAIN(drain__client_stays_a_while__served_to_its_end),
        PLAIN(drain__deadline__client_gets_fin),
        PLAIN(leave__client_stays_a_while__listener_untouched),
        PLAIN(leave__then_the_service_is_stopped__deadline_holds),
        PLAIN(master_dies__port_free_at_once_and_clients_served_to_the_deadline),
        PLAIN(run__log_pipe_full__lost_lines_counted),
        PLAIN(handover__client_is_connected__ends_at_once_and_accepts_no_more),
        PLAIN(handover__meant_for_the_generation_before__serves_on),
        PLAIN(leave__taken_back_in_time__accepts_again),
        PLAIN(drain__told_to_serve_again__goes_on_leaving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
