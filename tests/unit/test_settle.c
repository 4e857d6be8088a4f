/* What a dead worker had answered and not taken is dropped (test_settle_held.c: what it had taken and not answered); a dead
 * worker is played by answering without taking. */
/* wrap: recv position_read */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/heritage.h"
#include "worker/position.h"
#include "worker/settle.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static struct worker_fixture fixture;
static struct worker *const w = &fixture.worker;
static int server, client;
static int recv_error, position_error; /* with which the next call fails */
static size_t recv_limit;              /* what one call moves at most; 0: as asked */

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
int __real_position_read(int fd, struct position *position);
int __wrap_position_read(int fd, struct position *position);

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    if (fd == server && recv_error) {
        errno = recv_error;
        recv_error = 0;
        return -1;
    }
    if (fd == server && recv_limit && size > recv_limit)
        size = recv_limit;
    return __real_recv(fd, bytes, size, flags);
}

int __wrap_position_read(int fd, struct position *position)
{
    int error = position_error;

    position_error = 0;
    return error ? error : __real_position_read(fd, position);
}

static int open_with(struct fixture_options options)
{
    worker_fixture_open(&fixture, options);
    server = worker_fixture_pair(&fixture, &client);
    recv_error = position_error = 0;
    recv_limit = 0;
    return 0;
}

static int open_tcp(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
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

/* The client sends, the dead worker gives that much of an answer. */
static void come_and_give(const char *message, const char *given)
{
    socket_send_text(client, message);
    socket_wait_queued(server, strlen(message));
    socket_send_text(server, given);
}

static enum settle_result settle(void)
{
    return settle_connection(w, server);
}

static void expect_owed(uint64_t times, uint64_t bytes)
{
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_owed), times);
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_owed_bytes), bytes);
    /* The dead worker counts a chunk after taking it, so it had not. */
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_bytes_in), bytes);
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_bytes_out), bytes);
}

static void settle__nothing_given__nothing_dropped(void **state)
{
    (void)state;
    come_and_give("hello", "");
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 5);
    expect_owed(0, 0);
}

static void settle__given_and_not_taken__dropped_and_counted(void **state)
{
    (void)state;
    come_and_give("hello", "HEL");
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 2);
    expect_owed(1, 3);
    assert_int_equal(atomic_load(&w->board->recovered.owed), 1);
}

static void settle__repeated_by_the_next_successor__nothing_more(void **state)
{
    (void)state;
    come_and_give("hello", "HEL");
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 2);
    expect_owed(1, 3);
}

static void settle__cut_short_by_a_death__next_one_drops_the_rest(void **state)
{
    char byte;

    (void)state;
    come_and_give("hello", "HEL");
    assert_int_equal(__real_recv(server, &byte, 1, 0), 1); /* so far came the one that died settling */
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 2);
}

static void settle__everything_given_and_fin__empty_queue(void **state)
{
    (void)state;
    come_and_give("hello", "HELLO");
    shutdown(client, SHUT_WR);
    socket_wait_events(server, POLLRDHUP);
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 0);
    socket_expect_text(client, "HELLO");
}

static void settle__across_an_urgent_mark__dropped_whole(void **state)
{
    (void)state;
    socket_send_text(client, "ab");
    assert_int_equal(send(client, "c", 1, MSG_OOB), 1);
    socket_send_text(client, "de");
    socket_wait_queued(server, 5);
    socket_send_text(server, "ABCD");
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 1);
}

static void settle__recv_short_or_interrupted__goes_on(void **state)
{
    (void)state;
    come_and_give("hello", "HELL");
    recv_error = EINTR;
    recv_limit = 1;
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 1);
    expect_owed(1, 4);
}

static void settle__not_to_be_dropped_just_now__later(void **state)
{
    const int errors[] = {ENOMEM, ENOBUFS, EAGAIN};

    (void)state;
    come_and_give("hello", "HELL");
    for (int i = 0; i < 3; i++) {
        recv_error = errors[i];
        assert_int_equal(settle(), SETTLE_LATER);
        expect_owed(0, 0);
    }
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 1);
    expect_owed(1, 4);
}

static void settle__connection_breaks_meanwhile__closed(void **state)
{
    (void)state;
    come_and_give("hello", "HEL");
    recv_error = ECONNRESET;
    assert_int_equal(settle(), SETTLE_CLOSED);
    expect_owed(0, 0);
}

static void settle__reset_by_the_client__closed(void **state)
{
    (void)state;
    come_and_give("hello", "HEL");
    socket_close_reset(client);
    socket_wait_events(server, POLLERR);
    assert_int_equal(settle(), SETTLE_CLOSED);
}

static void settle__traffic_at_every_look__later(void **state)
{
    (void)state;
    come_and_give("hello", "HEL");
    position_error = -EAGAIN;
    assert_int_equal(settle(), SETTLE_LATER);
    assert_int_equal(socket_queued(server), 5);
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 2);
}

static void settle__we_had_ended_it__lingers_and_drops_nothing(void **state)
{
    (void)state;
    come_and_give("hello", "HEL");
    shutdown(server, SHUT_WR);
    assert_int_equal(settle(), SETTLE_LINGERS);
    assert_int_equal(socket_queued(server), 5);
}

static void settle__more_answered_than_came__impossible_and_logged(void **state)
{
    char line[512];

    (void)state;
    socket_send_text(server, "out of nowhere");
    assert_int_equal(settle(), SETTLE_IMPOSSIBLE);
    assert_int_equal(worker_fixture_counter(&fixture, COUNTER_recover_reset), 1);
    assert_true(worker_fixture_read_log(line, sizeof line));
    assert_memory_equal(line, "event=position_broken slot=0 ", 29);
}

static void set_linger(int seconds)
{
    const struct linger linger = {.l_onoff = 1, .l_linger = seconds};

    assert_int_equal(setsockopt(server, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
}

/* Its predecessor died between the two calls of a reset. */
static void settle__was_being_reset__closed_and_the_client_sees_the_reset(void **state)
{
    (void)state;
    come_and_give("hello", "HELLO");
    set_linger(0);
    assert_int_equal(settle(), SETTLE_CLOSED);
    assert_int_equal(socket_queued(server), 5); /* nothing is settled for nobody */
    expect_owed(0, 0);
    char bytes[5];
    assert_int_equal(__real_recv(server, bytes, sizeof bytes, 0), 5); /* unread input would reset by itself */
    close(server);
    socket_expect_reset(client);
}

/* Somebody who was given the listener by a service manager may have set this for reasons of his own. */
static void settle__linger_time_of_another_length__no_reset(void **state)
{
    (void)state;
    come_and_give("hello", "HEL");
    set_linger(5);
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 2);
    set_linger(0);
    const struct linger off = {.l_onoff = 0, .l_linger = 0};
    assert_int_equal(setsockopt(server, SOL_SOCKET, SO_LINGER, &off, sizeof off), 0);
    assert_int_equal(settle(), SETTLE_DONE);
}

static void settle__no_tcp_socket__closed(void **state)
{
    (void)state;
    assert_int_equal(settle_connection(w, FD_TICK), SETTLE_CLOSED);
}

static void unix_settle__nothing_to_be_asked__done(void **state)
{
    (void)state;
    come_and_give("hello", "HEL");
    assert_int_equal(settle(), SETTLE_DONE);
    assert_int_equal(socket_queued(server), 5);
}

int main(void)
{
#define TCP(test)  cmocka_unit_test_setup_teardown(test, open_tcp, close_all)
#define UNIX(test) cmocka_unit_test_setup_teardown(test, open_unix, close_all)
    const struct CMUnitTest tests[] = {
        TCP(settle__nothing_given__nothing_dropped),
        TCP(settle__given_and_not_taken__dropped_and_counted),
        TCP(settle__repeated_by_the_next_successor__nothing_more),
        TCP(settle__cut_short_by_a_death__next_one_drops_the_rest),
        TCP(settle__everything_given_and_fin__empty_queue),
        TCP(settle__across_an_urgent_mark__dropped_whole),
        TCP(settle__recv_short_or_interrupted__goes_on),
        TCP(settle__not_to_be_dropped_just_now__later),
        TCP(settle__connection_breaks_meanwhile__closed),
        TCP(settle__reset_by_the_client__closed),
        TCP(settle__traffic_at_every_look__later),
        TCP(settle__we_had_ended_it__lingers_and_drops_nothing),
        TCP(settle__more_answered_than_came__impossible_and_logged),
        TCP(settle__was_being_reset__closed_and_the_client_sees_the_reset),
        TCP(settle__linger_time_of_another_length__no_reset),
        TCP(settle__no_tcp_socket__closed),
        UNIX(unix_settle__nothing_to_be_asked__done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
