/* Connections that the worker ends: deadlines, silence, the drain; the time is in the test's hand. */
/* wrap: recv */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/serve.h"

#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

static struct worker_fixture fixture;
static struct worker *const w = &fixture.worker;
static int watched = -1;    /* descriptor whose recv calls are counted */
static unsigned recv_count; /* by the worker, on that descriptor */
static size_t recv_limit;   /* what one of them moves at most */

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    if (fd == watched) {
        recv_count++;
        size = size < recv_limit ? size : recv_limit;
    }
    return __real_recv(fd, bytes, size, flags);
}

static int open_with(struct fixture_options options)
{
    worker_fixture_open(&fixture, options);
    worker_fixture_stop_clock(&fixture);
    watched = -1;
    recv_count = 0;
    recv_limit = SIZE_MAX;
    return 0;
}

static int open_plain(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
}

static int open_small(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.small_buffers = true});
}

static int open_impatient(void **state)
{
    (void)state;
    return open_with(
        (struct fixture_options){.idle_timeout_ms = 1000, .write_timeout_ms = 1000, .small_buffers = true});
}

static int close_all(void **state)
{
    (void)state;
    worker_fixture_close(&fixture);
    return 0;
}

static uint64_t counter(enum counter which)
{
    return worker_fixture_counter(&fixture, which);
}

/* Closing with unread input resets anyway; without it, only a close that means to. */
static void discard_input(int server, int client)
{
    char bytes[4096];

    while (socket_unsent(client) > 0 || socket_queued(server) > 0)
        recv(server, bytes, sizeof bytes, MSG_DONTWAIT);
}

/* ---- clients that do not read ---- */

static void write_deadline__client_never_reads__reset(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    worker_fixture_fill_until_blocked(&fixture, server, client);
    discard_input(server, client);
    w->now_tick += w->conns.deadlines[DEADLINE_WRITE].timeout_ticks - 1;
    serve_tick(w);
    assert_true(socket_is_open(server));
    w->now_tick++;
    serve_tick(w);
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_closed_write), 1);
    socket_expect_reset(client);
}

/* Reads what is there, until the kernel has room to send more: too little for the worker to be woken. */
static void read_a_little(int server, int client)
{
    const struct timespec interval = {.tv_nsec = 200000};
    size_t before = socket_unsent(server);
    char bytes[1024];

    for (int i = 0; i < 10000 && socket_unsent(server) >= before; i++)
        if (recv(client, bytes, sizeof bytes, MSG_DONTWAIT) < 0)
            nanosleep(&interval, NULL);
    assert_true(socket_unsent(server) < before);
}

static void write_deadline__slow_but_reading_client__not_ended(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    worker_fixture_fill_until_blocked(&fixture, server, client);
    for (int i = 0; i < 2 && socket_unsent(server) > 0; i++) {
        read_a_little(server, client);
        worker_fixture_pass_time(&fixture, DEADLINE_WRITE);
        assert_true(socket_is_open(server));
    }
    worker_fixture_pass_time(&fixture, DEADLINE_WRITE); /* and now it has stopped to read */
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_closed_write), 1);
}

static void write_deadline__off__waits_for_ever(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    worker_fixture_fill_until_blocked(&fixture, server, client);
    w->now_tick += 1000000;
    serve_tick(w);
    assert_true(socket_is_open(server));
    assert_false(conn_deadlines_any(&w->conns));
}

/* ---- silence ---- */

static void idle__silent_client__fin_then_closed_when_it_leaves(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    worker_fixture_pass_time(&fixture, DEADLINE_IDLE);
    assert_int_equal(counter(COUNTER_closed_idle), 1);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_LINGERING));
    socket_expect_end(client);
    serve_ready(w);
    assert_true(socket_is_open(server));
    close(client);
    while (socket_is_open(server))
        worker_fixture_turn(&fixture);
    assert_int_equal(w->conns.open_count, 0);
}

static void idle__message__counts_anew(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    w->now_tick += w->conns.deadlines[DEADLINE_IDLE].timeout_ticks - 1;
    socket_send_text(client, "a");
    worker_fixture_serve_until_readable(&fixture, client, 1);
    w->now_tick += w->conns.deadlines[DEADLINE_IDLE].timeout_ticks - 1;
    serve_tick(w);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
    w->now_tick++;
    serve_tick(w);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_LINGERING));
}

/* The worker had no processor time for so long, or was stopped: that is not the client's silence. */
static void idle__message_waits_unserved__answered_not_ended(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    socket_send_text(client, "hello");
    socket_wait_queued(server, 5);
    worker_fixture_pass_time(&fixture, DEADLINE_IDLE);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
    assert_int_equal(counter(COUNTER_closed_idle), 0);
    serve_ready(w);
    socket_expect_text(client, "HELLO");
}

static void idle__off__no_deadline_armed(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    w->now_tick += 1000000;
    serve_tick(w);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
}

/* ---- ending from our side ---- */

/* Closing with unread input would send a RST, which can destroy the answer on its way. */
static void linger__client_goes_on_sending__reads_its_last_answer(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    socket_send_text(client, "a");
    worker_fixture_serve_until_readable(&fixture, client, 1);
    worker_fixture_pass_time(&fixture, DEADLINE_IDLE);
    socket_send_text(client, "not heard any more");
    socket_wait_queued(server, 18);
    worker_fixture_turn(&fixture);
    serve_ready(w);
    assert_int_equal(socket_queued(server), 0);
    assert_int_equal(counter(COUNTER_answered), 1);
    socket_expect_text(client, "A");
    socket_expect_end(client);
}

static void linger__time_is_up__closed(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    worker_fixture_pass_time(&fixture, DEADLINE_IDLE);
    worker_fixture_pass_time(&fixture, DEADLINE_LINGER);
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_closed_idle), 1);
    serve_ready(w); /* its number is in the list still */
    assert_int_equal(w->conns.open_count, 0);
}

static void linger__more_input_than_a_turn_takes__goes_on_later(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    serve_end_all(w);
    serve_ready(w);
    socket_send_text(client, "abcdefghijklmnopqrstabcdefghijklmnopqrst");
    socket_wait_queued(server, 40);
    watched = server;
    recv_limit = 1;
    serve_event(w, server, EPOLLIN);
    assert_int_equal(socket_queued(server), 40 - TURN_CHUNK_COUNT_MAX);
    assert_int_equal(w->conns.ready_count, 1);
    serve_ready(w); /* one turn a round, also for a connection that is alone */
    assert_int_equal(socket_queued(server), 40 - 2 * TURN_CHUNK_COUNT_MAX);
    serve_ready(w);
    assert_int_equal(socket_queued(server), 0);
}

static void end_all__open_and_lingering__each_ended_once(void **state)
{
    int clients[3];

    (void)state;
    worker_fixture_admit(&fixture, &clients[0]);
    worker_fixture_pass_time(&fixture, DEADLINE_IDLE);
    worker_fixture_admit(&fixture, &clients[1]);
    worker_fixture_admit(&fixture, &clients[2]);
    serve_end_all(w);
    assert_int_equal(counter(COUNTER_closed_idle), 1);
    assert_int_equal(counter(COUNTER_closed_drain), 2);
    for (int i = 0; i < 3; i++)
        socket_expect_end(clients[i]);
    worker_fixture_pass_time(&fixture, DEADLINE_LINGER);
    assert_int_equal(w->conns.open_count, 0);
}

/* They lie in the table by their numbers, and some of those are free again. */
static void end_all__gaps_between_the_connections__none_is_passed_over(void **state)
{
    int clients[5], servers[5];

    (void)state;
    for (int i = 0; i < 5; i++)
        servers[i] = worker_fixture_admit(&fixture, &clients[i]);
    close(clients[0]);
    close(clients[1]);
    close(clients[3]);
    while (w->conns.open_count > 2)
        worker_fixture_turn(&fixture);
    serve_end_all(w);
    assert_int_equal(counter(COUNTER_closed_drain), 2);
    assert_true(worker_fixture_state_is(&fixture, servers[0], CONN_CLOSED));
    socket_expect_end(clients[2]);
    socket_expect_end(clients[4]);
    assert_int_equal(w->conns.open_count, 2); /* they linger */
}

static void end_all__no_connections__nothing(void **state)
{
    (void)state;
    serve_end_all(w);
    assert_int_equal(counter(COUNTER_closed_drain), 0);
    assert_int_equal(w->conns.ready_count, 0);
}

static void end_all__table_full_to_its_last_number__that_one_too(void **state)
{
    int client, last = -1;

    (void)state;
    for (uint32_t i = 0; i < w->conns.capacity; i++)
        last = worker_fixture_admit(&fixture, &client);
    assert_int_equal(last, FIRST_CONNECTION + (int)w->conns.capacity - 1);
    serve_end_all(w);
    assert_int_equal(counter(COUNTER_closed_drain), w->conns.capacity);
    socket_expect_end(client);
}

static void end_all__blocked_with_input__thrown_away(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    worker_fixture_fill_until_blocked(&fixture, server, client);
    serve_end_all(w);
    watched = server;
    serve_ready(w);
    assert_true(recv_count > 0);
    assert_false(worker_fixture_is_blocked(&fixture, server));
}

static void reset__any_socket__client_sees_a_reset(void **state)
{
    int client, server = worker_fixture_pair(&fixture, &client);

    (void)state;
    serve_reset(server);
    assert_false(socket_is_open(server));
    socket_expect_reset(client);
}

int main(void)
{
#define PLAIN(test)     cmocka_unit_test_setup_teardown(test, open_plain, close_all)
#define SMALL(test)     cmocka_unit_test_setup_teardown(test, open_small, close_all)
#define IMPATIENT(test) cmocka_unit_test_setup_teardown(test, open_impatient, close_all)
    const struct CMUnitTest tests[] = {
        IMPATIENT(write_deadline__client_never_reads__reset),
        IMPATIENT(write_deadline__slow_but_reading_client__not_ended),
        SMALL(write_deadline__off__waits_for_ever),
        IMPATIENT(idle__silent_client__fin_then_closed_when_it_leaves),
        IMPATIENT(idle__message__counts_anew),
        IMPATIENT(idle__message_waits_unserved__answered_not_ended),
        PLAIN(idle__off__no_deadline_armed),
        IMPATIENT(linger__client_goes_on_sending__reads_its_last_answer),
        IMPATIENT(linger__time_is_up__closed),
        PLAIN(linger__more_input_than_a_turn_takes__goes_on_later),
        IMPATIENT(end_all__open_and_lingering__each_ended_once),
        PLAIN(end_all__gaps_between_the_connections__none_is_passed_over),
        PLAIN(end_all__no_connections__nothing),
        PLAIN(end_all__table_full_to_its_last_number__that_one_too),
        SMALL(end_all__blocked_with_input__thrown_away),
        PLAIN(reset__any_socket__client_sees_a_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
