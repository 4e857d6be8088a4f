/* Where a service manager wants to be told, and one datagram to it. */
/* wrap: socket sendto */
#include "tests/support/cmocka_all.h"

#include "master/notify_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAIN_PID = 4711 };

static int socket_error, send_error; /* 0: it goes well */

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
    errno = socket_error;
    return socket_error ? -1 : __real_socket(family, type, protocol);
}

ssize_t __real_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
                      socklen_t length);
ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
                      socklen_t length);
ssize_t __wrap_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
                      socklen_t length)
{
    assert_true(flags & MSG_DONTWAIT);
    assert_true(flags & MSG_NOSIGNAL);
    errno = send_error;
    return send_error ? -1 : __real_sendto(fd, data, size, flags, address, length);
}

static int begin(void **state)
{
    (void)state;
    socket_error = send_error = 0;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

/* ---- the place ---- */

static void find__nothing_in_the_environment__nobody_is_told(void **state)
{
    struct notify_socket manager;

    (void)state;
    assert_int_equal(notify_socket_find(&manager), 0);
    assert_int_equal(manager.length, 0);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(notify_socket_find(&manager), 0);
    assert_int_equal(manager.length, 0);
}

static void find__neither_path_nor_name__is_refused(void **state)
{
    struct notify_socket manager;
    char longest[200];

    (void)state;
    setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
    assert_int_equal(notify_socket_find(&manager), -EINVAL);
    assert_int_equal(manager.length, 0);
    memset(longest, 'x', sizeof longest - 1);
    longest[0] = '/';
    longest[sizeof longest - 1] = '\0';
    setenv("NOTIFY_SOCKET", longest, 1);
    assert_int_equal(notify_socket_find(&manager), -ENAMETOOLONG);
    assert_int_equal(manager.length, 0);
}

/* ---- telling ---- */

/* A socket of the test's own at that name; what comes there is compared with what was sent. */
static void arrives_at(const char *name)
{
    struct notify_socket manager;
    char text[64] = "";

    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(notify_socket_find(&manager), 0);
    int fd = __real_socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    const struct sockaddr *address = (const void *)&manager.address;
    assert_int_equal(bind(fd, address, manager.length), 0);
    assert_int_equal(notify_socket_send(&manager, "READY=1\n", 8), 0);
    assert_int_equal(recv(fd, text, sizeof text, 0), 8);
    assert_string_equal(text, "READY=1\n");
    close(fd);
}

static void send__path_or_abstract_name__arrives(void **state)
{
    char path[64], name[64];

    (void)state;
    snprintf(path, sizeof path, "/tmp/test_notify.%d", (int)getpid());
    snprintf(name, sizeof name, "@test_notify.%d", (int)getpid());
    arrives_at(path);
    unlink(path);
    arrives_at(name);
}

static void send__nobody_there_or_no_descriptor__is_an_error_and_leaves_none(void **state)
{
    struct notify_socket manager;

    (void)state;
    int next = dup(STDERR_FILENO);
    close(next);
    setenv("NOTIFY_SOCKET", "/tmp/there/is/no/such/manager", 1);
    assert_int_equal(notify_socket_find(&manager), 0);
    assert_int_equal(notify_socket_send(&manager, "READY=1\n", 8), -ENOENT);
    send_error = EAGAIN;
    assert_int_equal(notify_socket_send(&manager, "READY=1\n", 8), -EAGAIN);
    socket_error = EMFILE;
    assert_int_equal(notify_socket_send(&manager, "READY=1\n", 8), -EMFILE);
    int same = dup(STDERR_FILENO);
    assert_int_equal(same, next);
    close(same);
}

/* ---- watchdog ---- */

static void expect_watchdog(const char *usec, const char *pid, int64_t expected_ms)
{
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    if (usec)
        setenv("WATCHDOG_USEC", usec, 1);
    if (pid)
        setenv("WATCHDOG_PID", pid, 1);
    assert_int_equal(notify_watchdog_ms(MAIN_PID), expected_ms);
}

static void watchdog__for_us_or_for_whoever_it_is__has_its_interval(void **state)
{
    (void)state;
    expect_watchdog("30000000", NULL, 30000);
    expect_watchdog("30000000", "4711", 30000);
    expect_watchdog("1", "4711", 1);
}

static void watchdog__none_or_for_another_process_or_no_number__is_none(void **state)
{
    (void)state;
    expect_watchdog(NULL, NULL, 0);
    expect_watchdog("30000000", "4712", 0);
    expect_watchdog("30000000", "", 0);
    expect_watchdog("3 s", NULL, 0);
    expect_watchdog("", NULL, 0);
    expect_watchdog("-5", NULL, 0);
    expect_watchdog("0", NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(find__nothing_in_the_environment__nobody_is_told, begin),
        cmocka_unit_test_setup(find__neither_path_nor_name__is_refused, begin),
        cmocka_unit_test_setup(send__path_or_abstract_name__arrives, begin),
        cmocka_unit_test_setup(send__nobody_there_or_no_descriptor__is_an_error_and_leaves_none, begin),
        cmocka_unit_test_setup(watchdog__for_us_or_for_whoever_it_is__has_its_interval, begin),
        cmocka_unit_test_setup(watchdog__none_or_for_another_process_or_no_number__is_none, begin),
    };

    return cmocka_run_group_tests_name("notify_socket", tests, NULL, NULL);
}
