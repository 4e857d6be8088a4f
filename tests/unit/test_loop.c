/*
 * The event loop in a process of its own, as in a real worker: how it begins, and what it does while it serves. How it ends is
 * in test_loop_leave.c.
 */
/* wrap: epoll_ctl */
#include "tests/unit/test_loop.h"

#include "worker/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

static int refused_fd; /* that epoll takes no registration of */

int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    if (fd != refused_fd || operation != EPOLL_CTL_ADD)
        return __real_epoll_ctl(set, operation, fd, event);
    errno = ENOSPC;
    return -1;
}

static int open_willing(void **state)
{
    refused_fd = -1;
    return open_plain(state);
}

static int open_impatient(void **state)
{
    (void)state;
    refused_fd = -1;
    return open_with((struct fixture_options){.idle_timeout_ms = 1});
}

/* ---- while others are taken over ---- */

/* Whoever waits for us must not take us for one that hangs; all else may wait, and is told again. */
static void answer__connect_ping_and_order__answers_the_ping_and_leaves_the_rest(void **state)
{
    struct epoll_event events[4];
    int client = worker_fixture_connect(&fixture);

    (void)state;
    atomic_store(&w->board->ping_asked, 5);
    order(ORDER_LEAVE, 0);
    socket_wait_events(FD_LISTENER, POLLIN);
    loop_answer(w);
    assert_int_equal(atomic_load(&w->board->ping_answered), 5);
    assert_true(atomic_load(&w->board->ping_answered_ns) > 0);
    assert_false(w->draining);
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(epoll_wait(FD_EPOLL, events, 4, FIXTURE_DEADLINE_MS), 2);
    close(client);
}

static void answer__after_it__board_names_no_connection(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    w->recovery.last = server;
    socket_send_text(client, "hello");
    socket_wait_queued(server, 5);
    loop_answer(w);
    socket_expect_text(client, "HELLO");
    assert_int_equal(atomic_load(&w->board->current), 0);
}

/* ---- registration ---- */

static void init__registrations_of_an_earlier_worker__replaced(void **state)
{
    struct epoll_event event;

    (void)state;
    assert_int_equal(loop_init(w), 0);
    write_number(FD_POKE, 1);
    assert_int_equal(epoll_wait(FD_EPOLL, &event, 1, FIXTURE_DEADLINE_MS), 1);
    assert_int_equal(event.data.u64, FD_POKE);
}

static void init__kernel_refuses__negative_errno(void **state)
{
    const int own[] = {FD_POKE, FD_TICK, FD_MASTER};

    (void)state;
    for (int i = 0; i < 3; i++) {
        refused_fd = own[i];
        assert_int_equal(loop_init(w), -ENOSPC);
    }
}

/* ---- serving ---- */

static void run__clients__accepted_and_served(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int first = worker_fixture_connect(&fixture);
    expect_served(first);
    int second = worker_fixture_connect(&fixture);
    expect_served(second);
    expect_served(first);
    assert_int_equal(atomic_load(&w->cell->connection_count), 2);
}

static void run__connection_in_the_ready_list__served_without_a_further_event(void **state)
{
    struct epoll_event event;
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    socket_send_text(client, "hello");
    assert_int_equal(epoll_wait(FD_EPOLL, &event, 1, FIXTURE_DEADLINE_MS), 1); /* the one edge */
    conn_ready_push(&w->conns, conn_find(&w->conns, server));
    worker_fixture_start_loop(&fixture);
    socket_expect_text(client, "HELLO");
}

static void run__between_connections__board_names_none(void **state)
{
    const struct timespec interval = {.tv_nsec = 200000};

    (void)state;
    worker_fixture_start_loop(&fixture);
    expect_served(worker_fixture_connect(&fixture));
    for (int i = 0; i < 10000 && atomic_load(&w->board->current) != 0; i++)
        nanosleep(&interval, NULL);
    assert_int_equal(atomic_load(&w->board->current), 0);
}

static void run__ping__answered(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    atomic_store(&w->board->ping_asked, 5);
    write_number(FD_POKE, POKE_LOOK);
    expect_served(client);
    assert_int_equal(atomic_load(&w->board->ping_answered), 5);
}

/* Orders poke too: the time of an answer that was given long ago must not be that of the order. */
static void run__poked_for_an_order__answer_to_the_last_ping_keeps_its_time(void **state)
{
    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    expect_served(client);
    atomic_store(&w->board->ping_asked, 5);
    write_number(FD_POKE, POKE_LOOK);
    expect_served(client);
    int64_t answered_ns = atomic_load(&w->board->ping_answered_ns);
    assert_true(answered_ns > 0 && answered_ns <= clock_now_ns());
    write_number(FD_POKE, POKE_LOOK);
    expect_served(client);
    assert_int_equal(atomic_load(&w->board->ping_answered_ns), answered_ns);
}

static void run__poked__end_of_a_burst_told(void **state)
{
    char line[LOG_TEXT_LENGTH_MAX + 1];

    (void)state;
    w->acceptor.log.suppressed = 4;
    write_number(FD_POKE, POKE_LOOK);
    worker_fixture_start_loop(&fixture);
    socket_wait_events(FD_LOG_READ, POLLIN);
    assert_true(worker_fixture_read_log(line, sizeof line));
    assert_non_null(strstr(line, " count=4"));
}

static void run__connection_handed_on_to_us__accepted(void **state)
{
    (void)state;
    __real_epoll_ctl(FD_EPOLL, EPOLL_CTL_DEL, FD_LISTENER, NULL); /* nothing else would tell of it */
    w->acceptor.state = LISTENER_OUT;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    write_number(FD_POKE, POKE_ACCEPT);
    expect_served(client);
}

static void run__room_again_after_being_full__accepts(void **state)
{
    (void)state;
    __real_epoll_ctl(FD_EPOLL, EPOLL_CTL_DEL, FD_LISTENER, NULL);
    w->acceptor.state = LISTENER_FULL;
    write_number(FD_POKE, POKE_LOOK); /* any event: the loop turns once */
    worker_fixture_start_loop(&fixture);
    expect_served(worker_fixture_connect(&fixture));
}

static int64_t tick_interval_ns(void)
{
    struct itimerspec spec;

    assert_int_equal(timerfd_gettime(FD_TICK, &spec), 0);
    return spec.it_interval.tv_nsec;
}

static void run__idle_client__ended_and_then_no_more_ticks(void **state)
{
    const struct timespec interval = {.tv_nsec = 1000000};

    (void)state;
    worker_fixture_start_loop(&fixture);
    int client = worker_fixture_connect(&fixture);
    socket_expect_end(client);
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_closed_idle), 1);
    close(client);
    for (int i = 0; i < 20 * TICK_MS && tick_interval_ns() > 0; i++)
        nanosleep(&interval, NULL);
    assert_int_equal(tick_interval_ns(), 0);
}

int main(void)
{
#define PLAIN(test)     cmocka_unit_test_setup_teardown(test, open_willing, close_all)
#define IMPATIENT(test) cmocka_unit_test_setup_teardown(test, open_impatient, close_all)
    const struct CMUnitTest tests[] = {
        PLAIN(answer__connect_ping_and_order__answers_the_ping_and_leaves_the_rest),
        PLAIN(answer__after_it__board_names_no_connection),
        PLAIN(init__registrations_of_an_earlier_worker__replaced),
        PLAIN(init__kernel_refuses__negative_errno),
        PLAIN(run__clients__accepted_and_served),
        PLAIN(run__connection_in_the_ready_list__served_without_a_further_event),
        PLAIN(run__between_connections__board_names_none),
        PLAIN(run__ping__answered),
        PLAIN(run__poked_for_an_order__answer_to_the_last_ping_keeps_its_time),
        PLAIN(run__poked__end_of_a_burst_told),
        PLAIN(run__connection_handed_on_to_us__accepted),
        PLAIN(run__room_again_after_being_full__accepts),
        IMPATIENT(run__idle_client__ended_and_then_no_more_ticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
