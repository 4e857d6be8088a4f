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

static void arrivals__constant__are_evenly_due(void **state)
{
    struct arrivals arrivals;

    (void)state;
    schedule_begin(&arrivals, 99991, false, 5, 0);
    for (uint64_t k = 0; k < 500; k++, schedule_advance(&arrivals)) {
        assert_int_equal(arrivals.k, k);
        assert_int_equal(arrivals.due_ns, schedule_due_ns(99991, k));
    }
}

static void arrivals__poisson__have_the_mean_and_the_spread_of_one_and_repeat(void **state)
{
    enum { COUNT = 20000 };
    struct arrivals arrivals, again, other;
    uint64_t short_waits = 0;
    uint64_t last_ns = 0;

    (void)state;
    schedule_begin(&arrivals, 1000, true, 5, 0);
    schedule_begin(&again, 1000, true, 5, 0);
    schedule_begin(&other, 1000, true, 5, 1);
    assert_true(arrivals.due_ns != other.due_ns);
    for (uint64_t k = 0; k < COUNT; k++) {
        assert_int_equal(arrivals.due_ns, again.due_ns);
        short_waits += arrivals.due_ns - last_ns < ms / 2;
        last_ns = arrivals.due_ns;
        schedule_advance(&arrivals);
        schedule_advance(&again);
    }
    assert_in_range(last_ns / COUNT, ms * 97 / 100, ms * 103 / 100);
    assert_in_range(short_waits, COUNT * 37 / 100, COUNT * 42 / 100); /* 1 - exp(-0.5) = 0.393 */
}

static void capacity__of_any_load__is_the_timeout_within_bounds(void **state)
{
    struct load load = {.places = 10};

    (void)state;
    assert_int_equal(schedule_capacity(&load, 5000 * ms), 0);
    load.rate_per_s = 1;
    assert_int_equal(schedule_capacity(&load, 5000 * ms), LIMIT_CATCHUP_MIN);
    load.rate_per_s = 1000;
    assert_int_equal(schedule_capacity(&load, 5000 * ms), 500);
    load.rate_per_s = 1000000;
    assert_int_equal(schedule_capacity(&load, 5000 * ms), LIMIT_CATCHUP_MAX);
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

static void next__closed_loop__is_due_now_up_to_the_depth(void **state)
{
    struct load load = {.flows = true, .depth = 3};
    struct pace pace = {.place = 2};
    uint64_t due_ns = 0;

    (void)state;
    assert_true(schedule_next(&load, &pace, 2, 77, &due_ns));
    assert_int_equal(due_ns, 77);
    assert_false(schedule_next(&load, &pace, 3, 77, &due_ns));
    load.flows = false;
    assert_false(schedule_next(&load, &pace, 0, 77, &due_ns));
}

static void next__open_loop__waits_for_arrivals_and_keeps_their_due_times(void **state)
{
    struct load load = {.flows = true, .rate_per_s = 1000, .places = 10};
    uint64_t queue[2];
    struct pace pace = {.capacity = 2, .due_ns = queue};
    uint64_t due_ns = 0;

    (void)state;
    assert_false(schedule_next(&load, &pace, 0, 77, &due_ns));
    for (uint64_t round = 0; round < 3; round++) {
        assert_true(schedule_arrive(&load, &pace, round + 500));
        assert_true(schedule_arrive(&load, &pace, round + 600));
        assert_false(schedule_arrive(&load, &pace, round + 700)); /* the queue is full */
        assert_true(schedule_next(&load, &pace, 0, 77, &due_ns));
        assert_int_equal(due_ns, round + 500);
        assert_true(schedule_next(&load, &pace, 0, 77, &due_ns));
        assert_int_equal(due_ns, round + 600);
        assert_false(schedule_next(&load, &pace, 0, 77, &due_ns));
    }
    assert_int_equal(load.arrivals.due, 9);
    assert_int_equal(load.arrivals.sent, 6);
    assert_int_equal(load.arrivals.missed, 3);
}

static void forget__arrivals_that_wait__are_missed(void **state)
{
    struct load load = {.flows = true, .rate_per_s = 1000, .places = 10};
    uint64_t queue[4];
    struct pace pace = {.capacity = 4, .due_ns = queue};
    uint64_t due_ns = 0;

    (void)state;
    assert_true(schedule_arrive(&load, &pace, 1));
    assert_true(schedule_arrive(&load, &pace, 2));
    schedule_forget(&load, &pace);
    assert_int_equal(load.arrivals.missed, 2);
    assert_false(schedule_next(&load, &pace, 0, 77, &due_ns));
}

static void next__budget_spent__begins_nothing(void **state)
{
    struct budget budget = {.left = 1};
    struct load load = {.flows = true, .budget = &budget};
    struct pace pace = {.place = 0};
    uint64_t due_ns = 0;

    (void)state;
    assert_true(schedule_next(&load, &pace, 0, 1, &due_ns));
    assert_false(schedule_next(&load, &pace, 0, 1, &due_ns));
}

static void serial__any_place_and_life__is_given_once(void **state)
{
    enum { PLACES = 7, LIVES = 9 };
    bool given[PLACES * LIVES + 1] = {false};

    (void)state;
    for (uint32_t place = 0; place < PLACES; place++) {
        for (uint64_t life = 0; life < LIVES; life++) {
            uint64_t serial = schedule_serial(PLACES, place, life);
            assert_in_range(serial, 1, PLACES * LIVES);
            assert_false(given[serial]);
            given[serial] = true;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(life__many_lives__are_50_to_1000_ms_and_repeatable),
        cmocka_unit_test(due__an_hour_of_any_rate__does_not_drift),
        cmocka_unit_test(arrivals__constant__are_evenly_due),
        cmocka_unit_test(arrivals__poisson__have_the_mean_and_the_spread_of_one_and_repeat),
        cmocka_unit_test(capacity__of_any_load__is_the_timeout_within_bounds),
        cmocka_unit_test(forget__arrivals_that_wait__are_missed),
        cmocka_unit_test(serial__any_place_and_life__is_given_once),
        cmocka_unit_test(budget__no_limit__never_ends),
        cmocka_unit_test(budget__of_ten_for_four__keeps_one_for_each_first_message),
        cmocka_unit_test(budget__a_client_that_never_connects__gives_its_message_to_the_others),
        cmocka_unit_test(budget__more_clients_than_messages__reserves_what_there_is),
        cmocka_unit_test(spend__more_than_there_is__takes_what_is_not_reserved),
        cmocka_unit_test(next__closed_loop__is_due_now_up_to_the_depth),
        cmocka_unit_test(next__open_loop__waits_for_arrivals_and_keeps_their_due_times),
        cmocka_unit_test(next__budget_spent__begins_nothing),
    };

    return cmocka_run_group_tests_name("loadtool schedule", tests, NULL, NULL);
}
