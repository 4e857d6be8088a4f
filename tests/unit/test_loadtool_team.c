#include "loadtool/team.h"

#include "tests/support/cmocka_all.h"

static struct team team;
static struct histogram second;

static int fresh(void **state)
{
    (void)state;
    team_init(&team, 3);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    team_free(&team);
    return 0;
}

static void post_all(int phase)
{
    for (uint32_t i = 0; i < 3; i++) {
        const struct team_report report = {.phase = phase,
                                           .has_ramped = true,
                                           .is_alive = i == 1,
                                           .is_pacing = i != 2,
                                           .control = 10 + i,
                                           .done = i,
                                           .last_done_ns = 100 * i,
                                           .seconds = 5 - i,
                                           .sums = {.right = 1000, .kills = i}};
        team_post(&team, i, &report);
    }
}

static void sum__all_reports__adds_or_joins_them(void **state)
{
    struct team_report sum;

    (void)state;
    post_all(0);
    assert_true(team_sum(&team, &sum));
    assert_true(sum.has_ramped && sum.is_alive);
    assert_false(sum.is_pacing || sum.is_serving);
    assert_int_equal(sum.control, 33);
    assert_int_equal(sum.done, 3);
    assert_int_equal(sum.last_done_ns, 200);
    assert_int_equal(sum.seconds, 3);
    assert_int_equal(sum.sums.right, 3000);
    assert_int_equal(sum.sums.kills, 3);
}

static void sum__somebody_is_not_there_yet__waits(void **state)
{
    const struct team_orders orders = {.phase = 2, .begun_ns = 7, .done_count = 4};
    const struct team_report report = {.phase = 2};
    struct team_report sum;

    (void)state;
    assert_false(team_sum(&team, &sum)); /* nobody has reported */
    post_all(0);
    assert_true(team_sum(&team, &sum));
    team_order(&team, &orders);
    assert_int_equal(team_read_orders(&team).done_count, 4);
    assert_false(team_sum(&team, &sum));
    team_post(&team, 0, &report);
    team_post(&team, 1, &report);
    assert_false(team_sum(&team, &sum));
    team_post(&team, 2, &report);
    assert_true(team_sum(&team, &sum));
}

static void end_second__of_two_loops__comes_together_and_is_forgotten_here(void **state)
{
    static struct histogram own;

    (void)state;
    histogram_init(&second);
    for (int i = 0; i < 2; i++) {
        histogram_record(&own, 1000);
        team_end_second(&team, &own); /* nobody wants it, the first time */
        assert_int_equal(own.count, 0);
        team.second = &second;
    }
    histogram_record(&own, 3000);
    team_end_second(&team, &own);
    assert_int_equal(second.count, 2);
    assert_int_equal(second.max_ns, 3000);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sum__all_reports__adds_or_joins_them),
        TEST(sum__somebody_is_not_there_yet__waits),
        TEST(end_second__of_two_loops__comes_together_and_is_forgotten_here),
    };

    return cmocka_run_group_tests_name("loadtool team", tests, NULL, NULL);
}
