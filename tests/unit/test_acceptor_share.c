/* Accepting among others: handing connections on, being poked for them, and being full. The other workers are
 * figures on the loads page. (The rule by itself: test_accept_share.c.) */
/* wrap: accept4 epoll_ctl */
#include "tests/support/cmocka_all.h"

#include "tests/support/acceptor_fixture.h"
#include "worker/heritage.h"

#include <errno.h>
#include <poll.h>

static struct worker *const w = &accepting.fixture.worker;

/* ---- sharing ---- */

static void event__other_far_below__handed_on(void **state)
{
    (void)state;
    accepting_set_load(SLOT_ME, 10);
    accepting_set_load(SLOT_OTHER, 0);
    accepting_set_load(SLOT_THIRD, 5);
    accepting_connect(1);
    acceptor_event(w);
    accepting_expect_state(LISTENER_HANDED);
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(acceptor_timeout_ms(w), SHARE_WAIT_MS);
    uint64_t handed_on = accepting_counter(COUNTER_handed_on);
    assert_true(handed_on >= 1);
    assert_int_equal(accepting_pokes_of(SLOT_OTHER), handed_on * POKE_ACCEPT);
    assert_int_equal(accepting_pokes_of(SLOT_THIRD), 0);
}

static void event__other_little_below__accepted_here(void **state)
{
    (void)state;
    accepting_set_load(SLOT_ME, SHARE_SLACK);
    accepting_set_load(SLOT_OTHER, 0);
    accepting_connect(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    assert_int_equal(accepting_pokes_of(SLOT_OTHER), 0);
}

static void event__other_far_below_and_dead__accepted_here(void **state)
{
    (void)state;
    accepting_set_load(SLOT_ME, 10);
    accepting_set_load(SLOT_OTHER, 0);
    atomic_store(&shared_board(accepting.fixture.pages, SLOT_OTHER)->worker_death.generation,
                 FIXTURE_GENERATION);
    accepting_connect(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

static void event__slot_count_of_the_page_beyond_all_bounds__no_slot_outside_read(void **state)
{
    (void)state;
    atomic_store(&accepting.fixture.pages->orders.slot_limit, UINT32_MAX);
    accepting_connect(1);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
}

static void event__reported_before_the_listener_was_left__nothing(void **state)
{
    (void)state;
    accepting_set_load(SLOT_ME, 10);
    accepting_set_load(SLOT_OTHER, 0);
    accepting_connect(1);
    acceptor_event(w);
    accepting_pokes_of(SLOT_OTHER);
    accepting_forget_calls();
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(accepting_pokes_of(SLOT_OTHER), 0);
    assert_string_equal(accepting.listener_calls, "");
}

static void check__the_other_has_accepted__back_at_once(void **state)
{
    (void)state;
    accepting_hand_on_to_other();
    w->acceptor.until_ms = INT64_MAX;
    acceptor_check(w);
    accepting_expect_state(LISTENER_HANDED);
    atomic_store(&accepting.fixture.pages->loads.cells[SLOT_OTHER].accept_count, 1);
    acceptor_check(w);
    accepting_expect_state(LISTENER_IN);
    acceptor_event(w);
    assert_true(accepting_pokes_of(SLOT_OTHER) > 0); /* and it is still the one to ask */
}

static void check__the_other_does_not_come__one_is_ours_and_the_next_is_offered_again(void **state)
{
    (void)state;
    accepting_hand_on_to_other();
    accepting_connect(1);
    w->acceptor.until_ms = 0;
    acceptor_check(w);
    accepting_expect_state(LISTENER_IN);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    assert_int_equal(accepting_pokes_of(SLOT_OTHER), 0);
    accepting_set_load(SLOT_ME, 10);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 1);
    assert_true(accepting_pokes_of(SLOT_OTHER) > 0);
}

static void check__the_other_never_comes__left_out_for_a_while(void **state)
{
    (void)state;
    accepting_hand_on_to_other();
    w->acceptor.ignored[SLOT_OTHER] = SHARE_IGNORED_COUNT_MAX - 1;
    w->acceptor.until_ms = 0;
    acceptor_check(w);
    assert_true(w->acceptor.deaf_until_ms[SLOT_OTHER] > 0);
    acceptor_event(w);
    accepting_connect(1);
    accepting_set_load(SLOT_ME, 10);
    acceptor_event(w);
    assert_int_equal(w->conns.open_count, 2);
    assert_int_equal(accepting_pokes_of(SLOT_OTHER), 0);

    accepting_connect(1);
    accepting_set_load(SLOT_ME, 10);
    w->acceptor.deaf_until_ms[SLOT_OTHER] = 1; /* the while is over */
    acceptor_event(w);
    assert_true(accepting_pokes_of(SLOT_OTHER) > 0);
    assert_int_equal(w->acceptor.deaf_until_ms[SLOT_OTHER], 0);
}

static void check__no_pause__nothing(void **state)
{
    (void)state;
    acceptor_check(w);
    assert_string_equal(accepting.listener_calls, "");
    assert_int_equal(acceptor_timeout_ms(w), -1);
}

/* ---- poked ---- */

static void poked__more_than_there_are__takes_those(void **state)
{
    (void)state;
    accepting_connect(3);
    acceptor_poked(w, 2);
    assert_int_equal(w->conns.open_count, 2);
    acceptor_poked(w, 5);
    assert_int_equal(w->conns.open_count, 3);
    assert_int_equal(accepting_counter(COUNTER_accept_errors), 0);
}

static void poked__beyond_all_bounds__takes_a_bounded_number(void **state)
{
    (void)state;
    accepting_connect(SHARE_POKE_COUNT_MAX + 2);
    acceptor_poked(w, UINT32_MAX);
    assert_int_equal(w->conns.open_count, SHARE_POKE_COUNT_MAX);
}

static void poked__interrupted__goes_on(void **state)
{
    (void)state;
    accepting_connect(1);
    accepting_fail_accepts(EINTR, 1);
    acceptor_poked(w, 2);
    assert_int_equal(w->conns.open_count, 1);
    assert_int_equal(accepting_counter(COUNTER_accept_errors), 0);
}

static void poked__draining__nothing(void **state)
{
    (void)state;
    accepting_connect(1);
    w->draining = true;
    acceptor_poked(w, 1);
    assert_int_equal(w->conns.open_count, 0);
}

static void poked__full_and_another_has_room__passed_on(void **state)
{
    (void)state;
    w->settings.connection_count_max = 0;
    accepting_set_full(SLOT_ME);
    accepting_set_load(SLOT_OTHER, 7);
    accepting_connect(1);
    acceptor_poked(w, 3);
    assert_int_equal(accepting_pokes_of(SLOT_OTHER), POKE_ACCEPT);
    assert_int_equal(accepting_counter(COUNTER_closed_refused), 0);
}

/* ---- full ---- */

static void fill_me(void)
{
    w->settings.connection_count_max = 1;
    accepting_connect(1);
    acceptor_event(w);
    assert_int_equal(atomic_load(&w->cell->full), 1);
}

static void event__full_and_another_has_room__listener_left_until_one_ends(void **state)
{
    (void)state;
    accepting_set_load(SLOT_OTHER, 0);
    fill_me();
    accepting_connect(1);
    acceptor_event(w);
    accepting_expect_state(LISTENER_FULL);
    assert_true(accepting_pokes_of(SLOT_OTHER) > 0);
    assert_int_equal(acceptor_timeout_ms(w), -1);
    acceptor_check(w);
    accepting_expect_state(LISTENER_FULL);
    w->settings.connection_count_max = 2;
    acceptor_check(w);
    accepting_expect_state(LISTENER_IN);
}

static void event__all_full__least_loaded_accepts_and_resets(void **state)
{
    (void)state;
    accepting_set_load(SLOT_OTHER, 5);
    accepting_set_full(SLOT_OTHER);
    fill_me();
    int client = worker_fixture_connect(&accepting.fixture);
    socket_wait_events(FD_LISTENER, POLLIN);
    acceptor_event(w);
    socket_expect_reset(client);
    assert_int_equal(accepting_counter(COUNTER_closed_refused), 1);
    assert_int_equal(accepting_counter(COUNTER_accepted), 1);
    assert_int_equal(w->conns.open_count, 1);
    accepting_expect_state(LISTENER_IN);
}

/* It had left the listener to another one, who is full as well by now: nobody else waits for the clients too
 * many. */
static void poked__all_full_and_listener_left__comes_back_and_refuses(void **state)
{
    (void)state;
    accepting_set_load(SLOT_OTHER, 0);
    fill_me();
    accepting_connect(1);
    acceptor_event(w);
    accepting_expect_state(LISTENER_FULL);
    accepting_set_load(SLOT_OTHER, 5);
    accepting_set_full(SLOT_OTHER);
    accepting_forget_calls();
    acceptor_poked(w, 1);
    accepting_expect_state(LISTENER_IN);
    assert_string_equal(accepting.listener_calls, "A");
    assert_int_equal(accepting_counter(COUNTER_closed_refused), 1);
    assert_int_equal(w->conns.open_count, 1);
}

/* Whoever waited in vain for another may be full by the time that it is its turn. */
static void event__own_turn_but_full__refused_like_any_other(void **state)
{
    (void)state;
    accepting_connect(1);
    w->acceptor.own_turn = true;
    w->settings.connection_count_max = 0;
    acceptor_event(w);
    assert_int_equal(accepting_counter(COUNTER_closed_refused), 1);
    assert_int_equal(accepting_counter(COUNTER_accepted), 0);
    assert_false(w->acceptor.own_turn);
}

static void poked__full_and_still_in__refuses_and_stays_in(void **state)
{
    (void)state;
    accepting_connect(1);
    w->settings.connection_count_max = 0;
    acceptor_poked(w, 1);
    assert_int_equal(accepting_counter(COUNTER_closed_refused), 1);
    accepting_expect_state(LISTENER_IN);
    assert_string_equal(accepting.listener_calls, "");
}

#define ALONE(test) cmocka_unit_test_setup_teardown(test, accepting_open_alone, accepting_close)
#define THREE(test) cmocka_unit_test_setup_teardown(test, accepting_open_among_three, accepting_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        THREE(event__other_far_below__handed_on),
        THREE(event__other_little_below__accepted_here),
        THREE(event__other_far_below_and_dead__accepted_here),
        ALONE(event__slot_count_of_the_page_beyond_all_bounds__no_slot_outside_read),
        THREE(event__reported_before_the_listener_was_left__nothing),
        THREE(check__the_other_has_accepted__back_at_once),
        THREE(check__the_other_does_not_come__one_is_ours_and_the_next_is_offered_again),
        THREE(check__the_other_never_comes__left_out_for_a_while),
        ALONE(check__no_pause__nothing),
        ALONE(poked__more_than_there_are__takes_those),
        ALONE(poked__beyond_all_bounds__takes_a_bounded_number),
        ALONE(poked__interrupted__goes_on),
        ALONE(poked__draining__nothing),
        THREE(poked__full_and_another_has_room__passed_on),
        THREE(event__full_and_another_has_room__listener_left_until_one_ends),
        THREE(event__all_full__least_loaded_accepts_and_resets),
        THREE(poked__all_full_and_listener_left__comes_back_and_refuses),
        ALONE(event__own_turn_but_full__refused_like_any_other),
        ALONE(poked__full_and_still_in__refuses_and_stays_in),
    };

    return cmocka_run_group_tests_name("acceptor_share", tests, NULL, NULL);
}
