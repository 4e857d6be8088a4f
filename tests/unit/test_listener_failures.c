/* A TCP listener that cannot be opened: what is told, and that nothing is left of it. */
/* wrap: socket setsockopt getsockopt bind listen */
#include "tests/support/cmocka_all.h"

#include "master/listener.h"
#include "tests/support/listener_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int socket_errno, bind_errno, listen_errno; /* 0: it works; sockets of IPv4 alone */
static int setsockopt_name;                        /* which option fails; 0: none */
static int protocol_said;                          /* by SO_PROTOCOL; 0: the truth; below: nothing */

static int fail_with(int code)
{
    errno = code;
    return -1;
}

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
    return socket_errno && family == AF_INET ? fail_with(socket_errno)
                                             : __real_socket(family, type, protocol);
}

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    if (level == IPPROTO_TCP && name == setsockopt_name && name)
        return fail_with(ENOPROTOOPT);
    return __real_setsockopt(fd, level, name, value, length);
}

int __real_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
    if (protocol_said < 0 && level == SOL_SOCKET && name == SO_PROTOCOL)
        return fail_with(ENOPROTOOPT);
    if (protocol_said && level == SOL_SOCKET && name == SO_PROTOCOL) {
        memcpy(value, &protocol_said, sizeof protocol_said);
        return 0;
    }
    return __real_getsockopt(fd, level, name, value, length);
}

int __real_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length);
int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    return bind_errno ? fail_with(bind_errno) : __real_bind(fd, address, length);
}

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog)
{
    return listen_errno ? fail_with(listen_errno) : __real_listen(fd, backlog);
}

static int begin(void **state)
{
    socket_errno = bind_errno = listen_errno = setsockopt_name = protocol_said = 0;
    return opened_begin(state);
}

static void open__port_alone_and_held__does_not_settle_for_less(void **state)
{
    (void)state;
    bind_errno = EADDRINUSE;
    opened_expect_failure(":1", -EADDRINUSE, "[::]:1 is in use");
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
    bind_errno = EADDRNOTAVAIL;
    assert_int_equal(
        listener_open(&opened.listener, &address, &opened_usual, opened.error, sizeof opened.error),
        -EADDRNOTAVAIL);
    assert_non_null(strstr(opened.error, "192.0.2.1:0"));
    bind_errno = EADDRINUSE;
    assert_int_equal(
        listener_open(&opened.listener, &address, &opened_usual, opened.error, sizeof opened.error),
        -EADDRINUSE);
    assert_non_null(strstr(opened.error, "192.0.2.1:0"));
}

static void open__no_wildcard_of_either_family__told_of_the_first(void **state)
{
    (void)state;
    bind_errno = EADDRNOTAVAIL;
    opened_expect_failure(":0", -EADDRNOTAVAIL, "[::]:0 is no address");
}

static void open__port_held__names_the_holder(void **state)
{
    char holder[64], bound[PEER_TEXT_SIZE];

    (void)state;
    opened_well("127.0.0.1:0");
    snprintf(bound, sizeof bound, "%s", opened.listener.bound);
    snprintf(holder, sizeof holder, "is in use, held by pid %d (", (int)getpid());
    opened_expect_failure(bound, -EADDRINUSE, holder);
    assert_int_equal(strncmp(opened.error, bound, strlen(bound)), 0);
    opened_close();
    opened_well(bound); /* free again at once */
    opened_close();
}

static void open__not_ours_or_not_permitted__says_so(void **state)
{
    (void)state;
    opened_expect_failure("192.0.2.1:0", -EADDRNOTAVAIL, "192.0.2.1:0 is no address of this machine");
    bind_errno = EACCES;
    opened_expect_failure("127.0.0.1:80", -EACCES, "ports below 1024");
    bind_errno = ENOMEM;
    opened_expect_failure("127.0.0.1:80", -ENOMEM, strerror(ENOMEM));
    opened_expect_failure("127.0.0.1:0", -ENOMEM, strerror(ENOMEM));
    bind_errno = EACCES;
    opened_expect_failure("unix:/tmp/test_listener.sock", -EACCES, strerror(EACCES)); /* no word of ports */
}

static void open__kernel_refuses__nothing_left(void **state)
{
    (void)state;
    socket_errno = EMFILE;
    opened_expect_failure("127.0.0.1:0", -EMFILE, strerror(EMFILE));
    begin(NULL);
    setsockopt_name = TCP_KEEPIDLE;
    opened_expect_failure("127.0.0.1:0", -ENOPROTOOPT, "TCP_KEEPIDLE");
    begin(NULL);
    protocol_said = IPPROTO_MPTCP;
    opened_expect_failure("127.0.0.1:0", -EPROTONOSUPPORT, "MPTCP");
    protocol_said = -1; /* a kernel that does not say is none that was tried */
    opened_expect_failure("127.0.0.1:0", -EPROTONOSUPPORT, "protocol 0");
    begin(NULL);
    listen_errno = EADDRINUSE;
    opened_expect_failure("127.0.0.1:0", -EADDRINUSE, "in use");
}

static void later__no_socket_any_more__its_error(void **state)
{
    (void)state;
    assert_int_equal(listener_set_write_timeout(-1, 1000), -EBADF);
    assert_int_equal(listener_open_again(-1, 8), -EBADF);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(open__port_alone_and_held__does_not_settle_for_less, begin),
        cmocka_unit_test_setup(open__port_held__names_the_holder, begin),
        cmocka_unit_test_setup(open__not_ours_or_not_permitted__says_so, begin),
        cmocka_unit_test_setup(open__kernel_refuses__nothing_left, begin),
        cmocka_unit_test_setup(open__no_candidate_binds__the_first_failure, begin),
        cmocka_unit_test_setup(open__no_wildcard_of_either_family__told_of_the_first, begin),
        cmocka_unit_test_setup(later__no_socket_any_more__its_error, begin),
    };

    return cmocka_run_group_tests(tests, opened_make_directory, opened_remove_directory);
}
