/* Connections from their first event to their end: real clients, the time in the test's hand. */
/* wrap: epoll_ctl recv settle_connection */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/heritage.h"
#include "worker/serve.h"
#include "worker/settle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static struct worker_fixture fixture;
static struct worker *const w = &fixture.worker;
static int epoll_ctl_error;
static int watched = -1;    /* descriptor whose recv calls are counted */
static unsigned recv_count; /* by the worker, on that descriptor */
static size_t recv_limit = SIZE_MAX;

int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    errno = epoll_ctl_error;
    return epoll_ctl_error ? -1 : __real_epoll_ctl(set, operation, fd, event);
}

ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    if (fd == watched) {
        recv_count++;
        size = size < recv_limit ? size : recv_limit;
    }
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
    w->tick_running = true; /* the test says what time it is */
    w->now_tick = 1000;
    epoll_ctl_error = 0;
    watched = -1;
    recv_count = 0;
    recv_limit = SIZE_MAX;
    settle_result = -1;
    settle_count = 0;
    return 0;
}

static int open_plain(void **state)
{
    (void)state;
    return open_with((struct fixture_options){0});
}

static int open_unix(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.is_unix = true, .small_buffers = true});
}

static int open_impatient(void **state)
{
    (void)state;
    return open_with(
        (struct fixture_options){.idle_timeout_ms = 1000, .write_timeout_ms = 1000, .small_buffers = true});
}

static int open_small(void **state)
{
    (void)state;
    return open_with((struct fixture_options){.small_buffers = true});
}

static int close_all(void **state)
{
    (void)state;
    worker_fixture_close(&fixture);
    return 0;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static uint64_t counter(enum counter which)
{
    return worker_fixture_counter(&fixture, which);
}

static bool is_blocked(int fd)
{
    return conn_find(&w->conns, fd)->flags & CONN_BLOCKED;
}

static void pass_time(enum conn_deadline kind)
{
    w->now_tick += w->conns.deadlines[kind].timeout_ticks;
    serve_tick(w);
}

/* Lets the client send until nothing goes through any more: the worker has given what the client's window
 * takes. */
static void fill_until_blocked(int server, int client)
{
    for (int round = 0; round < 1000 && !is_blocked(server); round++) {
        socket_fill(client, 'x');
        worker_fixture_turn(&fixture);
        serve_ready(w);
    }
    assert_true(is_blocked(server));
}

static int unsent(int fd)
{
    int bytes = 0;

    assert_int_equal(ioctl(fd, SIOCOUTQ, &bytes), 0);
    return bytes;
}

/* Closing with unread input resets anyway; without it, only a close that means to. */
static void discard_input(int server, int client)
{
    char bytes[4096];

    while (unsent(client) > 0 || socket_queued(server) > 0)
        recv(server, bytes, sizeof bytes, MSG_DONTWAIT);
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

static void admit__kernel_refuses__reset_and_counted(void **state)
{
    int client, server = worker_fixture_pair(&fixture, &client);

    (void)state;
    epoll_ctl_error = ENOSPC;
    assert_false(serve_admit(w, server));
    assert_false(is_open(server));
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
    assert_false(is_open(server));
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
    assert_false(is_open(server));
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

/* ---- taken over from a dead worker ---- */

/* A connection as a dead worker leaves it: `given` bytes of the message answered, none of them taken. */
static int leave_behind(int *client, const char *message, const char *given)
{
    int server = worker_fixture_pair(&fixture, client);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = (uint64_t)server};

    assert_int_equal(epoll_ctl(FD_EPOLL, EPOLL_CTL_ADD, server, &event), 0);
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
    assert_false(is_open(server));
    assert_int_equal(counter(COUNTER_answered), 0);
    socket_expect_reset(client);
}

static void settle__dead_connection__closed(void **state)
{
    int client, server = rearmed(&client);

    (void)state;
    settle_result = SETTLE_CLOSED;
    worker_fixture_turn(&fixture);
    assert_false(is_open(server));
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
    assert_false(is_open(server));
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
    assert_true(is_open(server));
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
    while (!is_blocked(server)) {
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
    assert_false(is_blocked(server));
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
    fill_until_blocked(server, client);
    watched = server;
    serve_event(w, server, EPOLLIN | EPOLLRDHUP);
    assert_int_equal(recv_count, 0);
    conn_ready_push(&w->conns, conn_find(&w->conns, server));
    serve_ready(w);
    assert_int_equal(recv_count, 0);
    assert_true(is_blocked(server));
}

static void event__reset_while_blocked__closed(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    fill_until_blocked(server, client);
    socket_close_reset(client);
    worker_fixture_turn(&fixture);
    assert_false(is_open(server));
    assert_int_equal(counter(COUNTER_closed_reset), 1);
}

static void write_deadline__client_never_reads__reset(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    fill_until_blocked(server, client);
    discard_input(server, client);
    w->now_tick += w->conns.deadlines[DEADLINE_WRITE].timeout_ticks - 1;
    serve_tick(w);
    assert_true(is_open(server));
    w->now_tick++;
    serve_tick(w);
    assert_false(is_open(server));
    assert_int_equal(counter(COUNTER_closed_write), 1);
    socket_expect_reset(client);
}

/* Reads what is there, until the kernel has room to send more: too little for the worker to be woken. */
static void read_a_little(int server, int client)
{
    const struct timespec interval = {.tv_nsec = 200000};
    int before = unsent(server);
    char bytes[1024];

    for (int i = 0; i < 10000 && unsent(server) >= before; i++)
        if (recv(client, bytes, sizeof bytes, MSG_DONTWAIT) < 0)
            nanosleep(&interval, NULL);
    assert_true(unsent(server) < before);
}

static void write_deadline__slow_but_reading_client__not_ended(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    fill_until_blocked(server, client);
    for (int i = 0; i < 2 && unsent(server) > 0; i++) {
        read_a_little(server, client);
        pass_time(DEADLINE_WRITE);
        assert_true(is_open(server));
    }
    pass_time(DEADLINE_WRITE); /* and now it has stopped to read */
    assert_false(is_open(server));
    assert_int_equal(counter(COUNTER_closed_write), 1);
}

static void write_deadline__off__waits_for_ever(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    fill_until_blocked(server, client);
    w->now_tick += 1000000;
    serve_tick(w);
    assert_true(is_open(server));
    assert_false(conn_deadlines_any(&w->conns));
}

/* ---- silence ---- */

static void idle__silent_client__fin_then_closed_when_it_leaves(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    pass_time(DEADLINE_IDLE);
    assert_int_equal(counter(COUNTER_closed_idle), 1);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_LINGERING));
    socket_expect_end(client);
    serve_ready(w);
    assert_true(is_open(server));
    close(client);
    while (is_open(server))
        worker_fixture_turn(&fixture);
    assert_int_equal(w->conns.open_count, 0);
}

static void idle__message__counts_anew(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    w->now_tick += w->conns.deadlines[DEADLINE_IDLE].timeout_ticks - 1;
    socket_send_text(client, "a");
    worker_fixture_serve_until_readable(&fixture, client, 1);
    w->now_tick += w->conns.deadlines[DEADLINE_IDLE].timeout_ticks - 1;
    serve_tick(w);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
    w->now_tick++;
    serve_tick(w);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_LINGERING));
}

static void idle__off__no_deadline_armed(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    w->now_tick += 1000000;
    serve_tick(w);
    assert_true(worker_fixture_state_is(&fixture, server, CONN_OPEN));
}

/* ---- ending from our side ---- */

/* Closing with unread input would send a RST, which can destroy the answer on its way. */
static void linger__client_goes_on_sending__reads_its_last_answer(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    socket_send_text(client, "a");
    worker_fixture_serve_until_readable(&fixture, client, 1);
    pass_time(DEADLINE_IDLE);
    socket_send_text(client, "not heard any more");
    socket_wait_queued(server, 18);
    worker_fixture_turn(&fixture);
    serve_ready(w);
    assert_int_equal(socket_queued(server), 0);
    assert_int_equal(counter(COUNTER_answered), 1);
    socket_expect_text(client, "A");
    socket_expect_end(client);
}

static void linger__time_is_up__closed(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    pass_time(DEADLINE_IDLE);
    pass_time(DEADLINE_LINGER);
    assert_false(is_open(server));
    assert_int_equal(counter(COUNTER_closed_idle), 1);
    serve_ready(w); /* its number is in the list still */
    assert_int_equal(w->conns.open_count, 0);
}

static void linger__more_input_than_a_turn_takes__goes_on_later(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    serve_end_all(w);
    serve_ready(w);
    socket_send_text(client, "abcdefghijklmnopqrst");
    socket_wait_queued(server, 20);
    watched = server;
    recv_limit = 1;
    serve_event(w, server, EPOLLIN);
    assert_int_equal(socket_queued(server), 20 - TURN_CHUNK_COUNT_MAX);
    assert_int_equal(w->conns.ready_count, 1);
    serve_ready(w);
    assert_int_equal(socket_queued(server), 0);
}

static void end_all__open_and_lingering__each_ended_once(void **state)
{
    int clients[3];

    (void)state;
    worker_fixture_admit(&fixture, &clients[0]);
    pass_time(DEADLINE_IDLE);
    worker_fixture_admit(&fixture, &clients[1]);
    worker_fixture_admit(&fixture, &clients[2]);
    serve_end_all(w);
    assert_int_equal(counter(COUNTER_closed_idle), 1);
    assert_int_equal(counter(COUNTER_closed_drain), 2);
    for (int i = 0; i < 3; i++)
        socket_expect_end(clients[i]);
    pass_time(DEADLINE_LINGER);
    assert_int_equal(w->conns.open_count, 0);
}

static void end_all__blocked_with_input__thrown_away(void **state)
{
    int client, server = worker_fixture_admit(&fixture, &client);

    (void)state;
    fill_until_blocked(server, client);
    serve_end_all(w);
    watched = server;
    serve_ready(w);
    assert_true(recv_count > 0);
    assert_false(is_blocked(server));
}

static void reset__any_socket__client_sees_a_reset(void **state)
{
    int client, server = worker_fixture_pair(&fixture, &client);

    (void)state;
    serve_reset(server);
    assert_false(is_open(server));
    socket_expect_reset(client);
}

int main(void)
{
#define PLAIN(test)     cmocka_unit_test_setup_teardown(test, open_plain, close_all)
#define SMALL(test)     cmocka_unit_test_setup_teardown(test, open_small, close_all)
#define IMPATIENT(test) cmocka_unit_test_setup_teardown(test, open_impatient, close_all)
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
        PLAIN(event__half_close__everything_answered_then_fin),
        UNIX(event__half_close__everything_answered_then_fin),
        PLAIN(event__reset__closed_and_counted),
        PLAIN(event__urgent_data__whole_stream_in_one_event),
        PLAIN(event__bulk_stream__others_have_their_turn_before_its_next_chunk),
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
        PLAIN(event__number_without_connection__nothing),
        PLAIN(event__stale_hang_up_for_a_reused_number__connection_lives),
        PLAIN(event__writable_and_nobody_waits__no_look),
        SMALL(event__client_does_not_read__blocked_until_it_does),
        UNIX(event__client_does_not_read__blocked_until_it_does),
        PLAIN(event__writable_again__looks_until_empty),
        SMALL(event__input_while_blocked__left_in_the_kernel),
        SMALL(event__reset_while_blocked__closed),
        IMPATIENT(write_deadline__client_never_reads__reset),
        IMPATIENT(write_deadline__slow_but_reading_client__not_ended),
        SMALL(write_deadline__off__waits_for_ever),
        IMPATIENT(idle__silent_client__fin_then_closed_when_it_leaves),
        IMPATIENT(idle__message__counts_anew),
        PLAIN(idle__off__no_deadline_armed),
        IMPATIENT(linger__client_goes_on_sending__reads_its_last_answer),
        IMPATIENT(linger__time_is_up__closed),
        PLAIN(linger__more_input_than_a_turn_takes__goes_on_later),
        IMPATIENT(end_all__open_and_lingering__each_ended_once),
        SMALL(end_all__blocked_with_input__thrown_away),
        PLAIN(reset__any_socket__client_sees_a_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
