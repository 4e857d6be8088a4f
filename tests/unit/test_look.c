/*
 * Signal counts, and what is told once, become events; who takes the events here is the test. What the boards of slots tell is
 * in test_look_slots.c.
 */
/* wrap: feed feed_decide feed_carry_out reload */
#include "tests/unit/test_look.h"

#include "master/reload.h"

#include <errno.h>
#include <stdio.h>

static int reload_result;
static uint32_t reload_worker_count;

int __wrap_reload(struct reactor *r, struct settings_change *change, char why[RELOAD_WHY_SIZE]);

int __wrap_reload(struct reactor *r, struct settings_change *change, char why[RELOAD_WHY_SIZE])
{
    r->settings.number += reload_result == 0;
    change->worker_count = reload_worker_count;
    snprintf(why, RELOAD_WHY_SIZE, "it is bad");
    return reload_result;
}

static int begin_good(void **state)
{
    reload_result = 0;
    reload_worker_count = 0;
    return begin(state);
}

static void nothing_happened__no_event(void **state)
{
    (void)state;
    look_around(&reactor);
    assert_int_equal(seen_count, 0);
}

static void signals__of_stop__as_many_events(void **state)
{
    (void)state;
    atomic_store(&reactor.pages->orders.signals[SIGNAL_TERM], 2);
    atomic_store(&reactor.pages->orders.signals[SIGNAL_QUIT], 1);
    look_around(&reactor);
    look_around(&reactor);
    assert_int_equal(seen_count, 3);
    assert_int_equal(seen[0].kind, SUPERVISOR_STOP);
    assert_int_equal(seen[1].kind, SUPERVISOR_STOP);
    assert_int_equal(seen[2].kind, SUPERVISOR_STOP_NOW);
}

static void signals__of_reload__one_event_for_all(void **state)
{
    (void)state;
    atomic_store(&reactor.pages->orders.signals[SIGNAL_HUP], 1000);
    look_around(&reactor);
    look_around(&reactor);
    assert_int_equal(seen_count, 2);
    assert_int_equal(seen[0].kind, SUPERVISOR_NOTHING); /* the signal is remembered before the file is read */
    assert_int_equal(seen[1].kind, SUPERVISOR_REQUEST);
    assert_int_equal(seen[1].operation, OPERATION_RELOAD);
    assert_int_equal(seen[1].goal, reactor.settings.number);
    assert_null(seen[1].why);
}

static void signal_of_reload__soon_after_the_last_one__waits(void **state)
{
    (void)state;
    atomic_store(&reactor.pages->orders.signals[SIGNAL_HUP], 1);
    look_around(&reactor);
    assert_true(reactor.next_reload_ms > 0);
    reactor.next_reload_ms = INT64_MAX;
    atomic_store(&reactor.pages->orders.signals[SIGNAL_HUP], 500);
    look_around(&reactor);
    assert_int_equal(seen_count, 2); /* remembered, and reloaded */
    reactor.next_reload_ms = 0;
    look_around(&reactor);
    look_around(&reactor);
    assert_int_equal(seen_count, 4);
}

static void signal_of_reload__another_number_of_workers__a_scale_follows(void **state)
{
    (void)state;
    reload_worker_count = 7;
    atomic_store(&reactor.pages->orders.signals[SIGNAL_HUP], 1);
    look_around(&reactor);
    assert_int_equal(seen_count, 3);
    assert_int_equal(seen[1].operation, OPERATION_RELOAD);
    assert_int_equal(seen[2].operation, OPERATION_SCALE);
    assert_int_equal(seen[2].goal, 7);
}

static void signal_of_reload__bad_file__refused_and_nothing_follows(void **state)
{
    (void)state;
    reload_result = -EINVAL;
    reload_worker_count = 7;
    atomic_store(&reactor.pages->orders.signals[SIGNAL_HUP], 1);
    look_around(&reactor);
    assert_int_equal(seen_count, 2);
    assert_non_null(seen[1].why);
}

static void signals__of_scale__their_sum(void **state)
{
    (void)state;
    reactor.state.wanted_count = 3;
    atomic_store(&reactor.pages->orders.signals[SIGNAL_TTIN], 4);
    atomic_store(&reactor.pages->orders.signals[SIGNAL_TTOU], 2);
    look_around(&reactor);
    look_around(&reactor);
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen[0].operation, OPERATION_SCALE);
    assert_int_equal(seen[0].goal, 5);
    atomic_store(&reactor.pages->orders.signals[SIGNAL_TTOU], 20);
    look_around(&reactor);
    assert_int_equal(seen[1].goal, 1); /* never none */
    atomic_store(&reactor.pages->orders.signals[SIGNAL_TTIN], 1000);
    look_around(&reactor);
    assert_int_equal(seen[2].goal, SLOT_COUNT_MAX); /* nor more than there may be */
}

static void listener_opened_again__outcome_told_once(void **state)
{
    (void)state;
    reactor.listen_untold = true;
    reactor.listen_result = -EADDRINUSE;
    look_around(&reactor);
    look_around(&reactor);
    assert_int_equal(seen_count, 1);
    assert_int_equal(seen[0].kind, SUPERVISOR_LISTENING);
    assert_non_null(seen[0].why);
}

/* How it is opened is told elsewhere; here it goes to stderr, which is not opened anew. */
static void signal_usr1__several__log_opened_anew_once(void **state)
{
    (void)state;
    atomic_store(&reactor.pages->orders.signals[SIGNAL_USR1], 3);
    look_around(&reactor);
    look_around(&reactor);
    assert_int_equal(seen_count, 0);
    log_capture_expect("failed");
    log_capture_expect_nothing();
    atomic_store(&reactor.pages->orders.signals[SIGNAL_USR1], 4);
    look_around(&reactor);
    log_capture_expect("failed");
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, begin_good, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_happened__no_event),
        TEST(signals__of_stop__as_many_events),
        TEST(signals__of_reload__one_event_for_all),
        TEST(signal_of_reload__soon_after_the_last_one__waits),
        TEST(signal_of_reload__another_number_of_workers__a_scale_follows),
        TEST(signal_of_reload__bad_file__refused_and_nothing_follows),
        TEST(signals__of_scale__their_sum),
        TEST(listener_opened_again__outcome_told_once),
        TEST(signal_usr1__several__log_opened_anew_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
