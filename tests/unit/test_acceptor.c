/* Accepting, from start to end: how the listener is watched, who is taken from its queue and told of, how a
 * worker leaves it for good, and how it comes back. */
/* wrap: accept4 epoll_ctl */
#include "tests/support/cmocka_all.h"

#include "tests/support/acceptor_fixture.h"
#include "worker/heritage.h"
#include "worker/log.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <unistd.h>

int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

static struct worker *const w = &accepting.fixture.worker;

/* ---- start ---- */

static void start__registration_of_an_earlier_worker__replaced(void **state)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 999};

    (void)state;
    __real_epoll_ctl(FD_EPOLL, EPOLL_CTL_DEL, FD_LISTENER, NULL);
    __real_epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, FD_LISTENER, &event);
    acceptor_start(w);
    accepting_expect_state(LISTENER_IN);
    accepting_connect(1);
    assert_int_equal(epoll_wait(FD_EPOLL, &event, 1, FIXTURE_DEADLINE_MS), 1);
    assert_int_equal(event.data.u64, FD_LISTENER);
}

/* epoll_ctl(2): only an exclusive registration refuses to be modified. */
static void start__listener__one_worker_woken_for_a_connection(void **state)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = FD_LISTENER};

    (void)state;
    assert_int_equal(__real_epoll_ctl(FD_EPOLL, EPOLL_CTL_MOD, FD_LISTENER, &event), -1);
    assert_int_equal(errno, EINVAL);
}

static void start__told_to_the_others(void **state)
{
    (void)state;
    assert_int_equal(atomic_load(&w->cell->accepting_generation), FIXTURE_GENERATION);
    assert_true(board_accepting(w->board, w->cell));
}

/* ---- alone ---- */

/* Out and in again: the kernel wakes the first of its queue, so whoever accepted goes to its end. */
static void event__connections__one_a_wake_up_and_to_the_end_of_the_queue(void **state)
{
    (void)state;
    accepting_connect(2);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    assert_string_equal(accepting.listener_calls, "DA");
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 2);
    assert_int_equal(accepting_counter(COUNTER_accepted), 2);
    assert_int_equal(atomic_load(&w->cell->accept_count), 2);
    accepting_expect_state(LISTENER_IN);
}

static void event__accepted__logged_with_peer(void **state)
{
    char line[LOG_TEXT_LENGTH_MAX + 1];

    (void)state;
    accepting_connect(1);
    acceptor_event(w);
    assert_true(worker_fixture_read_log(line, sizeof line));
    assert_memory_equal(line, "event=accepted slot=0 ", 22);
    assert_non_null(strstr(line, " peer=127.0.0.1:"));
}

static void event__burst__few_lines_and_then_a_count(void **state)
{
    (void)state;
    accepting_connect(ACCEPT_LOG_COUNT_MAX + 3);
    for (int i = 0; i < ACCEPT_LOG_COUNT_MAX + 2; i++)
        acceptor_event(w);
    assert_int_equal(accepting_log_lines_with("event=accepted"), ACCEPT_LOG_COUNT_MAX);
    w->acceptor.log.window_end_ms = 0; /* a second later */
    acceptor_event(w);
    assert_int_equal(accepting_log_lines_with("count=2"), 1);
}

/* The last of a burst are told although nobody comes any more. */
static void tick__burst_is_over__rest_told_once(void **state)
{
    (void)state;
    accepting_connect(ACCEPT_LOG_COUNT_MAX + 3);
    for (int i = 0; i < ACCEPT_LOG_COUNT_MAX + 3; i++)
        acceptor_event(w);
    acceptor_tick(w);
    assert_int_equal(accepting_log_lines_with("count="), 0);
    w->acceptor.log.window_end_ms = 0; /* a second later */
    acceptor_tick(w);
    acceptor_tick(w);
    assert_int_equal(accepting_log_lines_with("count=3"), 1);
}

static void event__client_name_like_a_log_line__quoted(void **state)
{
    const char name[] = "\0x\nevent=forged a=b";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = offsetof(struct sockaddr_un, sun_path) + sizeof name - 1;
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    char line[LOG_TEXT_LENGTH_MAX + 1];

    (void)state;
    memcpy(address.sun_path, name, sizeof name - 1);
    assert_int_equal(bind(client, (struct sockaddr *)&address, length), 0);
    assert_int_equal(
        connect(client, (struct sockaddr *)&accepting.fixture.address, accepting.fixture.address_length), 0);
    acceptor_event(w);
    assert_true(worker_fixture_read_log(line, sizeof line));
    assert_non_null(strstr(line, "peer=\"unix:@x\\nevent=forged a=b\""));
}

/* ---- the end ---- */

static bool connect_is_refused(void)
{
    int fd = socket(accepting.fixture.address.ss_family, SOCK_STREAM, 0);
    bool refused =
        connect(fd, (struct sockaddr *)&accepting.fixture.address, accepting.fixture.address_length) < 0 &&
        errno == ECONNREFUSED;

    close(fd);
    return refused;
}

static void drain__queued_connections__all_taken_then_the_port_is_free(void **state)
{
    (void)state;
    accepting_connect(3);
    acceptor_drain(w);
    assert_int_equal(w->conns.open_count, 3);
    accepting_expect_state(LISTENER_GONE);
    assert_true(connect_is_refused());
    assert_false(board_accepting(w->board, w->cell));
}

/* A connection still waits to be accepted: the listener was not shut down. */
static unsigned client_waits(void)
{
    struct pollfd listener = {.fd = FD_LISTENER, .events = POLLIN};

    return poll(&listener, 1, 0) == 1 && listener.revents == POLLIN;
}

/* An error of one connection says nothing about the next; one without end must not hold the worker for ever. */
static void drain__errors_without_end__gone_all_the_same(void **state)
{
    (void)state;
    accepting_fail_accepts(ECONNABORTED, ~0u);
    acceptor_drain(w);
    accepting_expect_state(LISTENER_GONE);
    assert_int_equal(accepting_counter(COUNTER_accept_errors), DRAIN_ACCEPT_COUNT_MAX);
}

static void drain__full__leaves_the_rest_to_others(void **state)
{
    (void)state;
    w->settings.connection_count_max = 2;
    accepting_connect(2);
    int third = worker_fixture_connect(&accepting.fixture);
    acceptor_drain(w);
    assert_int_equal(w->conns.open_count, 2);
    assert_int_equal(accepting_counter(COUNTER_closed_refused), 0);
    /* The others may have room for it. */
    assert_int_equal(client_waits(), 1);
    close(third);
}

static void drain__no_descriptor__gone_all_the_same(void **state)
{
    (void)state;
    accepting_connect(1);
    accepting_fail_accepts(EMFILE, 1);
    acceptor_drain(w);
    accepting_expect_state(LISTENER_GONE);
    acceptor_check(w);
    accepting_expect_state(LISTENER_GONE);
}

static void leave__listener_stays_the_others(void **state)
{
    (void)state;
    acceptor_leave(w);
    accepting_expect_state(LISTENER_GONE);
    assert_false(board_accepting(w->board, w->cell));
    assert_false(connect_is_refused());
}

/* ---- and back ---- */

static void return__after_it_left__accepts_again(void **state)
{
    (void)state;
    acceptor_leave(w);
    acceptor_return(w);
    accepting_expect_state(LISTENER_IN);
    assert_true(board_accepting(w->board, w->cell));
    accepting_connect(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

static void return__never_left__nothing(void **state)
{
    (void)state;
    acceptor_return(w);
    assert_string_equal(accepting.listener_calls, "");
    accepting_expect_state(LISTENER_IN);
}

/* It has handed a connection on, and comes back by itself. */
static void return__handed_on_to_another__stays_out(void **state)
{
    (void)state;
    accepting_hand_on_to_other();
    accepting_forget_calls();
    acceptor_return(w);
    assert_string_equal(accepting.listener_calls, "");
    accepting_expect_state(LISTENER_HANDED);
}

/* After a drain that was taken back: the supervisor has called listen(2) again by then. */
static void return__listener_was_shut_and_is_open_again__accepts(void **state)
{
    (void)state;
    shutdown(FD_LISTENER, SHUT_RDWR);
    acceptor_event(w);
    accepting_expect_state(LISTENER_GONE);
    assert_int_equal(listen(FD_LISTENER, 16), 0);
    acceptor_return(w);
    accepting_connect(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

/* The order to serve may come before that: it leaves again, and the next order brings it back. */
static void return__listener_is_still_shut__gone_again(void **state)
{
    (void)state;
    shutdown(FD_LISTENER, SHUT_RDWR);
    acceptor_event(w);
    acceptor_return(w);
    acceptor_event(w);
    accepting_expect_state(LISTENER_GONE);
    assert_int_equal(accepting_counter(COUNTER_accept_errors), 0);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, accepting_open_alone, accepting_close)
#define THREE(test) cmocka_unit_test_setup_teardown(test, accepting_open_among_three, accepting_close)
#define UNIX(test)  cmocka_unit_test_setup_teardown(test, accepting_open_unix, accepting_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(start__registration_of_an_earlier_worker__replaced),
        ALONE(start__listener__one_worker_woken_for_a_connection),
        ALONE(start__told_to_the_others),
        ALONE(event__connections__one_a_wake_up_and_to_the_end_of_the_queue),
        ALONE(event__accepted__logged_with_peer),
        ALONE(event__burst__few_lines_and_then_a_count),
        ALONE(tick__burst_is_over__rest_told_once),
        UNIX(event__client_name_like_a_log_line__quoted),
        ALONE(drain__queued_connections__all_taken_then_the_port_is_free),
        ALONE(drain__errors_without_end__gone_all_the_same),
        ALONE(drain__full__leaves_the_rest_to_others),
        ALONE(drain__no_descriptor__gone_all_the_same),
        ALONE(leave__listener_stays_the_others),
        ALONE(return__after_it_left__accepts_again),
        ALONE(return__never_left__nothing),
        THREE(return__handed_on_to_another__stays_out),
        ALONE(return__listener_was_shut_and_is_open_again__accepts),
        ALONE(return__listener_is_still_shut__gone_again),
    };

    return cmocka_run_group_tests_name("acceptor", tests, NULL, NULL);
}
