/* wrap: calloc */
#include "loadtool/felt.h"

#include <errno.h>
#include <stdlib.h>

#include "tests/support/cmocka_all.h"

static const uint64_t ms = 1000000;

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
    return felt_init(&felt);
}

static int stop(void **state)
{
    (void)state;
    felt_free(&felt);
    return 0;
}

static void reply(uint64_t at_ms, uint64_t latency_ms, bool is_right)
{
    for (int i = 0; i < FELT_REPLIES_MIN; i++)
        felt_reply(&felt, at_ms * ms, latency_ms * ms, is_right);
}

static uint64_t replies(enum plan_mode mode)
{
    return felt_result_of(&felt, mode).replies;
}

static void reply__before_during_and_after_a_death__is_calm_felt_felt_calm(void **state)
{
    (void)state;
    reply(100, 1, true);
    felt_begin(&felt, PLAN_NOREAD);
    reply(150, 4, true);
    assert_int_equal(replies(PLAN_NOREAD), FELT_REPLIES_MIN);
    felt_end(&felt, PLAN_NOREAD, 200 * ms);
    reply(209, 4, false);
    reply(210, 1, true);
    struct felt_result result = felt_result_of(&felt, PLAN_NOREAD);
    assert_int_equal(result.replies, 2 * FELT_REPLIES_MIN);
    assert_int_equal(result.wrong, FELT_REPLIES_MIN);
    assert_true(result.p99_ratio > 3.9 && result.p99_ratio < 4.1);
    assert_in_range(felt_calm_p99_ns(&felt), ms, ms + ms / 100);
}

static void reply__two_modes_overlap__counts_for_each_as_long_as_it_is_at_work(void **state)
{
    (void)state;
    felt_begin(&felt, PLAN_RST);
    felt_begin(&felt, PLAN_RST);
    felt_begin(&felt, PLAN_FIN);
    felt_end(&felt, PLAN_FIN, 100 * ms);
    reply(105, 1, true);
    felt_end(&felt, PLAN_RST, 107 * ms);
    reply(115, 1, true); /* one of two is still at work */
    assert_int_equal(replies(PLAN_FIN), FELT_REPLIES_MIN);
    assert_int_equal(replies(PLAN_RST), 2 * FELT_REPLIES_MIN);
    felt_end(&felt, PLAN_RST, 120 * ms);
    reply(131, 1, true);
    assert_int_equal(replies(PLAN_RST), 2 * FELT_REPLIES_MIN);
    assert_true(felt_calm_p99_ns(&felt) > 0);
}

static void result__too_few_replies__has_no_ratio(void **state)
{
    (void)state;
    felt_begin(&felt, PLAN_RST);
    reply(100, 1, true);
    assert_true(felt_result_of(&felt, PLAN_RST).p99_ratio == 0.0); /* there was no calm */
    felt_end(&felt, PLAN_RST, 100 * ms);
    felt_reply(&felt, 200 * ms, ms, true);
    assert_int_equal(felt_calm_p99_ns(&felt), 0);
}

static void end__without_a_beginning__is_harmless(void **state)
{
    (void)state;
    felt_end(&felt, PLAN_RST, 100 * ms);
    reply(105, 1, true);
    reply(115, 1, true);
    assert_int_equal(replies(PLAN_RST), FELT_REPLIES_MIN);
}

static void add__two_loops__is_their_sum(void **state)
{
    struct felt other;

    (void)state;
    assert_int_equal(felt_init(&other), 0);
    felt_begin(&felt, PLAN_RST);
    reply(100, 1, false);
    felt_add(&other, &felt);
    felt_add(&other, &felt);
    assert_int_equal(felt_result_of(&other, PLAN_RST).replies, 2 * FELT_REPLIES_MIN);
    assert_int_equal(felt_result_of(&other, PLAN_RST).wrong, 2 * FELT_REPLIES_MIN);
    felt_free(&other);
}

static void init__no_memory__is_told(void **state)
{
    struct felt other;

    (void)state;
    is_failing = true;
    assert_int_equal(felt_init(&other), -ENOMEM);
    is_failing = false;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(reply__before_during_and_after_a_death__is_calm_felt_felt_calm),
        TEST(reply__two_modes_overlap__counts_for_each_as_long_as_it_is_at_work),
        TEST(result__too_few_replies__has_no_ratio),
        TEST(end__without_a_beginning__is_harmless),
        TEST(add__two_loops__is_their_sum),
        TEST(init__no_memory__is_told),
    };

    return cmocka_run_group_tests_name("loadtool felt", tests, NULL, NULL);
}
