/* The listener, with real sockets; where the kernel must fail, a wrapper does it. */
#include "tests/support/cmocka_all.h"

#include "master/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* wrap: socket setsockopt getsockopt bind listen open */

static struct {
    int socket_family; /* which family fails, */
    int socket_errno;  /* and how */
    int setsockopt_name;
    int setsockopt_skips;  /* how often it works before */
    int protocol;          /* what SO_PROTOCOL says; 0: the truth; below: nothing */
    const char *somaxconn; /* the file in its place; NULL: the kernel's */
    int bind_errno;
    int listen_errno;
} faults;

static const struct listener_settings usual = {.backlog = 64, .unix_mode = 0660, .write_timeout_ms = 30000};
static char directory[] = "/tmp/test_listener.XXXXXX";
static struct listener listener;
static char error[512];

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __real_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);
int __real_listen(int fd, int backlog);
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_listen(int fd, int backlog);

static int fail_with(int code)
{
    errno = code;
    return -1;
}

int __wrap_socket(int family, int type, int protocol)
{
    if (faults.socket_errno && family == faults.socket_family)
        return fail_with(faults.socket_errno);
    return __real_socket(family, type, protocol);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    if (level == IPPROTO_TCP && name == faults.setsockopt_name && name && faults.setsockopt_skips-- <= 0)
        return fail_with(ENOPROTOOPT);
    return __real_setsockopt(fd, level, name, value, length);
}

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    if (faults.protocol < 0 && level == SOL_SOCKET && name == SO_PROTOCOL)
        return fail_with(ENOPROTOOPT);
    if (faults.protocol && level == SOL_SOCKET && name == SO_PROTOCOL) {
        memcpy(value, &faults.protocol, sizeof faults.protocol);
        return 0;
    }
    return __real_getsockopt(fd, level, name, value, length);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    return faults.bind_errno ? fail_with(faults.bind_errno) : __real_bind(fd, address, length);
}

int __wrap_listen(int fd, int backlog)
{
    return faults.listen_errno ? fail_with(faults.listen_errno) : __real_listen(fd, backlog);
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;

    va_start(arguments, flags);
    int mode = flags & O_CREAT ? va_arg(arguments, int) : 0;
    va_end(arguments);
    if (faults.somaxconn && strcmp(path, "/proc/sys/net/core/somaxconn") == 0)
        path = faults.somaxconn;
    return __real_open(path, flags, mode);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int start(void **state)
{
    (void)state;
    memset(&faults, 0, sizeof faults);
    memset(&listener, 0, sizeof listener);
    listener.fd = -1;
    error[0] = '\0';
    return 0;
}

static int count_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static int open_at(struct listener *out, const char *text, const struct listener_settings *settings)
{
    struct address address;

    assert_int_equal(address_parse(&address, text, error, sizeof error), 0);
    return listener_open(out, &address, settings, error, sizeof error);
}

static void open_well(const char *text)
{
    if (open_at(&listener, text, &usual) != 0)
        fail_msg("%s", error);
    assert_true(listener.fd >= 0);
}

/* Fails as expected, without leaving a descriptor, and with *listener untouched. */
static void check_fails(const char *text, int code, const char *reason)
{
    struct listener untouched = {.fd = -77};
    int before = count_descriptors();

    assert_int_equal(open_at(&untouched, text, &usual), code);
    assert_int_equal(untouched.fd, -77);
    assert_int_equal(count_descriptors(), before);
    if (!strstr(error, reason))
        fail_msg("\"%s\" lacks \"%s\"", error, reason);
}

static void finish(void)
{
    listener_remove_path(&listener);
    close(listener.fd);
    listener.fd = -1;
}

/* A connection to the listener, over the bound address of a socket. */
static int connect_to(int fd)
{
    struct sockaddr_storage address = {0};
    struct sockaddr *any = (void *)&address;
    socklen_t length = sizeof address;

    assert_int_equal(getsockname(fd, any, &length), 0);

    int client = __real_socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(client >= 0);
    if (connect(client, any, length) < 0) {
        int code = -errno;

        close(client);
        return code;
    }
    return client;
}

static int accept_one(void)
{
    struct pollfd waiting = {.fd = listener.fd, .events = POLLIN};

    assert_int_equal(poll(&waiting, 1, 5000), 1);
    int fd = accept4(listener.fd, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;

    assert_int_equal(__real_getsockopt(fd, level, name, &value, &length), 0);
    return value;
}

static void open__tcp__port_known_and_non_blocking(void **state)
{
    int port = 0;
    char rest = '\0';

    (void)state;
    open_well("127.0.0.1:0");
    assert_int_equal(sscanf(listener.bound, "127.0.0.1:%d%c", &port, &rest), 1);
    assert_true(port > 0);
    assert_false(listener.is_unix);
    assert_int_equal(listener.ino, 0);
    assert_int_equal(listener.backlog_granted, 64);
    assert_true(fcntl(listener.fd, F_GETFL) & O_NONBLOCK);
    assert_int_equal(accept(listener.fd, NULL, NULL), -1);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(option_of(listener.fd, SOL_SOCKET, SO_REUSEADDR), 1);
    finish();
}

static void open__port_chosen_by_the_kernel__shut_down_and_listening_again__the_same(void **state)
{
    struct sockaddr_in before = {0}, after = {0};
    socklen_t length = sizeof before;

    (void)state;
    open_well("127.0.0.1:0");
    assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&before, &length), 0);
    assert_int_equal(shutdown(listener.fd, SHUT_RDWR), 0);
    assert_int_equal(__real_listen(listener.fd, 8), 0);
    assert_int_equal(getsockname(listener.fd, (struct sockaddr *)&after, &length), 0);
    assert_int_not_equal(before.sin_port, 0);
    assert_int_equal(after.sin_port, before.sin_port);
}

static void open__tcp__accepted_sockets_inherit_all_options(void **state)
{
    (void)state;
    open_well("127.0.0.1:0");

    int client = connect_to(listener.fd);
    int fd = accept_one();

    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_OOBINLINE), 1);
    assert_int_equal(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 10);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 6);
    assert_int_equal(option_of(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 31000);
    assert_int_equal(option_of(listener.fd, IPPROTO_TCP, TCP_FASTOPEN), 0);
    close(fd);
    close(client);
    finish();
}

static void check_user_timeout(int64_t write_timeout_ms, int expected_ms)
{
    struct listener_settings settings = usual;

    settings.write_timeout_ms = write_timeout_ms;
    assert_int_equal(open_at(&listener, "127.0.0.1:0", &settings), 0);
    assert_int_equal(option_of(listener.fd, IPPROTO_TCP, TCP_USER_TIMEOUT), expected_ms);
    finish();
}

static void open__user_timeout__never_shorter_than_the_write_timeout(void **state)
{
    (void)state;
    check_user_timeout(0, 0);
    check_user_timeout(1, 30000);
    check_user_timeout(29000, 30000);
    check_user_timeout(60000, 61000);
    check_user_timeout((int64_t)INT_MAX - 1000, INT_MAX);
    check_user_timeout((int64_t)INT_MAX - 999, 0);
    check_user_timeout((int64_t)365 * 24 * 3600 * 1000, 0);
}

static void open__port_alone__serves_both_families(void **state)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int port = 0;

    (void)state;
    open_well(":0");
    assert_int_equal(sscanf(listener.bound, "[::]:%d", &port), 1);
    v4.sin_port = htons((in_port_t)port);

    int client_v6 = connect_to(listener.fd);
    int client_v4 = __real_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(client_v6 >= 0);
    assert_int_equal(connect(client_v4, (void *)&v4, sizeof v4), 0);
    close(accept_one());
    close(accept_one());
    close(client_v4);
    close(client_v6);
    finish();
}

static void open__bracketed_wildcard__ipv6_alone(void **state)
{
    (void)state;
    open_well("[::]:0");
    assert_int_equal(option_of(listener.fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    finish();
}

static void open__port_alone_without_ipv6__plain_ipv4(void **state)
{
    (void)state;
    faults.socket_family = AF_INET6;
    faults.socket_errno = EAFNOSUPPORT;
    open_well(":0");
    assert_int_equal(strncmp(listener.bound, "0.0.0.0:", 8), 0);
    finish();
}

static void open__port_alone_and_held__does_not_settle_for_less(void **state)
{
    (void)state;
    faults.bind_errno = EADDRINUSE;
    check_fails(":1", -EADDRINUSE, "[::]:1 is in use");
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
    assert_int_equal(listener_open(&listener, &address, &usual, error, sizeof error), 0);
    assert_int_equal(strncmp(listener.bound, "127.0.0.1:", 10), 0);

    /* When the second is held, that is the news, not that the first is not ours. */
    struct listener other = {.fd = -77};
    struct sockaddr *any = (void *)&address.candidates[1];
    socklen_t length = sizeof v4;

    assert_int_equal(getsockname(listener.fd, any, &length), 0);
    assert_int_equal(listener_open(&other, &address, &usual, error, sizeof error), -EADDRINUSE);
    assert_non_null(strstr(error, listener.bound));
    finish();
}

/* Two addresses that are nobody's, then two that are held: the first failure is told, and no other. */
static void open__no_candidate_binds__the_first_failure(void **state)
{
    struct address address = {.kind = ADDRESS_TCP, .candidate_count = 2};
    struct sockaddr_in v4 = {.sin_family = AF_INET};

    (void)state;
    address.lengths[0] = address.lengths[1] = sizeof v4;
    for (uint32_t i = 0; i < 2; i++) {
        v4.sin_addr.s_addr = htonl(0xc0000201 + i);
        memcpy(&address.candidates[i], &v4, sizeof v4);
    }
    faults.bind_errno = EADDRNOTAVAIL;
    assert_int_equal(listener_open(&listener, &address, &usual, error, sizeof error), -EADDRNOTAVAIL);
    assert_non_null(strstr(error, "192.0.2.1:0"));
    faults.bind_errno = EADDRINUSE;
    assert_int_equal(listener_open(&listener, &address, &usual, error, sizeof error), -EADDRINUSE);
    assert_non_null(strstr(error, "192.0.2.1:0"));
}

static void open__no_wildcard_of_either_family__told_of_the_first(void **state)
{
    (void)state;
    faults.bind_errno = EADDRNOTAVAIL;
    check_fails(":0", -EADDRNOTAVAIL, "[::]:0 is no address");
}

static void open__port_held__names_the_holder(void **state)
{
    char holder[64], bound[PEER_TEXT_SIZE];

    (void)state;
    open_well("127.0.0.1:0");
    snprintf(bound, sizeof bound, "%s", listener.bound);
    snprintf(holder, sizeof holder, "is in use, held by pid %d (", (int)getpid());
    check_fails(bound, -EADDRINUSE, holder);
    assert_int_equal(strncmp(error, bound, strlen(bound)), 0);
    finish();
    open_well(bound); /* free again at once */
    finish();
}

/* Closing first leaves the connection in TIME_WAIT on the server's side: the port must still be free. */
static void open__connections_in_time_wait__binds_at_once(void **state)
{
    char bound[PEER_TEXT_SIZE];
    char byte;

    (void)state;
    open_well("127.0.0.1:0");
    snprintf(bound, sizeof bound, "%s", listener.bound);

    int client = connect_to(listener.fd);

    close(accept_one());
    assert_int_equal(read(client, &byte, 1), 0);
    close(client);
    finish();
    open_well(bound);
    finish();
}

static void open__not_ours_or_not_permitted__says_so(void **state)
{
    (void)state;
    check_fails("192.0.2.1:0", -EADDRNOTAVAIL, "192.0.2.1:0 is no address of this machine");
    faults.bind_errno = EACCES;
    check_fails("127.0.0.1:80", -EACCES, "ports below 1024");
    faults.bind_errno = ENOMEM;
    check_fails("127.0.0.1:80", -ENOMEM, strerror(ENOMEM));
    check_fails("127.0.0.1:0", -ENOMEM, strerror(ENOMEM));
    faults.bind_errno = EACCES;
    check_fails("unix:/tmp/test_listener.sock", -EACCES, strerror(EACCES)); /* no word of ports */
}

static void open__kernel_refuses__nothing_left(void **state)
{
    (void)state;
    faults.socket_family = AF_INET;
    faults.socket_errno = EMFILE;
    check_fails("127.0.0.1:0", -EMFILE, strerror(EMFILE));
    start(NULL);
    faults.setsockopt_name = TCP_KEEPIDLE;
    check_fails("127.0.0.1:0", -ENOPROTOOPT, "TCP_KEEPIDLE");
    start(NULL);
    faults.protocol = IPPROTO_MPTCP;
    check_fails("127.0.0.1:0", -EPROTONOSUPPORT, "MPTCP");
    faults.protocol = -1; /* a kernel that does not say is none that was tried */
    check_fails("127.0.0.1:0", -EPROTONOSUPPORT, "protocol 0");
    start(NULL);
    faults.listen_errno = EADDRINUSE;
    check_fails("127.0.0.1:0", -EADDRINUSE, "in use");
}

/* Then the port is chosen for the listener itself, and it may be another one after a drain: better than none. */
static void open__port_cannot_be_chosen_by_another_socket__opened_all_the_same(void **state)
{
    (void)state;
    faults.setsockopt_name = TCP_KEEPIDLE;
    faults.setsockopt_skips = 1;
    open_well("127.0.0.1:0");
    finish();
}

static void open__no_fast_open_in_the_kernel__fine(void **state)
{
    (void)state;
    faults.setsockopt_name = TCP_FASTOPEN;
    open_well("127.0.0.1:0");
    finish();
}

static void open__backlog_above_the_cap__says_what_is_granted(void **state)
{
    struct listener_settings settings = usual;
    FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
    int cap = 0;

    (void)state;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &cap), 1);
    fclose(file);
    settings.backlog = INT_MAX;
    assert_int_equal(open_at(&listener, "127.0.0.1:0", &settings), 0);
    assert_int_equal(listener.backlog_granted, cap);
    finish();
}

static void open__cap_of_the_backlog_not_to_be_read__granted_as_wanted(void **state)
{
    char zero[64];

    (void)state;
    snprintf(zero, sizeof zero, "%s/somaxconn", directory);
    FILE *file = fopen(zero, "we");
    assert_non_null(file);
    fputs("0\n", file);
    fclose(file);
    const char *const files[] = {"/nonexistent", "/dev/null", zero};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        faults.somaxconn = files[i];
        open_well("127.0.0.1:0");
        assert_int_equal(listener.backlog_granted, usual.backlog);
        finish();
    }
    assert_int_equal(unlink(zero), 0);
}

static void later__no_socket_any_more__its_error(void **state)
{
    (void)state;
    assert_int_equal(listener_set_write_timeout(-1, 1000), -EBADF);
    assert_int_equal(listener_open_again(-1, 8), -EBADF);
}

static const char *unix_text(void)
{
    static char text[PATH_MAX];

    snprintf(text, sizeof text, "unix:%s/s.sock", directory);
    return text;
}

static const char *unix_path(void)
{
    return unix_text() + strlen("unix:");
}

static void unix__path__mode_and_inode(void **state)
{
    struct listener_settings settings = usual;
    mode_t mask_before = umask(027);
    struct stat status;

    (void)state;
    settings.unix_mode = 0606;
    assert_int_equal(open_at(&listener, unix_text(), &settings), 0);
    assert_string_equal(listener.bound, unix_text());
    assert_true(listener.is_unix);
    assert_int_equal(lstat(unix_path(), &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 0777, 0606);
    assert_int_equal(listener.ino, status.st_ino);
    assert_int_equal(listener.dev, status.st_dev);
    assert_int_equal(umask(mask_before), 027); /* as it was */

    int client = connect_to(listener.fd);

    assert_true(client >= 0);
    close(client);
    finish();
    assert_int_equal(lstat(unix_path(), &status), -1);
}

static void unix__left_over_socket__replaced(void **state)
{
    (void)state;
    open_well(unix_text());
    close(listener.fd); /* as a server that was killed leaves it */
    open_well(unix_text());

    int client = connect_to(listener.fd);

    assert_true(client >= 0);
    close(client);
    finish();
}

static void unix__living_listener__left_alone_and_named(void **state)
{
    char holder[64];

    (void)state;
    open_well(unix_text());
    snprintf(holder, sizeof holder, "held by pid %d (", (int)getpid());
    check_fails(unix_text(), -EADDRINUSE, holder);

    int client = connect_to(listener.fd);

    assert_true(client >= 0);
    close(client);
    finish();
}

static void unix__no_socket_at_the_path__left_alone(void **state)
{
    int fd = open(unix_path(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    check_fails(unix_text(), -EADDRINUSE, "is no socket");
    assert_int_equal(unlink(unix_path()), 0);
    assert_int_equal(mkdir(unix_path(), 0700), 0);
    check_fails(unix_text(), -EADDRINUSE, "is no socket");
    assert_int_equal(rmdir(unix_path()), 0);
}

/* A link could lead anywhere: it is no socket itself, so it stays. */
static void unix__link_at_the_path__left_alone(void **state)
{
    (void)state;
    assert_int_equal(symlink("/nonexistent", unix_path()), 0);
    check_fails(unix_text(), -EADDRINUSE, "is no socket");
    assert_int_equal(unlink(unix_path()), 0);
}

static void unix__listen_fails__path_removed(void **state)
{
    struct stat status;

    (void)state;
    faults.listen_errno = ENOBUFS;
    check_fails(unix_text(), -ENOBUFS, strerror(ENOBUFS));
    assert_int_equal(lstat(unix_path(), &status), -1);
}

static void unix__no_such_directory__says_so(void **state)
{
    (void)state;
    check_fails("unix:/nonexistent/s.sock", -ENOENT, "unix:/nonexistent/s.sock cannot be bound");
}

static void unix__path_is_anothers_now__not_removed(void **state)
{
    struct listener first;
    struct stat status;

    (void)state;
    open_well(unix_text());
    first = listener;
    assert_int_equal(unlink(unix_path()), 0);
    open_well(unix_text());
    assert_int_not_equal(first.ino, listener.ino); /* the first inode lives on in the open socket */
    listener_remove_path(&first);
    assert_int_equal(lstat(unix_path(), &status), 0);
    finish();
    assert_int_equal(lstat(unix_path(), &status), -1);
    listener_remove_path(&first);
    close(first.fd);
}

static void unix__abstract_name__bound_without_a_file(void **state)
{
    char text[64];

    (void)state;
    snprintf(text, sizeof text, "unix:@test_listener.%d", (int)getpid());
    open_well(text);
    assert_string_equal(listener.bound, text);
    assert_true(listener.is_unix);
    assert_int_equal(listener.ino, 0);
    check_fails(text, -EADDRINUSE, "held by pid");
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(open__tcp__port_known_and_non_blocking, start),
        cmocka_unit_test_setup(open__port_chosen_by_the_kernel__shut_down_and_listening_again__the_same,
                               start),
        cmocka_unit_test_setup(open__tcp__accepted_sockets_inherit_all_options, start),
        cmocka_unit_test_setup(open__user_timeout__never_shorter_than_the_write_timeout, start),
        cmocka_unit_test_setup(open__port_alone__serves_both_families, start),
        cmocka_unit_test_setup(open__bracketed_wildcard__ipv6_alone, start),
        cmocka_unit_test_setup(open__port_alone_without_ipv6__plain_ipv4, start),
        cmocka_unit_test_setup(open__port_alone_and_held__does_not_settle_for_less, start),
        cmocka_unit_test_setup(open__name__first_candidate_that_binds, start),
        cmocka_unit_test_setup(open__port_held__names_the_holder, start),
        cmocka_unit_test_setup(open__connections_in_time_wait__binds_at_once, start),
        cmocka_unit_test_setup(open__not_ours_or_not_permitted__says_so, start),
        cmocka_unit_test_setup(open__kernel_refuses__nothing_left, start),
        cmocka_unit_test_setup(open__no_fast_open_in_the_kernel__fine, start),
        cmocka_unit_test_setup(open__backlog_above_the_cap__says_what_is_granted, start),
        cmocka_unit_test_setup(unix__path__mode_and_inode, start),
        cmocka_unit_test_setup(unix__left_over_socket__replaced, start),
        cmocka_unit_test_setup(unix__living_listener__left_alone_and_named, start),
        cmocka_unit_test_setup(unix__no_socket_at_the_path__left_alone, start),
        cmocka_unit_test_setup(unix__link_at_the_path__left_alone, start),
        cmocka_unit_test_setup(unix__listen_fails__path_removed, start),
        cmocka_unit_test_setup(unix__no_such_directory__says_so, start),
        cmocka_unit_test_setup(unix__path_is_anothers_now__not_removed, start),
        cmocka_unit_test_setup(unix__abstract_name__bound_without_a_file, start),
        cmocka_unit_test_setup(open__no_candidate_binds__the_first_failure, start),
        cmocka_unit_test_setup(open__no_wildcard_of_either_family__told_of_the_first, start),
        cmocka_unit_test_setup(open__cap_of_the_backlog_not_to_be_read__granted_as_wanted, start),
        cmocka_unit_test_setup(later__no_socket_any_more__its_error, start),
        cmocka_unit_test_setup(open__port_cannot_be_chosen_by_another_socket__opened_all_the_same, start),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
