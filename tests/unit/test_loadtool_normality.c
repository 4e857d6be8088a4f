#include "loadtool/normality.h"

#include "tests/support/cmocka_all.h"

enum { FIRST = 500, MS = 1000000 };

static struct normality normality;
static uint64_t limit_ns;
static uint64_t number;
static enum judgement judgement;

static int fresh(void **state)
{
    (void)state;
    normality_begin(&normality, FIRST);
    limit_ns = 2 * MS;
    return 0;
}

static void take(int buckets, struct bucket bucket)
{
    for (int i = 0; i < buckets; i++)
        normality_take(&normality, &bucket);
}

static bool judge(void)
{
    return normality_judge(&normality, limit_ns, &number, &judgement);
}

static void judge__a_hundred_replies_in_fewer_than_50_ms__waits_for_the_rest(void **state)
{
    (void)state;
    assert_false(judge());
    take(4, (struct bucket){.replies = 100});
    assert_false(judge());
    take(1, (struct bucket){.replies = 0});
    assert_true(judge());
    assert_int_equal(number, FIRST);
    assert_int_equal(judgement, JUDGED_NORMAL);
    assert_false(judge());
}

static void judge__few_replies__waits_for_a_hundred_or_a_second(void **state)
{
    (void)state;
    take(9, (struct bucket){.replies = 10});
    assert_false(judge());
    take(1, (struct bucket){.replies = 10});
    assert_true(judge());
    normality_begin(&normality, FIRST);
    take(99, (struct bucket){.replies = 0});
    take(1, (struct bucket){.replies = 1});
    assert_true(judge());
    assert_int_equal(judgement, JUDGED_NORMAL);
}

static void judge__one_in_a_hundred_slow__is_normal_and_two_are_not(void **state)
{
    (void)state;
    take(4, (struct bucket){.replies = 50});
    take(1, (struct bucket){.replies = 1, .slow = 1});
    assert_true(judge());
    assert_int_equal(judgement, JUDGED_NORMAL);
    take(1, (struct bucket){.replies = 50, .slow = 2});
    assert_true(judge());
    assert_int_equal(judgement, JUDGED_SLOW);
    assert_int_equal(number, FIRST + 1);
}

static void judge__requests_that_wait_too_long__are_slow_before_they_are_answered(void **state)
{
    (void)state;
    take(1, (struct bucket){.replies = 100});
    take(4, (struct bucket){.overdue = 10});
    assert_true(judge());
    assert_int_equal(judgement, JUDGED_SLOW);
    take(25, (struct bucket){.overdue = 10});
    assert_false(judge());
    while (number < FIRST + 30) {
        take(1, (struct bucket){.replies = 100});
        while (judge())
            assert_int_equal(judgement, number < FIRST + 30 ? JUDGED_SLOW : JUDGED_NORMAL);
    }
}

static void judge__a_high_limit__looks_for_as_long(void **state)
{
    (void)state;
    limit_ns = 200 * MS;
    take(1, (struct bucket){.replies = 1000});
    take(20, (struct bucket){.replies = 0});
    assert_false(judge()); /* who was stopped then is not overdue yet */
    take(1, (struct bucket){.overdue = 50});
    assert_true(judge());
    assert_int_equal(judgement, JUDGED_SLOW);
}

static void judge__a_limit_of_an_hour__is_judged_before_the_ring_is_full(void **state)
{
    uint64_t judged = 0;

    (void)state;
    limit_ns = UINT64_C(3600000) * MS;
    for (int i = 0; i < 3 * NORMALITY_BUCKETS; i++) {
        take(1, (struct bucket){.replies = 1});
        while (judge())
            judged++;
        assert_true(normality.end - normality.begin < NORMALITY_BUCKETS);
    }
    assert_true(judged > 2 * NORMALITY_BUCKETS);
    assert_int_equal(judgement, JUDGED_NORMAL);
}

static void judge__nobody_asks_or_normal_is_not_known__is_untold(void **state)
{
    (void)state;
    take(100, (struct bucket){.replies = 0});
    assert_true(judge());
    assert_int_equal(judgement, JUDGED_UNTOLD);
    normality_begin(&normality, FIRST);
    take(1, (struct bucket){.replies = 100, .unjudged = 1});
    take(5, (struct bucket){.replies = 100});
    assert_true(judge());
    assert_int_equal(judgement, JUDGED_UNTOLD);
    assert_true(judge());
    assert_int_equal(judgement, JUDGED_NORMAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(judge__a_hundred_replies_in_fewer_than_50_ms__waits_for_the_rest, fresh),
        cmocka_unit_test_setup(judge__few_replies__waits_for_a_hundred_or_a_second, fresh),
        cmocka_unit_test_setup(judge__one_in_a_hundred_slow__is_normal_and_two_are_not, fresh),
        cmocka_unit_test_setup(judge__requests_that_wait_too_long__are_slow_before_they_are_answered, fresh),
        cmocka_unit_test_setup(judge__a_high_limit__looks_for_as_long, fresh),
        cmocka_unit_test_setup(judge__a_limit_of_an_hour__is_judged_before_the_ring_is_full, fresh),
        cmocka_unit_test_setup(judge__nobody_asks_or_normal_is_not_known__is_untold, fresh),
    };

    return cmocka_run_group_tests_name("loadtool normality", tests, NULL, NULL);
}
