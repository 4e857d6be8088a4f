/* wrap: calloc */
/* What loops tell through their taps, brought together: two loops, and time that is the test's own. */
#include "loadtool/timeline.h"

#include <errno.h>
#include <stdlib.h>

#include "loadtool/tap.h"
#include "tests/support/cmocka_all.h"

static const uint64_t ms = 1000000;
static const uint64_t begin_ns = 5000000000;

static struct timeline timeline;
static struct tap taps[2];
static struct outages outages;
static struct disturbances_told told;
static int allocations_left = -1;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    if (allocations_left == 0)
        return NULL;
    allocations_left -= allocations_left > 0;
    return __real_calloc(count, size);
}

static int make(uint32_t loops)
{
    assert_int_equal(timeline_init(&timeline, loops), 0);
    for (uint32_t i = 0; i < loops; i++)
        tap_init(&taps[i], &timeline, i);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    make(1);
    tap_begin(&taps[0], begin_ns);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    timeline_free(&timeline);
    return 0;
}

static uint64_t at(uint64_t time_ms)
{
    return begin_ns + time_ms * ms;
}

/* A request and its reply a millisecond, of 1 ms each. */
static void reply_by(struct tap *tap, uint64_t from_ms, uint64_t to_ms)
{
    for (uint64_t time = from_ms; time < to_ms; time++) {
        tap_sent(tap, at(time) - ms);
        tap_settled(tap, at(time) - ms);
        tap_reply(tap, at(time), ms);
    }
}

static void tick_by(struct tap *tap, uint64_t from_ms, uint64_t to_ms)
{
    for (uint64_t time = from_ms; time < to_ms; time += 5)
        tap_tick(tap, at(time));
}

static void reply(uint64_t from_ms, uint64_t to_ms)
{
    reply_by(&taps[0], from_ms, to_ms);
}

static void tell(uint64_t end_ms)
{
    for (uint32_t i = 0; i < timeline.loops; i++)
        tap_end(&taps[i], at(end_ms));
    timeline_tell(&timeline, &outages, &told);
}

static void tell__a_pause_at_a_death__is_an_outage_and_a_disturbance_with_its_end(void **state)
{
    (void)state;
    timeline_set_calm(&timeline, 2 * ms);
    reply(0, 500);
    tap_death(&taps[0], at(499), 3, 1);
    for (int i = 0; i < 50; i++) /* who waits */
        tap_sent(&taps[0], at(500));
    tick_by(&taps[0], 500, 800);
    for (int i = 0; i < 50; i++) {
        tap_settled(&taps[0], at(500));
        tap_reply(&taps[0], at(800), 300 * ms);
    }
    reply(810, 2000);
    tell(2000);
    assert_int_equal(outages.count, 1);
    assert_int_equal(outages.list[0].last_good_ms, 500);
    assert_int_equal(outages.list[0].gap_ms, 300);
    assert_int_equal(outages.list[0].modes, 1U << 3);
    assert_true(outages.list[0].is_normal);
    assert_int_equal(outages.list[0].normal_ms, 10);
    assert_int_equal(told.count, 1);
    assert_int_equal(told.worst[0].last_good_ns, 499 * ms);
    assert_int_equal(told.worst[0].first_good_ns, 800 * ms);
    assert_true(told.worst[0].is_normal);
    assert_int_equal(told.worst[0].normal_ns, 311 * ms);
}

/* Most are answered as ever, a tenth of all waits: no silence, but nothing normal either. */
static void tell__a_part_is_held_up__is_not_normal_till_it_is_answered(void **state)
{
    (void)state;
    timeline_set_calm(&timeline, 2 * ms);
    reply(0, 500);
    tap_death(&taps[0], at(499), 3, 1);
    tap_sent(&taps[0], at(499));
    reply(500, 700);
    tap_settled(&taps[0], at(499));
    tap_reply(&taps[0], at(700), 201 * ms);
    reply(701, 2000);
    tell(2000);
    assert_int_equal(outages.count, 0);
    assert_true(told.worst[0].is_normal);
    assert_in_range(told.worst[0].normal_ns, 100 * ms, 202 * ms); /* as one in a hundred weighs */
    assert_true(told.silences.max_ns <= 2 * ms);
}

static void tell__no_calm_is_known__is_untold(void **state)
{
    (void)state;
    reply(0, 500);
    tap_death(&taps[0], at(499), 3, 1);
    reply(500, 1000);
    tell(1000);
    assert_int_equal(told.untold, 1);
    assert_int_equal(told.silences.count, 1);
}

static void tell__two_loops__a_gap_of_one_is_filled_by_the_other(void **state)
{
    stop(state);
    make(2);
    tap_begin(&taps[0], begin_ns);
    tap_begin(&taps[1], begin_ns);
    reply_by(&taps[0], 0, 300);
    tick_by(&taps[0], 300, 600);
    reply_by(&taps[0], 600, 1000);
    tick_by(&taps[1], 0, 300);
    reply_by(&taps[1], 300, 600);
    tap_death(&taps[1], at(601), 1, 1);
    tick_by(&taps[1], 600, 1000);
    tell(1000);
    assert_int_equal(outages.longest_gap_ms, 0);
    assert_int_equal(told.count, 1);
    assert_true(told.silences.max_ns <= 2 * ms);
}

static void tell__a_loop_that_stands_still__is_not_waited_for_for_ever(void **state)
{
    uint64_t end_ms = 2 * TIMELINE_BUCKETS * BUCKET_MS;

    stop(state);
    make(2);
    tap_begin(&taps[0], begin_ns);
    tap_begin(&taps[1], begin_ns);
    reply_by(&taps[0], 0, end_ms);
    assert_true(timeline.next > bucket_of(begin_ns) + TIMELINE_BUCKETS / 2);
    reply_by(&taps[1], 0, 100); /* what is so late is too late, and harms nothing */
    tell(end_ms);
    assert_int_equal(outages.longest_gap_ms, 0);
}

static void tell__all_stand_still_for_longer_than_memory__is_one_long_gap(void **state)
{
    uint64_t long_ms = 2 * TIMELINE_BUCKETS * BUCKET_MS;

    (void)state;
    reply(0, 300);
    tap_sent(&taps[0], at(299));
    tap_settled(&taps[0], at(299));
    reply(300 + long_ms, 600 + long_ms);
    tell(600 + long_ms);
    assert_int_equal(outages.count, 1);
    assert_int_equal(outages.longest_gap_ms, long_ms);
}

static void tell__before_the_beginning_or_after_the_end__is_not_counted(void **state)
{
    (void)state;
    stop(state);
    make(1);
    reply(0, 50);
    tap_death(&taps[0], at(20), 1, 1);
    tap_lost(&taps[0], at(48), at(49));
    tap_sent(&taps[0], at(48));
    tap_begin(&taps[0], at(100));
    tap_begin(&taps[0], at(110)); /* no second time */
    tap_reply(&taps[0], at(99), ms);
    tap_end(&taps[0], at(200));
    tap_reply(&taps[0], at(150), ms);
    tap_death(&taps[0], at(300), 1, 1);
    tap_end(&taps[0], at(400));
    timeline_tell(&timeline, &outages, &told);
    assert_int_equal(outages.longest_gap_ms, 100);
    assert_int_equal(told.count + told.lost + told.lost_apart, 0);
}

static void tell__the_load_never_began__is_nothing(void **state)
{
    (void)state;
    stop(state);
    make(1);
    tap_tick(&taps[0], at(0));
    timeline_deliver(&timeline, 0, bucket_of(at(0)), &(struct bucket){.replies = 1}, bucket_of(at(10)));
    tell(100);
    assert_int_equal(outages.longest_gap_ms + outages.count + told.count, 0);
}

static void lost__requests_and_clients__are_told_also_after_the_end(void **state)
{
    (void)state;
    reply(0, 100);
    tap_sent(&taps[0], at(100));
    tap_sent(&taps[0], at(100));
    tap_death(&taps[0], at(101), 2, 1);
    tap_lost(&taps[0], at(100), at(102));
    tap_ended(&taps[0], at(102));
    tick_by(&taps[0], 100, 300);
    tap_end(&taps[0], at(300));
    tap_lost(&taps[0], at(100), at(900)); /* it had waited for too long */
    timeline_tell(&timeline, &outages, &told);
    assert_int_equal(told.lost, 2);
    assert_int_equal(outages.list[0].lost, 1);
}

static uint32_t latest_overdue(void)
{
    return timeline.normality.buckets[(timeline.normality.end - 1) % NORMALITY_BUCKETS].overdue;
}

/* A request may wait for longer than the tap remembers when each was sent. */
static void overdue__for_a_minute__is_counted_all_the_time(void **state)
{
    uint64_t minute_ms = 60000;

    (void)state;
    timeline_set_calm(&timeline, 2 * ms);
    tap_sent(&taps[0], at(5));
    tick_by(&taps[0], 0, minute_ms);
    assert_int_equal(latest_overdue(), 1);
    assert_int_equal(taps[0].ancient, 1);
    assert_int_equal(taps[0].outstanding, 1);
    tap_settled(&taps[0], at(5));
    assert_int_equal(taps[0].ancient, 0);
    tap_sent(&taps[0], at(10)); /* told of a minute late */
    assert_int_equal(taps[0].ancient, 1);
    tap_settled(&taps[0], at(10));
    timeline_set_calm(&timeline, UINT64_C(3600000) * ms); /* nothing is slow then */
    tap_sent(&taps[0], at(minute_ms));
    tick_by(&taps[0], minute_ms, minute_ms + 100);
    assert_int_equal(latest_overdue(), 0);
}

static void init__no_memory__is_told(void **state)
{
    (void)state;
    for (int allowed = 0; allowed < 2; allowed++) {
        struct timeline *other = malloc(sizeof(*other));
        allocations_left = allowed;
        assert_int_equal(timeline_init(other, 1), -ENOMEM);
        allocations_left = -1;
        timeline_free(other);
        free(other);
    }
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(tell__a_pause_at_a_death__is_an_outage_and_a_disturbance_with_its_end),
        TEST(tell__a_part_is_held_up__is_not_normal_till_it_is_answered),
        TEST(tell__no_calm_is_known__is_untold),
        TEST(tell__two_loops__a_gap_of_one_is_filled_by_the_other),
        TEST(tell__a_loop_that_stands_still__is_not_waited_for_for_ever),
        TEST(tell__all_stand_still_for_longer_than_memory__is_one_long_gap),
        TEST(tell__before_the_beginning_or_after_the_end__is_not_counted),
        TEST(tell__the_load_never_began__is_nothing),
        TEST(lost__requests_and_clients__are_told_also_after_the_end),
        TEST(overdue__for_a_minute__is_counted_all_the_time),
        TEST(init__no_memory__is_told),
    };

    return cmocka_run_group_tests_name("loadtool timeline", tests, NULL, NULL);
}
