/* Who holds an address: real sockets of this process, looked up through /proc. */
#include "tests/support/cmocka_all.h"

#include "master/holder.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* wrap: opendir fopen */

static bool hide_processes, hide_lists;
static char text[HOLDER_TEXT_SIZE];

DIR *__real_opendir(const char *name);
DIR *__wrap_opendir(const char *name);
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

DIR *__wrap_opendir(const char *name)
{
    return hide_processes ? NULL : __real_opendir(name);
}

FILE *__wrap_fopen(const char *path, const char *mode)
{
    return hide_lists ? NULL : __real_fopen(path, mode);
}

static int start(void **state)
{
    (void)state;
    hide_processes = hide_lists = false;
    text[0] = '\0';
    return 0;
}

/* A listener of this process, its address in *bound with the port that it got. */
static int listen_on(int family, const char *address, struct sockaddr_storage *bound)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr *any = (void *)bound;
    socklen_t length = sizeof *bound;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memset(bound, 0, sizeof *bound);
    inet_pton(family, address, family == AF_INET ? (void *)&v4.sin_addr : (void *)&v6.sin6_addr);
    memcpy(bound, family == AF_INET ? (void *)&v4 : (void *)&v6, family == AF_INET ? sizeof v4 : sizeof v6);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, any, length), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, any, &length), 0);
    return fd;
}

static void check_holder_is_this_process(const struct sockaddr_storage *address)
{
    char expected[64];

    assert_int_equal(holder_find(address, text, sizeof text), 0);
    snprintf(expected, sizeof expected, "pid %d (", (int)getpid());
    assert_int_equal(strncmp(text, expected, strlen(expected)), 0);
    assert_non_null(strstr(text, "test_holder"));
    assert_int_equal(text[strlen(text) - 1], ')');
}

static void find__v4_listener__pid_and_command(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);

    (void)state;
    check_holder_is_this_process(&bound);
    close(fd);
}

static void find__v6_listener__pid_and_command(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET6, "::1", &bound);

    (void)state;
    check_holder_is_this_process(&bound);
    close(fd);
}

/* Wanted is every address of the port, held is one; and the other way round. */
static void find__wildcard_on_either_side__found(void **state)
{
    struct sockaddr_storage bound;
    struct sockaddr_in wanted = {.sin_family = AF_INET};
    struct sockaddr_storage storage = {0};
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);
    void *any = &bound;
    struct sockaddr_in *v4 = any;

    (void)state;
    wanted.sin_port = v4->sin_port;
    memcpy(&storage, &wanted, sizeof wanted);
    check_holder_is_this_process(&storage);
    close(fd);

    fd = listen_on(AF_INET6, "::", &bound);
    inet_pton(AF_INET, "127.0.0.1", &wanted.sin_addr);
    wanted.sin_port = v4->sin_port; /* at the same place as sin6_port */
    memcpy(&storage, &wanted, sizeof wanted);
    check_holder_is_this_process(&storage);
    close(fd);
}

static void find__other_address_of_the_port__not_found(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);
    void *any = &bound;
    struct sockaddr_in *v4 = any;

    (void)state;
    inet_pton(AF_INET, "127.0.0.2", &v4->sin_addr);
    assert_int_equal(holder_find(&bound, text, sizeof text), -ENOENT);
    assert_non_null(strstr(text, "does not list"));
    close(fd);
}

static void find__unix_path_and_abstract_name__found(void **state)
{
    char directory[] = "/tmp/test_holder.XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct sockaddr_storage storage = {0};
    struct sockaddr *any = (void *)&storage;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(address.sun_path, sizeof address.sun_path, "%s/a b.sock", directory);
    for (int i = 0; i < 2; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        size_t length =
            offsetof(struct sockaddr_un, sun_path) + (size_t)snprintf(NULL, 0, "%s/a b.sock", directory);

        memcpy(&storage, &address, sizeof address);
        assert_int_equal(bind(fd, any, (socklen_t)length), 0);
        assert_int_equal(listen(fd, 1), 0);
        check_holder_is_this_process(&storage);
        if (i == 0)
            unlink(address.sun_path);
        close(fd);
        address.sun_path[0] = '\0'; /* the second time as an abstract name */
    }
    rmdir(directory);
}

static void find__unix_name_of_nobody__not_found(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/test_holder.sock"};
    struct sockaddr_storage storage = {0};

    (void)state;
    memcpy(&storage, &address, sizeof address);
    assert_int_equal(holder_find(&storage, text, sizeof text), -ENOENT);
}

static void find__processes_not_visible__says_whose_socket(void **state)
{
    struct sockaddr_storage bound;
    char expected[64];
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);

    (void)state;
    hide_processes = true;
    assert_int_equal(holder_find(&bound, text, sizeof text), -EACCES);
    snprintf(expected, sizeof expected, "a process of user %u", (unsigned)getuid());
    assert_non_null(strstr(text, expected));
    close(fd);
}

static void find__no_proc__honest_text(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);

    (void)state;
    hide_lists = true;
    assert_int_equal(holder_find(&bound, text, sizeof text), -ENOENT);
    assert_non_null(strstr(text, "does not list"));
    close(fd);
}

static void find__little_room__cut(void **state)
{
    struct sockaddr_storage bound;
    int fd = listen_on(AF_INET, "127.0.0.1", &bound);
    char little[8];

    (void)state;
    assert_int_equal(holder_find(&bound, little, sizeof little), 0);
    assert_int_equal(strncmp(little, "pid ", 4), 0);
    assert_true(strlen(little) < sizeof little);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(find__v4_listener__pid_and_command, start),
        cmocka_unit_test_setup(find__v6_listener__pid_and_command, start),
        cmocka_unit_test_setup(find__wildcard_on_either_side__found, start),
        cmocka_unit_test_setup(find__other_address_of_the_port__not_found, start),
        cmocka_unit_test_setup(find__unix_path_and_abstract_name__found, start),
        cmocka_unit_test_setup(find__unix_name_of_nobody__not_found, start),
        cmocka_unit_test_setup(find__processes_not_visible__says_whose_socket, start),
        cmocka_unit_test_setup(find__no_proc__honest_text, start),
        cmocka_unit_test_setup(find__little_room__cut, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
