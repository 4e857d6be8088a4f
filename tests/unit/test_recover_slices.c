/* Taking over a table of more than one slice: who asks in between, who ends in between, and where the suspect comes. */
#include "tests/unit/test_recover.h"

#include "worker/loop.h"

#include <poll.h>

enum { SECOND_SLICE = FIRST_CONNECTION + RECOVER_SLICE_COUNT };

/* More numbers than one slice has. */
static int open_large(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.connection_count_max = 2 * RECOVER_SLICE_COUNT});
}

/* left_behind() under a number of our choice; 0: as it comes. */
static int left_behind_at(int number, int *client)
{
    int server = worker_fixture_pair(&fixture, client);

    if (number > 0) {
        assert_int_equal(dup2(server, number), number);
        close(server);
        server = number;
    }
    atomic_store(&w->board->highest, 0);
    worker_fixture_leave_behind(&fixture, server);
    return server;
}

static void expect_ended(int server, int client)
{
    close(client);
    socket_wait_events(server, POLLIN);
    loop_answer(w);
    assert_false(socket_is_open(server));
}

static void slices__asked_before_all_are_taken_over__answered_between_them(void **state)
{
    int clients[2], last;

    (void)state;
    left_behind_at(0, &clients[0]);
    last = left_behind_at(SECOND_SLICE, &clients[1]);
    socket_send_text(clients[0], "hello");
    recover_begin(w);
    assert_true(recover_slice(w));
    assert_true(worker_fixture_state_is(&fixture, last, CONN_CLOSED));
    loop_answer(w);
    socket_expect_text(clients[0], "HELLO");
    assert_false(recover_slice(w));
    expect_served(clients[1]);
    assert_int_equal(atomic_load(&w->board->recovered.continued), 2);
}

/* Its registration is older than we are, so epoll tells of it. */
static void slices__asked_before_its_own_slice__answered_out_of_turn(void **state)
{
    int clients[2];

    (void)state;
    left_behind_at(0, &clients[0]);
    left_behind_at(SECOND_SLICE, &clients[1]);
    socket_send_text(clients[1], "hello");
    socket_wait_queued(SECOND_SLICE, 5);
    recover_begin(w);
    assert_true(recover_slice(w));
    loop_answer(w);
    socket_expect_text(clients[1], "HELLO");
    assert_false(recover_slice(w));
    assert_int_equal(atomic_load(&w->board->recovered.continued), 2);
    assert_int_equal(w->conns.open_count, 2);
    expect_served(clients[0]);
    expect_served(clients[1]);
}

/* Answered and ended before its slice comes: its number is nobody's then. */
static void slices__asks_and_ends_before_its_own_slice__met_once(void **state)
{
    int clients[2];

    (void)state;
    left_behind_at(0, &clients[0]);
    left_behind_at(SECOND_SLICE, &clients[1]);
    recover_begin(w);
    assert_true(recover_slice(w));
    expect_ended(SECOND_SLICE, clients[1]);
    assert_false(recover_slice(w));
    assert_int_equal(counter(COUNTER_continued), 2);
    assert_int_equal(w->conns.open_count, 1);
}

/* What the page says about the highest number is not trusted beyond the table, nor is epoll beyond the page. */
static void slices__event_of_a_number_that_is_not_recorded__left_alone(void **state)
{
    int clients[2];

    (void)state;
    left_behind_at(SECOND_SLICE + 9, &clients[1]);
    left_behind_at(SECOND_SLICE, &clients[0]);
    recover_begin(w);
    assert_true(recover_slice(w));
    assert_false(recover_out_of_turn(w, SECOND_SLICE + 9));
    assert_true(recover_out_of_turn(w, SECOND_SLICE));
    assert_false(recover_out_of_turn(w, SECOND_SLICE - 1)); /* recorded, and not open */
}

static void slices__suspect_asks__is_not_answered_before_the_last(void **state)
{
    int clients[2], suspect = left_behind_at(0, &clients[0]);

    (void)state;
    left_behind_at(SECOND_SLICE, &clients[1]);
    w->settings.suspect = suspect;
    socket_send_text(clients[0], "hello");
    socket_wait_queued(suspect, 5);
    recover_begin(w);
    assert_true(recover_slice(w));
    loop_answer(w);
    assert_int_equal(socket_queued(suspect), 5);
    assert_false(recover_slice(w));
    worker_fixture_serve_until_readable(&fixture, clients[0], 5);
    socket_expect_text(clients[0], "HELLO");
}

static void slices__suspect_is_in_the_first__comes_with_the_last(void **state)
{
    int clients[2], suspect = left_behind_at(0, &clients[0]);

    (void)state;
    left_behind_at(SECOND_SLICE, &clients[1]);
    w->settings.suspect = suspect;
    recover_begin(w);
    assert_true(recover_slice(w));
    assert_true(worker_fixture_state_is(&fixture, suspect, CONN_CLOSED));
    assert_false(recover_slice(w));
    assert_true(worker_fixture_state_is(&fixture, suspect, CONN_OPEN));
    assert_true(worker_fixture_state_is(&fixture, SECOND_SLICE, CONN_OPEN));
}

/* A death now is reported with all that the slot holds, not with those that we know by then. */
static void slices__one_ends_between_them__published_with_the_last(void **state)
{
    int clients[2], first = left_behind_at(0, &clients[0]);

    (void)state;
    left_behind_at(SECOND_SLICE, &clients[1]);
    atomic_store(&w->cell->connection_count, 2);
    recover_begin(w);
    assert_true(recover_slice(w));
    expect_ended(first, clients[0]);
    assert_int_equal(atomic_load(&w->cell->connection_count), 2);
    assert_false(recover_slice(w));
    expect_ended(SECOND_SLICE, clients[1]);
    assert_int_equal(atomic_load(&w->cell->connection_count), 0);
}

int main(void)
{
#define LARGE(test) cmocka_unit_test_setup_teardown(test, open_large, close_all)
    const struct CMUnitTest tests[] = {
        LARGE(slices__asked_before_all_are_taken_over__answered_between_them),
        LARGE(slices__asked_before_its_own_slice__answered_out_of_turn),
        LARGE(slices__asks_and_ends_before_its_own_slice__met_once),
        LARGE(slices__event_of_a_number_that_is_not_recorded__left_alone),
        LARGE(slices__suspect_asks__is_not_answered_before_the_last),
        LARGE(slices__suspect_is_in_the_first__comes_with_the_last),
        LARGE(slices__one_ends_between_them__published_with_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
