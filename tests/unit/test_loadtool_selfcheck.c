/* wrap: fopen opendir */
#include "loadtool/selfcheck.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka_all.h"

static struct selfcheck check;
static char findings[SELFCHECK_FINDINGS_MAX][SELFCHECK_FINDING_BYTES];
static bool is_blind;

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    return is_blind ? NULL : __real_fopen(path, mode);
}

DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
    return is_blind ? NULL : __real_opendir(path);
}

static int fresh(void **state)
{
    (void)state;
    is_blind = false;
    check = (struct selfcheck){.is_open_loop = true,
                               .busy_share = 0.5,
                               .lag_p99_ns = 1000000,
                               .asked_per_s = 1000,
                               .achieved_per_s = 990,
                               .little_ratio = 1.1,
                               .ports = 28000,
                               .connections = 500,
                               .has_looked = true,
                               .descriptors_left = 1000,
                               .waited_share = 0.1,
                               .steal_share = 0.01};
    return 0;
}

static void find__all_in_order__is_nothing(void **state)
{
    (void)state;
    assert_int_equal(selfcheck_find(&check, findings), 0);
    check = (struct selfcheck){.busy_share = 0}; /* nothing was looked at */
    assert_int_equal(selfcheck_find(&check, findings), 0);
}

static void assert_found(const char *word)
{
    assert_int_equal(selfcheck_find(&check, findings), 1);
    assert_non_null(strstr(findings[0], word));
    fresh(NULL);
}

static void find__each_thing_out_of_order__is_said(void **state)
{
    (void)state;
    check.busy_share = 0.97;
    assert_found("busy 97 %");
    check.lag_p99_ns = 20000000;
    assert_found("20.0 ms after they were due");
    check.achieved_per_s = 800;
    assert_found("80 % of the asked rate");
    check.little_ratio = 2;
    assert_found("Little");
    check.little_ratio = 0.5;
    assert_found("Little");
    check.connections = 27000;
    assert_found("--source");
    check.descriptors_left = 3;
    assert_found("3 descriptors");
    check.waited_share = 0.5;
    assert_found("waited for a processor for 50 %");
    check.steal_share = 0.2;
    assert_found("steal");
}

static void find__closed_loop__has_no_lag_and_no_rate(void **state)
{
    (void)state;
    check.is_open_loop = false;
    check.lag_p99_ns = 20000000;
    check.achieved_per_s = 1;
    assert_int_equal(selfcheck_find(&check, findings), 0);
}

static void read__this_machine__says_something(void **state)
{
    struct selfcheck_clock from, to;

    (void)state;
    selfcheck_read_clock(&from);
    assert_true(from.all_ticks > 0);
    selfcheck_read_clock(&to);
    assert_true(to.all_ticks >= from.all_ticks && to.waited_ns >= from.waited_ns);
    assert_true(selfcheck_count_ports() > 100);
    uint64_t left = selfcheck_count_descriptors_left();
    int fd = dup(1);
    assert_int_equal(selfcheck_count_descriptors_left(), left - 1);
    close(fd);
}

static void take_clock__two_readings__are_shares(void **state)
{
    const struct selfcheck_clock from = {.waited_ns = 100, .steal_ticks = 10, .all_ticks = 1000};
    const struct selfcheck_clock to = {.waited_ns = 350, .steal_ticks = 20, .all_ticks = 1100};

    (void)state;
    selfcheck_take_clock(&check, &from, &to, 1000);
    assert_true(check.waited_share > 0.249 && check.waited_share < 0.251);
    assert_true(check.steal_share > 0.099 && check.steal_share < 0.101);
    selfcheck_take_clock(&check, &from, &from, 0);
}

static void read__no_proc__is_zeros(void **state)
{
    struct selfcheck_clock clock;

    (void)state;
    is_blind = true;
    selfcheck_read_clock(&clock);
    assert_int_equal(clock.all_ticks + clock.waited_ns, 0);
    assert_int_equal(selfcheck_count_ports(), 0);
    assert_int_equal(selfcheck_count_descriptors_left(), 0);
}

#define TEST(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(find__all_in_order__is_nothing),
        TEST(find__each_thing_out_of_order__is_said),
        TEST(find__closed_loop__has_no_lag_and_no_rate),
        TEST(read__this_machine__says_something),
        TEST(take_clock__two_readings__are_shares),
        TEST(read__no_proc__is_zeros),
    };

    return cmocka_run_group_tests_name("loadtool selfcheck", tests, NULL, NULL);
}
