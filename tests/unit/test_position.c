/* Where a connection stands: the arithmetic on all states, and the kernel's figures on real sockets. */
/* wrap: getsockopt ioctl */
#include "tests/support/cmocka_all.h"

#include "tests/support/worker_fixture.h"
#include "worker/position.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct worker_fixture fixture;
static int server, client;
static int getsockopt_error, ioctl_error;
static bool restless; /* the sums are others at each look */
static unsigned look_count;

int __real_getsockopt(int fd, int level, int option, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *length);
int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

int __wrap_getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
    errno = getsockopt_error;
    if (getsockopt_error)
        return -1;
    int result = __real_getsockopt(fd, level, option, value, length);
    if (restless)
        ((struct tcp_info *)value)->tcpi_state = (uint8_t)++look_count;
    return result;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;

    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    errno = ioctl_error;
    return ioctl_error ? -1 : __real_ioctl(fd, request, argument);
}

static int open_pair(void **state)
{
    (void)state;
    worker_fixture_open(&fixture, (struct fixture_options){0});
    server = worker_fixture_pair(&fixture, &client);
    getsockopt_error = ioctl_error = 0;
    restless = false;
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    getsockopt_error = ioctl_error = 0;
    restless = false;
    worker_fixture_close(&fixture);
    return 0;
}

/* ---- arithmetic ---- */

static enum position_verdict owed_of(struct position position, uint32_t *owed)
{
    int we_ended = -1;
    enum position_verdict verdict = position_owed(&position, owed, &we_ended);

    if (verdict == POSITION_OPEN)
        assert_int_equal(we_ended, 0);
    return verdict;
}

static void owed__given_and_not_taken__the_difference(void **state)
{
    uint32_t owed = 99;

    (void)state;
    /* 100 came, 40 of them wait: 60 consumed; 50 acknowledged and 30 on the way: 80 written. */
    struct position position = {
        .state = TCP_ESTABLISHED, .bytes_received = 100, .unread = 40, .bytes_acked = 50, .unsent = 30};
    assert_int_equal(owed_of(position, &owed), POSITION_OPEN);
    assert_int_equal(owed, 20);
    position.unsent = 10;
    assert_int_equal(owed_of(position, &owed), POSITION_OPEN);
    assert_int_equal(owed, 0);
}

static void owed__fin_of_the_client__takes_a_number_of_its_own(void **state)
{
    uint32_t owed = 99;

    (void)state;
    struct position position = {
        .state = TCP_CLOSE_WAIT, .bytes_received = 101, .unread = 40, .bytes_acked = 80};
    assert_int_equal(owed_of(position, &owed), POSITION_OPEN);
    assert_int_equal(owed, 20);
}

static void owed__beyond_four_gigabytes__exact(void **state)
{
    const uint64_t much = (uint64_t)1 << 40;
    uint32_t owed = 99;

    (void)state;
    struct position position = {
        .state = TCP_ESTABLISHED, .bytes_received = much + 10, .unread = 10, .bytes_acked = much + 3};
    assert_int_equal(owed_of(position, &owed), POSITION_OPEN);
    assert_int_equal(owed, 3);
}

static void owed__sums_that_cannot_be__broken(void **state)
{
    const struct position impossible[] = {
        {.state = TCP_ESTABLISHED, .bytes_received = 5, .unread = 6, .bytes_acked = 0},
        {.state = TCP_ESTABLISHED,
         .bytes_received = 10,
         .unread = 4,
         .bytes_acked = 5}, /* taken, not answered */
        {.state = TCP_ESTABLISHED, .bytes_received = 10, .unread = 4, .bytes_acked = 11}, /* more than came */
        {.state = TCP_ESTABLISHED,
         .bytes_received = 100000,
         .unread = 100000,
         .bytes_acked = CHUNK_BYTES_MAX + 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        uint32_t owed = 99;

        assert_int_equal(owed_of(impossible[i], &owed), POSITION_BROKEN);
        assert_int_equal(owed, 99);
    }
}

static void owed__whole_chunk__the_most_there_can_be(void **state)
{
    uint32_t owed = 0;

    (void)state;
    struct position position = {
        .state = TCP_ESTABLISHED, .bytes_received = 100000, .unread = 100000, .bytes_acked = CHUNK_BYTES_MAX};
    assert_int_equal(owed_of(position, &owed), POSITION_OPEN);
    assert_int_equal(owed, CHUNK_BYTES_MAX);
}

static void owed__we_have_ended__nothing_and_said_so(void **state)
{
    const uint8_t states[] = {TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSING, TCP_LAST_ACK};

    (void)state;
    for (size_t i = 0; i < sizeof states; i++) {
        /* More was thrown away than answered. */
        struct position position = {.state = states[i], .bytes_received = 100, .bytes_acked = 7};
        uint32_t owed = 99;
        int we_ended = 0;

        assert_int_equal(position_owed(&position, &owed, &we_ended), POSITION_OPEN);
        assert_int_equal(owed, 0);
        assert_true(we_ended);
    }
}

static void owed__dead_connection__closed(void **state)
{
    uint32_t owed;

    (void)state;
    assert_int_equal(owed_of((struct position){.state = TCP_CLOSE}, &owed), POSITION_CLOSED);
    assert_int_equal(owed_of((struct position){.state = TCP_TIME_WAIT}, &owed), POSITION_CLOSED);
}

/* ---- the kernel's figures ---- */

/* Owed as the kernel tells it. */
static uint32_t owed_now(void)
{
    struct position position;
    uint32_t owed = 0;

    assert_int_equal(position_read(server, &position), 0);
    assert_int_equal(owed_of(position, &owed), POSITION_OPEN);
    return owed;
}

static void take(size_t count)
{
    char bytes[64];

    assert_int_equal(recv(server, bytes, count, 0), count);
}

static void read__through_a_conversation__exact_at_every_step(void **state)
{
    (void)state;
    assert_int_equal(owed_now(), 0);
    socket_send_text(client, "hello");
    socket_wait_queued(server, 5);
    assert_int_equal(owed_now(), 0);
    socket_send_text(server, "HEL");
    assert_int_equal(owed_now(), 3);
    take(1);
    assert_int_equal(owed_now(), 2);
    take(2);
    assert_int_equal(owed_now(), 0);
    socket_send_text(server, "LO");
    shutdown(client, SHUT_WR);
    socket_wait_events(server, POLLRDHUP);
    assert_int_equal(owed_now(), 2);
    take(2);
    assert_int_equal(owed_now(), 0);
}

static void read__urgent_byte_in_the_queue__counted_like_any_other(void **state)
{
    (void)state;
    socket_send_text(client, "ab");
    assert_int_equal(send(client, "c", 1, MSG_OOB), 1);
    socket_send_text(client, "de");
    socket_wait_queued(server, 5);
    socket_send_text(server, "ABCD");
    assert_int_equal(owed_now(), 4);
}

static void read__reset_by_the_client__closed(void **state)
{
    struct position position;
    uint32_t owed;

    (void)state;
    socket_close_reset(client);
    socket_wait_events(server, POLLERR);
    assert_int_equal(position_read(server, &position), 0);
    assert_int_equal(owed_of(position, &owed), POSITION_CLOSED);
}

static void read__sums_never_agree__again_later(void **state)
{
    struct position position = {.unread = 99};

    (void)state;
    restless = true;
    assert_int_equal(position_read(server, &position), -EAGAIN);
    assert_int_equal(position.unread, 99);
}

static void read__kernel_refuses__negative_errno(void **state)
{
    struct position position = {.unread = 99};

    (void)state;
    ioctl_error = EFAULT;
    assert_int_equal(position_read(server, &position), -EFAULT);
    ioctl_error = 0;
    getsockopt_error = ENOPROTOOPT;
    assert_int_equal(position_read(server, &position), -ENOPROTOOPT);
    assert_int_equal(position.unread, 99);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, open_pair, close_all)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(owed__given_and_not_taken__the_difference),
        cmocka_unit_test(owed__fin_of_the_client__takes_a_number_of_its_own),
        cmocka_unit_test(owed__beyond_four_gigabytes__exact),
        cmocka_unit_test(owed__sums_that_cannot_be__broken),
        cmocka_unit_test(owed__whole_chunk__the_most_there_can_be),
        cmocka_unit_test(owed__we_have_ended__nothing_and_said_so),
        cmocka_unit_test(owed__dead_connection__closed),
        TEST(read__through_a_conversation__exact_at_every_step),
        TEST(read__urgent_byte_in_the_queue__counted_like_any_other),
        TEST(read__reset_by_the_client__closed),
        TEST(read__sums_never_agree__again_later),
        TEST(read__kernel_refuses__negative_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
