/* Where a connection stands: what the kernel really tells, and the reading of it while it changes or fails. */
/* wrap: getsockopt ioctl */
#include "tests/unit/test_position.h"

#include "tests/support/worker_fixture.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

/* ---- the kernel's answers, bent where a test wants it ---- */

static struct {
    int info_count;     /* calls for TCP_INFO */
    int moving_count;   /* so many of them see more bytes than the one before */
    int failing_info;   /* this call fails; 0: none */
    int failing_queue;  /* the errno of every failing_request; 0: it works */
    int changing_state; /* of that call on; 0: never */
    unsigned long failing_request;
    const char *coming; /* arrives from the client just before the queues are looked at, once */
} bend;

static int server, client;

static void let_it_come(void)
{
    const char *text = bend.coming;

    bend.coming = NULL;
    socket_send_text(client, text);
    socket_wait_queued(server, strlen(text));
}

int __real_getsockopt(int fd, int level, int option, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *length);

int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
    int result = __real_getsockopt(fd, level, option, value, length);
    struct tcp_info *info = value;

    if (level != IPPROTO_TCP || option != TCP_INFO)
        return result;
    bend.info_count++;
    if (bend.info_count <= bend.moving_count)
        info->tcpi_bytes_received += (unsigned)bend.info_count;
    if (bend.changing_state && bend.info_count >= bend.changing_state)
        info->tcpi_state = 8; /* CLOSE_WAIT */
    if (bend.info_count != bend.failing_info)
        return result;
    errno = ENOTCONN;
    return -1;
}

int __real_ioctl(int fd, unsigned long request, int *value);
int __wrap_ioctl(int fd, unsigned long request, int *value);

int __wrap_ioctl(int fd, unsigned long request, int *value)
{
    if (bend.coming)
        let_it_come();
    if (bend.failing_queue && request == bend.failing_request) {
        errno = bend.failing_queue;
        return -1;
    }
    return __real_ioctl(fd, request, value);
}

/* ---- the kernel ---- */

static struct worker_fixture fixture;

static int open_pair(void **state)
{
    (void)state;
    memset(&bend, 0, sizeof bend);
    worker_fixture_open(&fixture, (struct fixture_options){0});
    server = worker_fixture_pair(&fixture, &client);
    return 0;
}

static int close_pair(void **state)
{
    (void)state;
    worker_fixture_close(&fixture);
    return 0;
}

static struct position read_position(void)
{
    struct position position;

    assert_int_equal(position_read(server, &position), 0);
    return position;
}

static void give(const char *text)
{
    assert_int_equal(send(server, text, strlen(text), 0), strlen(text));
}

static void take(size_t count)
{
    assert_int_equal(recv(server, NULL, count, MSG_TRUNC), count);
}

static void kernel__given_then_taken__owed_in_between(void **state)
{
    (void)state;
    expect_owed(read_position(), 0);
    socket_send_text(client, "hello");
    socket_wait_queued(server, 5);
    expect_owed(read_position(), 0);
    give("HEL");
    expect_owed(read_position(), 3);
    socket_expect_text(client, "HEL"); /* delivered and acknowledged: nothing changes */
    expect_owed(read_position(), 3);
    take(2);
    expect_owed(read_position(), 1);
    take(1);
    expect_owed(read_position(), 0);
    assert_int_equal(read_position().unread, 2);
}

static void kernel__taken_then_given__held_in_between(void **state)
{
    (void)state;
    socket_send_text(client, "hello");
    socket_wait_queued(server, 5);
    take(5);
    expect_debt(read_position(), 0, 5);
    give("HE");
    expect_debt(read_position(), 0, 3);
    socket_expect_text(client, "HE"); /* delivered and acknowledged: nothing changes */
    socket_send_text(client, "more");
    socket_wait_queued(server, 4);
    expect_debt(read_position(), 0, 3);
    give("LLO");
    expect_debt(read_position(), 0, 0);
}

static void kernel__client_has_ended__owed_as_before(void **state)
{
    (void)state;
    socket_send_text(client, "hello");
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    socket_wait_events(server, POLLRDHUP);
    socket_wait_queued(server, 5);
    assert_int_equal(read_position().state, CLOSE_WAIT);
    expect_owed(read_position(), 0);
    give("HELLO");
    expect_owed(read_position(), 5);
    take(5);
    expect_owed(read_position(), 0);
}

/* Out of band it would stop SIOCINQ at the mark; in line it is a byte like any other. */
static void kernel__urgent_byte__counts_as_any(void **state)
{
    (void)state;
    socket_send_text(client, "ab");
    assert_int_equal(send(client, "!", 1, MSG_OOB), 1);
    socket_send_text(client, "cd");
    socket_wait_queued(server, 5);
    give("AB");
    expect_owed(read_position(), 2);
    take(2);
    give("!");
    expect_owed(read_position(), 1);
    take(1);
    expect_owed(read_position(), 0);
}

static void kernel__we_have_ended__said_so(void **state)
{
    struct position position;
    struct position_debt debt;

    (void)state;
    socket_send_text(client, "hello");
    socket_wait_queued(server, 5);
    assert_int_equal(shutdown(server, SHUT_WR), 0);
    position = read_position();
    assert_int_equal(position_debt(&position, &debt), POSITION_OPEN);
    assert_true(debt.we_ended);
}

static void kernel__client_has_reset__closed(void **state)
{
    (void)state;
    socket_close_reset(client);
    socket_wait_events(server, POLLRDHUP);
    expect_verdict(read_position(), POSITION_CLOSED);
}

static void kernel__client_does_not_read__exact_while_unsent(void **state)
{
    char bytes[4096];
    uint64_t sum = 0;
    ssize_t n;

    (void)state;
    memset(bytes, 'a', sizeof bytes);
    for (int i = 0; i < 16; i++) {
        socket_send_text(client, "0123456789abcdef");
        socket_wait_queued(server, (size_t)(i + 1) * 16);
    }
    while (sum < 256 && (n = send(server, bytes, 100, MSG_DONTWAIT)) > 0)
        sum += (uint64_t)n;
    assert_int_equal(read_position().bytes_acked + read_position().unsent, sum);
    expect_verdict(read_position(), POSITION_BROKEN); /* 300 given for 256: not ours to judge */
}

/* ---- reading while it changes ---- */

static void read__traffic_between_the_calls__until_both_agree(void **state)
{
    (void)state;
    bend.moving_count = 5;
    assert_int_equal(read_position().bytes_received, 0);
    assert_true(bend.info_count >= 7);
}

static void read__bytes_come_between_the_calls__they_count_in_both_sums(void **state)
{
    struct position position;

    (void)state;
    bend.coming = "hello";
    position = read_position();
    assert_int_equal(position.unread, 5);
    assert_int_equal(position.bytes_received, 5);
    expect_owed(position, 0);
}

static void read__state_changes_between__seen_as_it_is_at_last(void **state)
{
    (void)state;
    bend.changing_state = 2;
    assert_int_equal(read_position().state, CLOSE_WAIT);
    assert_int_equal(bend.info_count, 3);
}

static void read__never_agree__asked_again_later(void **state)
{
    struct position position = {.unread = 77};

    (void)state;
    bend.moving_count = 1000;
    assert_int_equal(position_read(server, &position), -EAGAIN);
    assert_int_equal(position.unread, 77);
    assert_true(bend.info_count < 50);
}

static void read__first_look_fails__its_error(void **state)
{
    struct position position;

    (void)state;
    bend.failing_info = 1;
    assert_int_equal(position_read(server, &position), -ENOTCONN);
}

static void read__second_look_fails__its_error(void **state)
{
    struct position position;

    (void)state;
    bend.failing_info = 2;
    assert_int_equal(position_read(server, &position), -ENOTCONN);
}

static void read__queue_cannot_be_told__its_error(void **state)
{
    struct position position;

    (void)state;
    bend.failing_queue = EINVAL;
    bend.failing_request = SIOCOUTQ;
    assert_int_equal(position_read(server, &position), -EINVAL);
    bend.failing_request = SIOCINQ;
    assert_int_equal(position_read(server, &position), -EINVAL);
}

static void read__no_socket__its_error(void **state)
{
    struct position position;

    (void)state;
    assert_int_equal(position_read(-1, &position), -EBADF);
}

int main(void)
{
#define PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)
    const struct CMUnitTest tests[] = {
        PAIR(kernel__given_then_taken__owed_in_between),
        PAIR(kernel__taken_then_given__held_in_between),
        PAIR(kernel__client_has_ended__owed_as_before),
        PAIR(kernel__urgent_byte__counts_as_any),
        PAIR(kernel__we_have_ended__said_so),
        PAIR(kernel__client_has_reset__closed),
        PAIR(kernel__client_does_not_read__exact_while_unsent),
        PAIR(read__traffic_between_the_calls__until_both_agree),
        PAIR(read__bytes_come_between_the_calls__they_count_in_both_sums),
        PAIR(read__state_changes_between__seen_as_it_is_at_last),
        PAIR(read__never_agree__asked_again_later),
        PAIR(read__first_look_fails__its_error),
        PAIR(read__second_look_fails__its_error),
        PAIR(read__queue_cannot_be_told__its_error),
        PAIR(read__no_socket__its_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
