#include "loadtool/schedule.h"

#include "loadtool/limits.h"
#include "tests/support/cmocka_all.h"

static const uint64_t ms = 1000000;

static void life__many_lives__are_50_to_1000_ms_and_repeatable(void **state)
{
    uint64_t shortest = UINT64_MAX;
    uint64_t longest = 0;

    (void)state;
    for (uint64_t life = 0; life < 2000; life++) {
        uint64_t ns = schedule_life_ns(5, 3, life);
        assert_in_range(ns, 50 * ms, 1000 * ms);
        assert_int_equal(ns, schedule_life_ns(5, 3, life));
        shortest = ns < shortest ? ns : shortest;
        longest = ns > longest ? ns : longest;
    }
    assert_true(shortest < 60 * ms && longest > 990 * ms);
    assert_true(schedule_life_ns(6, 3, 0) != schedule_life_ns(5, 3, 0));
    assert_true(schedule_life_ns(5, 4, 0) != schedule_life_ns(5, 3, 0));
}

static void due__an_hour_of_any_rate__does_not_drift(void **state)
{
    static const uint64_t rates[] = {1, 3, 7, 1000, 99991, LIMIT_RATE};

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        assert_int_equal(schedule_due_ns(rates[i], 0), 0);
        assert_int_equal(schedule_due_ns(rates[i], rates[i] * 3600), 3600 * 1000 * ms);
    }
}

static void arrivals__at_and_just_before_a_due_time__count_it_or_not(void **state)
{
    static const uint64_t rates[] = {1, 3, 7, 1000, 99991};

    (void)state;
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        for (uint64_t k = 1; k < 500; k++) {
            uint64_t due_ns = schedule_due_ns(rates[i], k);
            assert_int_equal(schedule_arrivals(rates[i], due_ns), k + 1);
            assert_int_equal(schedule_arrivals(rates[i], due_ns - 1), k);
        }
    }
}

static void budget__no_limit__never_ends(void **state)
{
    struct budget *budget = NULL;

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_true(schedule_take(budget, false));
}

static void budget__of_ten_for_four__keeps_one_for_each_first_message(void **state)
{
    struct budget budget;
    int taken = 0;

    (void)state;
    schedule_fill(&budget, 10, 4);
    while (schedule_take(&budget, false))
        taken++;
    assert_int_equal(taken, 6);
    for (int i = 0; i < 4; i++)
        assert_true(schedule_take(&budget, true));
    assert_int_equal(budget.left, 0);
    assert_false(schedule_take(&budget, true));
}

static void budget__a_client_that_never_connects__gives_its_message_to_the_others(void **state)
{
    struct budget budget;

    (void)state;
    schedule_fill(&budget, 2, 2);
    assert_false(schedule_take(&budget, false));
    schedule_release(&budget);
    assert_true(schedule_take(&budget, false));
    schedule_release(&budget);
    schedule_release(&budget);
    assert_int_equal(budget.reserved, 0);
}

static void budget__more_clients_than_messages__reserves_what_there_is(void **state)
{
    struct budget budget;

    (void)state;
    schedule_fill(&budget, 2, 5);
    assert_int_equal(budget.reserved, 2);
}

static void spend__more_than_there_is__takes_what_is_not_reserved(void **state)
{
    struct budget budget;

    (void)state;
    schedule_fill(&budget, 10, 4);
    schedule_spend(&budget, 2);
    assert_int_equal(budget.left, 8);
    schedule_spend(&budget, 100);
    assert_int_equal(budget.left, 4);
    schedule_spend(NULL, 100);
}

static void next__closed_loop__is_due_now(void **state)
{
    struct load load = {.flows = true};
    struct pace pace = {.place = 2};
    uint64_t due_ns = 0;

    (void)state;
    assert_true(schedule_next(&load, &pace, 77, &due_ns));
    assert_int_equal(due_ns, 77);
    load.flows = false;
    assert_false(schedule_next(&load, &pace, 77, &due_ns));
}

static void next__open_loop__waits_for_arrivals_and_keeps_their_due_times(void **state)
{
    struct load load = {.flows = true, .rate_per_s = 1000, .places = 10, .begin_ns = 500};
    struct pace pace = {.place = 2};
    uint64_t due_ns = 0;

    (void)state;
    assert_false(schedule_next(&load, &pace, 77, &due_ns));
    pace.due_count = 2;
    assert_true(schedule_next(&load, &pace, 77, &due_ns));
    assert_int_equal(due_ns, 500 + 2 * ms);
    assert_true(schedule_next(&load, &pace, 77, &due_ns));
    assert_int_equal(due_ns, 500 + 12 * ms);
    assert_false(schedule_next(&load, &pace, 77, &due_ns));
}

static void next__budget_spent__begins_nothing(void **state)
{
    struct budget budget = {.left = 1};
    struct load load = {.flows = true, .budget = &budget};
    struct pace pace = {.place = 0};
    uint64_t due_ns = 0;

    (void)state;
    assert_true(schedule_next(&load, &pace, 1, &due_ns));
    assert_false(schedule_next(&load, &pace, 1, &due_ns));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life__many_lives__are_50_to_1000_ms_and_repeatable),
        cmocka_unit_test(due__an_hour_of_any_rate__does_not_drift),
        cmocka_unit_test(arrivals__at_and_just_before_a_due_time__count_it_or_not),
        cmocka_unit_test(budget__no_limit__never_ends),
        cmocka_unit_test(budget__of_ten_for_four__keeps_one_for_each_first_message),
        cmocka_unit_test(budget__a_client_that_never_connects__gives_its_message_to_the_others),
        cmocka_unit_test(budget__more_clients_than_messages__reserves_what_there_is),
        cmocka_unit_test(spend__more_than_there_is__takes_what_is_not_reserved),
        cmocka_unit_test(next__closed_loop__is_due_now),
        cmocka_unit_test(next__open_loop__waits_for_arrivals_and_keeps_their_due_times),
        cmocka_unit_test(next__budget_spent__begins_nothing),
    };

    return cmocka_run_group_tests_name("loadtool schedule", tests, NULL, NULL);
}
