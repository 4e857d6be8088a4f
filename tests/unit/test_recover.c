/*
 * Taking over what a dead worker's table holds: every kind of number that may be found there. The suspect and resets are in
 * test_recover_suspect.c; a table of more than one slice in test_recover_slices.c.
 */
#include "tests/unit/test_recover.h"

#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int open_unix(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.is_unix = true});
}

static void all__empty_table__nothing(void **state)
{
    (void)state;
    recover_all();
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(counter(COUNTER_recover_closed), 0);
}

static void all__registered_connections_and_gaps__continued(void **state)
{
    int clients[3], servers[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        servers[i] = left_behind(&clients[i]);
    close(servers[1]);
    recover_all();
    assert_int_equal(w->conns.open_count, 2);
    assert_int_equal(counter(COUNTER_continued), 2);
    assert_int_equal(atomic_load(&w->board->recovered.continued), 2);
    expect_served(clients[0]);
    expect_served(clients[2]);
}

static void all__input_that_came_before__reported_anew(void **state)
{
    struct epoll_event event;
    int client, server = left_behind(&client);

    (void)state;
    socket_send_text(client, "hello");
    assert_int_equal(epoll_wait(FD_EPOLL, &event, 1, FIXTURE_DEADLINE_MS), 1); /* told to the dead one */
    socket_wait_queued(server, 5);
    recover_all();
    worker_fixture_turn(&fixture);
    socket_expect_text(client, "HELLO");
}

static void all__accepted_and_not_registered__adopted(void **state)
{
    int client, server = worker_fixture_pair(&fixture, &client);

    (void)state;
    recover_all(); /* not recorded either: it is the one above the highest */
    assert_int_equal(counter(COUNTER_adopted), 1);
    assert_int_equal(atomic_load(&w->board->recovered.adopted), 1);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
    expect_served(client);
}

static void all__accepted_above_the_highest_and_not_recorded__adopted(void **state)
{
    int clients[2];

    (void)state;
    left_behind(&clients[0]);
    worker_fixture_pair(&fixture, &clients[1]);
    recover_all();
    assert_int_equal(counter(COUNTER_continued), 1);
    assert_int_equal(counter(COUNTER_adopted), 1);
    expect_served(clients[1]);
}

static void all__numbers_that_are_no_connection__closed(void **state)
{
    int strange[] = {eventfd(0, 0), open("/dev/null", O_RDONLY), socket(AF_INET, SOCK_DGRAM, 0),
                     dup(FD_LISTENER)};

    (void)state;
    atomic_store(&w->board->highest, (uint32_t)strange[3]);
    recover_all();
    for (int i = 0; i < 4; i++)
        assert_false(socket_is_open(strange[i]));
    assert_int_equal(counter(COUNTER_recover_closed), 4);
    assert_int_equal(w->conns.open_count, 0);
    assert_true(socket_is_open(FD_LISTENER));
}

static void all__highest_beyond_the_table__stops_at_its_end(void **state)
{
    const uint32_t wild[] = {INT32_MAX, UINT32_MAX, 1000000};
    int clients[2];

    (void)state;
    left_behind(&clients[0]);
    left_behind(&clients[1]);
    for (int i = 0; i < 3; i++) {
        memset(w->conns.conns, 0, w->conns.capacity * sizeof(struct conn));
        w->conns.open_count = 0;
        atomic_store(&w->board->highest, wild[i]);
        recover_all();
        assert_int_equal(w->conns.open_count, 2);
    }
}

/* A full worker accepts one client too many to reset it, and dies in between, its successor too. */
static void all__client_too_many_behind_the_table__not_left_hanging(void **state)
{
    int beyond = FIRST_CONNECTION + (int)w->conns.capacity;
    int client, server = worker_fixture_pair(&fixture, &client);

    (void)state;
    assert_int_equal(dup2(server, beyond), beyond);
    close(server);
    atomic_store(&w->board->highest, (uint32_t)beyond - 1);
    recover_all();
    assert_false(socket_is_open(beyond));
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(counter(COUNTER_closed_refused), 1);
    socket_expect_reset(client);
}

static void all__repeated_after_a_death_during_recovery__the_same(void **state)
{
    int client;

    (void)state;
    left_behind(&client);
    recover_all();
    memset(w->conns.conns, 0, w->conns.capacity * sizeof(struct conn)); /* the next one's memory */
    w->conns.open_count = 0;
    recover_all();
    assert_int_equal(w->conns.open_count, 1);
    assert_int_equal(atomic_load(&w->board->recovered.continued), 1); /* of this generation */
    expect_served(client);
}

/* ---- UNIX sockets ---- */

static void unix_all__cut_in_mid_answer__that_one_closed(void **state)
{
    int clients[2];
    int cut = left_behind(&clients[0]);

    (void)state;
    left_behind(&clients[1]);
    atomic_store(&w->board->giving, (uint32_t)cut);
    recover_all();
    assert_false(socket_is_open(cut));
    assert_int_equal(atomic_load(&w->board->giving), 0);
    assert_int_equal(counter(COUNTER_recover_reset), 1);
    expect_served(clients[1]);
}

int main(void)
{
#define TCP(test)  cmocka_unit_test_setup_teardown(test, open_tcp, close_all)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, open_unix, close_all)
    const struct CMUnitTest tests[] = {
        TCP(all__empty_table__nothing),
        TCP(all__registered_connections_and_gaps__continued),
        TCP(all__input_that_came_before__reported_anew),
        TCP(all__accepted_and_not_registered__adopted),
        TCP(all__accepted_above_the_highest_and_not_recorded__adopted),
        TCP(all__numbers_that_are_no_connection__closed),
        TCP(all__highest_beyond_the_table__stops_at_its_end),
        TCP(all__client_too_many_behind_the_table__not_left_hanging),
        TCP(all__repeated_after_a_death_during_recovery__the_same),
        UNIX(unix_all__cut_in_mid_answer__that_one_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
