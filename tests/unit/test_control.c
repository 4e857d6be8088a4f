/* The supervisor's side of the control socket, on real sockets; what requests mean is played by the test. */
/* wrap: getsockopt mmap geteuid accept4 recv send */
#include "tests/support/cmocka_all.h"

#include "master/control.h"
#include "master/operation.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SOME_OPERATION = 7, LONG_TEXT_BYTES = 60000 };

static struct control control;
static struct operation operation;
static int64_t now_ms;
static struct sockaddr_un address;
static socklen_t address_length;
static uid_t peer_uid, own_uid;
static bool no_memory;
static int accept_errno;           /* 0: it works */
static int recv_errno, send_errno; /* of a server's descriptor, once; 0: it works */
static bool recv_is_endless;       /* there is always more to read */
static unsigned endless_count;     /* how often that was read */
static char long_text[LONG_TEXT_BYTES + 1];
static int clients[80];

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
void *__real_mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset);
uid_t __wrap_geteuid(void);
int __real_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags)
{
    errno = accept_errno;
    return accept_errno ? -1 : __real_accept4(fd, peer, length, flags);
}

static bool is_servers(int fd)
{
    for (size_t i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        if (control.clients[i].fd == fd)
            return true;
    return false;
}

static bool fails(int fd, int *error)
{
    if (!*error || !is_servers(fd))
        return false;
    errno = *error;
    *error = 0;
    return true;
}

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    if (recv_is_endless && is_servers(fd)) {
        endless_count++;
        memset(bytes, 'x', size);
        return (ssize_t)size;
    }
    return fails(fd, &recv_errno) ? -1 : __real_recv(fd, bytes, size, flags);
}

ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    return fails(fd, &send_errno) ? -1 : __real_send(fd, bytes, size, flags);
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    int result = __real_getsockopt(fd, level, name, value, length);
    if (name == SO_PEERCRED)
        ((struct ucred *)value)->uid = peer_uid;
    return result;
}

void *__wrap_mmap(void *place, size_t size, int protection, int flags, int fd, off_t offset)
{
    return no_memory ? MAP_FAILED : __real_mmap(place, size, protection, flags, fd, offset);
}

uid_t __wrap_geteuid(void)
{
    return own_uid;
}

/* status: a line and the end; scale: waits for the operation; stop: waits for our end; log: a long line;
 * wait: as told. */
static void answer(void *context, struct control_client *client, const struct control_request *request)
{
    assert_ptr_equal(context, &operation);
    if (request->verb == CONTROL_SCALE || request->verb == CONTROL_WAIT) {
        control_wait_operation(client, request->number);
    } else if (request->verb == CONTROL_STOP) {
        control_wait_end(client);
    } else if (request->verb == CONTROL_LOG) {
        control_say(client, "json %s", long_text);
        control_end(client, 0, "long");
    } else {
        control_say(client, "json {}");
        control_end(client, 0, "");
    }
}

static const struct operation *find(void *context, uint32_t number)
{
    assert_ptr_equal(context, &operation);
    return number == operation.number ? &operation : NULL;
}

static int begin(void **state)
{
    (void)state;
    no_memory = false;
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (bind(listener, (const void *)&address, sizeof(sa_family_t)) < 0 || listen(listener, 100) < 0)
        return -1;
    address_length = sizeof address;
    getsockname(listener, (void *)&address, &address_length); /* an abstract name that the kernel chose */
    control_init(&control, listener, (struct control_calls){answer, find, &operation});
    operation = (struct operation){.number = SOME_OPERATION, .state = OPERATION_RUNNING};
    now_ms = 1000000;
    peer_uid = own_uid = 4321;
    accept_errno = recv_errno = send_errno = 0;
    recv_is_endless = false;
    endless_count = 0;
    memset(long_text, 'l', LONG_TEXT_BYTES);
    memset(clients, 0, sizeof clients);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (size_t i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        if (control.clients[i].fd >= 0)
            close(control.clients[i].fd);
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++)
        if (clients[i] > 0)
            close(clients[i]);
    if (control.clients[0].out)
        munmap(control.clients[0].out, (size_t)CONTROL_CLIENT_COUNT_MAX * CONTROL_OUT_BYTES_MAX);
    return close(control.listener_fd);
}

static void turn(void)
{
    struct pollfd polled[CONTROL_POLL_COUNT];
    control_poll(&control, polled);
    poll(polled, CONTROL_POLL_COUNT, 0);
    control_turn(&control, polled, now_ms);
}

/* A client that was accepted; closed at the end. */
static int dial(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const void *)&address, address_length), 0);
    size_t place = 0;
    while (clients[place] > 0)
        place++;
    assert_true(place < sizeof clients / sizeof clients[0]);
    clients[place] = fd;
    turn();
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
    turn();
}

/* Everything that is there now. */
static void expect(int fd, const char *text)
{
    char got[4096];
    ssize_t length = recv(fd, got, sizeof got - 1, MSG_DONTWAIT);
    got[length > 0 ? length : 0] = '\0';
    assert_string_equal(got, text);
}

static void expect_closed(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 0);
}

static void expect_open(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

static void event(enum log_level level, const char *text)
{
    control_on_line(&control, level, text, strlen(text));
}

/* ---- requests ---- */

static void request__whole_line__answered_at_once_and_again(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "status\n");
    expect(fd, "json {}\nend 0\n");
    say(fd, "status\r\n");
    expect(fd, "json {}\nend 0\n");
}

static void request__in_pieces__answered_when_it_is_whole(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "sta");
    expect(fd, "");
    say(fd, "tus\nsta");
    expect(fd, "json {}\nend 0\n");
    say(fd, "tus\n");
    expect(fd, "json {}\nend 0\n");
}

static void request__several_at_once__answered_one_a_turn(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "status\nnonsense\n");
    expect(fd, "json {}\nend 0\n");
    turn();
    expect(fd, "end 64 \"nonsense\" is nothing that this version knows\n");
}

static void request__client_shuts_its_side__answered_then_closed(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(send(fd, "status\nstatus\n", 14, 0), 14);
    shutdown(fd, SHUT_WR);
    turn();
    turn();
    turn();
    expect(fd, "json {}\nend 0\njson {}\nend 0\n");
    expect_closed(fd);
}

static void request__too_long__told_and_closed(void **state)
{
    char text[CONTROL_LINE_BYTES_MAX];

    (void)state;
    memset(text, 'x', sizeof text);
    int fd = dial();
    assert_int_equal(send(fd, text, sizeof text, 0), sizeof text);
    turn();
    expect(fd, "end 64 the request is too long\n");
    turn();
    expect_closed(fd);
}

static void request__not_complete_in_time__dropped_however_it_trickles(void **state)
{
    (void)state;
    int silent = dial(), trickling = dial();
    now_ms += CONTROL_PATIENCE_MS - 1;
    say(trickling, "s");
    expect_open(silent);
    now_ms++;
    turn();
    expect_closed(silent);
    expect_closed(trickling);
}

static void request__client_gone__forgotten(void **state)
{
    (void)state;
    int fd = dial();
    close(fd);
    clients[0] = 0;
    turn();
    turn();
    for (size_t i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        assert_int_equal(control.clients[i].fd, -1);
}

/* What is unread at the end is taken away, but not for as long as somebody likes to send. */
static void request__of_a_client_that_never_stops_sending__dropped_all_the_same(void **state)
{
    (void)state;
    int fd = dial();
    now_ms += CONTROL_PATIENCE_MS;
    recv_is_endless = true;
    turn();
    assert_int_equal(control.clients[0].fd, -1);
    assert_in_range(endless_count, 2, 1000);
    recv_is_endless = false;
    expect_closed(fd);
}

/* ---- who may ask ---- */

static void peer__foreign_user__turned_away_with_a_line(void **state)
{
    (void)state;
    peer_uid = 9;
    int fd = dial();
    expect(fd, "end 1 only root and the server's own user may command it\n");
    expect_closed(fd);
}

static void peer__root__served(void **state)
{
    (void)state;
    peer_uid = 0;
    int fd = dial();
    say(fd, "status\n");
    expect(fd, "json {}\nend 0\n");
}

static void clients__one_too_many__the_longest_silent_makes_room(void **state)
{
    int fds[CONTROL_CLIENT_COUNT_MAX];

    (void)state;
    for (int i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++) {
        fds[i] = dial();
        now_ms++;
    }
    say(fds[0], "status\n"); /* not silent any more */
    int late = dial();
    expect_closed(fds[1]);
    expect_open(fds[2]);
    say(late, "status\n");
    expect(late, "json {}\nend 0\n");
    expect(fds[0], "json {}\nend 0\n");
}

static void clients__all_wait_for_an_outcome__the_new_one_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        say(dial(), "scale 7\n");
    int late = dial();
    expect(late, "end 1 too many others wait for what they asked for\n");
    expect_closed(late);
}

/* ---- outcomes ---- */

static void outcome__done__events_then_end(void **state)
{
    (void)state;
    int fd = dial(), other = dial();
    say(fd, "scale 7\n");
    operation_done(&operation, NULL);
    event(LOG_LEVEL_INFO, "event=worker_started slot=1");
    event(LOG_LEVEL_DEBUG, "event=not_told");
    event(LOG_LEVEL_INFO, "event=accepted slot=1");
    turn();
    expect(fd, "attempt 7\nlog info event=worker_started slot=1\nend 0\n");
    event(LOG_LEVEL_ERROR, "event=later");
    turn();
    expect(fd, "");
    expect(other, ""); /* waits for nothing, hears nothing */
}

static void outcome__failed__its_reason(void **state)
{
    (void)state;
    operation_failed(&operation, "no such slot");
    int fd = dial();
    say(fd, "wait 7\n");
    turn();
    expect(fd, "attempt 7\nend 1 no such slot\n");
}

static void outcome__operation_not_known__says_so(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "wait 8\n");
    turn();
    expect(fd, "attempt 8\nend 1 no such operation, or it ended long ago\n");
}

static void outcome__long_wait_without_events__patience_is_not_asked(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "scale 7\n");
    shutdown(fd, SHUT_WR); /* as "echo scale 7 | nc -NU" does */
    for (int i = 0; i < 10; i++) {
        now_ms += CONTROL_PATIENCE_MS;
        turn();
    }
    expect(fd, "attempt 7\n");
    operation_done(&operation, "a remark");
    turn();
    expect(fd, "end 0 a remark\n");
    turn();
    expect_closed(fd);
}

static void outcome__next_request_while_waiting__answered_after_the_end(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "scale 7\nstatus\n");
    turn();
    expect(fd, "attempt 7\n");
    operation_done(&operation, NULL);
    turn();
    expect(fd, "end 0\njson {}\nend 0\n");
}

static void end_of_server__who_waits_for_it__hears_events_and_gets_them_flushed(void **state)
{
    (void)state;
    int fd = dial();
    say(fd, "stop\n");
    event(LOG_LEVEL_INFO, "event=stopped exit=0");
    control_flush(&control);
    expect(fd, "log info event=stopped exit=0\n");
}

/* ---- clients that do not read ---- */

static void reader__slow__gets_everything_in_the_end(void **state)
{
    static char got[LONG_TEXT_BYTES];
    size_t total = 0, wanted = 5 + LONG_TEXT_BYTES + 1 + strlen("end 0 long\n");
    int small = 1024;

    (void)state;
    int fd = dial();
    setsockopt(control.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    say(fd, "log info\n");
    for (int i = 0; i < 1000 && total < wanted; i++) {
        ssize_t length = recv(fd, got, sizeof got, MSG_DONTWAIT);
        total += length > 0 ? (size_t)length : 0;
        now_ms += CONTROL_PATIENCE_MS - 1; /* slow, but it moves */
        turn();
    }
    assert_int_equal(total, wanted);
    expect_open(fd);
    assert_int_equal(control.clients[0].out_bytes, 0);
}

static void reader__never_reads__dropped_when_patience_ends(void **state)
{
    int small = 1024;

    (void)state;
    int fd = dial();
    setsockopt(control.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    say(fd, "log info\n");
    turn();
    assert_true(control.clients[0].out_bytes > 0);
    now_ms += CONTROL_PATIENCE_MS - 1;
    turn();
    assert_int_not_equal(control.clients[0].fd, -1);
    now_ms++;
    turn();
    assert_int_equal(control.clients[0].fd, -1);
}

static void reader__asks_on_without_reading__one_answer_is_made_and_no_more(void **state)
{
    int small = 1024;

    (void)state;
    int fd = dial();
    setsockopt(control.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    say(fd, "log info\nlog info\nlog info\n");
    size_t waiting = control.clients[0].out_bytes;
    assert_true(waiting > 0);
    for (int i = 0; i < 10; i++)
        turn();
    assert_true(control.clients[0].out_bytes <= waiting);
    assert_int_equal(control.clients[0].in_bytes, 2 * strlen("log info\n"));
}

static void reader__flooded_with_events__dropped_at_the_bound(void **state)
{
    int small = 1024;

    (void)state;
    int fd = dial();
    setsockopt(control.clients[0].fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    say(fd, "scale 7\n");
    for (size_t told = 0; told <= CONTROL_OUT_BYTES_MAX; told += LONG_TEXT_BYTES) {
        event(LOG_LEVEL_INFO, long_text);
        assert_true(control.clients[0].out_bytes <= CONTROL_OUT_BYTES_MAX);
    }
    turn();
    assert_int_equal(control.clients[0].fd, -1);
}

static void memory__none_at_the_start__clients_are_let_go(void **state)
{
    (void)state;
    munmap(control.clients[0].out, (size_t)CONTROL_CLIENT_COUNT_MAX * CONTROL_OUT_BYTES_MAX);
    no_memory = true;
    control_init(&control, control.listener_fd, control.calls);
    int fd = dial();
    say(fd, "status\n");
    expect_closed(fd);
}

/* How much of the output is memory: pages that are there. */
static size_t resident_pages(const struct control_client *client)
{
    static unsigned char there[CONTROL_OUT_BYTES_MAX / 4096];
    size_t count = 0;

    assert_int_equal(mincore(client->out, CONTROL_OUT_BYTES_MAX, there), 0);
    for (size_t i = 0; i < sizeof there; i++)
        count += there[i] & 1;
    return count;
}

static void memory__long_answers__given_back_when_they_are_taken(void **state)
{
    static char got[4 * LONG_TEXT_BYTES];
    ssize_t length;

    (void)state;
    int fd = dial();
    for (int i = 0; i < 3; i++)
        control_say(&control.clients[0], "json %s", long_text);
    assert_true(resident_pages(&control.clients[0]) >= 3 * LONG_TEXT_BYTES / 4096);
    for (int i = 0; i < 100 && control.clients[0].out_bytes > 0; i++) {
        turn();
        length = recv(fd, got, sizeof got, MSG_DONTWAIT);
        assert_true(length > 0);
    }
    assert_int_equal(resident_pages(&control.clients[0]), 0);
    control_say(&control.clients[0], "end 0"); /* and there again */
    turn();
    length = recv(fd, got, sizeof got, MSG_DONTWAIT);
    assert_true(length >= 6);
    assert_memory_equal(got + length - 6, "end 0\n", 6);
}

static void reader__gone_before_the_answer__dropped_without_a_signal(void **state)
{
    (void)state;
    int fd = dial();
    assert_int_equal(send(fd, "status\n", 7, 0), 7);
    close(fd);
    clients[0] = 0;
    turn();
    turn();
    assert_int_equal(control.clients[0].fd, -1);
}

static void accept__no_descriptor_left__listener_is_left_alone_for_a_while(void **state)
{
    struct pollfd polled[CONTROL_POLL_COUNT];

    (void)state;
    accept_errno = EMFILE;
    int fd = dial();
    control_poll(&control, polled);
    assert_int_equal(polled[0].fd, -1);
    accept_errno = 0;
    turn();
    say(fd, "status\n");
    expect(fd, "");
    now_ms += CONTROL_PAUSE_MS;
    turn(); /* the time is over, which the next question to poll(2) says */
    turn();
    expect(fd, "json {}\nend 0\n");
}

/* The next one in the queue is not kept waiting for what happened to that one. */
static void accept__interrupted_or_aborted__listener_is_asked_for_at_once(void **state)
{
    const int errors[] = {EAGAIN, EINTR, ECONNABORTED};
    struct pollfd polled[CONTROL_POLL_COUNT];

    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        accept_errno = errors[i];
        dial();
        control_poll(&control, polled);
        assert_int_equal(polled[0].fd, control.listener_fd);
    }
}

static void read_or_written__interrupted__tried_again(void **state)
{
    const int errors[] = {EINTR, EAGAIN};

    (void)state;
    int fd = dial();
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        recv_errno = send_errno = errors[i];
        say(fd, "status\n");
        turn();
        turn();
        assert_int_equal(recv_errno + send_errno, 0);
        expect(fd, "json {}\nend 0\n");
    }
}

static void read_or_written__connection_is_broken__dropped(void **state)
{
    (void)state;
    int reader = dial(), writer = dial();
    recv_errno = ECONNRESET;
    say(reader, "status\n");
    expect_closed(reader);
    send_errno = EPIPE;
    say(writer, "status\n");
    expect_closed(writer);
}

static void poll__nobody__only_the_listener_is_asked_for(void **state)
{
    struct pollfd polled[CONTROL_POLL_COUNT];

    (void)state;
    control_poll(&control, polled);
    assert_int_equal(polled[0].fd, control.listener_fd);
    for (int i = 1; i < CONTROL_POLL_COUNT; i++)
        assert_int_equal(polled[i].fd, -1);
    int listener = control.listener_fd;
    control.listener_fd = -1; /* --control off */
    turn();
    control.listener_fd = listener;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(request__whole_line__answered_at_once_and_again, begin, end),
        cmocka_unit_test_setup_teardown(request__in_pieces__answered_when_it_is_whole, begin, end),
        cmocka_unit_test_setup_teardown(request__several_at_once__answered_one_a_turn, begin, end),
        cmocka_unit_test_setup_teardown(request__client_shuts_its_side__answered_then_closed, begin, end),
        cmocka_unit_test_setup_teardown(request__too_long__told_and_closed, begin, end),
        cmocka_unit_test_setup_teardown(request__not_complete_in_time__dropped_however_it_trickles, begin,
                                        end),
        cmocka_unit_test_setup_teardown(request__client_gone__forgotten, begin, end),
        cmocka_unit_test_setup_teardown(peer__foreign_user__turned_away_with_a_line, begin, end),
        cmocka_unit_test_setup_teardown(peer__root__served, begin, end),
        cmocka_unit_test_setup_teardown(clients__one_too_many__the_longest_silent_makes_room, begin, end),
        cmocka_unit_test_setup_teardown(clients__all_wait_for_an_outcome__the_new_one_is_told, begin, end),
        cmocka_unit_test_setup_teardown(outcome__done__events_then_end, begin, end),
        cmocka_unit_test_setup_teardown(outcome__failed__its_reason, begin, end),
        cmocka_unit_test_setup_teardown(outcome__operation_not_known__says_so, begin, end),
        cmocka_unit_test_setup_teardown(outcome__long_wait_without_events__patience_is_not_asked, begin, end),
        cmocka_unit_test_setup_teardown(outcome__next_request_while_waiting__answered_after_the_end, begin,
                                        end),
        cmocka_unit_test_setup_teardown(end_of_server__who_waits_for_it__hears_events_and_gets_them_flushed,
                                        begin, end),
        cmocka_unit_test_setup_teardown(reader__slow__gets_everything_in_the_end, begin, end),
        cmocka_unit_test_setup_teardown(reader__never_reads__dropped_when_patience_ends, begin, end),
        cmocka_unit_test_setup_teardown(reader__asks_on_without_reading__one_answer_is_made_and_no_more,
                                        begin, end),
        cmocka_unit_test_setup_teardown(reader__flooded_with_events__dropped_at_the_bound, begin, end),
        cmocka_unit_test_setup_teardown(memory__none_at_the_start__clients_are_let_go, begin, end),
        cmocka_unit_test_setup_teardown(memory__long_answers__given_back_when_they_are_taken, begin, end),
        cmocka_unit_test_setup_teardown(reader__gone_before_the_answer__dropped_without_a_signal, begin, end),
        cmocka_unit_test_setup_teardown(accept__no_descriptor_left__listener_is_left_alone_for_a_while, begin,
                                        end),
        cmocka_unit_test_setup_teardown(accept__interrupted_or_aborted__listener_is_asked_for_at_once, begin,
                                        end),
        cmocka_unit_test_setup_teardown(read_or_written__interrupted__tried_again, begin, end),
        cmocka_unit_test_setup_teardown(read_or_written__connection_is_broken__dropped, begin, end),
        cmocka_unit_test_setup_teardown(poll__nobody__only_the_listener_is_asked_for, begin, end),
        cmocka_unit_test_setup_teardown(request__of_a_client_that_never_stops_sending__dropped_all_the_same,
                                        begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
