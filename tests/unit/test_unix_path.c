/* Sockets in the file system: whose path it is, and what makes room. (What errors say: test_listener.c.) */
#include "tests/support/cmocka_all.h"

#include "master/unix_path.h"

#include <errno.h>
#include <fcntl.h>
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
    *fd = socket(AF_UNIX, SOCK_STREAM, 0);
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

static void remove__another_inode_is_there_now__left_alone(void **state)
{
    dev_t dev;
    ino_t ino;

    (void)state;
    close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    unix_path_identify(path, &dev, &ino);
    unix_path_remove(path, dev, ino + 1);
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
        cmocka_unit_test(bind__fresh_path__has_the_mode_at_once),
        cmocka_unit_test(bind__left_over_socket__takes_its_place),
        cmocka_unit_test(bind__somebody_listens__in_use_and_left_alone),
        cmocka_unit_test(bind__a_file_is_there__left_alone_and_said),
        cmocka_unit_test(remove__another_inode_is_there_now__left_alone),
        cmocka_unit_test(identify__nothing_there__no_inode_and_nothing_to_remove),
        cmocka_unit_test(path_of__abstract_and_other_families__none),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
