/* wrap: client_open client_send client_close client_fail client_note think_rest uv_hrtime calloc */
/* When the control group sends, and from when on its latencies count: closed and open loops, depth, budget.
 */
#include "tests/unit/test_loadtool_control_group.h"

static void closed_loop__answered__sends_at_once_and_latency_is_from_then(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    pass_ms(7);
    answer(0, 1);
    assert_int_equal(trial.sends[0], 3);
    pass_ms(3);
    answer(0, 1);
    assert_int_equal(trial.group.answered_count, 1); /* clients, not messages */
    assert_int_equal(trial.latency.count, 3);
    assert_int_equal(trial.latency.max_ns, 7 * MS);
}

static void closed_loop__depth_of_three__keeps_three_outstanding(void **state)
{
    (void)state;
    trial.load.depth = 3;
    settle_all(1);
    assert_int_equal(trial.sends[0], 1); /* one in the ramp, whatever the depth */
    control_start(&trial.group);
    assert_int_equal(client_outstanding_count(&at(0)->client), 3);
    pass_ms(5);
    answer(0, 1);
    assert_int_equal(client_outstanding_count(&at(0)->client), 3);
    pass_ms(6);
    answer_many(0, 2, 2); /* sent 11 ms ago */
    assert_int_equal(trial.latency.count, 4);
    assert_int_equal(trial.latency.max_ns, 11 * MS);
    control_forget_measures(&trial.group);
    pass_ms(1);
    answer(0, 1); /* sent 7 ms ago, between them */
    assert_int_equal(trial.latency.max_ns, 7 * MS);
    control_forget_measures(&trial.group);
    pass_ms(1);
    answer_many(0, 2, 2);
    assert_int_equal(trial.latency.max_ns, 2 * MS);
}

static void think__everything_answered__rests_once(void **state)
{
    (void)state;
    trial.load.think = &trial.think;
    trial.load.depth = 2;
    settle_all(1);
    assert_int_equal(trial.rests, 0); /* not in the ramp */
    control_start(&trial.group);
    assert_int_equal(trial.rests, 1);
    assert_int_equal(trial.sends[0], 1);
    control_arrival(&trial.group, 0, trial.now_ns);
    control_arrival(&trial.group, 0, trial.now_ns);
    assert_int_equal(trial.sends[0], 3);
    answer(0, 1);
    assert_int_equal(trial.rests, 1); /* one is outstanding */
    answer(0, 1);
    assert_int_equal(trial.rests, 2);
}

static void closed_loop__load_has_ceased__sends_no_more(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    trial.load.flows = false;
    answer(0, 1);
    assert_int_equal(trial.sends[0], 2);
}

/* A reply that is late delays no arrival: the next one's latency counts from when it was due. */
static void open_loop__reply_is_late__next_is_sent_then_and_was_due_before(void **state)
{
    (void)state;
    trial.load.rate_per_s = 100; /* one each 10 ms */
    settle_all(1);
    control_start(&trial.group);
    assert_int_equal(trial.sends[0], 1); /* nothing is due yet */
    control_arrival(&trial.group, 0, trial.now_ns);
    assert_int_equal(trial.sends[0], 2);
    pass_ms(10);
    control_arrival(&trial.group, 0, trial.now_ns); /* it still waits */
    assert_int_equal(trial.sends[0], 2);
    pass_ms(20);
    answer(0, 1);
    assert_int_equal(trial.latency.max_ns, 30 * MS);
    assert_int_equal(trial.sends[0], 3);
    pass_ms(15);
    control_forget_measures(&trial.group);
    answer(0, 1); /* sent 15 ms ago, due 35 ms ago */
    assert_int_equal(trial.latency.max_ns, 35 * MS);
    assert_int_equal(trial.latency_sent.max_ns, 15 * MS);
    assert_int_equal(trial.sends[0], 3);
}

static void open_loop__more_than_it_may_be_behind__the_rest_is_missed(void **state)
{
    (void)state;
    trial.load.rate_per_s = 100; /* five in a time-out: the least that a place may be behind holds */
    settle_all(1);
    for (int i = 0; i < LIMIT_CATCHUP_MIN + 2; i++)
        control_arrival(&trial.group, 0, trial.now_ns);
    assert_int_equal(control_pending_count(&trial.group), LIMIT_CATCHUP_MIN);
    assert_int_equal(trial.load.arrivals.missed, 2);
    control_start(&trial.group);
    assert_int_equal(control_pending_count(&trial.group), LIMIT_CATCHUP_MIN - 1);
    end(0, FAULT_CLOSED);
    assert_int_equal(control_pending_count(&trial.group), 0);
    assert_int_equal(trial.load.arrivals.missed, 2 + LIMIT_CATCHUP_MIN - 1);
    assert_int_equal(trial.load.arrivals.sent, 1);
}

static void open_loop__arrival_during_the_ramp__is_sent_at_its_end(void **state)
{
    (void)state;
    trial.load.rate_per_s = 100;
    settle_all(1);
    control_arrival(&trial.group, 0, trial.now_ns);
    assert_int_equal(trial.sends[0], 1);
    control_start(&trial.group);
    assert_int_equal(trial.sends[0], 2);
}

static void open_loop__client_is_gone__arrival_is_not_sent(void **state)
{
    (void)state;
    trial.load.rate_per_s = 100;
    settle_all(1);
    control_start(&trial.group);
    end(0, FAULT_RESET);
    control_arrival(&trial.group, 0, trial.now_ns);
    assert_int_equal(trial.sends[0], 1);
    assert_int_equal(trial.load.arrivals.missed, 1);
    assert_int_equal(control_pending_count(&trial.group), 0);
}

static void budget__spent__nobody_sends_and_the_refused_one_gives_its_message_back(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS), 0);
    schedule_fill(&trial.budget, 4, CLIENTS);
    trial.load.budget = &trial.budget;
    (void)control_ramp(&trial.group);
    end(0, FAULT_REFUSED);
    for (uint32_t i = 1; i < CLIENTS; i++) {
        connect_one(i);
        answer(i, 1);
    }
    assert_int_equal(trial.budget.left, 2);
    control_start(&trial.group);
    for (uint32_t i = 1; i < CLIENTS; i++)
        answer(i, 1);
    assert_int_equal(trial.sends[1] + trial.sends[2], 4);
    assert_int_equal(trial.budget.left, 0);
}

static void budget__client_ends_after_its_first_message__gives_nothing_back(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS), 0);
    schedule_fill(&trial.budget, CLIENTS, CLIENTS);
    trial.load.budget = &trial.budget;
    (void)control_ramp(&trial.group);
    connect_one(0);
    answer(0, 1);
    connect_one(1);
    end(1, FAULT_RESET);
    control_start(&trial.group);
    assert_int_equal(trial.sends[0], 1); /* what is left is client 2's */
    connect_one(2);
    assert_int_equal(trial.budget.left, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(closed_loop__answered__sends_at_once_and_latency_is_from_then),
        TEST(closed_loop__depth_of_three__keeps_three_outstanding),
        TEST(think__everything_answered__rests_once),
        TEST(closed_loop__load_has_ceased__sends_no_more),
        TEST(open_loop__reply_is_late__next_is_sent_then_and_was_due_before),
        TEST(open_loop__more_than_it_may_be_behind__the_rest_is_missed),
        TEST(open_loop__arrival_during_the_ramp__is_sent_at_its_end),
        TEST(open_loop__client_is_gone__arrival_is_not_sent),
        TEST(budget__spent__nobody_sends_and_the_refused_one_gives_its_message_back),
        TEST(budget__client_ends_after_its_first_message__gives_nothing_back),
    };

    return cmocka_run_group_tests_name("loadtool control load", tests, NULL, NULL);
}
