/* Accepting fails: what is a matter of one connection, what makes a worker pause, and after what it leaves the
 * listener for ever. */
/* wrap: accept4 epoll_ctl */
#include "tests/support/cmocka_all.h"

#include "tests/support/acceptor_fixture.h"
#include "worker/heritage.h"

#include <errno.h>
#include <string.h>

static struct worker *const w = &accepting.fixture.worker;

/* ---- accept fails ---- */

static void event__error_that_leaves_it_queued__pauses_and_says_so_once(void **state)
{
    /* With EPERM and EIO the connection stays queued too (net/socket.c asks before it takes one out). */
    const int errors[] = {EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, EIO};

    (void)state;
    accepting_connect(1);
    for (unsigned i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        accepting_fail_accepts(errors[i], 1);
        acceptor_event(w);
        accepting_expect_state(LISTENER_PAUSED);
        assert_int_equal(acceptor_timeout_ms(w), ACCEPT_PAUSE_MS);
        assert_int_equal(accepting_counter(COUNTER_accept_pauses), i + 1);
        assert_int_equal(accepting_counter(COUNTER_accept_errors), i + 1);
        w->acceptor.until_ms = INT64_MAX;
        acceptor_check(w);
        accepting_expect_state(LISTENER_PAUSED);
        w->acceptor.until_ms = 0;
        acceptor_check(w);
        accepting_expect_state(LISTENER_IN);
    }
    assert_int_equal(accepting_log_lines_with("event=accept_paused slot=0 why="), 1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

/* It would never be woken for a connection again. */
static void event__no_memory_to_watch_the_listener__comes_back(void **state)
{
    (void)state;
    accepting_connect(2);
    accepting.add_error = ENOMEM;
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    accepting_expect_state(LISTENER_PAUSED);
    assert_int_equal(acceptor_timeout_ms(w), ACCEPT_PAUSE_MS);
    assert_int_equal(accepting_counter(COUNTER_accept_pauses), 1);
    assert_int_equal(accepting_log_lines_with("event=accept_paused slot=0 why=ENOMEM"), 1);
    accepting.add_error = ENOMEM;
    w->acceptor.until_ms = 0;
    acceptor_check(w);
    accepting_expect_state(LISTENER_PAUSED);
    w->acceptor.until_ms = 0;
    acceptor_check(w);
    accepting_expect_state(LISTENER_IN);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 2);
}

static void check__listener_stands_in_the_set_already__is_in(void **state)
{
    (void)state;
    w->acceptor.state = LISTENER_PAUSED;
    w->acceptor.until_ms = 0;
    accepting.add_error = EEXIST;
    acceptor_check(w);
    accepting_expect_state(LISTENER_IN);
}

static void poked__no_descriptor_while_away__pauses(void **state)
{
    (void)state;
    accepting_hand_on_to_other();
    accepting_fail_accepts(EMFILE, 1);
    acceptor_poked(w, 1);
    accepting_expect_state(LISTENER_PAUSED);
}

/* accept(2): errors that are already pending on the new socket are passed on by accept. */
static void event__error_of_the_one_connection__next_one_accepted(void **state)
{
    const int errors[] = {ECONNABORTED, EPROTO, EHOSTUNREACH, ENETDOWN};

    (void)state;
    accepting_connect(1);
    for (unsigned i = 0; i < 4; i++) {
        accepting_fail_accepts(errors[i], 1);
        acceptor_event(w);
        accepting_expect_state(LISTENER_IN);
    }
    assert_int_equal(accepting_counter(COUNTER_accept_errors), 4);
    assert_int_equal(accepting_counter(COUNTER_accept_pauses), 0);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

/* It is closed, and everybody else is served on. */
static void event__connection_cannot_be_watched__closed_and_not_counted(void **state)
{
    (void)state;
    accepting_connect(1);
    accepting.admit_error = ENOMEM;
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(accepting_counter(COUNTER_accepted), 0);
    assert_false(socket_is_open(FIRST_CONNECTION));
    accepting_expect_state(LISTENER_IN);
}

static void event__another_was_faster__nothing(void **state)
{
    (void)state;
    acceptor_event(w);
    assert_int_equal(accepting_counter(COUNTER_accept_errors), 0);
    accepting_expect_state(LISTENER_IN);
}

/* A listener that was shut down reports a hang-up for ever. */
static void event__listener_shut_down__left_for_ever(void **state)
{
    (void)state;
    shutdown(FD_LISTENER, SHUT_RDWR);
    acceptor_event(w);
    accepting_expect_state(LISTENER_GONE);
    assert_int_equal(accepting_counter(COUNTER_accept_errors), 0);
    accepting_forget_calls();
    acceptor_poked(w, 1);
    acceptor_check(w);
    acceptor_check(w);
    assert_string_equal(accepting.listener_calls, "");
    assert_int_equal(w->acceptor.state, LISTENER_GONE);
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, accepting_open_alone, accepting_close)
#define THREE(test) cmocka_unit_test_setup_teardown(test, accepting_open_among_three, accepting_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(event__error_that_leaves_it_queued__pauses_and_says_so_once),
        ALONE(event__no_memory_to_watch_the_listener__comes_back),
        ALONE(check__listener_stands_in_the_set_already__is_in),
        THREE(poked__no_descriptor_while_away__pauses),
        ALONE(event__error_of_the_one_connection__next_one_accepted),
        ALONE(event__connection_cannot_be_watched__closed_and_not_counted),
        ALONE(event__another_was_faster__nothing),
        ALONE(event__listener_shut_down__left_for_ever),
    };

    return cmocka_run_group_tests_name("acceptor_errors", tests, NULL, NULL);
}
