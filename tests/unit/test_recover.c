/* Taking over what a dead worker's table holds: every kind of number that may be found there. */
/* wrap: epoll_ctl */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/heritage.h"
#include "worker/loop.h"
#include "worker/recover.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static struct worker_fixture fixture;
static struct worker *const w = &fixture.worker;
static int order[16]; /* of the numbers that were to be re-armed */
static unsigned order_count;

int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    if (operation == EPOLL_CTL_MOD && order_count < sizeof order / sizeof order[0])
        order[order_count++] = fd;
    return __real_epoll_ctl(set, operation, fd, event);
}

static int open_with(struct fixture_options options)
{
    worker_fixture_open(&fixture, options);
    order_count = 0;
    return 0;
}

static int open_tcp(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
}

/* More numbers than one slice has. */
static int open_large(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.connection_count_max = 2 * RECOVER_SLICE_COUNT});
}

static int open_unix(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.is_unix = true});
}

static int close_all(void **state)
{
    (void)state;
    worker_fixture_close(&fixture);
    return 0;
}

static int left_behind(int *client)
{
    int server = worker_fixture_pair(&fixture, client);

    worker_fixture_leave_behind(&fixture, server);
    return server;
}

static void recover_all(void)
{
    worker_fixture_recover(&fixture);
}

static uint64_t counter(enum counter which)
{
    return worker_fixture_counter(&fixture, which);
}

static void expect_served(int client)
{
    socket_send_text(client, "hello");
    worker_fixture_serve_until_readable(&fixture, client, 5);
    socket_expect_text(client, "HELLO");
}

/* ---- what is found ---- */

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

/* ---- the suspect ---- */

static void suspect__re_armed_last_and_described(void **state)
{
    int clients[3], servers[3];
    struct suspect_note *note = &w->board->suspect_note;

    (void)state;
    for (int i = 0; i < 3; i++)
        servers[i] = left_behind(&clients[i]);
    socket_send_text(clients[0], "poison");
    socket_wait_queued(servers[0], 6);
    w->settings.suspect = servers[0];
    w->settings.incident_bytes = 4;
    recover_all();
    assert_true(order_count >= 3);
    assert_int_equal(order[order_count - 1], servers[0]);
    assert_int_equal(atomic_load(&note->generation), FIXTURE_GENERATION);
    assert_int_equal(note->unread, 6);
    assert_int_equal(note->bytes_received, 6);
    assert_int_equal(note->queue_bytes, 4);
    assert_memory_equal(note->queue, "pois", 4);
    assert_memory_equal(note->peer, "127.0.0.1:", 10);
    assert_int_equal(socket_queued(servers[0]), 6); /* looked at, not taken */
}

static void suspect__no_bytes_wanted__none_shown(void **state)
{
    int client, server = left_behind(&client);

    (void)state;
    socket_send_text(client, "secret");
    socket_wait_queued(server, 6);
    w->settings.suspect = server;
    recover_all();
    assert_int_equal(w->board->suspect_note.queue_bytes, 0);
    assert_int_equal(w->board->suspect_note.queue[0], 0);
}

static void suspect__more_bytes_wanted_than_there_is_room__cut(void **state)
{
    char bytes[2 * INCIDENT_BYTES_MAX] = {0};
    int client, server = left_behind(&client);

    (void)state;
    assert_int_equal(send(client, bytes, sizeof bytes, 0), sizeof bytes);
    socket_wait_queued(server, sizeof bytes);
    w->settings.suspect = server;
    w->settings.incident_bytes = UINT32_MAX;
    recover_all();
    assert_int_equal(w->board->suspect_note.queue_bytes, INCIDENT_BYTES_MAX);
}

static void suspect__blamed__reset_alone(void **state)
{
    int clients[2];
    int server = left_behind(&clients[0]);

    (void)state;
    left_behind(&clients[1]);
    w->settings.suspect = server;
    w->settings.recover_how = RECOVER_RESET_SUSPECT;
    recover_all();
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_recover_reset), 1);
    socket_expect_reset(clients[0]);
    expect_served(clients[1]);
}

static void suspect__gone_meanwhile__nothing(void **state)
{
    int client, server = left_behind(&client);

    (void)state;
    close(server);
    w->settings.suspect = server;
    w->settings.recover_how = RECOVER_RESET_SUSPECT;
    recover_all();
    assert_int_equal(counter(COUNTER_recover_reset), 0);
    assert_int_equal(atomic_load(&w->board->suspect_note.generation), 0);
}

/* The dead worker wrote that number, and it may have written anything. */
static void suspect__number_outside_the_table__no_suspect(void **state)
{
    const int numbers[] = {-1, 5, FD_LISTENER, 1000000, INT32_MAX, INT32_MIN};
    int client;

    (void)state;
    left_behind(&client);
    for (int how = RECOVER_ALL; how <= RECOVER_RESET_SUSPECT; how++)
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            memset(w->conns.conns, 0, w->conns.capacity * sizeof(struct conn));
            w->settings.recover_how = (uint32_t)how;
            w->settings.suspect = numbers[i];
            recover_all();
        }
    assert_true(socket_is_open(FD_LISTENER));
    expect_served(client);
}

/* In the table, and never recorded as one of its connections. */
static void suspect__above_all_that_were_recorded__no_suspect(void **state)
{
    int client;

    (void)state;
    left_behind(&client);
    w->settings.suspect = FIRST_CONNECTION + 50;
    w->settings.recover_how = RECOVER_RESET_SUSPECT;
    recover_all();
    assert_int_equal(counter(COUNTER_recover_reset), 0);
    assert_int_equal(atomic_load(&w->board->suspect_note.generation), 0);
    expect_served(client);
}

static void reset_all__every_connection_and_nothing_else(void **state)
{
    int clients[2], servers[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        servers[i] = left_behind(&clients[i]);
    w->settings.recover_how = RECOVER_RESET_ALL;
    recover_all();
    for (int i = 0; i < 2; i++) {
        assert_false(socket_is_open(servers[i]));
        socket_expect_reset(clients[i]);
    }
    assert_int_equal(atomic_load(&w->board->recovered.reset), 2);
    assert_true(socket_is_open(FD_LISTENER));
}

/* ---- a large table ---- */

enum { SECOND_SLICE = FIRST_CONNECTION + RECOVER_SLICE_COUNT };

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
#define TCP(test)   cmocka_unit_test_setup_teardown(test, open_tcp, close_all)
#define LARGE(test) cmocka_unit_test_setup_teardown(test, open_large, close_all)
#define UNIX(test)  cmocka_unit_test_setup_teardown(test, open_unix, close_all)
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
        TCP(suspect__re_armed_last_and_described),
        TCP(suspect__no_bytes_wanted__none_shown),
        TCP(suspect__more_bytes_wanted_than_there_is_room__cut),
        TCP(suspect__blamed__reset_alone),
        TCP(suspect__gone_meanwhile__nothing),
        TCP(suspect__number_outside_the_table__no_suspect),
        TCP(suspect__above_all_that_were_recorded__no_suspect),
        TCP(reset_all__every_connection_and_nothing_else),
        LARGE(slices__asked_before_all_are_taken_over__answered_between_them),
        LARGE(slices__asked_before_its_own_slice__answered_out_of_turn),
        LARGE(slices__asks_and_ends_before_its_own_slice__met_once),
        LARGE(slices__event_of_a_number_that_is_not_recorded__left_alone),
        LARGE(slices__suspect_asks__is_not_answered_before_the_last),
        LARGE(slices__suspect_is_in_the_first__comes_with_the_last),
        LARGE(slices__one_ends_between_them__published_with_the_last),
        UNIX(unix_all__cut_in_mid_answer__that_one_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
