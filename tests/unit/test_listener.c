/* A TCP listener that is opened: which address, which options on it and on what it accepts, which backlog. */
/* wrap: socket setsockopt open */
#include "tests/support/cmocka_all.h"

#include "master/listener.h"
#include "tests/support/listener_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool no_ipv6;
static int setsockopt_name, setsockopt_skips; /* which option fails, and how often it works before */
static const char *somaxconn;                 /* the file in its place; NULL: the kernel's */

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
    errno = EAFNOSUPPORT;
    return no_ipv6 && family == AF_INET6 ? -1 : __real_socket(family, type, protocol);
}

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    if (level == IPPROTO_TCP && name == setsockopt_name && name && setsockopt_skips-- <= 0) {
        errno = ENOPROTOOPT;
        return -1;
    }
    return __real_setsockopt(fd, level, name, value, length);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    if (somaxconn && strcmp(path, "/proc/sys/net/core/somaxconn") == 0)
        path = somaxconn;
    return __real_open(path, flags, mode);
}

static int begin(void **state)
{
    no_ipv6 = false;
    setsockopt_name = setsockopt_skips = 0;
    somaxconn = NULL;
    return opened_begin(state);
}

static void open__tcp__port_known_and_non_blocking(void **state)
{
    int port = 0;
    char rest = '\0';

    (void)state;
    opened_well("127.0.0.1:0");
    assert_int_equal(sscanf(opened.listener.bound, "127.0.0.1:%d%c", &port, &rest), 1);
    assert_true(port > 0);
    assert_false(opened.listener.is_unix);
    assert_int_equal(opened.listener.ino, 0);
    assert_int_equal(opened.listener.backlog_granted, 64);
    assert_true(fcntl(opened.listener.fd, F_GETFL) & O_NONBLOCK);
    assert_int_equal(accept(opened.listener.fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(opened_option(opened.listener.fd, SOL_SOCKET, SO_REUSEADDR), 1);
    opened_close();
}

static void open__port_chosen_by_the_kernel__shut_down_and_listening_again__the_same(void **state)
{
    struct sockaddr_in before = {0}, after = {0};
    socklen_t length = sizeof before;

    (void)state;
    opened_well("127.0.0.1:0");
    assert_int_equal(getsockname(opened.listener.fd, (struct sockaddr *)&before, &length), 0);
    assert_int_equal(shutdown(opened.listener.fd, SHUT_RDWR), 0);
    assert_int_equal(listen(opened.listener.fd, 8), 0);
    assert_int_equal(getsockname(opened.listener.fd, (struct sockaddr *)&after, &length), 0);
    assert_int_not_equal(before.sin_port, 0);
    assert_int_equal(after.sin_port, before.sin_port);
}

static void open__tcp__accepted_sockets_inherit_all_options(void **state)
{
    (void)state;
    opened_well("127.0.0.1:0");

    int client = opened_connect(opened.listener.fd);
    int fd = opened_accept();

    assert_int_equal(opened_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(opened_option(fd, SOL_SOCKET, SO_OOBINLINE), 1);
    assert_int_equal(opened_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(opened_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(opened_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    assert_int_equal(opened_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 6);
    assert_int_equal(opened_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 61000);
    assert_int_equal(opened_option(opened.listener.fd, IPPROTO_TCP, TCP_FASTOPEN), 0);
    close(fd);
    close(client);
    opened_close();
}

static void check_user_timeout(int64_t write_timeout_ms, int expected_ms)
{
    struct listener_settings settings = opened_usual;

    settings.write_timeout_ms = write_timeout_ms;
    assert_int_equal(opened_at(&opened.listener, "127.0.0.1:0", &settings), 0);
    assert_int_equal(opened_option(opened.listener.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), expected_ms);
    opened_close();
}

static void open__user_timeout__never_shorter_than_the_write_timeout(void **state)
{
    (void)state;
    check_user_timeout(0, 0);
    check_user_timeout(1, 30000);
    check_user_timeout(14500, 30000);
    check_user_timeout(60000, 121000);
    check_user_timeout((int64_t)(INT_MAX - 1000) / 2, INT_MAX - 1);
    check_user_timeout((int64_t)(INT_MAX - 1000) / 2 + 1, 0);
    check_user_timeout(INT64_MAX, 0);
    check_user_timeout((int64_t)365 * 24 * 3600 * 1000, 0);
}

static void open__port_alone__serves_both_families(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int port = 0;

    (void)state;
    opened_well(":0");
    assert_int_equal(sscanf(opened.listener.bound, "[::]:%d", &port), 1);
    v4.sin_port = htons((in_port_t)port);

    int client_v6 = opened_connect(opened.listener.fd);
    int client_v4 = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(client_v6 >= 0);
    assert_int_equal(connect(client_v4, (void *)&v4, sizeof v4), 0);
    close(opened_accept());
    close(opened_accept());
    close(client_v4);
    close(client_v6);
    opened_close();
}

static void open__bracketed_wildcard__ipv6_alone(void **state)
{
    (void)state;
    opened_well("[::]:0");
    assert_int_equal(opened_option(opened.listener.fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    opened_close();
}

static void open__port_alone_without_ipv6__plain_ipv4(void **state)
{
    (void)state;
    no_ipv6 = true;
    opened_well(":0");
    assert_int_equal(strncmp(opened.listener.bound, "0.0.0.0:", 8), 0);
    opened_close();
}

static void open__name__first_candidate_that_binds(void **state)
{
    struct address address = {.kind = ADDRESS_TCP, .candidate_count = 2};
    struct sockaddr_in v4 = {.sin_family = AF_INET};

    (void)state;
    v4.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, for documentation: nobody's */
    memcpy(&address.candidates[0], &v4, sizeof v4);
    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    memcpy(&address.candidates[1], &v4, sizeof v4);
    address.lengths[0] = address.lengths[1] = sizeof v4;
    assert_int_equal(
        listener_open(&opened.listener, &address, &opened_usual, opened.error, sizeof opened.error), 0);
    assert_int_equal(strncmp(opened.listener.bound, "127.0.0.1:", 10), 0);

    /* When the second is held, that is the news, not that the first is not ours. */
    struct listener other = {.fd = -77};
    struct sockaddr *any = (void *)&address.candidates[1];
    socklen_t length = sizeof v4;

    assert_int_equal(getsockname(opened.listener.fd, any, &length), 0);
    assert_int_equal(listener_open(&other, &address, &opened_usual, opened.error, sizeof opened.error),
                     -EADDRINUSE);
    assert_non_null(strstr(opened.error, opened.listener.bound));
    opened_close();
}

/* Closing first leaves the connection in TIME_WAIT on the server's side: the port must still be free. */
static void open__connections_in_time_wait__binds_at_once(void **state)
{
    char bound[PEER_TEXT_SIZE];
    char byte;

    (void)state;
    opened_well("127.0.0.1:0");
    snprintf(bound, sizeof bound, "%s", opened.listener.bound);

    int client = opened_connect(opened.listener.fd);

    close(opened_accept());
    assert_int_equal(read(client, &byte, 1), 0);
    close(client);
    opened_close();
    opened_well(bound);
    opened_close();
}

/* Then the port is chosen for the listener itself, and it may be another one after a drain: better than none. */
static void open__port_cannot_be_chosen_by_another_socket__opened_all_the_same(void **state)
{
    (void)state;
    setsockopt_name = TCP_KEEPIDLE;
    setsockopt_skips = 1;
    opened_well("127.0.0.1:0");
    opened_close();
}

static void open__no_fast_open_in_the_kernel__fine(void **state)
{
    (void)state;
    setsockopt_name = TCP_FASTOPEN;
    opened_well("127.0.0.1:0");
    opened_close();
}

static void open__backlog_above_the_cap__says_what_is_granted(void **state)
{
    struct listener_settings settings = opened_usual;
    FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
    int cap = 0;

    (void)state;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &cap), 1);
    fclose(file);
    settings.backlog = INT_MAX;
    assert_int_equal(opened_at(&opened.listener, "127.0.0.1:0", &settings), 0);
    assert_int_equal(opened.listener.backlog_granted, cap);
    opened_close();
}

static void open__cap_of_the_backlog_not_to_be_read__granted_as_wanted(void **state)
{
    char zero[64];

    (void)state;
    snprintf(zero, sizeof zero, "%s/somaxconn", opened_directory);
    FILE *file = fopen(zero, "we");
    assert_non_null(file);
    fputs("0\n", file);
    fclose(file);
    const char *const files[] = {"/nonexistent", "/dev/null", zero};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        somaxconn = files[i];
        opened_well("127.0.0.1:0");
        assert_int_equal(opened.listener.backlog_granted, opened_usual.backlog);
        opened_close();
    }
    assert_int_equal(unlink(zero), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(open__tcp__port_known_and_non_blocking, begin),
        cmocka_unit_test_setup(open__port_chosen_by_the_kernel__shut_down_and_listening_again__the_same,
                               begin),
        cmocka_unit_test_setup(open__tcp__accepted_sockets_inherit_all_options, begin),
        cmocka_unit_test_setup(open__user_timeout__never_shorter_than_the_write_timeout, begin),
        cmocka_unit_test_setup(open__port_alone__serves_both_families, begin),
        cmocka_unit_test_setup(open__bracketed_wildcard__ipv6_alone, begin),
        cmocka_unit_test_setup(open__port_alone_without_ipv6__plain_ipv4, begin),
        cmocka_unit_test_setup(open__name__first_candidate_that_binds, begin),
        cmocka_unit_test_setup(open__connections_in_time_wait__binds_at_once, begin),
        cmocka_unit_test_setup(open__no_fast_open_in_the_kernel__fine, begin),
        cmocka_unit_test_setup(open__backlog_above_the_cap__says_what_is_granted, begin),
        cmocka_unit_test_setup(open__cap_of_the_backlog_not_to_be_read__granted_as_wanted, begin),
        cmocka_unit_test_setup(open__port_cannot_be_chosen_by_another_socket__opened_all_the_same, begin),
    };

    return cmocka_run_group_tests(tests, opened_make_directory, opened_remove_directory);
}
