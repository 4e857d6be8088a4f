/* What tests do with the clients' ends; declared in worker_fixture.h. */
#include "tests/support/worker_fixture.h"

#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

void socket_wait_events(int fd, short events)
{
    struct pollfd poller = {.fd = fd, .events = events};

    assert_int_equal(poll(&poller, 1, FIXTURE_DEADLINE_MS), 1);
    assert_true(poller.revents & (events | POLLERR | POLLHUP));
}

size_t socket_queued(int fd)
{
    int count = 0;

    assert_int_equal(ioctl(fd, FIONREAD, &count), 0);
    return (size_t)count;
}

size_t socket_unsent(int fd)
{
    int count = 0;

    assert_int_equal(ioctl(fd, SIOCOUTQ, &count), 0);
    return (size_t)count;
}

bool socket_is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Polls at short intervals: no event tells of a queue's length, and every wait has an end. */
void socket_wait_queued(int fd, size_t count)
{
    const struct timespec interval = {.tv_nsec = 200000};

    socket_wait_events(fd, POLLIN);
    for (int i = 0; count > 0 && i < FIXTURE_DEADLINE_MS * 5; i++) {
        if (socket_queued(fd) >= count)
            return;
        nanosleep(&interval, NULL);
    }
    assert_true(count == 0);
}

void socket_send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void socket_expect_text(int fd, const char *text)
{
    char got[256] = "";
    size_t length = strlen(text);

    assert_true(length < sizeof got);
    assert_int_equal(recv(fd, got, length, MSG_WAITALL), length);
    assert_string_equal(got, text);
}

void socket_expect_end(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

void socket_expect_reset(int fd)
{
    char bytes[4096];
    ssize_t n;

    do
        n = recv(fd, bytes, sizeof bytes, 0);
    while (n > 0);
    assert_int_equal(n, -1);
    assert_int_equal(errno, ECONNRESET);
}

size_t socket_fill(int fd, char byte)
{
    char bytes[4096];
    size_t sum = 0;
    ssize_t n;

    memset(bytes, byte, sizeof bytes);
    while ((n = send(fd, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
        sum += (size_t)n;
    assert_int_equal(errno, EAGAIN);
    return sum;
}

void socket_close_reset(int fd)
{
    const struct linger none = {.l_onoff = 1};

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none), 0);
    close(fd);
}
