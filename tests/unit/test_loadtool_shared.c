/* Memory that a parent and its children both see, and what happens when the kernel has none. */
#include "loadtool/shared.h"

#include "tests/support/cmocka_all.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* wrap: memfd_create ftruncate */

enum { BYTES = 4096 };

static int memfd_errno, ftruncate_errno, last_fd;

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __real_ftruncate(int fd, off_t length);
int __wrap_ftruncate(int fd, off_t length);

int __wrap_memfd_create(const char *name, unsigned flags)
{
    errno = memfd_errno;
    last_fd = memfd_errno ? -1 : __real_memfd_create(name, flags);
    return last_fd;
}

int __wrap_ftruncate(int fd, off_t length)
{
    errno = ftruncate_errno;
    return ftruncate_errno ? -1 : __real_ftruncate(fd, length);
}

static int begin(void **state)
{
    (void)state;
    memfd_errno = ftruncate_errno = 0;
    return 0;
}

static void make__child_writes__parent_sees_it(void **state)
{
    struct shared shared = {0};
    int status;

    (void)state;
    assert_int_equal(shared_make(&shared, "test", BYTES), 0);
    assert_int_equal(((char *)shared.at)[BYTES - 1], 0);
    assert_true(fcntl(shared.fd, F_GETFD) & FD_CLOEXEC);
    pid_t child = fork();
    if (child == 0) {
        char *mine = shared_map(shared.fd, BYTES);
        if (mine)
            mine[BYTES - 1] = 'x';
        _exit(mine ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(((char *)shared.at)[BYTES - 1], 'x');
    shared_free(&shared);
    assert_null(shared.at);
    assert_int_equal(fcntl(last_fd, F_GETFD), -1);
    shared_free(&shared); /* harmless */
}

static void make__no_descriptor__error_and_nothing(void **state)
{
    struct shared shared = {0};

    (void)state;
    memfd_errno = EMFILE;
    assert_int_equal(shared_make(&shared, "test", BYTES), -EMFILE);
    assert_null(shared.at);
}

static void make__no_memory__error_and_the_descriptor_closed(void **state)
{
    struct shared shared = {0};

    (void)state;
    ftruncate_errno = ENOMEM;
    assert_int_equal(shared_make(&shared, "test", BYTES), -ENOMEM);
    assert_null(shared.at);
    assert_int_equal(fcntl(last_fd, F_GETFD), -1);
}

static void map__no_memory_behind_it__null(void **state)
{
    (void)state;
    assert_null(shared_map(-1, BYTES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(make__child_writes__parent_sees_it, begin),
        cmocka_unit_test_setup(make__no_descriptor__error_and_nothing, begin),
        cmocka_unit_test_setup(make__no_memory__error_and_the_descriptor_closed, begin),
        cmocka_unit_test_setup(map__no_memory_behind_it__null, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
