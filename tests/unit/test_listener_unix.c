/* A UNIX listener: its path and what is there before, while and after it is open, and a name without a path. */
/* wrap: listen */
#include "tests/support/cmocka_all.h"

#include "master/listener.h"
#include "tests/support/listener_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int listen_errno; /* 0: it works */

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog)
{
    errno = listen_errno;
    return listen_errno ? -1 : __real_listen(fd, backlog);
}

static int begin(void **state)
{
    listen_errno = 0;
    return opened_begin(state);
}

static const char *unix_text(void)
{
    static char text[PATH_MAX];

    snprintf(text, sizeof text, "unix:%s/s.sock", opened_directory);
    return text;
}

static const char *unix_path(void)
{
    return unix_text() + strlen("unix:");
}

static void unix__path__mode_and_inode(void **state)
{
    struct listener_settings settings = opened_usual;
    mode_t mask_before = umask(027);
    struct stat status;

    (void)state;
    settings.unix_mode = 0606;
    assert_int_equal(opened_at(&opened.listener, unix_text(), &settings), 0);
    assert_string_equal(opened.listener.bound, unix_text());
    assert_true(opened.listener.is_unix);
    assert_int_equal(lstat(unix_path(), &status), 0);
    assert_true(S_ISSOCK(status.st_mode));
    assert_int_equal(status.st_mode & 0777, 0606);
    assert_int_equal(opened.listener.ino, status.st_ino);
    assert_int_equal(opened.listener.dev, status.st_dev);
    assert_int_equal(umask(mask_before), 027); /* as it was */

    int client = opened_connect(opened.listener.fd);

    assert_true(client >= 0);
    close(client);
    opened_close();
    assert_int_equal(lstat(unix_path(), &status), -1);
}

static void unix__left_over_socket__replaced(void **state)
{
    (void)state;
    opened_well(unix_text());
    close(opened.listener.fd); /* as a server that was killed leaves it */
    opened_well(unix_text());

    int client = opened_connect(opened.listener.fd);

    assert_true(client >= 0);
    close(client);
    opened_close();
}

static void unix__living_listener__left_alone_and_named(void **state)
{
    char holder[64];

    (void)state;
    opened_well(unix_text());
    snprintf(holder, sizeof holder, "held by pid %d (", (int)getpid());
    opened_expect_failure(unix_text(), -EADDRINUSE, holder);

    int client = opened_connect(opened.listener.fd);

    assert_true(client >= 0);
    close(client);
    opened_close();
}

static void unix__no_socket_at_the_path__left_alone(void **state)
{
    int fd = open(unix_path(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    opened_expect_failure(unix_text(), -EADDRINUSE, "is no socket");
    assert_int_equal(unlink(unix_path()), 0);
    assert_int_equal(mkdir(unix_path(), 0700), 0);
    opened_expect_failure(unix_text(), -EADDRINUSE, "is no socket");
    assert_int_equal(rmdir(unix_path()), 0);
}

/* A link could lead anywhere: it is no socket itself, so it stays. */
static void unix__link_at_the_path__left_alone(void **state)
{
    (void)state;
    assert_int_equal(symlink("/nonexistent", unix_path()), 0);
    opened_expect_failure(unix_text(), -EADDRINUSE, "is no socket");
    assert_int_equal(unlink(unix_path()), 0);
}

static void unix__listen_fails__path_removed(void **state)
{
    struct stat status;

    (void)state;
    listen_errno = ENOBUFS;
    opened_expect_failure(unix_text(), -ENOBUFS, strerror(ENOBUFS));
    assert_int_equal(lstat(unix_path(), &status), -1);
}

static void unix__no_such_directory__says_so(void **state)
{
    (void)state;
    opened_expect_failure("unix:/nonexistent/s.sock", -ENOENT, "unix:/nonexistent/s.sock cannot be bound");
}

static void unix__path_is_anothers_now__not_removed(void **state)
{
    struct listener first;
    struct stat status;

    (void)state;
    opened_well(unix_text());
    first = opened.listener;
    assert_int_equal(unlink(unix_path()), 0);
    opened_well(unix_text());
    assert_int_not_equal(first.ino, opened.listener.ino); /* the first inode lives on in the open socket */
    listener_remove_path(&first);
    assert_int_equal(lstat(unix_path(), &status), 0);
    opened_close();
    assert_int_equal(lstat(unix_path(), &status), -1);
    listener_remove_path(&first);
    close(first.fd);
}

static void unix__abstract_name__bound_without_a_file(void **state)
{
    char text[64];

    (void)state;
    snprintf(text, sizeof text, "unix:@test_listener.%d", (int)getpid());
    opened_well(text);
    assert_string_equal(opened.listener.bound, text);
    assert_true(opened.listener.is_unix);
    assert_int_equal(opened.listener.ino, 0);
    opened_expect_failure(text, -EADDRINUSE, "held by pid");
    opened_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(unix__path__mode_and_inode, begin),
        cmocka_unit_test_setup(unix__left_over_socket__replaced, begin),
        cmocka_unit_test_setup(unix__living_listener__left_alone_and_named, begin),
        cmocka_unit_test_setup(unix__no_socket_at_the_path__left_alone, begin),
        cmocka_unit_test_setup(unix__link_at_the_path__left_alone, begin),
        cmocka_unit_test_setup(unix__listen_fails__path_removed, begin),
        cmocka_unit_test_setup(unix__no_such_directory__says_so, begin),
        cmocka_unit_test_setup(unix__path_is_anothers_now__not_removed, begin),
        cmocka_unit_test_setup(unix__abstract_name__bound_without_a_file, begin),
    };

    return cmocka_run_group_tests(tests, opened_make_directory, opened_remove_directory);
}
