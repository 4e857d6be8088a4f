/* wrap: calloc */
#include "loadtool/felt.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/support/cmocka_all.h"

static const uint64_t ms = 1000000;

static struct felt_marks marks;
static struct felt felt;
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
    felt_marks_init(&marks);
    return felt_init(&felt, &marks);
}

static int stop(void **state)
{
    (void)state;
    felt_free(&felt);
    felt_marks_free(&marks);
    return 0;
}

/* Enough replies to have a p99, all sent and answered at these times. */
static void reply(uint64_t sent_ms, uint64_t now_ms, bool is_right)
{
    for (int i = 0; i < FELT_REPLIES_MIN; i++)
        felt_reply(&felt, sent_ms * ms, now_ms * ms, is_right);
}

static uint64_t replies(enum plan_mode mode)
{
    return felt_result_of(&felt, mode).replies;
}

static void reply__before_during_and_after_a_death__is_calm_felt_felt_calm(void **state)
{
    (void)state;
    reply(100, 101, true);
    felt_begin(&felt, PLAN_NOREAD, 140 * ms);
    reply(150, 154, true);
    assert_int_equal(replies(PLAN_NOREAD), FELT_REPLIES_MIN);
    felt_end(&felt, PLAN_NOREAD, 200 * ms);
    reply(205, 209, false);
    reply(220, 221, true);
    struct felt_result result = felt_result_of(&felt, PLAN_NOREAD);
    assert_int_equal(result.replies, 2 * FELT_REPLIES_MIN);
    assert_int_equal(result.replies_alone, 2 * FELT_REPLIES_MIN);
    assert_int_equal(result.wrong_replies, FELT_REPLIES_MIN);
    assert_true(result.p99_ratio > 3.9 && result.p99_ratio < 4.1);
    assert_in_range(felt_calm(&felt).p99_ns, ms, ms + ms / 100);
}

static void reply__held_up_by_a_death__is_felt_however_late_it_comes(void **state)
{
    (void)state;
    reply(100, 101, true);
    felt_begin(&felt, PLAN_RST, 205 * ms);
    felt_end(&felt, PLAN_RST, 205 * ms);
    reply(200, 505, true); /* sent before it */
    reply(215, 505, true); /* and after it */
    assert_int_equal(replies(PLAN_RST), 2 * FELT_REPLIES_MIN);
    assert_in_range(felt_calm(&felt).p99_ns, ms, ms + ms / 100);
}

static void reply__slow_before_the_death_came__is_calm_but_what_is_wrong_with_it_is_not(void **state)
{
    (void)state;
    felt_begin(&felt, PLAN_RST, 400 * ms);
    felt_end(&felt, PLAN_RST, 400 * ms);
    reply(200, 505, false);
    felt_found(&felt, 200 * ms, 505 * ms, 3);
    assert_int_equal(replies(PLAN_RST), 0);
    assert_int_equal(felt_calm(&felt).replies, FELT_REPLIES_MIN);
    assert_int_equal(felt_result_of(&felt, PLAN_RST).wrong_replies, FELT_REPLIES_MIN);
    assert_int_equal(felt_result_of(&felt, PLAN_RST).wrong_bytes, 3);
    assert_int_equal(felt_calm(&felt).wrong_bytes, 0);
}

static void reply__two_modes_overlap__counts_for_each_and_for_none_alone(void **state)
{
    (void)state;
    felt_begin(&felt, PLAN_RST, 90 * ms);
    felt_begin(&felt, PLAN_RST, 91 * ms);
    felt_begin(&felt, PLAN_FIN, 95 * ms);
    felt_end(&felt, PLAN_FIN, 100 * ms);
    reply(104, 105, true);
    felt_end(&felt, PLAN_RST, 107 * ms);
    reply(124, 125, true); /* one of two is still at work */
    assert_int_equal(replies(PLAN_FIN), FELT_REPLIES_MIN);
    assert_int_equal(replies(PLAN_RST), 2 * FELT_REPLIES_MIN);
    assert_int_equal(felt_result_of(&felt, PLAN_FIN).replies_alone, 0);
    assert_int_equal(felt_result_of(&felt, PLAN_RST).replies_alone, FELT_REPLIES_MIN);
    assert_int_equal(felt.shared_replies, FELT_REPLIES_MIN);
    felt_end(&felt, PLAN_RST, 130 * ms);
    reply(151, 152, true);
    assert_int_equal(replies(PLAN_RST), 2 * FELT_REPLIES_MIN);
    assert_true(felt_calm(&felt).p99_ns > 0);
}

static void found__modes_at_work_at_other_times__have_their_own_bytes_each(void **state)
{
    (void)state;
    felt_begin(&felt, PLAN_RST, 100 * ms);
    felt_found(&felt, 101 * ms, 102 * ms, 7);
    felt_begin(&felt, PLAN_FIN, 103 * ms);
    felt_found(&felt, 104 * ms, 105 * ms, 2);
    felt_end(&felt, PLAN_RST, 110 * ms);
    felt_found(&felt, 140 * ms, 141 * ms, 30);
    felt_end(&felt, PLAN_FIN, 145 * ms);
    felt_found(&felt, 300 * ms, 301 * ms, 100);
    assert_int_equal(felt_result_of(&felt, PLAN_RST).wrong_bytes, 9);
    assert_int_equal(felt_result_of(&felt, PLAN_RST).wrong_bytes_alone, 7);
    assert_int_equal(felt_result_of(&felt, PLAN_FIN).wrong_bytes, 32);
    assert_int_equal(felt_result_of(&felt, PLAN_FIN).wrong_bytes_alone, 30);
    assert_int_equal(felt_result_of(&felt, PLAN_HALFCLOSE).wrong_bytes, 0);
    assert_int_equal(felt_calm(&felt).wrong_bytes, 100);
}

static void found__a_death_longer_than_is_remembered__is_felt_to_its_end(void **state)
{
    uint64_t long_ms = 2 * FELT_BUCKETS * (FELT_BUCKET_NS / ms);

    (void)state;
    felt_begin(&felt, PLAN_NOREAD, 100 * ms);
    felt_end(&felt, PLAN_NOREAD, (100 + long_ms) * ms);
    felt_found(&felt, 50 * ms, (long_ms + 90) * ms, 1);
    assert_int_equal(felt_result_of(&felt, PLAN_NOREAD).wrong_bytes, 1);
    felt_found(&felt, (long_ms + 200) * ms, (long_ms + 201) * ms, 1); /* the marks of old are not its own */
    assert_int_equal(felt_calm(&felt).wrong_bytes, 1);
}

static void result__too_few_replies__has_no_ratio(void **state)
{
    (void)state;
    felt_begin(&felt, PLAN_RST, 95 * ms);
    reply(99, 100, true);
    assert_true(felt_result_of(&felt, PLAN_RST).p99_ratio == 0.0); /* there was no calm */
    felt_end(&felt, PLAN_RST, 100 * ms);
    felt_reply(&felt, 200 * ms, 201 * ms, true);
    assert_int_equal(felt_calm(&felt).p99_ns, 0);
    assert_int_equal(felt_calm(&felt).replies, 1);
}

static void end__without_a_beginning__is_harmless(void **state)
{
    (void)state;
    felt_end(&felt, PLAN_RST, 100 * ms);
    reply(104, 105, true);
    reply(124, 125, true);
    assert_int_equal(replies(PLAN_RST), FELT_REPLIES_MIN);
}

static void add__two_loops__is_their_sum(void **state)
{
    struct felt other;

    (void)state;
    assert_int_equal(felt_init(&other, &marks), 0);
    felt_begin(&felt, PLAN_RST, 95 * ms);
    felt_begin(&other, PLAN_FIN, 95 * ms); /* the marks are everybody's */
    reply(99, 100, false);
    felt_found(&felt, 99 * ms, 100 * ms, 5);
    felt_add(&other, &felt);
    felt_add(&other, &felt);
    for (enum plan_mode mode = PLAN_FIN; mode <= PLAN_RST; mode++) {
        struct felt_result result = felt_result_of(&other, mode);
        assert_int_equal(result.replies, 2 * FELT_REPLIES_MIN);
        assert_int_equal(result.wrong_replies, 2 * FELT_REPLIES_MIN);
        assert_int_equal(result.wrong_bytes, 10);
    }
    assert_int_equal(other.shared_replies, 2 * FELT_REPLIES_MIN);
    felt_free(&other);
}

static void forget__what_was_felt__is_gone_but_not_who_is_at_work(void **state)
{
    (void)state;
    felt_begin(&felt, PLAN_RST, 95 * ms);
    reply(99, 100, false);
    felt_found(&felt, 99 * ms, 100 * ms, 5);
    felt_forget(&felt);
    assert_int_equal(felt_result_of(&felt, PLAN_RST).wrong_bytes, 0);
    reply(120, 121, true);
    assert_int_equal(replies(PLAN_RST), FELT_REPLIES_MIN);
    assert_int_equal(felt_result_of(&felt, PLAN_RST).wrong_replies, 0);
}

static void init__no_memory__is_told(void **state)
{
    struct felt other;

    (void)state;
    is_failing = true;
    assert_int_equal(felt_init(&other, &marks), -ENOMEM);
    is_failing = false;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reply__before_during_and_after_a_death__is_calm_felt_felt_calm),
        TEST(reply__held_up_by_a_death__is_felt_however_late_it_comes),
        TEST(reply__slow_before_the_death_came__is_calm_but_what_is_wrong_with_it_is_not),
        TEST(reply__two_modes_overlap__counts_for_each_and_for_none_alone),
        TEST(found__modes_at_work_at_other_times__have_their_own_bytes_each),
        TEST(found__a_death_longer_than_is_remembered__is_felt_to_its_end),
        TEST(result__too_few_replies__has_no_ratio),
        TEST(end__without_a_beginning__is_harmless),
        TEST(add__two_loops__is_their_sum),
        TEST(forget__what_was_felt__is_gone_but_not_who_is_at_work),
        TEST(init__no_memory__is_told),
    };

    return cmocka_run_group_tests_name("loadtool felt", tests, NULL, NULL);
}
