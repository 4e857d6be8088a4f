/* The kernel's count of ends for want of memory, from a page of our own making. */
/* wrap: fopen */
#include "tests/support/cmocka_all.h"

#include "master/oom.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static char page[256];
static int open_errno;

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    if (strcmp(path, "/proc/vmstat") != 0)
        return __real_fopen(path, mode);
    errno = open_errno;
    return open_errno ? NULL : fmemopen(page, strlen(page), "r");
}

static int64_t count_in(const char *text)
{
    snprintf(page, sizeof page, "%s", text);
    return oom_kill_count();
}

static void count__among_other_lines__found(void **state)
{
    (void)state;
    open_errno = 0;
    assert_int_equal(count_in("nr_free_pages 17\noom_kill 42\nnuma_hit 9\n"), 42);
    assert_int_equal(count_in("oom_kill 0\n"), 0);
}

static void count__name_that_only_begins_alike__is_not_it(void **state)
{
    (void)state;
    open_errno = 0;
    assert_int_equal(count_in("oom_kill_other 7\n"), -1);
}

static void count__kernel_does_not_tell__minus_one(void **state)
{
    (void)state;
    open_errno = 0;
    assert_int_equal(count_in("nr_free_pages 17\n"), -1);
    open_errno = ENOENT;
    assert_int_equal(oom_kill_count(), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(count__among_other_lines__found),
        cmocka_unit_test(count__name_that_only_begins_alike__is_not_it),
        cmocka_unit_test(count__kernel_does_not_tell__minus_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
