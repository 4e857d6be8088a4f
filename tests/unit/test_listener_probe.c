/* Could an address be served? Looked at only: nothing is made, removed or listened on. */
/* wrap: listen */
#include "tests/support/cmocka_all.h"

#include "master/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct listener_settings usual = {.backlog = 64, .unix_mode = 0660, .write_timeout_ms = 30000};
static char directory[] = "/tmp/test_listener_probe.XXXXXX";
static char error[512];
static unsigned listen_count;

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);

int __wrap_listen(int fd, int backlog)
{
    listen_count++;
    return __real_listen(fd, backlog);
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
    listen_count = 0;
    error[0] = '\0';
    return 0;
}

static const char *unix_path(void)
{
    static char path[64];

    snprintf(path, sizeof path, "%s/s.sock", directory);
    return path;
}

static int probe(const char *text)
{
    struct address address;

    assert_int_equal(address_parse(&address, text, error, sizeof error), 0);
    return listener_probe(&address, &usual, error, sizeof error);
}

static int probe_path(void)
{
    char text[80];

    snprintf(text, sizeof text, "unix:%s", unix_path());
    return probe(text);
}

static bool path_exists(void)
{
    struct stat status;

    return lstat(unix_path(), &status) == 0;
}

static int listen_at_path(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const void *any = &address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", unix_path());
    assert_int_equal(bind(fd, any, sizeof address), 0);
    assert_int_equal(__real_listen(fd, 1), 0);
    return fd;
}

static void probe__free_port__good_and_nobody_listened(void **state)
{
    (void)state;
    assert_int_equal(probe("127.0.0.1:0"), 0);
    assert_int_equal(probe(":0"), 0);
    assert_int_equal(probe("unix:@test_listener_probe"), 0);
    assert_int_equal(listen_count, 0);
}

static void probe__nothing_stays_open(void **state)
{
    int before = dup(STDIN_FILENO);

    (void)state;
    close(before);
    assert_int_equal(probe("127.0.0.1:0"), 0);
    assert_int_equal(probe_path(), 0);

    int after = dup(STDIN_FILENO);

    assert_int_equal(after, before);
    close(after);
}

static void probe__held_port__names_the_holder(void **state)
{
    struct address address;
    struct listener listener;
    char holder[64];

    (void)state;
    assert_int_equal(address_parse(&address, "127.0.0.1:0", error, sizeof error), 0);
    assert_int_equal(listener_open(&listener, &address, &usual, error, sizeof error), 0);
    assert_int_equal(probe(listener.bound), -EADDRINUSE);
    snprintf(holder, sizeof holder, "held by pid %d (", (int)getpid());
    assert_non_null(strstr(error, holder));
    close(listener.fd);
}

static void probe__address_of_another_machine__says_so(void **state)
{
    (void)state;
    assert_int_equal(probe("192.0.2.1:9999"), -EADDRNOTAVAIL);
    assert_non_null(strstr(error, "no address of this machine"));
}

static void probe__free_path__good_and_not_made(void **state)
{
    (void)state;
    assert_int_equal(probe_path(), 0);
    assert_false(path_exists());
}

static void probe__left_over_socket__good_and_not_removed(void **state)
{
    (void)state;
    close(listen_at_path());
    assert_int_equal(probe_path(), 0);
    assert_true(path_exists());
    assert_int_equal(unlink(unix_path()), 0);
}

static void probe__living_socket__in_use(void **state)
{
    int fd = listen_at_path();

    (void)state;
    assert_int_equal(probe_path(), -EADDRINUSE);
    assert_non_null(strstr(error, "in use, held by pid"));
    assert_int_equal(unlink(unix_path()), 0);
    close(fd);
}

static void probe__no_socket_at_the_path__left_alone(void **state)
{
    (void)state;
    assert_int_equal(mkdir(unix_path(), 0700), 0);
    assert_int_equal(probe_path(), -EADDRINUSE);
    assert_non_null(strstr(error, "is no socket"));
    assert_int_equal(rmdir(unix_path()), 0);
}

static void probe__no_such_directory__says_so(void **state)
{
    (void)state;
    assert_int_equal(probe("unix:/nonexistent/s.sock"), -ENOENT);
    assert_non_null(strstr(error, "unix:/nonexistent/s.sock cannot be bound"));
    assert_int_equal(probe("unix:/dev/null/s.sock"), -ENOTDIR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(probe__free_port__good_and_nobody_listened, start),
        cmocka_unit_test_setup(probe__nothing_stays_open, start),
        cmocka_unit_test_setup(probe__held_port__names_the_holder, start),
        cmocka_unit_test_setup(probe__address_of_another_machine__says_so, start),
        cmocka_unit_test_setup(probe__free_path__good_and_not_made, start),
        cmocka_unit_test_setup(probe__left_over_socket__good_and_not_removed, start),
        cmocka_unit_test_setup(probe__living_socket__in_use, start),
        cmocka_unit_test_setup(probe__no_socket_at_the_path__left_alone, start),
        cmocka_unit_test_setup(probe__no_such_directory__says_so, start),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
