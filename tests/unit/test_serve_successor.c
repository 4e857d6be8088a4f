/* Connections that are taken over; a dead worker is played by answering without taking. */
/* wrap: recv settle_connection */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/heritage.h"
#include "worker/serve.h"
#include "worker/settle.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct worker_fixture fixture;
static struct worker *const w = &fixture.worker;
static int watched = -1;    /* descriptor whose recv calls are counted */
static unsigned recv_count; /* by the worker, on that descriptor */

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    recv_count += fd == watched;
    return __real_recv(fd, bytes, size, flags);
}

/* What the kernel hardly ever makes recovery say is put into its mouth; -1: its own answer. */
static int settle_result;
static unsigned settle_count;

enum settle_result __real_settle_connection(struct worker *worker, int fd);
enum settle_result __wrap_settle_connection(struct worker *worker, int fd);

enum settle_result __wrap_settle_connection(struct worker *worker, int fd)
{
    settle_count++;
    return settle_result < 0 ? __real_settle_connection(worker, fd) : (enum settle_result)settle_result;
}

static int open_with(struct fixture_options options)
{
    worker_fixture_open(&fixture, options);
    worker_fixture_stop_clock(&fixture);
    watched = -1;
    recv_count = 0;
    settle_result = -1;
    settle_count = 0;
    return 0;
}

static int open_plain(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
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

/* ---- taken over from a dead worker ---- */

/* A connection as a dead worker leaves it: `given` bytes of the message answered, none of them taken. */
static int leave_behind(int *client, const char *message, const char *given)
{
    int server = worker_fixture_pair(&fixture, client);
    struct epoll_event event;

    worker_fixture_leave_behind(&fixture, server);
    if (*message == '\0')
        return server;
    socket_send_text(*client, message);
    socket_wait_queued(server, strlen(message));
    assert_int_equal(epoll_wait(FD_EPOLL, &event, 1, FIXTURE_DEADLINE_MS), 1); /* the edge was its own */
    socket_send_text(server, given);
    return server;
}

static void rearm__connection_given_and_not_taken__goes_on_with_the_rest(void **state)
{
    int client, server = leave_behind(&client, "hello", "HEL");

    (void)state;
    assert_true(serve_rearm(w, server, EPOLL_CTL_MOD));
    worker_fixture_turn(&fixture);
    socket_expect_text(client, "HELLO");
    assert_int_equal(counter(COUNTER_owed_bytes), 3);
    socket_send_text(client, "again");
    worker_fixture_serve_until_readable(&fixture, client, 5);
    socket_expect_text(client, "AGAIN");
    assert_int_equal(counter(COUNTER_owed), 1);
    assert_int_equal(settle_count, 1);
}

static void rearm__refused_by_the_kernel__false_and_errno(void **state)
{
    int client, server = worker_fixture_pair(&fixture, &client);

    (void)state;
    assert_false(serve_rearm(w, server, EPOLL_CTL_MOD));
    assert_int_equal(errno, ENOENT);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_CLOSED));
    assert_true(serve_rearm(w, server, EPOLL_CTL_ADD));
    assert_int_equal(w->conns.open_count, 1);
}

static int rearmed(int *client)
{
    int server = leave_behind(client, "hello", "");

    assert_true(serve_rearm(w, server, EPOLL_CTL_MOD));
    return server;
}

static void settle__cannot_be_told_yet__asked_again_before_any_answer(void **state)
{
    int client, server = rearmed(&client);

    (void)state;
    settle_result = SETTLE_LATER;
    watched = server;
    worker_fixture_turn(&fixture);
    serve_ready(w);
    assert_int_equal(recv_count, 0);
    assert_int_equal(w->conns.ready_count, 1);
    settle_result = -1;
    serve_ready(w);
    socket_expect_text(client, "HELLO");
}

/* An edge may have come to the dead worker: the one that re-arming makes must do for all that is queued. */
static void settle__done__looks_until_empty(void **state)
{
    int client, server = rearmed(&client);

    (void)state;
    watched = server;
    worker_fixture_turn(&fixture);
    assert_int_equal(recv_count, 3); /* look, take, and the look that finds nothing */
}

static void settle__impossible_sums__reset_and_nothing_answered(void **state)
{
    int client, server = rearmed(&client);

    (void)state;
    settle_result = SETTLE_IMPOSSIBLE;
    discard_input(server, client);
    serve_event(w, server, EPOLLIN);
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_answered), 0);
    socket_expect_reset(client);
}

static void settle__dead_connection__closed(void **state)
{
    int client, server = rearmed(&client);

    (void)state;
    settle_result = SETTLE_CLOSED;
    worker_fixture_turn(&fixture);
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_closed_reset), 1);
}

static void settle__we_had_ended_it__lingers_on(void **state)
{
    int client, server = rearmed(&client);

    (void)state;
    shutdown(server, SHUT_WR);
    worker_fixture_turn(&fixture);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_LINGERING));
    serve_ready(w);
    assert_int_equal(socket_queued(server), 0);
    assert_int_equal(counter(COUNTER_answered), 0);
    socket_expect_end(client);
}

static void suspect__answers__cleared_on_the_board(void **state)
{
    int client, server = leave_behind(&client, "hello", "");

    (void)state;
    w->settings.suspect = server;
    assert_true(serve_rearm(w, server, EPOLL_CTL_MOD));
    assert_int_equal(atomic_load(&w->board->suspect_cleared), 0);
    worker_fixture_turn(&fixture);
    assert_int_equal(atomic_load(&w->board->suspect_cleared), FIXTURE_GENERATION);
}

static void suspect__leaves_unanswered__cleared_on_the_board(void **state)
{
    int client, server = leave_behind(&client, "", "");

    (void)state;
    w->settings.suspect = server;
    assert_true(serve_rearm(w, server, EPOLL_CTL_MOD));
    close(client);
    worker_fixture_turn(&fixture);
    assert_false(socket_is_open(server));
    assert_int_equal(atomic_load(&w->board->suspect_cleared), FIXTURE_GENERATION);
}

static void suspect__another_answers__not_cleared(void **state)
{
    int clients[2], server = leave_behind(&clients[0], "hello", "");

    (void)state;
    w->settings.suspect = server + 1;
    assert_true(serve_rearm(w, server, EPOLL_CTL_MOD));
    worker_fixture_turn(&fixture);
    socket_expect_text(clients[0], "HELLO");
    assert_int_equal(atomic_load(&w->board->suspect_cleared), 0);
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_all)
    const struct CMUnitTest tests[] = {
        PLAIN(rearm__connection_given_and_not_taken__goes_on_with_the_rest),
        PLAIN(rearm__refused_by_the_kernel__false_and_errno),
        PLAIN(settle__cannot_be_told_yet__asked_again_before_any_answer),
        PLAIN(settle__done__looks_until_empty),
        PLAIN(settle__impossible_sums__reset_and_nothing_answered),
        PLAIN(settle__dead_connection__closed),
        PLAIN(settle__we_had_ended_it__lingers_on),
        PLAIN(suspect__answers__cleared_on_the_board),
        PLAIN(suspect__leaves_unanswered__cleared_on_the_board),
        PLAIN(suspect__another_answers__not_cleared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
