/* Connections against the limit of open descriptors; the kernel's limits are made up. */
#include "tests/support/cmocka_all.h"

#include "master/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* wrap: getrlimit setrlimit */

static struct rlimit kernel_limit;
static int get_errno, set_errno;
static char error[256];
static uint32_t granted;

int __wrap_getrlimit(int resource, struct rlimit *limit);
int __wrap_setrlimit(int resource, const struct rlimit *limit);

int __wrap_getrlimit(int resource, struct rlimit *limit)
{
    assert_int_equal(resource, RLIMIT_NOFILE);
    *limit = kernel_limit;
    errno = get_errno;
    return get_errno ? -1 : 0;
}

int __wrap_setrlimit(int resource, const struct rlimit *limit)
{
    assert_int_equal(resource, RLIMIT_NOFILE);
    assert_int_equal(limit->rlim_max, kernel_limit.rlim_max);
    assert_true(limit->rlim_cur <= limit->rlim_max);
    errno = set_errno;
    if (set_errno)
        return -1;
    kernel_limit = *limit;
    return 0;
}

static int start(void **state)
{
    (void)state;
    kernel_limit = (struct rlimit){.rlim_cur = 1024, .rlim_max = 4096};
    get_errno = set_errno = 0;
    granted = 7;
    error[0] = '\0';
    return 0;
}

static int fit(uint32_t wanted, bool asked_for, uint32_t reserved)
{
    return descriptors_fit(wanted, asked_for, reserved, &granted, error, sizeof error);
}

static void fit__soft_limit_is_enough__left_alone(void **state)
{
    (void)state;
    assert_int_equal(fit(1000, true, 24), 0);
    assert_int_equal(granted, 1000);
    assert_int_equal(kernel_limit.rlim_cur, 1024);
}

static void fit__hard_limit_is_enough__soft_limit_raised_as_needed(void **state)
{
    (void)state;
    assert_int_equal(fit(4000, true, 96), 0);
    assert_int_equal(granted, 4000);
    assert_int_equal(kernel_limit.rlim_cur, 4096);
    start(NULL);
    assert_int_equal(fit(2000, false, 100), 0);
    assert_int_equal(granted, 2000);
    assert_int_equal(kernel_limit.rlim_cur, 2100);
}

static void fit__too_many_by_default__lowered(void **state)
{
    (void)state;
    assert_int_equal(fit(10000, false, 96), 0);
    assert_int_equal(granted, 4000);
    assert_int_equal(kernel_limit.rlim_cur, 4096);
}

static void fit__too_many_asked_for__error_with_the_figures(void **state)
{
    (void)state;
    assert_int_equal(fit(4001, true, 96), -EMFILE);
    assert_int_equal(granted, 7);
    assert_non_null(strstr(error, "4001"));
    assert_non_null(strstr(error, "4096"));
}

static void fit__not_even_the_reserve__error(void **state)
{
    (void)state;
    kernel_limit = (struct rlimit){.rlim_cur = 50, .rlim_max = 96};
    assert_int_equal(fit(10000, false, 96), -EMFILE);
    assert_int_equal(granted, 7);
    start(NULL);
    kernel_limit = (struct rlimit){.rlim_cur = 50, .rlim_max = 97};
    assert_int_equal(fit(10000, false, 96), 0);
    assert_int_equal(granted, 1);
}

static void fit__no_limit__granted_without_overflow(void **state)
{
    (void)state;
    kernel_limit = (struct rlimit){.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    assert_int_equal(fit(UINT32_MAX, true, UINT32_MAX), 0);
    assert_int_equal(granted, UINT32_MAX);
}

static void fit__kernel_refuses__its_errno(void **state)
{
    (void)state;
    get_errno = EFAULT;
    assert_int_equal(fit(10, false, 1), -EFAULT);
    start(NULL);
    set_errno = EPERM;
    assert_int_equal(fit(2000, false, 1), -EPERM);
    assert_int_equal(granted, 7);
    assert_non_null(strstr(error, strerror(EPERM)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(fit__soft_limit_is_enough__left_alone, start),
        cmocka_unit_test_setup(fit__hard_limit_is_enough__soft_limit_raised_as_needed, start),
        cmocka_unit_test_setup(fit__too_many_by_default__lowered, start),
        cmocka_unit_test_setup(fit__too_many_asked_for__error_with_the_figures, start),
        cmocka_unit_test_setup(fit__not_even_the_reserve__error, start),
        cmocka_unit_test_setup(fit__no_limit__granted_without_overflow, start),
        cmocka_unit_test_setup(fit__kernel_refuses__its_errno, start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
