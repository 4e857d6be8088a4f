/* Copies of programs: what may be copied, what a copy is like, and that nothing stays open after a failure.
 */
/* wrap: memfd_create sendfile fchmod fcntl fstat access */
#include "tests/support/cmocka_all.h"

#include "master/imagefile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/test_imagefile.XXXXXX";
static char path[PATH_MAX];
static char why[160];
static const char *failing; /* the call that fails with EIO */
static bool shorter;        /* the file ends before its size */
static bool kernel_is_old;  /* and knows no memory that may be executed only when asked for */
static size_t piece_max;    /* that sendfile takes at once; 0: all */

static bool fails(const char *call)
{
    errno = EIO;
    return failing && strcmp(failing, call) == 0;
}

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags)
{
    if (kernel_is_old && flags != MFD_ALLOW_SEALING) {
        errno = EINVAL;
        return -1;
    }
    return fails("memfd_create") ? -1 : __real_memfd_create(name, flags);
}

ssize_t __real_sendfile(int to, int from, off_t *offset, size_t count);
ssize_t __wrap_sendfile(int to, int from, off_t *offset, size_t count);
ssize_t __wrap_sendfile(int to, int from, off_t *offset, size_t count)
{
    if (shorter || fails("sendfile"))
        return shorter ? 0 : -1;
    return __real_sendfile(to, from, offset, piece_max && count > piece_max ? piece_max : count);
}

int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode)
{
    return fails("fchmod") ? -1 : __real_fchmod(fd, mode);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list arguments;

    va_start(arguments, command);
    int value = va_arg(arguments, int);
    va_end(arguments);
    return command == F_ADD_SEALS && fails("fcntl") ? -1 : __real_fcntl(fd, command, value);
}

int __real_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status)
{
    return fails("fstat") ? -1 : __real_fstat(fd, status);
}

int __real_access(const char *path_asked, int mode);
int __wrap_access(const char *path_asked, int mode);
int __wrap_access(const char *path_asked, int mode)
{
    return fails("access") ? -1 : __real_access(path_asked, mode);
}

/* ---- help ---- */

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/program", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int start(void **state)
{
    (void)state;
    failing = NULL;
    shorter = kernel_is_old = false;
    piece_max = 0;
    memset(why, 0, sizeof why);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

/* A file of that mode and text. */
static void make_file(const char *text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(__real_fchmod(fd, mode), 0);
    close(fd);
}

static int lowest_free(void)
{
    int fd = dup(STDIN_FILENO);

    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static int copy(void)
{
    return imagefile_copy(path, why, sizeof why);
}

static void expect_refused(int error, const char *reason)
{
    int free_before = lowest_free();

    assert_int_equal(copy(), error);
    assert_string_equal(why, reason);
    assert_int_equal(lowest_free(), free_before);
}

static void expect_text(int fd, const char *text)
{
    char read_back[256];

    assert_int_equal(pread(fd, read_back, sizeof read_back, 0), strlen(text));
    assert_memory_equal(read_back, text, strlen(text));
}

/* ---- a copy ---- */

static void copy__program__runs(void **state)
{
    int fd = imagefile_copy("/bin/true", why, sizeof why), status;
    char name[] = "true", *arguments[] = {name, NULL};
    pid_t pid;

    (void)state;
    assert_true(fd >= 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fexecve(fd, arguments, environ);
        _exit(9);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(fd);
}

static void copy__of_a_file__same_bytes_and_executable_and_not_close_on_exec(void **state)
{
    struct stat status;
    int fd;

    (void)state;
    make_file("the program", 0700);
    fd = copy();
    assert_true(fd >= 0);
    expect_text(fd, "the program");
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0555);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    assert_string_equal(why, "");
    close(fd);
}

static void copy__nobody__can_change_it(void **state)
{
    int fd;

    (void)state;
    make_file("the program", 0700);
    fd = copy();
    assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    assert_int_equal(pwrite(fd, "T", 1, 0), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fd, 0), -1);
    close(fd);
}

static void copy__file_replaced_afterwards__is_what_it_was(void **state)
{
    int fd;

    (void)state;
    make_file("the program", 0700);
    fd = copy();
    make_file("another", 0700);
    expect_text(fd, "the program");
    close(fd);
}

static void copy__kernel_takes_pieces__whole(void **state)
{
    int fd;

    (void)state;
    make_file("the program", 0700);
    piece_max = 3;
    fd = copy();
    assert_true(fd >= 0);
    expect_text(fd, "the program");
    close(fd);
}

static void copy__older_kernel__executable_all_the_same(void **state)
{
    struct stat status;

    (void)state;
    make_file("the program", 0700);
    kernel_is_old = true;
    int fd = copy();

    assert_true(fd >= 0);
    assert_int_equal(__real_fstat(fd, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0555);
    close(fd);
}

/* That it is no program is found by running it. */
static void copy__empty_file__copied(void **state)
{
    int fd;

    (void)state;
    make_file("", 0700);
    fd = copy();
    assert_true(fd >= 0);
    expect_text(fd, "");
    close(fd);
}

/* ---- what is refused ---- */

static void refused__missing(void **state)
{
    (void)state;
    expect_refused(-ENOENT, "No such file or directory");
}

static void refused__not_executable(void **state)
{
    (void)state;
    make_file("the program", 0644);
    expect_refused(-EACCES, "it is not executable");
}

/* Root may execute what anybody may; so it is played. */
static void refused__executable_for_others_alone(void **state)
{
    (void)state;
    make_file("the program", 0700);
    failing = "access";
    expect_refused(-EACCES, "it is not executable");
}

static void refused__directory(void **state)
{
    (void)state;
    assert_int_equal(imagefile_copy(directory, why, sizeof why), -EACCES);
    assert_string_equal(why, "it is no regular file");
}

/* It would wait for a writer for ever. */
static void refused__fifo__at_once(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0700), 0);
    alarm(10);
    expect_refused(-EACCES, "it is no regular file");
    alarm(0);
}

static void refused__device_without_end(void **state)
{
    (void)state;
    assert_int_equal(imagefile_copy("/dev/zero", why, sizeof why), -EACCES);
    assert_string_equal(why, "it is no regular file");
}

static void refused__too_large__and_no_byte_more_than_that(void **state)
{
    (void)state;
    make_file("", 0700);
    assert_int_equal(truncate(path, (off_t)IMAGEFILE_BYTES_MAX + 1), 0);
    expect_refused(-EFBIG, "it is too large for a program of this kind");
    assert_int_equal(truncate(path, IMAGEFILE_BYTES_MAX), 0);
    failing = "memfd_create"; /* far enough */
    expect_refused(-EIO, "Input/output error");
}

/* ---- what fails ---- */

static void fails__whichever_call__its_error_and_nothing_stays_open(void **state)
{
    const char *const calls[] = {"fstat", "memfd_create", "sendfile", "fchmod", "fcntl"};

    (void)state;
    make_file("the program", 0700);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        failing = calls[i];
        expect_refused(-EIO, "Input/output error");
    }
}

static void fails__file_becomes_shorter_meanwhile__no_endless_loop(void **state)
{
    (void)state;
    make_file("the program", 0700);
    shorter = true;
    expect_refused(-EIO, "Input/output error");
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, start, finish)
    const struct CMUnitTest tests[] = {
        TEST(copy__program__runs),
        TEST(copy__of_a_file__same_bytes_and_executable_and_not_close_on_exec),
        TEST(copy__nobody__can_change_it),
        TEST(copy__file_replaced_afterwards__is_what_it_was),
        TEST(copy__kernel_takes_pieces__whole),
        TEST(copy__older_kernel__executable_all_the_same),
        TEST(copy__empty_file__copied),
        TEST(refused__missing),
        TEST(refused__not_executable),
        TEST(refused__directory),
        TEST(refused__fifo__at_once),
        TEST(refused__device_without_end),
        TEST(refused__too_large__and_no_byte_more_than_that),
        TEST(fails__whichever_call__its_error_and_nothing_stays_open),
        TEST(fails__file_becomes_shorter_meanwhile__no_endless_loop),
        TEST(refused__executable_for_others_alone),
    };

    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
