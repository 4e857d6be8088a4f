/* wrap: calloc */
#include "loadtool/disturbances.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/support/cmocka_all.h"

static const uint64_t ms = 1000000;
static const uint64_t begin_ns = 5000000000;

static struct disturbances all;
static struct disturbances_told told;
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
    assert_int_equal(disturbances_init(&all), 0);
    disturbances_begin(&all, begin_ns);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    disturbances_free(&all);
    return 0;
}

/* All times are in ms after the beginning. */
static uint64_t at(uint64_t time_ms)
{
    return begin_ns + time_ms * ms;
}

static void reply(uint64_t from_ms, uint64_t to_ms)
{
    const struct bucket bucket = {.replies = 10, .first_ns = 0, .last_ns = 9000000};

    for (uint64_t time = from_ms; time < to_ms; time += BUCKET_MS)
        disturbances_take(&all, bucket_of(at(time)), &bucket);
}

static void judge(uint64_t time_ms, enum judgement judgement)
{
    disturbances_judge(&all, bucket_of(at(time_ms)), judgement);
}

static const struct disturbance *tell(uint64_t end_ms)
{
    disturbances_tell(&all, begin_ns, at(end_ms), &told);
    return &told.worst[0];
}

static void note__a_burst_in_ten_ms__is_one_disturbance(void **state)
{
    (void)state;
    disturbances_note(&all, at(101), 0, 1);
    disturbances_note(&all, at(108), 1, 32);
    disturbances_note(&all, at(110), 1, 1);
    disturbances_note(&all, at(109), 2, 1); /* another loop, a moment behind */
    tell(1000);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.deaths, 35);
    assert_int_equal(all.recent[0].modes, 3);
    assert_int_equal(all.recent[0].at_ns, at(101));
    assert_int_equal(all.recent[1].modes, 6);
}

static void silence__nobody_answered__has_its_ends_and_length(void **state)
{
    (void)state;
    reply(0, 300);
    disturbances_note(&all, at(295), 1, 1);
    reply(600, 1000);
    judge(300, JUDGED_SLOW);
    judge(610, JUDGED_NORMAL);
    const struct disturbance *it = tell(1000);
    assert_int_equal(it->at_ns, 295 * ms);
    assert_int_equal(it->last_good_ns, 299 * ms);
    assert_int_equal(it->first_good_ns, 600 * ms);
    assert_true(it->is_over && it->is_judged && it->is_normal);
    assert_int_equal(it->normal_ns, 315 * ms);
    assert_int_equal(it->watched_ns, 705 * ms);
    assert_int_equal(told.silences.count, 1);
    assert_int_equal(told.silences.max_ns, 301 * ms);
    assert_int_equal(told.normals.max_ns, 315 * ms);
    assert_int_equal(told.not_normal + told.untold, 0);
}

static void silence__begins_within_100_ms__is_the_longest_and_later_ones_are_not_its_own(void **state)
{
    (void)state;
    disturbances_note(&all, at(5), 1, 1);
    reply(0, 50);
    reply(70, 90);
    reply(200, 300); /* from 89 on */
    reply(500, 600); /* from 299 on */
    const struct disturbance *it = tell(600);
    assert_int_equal(it->last_good_ns, 89 * ms);
    assert_int_equal(it->first_good_ns, 200 * ms);
}

static void silence__a_death_amid_it__falls_into_it(void **state)
{
    (void)state;
    reply(0, 100);
    disturbances_note(&all, at(350), 1, 1);
    reply(400, 500);
    const struct disturbance *it = tell(500);
    assert_int_equal(it->last_good_ns, 99 * ms);
    assert_int_equal(it->first_good_ns, 400 * ms);
}

static void silence__to_the_end__is_not_over(void **state)
{
    (void)state;
    reply(0, 100);
    disturbances_note(&all, at(98), 1, 1);
    judge(90, JUDGED_SLOW);
    const struct disturbance *it = tell(500);
    assert_true(it->has_silence && !it->is_over);
    assert_int_equal(it->last_good_ns, 99 * ms);
    assert_int_equal(told.silences.count, 0);
    assert_int_equal(told.not_normal, 1);
}

static void judge__never_judged__is_untold_and_slow_to_the_end__is_not_normal(void **state)
{
    (void)state;
    disturbances_note(&all, at(50), 1, 1);
    judge(60, JUDGED_SLOW);
    judge(70, JUDGED_UNTOLD);
    disturbances_note(&all, at(80), 1, 1);
    reply(0, 100);
    tell(100);
    assert_int_equal(told.not_normal, 1);
    assert_int_equal(told.untold, 1);
    assert_int_equal(told.normals.count, 0);
}

static void judge__normal_in_its_own_bucket__is_normal_at_once(void **state)
{
    (void)state;
    disturbances_note(&all, at(55), 1, 1);
    disturbances_note(&all, at(95), 1, 1);
    judge(40, JUDGED_NORMAL); /* before it */
    judge(50, JUDGED_NORMAL);
    const struct disturbance *it = tell(100);
    assert_int_equal(told.normals.count, 1);
    assert_true(it->is_normal && it->normal_ns == 0);
}

static void lose__requests__belong_to_the_disturbance_that_met_them(void **state)
{
    (void)state;
    disturbances_note(&all, at(100), 1, 1);
    disturbances_note(&all, at(300), 1, 1);
    disturbances_note(&all, at(320), 1, 1);
    disturbances_lose(&all, at(95), at(310));  /* outstanding at the first, */
    disturbances_lose(&all, at(290), at(500)); /* and at the second */
    disturbances_lose(&all, at(150), at(160)); /* just after the first */
    disturbances_lose(&all, at(345), at(350)); /* just after the third */
    disturbances_lose(&all, at(20), at(30));   /* before them */
    disturbances_lose(&all, at(250), at(260)); /* long after the first */
    tell(1000);
    assert_int_equal(all.recent[0].lost, 2);
    assert_int_equal(all.recent[1].lost, 1);
    assert_int_equal(all.recent[2].lost, 1);
    assert_int_equal(told.lost, 4);
    assert_int_equal(told.lost_apart, 2);
    assert_int_equal(told.worst[0].at_ns, 100 * ms); /* who lost most is the worst */
}

static void note__more_than_memory_holds__counts_all_and_keeps_the_worst(void **state)
{
    enum { MANY = 3 * DISTURBANCES_RECENT };

    (void)state;
    for (uint64_t i = 0; i < MANY; i++) {
        uint64_t time = i * 20;
        reply(time, time + 10);
        disturbances_note(&all, at(time + 5), 1, 1);
        if (i == 7 || i == MANY - 7)
            disturbances_lose(&all, at(time), at(time + 6));
        judge(time, i % 100 == 50 ? JUDGED_SLOW : JUDGED_NORMAL);
    }
    tell(MANY * 20);
    assert_int_equal(told.count, MANY);
    assert_int_equal(told.deaths, MANY);
    assert_int_equal(told.lost, 2);
    assert_int_equal(told.kept, DISTURBANCES_KEPT);
    assert_int_equal(told.worst[0].lost, 1);
    assert_int_equal(told.worst[1].lost, 1);
    assert_int_equal(told.worst[0].at_ns + told.worst[1].at_ns, MANY * 20 * ms + 10 * ms);
    assert_int_equal(told.silences.count, MANY - 1);
    assert_int_equal(told.normals.count, MANY);
    for (size_t i = 2; i < told.kept; i++) /* slow ones were normal with the next */
        assert_int_equal(told.worst[i].normal_ns, 15 * ms);
}

static void tell__nothing_happened__is_empty(void **state)
{
    (void)state;
    reply(0, 100);
    tell(100);
    assert_int_equal(told.count + told.kept + told.silences.count, 0);
}

static void init__no_memory__is_told(void **state)
{
    struct disturbances *other = malloc(sizeof(*other));

    (void)state;
    is_failing = true;
    assert_int_equal(disturbances_init(other), -ENOMEM);
    disturbances_free(other);
    free(other);
    is_failing = false;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(note__a_burst_in_ten_ms__is_one_disturbance),
        TEST(silence__nobody_answered__has_its_ends_and_length),
        TEST(silence__begins_within_100_ms__is_the_longest_and_later_ones_are_not_its_own),
        TEST(silence__a_death_amid_it__falls_into_it),
        TEST(silence__to_the_end__is_not_over),
        TEST(judge__never_judged__is_untold_and_slow_to_the_end__is_not_normal),
        TEST(judge__normal_in_its_own_bucket__is_normal_at_once),
        TEST(lose__requests__belong_to_the_disturbance_that_met_them),
        TEST(note__more_than_memory_holds__counts_all_and_keeps_the_worst),
        TEST(tell__nothing_happened__is_empty),
        TEST(init__no_memory__is_told),
    };

    return cmocka_run_group_tests_name("loadtool disturbances", tests, NULL, NULL);
}
