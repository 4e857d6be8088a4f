/* wrap: getrlimit setrlimit */
#include "loadtool/descriptors.h"

#include <errno.h>
#include <sys/resource.h>

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"

int __wrap_getrlimit(int resource, struct rlimit *limit);
int __wrap_setrlimit(int resource, const struct rlimit *limit);

static struct rlimit now;
static int fails; /* errno of both calls */
static int sets;

int __wrap_getrlimit(int resource, struct rlimit *limit)
{
    assert_int_equal(resource, RLIMIT_NOFILE);
    *limit = now;
    errno = fails;
    return fails != 0 && sets == 0 ? -1 : 0;
}

int __wrap_setrlimit(int resource, const struct rlimit *limit)
{
    assert_int_equal(resource, RLIMIT_NOFILE);
    now = *limit;
    errno = EPERM;
    sets++;
    return sets > 100 ? -1 : 0;
}

static int provide(uint64_t clients, uint64_t soft, uint64_t hard, uint64_t *needed, uint64_t *limit)
{
    now = (struct rlimit){.rlim_cur = soft, .rlim_max = hard};
    return descriptors_provide(clients, needed, limit);
}

static void provide__soft_limit_high_enough__is_left_alone(void **state)
{
    uint64_t needed = 0, limit = 0;

    (void)state;
    sets = 0;
    assert_int_equal(provide(500, 1024, 4096, &needed, &limit), 0);
    assert_int_equal(sets, 0);
}

static void provide__soft_limit_too_low__is_raised(void **state)
{
    uint64_t needed = 0, limit = 0;

    (void)state;
    sets = 0;
    assert_int_equal(provide(2000, 1024, 4096, &needed, &limit), 0);
    assert_int_equal(now.rlim_cur, 2000 + LIMIT_SPARE_DESCRIPTORS);
    assert_int_equal(now.rlim_max, 4096);
}

static void provide__hard_limit_too_low__says_what_is_needed(void **state)
{
    uint64_t needed = 0, limit = 0;

    (void)state;
    assert_int_equal(provide(30000, 1024, 20000, &needed, &limit), -EMFILE);
    assert_int_equal(needed, 30000 + LIMIT_SPARE_DESCRIPTORS);
    assert_int_equal(limit, 20000);
}

static void provide__the_kernel_refuses__is_its_error(void **state)
{
    uint64_t needed = 0, limit = 0;

    (void)state;
    sets = 100;
    assert_int_equal(provide(2000, 1024, 4096, &needed, &limit), -EPERM);
    sets = 0;
    fails = EINVAL;
    assert_int_equal(provide(2000, 1024, 4096, &needed, &limit), -EINVAL);
    fails = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(provide__soft_limit_high_enough__is_left_alone),
        cmocka_unit_test(provide__soft_limit_too_low__is_raised),
        cmocka_unit_test(provide__hard_limit_too_low__says_what_is_needed),
        cmocka_unit_test(provide__the_kernel_refuses__is_its_error),
    };

    return cmocka_run_group_tests_name("loadtool descriptors", tests, NULL, NULL);
}
