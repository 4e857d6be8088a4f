/* wrap: calloc */
#include "loadtool/timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/support/cmocka_all.h"

static const uint64_t ms = 1000000;
static const uint64_t begin_ns = 5000000000;

static struct timeline timeline;
static struct timeline_outages outages;
static bool is_failing;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return is_failing ? NULL : __real_calloc(count, size);
}

static int fresh(void **state)
{
    (void)state;
    is_failing = false;
    assert_int_equal(timeline_init(&timeline), 0);
    timeline_begin(&timeline, begin_ns);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    timeline_free(&timeline);
    return 0;
}

/* A reply a millisecond, of 1 ms each. */
static void reply(uint64_t from_ms, uint64_t to_ms, uint64_t latency_ms)
{
    for (uint64_t at = from_ms; at < to_ms; at++)
        timeline_reply(&timeline, begin_ns + at * ms, latency_ms * ms);
}

static void find(uint64_t end_ms)
{
    timeline_end(&timeline, begin_ns + end_ms * ms);
    timeline_find_outages(&timeline, ms, &outages);
}

static void find__replies_all_the_time__is_none(void **state)
{
    (void)state;
    reply(0, 1000, 1);
    find(1000);
    assert_int_equal(outages.count, 0);
    assert_int_equal(outages.longest_gap_ms, 0);
}

static void find__a_gap__has_place_length_lost_modes_and_return_to_normal(void **state)
{
    (void)state;
    reply(0, 300, 1);
    timeline_death(&timeline, begin_ns + 295 * ms, 1);
    timeline_lost(&timeline, begin_ns + 310 * ms);
    reply(500, 540, 100); /* slow at first */
    reply(540, 1000, 1);
    find(1000);
    assert_int_equal(outages.count, 1);
    const struct timeline_outage *outage = &outages.list[0];
    assert_int_equal(outage->last_good_ms, 300);
    assert_int_equal(outage->gap_ms, 200);
    assert_int_equal(outage->lost, 1);
    assert_int_equal(outage->modes, 1U << 1);
    assert_true(outage->is_over && outage->is_normal);
    assert_int_equal(outage->normal_ms, 40);
    assert_int_equal(outages.longest_modes, 1U << 1);
    assert_int_equal(outages.gap_ms[1], 200);
    assert_int_equal(outages.gap_ms[0], 0);
}

static void find__to_the_end__is_not_over(void **state)
{
    (void)state;
    reply(0, 300, 1);
    find(1000);
    assert_int_equal(outages.count, 1);
    assert_false(outages.list[0].is_over);
    assert_int_equal(outages.list[0].gap_ms, 700);
}

static void find__never_as_fast_again__is_not_normal(void **state)
{
    (void)state;
    reply(0, 300, 1);
    reply(400, 1000, 50);
    find(1000);
    assert_true(outages.list[0].is_over && !outages.list[0].is_normal);
}

static void find__a_short_gap_or_a_slow_load__is_none_but_told(void **state)
{
    (void)state;
    reply(0, 300, 1);
    reply(340, 1000, 1);
    find(1000);
    assert_int_equal(outages.count, 0);
    assert_int_equal(outages.longest_gap_ms, 40);
    timeline_free(&timeline);
    fresh(state);
    for (uint64_t at = 0; at < 20; at++)
        reply(at * 100, at * 100 + 1, 1); /* ten a second: pauses of 100 ms are its nature */
    find(2000);
    assert_int_equal(outages.count, 0);
}

static void find__more_outages_than_are_kept__keeps_the_longest_in_order(void **state)
{
    (void)state;
    uint64_t at = 0;
    for (uint64_t i = 0; i < 12; i++) {
        reply(at, at + 200, 1);
        at += 200 + 100 + (i == 3 ? 0 : i) * 10;
    }
    reply(at, at + 200, 1);
    find(at + 200);
    assert_int_equal(outages.count, 12);
    assert_int_equal(outages.kept, TIMELINE_OUTAGES_MAX);
    for (size_t i = 1; i < outages.kept; i++)
        assert_true(outages.list[i].last_good_ms > outages.list[i - 1].last_good_ms);
    for (size_t i = 0; i < outages.kept; i++)
        assert_true(outages.list[i].gap_ms >= 140);
}

static void reply__before_the_beginning_after_the_end_or_an_hour__is_not_kept(void **state)
{
    (void)state;
    timeline_reply(&timeline, begin_ns - 1, ms);
    timeline_reply(&timeline, begin_ns + TIMELINE_BUCKETS * TIMELINE_BUCKET_NS, ms);
    timeline_end(&timeline, begin_ns + 1000 * ms);
    timeline_reply(&timeline, begin_ns + 500 * ms, ms);
    timeline_find_outages(&timeline, ms, &outages);
    assert_int_equal(outages.longest_gap_ms, 1000);
    timeline.begin_ns = 0;
    timeline_find_outages(&timeline, ms, &outages);
    assert_int_equal(outages.count, 0);
}

static void add__another_loop__fills_the_gap(void **state)
{
    struct timeline other = timeline;

    (void)state;
    reply(0, 300, 1);
    reply(600, 1000, 1);
    assert_int_equal(timeline_init(&timeline), 0);
    timeline_begin(&timeline, begin_ns);
    reply(300, 600, 1);
    timeline_add(&timeline, &other);
    find(1000);
    assert_int_equal(outages.longest_gap_ms, 0);
    timeline_free(&other);
}

static void init__no_memory__is_told(void **state)
{
    struct timeline other;

    (void)state;
    is_failing = true;
    assert_int_equal(timeline_init(&other), -ENOMEM);
    is_failing = false;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(find__replies_all_the_time__is_none),
        TEST(find__a_gap__has_place_length_lost_modes_and_return_to_normal),
        TEST(find__to_the_end__is_not_over),
        TEST(find__never_as_fast_again__is_not_normal),
        TEST(find__a_short_gap_or_a_slow_load__is_none_but_told),
        TEST(find__more_outages_than_are_kept__keeps_the_longest_in_order),
        TEST(reply__before_the_beginning_after_the_end_or_an_hour__is_not_kept),
        TEST(add__another_loop__fills_the_gap),
        TEST(init__no_memory__is_told),
    };

    return cmocka_run_group_tests_name("loadtool timeline", tests, NULL, NULL);
}
