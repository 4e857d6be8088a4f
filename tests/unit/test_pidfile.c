/* The pid file. Living servers are made up: a child whose title is that of one. */
#include "tests/support/cmocka_all.h"

#include "master/pidfile.h"
#include "worker/title.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* wrap: rename fchmod read write close */

static char directory[] = "/tmp/test_pidfile.XXXXXX";
static char path[PATH_MAX];
static char error[512];
static int rename_errno, fchmod_errno, read_errno, write_errno, close_errno;
static bool write_is_short;

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);

int __wrap_rename(const char *from, const char *to)
{
    errno = rename_errno;
    return rename_errno ? -1 : __real_rename(from, to);
}

int __wrap_fchmod(int fd, mode_t mode)
{
    errno = fchmod_errno;
    return fchmod_errno ? -1 : __real_fchmod(fd, mode);
}

ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    errno = read_errno;
    return read_errno ? -1 : __real_read(fd, bytes, size);
}

ssize_t __real_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size);
ssize_t __wrap_write(int fd, const void *bytes, size_t size)
{
    errno = write_errno;
    return write_errno ? -1 : __real_write(fd, bytes, write_is_short ? size - 1 : size);
}

/* The descriptor is gone all the same (close(2)). */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    int result = __real_close(fd);

    errno = close_errno ? close_errno : errno;
    return close_errno ? -1 : result;
}

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/server.pid", directory);
    return 0;
}

/* Fails when anything but the pid file is left in the directory. */
static int remove_directory(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(directory);
}

static int start(void **state)
{
    (void)state;
    rename_errno = fchmod_errno = read_errno = write_errno = close_errno = 0;
    write_is_short = false;
    error[0] = '\0';
    unlink(path);
    return 0;
}

static void put(const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void check_holds(const char *expected)
{
    char text[64] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof text - 1) >= 0);
    close(fd);
    assert_string_equal(text, expected);
}

static void check_written(void)
{
    char expected[32];
    struct stat status;

    assert_int_equal(pidfile_write(path, error, sizeof error), 0);
    snprintf(expected, sizeof expected, "%d\n", (int)getpid());
    check_holds(expected);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0644);
}

/* A child with that title that waits to be killed. Returns when the title is set. */
static pid_t start_child(const char *title)
{
    int fds[2];
    char byte;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        title_set("%s", title);
        if (write(fds[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(fds[0], &byte, 1), 1);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void write__nothing_there__number_and_newline(void **state)
{
    (void)state;
    check_written();
    check_written(); /* naming ourselves is no obstacle */
}

static void write__garbage_or_dead_there__replaced(void **state)
{
    static const char *const cases[] = {"", "-5\n", "0\n", "12 34", "99999999999\n", "4194305\n", "4194305"};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        put(cases[i]);
        check_written();
    }
}

/* Such as the configuration, by a slip of the hand. */
static void write__something_else_there__left_alone(void **state)
{
    (void)state;
    put("workers = 4\n");
    assert_int_equal(pidfile_write(path, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "holds something else; it is left alone"));
    pidfile_remove(path);
    check_holds("workers = 4\n");
}

static void check_with_child(const char *title, int expected)
{
    char text[32];
    pid_t pid = start_child(title);

    snprintf(text, sizeof text, "%d\n", (int)pid);
    put(text);

    int result = pidfile_write(path, error, sizeof error);

    end_child(pid);
    assert_int_equal(result, expected);
    if (expected == 0)
        return;
    check_holds(text);
    text[strlen(text) - 1] = '\0';
    assert_non_null(strstr(error, text));
}

static void write__living_server_there__refused(void **state)
{
    (void)state;
    check_with_child("prefork-upper: master", -EEXIST);
    check_with_child("/usr/bin/prefork-upper", -EEXIST);
}

static void write__living_stranger_there__replaced(void **state)
{
    (void)state;
    check_with_child("sleep 1000", 0);
    check_with_child("prefork-upperish", 0);
    check_with_child("cat prefork-upper", 0);
}

static void write__cannot__says_why_and_leaves_nothing(void **state)
{
    char long_path[PATH_MAX + 10];

    (void)state;
    rename_errno = EXDEV;
    assert_int_equal(pidfile_write(path, error, sizeof error), -EXDEV);
    assert_non_null(strstr(error, strerror(EXDEV)));
    rename_errno = 0;
    fchmod_errno = EPERM;
    assert_int_equal(pidfile_write(path, error, sizeof error), -EPERM);
    assert_int_equal(access(path, F_OK), -1);

    assert_int_equal(pidfile_write("/nonexistent/x.pid", error, sizeof error), -ENOENT);
    assert_non_null(strstr(error, "/nonexistent/x.pid"));
    memset(long_path, 'p', sizeof long_path - 1);
    long_path[sizeof long_path - 1] = '\0';
    assert_int_equal(pidfile_write(long_path, error, sizeof error), -ENAMETOOLONG);
}

/* A disk that is full says so at one of these. */
static void write__number_does_not_come_to_the_disk__says_why_and_the_old_one_stays(void **state)
{
    (void)state;
    put("4194305\n");
    write_errno = ENOSPC;
    assert_int_equal(pidfile_write(path, error, sizeof error), -ENOSPC);
    write_errno = 0;
    write_is_short = true;
    assert_int_equal(pidfile_write(path, error, sizeof error), -ENOSPC);
    write_is_short = false;
    close_errno = EDQUOT;
    assert_int_equal(pidfile_write(path, error, sizeof error), -EDQUOT);
    fchmod_errno = EPERM; /* the first failure is told */
    assert_int_equal(pidfile_write(path, error, sizeof error), -EPERM);
    close_errno = fchmod_errno = 0;
    check_holds("4194305\n");
}

/* A careless --pid-file /dev/null must not cost the machine its null device. */
static void write__no_regular_file_there__refused_and_left_alone(void **state)
{
    struct stat status;

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(pidfile_write(path, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "no regular file"));
    pidfile_remove(path);
    assert_int_equal(lstat(path, &status), 0);
    assert_true(S_ISFIFO(status.st_mode));
    unlink(path);
    assert_int_equal(symlink("/nowhere", path), 0);
    assert_int_equal(pidfile_write(path, error, sizeof error), -EINVAL);
    assert_int_equal(lstat(path, &status), 0);
    assert_true(S_ISLNK(status.st_mode));
}

static void inspect__free_dead_or_no_file__said_and_nothing_written(void **state)
{
    (void)state;
    assert_int_equal(pidfile_inspect(path, error, sizeof error), 0);
    assert_int_equal(access(path, F_OK), -1);
    put("12 garbage\n");
    assert_int_equal(pidfile_inspect(path, error, sizeof error), 0);
    check_holds("12 garbage\n");
    assert_int_equal(pidfile_inspect("/dev/null", error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, "no regular file"));
}

static void remove__own_number__removed(void **state)
{
    (void)state;
    check_written();
    pidfile_remove(path);
    assert_int_equal(access(path, F_OK), -1);
    pidfile_remove(path);
    pidfile_remove(NULL);
    check_written();
    read_errno = EIO; /* so whose it is cannot be told */
    pidfile_remove(path);
    read_errno = 0;
    assert_int_equal(access(path, F_OK), 0);
}

static void remove__number_of_another__stays(void **state)
{
    (void)state;
    put("1\n");
    pidfile_remove(path);
    check_holds("1\n");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(write__nothing_there__number_and_newline, start),
        cmocka_unit_test_setup(write__garbage_or_dead_there__replaced, start),
        cmocka_unit_test_setup(write__something_else_there__left_alone, start),
        cmocka_unit_test_setup(write__living_server_there__refused, start),
        cmocka_unit_test_setup(write__living_stranger_there__replaced, start),
        cmocka_unit_test_setup(write__cannot__says_why_and_leaves_nothing, start),
        cmocka_unit_test_setup(write__no_regular_file_there__refused_and_left_alone, start),
        cmocka_unit_test_setup(inspect__free_dead_or_no_file__said_and_nothing_written, start),
        cmocka_unit_test_setup(remove__own_number__removed, start),
        cmocka_unit_test_setup(remove__number_of_another__stays, start),
        cmocka_unit_test_setup(write__number_does_not_come_to_the_disk__says_why_and_the_old_one_stays,
                               start),
    };

    title_init(argc, argv);
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
