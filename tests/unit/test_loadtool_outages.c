#include "loadtool/outages.h"

#include <string.h>

#include "tests/support/cmocka_all.h"

static struct outages_search search;
static const struct outages *found = &search.found;

static int fresh(void **state)
{
    (void)state;
    memset(&search, 0, sizeof(search));
    return 0;
}

static void take(uint64_t buckets, struct bucket bucket)
{
    for (uint64_t i = 0; i < buckets; i++)
        outages_take(&search, &bucket);
}

/* A reply a millisecond, and none. */
static void reply(uint64_t ms)
{
    take(ms / BUCKET_MS, (struct bucket){.replies = 10});
}

static void pause(uint64_t ms)
{
    take(ms / BUCKET_MS, (struct bucket){.replies = 0});
}

static void find__replies_all_the_time__is_none(void **state)
{
    (void)state;
    reply(1000);
    outages_finish(&search);
    assert_int_equal(found->count, 0);
    assert_int_equal(found->longest_gap_ms, 0);
}

static void find__a_gap__has_place_length_lost_modes_and_return_to_normal(void **state)
{
    (void)state;
    take(19, (struct bucket){.replies = 10});
    take(1, (struct bucket){.replies = 10, .modes = 1U << 2}); /* 100 ms and more before: not of it */
    take(9, (struct bucket){.replies = 10});
    take(1, (struct bucket){.replies = 10, .modes = 1U << 1, .lost = 3});
    take(1, (struct bucket){.lost = 1});
    pause(190);
    reply(500);
    outages_finish(&search);
    assert_int_equal(found->count, 1);
    const struct outage *outage = &found->list[0];
    assert_int_equal(outage->last_good_ms, 300);
    assert_int_equal(outage->gap_ms, 200);
    assert_int_equal(outage->lost, 4);
    assert_int_equal(outage->modes, 1U << 1);
    assert_true(outage->is_over && !outage->is_normal);
    assert_int_equal(found->longest_modes, 1U << 1);
    assert_int_equal(found->gap_ms[1], 200);
    assert_int_equal(found->gap_ms[0], 0);
    outages_judge(&search, 40, JUDGED_NORMAL); /* amid it */
    outages_judge(&search, 52, JUDGED_SLOW);
    assert_false(outage->is_normal);
    outages_judge(&search, 54, JUDGED_NORMAL);
    outages_judge(&search, 55, JUDGED_NORMAL);
    assert_true(outage->is_normal);
    assert_int_equal(outage->normal_ms, 40);
}

static void find__to_the_end__is_not_over_and_never_normal(void **state)
{
    (void)state;
    reply(300);
    pause(700);
    outages_finish(&search);
    outages_judge(&search, 100, JUDGED_NORMAL);
    assert_int_equal(found->count, 1);
    assert_false(found->list[0].is_over || found->list[0].is_normal);
    assert_int_equal(found->list[0].gap_ms, 700);
}

static void find__a_short_gap_or_a_slow_load__is_none_but_told(void **state)
{
    (void)state;
    reply(300);
    pause(40);
    reply(660);
    outages_finish(&search);
    assert_int_equal(found->count, 0);
    assert_int_equal(found->longest_gap_ms, 40);
    fresh(state);
    for (int i = 0; i < 20; i++) { /* ten a second: pauses of 100 ms are its nature */
        take(1, (struct bucket){.replies = 1});
        pause(90);
    }
    outages_finish(&search);
    assert_int_equal(found->count, 0);
}

static void find__more_outages_than_are_kept__keeps_the_longest_in_order(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 12; i++) {
        reply(200);
        pause(100 + (i == 3 ? 0 : i) * 10);
    }
    reply(200);
    outages_finish(&search);
    assert_int_equal(found->count, 12);
    assert_int_equal(found->kept, OUTAGES_MAX);
    for (size_t i = 1; i < found->kept; i++)
        assert_true(found->list[i].last_good_ms > found->list[i - 1].last_good_ms);
    for (size_t i = 0; i < found->kept; i++)
        assert_true(found->list[i].gap_ms >= 140);
}

static void find__an_outage_after_ten_hours__is_found_as_any_other(void **state)
{
    (void)state;
    reply(UINT64_C(36000000));
    pause(300);
    reply(100);
    outages_finish(&search);
    assert_int_equal(found->count, 1);
    assert_int_equal(found->list[0].last_good_ms, 36000000);
    assert_int_equal(found->list[0].gap_ms, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(find__replies_all_the_time__is_none, fresh),
        cmocka_unit_test_setup(find__a_gap__has_place_length_lost_modes_and_return_to_normal, fresh),
        cmocka_unit_test_setup(find__to_the_end__is_not_over_and_never_normal, fresh),
        cmocka_unit_test_setup(find__a_short_gap_or_a_slow_load__is_none_but_told, fresh),
        cmocka_unit_test_setup(find__more_outages_than_are_kept__keeps_the_longest_in_order, fresh),
        cmocka_unit_test_setup(find__an_outage_after_ten_hours__is_found_as_any_other, fresh),
    };

    return cmocka_run_group_tests_name("loadtool outages", tests, NULL, NULL);
}
