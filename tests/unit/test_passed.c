/* Socket activation: what is passed is believed when it is what it should be, and only then. In children: cmocka's own
 * descriptors stay. */
/* wrap: fcntl setsockopt getsockopt */
#include "tests/support/cmocka_all.h"

#include "master/passed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BACKLOG_PASSED = 17, BACKLOG_WANTED = 99 };

static const struct listener_settings settings = {.backlog = BACKLOG_WANTED, .write_timeout_ms = 60000};
static int failing_command; /* of fcntl */
static bool options_fail, info_fails;
static int family; /* that the socket seems to be of; 0: the truth */

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;

    va_start(arguments, command);
    int value = va_arg(arguments, int);
    va_end(arguments);
    errno = EPERM;
    return failing_command && command == failing_command ? -1 : __real_fcntl(fd, command, value);
}

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    errno = EPERM;
    return options_fail ? -1 : __real_setsockopt(fd, level, name, value, length);
}

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    errno = EPERM;
    if (info_fails && level == IPPROTO_TCP && name == TCP_INFO)
        return -1;
    if (!family || level != SOL_SOCKET || name != SO_DOMAIN)
        return __real_getsockopt(fd, level, name, value, length);
    memcpy(value, &family, sizeof family);
    return 0;
}

/* ---- the environment ---- */

static void set(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void expect_count(const char *pid, const char *fds, int expected)
{
    set("LISTEN_PID", pid);
    set("LISTEN_FDS", fds);
    assert_int_equal(passed_count(), expected);
}

static void count__meant_for_another_or_not_said__is_none(void **state)
{
    (void)state;
    expect_count(NULL, NULL, 0);
    expect_count(NULL, "1", 0);
    expect_count("1", "1", 0);
    expect_count("", "1", 0);
    expect_count("x", "1", 0);
}

static void count__meant_for_us__is_a_number_or_an_error(void **state)
{
    char own[16];

    (void)state;
    snprintf(own, sizeof own, "%d", (int)getpid());
    expect_count(own, NULL, 0);
    expect_count(own, "1", 1);
    expect_count(own, "3", 3);
    expect_count(own, "0", -EINVAL);
    expect_count(own, "-1", -EINVAL);
    expect_count(own, "1x", -EINVAL);
    expect_count(own, "99999999999999999999", -EINVAL);
    expect_count(own, "5000", -EINVAL);
}

static void names__not_said__are_unknown(void **state)
{
    (void)state;
    set("LISTEN_FDNAMES", NULL);
    assert_string_equal(passed_names(), "unknown");
    set("LISTEN_FDNAMES", "");
    assert_string_equal(passed_names(), "unknown");
    set("LISTEN_FDNAMES", "upper:more");
    assert_string_equal(passed_names(), "upper:more");
}

/* ---- in the child ---- */

#define EXPECT(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            dprintf(STDERR_FILENO, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                           \
            _exit(1);                                                                                        \
        }                                                                                                    \
    } while (0)

static void in_child(void (*step)(void))
{
    int status = -1;

    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char own[16];
        alarm(10);
        snprintf(own, sizeof own, "%d", (int)getpid());
        set("LISTEN_PID", own);
        set("LISTEN_FDS", "1");
        set("LISTEN_FDNAMES", "upper");
        close(PASSED_FD);
        step();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void at_passed_number(int fd)
{
    EXPECT(fd >= 0);
    if (fd != PASSED_FD) {
        EXPECT(dup2(fd, PASSED_FD) == PASSED_FD);
        close(fd);
    }
}

static int bound_tcp(int type)
{
    const struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    EXPECT(bind(fd, (const struct sockaddr *)&any, sizeof any) == 0);
    return fd;
}

static void pass_tcp(void)
{
    int fd = bound_tcp(SOCK_STREAM);

    EXPECT(listen(fd, BACKLOG_PASSED) == 0);
    at_passed_number(fd);
}

static int take(struct listener *listener, const char *bind, char error[512])
{
    *listener = (struct listener){.fd = -7};
    error[0] = '\0';
    int result = passed_listener(listener, bind, &settings, error, 512);
    EXPECT(result == 0 ? listener->fd == PASSED_FD : listener->fd == -7 && error[0]);
    return result;
}

static void bound_text(char text[PEER_TEXT_SIZE])
{
    struct sockaddr_storage bound = {0};
    socklen_t length = sizeof bound;

    EXPECT(getsockname(PASSED_FD, (struct sockaddr *)&bound, &length) == 0);
    peer_format(text, &bound, length);
}

static bool is_on(int level, int name)
{
    int value = 0;
    socklen_t length = sizeof value;

    return getsockopt(PASSED_FD, level, name, &value, &length) == 0 && value != 0;
}

/* ---- what is taken ---- */

static void take_tcp(void)
{
    struct listener listener;
    char error[512], text[PEER_TEXT_SIZE];

    pass_tcp();
    bound_text(text);
    EXPECT(take(&listener, NULL, error) == 0);
    EXPECT(listener.is_passed && !listener.is_unix);
    EXPECT(listener.backlog_granted == BACKLOG_PASSED);
    EXPECT(strcmp(listener.bound, text) == 0);
    EXPECT(is_on(SOL_SOCKET, SO_OOBINLINE) && is_on(IPPROTO_TCP, TCP_NODELAY) &&
           is_on(SOL_SOCKET, SO_KEEPALIVE) && is_on(IPPROTO_TCP, TCP_USER_TIMEOUT));
    EXPECT(__real_fcntl(PASSED_FD, F_GETFL) & O_NONBLOCK);
    EXPECT((__real_fcntl(PASSED_FD, F_GETFD) & FD_CLOEXEC) == 0);
    EXPECT(take(&listener, text, error) == 0); /* asked for as well, and the same */
    info_fails = true;
    EXPECT(take(&listener, NULL, error) == 0 && listener.backlog_granted == BACKLOG_WANTED);
}

static void take__tcp_listener__has_all_options_and_comes_through_exec(void **state)
{
    (void)state;
    in_child(take_tcp);
}

static void take_unix(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct listener listener;
    char error[512], text[PEER_TEXT_SIZE];

    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/test_passed.%d", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT(bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 5) == 0);
    at_passed_number(fd);
    bound_text(text);
    int result = take(&listener, text, error);
    listener_remove_path(&listener);
    bool is_there = access(address.sun_path, F_OK) == 0;
    unlink(address.sun_path);
    EXPECT(result == 0 && listener.is_passed && listener.is_unix);
    EXPECT(listener.backlog_granted == BACKLOG_WANTED);
    EXPECT(is_there);
}

static void take__unix_listener__path_is_not_ours_to_remove(void **state)
{
    (void)state;
    in_child(take_unix);
}

/* ---- what is not ---- */

static void take_elsewhere(void)
{
    struct listener listener;
    char error[512], text[PEER_TEXT_SIZE];

    pass_tcp();
    bound_text(text);
    EXPECT(take(&listener, "127.0.0.1:1", error) == -EADDRNOTAVAIL);
    EXPECT(strstr(error, "127.0.0.1:1 was asked for") && strstr(error, text) && strstr(error, "upper"));
    EXPECT(take(&listener, "no address", error) == -EADDRNOTAVAIL);
}

static void take__another_address_was_asked_for__is_told(void **state)
{
    (void)state;
    in_child(take_elsewhere);
}

static void take_strange(void)
{
    struct listener listener;
    char error[512];

    EXPECT(take(&listener, NULL, error) == -EINVAL); /* not open */
    at_passed_number(open("/dev/null", O_RDONLY));
    EXPECT(take(&listener, NULL, error) == -EINVAL);
    at_passed_number(bound_tcp(SOCK_DGRAM));
    EXPECT(take(&listener, NULL, error) == -EINVAL);
    at_passed_number(bound_tcp(SOCK_STREAM)); /* does not listen */
    EXPECT(take(&listener, NULL, error) == -EINVAL);
    EXPECT(strstr(error, "no listening"));
    pass_tcp();
    family = AF_VSOCK; /* a stream socket that listens, and as foreign as a socket of a virtual machine */
    EXPECT(take(&listener, NULL, error) == -EINVAL);
}

static void take_tcp6(void)
{
    const struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct listener listener;
    char error[512];
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    EXPECT(bind(fd, (const struct sockaddr *)&any, sizeof any) == 0 && listen(fd, BACKLOG_PASSED) == 0);
    at_passed_number(fd);
    EXPECT(take(&listener, NULL, error) == 0);
    EXPECT(strncmp(listener.bound, "[::1]:", 6) == 0);
}

static void take__listener_of_ipv6__taken(void **state)
{
    (void)state;
    in_child(take_tcp6);
}

static void take__no_listening_stream_socket__is_told(void **state)
{
    (void)state;
    in_child(take_strange);
}

static void take_wrong_count(void)
{
    struct listener listener;
    char error[512];

    pass_tcp();
    set("LISTEN_FDS", "2");
    set("LISTEN_FDNAMES", "upper:more");
    EXPECT(take(&listener, NULL, error) == -EINVAL);
    EXPECT(strstr(error, "2 sockets") && strstr(error, "upper:more"));
    set("LISTEN_FDS", "two");
    EXPECT(take(&listener, NULL, error) == -EINVAL);
    EXPECT(strstr(error, "LISTEN_FDS"));
}

static void take__more_than_one_or_no_number__is_told(void **state)
{
    (void)state;
    in_child(take_wrong_count);
}

static void take_in_vain(void)
{
    struct listener listener;
    char error[512];
    const int commands[] = {F_GETFL, F_SETFL, F_SETFD};

    pass_tcp();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        failing_command = commands[i];
        EXPECT(take(&listener, NULL, error) == -EPERM);
    }
    failing_command = 0;
    options_fail = true;
    EXPECT(take(&listener, NULL, error) == -EPERM);
}

static void take__a_call_fails__is_told(void **state)
{
    (void)state;
    in_child(take_in_vain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(count__meant_for_another_or_not_said__is_none),
        cmocka_unit_test(count__meant_for_us__is_a_number_or_an_error),
        cmocka_unit_test(names__not_said__are_unknown),
        cmocka_unit_test(take__tcp_listener__has_all_options_and_comes_through_exec),
        cmocka_unit_test(take__unix_listener__path_is_not_ours_to_remove),
        cmocka_unit_test(take__another_address_was_asked_for__is_told),
        cmocka_unit_test(take__no_listening_stream_socket__is_told),
        cmocka_unit_test(take__listener_of_ipv6__taken),
        cmocka_unit_test(take__more_than_one_or_no_number__is_told),
        cmocka_unit_test(take__a_call_fails__is_told),
    };

    return cmocka_run_group_tests_name("passed", tests, NULL, NULL);
}
