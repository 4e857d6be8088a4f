/* wrap: client_open client_send client_close client_fail client_note think_rest uv_hrtime calloc */
/* The control group: its ramp, its patience, its proofs, and how its clients end. */
#include "tests/unit/test_loadtool_control_group.h"

/* ---- the group ---- */

static void init__no_memory__is_told_and_can_be_freed(void **state)
{
    (void)state;
    trial.no_memory = true;
    assert_int_equal(make(CLIENTS), -ENOMEM);
    trial.no_memory = false;
    control_free(&trial.group);
    assert_null(trial.group.list);
}

static void free__twice__leaves_an_empty_group(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    control_free(&trial.group);
    control_free(&trial.group);
    assert_int_equal(trial.group.count, 0);
}

static void group__empty__is_settled_dead_and_lacks_nothing(void **state)
{
    uint64_t silences[1];

    (void)state;
    assert_int_equal(make(0), 0);
    assert_true(control_ramp(&trial.group));
    control_start(&trial.group);
    control_sweep(&trial.group, trial.now_ns);
    assert_false(control_is_alive(&trial.group));
    assert_int_equal(control_prove(&trial.group), 0);
    assert_int_equal(control_waiting_count(&trial.group), 0);
    assert_int_equal(control_list_silences_ns(&trial.group, silences), 0);
    control_close_all(&trial.group);
}

/* ---- the ramp ---- */

static void ramp__more_clients_than_may_be_on_their_way__each_settled_one_makes_room(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS_MAX), 0);
    assert_false(control_ramp(&trial.group));
    assert_int_equal(trial.group.opened_count, LIMIT_RAMP_CLIENTS);
    assert_false(control_ramp(&trial.group));
    assert_int_equal(trial.group.opened_count, LIMIT_RAMP_CLIENTS);
    connect_one(0);
    assert_int_equal(trial.group.opened_count, LIMIT_RAMP_CLIENTS); /* connected is not answered */
    answer(0, 1);
    assert_int_equal(trial.group.opened_count, LIMIT_RAMP_CLIENTS + 1);
}

static void ramp__answered_gone_or_too_late__is_over(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS), 0);
    assert_false(control_ramp(&trial.group));
    connect_one(0);
    answer(0, 1);
    end(1, FAULT_REFUSED);
    connect_one(2);
    assert_false(control_ramp(&trial.group));
    pass_ms(51);
    control_sweep(&trial.group, trial.now_ns);
    assert_true(control_ramp(&trial.group));
    answer(2, 1); /* late: it is not settled twice */
    assert_true(control_ramp(&trial.group));
    assert_int_equal(trial.group.unsettled_count, 0);
    assert_int_equal(trial.group.answered_count, 2);
    assert_int_equal(trial.group.gone_count, 1);
}

static void ramp__answered__says_nothing_more_till_the_start(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(trial.sends[i], 1);
    control_start(&trial.group);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(trial.sends[i], 2);
}

static void start__who_waits_or_is_gone__is_let_be(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS), 0);
    (void)control_ramp(&trial.group);
    connect_one(0);
    end(1, FAULT_REFUSED);
    connect_one(2);
    answer(2, 1);
    control_start(&trial.group);
    assert_int_equal(trial.sends[0], 1);
    assert_int_equal(trial.sends[1], 0);
    assert_int_equal(trial.sends[2], 2);
}

/* The first at once, the others one after the other. */
static void ramp__spread_over_a_time__opens_as_time_goes_on(void **state)
{
    (void)state;
    assert_int_equal(make(10), 0);
    trial.group.ramp_ns = 100 * MS;
    trial.group.begin_ns = trial.now_ns;
    (void)control_ramp(&trial.group);
    assert_int_equal(trial.group.opened_count, 1);
    pass_ms(50);
    (void)control_ramp(&trial.group);
    assert_int_equal(trial.group.opened_count, 6);
    pass_ms(49);
    (void)control_ramp(&trial.group);
    assert_int_equal(trial.group.opened_count, 10);
    pass_ms(1000);
    assert_false(control_ramp(&trial.group)); /* nobody is settled yet */
}

/* One seed decides all payload: a connection's number follows from its place alone. */
static void ramp__serial_numbers__are_those_of_the_places(void **state)
{
    (void)state;
    assert_int_equal(make(CLIENTS), 0);
    (void)control_ramp(&trial.group);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(at(i)->client.serial, schedule_serial(CLIENTS, i, 0));
}

/* ---- ends ---- */

static void end__of_each_kind__is_counted_as_what_it_was(void **state)
{
    (void)state;
    assert_int_equal(make(4), 0);
    (void)control_ramp(&trial.group);
    end(0, FAULT_REFUSED);
    connect_one(1);
    end(1, FAULT_CLOSED);
    for (uint32_t i = 2; i < 4; i++) {
        connect_one(i);
        end(i, FAULT_RESET);
    }
    assert_int_equal(trial.counts.clients, 4);
    assert_int_equal(trial.counts.refused, 1);
    assert_int_equal(trial.counts.lost, 3);
    assert_int_equal(trial.counts.closed, 1);
    assert_int_equal(trial.counts.reset, 2);
    assert_int_equal(trial.group.gone_count, 4);
    assert_true(at(0)->is_gone && at(1)->is_gone && at(2)->is_gone);
    assert_false(control_is_alive(&trial.group));
}

/* ---- patience ---- */

static void sweep__connects_too_long__is_refused(void **state)
{
    (void)state;
    assert_int_equal(make(1), 0);
    (void)control_ramp(&trial.group);
    pass_ms(20);
    control_sweep(&trial.group, trial.now_ns);
    assert_int_equal(trial.counts.refused, 0);
    pass_ms(1);
    control_sweep(&trial.group, trial.now_ns);
    assert_int_equal(trial.counts.refused, 1);
    assert_int_equal(trial.noted, FAULT_TIMEOUT);
    assert_true(control_ramp(&trial.group));
}

/* It is a number of clients, not of waits; and what becomes of the connection is still of interest. */
static void sweep__waits_too_long_twice__is_counted_once_and_not_closed(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    for (int wait = 0; wait < 2; wait++) {
        pass_ms(50);
        control_sweep(&trial.group, trial.now_ns);
        assert_true(control_is_alive(&trial.group));
        assert_int_equal(control_waiting_count(&trial.group), 1);
        pass_ms(1);
        control_sweep(&trial.group, trial.now_ns);
        control_sweep(&trial.group, trial.now_ns);
        assert_false(control_is_alive(&trial.group));
        assert_int_equal(control_waiting_count(&trial.group), 0);
        assert_int_equal(trial.counts.unanswered, 1);
        assert_int_equal(trial.notes, 1);
        assert_int_equal(at(0)->client.state, CLIENT_OPEN);
        answer(0, 1);
        assert_true(control_is_alive(&trial.group));
    }
    assert_int_equal(trial.noted, FAULT_UNANSWERED);
}

/* ---- proofs ---- */

static void prove__idle_clients__send_and_lack_it_till_answered(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    trial.group.part = PART_AFTER;
    assert_int_equal(control_prove(&trial.group), CLIENTS);
    assert_int_equal(control_prove(&trial.group), CLIENTS);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(trial.sends[i], 2); /* once, not at each question */
    answer(0, 1);
    assert_int_equal(control_prove(&trial.group), CLIENTS - 1);
    assert_int_equal(control_lacking_count(&trial.group, PART_AFTER), CLIENTS - 1);
    assert_int_equal(control_lacking_count(&trial.group, PART_BEFORE), 0);
}

static void prove__reply_to_a_message_of_before__is_none(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    trial.load.flows = false;
    trial.group.part = PART_BETWEEN;
    answer(0, 1); /* begun in the part before */
    assert_int_equal(control_lacking_count(&trial.group, PART_BETWEEN), 1);
    assert_int_equal(control_prove(&trial.group), 1);
    answer(0, 1);
    assert_int_equal(control_prove(&trial.group), 0);
    assert_int_equal(control_lacking_count(&trial.group, PART_BETWEEN), 0);
}

static void prove__reply_in_a_later_part__is_none_of_the_earlier(void **state)
{
    (void)state;
    assert_int_equal(make(1), 0);
    (void)control_ramp(&trial.group);
    connect_one(0);
    trial.group.part = PART_BETWEEN;
    answer(0, 1);
    assert_int_equal(control_lacking_count(&trial.group, PART_BEFORE), 1);
}

static void prove__wrong_reply__ends_the_waiting_and_is_no_proof(void **state)
{
    (void)state;
    settle_all(1);
    trial.group.part = PART_AFTER;
    assert_int_equal(control_prove(&trial.group), 1);
    answer(0, 0);
    assert_int_equal(control_prove(&trial.group), 0);
    assert_int_equal(control_lacking_count(&trial.group, PART_AFTER), 1);
}

/* Which of them is wrong is not told. */
static void prove__one_of_two_replies_wrong__none_is_a_proof(void **state)
{
    (void)state;
    trial.load.depth = 2;
    settle_all(1);
    trial.group.part = PART_BETWEEN;
    control_start(&trial.group);
    answer_many(0, 2, 1);
    assert_int_equal(control_prove(&trial.group), 0);
    assert_int_equal(control_lacking_count(&trial.group, PART_BETWEEN), 1);
}

static void prove__right_reply_before_a_wrong_one__stays_a_proof(void **state)
{
    (void)state;
    settle_all(1);
    control_start(&trial.group);
    answer(0, 0);
    assert_int_equal(control_lacking_count(&trial.group, PART_BEFORE), 0);
}

static void prove__who_is_gone_or_waits_too_long__is_not_waited_for(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    trial.group.part = PART_AFTER;
    end(0, FAULT_CLOSED);
    assert_int_equal(control_prove(&trial.group), 2);
    answer(1, 1);
    pass_ms(51);
    control_sweep(&trial.group, trial.now_ns);
    assert_int_equal(control_prove(&trial.group), 0);
    assert_int_equal(control_lacking_count(&trial.group, PART_AFTER), 1); /* client 2, which is still there */
}

/* ---- looking at it ---- */

static void silences__of_all_that_had_a_connection__are_listed(void **state)
{
    uint64_t silences[4] = {0};

    (void)state;
    assert_int_equal(make(4), 0);
    (void)control_ramp(&trial.group);
    end(3, FAULT_REFUSED);
    for (uint32_t i = 0; i < 3; i++)
        connect_one(i);
    pass_ms(5);
    answer(1, 1);
    pass_ms(4);
    answer(0, 1);
    pass_ms(3); /* client 2 waits yet */
    assert_int_equal(control_list_silences_ns(&trial.group, silences), 3);
    histogram_sort(silences, 3);
    assert_int_equal(silences[0], 5 * MS);
    assert_int_equal(silences[1], 9 * MS);
    assert_int_equal(silences[2], 12 * MS);
}

static void measures__forgotten__silences_begin_anew(void **state)
{
    uint64_t silence = 0;

    (void)state;
    settle_all(1);
    control_start(&trial.group);
    pass_ms(40);
    answer(0, 1);
    control_forget_measures(&trial.group);
    assert_int_equal(trial.latency.count, 0);
    assert_int_equal(trial.latency_sent.count, 0);
    pass_ms(4);
    assert_int_equal(control_list_silences_ns(&trial.group, &silence), 1);
    assert_int_equal(silence, 4 * MS);
}

static void close_all__whoever_was_begun__is_closed(void **state)
{
    (void)state;
    settle_all(CLIENTS);
    control_close_all(&trial.group);
    for (uint32_t i = 0; i < CLIENTS; i++)
        assert_int_equal(at(i)->client.state, CLIENT_CLOSING);
    assert_false(control_is_alive(&trial.group));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, fresh, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(init__no_memory__is_told_and_can_be_freed),
        TEST(free__twice__leaves_an_empty_group),
        TEST(group__empty__is_settled_dead_and_lacks_nothing),
        TEST(ramp__more_clients_than_may_be_on_their_way__each_settled_one_makes_room),
        TEST(ramp__answered_gone_or_too_late__is_over),
        TEST(ramp__answered__says_nothing_more_till_the_start),
        TEST(start__who_waits_or_is_gone__is_let_be),
        TEST(ramp__spread_over_a_time__opens_as_time_goes_on),
        TEST(ramp__serial_numbers__are_those_of_the_places),
        TEST(end__of_each_kind__is_counted_as_what_it_was),
        TEST(sweep__connects_too_long__is_refused),
        TEST(sweep__waits_too_long_twice__is_counted_once_and_not_closed),
        TEST(prove__idle_clients__send_and_lack_it_till_answered),
        TEST(prove__reply_to_a_message_of_before__is_none),
        TEST(prove__reply_in_a_later_part__is_none_of_the_earlier),
        TEST(prove__wrong_reply__ends_the_waiting_and_is_no_proof),
        TEST(prove__one_of_two_replies_wrong__none_is_a_proof),
        TEST(prove__right_reply_before_a_wrong_one__stays_a_proof),
        TEST(prove__who_is_gone_or_waits_too_long__is_not_waited_for),
        TEST(silences__of_all_that_had_a_connection__are_listed),
        TEST(measures__forgotten__silences_begin_anew),
        TEST(close_all__whoever_was_begun__is_closed),
    };

    return cmocka_run_group_tests_name("loadtool control", tests, NULL, NULL);
}
