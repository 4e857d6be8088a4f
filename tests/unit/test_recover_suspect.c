/* Taking over with a suspect, which may have killed the one before: it comes last, is described, or is reset alone or with all. */
/* wrap: epoll_ctl */
#include "tests/unit/test_recover.h"

#include <string.h>
#include <sys/epoll.h>

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

static int open_watched(void **state)
{
    order_count = 0;
    return open_tcp(state);
}

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

int main(void)
{
#define TCP(test) cmocka_unit_test_setup_teardown(test, open_watched, close_all)
    const struct CMUnitTest tests[] = {
        TCP(suspect__re_armed_last_and_described),
        TCP(suspect__no_bytes_wanted__none_shown),
        TCP(suspect__more_bytes_wanted_than_there_is_room__cut),
        TCP(suspect__blamed__reset_alone),
        TCP(suspect__gone_meanwhile__nothing),
        TCP(suspect__number_outside_the_table__no_suspect),
        TCP(suspect__above_all_that_were_recorded__no_suspect),
        TCP(reset_all__every_connection_and_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
