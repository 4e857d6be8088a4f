/* Sockets in the file system: whose path it is, and what makes room. (What errors say: test_listener_failures.c.) */
/* wrap: socket connect lstat unlink */
#include "tests/support/cmocka_all.h"

#include "master/unix_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[] = "/tmp/test_unix_path.XXXXXX";
static char error[256];
static struct sockaddr_storage address;
static const char *path;

static int socket_errno, connect_errno, unlink_errno; /* of the code under test; 0: it works */
static unsigned lstats_before_change;                 /* then another file is there; UINT_MAX: never */
static enum { OTHER_INODE, OTHER_DEVICE, GONE } change;

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol)
{
    errno = socket_errno;
    return socket_errno ? -1 : __real_socket(family, type, protocol);
}

int __real_connect(int fd, const struct sockaddr *asked, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *asked, socklen_t length);
int __wrap_connect(int fd, const struct sockaddr *asked, socklen_t length)
{
    errno = connect_errno;
    return connect_errno ? -1 : __real_connect(fd, asked, length);
}

int __real_unlink(const char *asked);
int __wrap_unlink(const char *asked);
int __wrap_unlink(const char *asked)
{
    errno = unlink_errno;
    return unlink_errno ? -1 : __real_unlink(asked);
}

int __real_lstat(const char *asked, struct stat *status);
int __wrap_lstat(const char *asked, struct stat *status);
int __wrap_lstat(const char *asked, struct stat *status)
{
    int result = __real_lstat(asked, status);

    if (lstats_before_change > 0) {
        lstats_before_change -= lstats_before_change != UINT_MAX;
        return result;
    }
    status->st_ino += change == OTHER_INODE;
    status->st_dev += change == OTHER_DEVICE;
    errno = ENOENT;
    return change == GONE ? -1 : result;
}

static int start(void **state)
{
    (void)state;
    socket_errno = connect_errno = unlink_errno = 0;
    lstats_before_change = UINT_MAX;
    return 0;
}

static int make_directory(void **state)
{
    struct sockaddr_un *unix_address = (void *)&address;

    (void)state;
    unix_address->sun_family = AF_UNIX;
    if (!mkdtemp(directory))
        return -1;
    snprintf(unix_address->sun_path, sizeof unix_address->sun_path, "%s/socket", directory);
    path = unix_address->sun_path;
    return 0;
}

/* Fails when anything is left in the directory. */
static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int bind_one(int *fd)
{
    error[0] = '\0';
    *fd = __real_socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(*fd >= 0);
    return unix_path_bind(*fd, &address, sizeof(struct sockaddr_un), 0600, error, sizeof error);
}

static void bind__fresh_path__has_the_mode_at_once(void **state)
{
    struct stat status;
    int fd;

    (void)state;
    assert_int_equal(bind_one(&fd), 0);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    close(fd);
    unlink(path);
}

static void bind__left_over_socket__takes_its_place(void **state)
{
    dev_t dev;
    ino_t ino;
    int first, second;

    (void)state;
    assert_int_equal(bind_one(&first), 0);
    close(first); /* nobody listens, the path stays */
    assert_int_equal(bind_one(&second), 0);
    unix_path_identify(path, &dev, &ino);
    unix_path_remove(path, dev, ino);
    assert_int_equal(access(path, F_OK), -1);
    close(second);
}

static void bind__somebody_listens__in_use_and_left_alone(void **state)
{
    int first, second;

    (void)state;
    assert_int_equal(bind_one(&first), 0);
    assert_int_equal(listen(first, 1), 0);
    assert_int_equal(bind_one(&second), -EADDRINUSE);
    assert_string_equal(error, "");
    assert_int_equal(access(path, F_OK), 0);
    close(first);
    close(second);
    unlink(path);
}

static void bind__a_file_is_there__left_alone_and_said(void **state)
{
    int fd;

    (void)state;
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(bind_one(&fd), -EADDRINUSE);
    assert_non_null(strstr(error, "no socket"));
    close(fd);
    assert_int_equal(unlink(path), 0);
}

/* A socket that nobody listens on lies there. */
static void leave_one_over(void)
{
    int fd;

    assert_int_equal(bind_one(&fd), 0);
    close(fd);
}

static void expect_left_alone(void)
{
    int fd;

    assert_int_equal(bind_one(&fd), -EADDRINUSE);
    close(fd);
    start(NULL);
    assert_int_equal(access(path, F_OK), 0);
}

static void bind__cannot_be_asked_whether_somebody_listens__left_alone(void **state)
{
    (void)state;
    leave_one_over();
    socket_errno = EMFILE;
    expect_left_alone();
    connect_errno = EACCES;
    expect_left_alone();
    unlink(path);
}

/* Another server has put its own socket there, or is about to. */
static void bind__changes_while_it_is_looked_at__left_alone(void **state)
{
    (void)state;
    leave_one_over();
    for (change = OTHER_INODE; change <= GONE; change++) {
        lstats_before_change = 1;
        expect_left_alone();
    }
    change = GONE;
    lstats_before_change = 0; /* at once */
    expect_left_alone();
    unlink(path);
}

static void bind__left_over_socket_cannot_be_removed__said(void **state)
{
    int fd;

    (void)state;
    leave_one_over();
    unlink_errno = EROFS;
    assert_int_equal(bind_one(&fd), -EADDRINUSE);
    assert_non_null(strstr(error, "cannot be removed: Read-only file system"));
    unlink_errno = 0;
    close(fd);
    unlink(path);
}

static void bind__abstract_name_in_use__nothing_to_remove(void **state)
{
    struct sockaddr_storage abstract = {.ss_family = AF_UNIX};
    socklen_t length = sizeof abstract;
    int first = __real_socket(AF_UNIX, SOCK_STREAM, 0), second = __real_socket(AF_UNIX, SOCK_STREAM, 0);

    (void)state;
    assert_int_equal(bind(first, (void *)&abstract, sizeof(sa_family_t)), 0); /* the kernel chooses a name */
    assert_int_equal(getsockname(first, (void *)&abstract, &length), 0);
    assert_int_equal(unix_path_bind(second, &abstract, length, 0600, error, sizeof error), -EADDRINUSE);
    close(first);
    close(second);
}

static void remove__another_inode_is_there_now__left_alone(void **state)
{
    dev_t dev;
    ino_t ino;

    (void)state;
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    unix_path_identify(path, &dev, &ino);
    unix_path_remove(path, dev, ino + 1);
    unix_path_remove(path, dev + 1, ino);
    unix_path_remove(path, dev, 0);
    assert_int_equal(access(path, F_OK), 0);
    unix_path_remove(path, dev, ino);
    assert_int_equal(access(path, F_OK), -1);
}

static void identify__nothing_there__no_inode_and_nothing_to_remove(void **state)
{
    dev_t dev;
    ino_t ino = 1;

    (void)state;
    unix_path_identify(path, &dev, &ino);
    assert_int_equal(ino, 0);
    unix_path_remove(path, dev, ino);
}

static void path_of__abstract_and_other_families__none(void **state)
{
    struct sockaddr_storage other = {.ss_family = AF_UNIX};

    (void)state;
    assert_null(unix_path_of(&other));
    other.ss_family = AF_INET;
    assert_null(unix_path_of(&other));
    assert_int_equal(unix_path_inspect(&other, sizeof other, error, sizeof error), -EINVAL);
    assert_string_equal(unix_path_of(&address), path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(bind__fresh_path__has_the_mode_at_once, start),
        cmocka_unit_test_setup(bind__left_over_socket__takes_its_place, start),
        cmocka_unit_test_setup(bind__somebody_listens__in_use_and_left_alone, start),
        cmocka_unit_test_setup(bind__a_file_is_there__left_alone_and_said, start),
        cmocka_unit_test_setup(remove__another_inode_is_there_now__left_alone, start),
        cmocka_unit_test_setup(identify__nothing_there__no_inode_and_nothing_to_remove, start),
        cmocka_unit_test_setup(path_of__abstract_and_other_families__none, start),
        cmocka_unit_test_setup(bind__cannot_be_asked_whether_somebody_listens__left_alone, start),
        cmocka_unit_test_setup(bind__changes_while_it_is_looked_at__left_alone, start),
        cmocka_unit_test_setup(bind__left_over_socket_cannot_be_removed__said, start),
        cmocka_unit_test_setup(bind__abstract_name_in_use__nothing_to_remove, start),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
