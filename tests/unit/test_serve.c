/* Connections and what their events lead to: real clients, the worker in the process of the test. */
/* wrap: epoll_ctl recv */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/heritage.h"
#include "worker/serve.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

static struct worker_fixture fixture;
static struct worker *const w = &fixture.worker;
static int epoll_ctl_error;
static int watched = -1;       /* descriptor whose recv calls are counted */
static unsigned recv_count;    /* by the worker, on that descriptor */
static unsigned take_failures; /* so many of its takes fail, */
static int take_error;         /* with this */

int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    errno = epoll_ctl_error;
    return epoll_ctl_error ? -1 : __real_epoll_ctl(set, operation, fd, event);
}

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    recv_count += fd == watched;
    if (fd == watched && !(flags & MSG_PEEK) && take_failures > 0) {
        take_failures--;
        errno = take_error;
        return -1;
    }
    return __real_recv(fd, bytes, size, flags);
}

static int open_with(struct fixture_options options)
{
    worker_fixture_open(&fixture, options);
    worker_fixture_stop_clock(&fixture);
    epoll_ctl_error = 0;
    watched = -1;
    recv_count = take_failures = 0;
    take_error = ENOMEM;
    return 0;
}

static int open_plain(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
}

static int open_small(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.small_buffers = true});
}

static int open_unix(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.is_unix = true, .small_buffers = true});
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

/* ---- admission ---- */

static void admit__accepted_socket__registered_counted_recorded(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
    assert_int_equal(atomic_load(&w->cell->connection_count), 1);
    assert_int_equal(atomic_load(&w->board->highest), server);
    assert_int_equal(epoll_ctl(FD_EPOLL, EPOLL_CTL_DEL, server, NULL), 0);
}

static void admit__lower_number_later__highest_stays(void **state)
{
    int clients[2], first = worker_fixture_admit(&fixture, &clients[0]);
    int second = worker_fixture_admit(&fixture, &clients[1]);

    (void)state;
    assert_true(second > first);
    close(clients[0]);
    worker_fixture_turn(&fixture);
    assert_int_equal(worker_fixture_admit(&fixture, &clients[0]), first);
    assert_int_equal(atomic_load(&w->board->highest), second);
}

/* It may have come before the listener had any options, as those of UNIX sockets never have. */
static void admit__from_a_passed_listener__gets_the_options(void **state)
{
    bool is_unix = w->settings.listener_is_unix;
    int client, server, nodelay = 0;
    socklen_t length = sizeof nodelay;

    (void)state;
    w->settings.listener_is_passed = true;
    server = worker_fixture_admit(&fixture, &client);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
    assert_int_equal(getsockopt(server, IPPROTO_TCP, TCP_NODELAY, &nodelay, &length) == 0, !is_unix);
    assert_int_equal(nodelay != 0, !is_unix);
    close(client);
}

/* Symptom: an urgent byte of a UNIX client was no part of the stream. */
static void admit__urgent_bytes_stand_in_the_stream(void **state)
{
    int client, inlined = 0;
    socklen_t length = sizeof inlined;

    (void)state;
    int server = worker_fixture_admit(&fixture, &client);
    assert_int_equal(getsockopt(server, SOL_SOCKET, SO_OOBINLINE, &inlined, &length), 0);
    assert_int_equal(inlined, 1);
    close(client);
}

static void admit__kernel_refuses__reset_and_counted(void **state)
{
    int client, server = worker_fixture_pair(&fixture, &client);

    (void)state;
    epoll_ctl_error = ENOSPC;
    assert_false(serve_admit(w, server));
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_accept_errors), 1);
    assert_int_equal(w->conns.open_count, 0);
    assert_int_equal(atomic_load(&w->cell->connection_count), 0);
    socket_expect_reset(client);
}

static void admit__last_free_place__full_until_one_ends(void **state)
{
    int client;

    (void)state;
    w->settings.connection_count_max = 1;
    worker_fixture_admit(&fixture, &client);
    assert_int_equal(atomic_load(&w->cell->full), 1);
    close(client);
    worker_fixture_turn(&fixture);
    assert_int_equal(atomic_load(&w->cell->full), 0);
    assert_int_equal(atomic_load(&w->cell->connection_count), 0);
}

/* ---- messages ---- */

static void event__message__answered_and_open(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    for (int i = 0; i < 3; i++) {
        socket_send_text(client, "hello");
        worker_fixture_serve_until_readable(&fixture, client, 5);
        socket_expect_text(client, "HELLO");
    }
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
    assert_int_equal(atomic_load(&w->board->current), (uint64_t)server << 8 | PHASE_ANSWERING);
}

/* Answered once, however often taking it fails. */
static void event__no_memory_to_take__owed_and_dropped_later(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    watched = server;
    take_failures = 3;
    socket_send_text(client, "hello");
    worker_fixture_serve_until_readable(&fixture, client, 5);
    assert_int_equal(socket_queued(server), 5);
    for (int i = 0; i < 3; i++)
        serve_ready(w);
    assert_int_equal(take_failures, 0);
    assert_int_equal(socket_queued(server), 0);
    socket_expect_text(client, "HELLO");
    socket_send_text(client, "you");
    worker_fixture_serve_until_readable(&fixture, client, 3);
    socket_expect_text(client, "YOU");
    assert_int_equal(w->conns.open_count, 1);
}

static void event__half_close__everything_answered_then_fin(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    socket_send_text(client, "last words");
    shutdown(client, SHUT_WR);
    socket_wait_events(server, POLLRDHUP); /* both are in: they make one edge */
    worker_fixture_turn(&fixture);
    socket_expect_text(client, "LAST WORDS");
    socket_expect_end(client);
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_closed_fin), 1);
    assert_int_equal(atomic_load(&w->board->current), (uint64_t)server << 8 | PHASE_CLOSING);
}

static void event__reset__closed_and_counted(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    socket_send_text(client, "hello");
    socket_close_reset(client);
    socket_wait_events(server, POLLERR);
    worker_fixture_turn(&fixture);
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_closed_reset), 1);
    assert_int_equal(counter(COUNTER_closed_fin), 0);
}

static void event__urgent_data__whole_stream_in_one_event(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    socket_send_text(client, "ab");
    assert_int_equal(send(client, "c", 1, MSG_OOB), 1);
    socket_send_text(client, "de");
    socket_wait_queued(server, 5);
    worker_fixture_turn(&fixture);
    socket_expect_text(client, "ABCDE");
}

static void event__bulk_stream__others_have_their_turn_before_its_next_chunk(void **state)
{
    static char chunk[CHUNK_BYTES_MAX];
    int bulk, small, server = worker_fixture_admit(&fixture, &bulk);

    (void)state;
    worker_fixture_admit(&fixture, &small);
    assert_int_equal(send(bulk, chunk, sizeof chunk, 0), sizeof chunk);
    socket_wait_queued(server, sizeof chunk);
    socket_send_text(small, "b");
    while (counter(COUNTER_answered) < 2)
        worker_fixture_turn(&fixture);
    socket_expect_text(small, "B");
    assert_int_equal(w->conns.ready_count, 1);
    watched = server;
    serve_ready(w);
    assert_int_equal(recv_count, 1); /* looked once more, and found nothing */
    assert_int_equal(w->conns.ready_count, 0);
}

/* ---- events that mean nothing ---- */

static void event__number_without_connection__nothing(void **state)
{
    int client, server = worker_fixture_pair(&fixture, &client);
    const int numbers[] = {-1, 0, FD_LISTENER, FIRST_CONNECTION - 1, server, 1000000};

    (void)state;
    watched = server;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        serve_event(w, numbers[i], EPOLLIN | EPOLLHUP | EPOLLERR);
    assert_int_equal(recv_count, 0);
    assert_true(socket_is_open(server));
    assert_int_equal(w->conns.open_count, 0);
}

/* As it happens when a number is closed and used again between two events of one wait. */
static void event__stale_hang_up_for_a_reused_number__connection_lives(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    serve_event(w, server, EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
    socket_send_text(client, "a");
    worker_fixture_serve_until_readable(&fixture, client, 1);
}

static void event__writable_and_nobody_waits__no_look(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    watched = server;
    serve_event(w, server, EPOLLOUT);
    assert_int_equal(recv_count, 0);
    serve_event(w, server, EPOLLIN);
    assert_int_equal(recv_count, 1);
}

/* ---- clients that do not read ---- */

static void event__client_does_not_read__blocked_until_it_does(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);
    size_t sent = 0, got = 0;
    char bytes[4096];

    (void)state;
    while (!worker_fixture_is_blocked(&fixture, server)) {
        sent += socket_fill(client, 'x');
        worker_fixture_turn(&fixture);
        serve_ready(w);
    }
    assert_true(counter(COUNTER_blocked) >= 1);
    assert_true(counter(COUNTER_bytes_out) < sent);
    while (got < sent) {
        ssize_t n = recv(client, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n > 0)
            got += (size_t)n;
        else if (w->conns.ready_count > 0)
            serve_ready(w);
        else if (counter(COUNTER_bytes_out) < sent)
            worker_fixture_turn(&fixture);
        else
            socket_wait_events(client, POLLIN);
    }
    assert_int_equal(got, sent);
    assert_int_equal(counter(COUNTER_bytes_in), sent);
    assert_false(worker_fixture_is_blocked(&fixture, server));
}

/* What came during the blocked spell had its edge then. */
static void event__writable_again__looks_until_empty(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    socket_send_text(client, "a");
    socket_wait_queued(server, 1);
    conn_find(&w->conns, server)->flags |= CONN_BLOCKED;
    watched = server;
    serve_event(w, server, EPOLLOUT);
    assert_int_equal(recv_count, 3); /* look, take, and the look that finds nothing */
}

static void event__input_while_blocked__left_in_the_kernel(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    worker_fixture_fill_until_blocked(&fixture, server, client);
    watched = server;
    serve_event(w, server, EPOLLIN | EPOLLRDHUP);
    assert_int_equal(recv_count, 0);
    conn_ready_push(&w->conns, conn_find(&w->conns, server));
    serve_ready(w);
    assert_int_equal(recv_count, 0);
    assert_true(worker_fixture_is_blocked(&fixture, server));
}

static void event__reset_while_blocked__closed(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    worker_fixture_fill_until_blocked(&fixture, server, client);
    socket_close_reset(client);
    worker_fixture_turn(&fixture);
    assert_false(socket_is_open(server));
    assert_int_equal(counter(COUNTER_closed_reset), 1);
}

/* ---- lingering ---- */

/* A connection that we have ended, and whose input is read and thrown away. */
static int lingering(int *client)
{
    int server = worker_fixture_admit(&fixture, client);

    serve_end_all(&fixture.worker);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_LINGERING));
    watched = server;
    return server;
}

static void lingering__interrupted_read__goes_on(void **state)
{
    int client, server = lingering(&client);

    (void)state;
    take_error = EINTR;
    take_failures = 1;
    serve_ready(&fixture.worker);
    assert_int_equal(take_failures, 0);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_LINGERING));
}

static void lingering__input_cannot_be_read__closed(void **state)
{
    int client, server = lingering(&client);

    (void)state;
    take_failures = 1;
    serve_ready(&fixture.worker);
    assert_false(socket_is_open(server));
}

int main(void)
{
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, open_plain, close_all)
#define SMALL(test) cmocka_unit_test_setup_teardown(test, open_small, close_all)
#define UNIX(test)                                                                                           \
    {                                                                                                        \
        "unix_" #test, test, open_unix, close_all, NULL                                                      \
    }
    const struct CMUnitTest tests[] = {
        PLAIN(admit__accepted_socket__registered_counted_recorded),
        PLAIN(admit__lower_number_later__highest_stays),
        PLAIN(admit__kernel_refuses__reset_and_counted),
        PLAIN(admit__last_free_place__full_until_one_ends),
        PLAIN(event__message__answered_and_open),
        UNIX(event__message__answered_and_open),
        PLAIN(event__no_memory_to_take__owed_and_dropped_later),
        PLAIN(event__half_close__everything_answered_then_fin),
        UNIX(event__half_close__everything_answered_then_fin),
        PLAIN(event__reset__closed_and_counted),
        PLAIN(event__urgent_data__whole_stream_in_one_event),
        PLAIN(event__bulk_stream__others_have_their_turn_before_its_next_chunk),
        PLAIN(event__number_without_connection__nothing),
        PLAIN(event__stale_hang_up_for_a_reused_number__connection_lives),
        PLAIN(event__writable_and_nobody_waits__no_look),
        SMALL(event__client_does_not_read__blocked_until_it_does),
        UNIX(event__client_does_not_read__blocked_until_it_does),
        PLAIN(event__writable_again__looks_until_empty),
        SMALL(event__input_while_blocked__left_in_the_kernel),
        SMALL(event__reset_while_blocked__closed),
        PLAIN(lingering__interrupted_read__goes_on),
        PLAIN(lingering__input_cannot_be_read__closed),
        PLAIN(admit__from_a_passed_listener__gets_the_options),
        UNIX(admit__urgent_bytes_stand_in_the_stream),
        UNIX(admit__from_a_passed_listener__gets_the_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
