/* The supervisor's side of the control socket, on real sockets: requests, who may ask, and how many at a time. */
/* wrap: getsockopt geteuid accept4 recv */
#include "tests/support/cmocka_all.h"

#include "tests/support/control_fixture.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static uid_t peer_uid, own_uid; /* in place of the true ones */
static int accept_errno;        /* 0: it works */
static bool recv_is_endless;    /* there is always more to read */
static unsigned endless_count;  /* how often that was read */

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
uid_t __wrap_geteuid(void);
int __real_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags);

int __wrap_accept4(int fd, struct sockaddr *peer, socklen_t *length, int flags)
{
    errno = accept_errno;
    return accept_errno ? -1 : __real_accept4(fd, peer, length, flags);
}

ssize_t __real_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *bytes, size_t size, int flags)
{
    if (!recv_is_endless || !controlled_is_servers(fd))
        return __real_recv(fd, bytes, size, flags);
    endless_count++;
    memset(bytes, 'x', size);
    return (ssize_t)size;
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    int result = __real_getsockopt(fd, level, name, value, length);
    if (name == SO_PEERCRED)
        ((struct ucred *)value)->uid = peer_uid;
    return result;
}

uid_t __wrap_geteuid(void)
{
    return own_uid;
}

static int begin(void **state)
{
    peer_uid = own_uid = 4321;
    accept_errno = 0;
    recv_is_endless = false;
    endless_count = 0;
    return controlled_begin(state);
}

/* ---- requests ---- */

static void request__whole_line__answered_at_once_and_again(void **state)
{
    (void)state;
    int fd = controlled_dial();
    controlled_say(fd, "status\n");
    controlled_expect(fd, "json {}\nend 0\n");
    controlled_say(fd, "status\r\n");
    controlled_expect(fd, "json {}\nend 0\n");
}

static void request__in_pieces__answered_when_it_is_whole(void **state)
{
    (void)state;
    int fd = controlled_dial();
    controlled_say(fd, "sta");
    controlled_expect(fd, "");
    controlled_say(fd, "tus\nsta");
    controlled_expect(fd, "json {}\nend 0\n");
    controlled_say(fd, "tus\n");
    controlled_expect(fd, "json {}\nend 0\n");
}

static void request__several_at_once__answered_one_a_turn(void **state)
{
    (void)state;
    int fd = controlled_dial();
    controlled_say(fd, "status\nnonsense\n");
    controlled_expect(fd, "json {}\nend 0\n");
    controlled_turn();
    controlled_expect(fd, "end 64 \"nonsense\" is nothing that this version knows\n");
}

static void request__client_shuts_its_side__answered_then_closed(void **state)
{
    (void)state;
    int fd = controlled_dial();
    assert_int_equal(send(fd, "status\nstatus\n", 14, 0), 14);
    shutdown(fd, SHUT_WR);
    controlled_turn();
    controlled_turn();
    controlled_turn();
    controlled_expect(fd, "json {}\nend 0\njson {}\nend 0\n");
    controlled_expect_closed(fd);
}

static void request__too_long__told_and_closed(void **state)
{
    char text[CONTROL_LINE_BYTES_MAX];

    (void)state;
    memset(text, 'x', sizeof text);
    int fd = controlled_dial();
    assert_int_equal(send(fd, text, sizeof text, 0), sizeof text);
    controlled_turn();
    controlled_expect(fd, "end 64 the request is too long\n");
    controlled_turn();
    controlled_expect_closed(fd);
}

static void request__not_complete_in_time__dropped_however_it_trickles(void **state)
{
    (void)state;
    int silent = controlled_dial(), trickling = controlled_dial();
    controlled.now_ms += CONTROL_PATIENCE_MS - 1;
    controlled_say(trickling, "s");
    controlled_expect_open(silent);
    controlled.now_ms++;
    controlled_turn();
    controlled_expect_closed(silent);
    controlled_expect_closed(trickling);
}

static void request__client_gone__forgotten(void **state)
{
    (void)state;
    int fd = controlled_dial();
    close(fd);
    controlled.dialed[0] = 0;
    controlled_turn();
    controlled_turn();
    for (size_t i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        assert_int_equal(controlled.control.clients[i].fd, -1);
}

/* What is unread at the end is taken away, but not for as long as somebody likes to send. */
static void request__of_a_client_that_never_stops_sending__dropped_all_the_same(void **state)
{
    (void)state;
    int fd = controlled_dial();
    controlled.now_ms += CONTROL_PATIENCE_MS;
    recv_is_endless = true;
    controlled_turn();
    assert_int_equal(controlled.control.clients[0].fd, -1);
    assert_in_range(endless_count, 2, 1000);
    recv_is_endless = false;
    controlled_expect_closed(fd);
}

/* ---- who may ask ---- */

static void peer__foreign_user__turned_away_with_a_line(void **state)
{
    (void)state;
    peer_uid = 9;
    int fd = controlled_dial();
    controlled_expect(fd, "end 1 only root and the server's own user may command it\n");
    controlled_expect_closed(fd);
}

static void peer__root__served(void **state)
{
    (void)state;
    peer_uid = 0;
    int fd = controlled_dial();
    controlled_say(fd, "status\n");
    controlled_expect(fd, "json {}\nend 0\n");
}

static void clients__one_too_many__the_longest_silent_makes_room(void **state)
{
    int fds[CONTROL_CLIENT_COUNT_MAX];

    (void)state;
    for (int i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++) {
        fds[i] = controlled_dial();
        controlled.now_ms++;
    }
    controlled_say(fds[0], "status\n"); /* not silent any more */
    int late = controlled_dial();
    controlled_expect_closed(fds[1]);
    controlled_expect_open(fds[2]);
    controlled_say(late, "status\n");
    controlled_expect(late, "json {}\nend 0\n");
    controlled_expect(fds[0], "json {}\nend 0\n");
}

static void clients__all_wait_for_an_outcome__the_new_one_is_told(void **state)
{
    (void)state;
    for (int i = 0; i < CONTROL_CLIENT_COUNT_MAX; i++)
        controlled_say(controlled_dial(), "scale 7\n");
    int late = controlled_dial();
    controlled_expect(late, "end 1 too many others wait for what they asked for\n");
    controlled_expect_closed(late);
}

/* ---- the listener ---- */

static void accept__no_descriptor_left__listener_is_left_alone_for_a_while(void **state)
{
    struct pollfd polled[CONTROL_POLL_COUNT];

    (void)state;
    accept_errno = EMFILE;
    int fd = controlled_dial();
    control_poll(&controlled.control, polled);
    assert_int_equal(polled[0].fd, -1);
    accept_errno = 0;
    controlled_turn();
    controlled_say(fd, "status\n");
    controlled_expect(fd, "");
    controlled.now_ms += CONTROL_PAUSE_MS;
    controlled_turn(); /* the time is over, which the next question to poll(2) says */
    controlled_turn();
    controlled_expect(fd, "json {}\nend 0\n");
}

/* The next one in the queue is not kept waiting for what happened to that one. */
static void accept__interrupted_or_aborted__listener_is_asked_for_at_once(void **state)
{
    const int errors[] = {EAGAIN, EINTR, ECONNABORTED};
    struct pollfd polled[CONTROL_POLL_COUNT];

    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        accept_errno = errors[i];
        controlled_dial();
        control_poll(&controlled.control, polled);
        assert_int_equal(polled[0].fd, controlled.control.listener_fd);
    }
}

static void poll__nobody__only_the_listener_is_asked_for(void **state)
{
    struct pollfd polled[CONTROL_POLL_COUNT];

    (void)state;
    control_poll(&controlled.control, polled);
    assert_int_equal(polled[0].fd, controlled.control.listener_fd);
    for (int i = 1; i < CONTROL_POLL_COUNT; i++)
        assert_int_equal(polled[i].fd, -1);
    int listener = controlled.control.listener_fd;
    controlled.control.listener_fd = -1; /* --control off */
    controlled_turn();
    controlled.control.listener_fd = listener;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(request__whole_line__answered_at_once_and_again, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(request__in_pieces__answered_when_it_is_whole, begin, controlled_end),
        cmocka_unit_test_setup_teardown(request__several_at_once__answered_one_a_turn, begin, controlled_end),
        cmocka_unit_test_setup_teardown(request__client_shuts_its_side__answered_then_closed, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(request__too_long__told_and_closed, begin, controlled_end),
        cmocka_unit_test_setup_teardown(request__not_complete_in_time__dropped_however_it_trickles, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(request__client_gone__forgotten, begin, controlled_end),
        cmocka_unit_test_setup_teardown(peer__foreign_user__turned_away_with_a_line, begin, controlled_end),
        cmocka_unit_test_setup_teardown(peer__root__served, begin, controlled_end),
        cmocka_unit_test_setup_teardown(clients__one_too_many__the_longest_silent_makes_room, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(clients__all_wait_for_an_outcome__the_new_one_is_told, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(accept__no_descriptor_left__listener_is_left_alone_for_a_while, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(accept__interrupted_or_aborted__listener_is_asked_for_at_once, begin,
                                        controlled_end),
        cmocka_unit_test_setup_teardown(poll__nobody__only_the_listener_is_asked_for, begin, controlled_end),
        cmocka_unit_test_setup_teardown(request__of_a_client_that_never_stops_sending__dropped_all_the_same,
                                        begin, controlled_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
